//! Reading a file of notes, by what it holds and not by what it is called.

use std::io::{Cursor, Read as _, Seek, copy, sink};

use zip::ZipArchive;

use super::{MOST_FILE_BYTES, MOST_NOTES, MOST_TEXT_BYTES, PortableNote, json, markdown, xlsx};

/// Files in an archive that are looked at.
const MOST_ENTRIES: usize = MOST_NOTES + 1000;
/// Longest text of a note, in bytes.
const MOST_NOTE_BYTES: usize = 128 << 10;

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Nothing that we know.
    #[error("it is no workbook (xlsx), no JSON and no archive of Markdown files")]
    Unknown,
    /// It is packed too well, or too large.
    #[error("it holds too much")]
    TooMuch,
    /// Too many notes.
    #[error("it holds more than {MOST_NOTES} notes")]
    TooMany,
    /// It cannot be read.
    #[error("{0}")]
    Broken(String),
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The notes, in the order of the file.
    pub notes: Vec<PortableNote>,
    /// Rows and files that are no notes: empty, too long or unreadable.
    pub left_out: usize,
}

/// Reads a file of notes. Takes time: call it on a blocking thread.
///
/// # Errors
/// When it is not taken, as a whole.
pub fn read(bytes: &[u8]) -> Result<Reading, ReadError> {
    if bytes.len() as u64 > MOST_FILE_BYTES {
        return Err(ReadError::TooMuch);
    }
    let broken = ReadError::Broken;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (notes, unread) = if bytes.starts_with(b"PK") {
        let archive = ZipArchive::new(Cursor::new(bytes));
        let mut archive = archive.map_err(|error| broken(error.to_string()))?;
        check(&mut archive)?;
        if archive.index_for_name("xl/workbook.xml").is_some() {
            (xlsx::read(bytes).map_err(broken)?, 0)
        } else {
            markdown::read(&mut archive).map_err(broken)?
        }
    } else if matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) {
        (json::read(text).map_err(broken)?, 0)
    } else {
        return Err(ReadError::Unknown);
    };
    if notes.len() > MOST_NOTES {
        return Err(ReadError::TooMany);
    }
    let all = notes.len() + unread;
    let is_note = |note: &PortableNote| {
        let size: usize = note.parts.iter().map(String::len).sum();
        size > 0 && size <= MOST_NOTE_BYTES
    };
    let notes = notes.into_iter().map(PortableNote::clean);
    let notes: Vec<PortableNote> = notes.filter(is_note).collect();
    Ok(Reading {
        left_out: all - notes.len(),
        notes,
    })
}

/// Unpacks everything to nowhere: what an archive says of its sizes is not to be believed.
fn check<R: std::io::Read + Seek>(archive: &mut ZipArchive<R>) -> Result<(), ReadError> {
    if archive.len() > MOST_ENTRIES {
        return Err(ReadError::TooMany);
    }
    let mut left = MOST_TEXT_BYTES;
    for place in 0..archive.len() {
        let broken = |error: String| ReadError::Broken(error);
        let entry = archive
            .by_index(place)
            .map_err(|error| broken(error.to_string()))?;
        let size = copy(&mut entry.take(left + 1), &mut sink())
            .map_err(|error| broken(error.to_string()))?;
        if size > left {
            return Err(ReadError::TooMuch);
        }
        left -= size;
    }
    Ok(())
}
