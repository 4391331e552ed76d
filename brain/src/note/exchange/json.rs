//! Notes as JSON.

use serde::{Deserialize, Serialize};

use super::{PortableNote, WriteError};

/// What stands at the head of every file of ours.
const KIND: &str = "jarvis-notes";
/// Changes when older programs can no longer read it.
const VERSION: u32 = 1;

/// A file of notes.
#[derive(Debug, Serialize, Deserialize)]
struct File<'a> {
    format: &'a str,
    version: u32,
    notes: Vec<PortableNote>,
}

/// A notebook as its owner takes it along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MyNotebook {
    /// Its name.
    pub name: String,
    /// Whether it is one's own.
    pub is_mine: bool,
    /// Whether one may write in it.
    pub can_write: bool,
}

/// A key and in how many notes it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct MyKey {
    key: String,
    times: usize,
}

/// Everything that is one person's. Files of notes belong here as soon as notes have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mine {
    format: &'static str,
    version: u32,
    /// Whose.
    pub person: String,
    /// Notebooks that they may read.
    pub notebooks: Vec<MyNotebook>,
    /// Their keys, the most used first.
    keys: Vec<MyKey>,
    /// Their notes, and those of the notebooks that are theirs.
    pub notes: Vec<PortableNote>,
}

impl Mine {
    /// Puts it together; keys are counted from the notes.
    pub fn new(person: String, notebooks: Vec<MyNotebook>, notes: Vec<PortableNote>) -> Self {
        let graph = crate::note::graph::Graph::of(&notes);
        let keys = graph.keys.into_iter().map(|node| MyKey {
            key: node.key,
            times: node.times,
        });
        Self {
            format: KIND,
            version: VERSION,
            person,
            notebooks,
            keys: keys.collect(),
            notes,
        }
    }
}

pub(super) fn write(notes: &[PortableNote]) -> Result<Vec<u8>, WriteError> {
    let file = File {
        format: KIND,
        version: VERSION,
        notes: notes.to_vec(),
    };
    Ok(serde_json::to_vec_pretty(&file)?)
}

/// Reads a file of ours, or a plain list of notes.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<PortableNote>, String> {
    #[derive(Deserialize)]
    struct Read {
        #[serde(default)]
        version: u32,
        notes: Vec<PortableNote>,
    }
    let is_list = bytes.trim_ascii_start().starts_with(b"[");
    if is_list {
        return serde_json::from_slice(bytes).map_err(|error| error.to_string());
    }
    let file: Read = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if file.version > VERSION {
        return Err(format!(
            "version {} is newer than this Jarvis",
            file.version
        ));
    }
    Ok(file.notes)
}
