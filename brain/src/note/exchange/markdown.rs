//! Notes as Markdown files in an archive: a folder for each notebook, a file for each note, and at its
//! head what else is known of it.

use std::io::{Cursor, Read as _, Write as _};
use std::time::{Duration, Instant};

use zip::ZipArchive;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::{MOST_NOTES, MOST_TEXT_BYTES, PortableNote, WriteError};

/// Stands alone on a line between two parts.
const BREAK: &str = "<!-- part -->";
/// Longest file of one note, in bytes.
const MOST_FILE: u64 = 1 << 20;
/// Longest head of a file, in bytes, and most brackets in it: YAML takes the square of their depth.
const MOST_HEAD: usize = 16 << 10;
const MOST_BRACKETS: usize = 200;
/// How long reading may take.
const MOST_TIME: Duration = Duration::from_secs(60);

pub(super) fn write(notes: &[PortableNote]) -> Result<Vec<u8>, WriteError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (place, note) in (1..).zip(notes) {
        let folder = note.notebook.as_deref().unwrap_or("personal");
        let number = note.number.unwrap_or(place);
        let name = format!("{}/{number:06}{}.md", slug(folder), title(note));
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(page(note)?.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The first words of a note as a part of a file's name.
fn title(note: &PortableNote) -> String {
    let first = note.parts.first().and_then(|part| part.lines().next());
    let title = slug(
        &first
            .unwrap_or_default()
            .chars()
            .take(40)
            .collect::<String>(),
    );
    if title.is_empty() {
        title
    } else {
        format!("-{title}")
    }
}

/// Letters and digits; everything else becomes one `-`.
fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

fn page(note: &PortableNote) -> Result<String, WriteError> {
    let head = PortableNote {
        parts: Vec::new(),
        ..note.clone()
    };
    let mut head = serde_yaml_ng::to_value(&head)?;
    if let Some(head) = head.as_mapping_mut() {
        head.remove("parts");
    }
    let parts: Vec<String> = note.parts.iter().map(|part| guard(part)).collect();
    let head = serde_yaml_ng::to_string(&head)?;
    let body = parts.join(&format!("\n{BREAK}\n"));
    Ok(format!("---\n{head}---\n\n{body}\n"))
}

/// A line that looks like a break gets one `!` more.
fn guard(part: &str) -> String {
    let lines = part.split('\n').map(|line| {
        if is_break(line) {
            line.replacen("<!", "<!!", 1)
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `<!-- part -->` with any number of `!`.
fn is_break(line: &str) -> bool {
    line.strip_prefix('<').is_some_and(|rest| {
        let bare = rest.trim_start_matches('!');
        bare.len() < rest.len() && bare == "-- part -->"
    })
}

fn read_page(page: &str) -> Result<PortableNote, String> {
    let page = page.strip_prefix('\u{feff}').unwrap_or(page);
    let page = page.replace("\r\n", "\n");
    let (mut note, body) = match page.strip_prefix("---\n") {
        Some(rest) => {
            let (head, body) = rest
                .split_once("\n---\n")
                .ok_or("the head of a file has no end")?;
            let brackets = head.matches(['[', '{']).count();
            if head.len() > MOST_HEAD || brackets > MOST_BRACKETS {
                return Err("the head of a file is no head of ours".to_owned());
            }
            let note = serde_yaml_ng::from_str::<PortableNote>(head);
            (note.map_err(|error| error.to_string())?, body)
        }
        // Somebody else's Markdown: a note without a head.
        None => (PortableNote::default(), page.as_str()),
    };
    let body = body.strip_prefix('\n').unwrap_or(body);
    let body = body.strip_suffix('\n').unwrap_or(body);
    let mut parts: Vec<Vec<String>> = vec![Vec::new()];
    for line in body.split('\n') {
        if line == BREAK {
            parts.push(Vec::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(if is_break(line) {
                line.replacen("<!!", "<!", 1)
            } else {
                line.to_owned()
            });
        }
    }
    note.parts = parts.into_iter().map(|lines| lines.join("\n")).collect();
    Ok(note)
}

/// Reads the notes of an archive, and counts the files that are none. Names in it only give the order.
pub(super) fn read<R: std::io::Read + std::io::Seek>(
    archive: &mut ZipArchive<R>,
) -> Result<(Vec<PortableNote>, usize), String> {
    let mut pages: Vec<(String, usize)> = Vec::new();
    for place in 0..archive.len() {
        let entry = archive.by_index(place).map_err(|error| error.to_string())?;
        let name = entry.name().map_err(|error| error.to_string())?;
        let name = name.to_lowercase();
        if entry.is_file() && (name.ends_with(".md") || name.ends_with(".markdown")) {
            pages.push((name, place));
        }
    }
    pages.sort();
    let (mut notes, mut unread) = (Vec::new(), 0);
    let mut left = MOST_TEXT_BYTES;
    let begun = Instant::now();
    for (_, place) in pages {
        if begun.elapsed() > MOST_TIME {
            return Err("it takes too long to read".to_owned());
        }
        let entry = archive.by_index(place).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let most = MOST_FILE.min(left);
        entry
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        let size = bytes.len() as u64;
        if size > left {
            return Err("it holds too much".to_owned());
        }
        left -= size;
        let note = String::from_utf8(bytes).ok().filter(|_| size <= MOST_FILE);
        match note.and_then(|page| read_page(&page).ok()) {
            Some(note) => notes.push(note),
            None => unread += 1,
        }
        if notes.len() > MOST_NOTES {
            break;
        }
    }
    // Folders have the order of their names; numbers go through all of them.
    notes.sort_by_key(|note| note.number.unwrap_or(i64::MAX));
    Ok((notes, unread))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_the_frame_of_a_page_stays_text() {
        let note = PortableNote {
            keys: vec!["a: b".to_owned(), "---".to_owned()],
            parts: vec![
                "---\nnumber: 7\n---".to_owned(),
                format!("{BREAK}\n<!!-- part -->\n\n"),
                "\n".to_owned(),
            ],
            ..PortableNote::default()
        };
        assert_eq!(read_page(&page(&note).unwrap()).unwrap(), note);
    }
}
