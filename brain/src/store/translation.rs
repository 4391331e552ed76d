//! What rooms decided about translation, translations that are to be made, and what they cost.

use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;
use super::rows::{RoomColumns, from_json, to_json};
use crate::account::AccountId;
use crate::room::RoomKey;
use crate::translate::settings::RoomTranslation;
use crate::translate::work::Work;

/// Characters that an engine was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslationCount {
    /// The calendar month, as `2026-11`.
    pub month: String,
    /// Name of the engine.
    pub engine: String,
    /// For whom.
    pub account: AccountId,
    /// Where it was written.
    pub room: RoomKey,
    /// How many.
    pub characters: i64,
}

#[derive(sqlx::FromRow)]
struct RoomRow {
    #[sqlx(flatten)]
    room: RoomColumns,
    settings: String,
}

#[derive(sqlx::FromRow)]
struct CountRow {
    #[sqlx(flatten)]
    room: RoomColumns,
    engine: String,
    account_id: String,
    characters: i64,
}

pub(super) async fn put_room(
    tx: &mut Tx,
    room: &RoomKey,
    settings: &RoomTranslation,
) -> Result<(), Fault> {
    if settings.is_empty() {
        execute!(
            tx,
            "DELETE FROM translation_room WHERE kind = $1 AND bot = $2 AND room = $3 AND thread = $4",
            text(&room.bot.kind),
            text(&room.bot.bot),
            text(&room.room),
            text(&room.thread)
        )?;
        return Ok(());
    }
    let settings = to_json(settings)?;
    execute!(
        tx,
        "INSERT INTO translation_room (kind, bot, room, thread, settings) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (kind, bot, room, thread) \
         DO UPDATE SET settings = excluded.settings",
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(&room.thread),
        text(&settings)
    )?;
    Ok(())
}

pub(super) async fn rooms(db: &Db) -> Result<Vec<(RoomKey, RoomTranslation)>, Fault> {
    read_all!(
        db,
        RoomRow,
        "SELECT kind, bot, room, thread, settings FROM translation_room \
         ORDER BY kind, bot, room, thread"
    )?
    .into_iter()
    .map(|row| Ok((row.room.into(), from_json(&row.settings)?)))
    .collect()
}

pub(super) async fn put(tx: &mut Tx, work: &Work) -> Result<(), Fault> {
    let json = to_json(work)?;
    execute!(
        tx,
        "INSERT INTO translation (id, origin, work, is_delayed, created_ms) \
         VALUES ($1, $2, $3, 0, $4)",
        text(&work.id),
        text(&work.origin.mark()),
        text(&json),
        work.received_ms
    )?;
    Ok(())
}

/// Whether it was still to be made; it no longer is.
pub(super) async fn take(tx: &mut Tx, id: &str) -> Result<bool, Fault> {
    let gone = execute!(tx, "DELETE FROM translation WHERE id = $1", text(id))?;
    Ok(gone == 1)
}

/// Whether it is still to be made and nobody was told that it takes long; they are now.
pub(super) async fn delay(tx: &mut Tx, id: &str) -> Result<bool, Fault> {
    let told = execute!(
        tx,
        "UPDATE translation SET is_delayed = 1 WHERE id = $1 AND is_delayed = 0",
        text(id)
    )?;
    Ok(told == 1)
}

pub(super) async fn drop_of(tx: &mut Tx, origin: &str) -> Result<(), Fault> {
    execute!(
        tx,
        "DELETE FROM translation WHERE origin = $1",
        text(origin)
    )?;
    Ok(())
}

pub(super) async fn list(db: &Db, limit: i64) -> Result<Vec<Work>, Fault> {
    read_all!(
        db,
        (String, i64),
        "SELECT work, is_delayed FROM translation ORDER BY id LIMIT $1",
        limit
    )?
    .into_iter()
    .map(|(json, is_delayed)| {
        let mut work: Work = from_json(&json)?;
        work.is_delayed = is_delayed != 0;
        Ok(work)
    })
    .collect()
}

pub(super) async fn count(tx: &mut Tx, count: &TranslationCount) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO translation_count (month, engine, account_id, kind, bot, room, thread, \
         characters) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (month, engine, account_id, kind, bot, room, thread) \
         DO UPDATE SET characters = translation_count.characters + excluded.characters",
        text(&count.month),
        text(&count.engine),
        text(count.account.as_str()),
        text(&count.room.bot.kind),
        text(&count.room.bot.bot),
        text(&count.room.room),
        text(&count.room.thread),
        count.characters
    )?;
    Ok(())
}

/// All counts of a month, largest first.
pub(super) async fn counts(
    db: &Db,
    month: &str,
    limit: i64,
) -> Result<Vec<TranslationCount>, Fault> {
    let rows = read_all!(
        db,
        CountRow,
        "SELECT engine, account_id, kind, bot, room, thread, characters FROM translation_count \
         WHERE month = $1 ORDER BY characters DESC, account_id LIMIT $2",
        text(month),
        limit
    )?;
    Ok(rows
        .into_iter()
        .map(|row| TranslationCount {
            month: month.to_owned(),
            engine: row.engine,
            account: AccountId::from_stored(row.account_id),
            room: row.room.into(),
            characters: row.characters,
        })
        .collect())
}

/// Characters of each engine in a month.
pub(super) async fn spent(db: &Db, month: &str) -> Result<Vec<(String, u64)>, Fault> {
    let rows = read_all!(
        db,
        (String, i64),
        "SELECT engine, CAST(SUM(characters) AS BIGINT) FROM translation_count WHERE month = $1 \
         GROUP BY engine ORDER BY engine",
        text(month)
    )?;
    let positive = |characters: i64| u64::try_from(characters).unwrap_or(0);
    Ok(rows
        .into_iter()
        .map(|(engine, characters)| (engine, positive(characters)))
        .collect())
}

/// Characters of a person and of a room in a month.
pub(super) async fn used(
    db: &Db,
    month: &str,
    account: &AccountId,
    room: &RoomKey,
) -> Result<(u64, u64), Fault> {
    let row = read_one!(
        db,
        (Option<i64>, Option<i64>),
        "SELECT CAST(SUM(CASE WHEN account_id = $2 THEN characters ELSE 0 END) AS BIGINT), \
         CAST(SUM(CASE WHEN kind = $3 AND bot = $4 AND room = $5 AND thread = $6 \
         THEN characters ELSE 0 END) AS BIGINT) FROM translation_count WHERE month = $1",
        text(month),
        text(account.as_str()),
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(&room.thread)
    )?;
    let positive = |sum: Option<i64>| u64::try_from(sum.unwrap_or(0)).unwrap_or(0);
    let (account, room) = row.unwrap_or_default();
    Ok((positive(account), positive(room)))
}

/// The key, with this beginning, of what a message shows.
pub(super) async fn shown_by(
    db: &Db,
    prefix: &str,
    message: &str,
) -> Result<Option<String>, Fault> {
    let row = read_one!(
        db,
        (String,),
        "SELECT name FROM progress WHERE message_id = $1 AND SUBSTR(name, 1, $2) = $3 LIMIT 1",
        text(message),
        i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX),
        text(prefix)
    )?;
    Ok(row.map(|(name,)| name))
}

/// Whether something with this key is to be said.
pub(super) async fn is_on_its_way(db: &Db, key: &str) -> Result<bool, Fault> {
    let row = read_one!(
        db,
        (i64,),
        "SELECT COUNT(*) FROM outbox WHERE progress_key = $1",
        text(key)
    )?;
    Ok(row.is_some_and(|(count,)| count > 0))
}
