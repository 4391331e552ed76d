#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Cursor, Write as _};

use proptest::prelude::*;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::*;

const FORMATS: [Format; 3] = [Format::Xlsx, Format::Json, Format::Markdown];

fn note(number: i64, text: &str, keys: &[&str]) -> PortableNote {
    PortableNote {
        number: Some(number),
        notebook: (number % 2 == 0).then(|| "ops".to_owned()),
        author: "Ann".to_owned(),
        created: Some("2026-01-02T03:04:05.678Z".parse().unwrap()),
        updated: Some("2026-02-03T04:05:06Z".parse().unwrap()),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        parts: text.split('|').map(str::to_owned).collect(),
    }
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn notes_come_back_as_they_were_from_every_format() {
    let long = "很长 😀 ".repeat(20_000);
    let notes = [
        note(1, "one|two\nlines|=1+1", &["nginx", "服务器"]),
        note(2, "  spaces stay  ", &[]),
        note(
            3,
            &format!("short|{}|last", &long[..long.floor_char_boundary(100_000)]),
            &["007", "true"],
        ),
    ];
    for format in FORMATS {
        let bytes = write(format, &notes).unwrap();
        let reading = read(&bytes).unwrap();
        assert_eq!(reading.left_out, 0, "{format:?}");
        assert_eq!(reading.notes, notes, "{format:?}");
    }
}

#[test]
fn the_predecessors_workbook_is_read_in_the_order_of_its_numbers() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, name) in ["key0", "data10", "data0", "data2", "key1"]
        .iter()
        .enumerate()
    {
        sheet
            .write_string(0, u16::try_from(column).unwrap(), *name)
            .unwrap();
    }
    for (column, text) in ["k", "third", "first", "second"].iter().enumerate() {
        sheet
            .write_string(1, u16::try_from(column).unwrap(), *text)
            .unwrap();
    }
    sheet.write_number(2, 2, 42.5).unwrap();
    sheet.write_string(3, 0, "only a key").unwrap();
    // A cell in the far corner of the sheet.
    sheet.write_string(1_048_575, 16_383, "far").unwrap();
    let reading = read(&workbook.save_to_buffer().unwrap()).unwrap();
    assert_eq!(reading.notes[0].parts, ["first", "second", "third"]);
    assert_eq!(reading.notes[0].keys, ["k"]);
    assert_eq!(reading.notes[1].parts, ["42.5"]);
    assert_eq!((reading.notes.len(), reading.left_out), (2, 1));
}

#[test]
fn what_is_packed_too_well_is_refused() {
    let zeros = vec![b' '; 40 << 20];
    let bomb = archive(&[
        ("a.md", &zeros),
        ("b.bin", &zeros),
        ("c", &zeros),
        ("d", &zeros),
    ]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(read(&bomb), Err(ReadError::TooMuch));
    let sheet = archive(&[
        ("xl/workbook.xml", b"<a/>"),
        ("1", &zeros),
        ("2", &zeros),
        ("3", &zeros),
        ("4", &zeros),
    ]);
    assert_eq!(read(&sheet), Err(ReadError::TooMuch));
}

#[test]
fn names_in_an_archive_are_no_places() {
    let tricks = archive(&[
        ("../../etc/passwd.md", b"up"),
        ("/root/x.md", b"root"),
        ("c:\\x.md", b"drive"),
        ("readme.txt", b"no note"),
        ("bad.md", b"\xff\xfe"),
        ("open.md", b"---\nnumber: 1"),
        ("empty.md", b"  \n"),
        (
            "deep.md",
            format!("---\nkeys: {}\n---\nx", "[".repeat(100_000)).as_bytes(),
        ),
    ]);
    let reading = read(&tricks).unwrap();
    assert_eq!(reading.notes.len(), 3, "{reading:?}");
    assert_eq!(reading.left_out, 4);
}

#[test]
fn broken_files_are_refused_in_words() {
    let whole = write(Format::Xlsx, &[note(1, "x", &[])]).unwrap();
    let no_data = archive(&[("xl/workbook.xml", b"<workbook/>")]);
    for (bytes, why) in [
        (&b""[..], "no workbook"),
        (b"hello", "no workbook"),
        (b"PK\x03\x04 but no archive", ""),
        (&whole[..whole.len() / 2], ""),
        (&no_data, ""),
        (b"{\"notes\": 7}", "invalid type"),
        (b"{\"version\": 9, \"notes\": []}", "newer"),
        ("[".repeat(100_000).as_bytes(), "invalid type"),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn control_characters_go_and_times_must_be_believable() {
    let odd = r#"[{"parts": ["a\u0000b\u001b[31m\r\nc\td", "\u0007"], "keys": ["k\ney", " "],
        "created": "2999-01-01T00:00:00Z", "updated": "1970-01-01T00:00:00Z"}]"#;
    let reading = read(odd.as_bytes()).unwrap();
    let note = &reading.notes[0];
    assert_eq!(note.parts, ["ab[31m\nc\td"]);
    assert_eq!(note.keys, ["k ey"]);
    let now_ms = 1_790_000_000_000;
    assert_eq!(
        (note.created_ms(now_ms), note.updated_ms(now_ms)),
        (None, None)
    );
    let good = super::tests::note(1, "x", &[]);
    assert_eq!(good.created_ms(now_ms), Some(1_767_323_045_678));
}

proptest! {
    #[test]
    fn any_text_survives_every_format(texts in prop::collection::vec("\\PC{1,40}(\n\\PC{0,20}){0,3}", 1..4)) {
        let parts: Vec<String> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
        prop_assume!(!parts.is_empty());
        let notes = [PortableNote { parts, ..note(1, "", &["k"]) }];
        for format in FORMATS {
            let reading = read(&write(format, &notes).unwrap()).unwrap();
            prop_assert_eq!(&reading.notes[..], &notes[..]);
        }
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..300), place in 0..2000_usize) {
        let _ = read(&bytes);
        let mut whole = write(Format::Xlsx, &[note(1, "x", &["k"])]).unwrap();
        for (offset, byte) in bytes.iter().take(8).enumerate() {
            let at = (place + offset * 37) % whole.len();
            whole[at] = *byte;
        }
        let _ = read(&whole);
    }
}
