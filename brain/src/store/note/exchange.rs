//! Notes page by page, and imports of notes.

use super::{NoteRecord, NoteRow, records};
use crate::account::AccountId;
use crate::room::{RoomKey, RoomKind};
use crate::store::db::{Db, Tx, execute, find, read_all, read_one, text};
use crate::store::error::Fault;
use crate::store::rows::{RoomColumns, from_json, value};
use crate::store::{Store, StoreError};

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportState {
    /// It goes on, also after a restart.
    Running,
    /// Everything is in.
    Done,
    /// It could not go on; what was in stays, and can be taken back.
    Failed,
    /// It is being taken back.
    Undoing,
    /// It was taken back.
    Undone,
}

impl ImportState {
    const ALL: [Self; 5] = [
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Undoing,
        Self::Undone,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }
}

impl std::str::FromStr for ImportState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| state.as_str() == word)
            .ok_or_else(|| format!("`{word}` is no state of an import"))
    }
}

/// An import of notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteImport {
    /// What people call it, from 1.
    pub number: i64,
    /// Who imports.
    pub account: AccountId,
    /// Where it was asked for, and is told of.
    pub room: RoomKey,
    /// What sort of room that is.
    pub room_kind: RoomKind,
    /// The message that asked; may be empty.
    pub reply_to: String,
    /// The language of its texts.
    pub language: String,
    /// BLAKE3 hex of the file.
    pub file: String,
    /// Name of the file.
    pub name: String,
    /// Everything goes into this notebook; nothing = where the file says.
    pub notebook: Option<i64>,
    /// Notes that the file does not have are removed.
    pub replaces: bool,
    /// How far it is.
    pub state: ImportState,
    /// When it was asked for, Unix milliseconds.
    pub created_ms: i64,
}

/// What an import did to a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Which note.
    pub note: i64,
    /// Number of its change before the import; nothing when the import made it.
    pub before: Option<i64>,
    /// It was changed again since.
    pub changed_since: bool,
}

#[derive(sqlx::FromRow)]
struct ImportRow {
    number: i64,
    account_id: String,
    #[sqlx(flatten)]
    room: RoomColumns,
    room_kind: String,
    reply_to: String,
    language: String,
    file: String,
    name: String,
    notebook: Option<i64>,
    replaces: i64,
    state: String,
    created_ms: i64,
}

impl TryFrom<ImportRow> for NoteImport {
    type Error = Fault;

    fn try_from(row: ImportRow) -> Result<Self, Fault> {
        Ok(Self {
            number: row.number,
            account: AccountId::from_stored(row.account_id),
            room: row.room.into(),
            room_kind: value(&row.room_kind)?,
            reply_to: row.reply_to,
            language: row.language,
            file: row.file,
            name: row.name,
            notebook: row.notebook,
            replaces: row.replaces != 0,
            state: value(&row.state)?,
            created_ms: row.created_ms,
        })
    }
}

async fn of_notebook(
    db: &Db,
    account: &AccountId,
    notebook: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<NoteRecord>, Fault> {
    records(read_all!(
        db,
        NoteRow,
        "SELECT number, notebook, parts, tags, author_id, created_ms, updated_ms, removed_ms, \
         sequence, changed_by FROM note WHERE notebook = $1 AND number > $2 \
         AND (notebook IN (SELECT number FROM notebook WHERE owner_id = $3) \
         OR notebook IN (SELECT notebook FROM notebook_member WHERE account_id = $3)) \
         ORDER BY number LIMIT $4",
        notebook,
        after,
        text(account.as_str()),
        limit
    )?)
}

async fn import(db: &Db, number: i64) -> Result<Option<NoteImport>, Fault> {
    let row = read_one!(
        db,
        ImportRow,
        "SELECT number, account_id, kind, bot, room, thread, room_kind, reply_to, language, file, \
         name, notebook, replaces, state, created_ms FROM note_import WHERE number = $1",
        number
    )?;
    row.map(NoteImport::try_from).transpose()
}

async fn open_imports(db: &Db) -> Result<Vec<NoteImport>, Fault> {
    let rows = read_all!(
        db,
        ImportRow,
        "SELECT number, account_id, kind, bot, room, thread, room_kind, reply_to, language, file, \
         name, notebook, replaces, state, created_ms FROM note_import \
         WHERE state IN ('running', 'undoing') ORDER BY number"
    )?;
    rows.into_iter().map(NoteImport::try_from).collect()
}

async fn imported(db: &Db, import: i64, after: i64, limit: i64) -> Result<Vec<Imported>, Fault> {
    let rows = read_all!(
        db,
        (i64, Option<i64>, i64),
        "SELECT i.note, i.before, CAST(CASE WHEN EXISTS (SELECT 1 FROM note_revision r \
         WHERE r.note = i.note AND r.sequence > COALESCE(i.before, 0)) THEN 1 ELSE 0 END \
         AS BIGINT) FROM note_imported i WHERE i.import = $1 AND i.note > $2 ORDER BY i.note LIMIT $3",
        import,
        after,
        limit
    )?;
    let row = |(note, before, changed): (i64, Option<i64>, i64)| Imported {
        note,
        before,
        changed_since: changed != 0,
    };
    Ok(rows.into_iter().map(row).collect())
}

async fn revision(
    db: &Db,
    account: &AccountId,
    note: i64,
    sequence: i64,
) -> Result<Option<NoteRecord>, Fault> {
    let Some(now) = super::any(db, account, note).await? else {
        return Ok(None);
    };
    let row = read_one!(
        db,
        (String, String, i64, Option<i64>),
        "SELECT parts, tags, updated_ms, removed_ms FROM note_revision \
         WHERE note = $1 AND sequence = $2",
        note,
        sequence
    )?;
    let Some((parts, tags, updated_ms, removed_ms)) = row else {
        return Ok(None);
    };
    Ok(Some(NoteRecord {
        parts: from_json(&parts)?,
        keys: from_json(&tags)?,
        updated_ms,
        removed_ms,
        ..now
    }))
}

async fn count_imported(db: &Db, import: i64) -> Result<i64, Fault> {
    let row = read_one!(
        db,
        (i64,),
        "SELECT COUNT(*) FROM note_imported WHERE import = $1",
        import
    )?;
    Ok(row.map_or(0, |(count,)| count))
}

async fn last_change(db: &Db) -> Result<i64, Fault> {
    let row = read_one!(db, (i64,), "SELECT COALESCE(MAX(sequence), 0) FROM note")?;
    Ok(row.map_or(0, |(last,)| last))
}

async fn take_numbers(tx: &mut Tx, counter: &str, count: i64) -> Result<i64, Fault> {
    let row = find!(
        tx,
        (i64,),
        "INSERT INTO counter (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = counter.value + $2 RETURNING value",
        text(counter),
        count
    )?;
    let (last,) = row.ok_or_else(|| Fault::Value(format!("counter `{counter}` gave no number")))?;
    Ok(last - count + 1)
}

/// Makes an import, or changes how far it is.
pub(in crate::store) async fn put_import(tx: &mut Tx, import: &NoteImport) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO note_import (number, account_id, kind, bot, room, thread, room_kind, \
         reply_to, language, file, name, notebook, replaces, state, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
         ON CONFLICT (number) DO UPDATE SET state = excluded.state, \
         reply_to = excluded.reply_to",
        import.number,
        text(import.account.as_str()),
        text(&import.room.bot.kind),
        text(&import.room.bot.bot),
        text(&import.room.room),
        text(&import.room.thread),
        import.room_kind.as_str(),
        text(&import.reply_to),
        text(&import.language),
        text(&import.file),
        text(&import.name),
        import.notebook,
        i64::from(import.replaces),
        import.state.as_str(),
        import.created_ms
    )?;
    Ok(())
}

/// Notes down what an import did; only its first change of a note counts.
pub(in crate::store) async fn put_imported(
    tx: &mut Tx,
    import: i64,
    note: i64,
    before: Option<i64>,
) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO note_imported (import, note, before) VALUES ($1, $2, $3) \
         ON CONFLICT (import, note) DO NOTHING",
        import,
        note,
        before
    )?;
    Ok(())
}

/// Notes in and out.
impl Store {
    /// Notes of a notebook after this number, by number, removed ones too; none when the account may
    /// not read it.
    ///
    /// # Errors
    /// What the database suffers from.
    pub async fn notes_of_notebook(
        &self,
        account: &AccountId,
        notebook: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<NoteRecord>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(of_notebook(&self.db, account, notebook, after, limit).await?)
    }

    /// What a note was at a change, if the account may read it.
    ///
    /// # Errors
    /// What the database suffers from.
    pub async fn note_at(
        &self,
        account: &AccountId,
        note: i64,
        sequence: i64,
    ) -> Result<Option<NoteRecord>, StoreError> {
        Ok(revision(&self.db, account, note, sequence).await?)
    }

    /// An import.
    ///
    /// # Errors
    /// What the database suffers from.
    pub async fn note_import(&self, number: i64) -> Result<Option<NoteImport>, StoreError> {
        Ok(import(&self.db, number).await?)
    }

    /// Imports that go on, or are being taken back.
    ///
    /// # Errors
    /// What the database suffers from.
    pub async fn open_note_imports(&self) -> Result<Vec<NoteImport>, StoreError> {
        Ok(open_imports(&self.db).await?)
    }

    /// What an import did to the notes after this number.
    ///
    /// # Errors
    /// What the database suffers from.
    pub async fn imported_notes(
        &self,
        import: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Imported>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Ok(imported(&self.db, import, after, limit).await?)
    }

    /// How many notes an import made or changed.
    ///
    /// # Errors
    /// What the database suffers from.
    pub async fn count_imported(&self, import: i64) -> Result<i64, StoreError> {
        Ok(count_imported(&self.db, import).await?)
    }

    /// Number of the last change of any note; 0 without notes.
    ///
    /// # Errors
    /// What the database suffers from.
    pub async fn last_note_change(&self) -> Result<i64, StoreError> {
        Ok(last_change(&self.db).await?)
    }

    /// Whether other brains may write in the same database.
    pub fn may_have_company(&self) -> bool {
        matches!(self.db, Db::Pg(_))
    }

    /// The first of so many numbers of a counter that follow each other. As with
    /// [`Store::next_number`], none is given twice.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn next_numbers(&self, counter: &str, count: usize) -> Result<i64, StoreError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.ask((counter.to_owned(), count), |tx, (counter, count)| {
            Box::pin(take_numbers(tx, counter, *count))
        })
        .await
    }
}
