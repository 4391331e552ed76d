//! What has to be said, and the messages that show progress.

use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;
use super::rows::RoomColumns;
use crate::outbox::{OutboxItem, ProgressObject};
use crate::room::{BotKey, RoomKey};

/// How much waits for one bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxCount {
    /// Which bot.
    pub bot: BotKey,
    /// Stored actions that no platform confirmed yet.
    pub waiting: i64,
    /// When the oldest of them was stored, Unix milliseconds.
    pub oldest_ms: i64,
}

#[derive(sqlx::FromRow)]
struct OutboxRow {
    id: String,
    #[sqlx(flatten)]
    room: RoomColumns,
    action: Vec<u8>,
    progress_key: Option<String>,
    attempts: i64,
    not_before_ms: i64,
    created_ms: i64,
}

impl From<OutboxRow> for OutboxItem {
    fn from(row: OutboxRow) -> Self {
        Self {
            id: row.id,
            room: row.room.into(),
            action: row.action,
            progress_key: row.progress_key,
            attempts: row.attempts,
            not_before_ms: row.not_before_ms,
            created_ms: row.created_ms,
        }
    }
}

fn items(rows: Vec<OutboxRow>) -> Vec<OutboxItem> {
    rows.into_iter().map(OutboxItem::from).collect()
}

/// What waits, oldest first.
pub(super) async fn pending(db: &Db, limit: i64) -> Result<Vec<OutboxItem>, Fault> {
    Ok(items(read_all!(
        db,
        OutboxRow,
        "SELECT id, kind, bot, room, thread, action, progress_key, attempts, not_before_ms, \
         created_ms FROM outbox ORDER BY id LIMIT $1",
        limit
    )?))
}

/// What waits for a room, oldest first.
pub(super) async fn of_room(db: &Db, room: &RoomKey, limit: i64) -> Result<Vec<OutboxItem>, Fault> {
    Ok(items(read_all!(
        db,
        OutboxRow,
        "SELECT id, kind, bot, room, thread, action, progress_key, attempts, not_before_ms, \
         created_ms FROM outbox WHERE kind = $1 AND bot = $2 AND room = $3 AND thread = $4 \
         ORDER BY id LIMIT $5",
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(&room.thread),
        limit
    )?))
}

pub(super) async fn counts(db: &Db) -> Result<Vec<OutboxCount>, Fault> {
    let rows = read_all!(
        db,
        (String, String, i64, i64),
        "SELECT kind, bot, COUNT(*), MIN(created_ms) FROM outbox GROUP BY kind, bot \
         ORDER BY kind, bot"
    )?;
    Ok(rows
        .into_iter()
        .map(|(kind, bot, waiting, oldest_ms)| OutboxCount {
            bot: BotKey { kind, bot },
            waiting,
            oldest_ms,
        })
        .collect())
}

pub(super) async fn retry(
    tx: &mut Tx,
    id: &str,
    attempts: i64,
    not_before_ms: i64,
) -> Result<(), Fault> {
    execute!(
        tx,
        "UPDATE outbox SET attempts = $2, not_before_ms = $3 WHERE id = $1",
        text(id),
        attempts,
        not_before_ms
    )?;
    Ok(())
}

pub(super) async fn progress(db: &Db, key: &str) -> Result<Option<ProgressObject>, Fault> {
    let row = read_one!(
        db,
        (String,),
        "SELECT message_id FROM progress WHERE name = $1",
        text(key)
    )?;
    Ok(row.map(|(message_id,)| ProgressObject {
        key: key.to_owned(),
        message_id,
    }))
}

/// Notes the message of a progress object. The time of writing serves only to forget it one day.
pub(super) async fn put_progress(tx: &mut Tx, progress: &ProgressObject) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO progress (name, message_id, updated_ms) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET message_id = excluded.message_id, \
         updated_ms = excluded.updated_ms",
        text(&progress.key),
        text(&progress.message_id),
        jiff::Timestamp::now().as_millisecond()
    )?;
    Ok(())
}
