//! What a file says: plain text, JSON, spreadsheets and PDF.
//!
//! Everything here works on bytes of strangers. It runs in a process of its own ([`super::reader`]),
//! whose memory and time are limited, so a crash, a loop or a bomb costs one file its text.

use std::io::Cursor;

use calamine::{Data, DataRef, Reader as _, Xlsx};

/// Text that is kept of one file, in bytes.
pub(crate) const MOST_TEXT: usize = 256 << 10;
/// Endings of names of plain text.
const TEXT_ENDINGS: [&str; 34] = [
    "txt",
    "md",
    "markdown",
    "rst",
    "adoc",
    "log",
    "csv",
    "tsv",
    "yaml",
    "yml",
    "toml",
    "ini",
    "conf",
    "cfg",
    "env",
    "properties",
    "xml",
    "html",
    "htm",
    "sql",
    "sh",
    "bash",
    "py",
    "rs",
    "go",
    "js",
    "ts",
    "java",
    "c",
    "h",
    "cpp",
    "service",
    "diff",
    "patch",
];

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As it stands.
    Text,
    /// The words in it, with escapes resolved.
    Json,
    /// All cells of all sheets.
    Sheet,
    /// The text of its pages.
    Pdf,
}

/// Why a file says nothing that can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is not what its name says.
    Broken,
    /// Values inside values inside values.
    TooDeep,
    /// More than may be unpacked.
    TooMuch,
    /// It took too long.
    TooSlow,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Text, Self::Json, Self::Sheet, Self::Pdf];

    /// By name and media type; `None` for what holds no text.
    pub(crate) fn of(name: &str, mime: &str) -> Option<Self> {
        let ending = name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_lowercase());
        match ending.as_deref() {
            Some("json" | "jsonl" | "ndjson") => return Some(Self::Json),
            Some("xlsx" | "xlsm" | "xls" | "xlsb" | "ods") => return Some(Self::Sheet),
            Some("pdf") => return Some(Self::Pdf),
            Some(ending) if TEXT_ENDINGS.contains(&ending) => return Some(Self::Text),
            _ => {}
        }
        match mime {
            "application/json" => Some(Self::Json),
            "application/pdf" => Some(Self::Pdf),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => {
                Some(Self::Sheet)
            }
            mime if mime.starts_with("text/") => Some(Self::Text),
            _ => None,
        }
    }

    /// The word for it on a command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Sheet => "sheet",
            Self::Pdf => "pdf",
        }
    }

    /// The kind of a word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Unreadable {
    const ALL: [Self; 4] = [Self::Broken, Self::TooDeep, Self::TooMuch, Self::TooSlow];

    /// The word for it between processes.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::TooDeep => "deep",
            Self::TooMuch => "much",
            Self::TooSlow => "slow",
        }
    }

    /// The reason of a word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == word)
    }
}

/// What the bytes say, cut at [`MOST_TEXT`].
///
/// # Errors
/// Why they say nothing.
pub(crate) fn text_of(kind: Kind, bytes: &[u8]) -> Result<String, Unreadable> {
    let text = match kind {
        Kind::Text => plain(bytes)?,
        Kind::Json => json(bytes)?,
        Kind::Sheet => sheet(bytes)?,
        Kind::Pdf => pdf_extract::extract_text_from_mem(bytes).map_err(|_| Unreadable::Broken)?,
    };
    Ok(cut(&text))
}

/// The beginning of a text that is too long, without what no text holds.
fn cut(text: &str) -> String {
    let mut text = text.replace('\0', " ");
    let mut end = MOST_TEXT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// Text in UTF-8, in UTF-16 with its mark, or in what Chinese systems wrote before (GB 18030).
fn plain(bytes: &[u8]) -> Result<String, Unreadable> {
    // A little more than is kept; a character that this cuts is beyond what is kept.
    let bytes = &bytes[..bytes.len().min(MOST_TEXT * 4)];
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(bytes) {
        return Ok(encoding
            .decode_without_bom_handling(&bytes[mark..])
            .0
            .into_owned());
    }
    if bytes.contains(&0) {
        return Err(Unreadable::Broken);
    }
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error.valid_up_to(),
    };
    // Cut in the middle of a character.
    if bytes.len() == MOST_TEXT * 4 && bytes.len() - whole < 4 {
        return Ok(String::from_utf8_lossy(&bytes[..whole]).into_owned());
    }
    let (text, _, has_errors) = encoding_rs::GB18030.decode(bytes);
    if has_errors {
        return Err(Unreadable::Broken);
    }
    Ok(text.into_owned())
}

/// Names and values, one a line; a file that is no JSON is read as it stands.
fn json(bytes: &[u8]) -> Result<String, Unreadable> {
    let plain = plain(bytes);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut said = String::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<serde_json::Value>() {
        match value {
            Ok(value) => words_of(&value, &mut said),
            Err(error) if error.to_string().contains("recursion limit") => {
                return Err(Unreadable::TooDeep);
            }
            Err(_) => return plain,
        }
        if said.len() > MOST_TEXT {
            break;
        }
    }
    Ok(said)
}

/// The parser has limited how deep this goes.
fn words_of(value: &serde_json::Value, said: &mut String) {
    use serde_json::Value;
    if said.len() > MOST_TEXT {
        return;
    }
    match value {
        Value::Null => {}
        Value::Bool(truth) => line(said, if *truth { "true" } else { "false" }),
        Value::Number(number) => line(said, &number.to_string()),
        Value::String(text) => line(said, text),
        Value::Array(values) => {
            for value in values {
                words_of(value, said);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                line(said, name);
                words_of(value, said);
            }
        }
    }
}

fn line(said: &mut String, text: &str) {
    said.push_str(text);
    said.push('\n');
}

/// Names of sheets and what their cells say.
fn sheet(bytes: &[u8]) -> Result<String, Unreadable> {
    let mut said = String::new();
    if let Ok(mut book) = Xlsx::new(Cursor::new(bytes)) {
        for name in book.sheet_names() {
            line(&mut said, &name);
            // Cell by cell: a lonely cell in the last corner of a sheet is no sea of empty ones.
            let Ok(mut cells) = book.worksheet_cells_reader(&name) else {
                continue;
            };
            while let Some(cell) = cells.next_cell().map_err(|_| Unreadable::Broken)? {
                match cell.get_value() {
                    DataRef::Empty => {}
                    DataRef::SharedString(text) => line(&mut said, text),
                    value => line(&mut said, &Data::from(value.clone()).to_string()),
                }
                if said.len() > MOST_TEXT {
                    return Ok(said);
                }
            }
        }
        return Ok(said);
    }
    let mut book =
        calamine::open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|_| Unreadable::Broken)?;
    for name in book.sheet_names() {
        line(&mut said, &name);
        let Ok(range) = book.worksheet_range(&name) else {
            continue;
        };
        for (_, _, value) in range.used_cells() {
            line(&mut said, &value.to_string());
            if said.len() > MOST_TEXT {
                return Ok(said);
            }
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kinds_are_told_by_name_and_by_type() {
        assert_eq!(Kind::of("a.JSON", ""), Some(Kind::Json));
        assert_eq!(Kind::of("备份.xlsx", ""), Some(Kind::Sheet));
        assert_eq!(
            Kind::of("README.md", "application/octet-stream"),
            Some(Kind::Text)
        );
        assert_eq!(Kind::of("file", "application/pdf"), Some(Kind::Pdf));
        assert_eq!(Kind::of("photo.jpg", "image/jpeg"), None);
        for kind in Kind::ALL {
            assert_eq!(Kind::from_word(kind.as_str()), Some(kind));
        }
        for why in Unreadable::ALL {
            assert_eq!(Unreadable::from_word(why.as_str()), Some(why));
        }
    }

    #[test]
    fn text_is_read_in_the_encodings_that_people_have() {
        let gb = encoding_rs::GB18030.encode("重启服务器").0.into_owned();
        assert_eq!(text_of(Kind::Text, &gb).unwrap(), "重启服务器");
        assert_eq!(text_of(Kind::Text, "重启".as_bytes()).unwrap(), "重启");
        assert_eq!(text_of(Kind::Text, b"\xff\xfea\0b\0").unwrap(), "ab");
        assert_eq!(text_of(Kind::Text, b"\x7fELF\0\0"), Err(Unreadable::Broken));
        let long = "长".repeat(MOST_TEXT);
        let read = text_of(Kind::Text, long.as_bytes()).unwrap();
        assert!(read.len() <= MOST_TEXT && long.starts_with(&read));
    }

    #[test]
    fn json_gives_names_and_values_and_depth_has_an_end() {
        let read = text_of(
            Kind::Json,
            br#"{"host": "\u670d\u52a1\u5668", "port": [22, true]}"#,
        );
        assert_eq!(read.unwrap(), "host\n服务器\nport\n22\ntrue\n");
        assert_eq!(
            text_of(Kind::Json, b"{\"a\": 1}\n{\"b\": 2}").unwrap(),
            "a\n1\nb\n2\n"
        );
        assert_eq!(text_of(Kind::Json, b"{\"half\":").unwrap(), "{\"half\":");
        let deep = "[".repeat(1_000_000);
        assert_eq!(
            text_of(Kind::Json, deep.as_bytes()),
            Err(Unreadable::TooDeep)
        );
    }

    #[test]
    fn what_is_no_sheet_and_no_pdf_says_so() {
        for kind in [Kind::Sheet, Kind::Pdf] {
            assert_eq!(text_of(kind, b"PK\x03\x04 broken"), Err(Unreadable::Broken));
            assert_eq!(text_of(kind, b""), Err(Unreadable::Broken));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_somehow(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            for kind in [Kind::Text, Kind::Json, Kind::Sheet] {
                if let Ok(text) = text_of(kind, &bytes) {
                    prop_assert!(text.len() <= MOST_TEXT && !text.contains('\0'));
                }
            }
        }
    }
}
