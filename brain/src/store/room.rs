//! Rooms.

use super::db::{Db, Tx, execute, maybe_text, read_all, read_one, text};
use super::error::Fault;
use super::rows::{RoomColumns, value};
use crate::room::{RoomKey, RoomKind};

/// A room as we know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Which room.
    pub key: RoomKey,
    /// What sort of room.
    pub kind: RoomKind,
    /// Title as last seen; may be empty.
    pub title: String,
    /// The language set for the room; `None` for each person's own. Storing `None` keeps what was set.
    pub language: Option<String>,
    /// When somebody last wrote in it, Unix milliseconds.
    pub last_message_ms: i64,
}

#[derive(sqlx::FromRow)]
struct RoomRow {
    #[sqlx(flatten)]
    key: RoomColumns,
    room_kind: String,
    title: String,
    language: Option<String>,
    last_message_ms: i64,
}

impl TryFrom<RoomRow> for Room {
    type Error = Fault;

    fn try_from(row: RoomRow) -> Result<Self, Fault> {
        Ok(Self {
            key: row.key.into(),
            kind: value(&row.room_kind)?,
            title: row.title,
            language: row.language,
            last_message_ms: row.last_message_ms,
        })
    }
}

pub(super) async fn get(db: &Db, key: &RoomKey) -> Result<Option<Room>, Fault> {
    read_one!(
        db,
        RoomRow,
        "SELECT kind, bot, room, thread, room_kind, title, language, last_message_ms FROM room \
         WHERE kind = $1 AND bot = $2 AND room = $3 AND thread = $4",
        text(&key.bot.kind),
        text(&key.bot.bot),
        text(&key.room),
        text(&key.thread)
    )?
    .map(Room::try_from)
    .transpose()
}

pub(super) async fn list(db: &Db, limit: i64) -> Result<Vec<Room>, Fault> {
    read_all!(
        db,
        RoomRow,
        "SELECT kind, bot, room, thread, room_kind, title, language, last_message_ms FROM room \
         ORDER BY last_message_ms DESC, kind, bot, room, thread LIMIT $1",
        limit
    )?
    .into_iter()
    .map(Room::try_from)
    .collect()
}

pub(super) async fn put(tx: &mut Tx, room: &Room) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO room (kind, bot, room, thread, room_kind, title, language, last_message_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (kind, bot, room, thread) \
         DO UPDATE SET room_kind = excluded.room_kind, title = excluded.title, \
         language = COALESCE(excluded.language, room.language), \
         last_message_ms = excluded.last_message_ms",
        text(&room.key.bot.kind),
        text(&room.key.bot.bot),
        text(&room.key.room),
        text(&room.key.thread),
        room.kind.as_str(),
        text(&room.title),
        maybe_text(room.language.as_deref()),
        room.last_message_ms
    )?;
    Ok(())
}
