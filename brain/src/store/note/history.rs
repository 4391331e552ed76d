//! What a note was before each change.

use super::NoteRecord;
use crate::account::AccountId;
use crate::store::db::{Db, read_all, read_one};
use crate::store::error::Fault;
use crate::store::rows::from_json;

/// A note as it was between two changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteVersion {
    /// From 1, which is how it was made.
    pub place: i64,
    /// The note as it was then.
    pub note: NoteRecord,
}

#[derive(sqlx::FromRow)]
struct VersionRow {
    sequence: i64,
    parts: String,
    tags: String,
    updated_ms: i64,
    removed_ms: Option<i64>,
    changed_by: Option<String>,
}

impl VersionRow {
    fn note(self, now: &NoteRecord) -> Result<NoteRecord, Fault> {
        Ok(NoteRecord {
            parts: from_json(&self.parts)?,
            keys: from_json(&self.tags)?,
            updated_ms: self.updated_ms,
            removed_ms: self.removed_ms,
            sequence: self.sequence,
            changed_by: self
                .changed_by
                .map_or_else(|| now.author.clone(), AccountId::from_stored),
            ..now.clone()
        })
    }
}

/// What a note was before its last change; `None` when that made it.
pub(in crate::store) async fn before(
    db: &Db,
    note: &NoteRecord,
) -> Result<Option<NoteRecord>, Fault> {
    let row = read_one!(
        db,
        VersionRow,
        "SELECT sequence, parts, tags, updated_ms, removed_ms, changed_by FROM note_revision \
         WHERE note = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT 1",
        note.number,
        note.sequence
    )?;
    row.map(|row| row.note(note)).transpose()
}

/// The last states of a note before this one, newest first.
pub(in crate::store) async fn versions(
    db: &Db,
    note: &NoteRecord,
    limit: i64,
) -> Result<Vec<NoteVersion>, Fault> {
    let count = read_one!(
        db,
        (i64,),
        "SELECT COUNT(*) FROM note_revision WHERE note = $1 AND sequence < $2",
        note.number,
        note.sequence
    )?;
    let rows = read_all!(
        db,
        VersionRow,
        "SELECT sequence, parts, tags, updated_ms, removed_ms, changed_by FROM note_revision \
         WHERE note = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3",
        note.number,
        note.sequence,
        limit
    )?;
    let newest = count.map_or(0, |(count,)| count);
    (0..)
        .zip(rows)
        .map(|(age, row)| {
            Ok(NoteVersion {
                place: newest - age,
                note: row.note(note)?,
            })
        })
        .collect()
}

/// One state of a note, by its place from 1.
pub(in crate::store) async fn version(
    db: &Db,
    note: &NoteRecord,
    place: i64,
) -> Result<Option<NoteRecord>, Fault> {
    let row = read_one!(
        db,
        VersionRow,
        "SELECT sequence, parts, tags, updated_ms, removed_ms, changed_by FROM note_revision \
         WHERE note = $1 AND sequence < $2 ORDER BY sequence LIMIT 1 OFFSET $3",
        note.number,
        note.sequence,
        (place - 1).max(0)
    )?;
    row.map(|row| row.note(note)).transpose()
}
