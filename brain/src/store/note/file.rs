//! Files in notes: which bytes they need, and what those say.

use std::collections::HashMap;

use super::NoteRecord;
use crate::store::db::{Db, Tx, execute, read_all, text};
use crate::store::error::Fault;

/// What the bytes of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// BLAKE3 hex of the bytes.
    pub hash: String,
    /// What they say; may be cut.
    pub text: String,
    /// Unix milliseconds.
    pub created_ms: i64,
}

/// The names of all bytes that a note needs, or needed a moment ago.
pub(in crate::store) async fn hashes(db: &Db) -> Result<Vec<String>, Fault> {
    let rows = read_all!(db, (String,), "SELECT DISTINCT hash FROM note_file")?;
    Ok(rows.into_iter().map(|(hash,)| hash).collect())
}

/// What these bytes say, by their hashes.
pub(in crate::store) async fn texts(
    db: &Db,
    hashes: &[String],
) -> Result<HashMap<String, String>, Fault> {
    let mut texts = HashMap::new();
    for hash in hashes {
        if texts.contains_key(hash) {
            continue;
        }
        let rows = read_all!(
            db,
            (String,),
            "SELECT text FROM file_text WHERE hash = $1",
            text(hash)
        )?;
        if let Some((said,)) = rows.into_iter().next() {
            texts.insert(hash.clone(), said);
        }
    }
    Ok(texts)
}

pub(in crate::store) async fn put_text(tx: &mut Tx, said: &FileText) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO file_text (hash, text, created_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (hash) DO UPDATE SET text = excluded.text, created_ms = excluded.created_ms",
        text(&said.hash),
        text(&said.text),
        said.created_ms
    )?;
    Ok(())
}

/// Notes which bytes a note needs from now on.
pub(super) async fn put(tx: &mut Tx, note: &NoteRecord) -> Result<(), Fault> {
    execute!(
        tx,
        "UPDATE note_file SET dropped_ms = $2 WHERE note = $1 AND dropped_ms IS NULL",
        note.number,
        note.updated_ms
    )?;
    if note.removed_ms.is_some() {
        return Ok(());
    }
    for file in note.files() {
        execute!(
            tx,
            "INSERT INTO note_file (note, hash, dropped_ms) VALUES ($1, $2, NULL) \
             ON CONFLICT (note, hash) DO UPDATE SET dropped_ms = NULL",
            note.number,
            text(&file.blob)
        )?;
    }
    Ok(())
}

/// Forgets bytes that notes have not shown since `before_ms`, and texts that nobody needs.
pub(in crate::store) async fn forget(tx: &mut Tx, before_ms: i64) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM note_file WHERE dropped_ms < $1", before_ms)?;
    execute!(
        tx,
        "DELETE FROM file_text WHERE created_ms < $1 AND NOT EXISTS \
         (SELECT 1 FROM note_file WHERE note_file.hash = file_text.hash)",
        before_ms
    )?;
    Ok(())
}
