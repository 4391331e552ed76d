//! First lines of notes, and who links to them.

use super::{NoteRecord, NoteRow, records};
use crate::account::AccountId;
use crate::note::fold::fold;
use crate::note::link;
use crate::store::db::{Db, Tx, execute, read_all, text};
use crate::store::error::Fault;

/// Notes that an account may read and that a link names: by number, by key or by first line, newest
/// first.
pub(in crate::store) async fn named(
    db: &Db,
    account: &AccountId,
    folded: &str,
    limit: i64,
) -> Result<Vec<NoteRecord>, Fault> {
    let number: i64 = folded.parse().unwrap_or(0);
    records(read_all!(
        db,
        NoteRow,
        "SELECT number, notebook, parts, tags, author_id, created_ms, updated_ms, removed_ms, \
         sequence, changed_by FROM note WHERE removed_ms IS NULL AND (number = $3 \
         OR number IN (SELECT note FROM note_title WHERE folded = $1) \
         OR number IN (SELECT note FROM note_key WHERE folded = $1)) \
         AND (notebook IN (SELECT number FROM notebook WHERE owner_id = $2) \
         OR notebook IN (SELECT notebook FROM notebook_member WHERE account_id = $2)) \
         ORDER BY updated_ms DESC, number DESC LIMIT $4",
        text(folded),
        text(account.as_str()),
        number,
        limit
    )?)
}

/// Notes that an account may read and that link to this one, newest first.
pub(in crate::store) async fn back(
    db: &Db,
    account: &AccountId,
    note: &NoteRecord,
    limit: i64,
) -> Result<Vec<NoteRecord>, Fault> {
    let number = note.number.to_string();
    records(read_all!(
        db,
        NoteRow,
        "SELECT number, notebook, parts, tags, author_id, created_ms, updated_ms, removed_ms, \
         sequence, changed_by FROM note WHERE removed_ms IS NULL AND number <> $1 \
         AND number IN (SELECT note FROM note_link WHERE folded = $2 \
         OR folded IN (SELECT folded FROM note_title WHERE note = $1) \
         OR folded IN (SELECT folded FROM note_key WHERE note = $1)) \
         AND (notebook IN (SELECT number FROM notebook WHERE owner_id = $3) \
         OR notebook IN (SELECT notebook FROM notebook_member WHERE account_id = $3)) \
         ORDER BY updated_ms DESC, number DESC LIMIT $4",
        note.number,
        text(&number),
        text(account.as_str()),
        limit
    )?)
}

/// Notes what a note is called and what it links to.
pub(super) async fn put(tx: &mut Tx, note: &NoteRecord) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM note_title WHERE note = $1", note.number)?;
    execute!(tx, "DELETE FROM note_link WHERE note = $1", note.number)?;
    if note.removed_ms.is_some() {
        return Ok(());
    }
    let said = note.text();
    if let Some(title) = link::title(&said) {
        execute!(
            tx,
            "INSERT INTO note_title (note, folded) VALUES ($1, $2)",
            note.number,
            text(&title)
        )?;
    }
    for link in link::links(&said) {
        execute!(
            tx,
            "INSERT INTO note_link (note, folded) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            note.number,
            text(&link.folded)
        )?;
    }
    Ok(())
}

/// Notes of a notebook that have one of these keys, in the order of the keys, oldest first, none
/// twice. Only for who may read the notebook.
pub(in crate::store) async fn keyed_in(
    db: &Db,
    notebook: i64,
    keys: &[String],
    limit: i64,
) -> Result<Vec<NoteRecord>, Fault> {
    let mut found: Vec<NoteRecord> = Vec::new();
    for key in keys {
        let folded = fold(key);
        let notes = records(read_all!(
            db,
            NoteRow,
            "SELECT number, notebook, parts, tags, author_id, created_ms, updated_ms, removed_ms, \
             sequence, changed_by FROM note WHERE removed_ms IS NULL AND notebook = $1 \
             AND number IN (SELECT note FROM note_key WHERE folded = $2) \
             ORDER BY number LIMIT $3",
            notebook,
            text(&folded),
            limit
        )?)?;
        for note in notes {
            if !found.iter().any(|other| other.number == note.number) {
                found.push(note);
            }
        }
    }
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// Notes of a notebook that begin with this line or have a file of these bytes. Only for who may read
/// the notebook.
pub(in crate::store) async fn like_message(
    db: &Db,
    notebook: i64,
    title: &str,
    hash: &str,
    limit: i64,
) -> Result<Vec<NoteRecord>, Fault> {
    records(read_all!(
        db,
        NoteRow,
        "SELECT number, notebook, parts, tags, author_id, created_ms, updated_ms, removed_ms, \
         sequence, changed_by FROM note WHERE removed_ms IS NULL AND notebook = $1 \
         AND (number IN (SELECT note FROM note_title WHERE folded = $2) \
         OR number IN (SELECT note FROM note_file WHERE hash = $3 AND dropped_ms IS NULL)) \
         ORDER BY number DESC LIMIT $4",
        notebook,
        text(title),
        text(hash),
        limit
    )?)
}

/// The keys of a notebook as they are folded, sorted, and how many of its notes have each.
pub(in crate::store) async fn keys_in(
    db: &Db,
    notebook: i64,
    limit: i64,
) -> Result<Vec<(String, i64)>, Fault> {
    Ok(read_all!(
        db,
        (String, i64),
        "SELECT k.folded, COUNT(*) FROM note_key k JOIN note n ON n.number = k.note \
         WHERE n.notebook = $1 AND n.removed_ms IS NULL \
         GROUP BY k.folded ORDER BY k.folded LIMIT $2",
        notebook,
        limit
    )?)
}

/// How many notes a notebook has, and who may read it beside its owner.
pub(in crate::store) async fn about(
    db: &Db,
    notebook: i64,
) -> Result<(i64, Vec<(AccountId, bool)>), Fault> {
    let notes = read_all!(
        db,
        (i64,),
        "SELECT COUNT(*) FROM note WHERE notebook = $1 AND removed_ms IS NULL",
        notebook
    )?;
    let members = read_all!(
        db,
        (String, i64),
        "SELECT account_id, can_write FROM notebook_member WHERE notebook = $1 ORDER BY account_id",
        notebook
    )?;
    let members = members
        .into_iter()
        .map(|(account, can_write)| (AccountId::from_stored(account), can_write != 0))
        .collect();
    Ok((notes.first().map_or(0, |(count,)| *count), members))
}
