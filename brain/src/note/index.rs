//! The index of notes: derived from the database, and rebuilt from it whenever that is needed.
//!
//! What was just saved is found at once: it stands in a list in memory, which every search looks
//! through, until a commit in the background has brought it to disk. The commit keeps the number of
//! the last change that it holds, so that after a crash exactly the later changes are taken in again.

mod like;
mod pending;
mod schema;
mod search;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};

use tantivy::{IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::fold::fold;
use super::tokenizer::{self, Terms};
use pending::Pending;
use schema::Fields;

pub use search::{Found, Hit, Scope};

/// Changes whenever notes are analysed in another way; an index of another version is rebuilt.
const VERSION: u32 = 2;
/// Memory of the writer, in bytes.
const WRITER_BYTES: usize = 24 << 20;

/// A note as the index sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteDoc {
    /// Its number.
    pub number: u64,
    /// Number of its notebook.
    pub notebook: u64,
    /// Numbers of the accounts that wrote it.
    pub authors: Vec<u64>,
    /// Its tags (keys).
    pub tags: Vec<String>,
    /// When it was last changed, Unix milliseconds.
    pub time_ms: i64,
    /// Whether files belong to it.
    pub has_file: bool,
    /// Everything that is searched: title, text, names and text of its files.
    pub text: String,
    /// Words that its notebook knows beside the dictionary, folded.
    pub words: Vec<String>,
}

/// A note was written, changed or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Counts up over all changes of all notes.
    pub sequence: i64,
    /// The note.
    pub number: u64,
    /// What it is now; nothing when it was removed.
    pub doc: Option<NoteDoc>,
}

/// Why the index cannot do something. It can always be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The folder.
    #[error("the notes index cannot use its folder: {0}")]
    Io(#[from] io::Error),
    /// The index itself.
    #[error("the notes index is damaged: {0}")]
    Damaged(String),
}

impl From<tantivy::TantivyError> for IndexError {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// What an index is like when it has been opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It holds all changes up to this number.
    UpTo(i64),
    /// It is new, and holds nothing.
    Empty,
    /// It was damaged or of another version; it is empty now.
    Replaced,
}

/// The index in one folder.
pub struct NoteIndex {
    fields: Fields,
    reader: IndexReader,
    /// Held while a commit is made; nobody else writes.
    writer: Mutex<IndexWriter>,
    /// Held for moments only.
    state: RwLock<State>,
}

/// What every search looks through. Both change at once, so that none sees a note twice, or not at all.
struct State {
    /// What is committed.
    searcher: Searcher,
    /// What is not.
    pending: Pending,
}

impl std::fmt::Debug for NoteIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NoteIndex")
            .field("pending", &self.state().pending.len())
            .finish_non_exhaustive()
    }
}

impl NoteIndex {
    /// Opens the index in a folder; one that is damaged or of another version is replaced by an empty
    /// one. Reads files: call it on a blocking thread.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path) -> Result<(Self, Opened), IndexError> {
        fs::create_dir_all(folder)?;
        let is_new = fs::read_dir(folder)?.next().is_none();
        match Self::open_existing(folder) {
            Ok((index, Some(sequence))) => return Ok((index, Opened::UpTo(sequence))),
            Ok((index, None)) if is_new => return Ok((index, Opened::Empty)),
            Ok((index, None)) => drop(index),
            Err(error) => tracing::warn!(%error, "the notes index is made anew"),
        }
        fs::remove_dir_all(folder)?;
        fs::create_dir_all(folder)?;
        let (index, _) = Self::open_existing(folder)?;
        Ok((
            index,
            if is_new {
                Opened::Empty
            } else {
                Opened::Replaced
            },
        ))
    }

    /// The index, and up to which change it is complete.
    fn open_existing(folder: &Path) -> Result<(Self, Option<i64>), IndexError> {
        let (schema, fields) = schema::schema();
        let directory =
            tantivy::directory::MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
        let index = tantivy::Index::open_or_create(directory, schema)?;
        let sequence = index
            .load_metas()?
            .payload
            .as_deref()
            .and_then(read_payload);
        let reader: IndexReader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        let writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
        let state = State {
            searcher: reader.searcher(),
            pending: Pending::default(),
        };
        let index = Self {
            fields,
            reader,
            writer: Mutex::new(writer),
            state: RwLock::new(state),
        };
        Ok((index, sequence))
    }

    /// Takes in changes; they are found from now on. Analysing takes time: call it on a blocking
    /// thread.
    pub fn apply(&self, changes: Vec<Change>) {
        let analysed: Vec<_> = changes
            .into_iter()
            .map(|change| {
                let terms = change.doc.as_ref().map(|doc| {
                    let mut terms = analyse(doc);
                    terms.sort();
                    terms
                });
                (change, terms)
            })
            .collect();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let State { searcher, pending } = &mut *state;
        for (change, terms) in analysed {
            pending.put(change, terms, |number| self.holds(searcher, number));
        }
    }

    /// How many changes wait for a commit.
    pub fn waiting(&self) -> usize {
        self.state().pending.len()
    }

    /// How many notes are in the index, those that wait for a commit left out.
    pub fn len(&self) -> u64 {
        self.state().searcher.num_docs()
    }

    /// Whether no note is in the index.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Brings what waits to disk, and notes that all changes up to `sequence` are there. Waits for the
    /// disk: call it on a blocking thread.
    ///
    /// # Errors
    /// When the disk is full or the index damaged; nothing is lost, what waits goes on waiting.
    pub fn commit(&self, sequence: i64) -> Result<(), IndexError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = self.state().pending.taken(sequence);
        let written = (|| {
            for (number, doc) in &taken.docs {
                writer.delete_term(Term::from_field_u64(self.fields.number, *number));
                if let Some((doc, terms)) = doc.as_deref() {
                    writer.add_document(self.fields.document(doc, terms.clone()))?;
                }
            }
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(&payload(sequence));
            commit.commit()?;
            Ok::<_, tantivy::TantivyError>(())
        })();
        if let Err(error) = written {
            writer.rollback()?;
            return Err(error.into());
        }
        // Opens files; searches go on meanwhile with what they have.
        self.reader.reload()?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let searcher = self.reader.searcher();
        state
            .pending
            .forget(&taken, |number| self.holds(&searcher, number));
        state.searcher = searcher;
        Ok(())
    }

    /// Takes in notes directly, for a rebuild: they are found after [`Self::commit`].
    ///
    /// # Errors
    /// When the disk is full or the index damaged.
    pub fn add_all(&self, docs: &[NoteDoc]) -> Result<(), IndexError> {
        let analysed: Vec<TantivyDocument> = docs
            .iter()
            .map(|doc| self.fields.document(doc, analyse(doc)))
            .collect();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for document in analysed {
            writer.add_document(document)?;
        }
        Ok(())
    }

    /// Forgets what was added directly since the last commit.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn discard(&self) -> Result<(), IndexError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.rollback()?;
        Ok(())
    }

    /// Whether a state of a note is committed, or was; also when that cannot be known.
    fn holds(&self, searcher: &Searcher, number: u64) -> bool {
        let term = Term::from_field_u64(self.fields.number, number);
        searcher.doc_freq(&term).map_or(true, |count| count > 0)
    }

    fn state(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The terms of a note; its tags are found as words too.
fn analyse(doc: &NoteDoc) -> Terms {
    let mut text = fold(&doc.text);
    let tags: HashSet<String> = doc.tags.iter().map(|tag| fold(tag)).collect();
    for tag in tags {
        text.push_str(" \u{3002} ");
        text.push_str(&tag);
    }
    tokenizer::terms(&text, &doc.words)
}

fn payload(sequence: i64) -> String {
    format!("{VERSION} {sequence}")
}

fn read_payload(payload: &str) -> Option<i64> {
    let (version, sequence) = payload.split_once(' ')?;
    (version == VERSION.to_string())
        .then(|| sequence.parse().ok())
        .flatten()
}

#[cfg(test)]
mod known_items;
#[cfg(test)]
mod tests;
