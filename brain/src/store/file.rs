//! Files that came from chats and nodes, as people see them. Their bytes are blobs.

use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;
use super::rows::RoomColumns;
use crate::account::AccountId;
use crate::room::RoomKey;

/// A file that is kept for a while, under a number that people use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// What people call it, from 1.
    pub number: i64,
    /// BLAKE3 hex of its bytes.
    pub hash: String,
    /// File name, cleaned.
    pub name: String,
    /// Media type; may be empty.
    pub mime: String,
    /// Bytes.
    pub size: i64,
    /// Where on which node it is from; empty for a file that a person sent.
    pub source: String,
    /// Who sent it or asked for it.
    pub account: AccountId,
    /// Where it was seen.
    pub room: RoomKey,
    /// The platform's message that shows it; may be empty.
    pub message: String,
    /// The job that brought it; 0 = none.
    pub job: i64,
    /// Unix milliseconds.
    pub created_ms: i64,
}

/// Which files are wanted.
#[derive(Debug, Clone, Default)]
pub struct FileFilter {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those seen in this room.
    pub room: Option<RoomKey>,
    /// Only those whose name or source has this text; ASCII case is ignored.
    pub text: String,
}

#[derive(sqlx::FromRow)]
struct FileRow {
    number: i64,
    hash: String,
    name: String,
    mime: String,
    size: i64,
    source: String,
    account_id: String,
    #[sqlx(flatten)]
    room: RoomColumns,
    message: String,
    job: i64,
    created_ms: i64,
}

impl From<FileRow> for FileRecord {
    fn from(row: FileRow) -> Self {
        Self {
            number: row.number,
            hash: row.hash,
            name: row.name,
            mime: row.mime,
            size: row.size,
            source: row.source,
            account: AccountId::from_stored(row.account_id),
            room: row.room.into(),
            message: row.message,
            job: row.job,
            created_ms: row.created_ms,
        }
    }
}

fn records(rows: Vec<FileRow>) -> Vec<FileRecord> {
    rows.into_iter().map(FileRecord::from).collect()
}

/// Files that fit, newest first.
pub(super) async fn list(
    db: &Db,
    filter: &FileFilter,
    limit: i64,
) -> Result<Vec<FileRecord>, Fault> {
    let account = filter.account.as_ref().map_or("", AccountId::as_str);
    let (kind, bot, room, thread) = filter.room.as_ref().map_or(("", "", "", ""), |key| {
        (
            key.bot.kind.as_str(),
            key.bot.bot.as_str(),
            key.room.as_str(),
            key.thread.as_str(),
        )
    });
    let like = format!("%{}%", escaped(&filter.text));
    Ok(records(read_all!(
        db,
        FileRow,
        "SELECT number, hash, name, mime, size, source, account_id, kind, bot, room, thread, message, \
         job, created_ms FROM file WHERE ($1 = '' OR account_id = $1) \
         AND ($2 = '' OR (kind = $2 AND bot = $3 AND room = $4 AND thread = $5)) \
         AND (LOWER(name) LIKE LOWER($6) ESCAPE '!' OR LOWER(source) LIKE LOWER($6) ESCAPE '!') \
         ORDER BY number DESC LIMIT $7",
        text(account),
        text(kind),
        text(bot),
        text(room),
        text(thread),
        text(&like),
        limit
    )?))
}

/// All files, oldest first.
pub(super) async fn oldest(db: &Db, limit: i64) -> Result<Vec<FileRecord>, Fault> {
    Ok(records(read_all!(
        db,
        FileRow,
        "SELECT number, hash, name, mime, size, source, account_id, kind, bot, room, thread, message, \
         job, created_ms FROM file ORDER BY created_ms, number LIMIT $1",
        limit
    )?))
}

/// The names of all bytes that a file has.
pub(super) async fn hashes(db: &Db) -> Result<Vec<String>, Fault> {
    let rows = read_all!(db, (String,), "SELECT DISTINCT hash FROM file")?;
    Ok(rows.into_iter().map(|(hash,)| hash).collect())
}

/// Whether a file has these bytes.
pub(super) async fn has(db: &Db, hash: &str) -> Result<bool, Fault> {
    let row = read_one!(
        db,
        (i64,),
        "SELECT number FROM file WHERE hash = $1 LIMIT 1",
        text(hash)
    )?;
    Ok(row.is_some())
}

pub(super) async fn by_number(db: &Db, number: i64) -> Result<Option<FileRecord>, Fault> {
    let row = read_one!(
        db,
        FileRow,
        "SELECT number, hash, name, mime, size, source, account_id, kind, bot, room, thread, message, \
         job, created_ms FROM file WHERE number = $1",
        number
    )?;
    Ok(row.map(FileRecord::from))
}

/// The number of the row that [`put`] would renew.
pub(super) async fn same(db: &Db, file: &FileRecord) -> Result<Option<i64>, Fault> {
    let row = read_one!(
        db,
        (i64,),
        "SELECT number FROM file WHERE hash = $1 AND account_id = $2 AND kind = $3 AND bot = $4 \
         AND room = $5 AND thread = $6 AND source = $7",
        text(&file.hash),
        text(file.account.as_str()),
        text(&file.room.bot.kind),
        text(&file.room.bot.bot),
        text(&file.room.room),
        text(&file.room.thread),
        text(&file.source)
    )?;
    Ok(row.map(|(number,)| number))
}

/// The file that a message brought or shows.
pub(super) async fn of_message(
    db: &Db,
    room: &RoomKey,
    message: &str,
) -> Result<Option<FileRecord>, Fault> {
    let row = read_one!(
        db,
        FileRow,
        "SELECT number, hash, name, mime, size, source, account_id, kind, bot, room, thread, message, \
         job, created_ms FROM file WHERE kind = $1 AND bot = $2 AND room = $3 AND hash = \
         (SELECT hash FROM file_message WHERE kind = $1 AND bot = $2 AND room = $3 AND message = $4) \
         ORDER BY number DESC LIMIT 1",
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(message)
    )?;
    Ok(row.map(FileRecord::from))
}

/// Texts in which open work may name blobs: questions and dialogs that wait.
pub(super) async fn waiting(db: &Db, now_ms: i64) -> Result<Vec<String>, Fault> {
    let rows = read_all!(
        db,
        (String,),
        "SELECT data FROM question WHERE used = 0 AND expires_ms > $1 \
         UNION ALL SELECT data FROM dialog WHERE expires_ms > $1",
        now_ms
    )?;
    Ok(rows.into_iter().map(|(data,)| data).collect())
}

/// Keeps a file. The same bytes of the same account in the same room only become younger.
pub(super) async fn put(tx: &mut Tx, file: &FileRecord) -> Result<(), Fault> {
    let renewed = execute!(
        tx,
        "UPDATE file SET created_ms = $1, name = $2, message = CASE WHEN $3 = '' THEN message ELSE $3 END \
         WHERE hash = $4 AND account_id = $5 AND kind = $6 AND bot = $7 AND room = $8 AND thread = $9 \
         AND source = $10",
        file.created_ms,
        text(&file.name),
        text(&file.message),
        text(&file.hash),
        text(file.account.as_str()),
        text(&file.room.bot.kind),
        text(&file.room.bot.bot),
        text(&file.room.room),
        text(&file.room.thread),
        text(&file.source)
    )?;
    if renewed == 0 {
        insert(tx, file).await?;
    }
    if file.message.is_empty() {
        return Ok(());
    }
    shown(tx, &file.hash, &file.room, &file.message).await
}

async fn insert(tx: &mut Tx, file: &FileRecord) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO file (number, hash, name, mime, size, source, account_id, kind, bot, room, thread, \
         message, job, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        file.number,
        text(&file.hash),
        text(&file.name),
        text(&file.mime),
        file.size,
        text(&file.source),
        text(file.account.as_str()),
        text(&file.room.bot.kind),
        text(&file.room.bot.bot),
        text(&file.room.room),
        text(&file.room.thread),
        text(&file.message),
        file.job,
        file.created_ms
    )?;
    Ok(())
}

/// A message shows these bytes, if they are kept.
pub(super) async fn shown(
    tx: &mut Tx,
    hash: &str,
    room: &RoomKey,
    message: &str,
) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO file_message (kind, bot, room, message, hash) \
         SELECT kind, bot, room, $5, hash FROM file \
         WHERE kind = $1 AND bot = $2 AND room = $3 AND hash = $4 LIMIT 1 \
         ON CONFLICT (kind, bot, room, message) DO UPDATE SET hash = EXCLUDED.hash",
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(hash),
        text(message)
    )?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, number: i64) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM file WHERE number = $1", number)?;
    remove_messages(tx).await
}

/// Forgets all that name these bytes.
pub(super) async fn remove_hash(tx: &mut Tx, hash: &str) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM file WHERE hash = $1", text(hash))?;
    execute!(tx, "DELETE FROM file_message WHERE hash = $1", text(hash))?;
    Ok(())
}

/// Forgets what is older than this.
pub(super) async fn remove_old(tx: &mut Tx, before_ms: i64) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM file WHERE created_ms < $1", before_ms)?;
    remove_messages(tx).await
}

/// Forgets the messages that show what is no longer kept.
async fn remove_messages(tx: &mut Tx) -> Result<(), Fault> {
    execute!(
        tx,
        "DELETE FROM file_message WHERE NOT EXISTS \
         (SELECT 1 FROM file WHERE file.hash = file_message.hash)"
    )?;
    Ok(())
}

/// A text of which `LIKE` takes nothing as a wildcard.
fn escaped(text: &str) -> String {
    text.replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_")
}
