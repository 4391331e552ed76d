//! Notes as files: written for people and other programs, and read back, whoever wrote them.
//!
//! What is read is hostile: a file is unpacked only within limits, names in it are never places on
//! our disk, and a row that makes no sense is counted and left out.

mod json;
mod markdown;
mod read;
mod xlsx;

pub use json::{Mine, MyNotebook};
pub use read::{ReadError, Reading, read};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most notes in a file.
pub const MOST_NOTES: usize = 200_000;
/// Longest file, in bytes, and what it may hold when it is unpacked.
pub const MOST_FILE_BYTES: u64 = 64 << 20;
/// What a file may hold when it is unpacked, in bytes; also the most text that is written.
pub const MOST_TEXT_BYTES: u64 = 128 << 20;
/// Earliest time that a note can have: the year 2000, Unix milliseconds.
const EARLIEST_MS: i64 = 946_684_800_000;

/// A note as it stands in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortableNote {
    /// What people call it where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// The shared notebook it is in; nothing for a personal one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notebook: Option<String>,
    /// Who made it, for people to read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// Its keys.
    pub keys: Vec<String>,
    /// What it says, in order.
    pub parts: Vec<String>,
}

impl PortableNote {
    /// When it was made, Unix milliseconds, if the file says so and it can be.
    pub fn created_ms(&self, now_ms: i64) -> Option<i64> {
        believable(self.created, now_ms)
    }

    /// When it was last changed, Unix milliseconds, if the file says so and it can be.
    pub fn updated_ms(&self, now_ms: i64) -> Option<i64> {
        believable(self.updated, now_ms)
    }

    /// Leaves out what no note holds: control characters, and parts and keys that say nothing.
    fn clean(mut self) -> Self {
        for part in &mut self.parts {
            *part = clean(part);
        }
        self.parts.retain(|part| !part.trim().is_empty());
        for key in &mut self.keys {
            *key = clean(key).replace('\n', " ").trim().to_owned();
        }
        self.keys.retain(|key| !key.is_empty());
        self
    }
}

fn believable(time: Option<Timestamp>, now_ms: i64) -> Option<i64> {
    let time_ms = time?.as_millisecond();
    (EARLIEST_MS..=now_ms).contains(&time_ms).then_some(time_ms)
}

/// A text without control characters other than tabs and ends of lines.
pub(crate) fn clean(text: &str) -> String {
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(is_odd) {
        text.replace("\r\n", "\n").replace(is_odd, "")
    } else {
        text.to_owned()
    }
}

/// How notes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A workbook, with the columns that the predecessor had, and more.
    Xlsx,
    /// JSON with everything.
    Json,
    /// An archive with a Markdown file for each note.
    Markdown,
}

impl Format {
    /// The name of such a file.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Xlsx => "notes.xlsx",
            Self::Json => "notes.json",
            Self::Markdown => "notes.zip",
        }
    }

    /// Its MIME type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Json => "application/json",
            Self::Markdown => "application/zip",
        }
    }
}

/// Why notes could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The workbook.
    #[error("the workbook: {0}")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// The archive.
    #[error("the archive: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The head of a Markdown file.
    #[error("YAML: {0}")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// Bytes.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Writes notes as a file. Takes time: call it on a blocking thread.
///
/// # Errors
/// When a library refuses, which no note gives cause to.
pub fn write(format: Format, notes: &[PortableNote]) -> Result<Vec<u8>, WriteError> {
    match format {
        Format::Xlsx => xlsx::write(notes),
        Format::Json => json::write(notes),
        Format::Markdown => markdown::write(notes),
    }
}

/// Writes everything of a person as JSON. Takes time: call it on a blocking thread.
///
/// # Errors
/// When the library refuses.
pub fn write_mine(mine: &Mine) -> Result<Vec<u8>, WriteError> {
    Ok(serde_json::to_vec_pretty(mine)?)
}

#[cfg(test)]
mod tests;
