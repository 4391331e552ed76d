//! Notes in and out: as files, as a graph of keys, and as news for those who follow a notebook.

use jarvis_brain::note::exchange::{Format, PortableNote, read, write};
use jarvis_tests::site::TelegramSite;

fn note(text: &str, keys: &[&str]) -> PortableNote {
    PortableNote {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        parts: vec![text.to_owned()],
        ..PortableNote::default()
    }
}

fn texts(bytes: &[u8]) -> Vec<String> {
    let notes = read(bytes).unwrap().notes;
    notes.iter().map(|note| note.parts.join("|")).collect()
}

#[tokio::test]
async fn notes_go_out_and_come_back_in_and_twice_is_once() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    ann.says("/note -k nginx -k 服务器 重启之前先看 error.log");
    ann.sees("Saved note 1").await;
    ann.says("/notebook new ops");
    ann.sees("Made the notebook ops").await;
    ann.says("/note --nb ops =HYPERLINK(\"x\") stays text");
    ann.sees("Saved note 2").await;
    bob.says("/note only Bob reads this");
    bob.sees("Saved note 3").await;
    bob.says("/expnotes --json");
    let theirs = bob.gets_file("notes.json").await;
    assert_eq!(texts(&theirs), ["only Bob reads this"]);
    ann.says("/expnotes");
    let workbook = ann.gets_file("notes.xlsx").await;
    let both = ["重启之前先看 error.log", "=HYPERLINK(\"x\") stays text"];
    assert_eq!(texts(&workbook), both);
    ann.says("/expnotes --markdown nb:ops");
    assert_eq!(texts(&ann.gets_file("notes.zip").await), both[1..]);
    ann.says("/expnotes --json error.log");
    assert_eq!(texts(&ann.gets_file("notes.json").await), both[..1]);
    ann.says("/mynotes --export");
    let mine = String::from_utf8(ann.gets_file("my-notes.json").await.to_vec()).unwrap();
    assert!(
        mine.contains("\"is_mine\": true") && mine.contains("\"key\": \"nginx\""),
        "{mine}"
    );
    assert!(!mine.contains("Bob"), "{mine}");

    ann.sends_file("notes.xlsx", workbook.clone(), "/impnotes");
    ann.sees("Nothing to do").await;
    for number in [1, 2] {
        ann.says(&format!("/delnote {number}"));
        ann.sees(&format!("Removed note {number}")).await;
    }
    ann.sends_file("notes.xlsx", workbook.clone(), "/impnotes");
    let asked = ann.sees("new: 2").await;
    assert!(
        asked.text.contains("Shared notebooks: ops"),
        "{}",
        asked.text
    );
    let _ = ann.presses("yes");
    ann.sees("Import 1 is done").await;
    ann.says("/find HYPERLINK");
    ann.sees("#2 ").await;
    ann.says("服務器");
    ann.sees("error.log").await;
    let _ = ann.presses("undo");
    ann.sees("Import 1 was taken back. Notes: 2").await;
    ann.says("/find HYPERLINK");
    ann.sees("No note that you can read fits").await;
    // Whose notebook it is decides, not the file.
    bob.sends_file("notes.xlsx", workbook, "/impnotes");
    bob.sees("so they become your own: 1").await;
    let _ = bob.presses("yes");
    bob.sees("Import 2 is done").await;
    ann.says("/find error.log");
    ann.sees("No note that you can read fits").await;
    ann.says("/impnotes --undo 2");
    ann.sees("You have no import 2").await;
}

#[tokio::test]
async fn replacing_removes_what_the_file_does_not_have_and_is_taken_back() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    for text in ["alpha stays", "beta goes", "gamma goes"] {
        ann.says(&format!("/note {text}"));
        ann.sees("Saved note").await;
    }
    let file = write(
        Format::Xlsx,
        &[
            note("alpha stays", &[]),
            note("delta comes", &["d"]),
            note("delta comes", &["d"]),
        ],
    );
    ann.sends_file("old.xlsx", file.unwrap(), "/impnotes --replace");
    let asked = ann.sees("new: 1").await;
    for count in ["there already: 2", "removed: 2"] {
        assert!(asked.text.contains(count), "{}", asked.text);
    }
    let _ = ann.presses("no");
    ann.sees("nothing was done").await;
    ann.says("/find goes");
    ann.sees("2 notes for").await;
    let again = write(
        Format::Json,
        &[note("alpha stays", &[]), note("delta comes", &["d"])],
    );
    ann.sends_file("old.json", again.unwrap(), "/impnotes --replace");
    ann.sees("removed: 2").await;
    let _ = ann.presses("yes");
    ann.sees("Import 1 is done").await;
    ann.says("/find goes");
    ann.sees("No note that you can read fits").await;
    ann.says("/find delta");
    ann.sees("1 note for").await;
    ann.says("/note --nb nowhere x");
    ann.sees("You have no notebook nowhere").await;
    ann.says("/editnote 4 delta was changed since");
    ann.sees("Changed note 4").await;
    ann.says("/impnotes --undo 1");
    let back = ann.sees("was taken back. Notes: 2").await;
    assert!(
        back.text.contains("Changed since, so they stay: 1"),
        "{}",
        back.text
    );
    ann.says("/find goes");
    ann.sees("2 notes for").await;
    ann.says("/impnotes --undo 1");
    ann.sees("was taken back already").await;
}

#[tokio::test]
async fn an_import_that_was_killed_goes_on_and_loses_and_doubles_nothing() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let many: Vec<PortableNote> = (0..12_000)
        .map(|number| note(&format!("entry{number} 服务器日志"), &["log"]))
        .collect();
    let file = write(Format::Json, &many).unwrap();
    ann.sends_file("many.json", file, "/impnotes");
    ann.sees("new: 12000").await;
    let _ = ann.presses("yes");
    ann.sees("Import 1 has begun").await;
    // Some are in, and searching goes on.
    loop {
        ann.says("/find entry0");
        let seen = ann.sees("entry0").await;
        if seen.text.contains("1 note for") {
            break;
        }
    }
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    ann.sees("Import 1 is done: many.json. Notes made or changed: 12000")
        .await;
    ann.says("/expnotes --json");
    let out = read(&ann.gets_file("notes.json").await).unwrap().notes;
    let order: Vec<&str> = out.iter().map(|note| note.parts[0].as_str()).collect();
    let wanted: Vec<&str> = many.iter().map(|note| note.parts[0].as_str()).collect();
    assert_eq!(order, wanted);
    ann.says("/find entry11999");
    ann.sees("1 note for").await;
}

#[tokio::test]
async fn hostile_files_of_notes_are_refused_in_words() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    ann.says("/impnotes");
    ann.sees("That needs a file").await;
    let whole = write(Format::Xlsx, &[note("x", &[])]).unwrap();
    let bomb = {
        use std::io::Write as _;
        let zeros = vec![b'0'; 140 << 20];
        let mut zip = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        zip.write_all(&zeros).unwrap();
        archive(&zip.finish().unwrap(), &zeros)
    };
    for (name, bytes) in [
        ("half.xlsx", whole[..whole.len() / 2].to_vec()),
        ("text.xlsx", b"hello".to_vec()),
        ("deep.json", "[".repeat(200_000).into_bytes()),
        ("bomb.zip", bomb),
    ] {
        ann.sends_file(name, bytes, "/impnotes");
        ann.sees(&format!("I cannot take notes from {name}")).await;
    }
    let odd = r#"[{"parts": ["a\u0000b\u001b[31m \u202ewrong way"], "keys": ["k"]}]"#;
    ann.sends_file("odd.json", odd, "/impnotes");
    ann.sees("new: 1").await;
    let _ = ann.presses("yes");
    ann.sees("Import 1 is done").await;
    ann.says("/expnotes --json");
    assert_eq!(
        texts(&ann.gets_file("notes.json").await),
        ["ab[31m \u{202e}wrong way"]
    );
}

/// An archive with one file `a.md`, made by hand: packing it takes the test longer than refusing it.
fn archive(packed: &[u8], unpacked: &[u8]) -> Vec<u8> {
    let crc = {
        let mut crc = flate2::Crc::new();
        crc.update(unpacked);
        crc.sum()
    };
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
    common.extend(crc.to_le_bytes());
    common.extend(size(packed));
    common.extend(size(unpacked));
    common.extend([4, 0, 0, 0]);
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend(&common);
    bytes.extend(b"a.md");
    bytes.extend(packed);
    let start = size(&bytes);
    let mut head = b"PK\x01\x02\x14\x00".to_vec();
    head.extend(&common);
    head.extend([0; 14]);
    head.extend(b"a.md");
    let head_size = size(&head);
    bytes.extend(&head);
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend(head_size);
    bytes.extend(start);
    bytes.extend([0, 0]);
    bytes
}

#[tokio::test]
async fn the_graph_of_keys_is_drawn() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    ann.says("/expnotes -g");
    ann.sees("You have no notes here").await;
    for keys in [
        "-k db -k nginx",
        "-k nginx -k 服务器",
        "-k 服務器 -k DB -k nginx",
    ] {
        ann.says(&format!("/note {keys} something"));
        ann.sees("Saved note").await;
    }
    ann.says("/expnotes -g");
    ann.sees("1 nginx (3)").await;
    let json: serde_json::Value =
        serde_json::from_slice(&ann.gets_file("notes.json").await).unwrap();
    assert_eq!(
        json["keys"][0],
        serde_json::json!({"id": 1, "key": "nginx", "times": 3})
    );
    assert_eq!(
        json["links"][0],
        serde_json::json!({"src": 1, "dest": 2, "times": 2})
    );
    assert_eq!(json["links"].as_array().unwrap().len(), 3);
    let picture = ann.gets_file("notes.png").await;
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&picture[..]))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.next_frame(&mut pixels).unwrap();
    let drawn = pixels
        .chunks(3)
        .filter(|pixel| *pixel != [255, 255, 255])
        .count();
    assert!(drawn > 2_000, "{drawn} pixels");
}

#[tokio::test]
async fn who_follows_a_notebook_hears_of_it_as_long_as_they_may_read() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    ann.says("/notebook new ops");
    ann.sees("Made the notebook ops").await;
    bob.says("/subscribe notes nb:ops");
    bob.sees("You have no notebook ops").await;
    ann.says("/notebook share ops Bob --write");
    ann.sees("and write in it now").await;
    ann.says("/note --nb ops before anybody followed");
    ann.sees("Saved note 1").await;
    bob.says("/subscribe notes nb:OPS");
    bob.sees("new and changed notes of others (notes nb:ops)")
        .await;
    bob.says("/note --nb ops Bob knows this himself");
    bob.sees("Saved note 2").await;
    ann.says("/note hidden in a notebook of her own");
    ann.sees("Saved note 3").await;
    for number in 4..12 {
        ann.says(&format!("/note --nb ops burst line {number}"));
        ann.sees(&format!("Saved note {number}")).await;
    }
    bob.sees("Notes in ops: ").await;
    // However the burst was cut, it ends with its last note.
    ann.says("/editnote 1 changed by Ann");
    ann.sees("Changed note 1").await;
    let told = bob.sees("~ #1 changed by Ann · Ann").await;
    assert!(!told.text.contains("Bob knows"), "{}", told.text);
    let heads = bob.room().count("Notes in ops: ");
    assert!(heads <= 4, "{heads} messages for eight notes and a change");
    for never in ["before anybody followed", "hidden in", "himself · Bob"] {
        assert_eq!(bob.room().count(never), 0, "{never}");
    }
    // News survive a kill, and are told once.
    ann.says("/note --nb ops told after the kill");
    ann.sees("Saved note 12").await;
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    bob.sees("+ #12 told after the kill").await;
    ann.says("/notebook unshare ops Bob");
    ann.sees("cannot read ops any more").await;
    ann.says("/note --nb ops too late for Bob");
    ann.sees("Saved note 13").await;
    ann.says("/notebook share ops Bob");
    ann.sees("Bob can read ops now").await;
    ann.says("/note --nb ops back again");
    ann.sees("Saved note 14").await;
    bob.sees("#14 back again").await;
    assert_eq!(bob.room().count("told after the kill"), 1);
    bob.says("/unsubscribe notes");
    bob.sees("notes nb:ops").await;
    bob.says("/subscriptions");
    bob.sees("Nothing is subscribed here").await;
}

#[tokio::test]
async fn notes_like_a_new_one_are_shown_under_it_if_they_may_be_read() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    ann.says("/note 重启 nginx 之前先看 error.log 里有没有 emerg");
    let first = ann.sees("Saved note 1").await;
    assert!(!first.text.contains("Notes like this"), "{}", first.text);
    ann.says("/note 周五一起吃火锅");
    let other = ann.sees("Saved note 2").await;
    assert!(!other.text.contains("Notes like this"), "{}", other.text);
    ann.says("/note nginx 重启失败：error.log 里有 emerg");
    let near = ann.sees("Saved note 3").await;
    assert!(near.text.contains("Notes like this:\n#1 "), "{}", near.text);
    assert!(!near.text.contains("火锅"), "{}", near.text);
    bob.says("/note nginx 重启失败：error.log 里有 emerg");
    let alone = bob.sees("Saved note 4").await;
    assert!(!alone.text.contains("Notes like this"), "{}", alone.text);
    ann.says("/note nginx");
    let word = ann.sees("Saved note 5").await;
    assert!(!word.text.contains("Notes like this"), "{}", word.text);
}
