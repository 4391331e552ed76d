//! Notes, their earlier states, and the notebooks that say who may read them.

pub(super) mod exchange;
pub(super) mod file;
mod history;
pub(super) mod link;
mod reads;
pub(super) mod words;

use serde::{Deserialize, Serialize};

pub use file::FileText;
pub use history::NoteVersion;
pub(super) use history::{before, version, versions};

use super::counter;
use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;
use super::rows::{from_json, to_json};
use crate::account::AccountId;
use crate::note::fold::fold;

/// Counts the changes of all notes.
const CHANGES: &str = "note-change";

/// A list of notes with the same readers and writers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notebook {
    /// The negative of the owner's account number for a personal notebook; else counted from 1.
    pub number: i64,
    /// What people call it; unique.
    pub name: String,
    /// Whose it is.
    pub owner: AccountId,
    /// Whether others may be let in.
    pub is_shared: bool,
    /// Unix milliseconds.
    pub created_ms: i64,
}

/// A notebook that somebody may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenNotebook {
    /// Which.
    pub notebook: Notebook,
    /// Whether they may write in it too.
    pub can_write: bool,
}

/// One message of a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotePart {
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub author: AccountId,
    /// When, Unix milliseconds.
    pub time_ms: i64,
    /// Who said it, if that was somebody without an account: then `author` wrote it down.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said_by: String,
    /// What came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<NoteFile>,
}

/// A file of a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteFile {
    /// BLAKE3 hex of its bytes.
    pub blob: String,
    /// File name, cleaned.
    pub name: String,
    /// Media type; may be empty.
    #[serde(default)]
    pub mime: String,
    /// Bytes.
    pub size: u64,
}

/// A note as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRecord {
    /// What people call it, from 1.
    pub number: i64,
    /// Number of its notebook.
    pub notebook: i64,
    /// What it says, in order.
    pub parts: Vec<NotePart>,
    /// Its keys as they were typed.
    pub keys: Vec<String>,
    /// Who made it.
    pub author: AccountId,
    /// Unix milliseconds.
    pub created_ms: i64,
    /// When it was last changed, Unix milliseconds.
    pub updated_ms: i64,
    /// Since when it is removed, Unix milliseconds.
    pub removed_ms: Option<i64>,
    /// Number of its last change; the store counts it.
    pub sequence: i64,
    /// Who made that change.
    pub changed_by: AccountId,
}

impl NoteRecord {
    /// The text of all parts.
    pub fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| part.text.as_str());
        let parts: Vec<&str> = parts.filter(|text| !text.is_empty()).collect();
        parts.join("\n")
    }

    /// The files of all parts.
    pub fn files(&self) -> impl Iterator<Item = &NoteFile> {
        self.parts.iter().flat_map(|part| &part.files)
    }
}

#[derive(sqlx::FromRow)]
struct NoteRow {
    number: i64,
    notebook: i64,
    parts: String,
    tags: String,
    author_id: String,
    created_ms: i64,
    updated_ms: i64,
    removed_ms: Option<i64>,
    sequence: i64,
    changed_by: Option<String>,
}

impl TryFrom<NoteRow> for NoteRecord {
    type Error = Fault;

    fn try_from(row: NoteRow) -> Result<Self, Fault> {
        Ok(Self {
            changed_by: AccountId::from_stored(
                row.changed_by.unwrap_or_else(|| row.author_id.clone()),
            ),
            number: row.number,
            notebook: row.notebook,
            parts: from_json(&row.parts)?,
            keys: from_json(&row.tags)?,
            author: AccountId::from_stored(row.author_id),
            created_ms: row.created_ms,
            updated_ms: row.updated_ms,
            removed_ms: row.removed_ms,
            sequence: row.sequence,
        })
    }
}

fn records(rows: Vec<NoteRow>) -> Result<Vec<NoteRecord>, Fault> {
    rows.into_iter().map(NoteRecord::try_from).collect()
}

/// The notebooks that an account may read, its personal one first.
pub(super) async fn notebooks_of(db: &Db, account: &AccountId) -> Result<Vec<OpenNotebook>, Fault> {
    let rows = read_all!(
        db,
        (i64, String, String, i64, i64, i64),
        "SELECT b.number, b.name, b.owner_id, b.is_shared, b.created_ms, COALESCE(m.can_write, 1) \
         FROM notebook b LEFT JOIN notebook_member m ON m.notebook = b.number AND m.account_id = $1 \
         WHERE b.owner_id = $1 OR m.account_id = $1 ORDER BY b.is_shared, b.name",
        text(account.as_str())
    )?;
    Ok(rows
        .into_iter()
        .map(
            |(number, name, owner, is_shared, created_ms, can_write)| OpenNotebook {
                notebook: Notebook {
                    number,
                    name,
                    owner: AccountId::from_stored(owner),
                    is_shared: is_shared != 0,
                    created_ms,
                },
                can_write: can_write != 0,
            },
        )
        .collect())
}

/// Whether a notebook has this name.
pub(super) async fn notebook_exists(db: &Db, name: &str) -> Result<bool, Fault> {
    let row = read_one!(
        db,
        (i64,),
        "SELECT number FROM notebook WHERE name = $1",
        text(name)
    )?;
    Ok(row.is_some())
}

/// A note that was not removed, if the account may read it.
pub(super) async fn readable(
    db: &Db,
    account: &AccountId,
    number: i64,
) -> Result<Option<NoteRecord>, Fault> {
    Ok(any(db, account, number)
        .await?
        .filter(|note| note.removed_ms.is_none()))
}

/// A note, removed or not, if the account may read it.
pub(super) async fn any(
    db: &Db,
    account: &AccountId,
    number: i64,
) -> Result<Option<NoteRecord>, Fault> {
    let row = read_one!(
        db,
        NoteRow,
        "SELECT number, notebook, parts, tags, author_id, created_ms, updated_ms, removed_ms, \
         sequence, changed_by FROM note WHERE number = $1 \
         AND (notebook IN (SELECT number FROM notebook WHERE owner_id = $2) \
         OR notebook IN (SELECT notebook FROM notebook_member WHERE account_id = $2))",
        number,
        text(account.as_str())
    )?;
    row.map(NoteRecord::try_from).transpose()
}

/// Notes that the account may read and that have this key, newest first.
pub(super) async fn by_key(
    db: &Db,
    account: &AccountId,
    key: &str,
    limit: i64,
) -> Result<Vec<NoteRecord>, Fault> {
    let folded = fold(key);
    records(read_all!(
        db,
        NoteRow,
        "SELECT n.number, n.notebook, n.parts, n.tags, n.author_id, n.created_ms, n.updated_ms, \
         n.removed_ms, n.sequence, n.changed_by FROM note_key k JOIN note n ON n.number = k.note \
         WHERE k.folded = $1 AND (n.notebook IN (SELECT number FROM notebook WHERE owner_id = $2) \
         OR n.notebook IN (SELECT notebook FROM notebook_member WHERE account_id = $2)) \
         ORDER BY n.updated_ms DESC, n.number DESC LIMIT $3",
        text(&folded),
        text(account.as_str()),
        limit
    )?)
}

/// Notes that an account made and may still read, newest first.
pub(super) async fn made_by(
    db: &Db,
    account: &AccountId,
    skip: i64,
    limit: i64,
) -> Result<Vec<NoteRecord>, Fault> {
    records(read_all!(
        db,
        NoteRow,
        "SELECT number, notebook, parts, tags, author_id, created_ms, updated_ms, removed_ms, \
         sequence, changed_by FROM note WHERE author_id = $1 AND removed_ms IS NULL \
         AND (notebook IN (SELECT number FROM notebook WHERE owner_id = $1) \
         OR notebook IN (SELECT notebook FROM notebook_member WHERE account_id = $1)) \
         ORDER BY updated_ms DESC, number DESC LIMIT $2 OFFSET $3",
        text(account.as_str()),
        limit,
        skip
    )?)
}

/// Notes whose last change comes after this one, in the order of those changes. Removed ones too.
pub(super) async fn changes(db: &Db, after: i64, limit: i64) -> Result<Vec<NoteRecord>, Fault> {
    records(read_all!(
        db,
        NoteRow,
        "SELECT number, notebook, parts, tags, author_id, created_ms, updated_ms, removed_ms, \
         sequence, changed_by FROM note WHERE sequence > $1 ORDER BY sequence LIMIT $2",
        after,
        limit
    )?)
}

/// Makes a notebook; nothing happens if its number is known.
pub(super) async fn put_notebook(tx: &mut Tx, notebook: &Notebook) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO notebook (number, name, owner_id, is_shared, created_ms) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (number) DO NOTHING",
        notebook.number,
        text(&notebook.name),
        text(notebook.owner.as_str()),
        i64::from(notebook.is_shared),
        notebook.created_ms
    )?;
    Ok(())
}

pub(super) async fn put_member(
    tx: &mut Tx,
    notebook: i64,
    account: &AccountId,
    can_write: bool,
) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO notebook_member (notebook, account_id, can_write) VALUES ($1, $2, $3) \
         ON CONFLICT (notebook, account_id) DO UPDATE SET can_write = excluded.can_write",
        notebook,
        text(account.as_str()),
        i64::from(can_write)
    )?;
    Ok(())
}

pub(super) async fn drop_member(
    tx: &mut Tx,
    notebook: i64,
    account: &AccountId,
) -> Result<(), Fault> {
    execute!(
        tx,
        "DELETE FROM notebook_member WHERE notebook = $1 AND account_id = $2",
        notebook,
        text(account.as_str())
    )?;
    Ok(())
}

/// Makes or changes a note; what it was is kept. The change gets its number here, so that numbers
/// and commits have one order.
pub(super) async fn put(tx: &mut Tx, note: &NoteRecord) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO note_revision (note, sequence, parts, tags, updated_ms, removed_ms, changed_by) \
         SELECT number, sequence, parts, tags, updated_ms, removed_ms, changed_by FROM note \
         WHERE number = $1",
        note.number
    )?;
    let sequence = counter::next(tx, CHANGES).await?;
    let (parts, tags) = (to_json(&note.parts)?, to_json(&note.keys)?);
    execute!(
        tx,
        "INSERT INTO note (number, notebook, parts, tags, author_id, created_ms, updated_ms, \
         removed_ms, sequence, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (number) DO UPDATE SET parts = excluded.parts, tags = excluded.tags, \
         updated_ms = excluded.updated_ms, removed_ms = excluded.removed_ms, \
         sequence = excluded.sequence, changed_by = excluded.changed_by",
        note.number,
        note.notebook,
        text(&parts),
        text(&tags),
        text(note.author.as_str()),
        note.created_ms,
        note.updated_ms,
        note.removed_ms,
        sequence,
        text(note.changed_by.as_str())
    )?;
    file::put(tx, note).await?;
    link::put(tx, note).await?;
    execute!(tx, "DELETE FROM note_key WHERE note = $1", note.number)?;
    if note.removed_ms.is_some() {
        return Ok(());
    }
    for key in &note.keys {
        let folded = fold(key);
        execute!(
            tx,
            "INSERT INTO note_key (folded, note) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            text(&folded),
            note.number
        )?;
    }
    Ok(())
}
