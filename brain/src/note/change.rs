//! Changed notes as the index takes them in: with what their files say and the words of their notebook.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::index::{Change, NoteDoc};
use super::service::{author, notebook};
use crate::brain::Brain;
use crate::store::{NoteRecord, StoreError};

/// What is searched of a note, in bytes, up to one file more.
const MOST_SEARCHED: usize = 1 << 20;
/// Files of which what they say is in memory at once.
const FILES_AT_ONCE: usize = 50;

/// What a change needs beside the note.
#[derive(Debug, Default)]
struct Surroundings {
    /// What its files say, by their hashes.
    texts: HashMap<String, String>,
    /// The words of its notebook.
    words: Vec<String>,
}

/// Everything of a note that is searched: what it says, who said it, its files and what these say.
fn searched(note: &NoteRecord, texts: &HashMap<String, String>) -> String {
    let mut said = note.text();
    // Nothing that is searched together stands on both sides of a full stop.
    let mut add = |text: &str| {
        if !text.is_empty() && said.len() < MOST_SEARCHED {
            said.push_str("\n\u{3002} ");
            said.push_str(text);
        }
    };
    for part in &note.parts {
        add(&part.said_by);
        for file in &part.files {
            add(&file.name);
            add(texts.get(&file.blob).map_or("", String::as_str));
        }
    }
    said
}

fn change(note: NoteRecord, around: &Surroundings) -> Change {
    let sequence = note.sequence;
    let number = note.number.cast_unsigned();
    let mut authors: Vec<u64> = note.parts.iter().map(|part| author(&part.author)).collect();
    authors.push(author(&note.author));
    authors.sort_unstable();
    authors.dedup();
    let has_file = note.files().next().is_some();
    let doc = note.removed_ms.is_none().then(|| NoteDoc {
        number,
        notebook: notebook(note.notebook),
        authors,
        text: searched(&note, &around.texts),
        time_ms: note.updated_ms,
        has_file,
        words: around.words.clone(),
        tags: note.keys,
    });
    Change {
        sequence,
        number,
        doc,
    }
}

/// Cuts notes into groups of which each has few files.
pub(super) fn groups(notes: Vec<NoteRecord>) -> Vec<Vec<NoteRecord>> {
    let mut groups: Vec<Vec<NoteRecord>> = vec![Vec::new()];
    let mut files = 0;
    for note in notes {
        files += note.files().count();
        if files > FILES_AT_ONCE {
            files = note.files().count();
            groups.push(Vec::new());
        }
        if let Some(last) = groups.last_mut() {
            last.push(note);
        }
    }
    groups
}

/// Notes as the index takes them in.
pub(super) async fn with_surroundings(
    brain: &Brain,
    notes: Vec<NoteRecord>,
) -> Result<Vec<Change>, StoreError> {
    let mut words: HashMap<i64, Vec<String>> = HashMap::new();
    let mut changes = Vec::new();
    for note in notes {
        let hashes: Vec<String> = note.files().map(|file| file.blob.clone()).collect();
        if let Entry::Vacant(new) = words.entry(note.notebook) {
            new.insert(brain.store().notebook_words(note.notebook).await?);
        }
        let around = Surroundings {
            texts: brain.store().file_texts(&hashes).await?,
            words: words.get(&note.notebook).cloned().unwrap_or_default(),
        };
        changes.push(change(note, &around));
    }
    Ok(changes)
}
