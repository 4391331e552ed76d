//! Rooms that watch the output of a running job.

use super::db::{Db, Tx, execute, read_all, text};
use super::error::Fault;
use super::rows::RoomColumns;
use crate::job::JobId;
use crate::room::RoomKey;

/// A message that shows the output of a running task. A room has at most one per job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follow {
    /// UUIDv7 text; also names the message's progress object.
    pub id: String,
    /// The job.
    pub job: JobId,
    /// Which of its tasks.
    pub position: i64,
    /// Where.
    pub room: RoomKey,
    /// The message that asked; may be empty.
    pub reply_to: String,
    /// The language of its texts.
    pub language: String,
    /// Until when, Unix milliseconds.
    pub until_ms: i64,
}

#[derive(sqlx::FromRow)]
struct FollowRow {
    id: String,
    job_id: String,
    position: i64,
    #[sqlx(flatten)]
    room: RoomColumns,
    reply_to: String,
    language: String,
    until_ms: i64,
}

impl From<FollowRow> for Follow {
    fn from(row: FollowRow) -> Self {
        Self {
            id: row.id,
            job: JobId::from_stored(row.job_id),
            position: row.position,
            room: row.room.into(),
            reply_to: row.reply_to,
            language: row.language,
            until_ms: row.until_ms,
        }
    }
}

/// All of them, oldest first.
pub(super) async fn all(db: &Db) -> Result<Vec<Follow>, Fault> {
    let rows = read_all!(
        db,
        FollowRow,
        "SELECT id, job_id, position, kind, bot, room, thread, reply_to, language, until_ms \
         FROM follow ORDER BY id"
    )?;
    Ok(rows.into_iter().map(Follow::from).collect())
}

/// One that is there already stays.
pub(super) async fn put(tx: &mut Tx, follow: &Follow) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO follow (id, job_id, position, kind, bot, room, thread, reply_to, language, \
         until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (job_id, kind, bot, room, thread) DO NOTHING",
        text(&follow.id),
        text(follow.job.as_str()),
        follow.position,
        text(&follow.room.bot.kind),
        text(&follow.room.bot.bot),
        text(&follow.room.room),
        text(&follow.room.thread),
        text(&follow.reply_to),
        text(&follow.language),
        follow.until_ms
    )?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, id: &str) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM follow WHERE id = $1", text(id))?;
    Ok(())
}
