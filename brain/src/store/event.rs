//! Events that were handled: reading them. They are written with [`super::many`].

use super::db::{Db, read_one, text};
use super::error::Fault;
use crate::room::BotKey;

/// The event of this bot that was handled last.
pub(super) async fn latest(db: &Db, bot: &BotKey) -> Result<Option<String>, Fault> {
    let row = read_one!(
        db,
        (String,),
        "SELECT event_id FROM event WHERE kind = $1 AND bot = $2 ORDER BY received_ms DESC LIMIT 1",
        text(&bot.kind),
        text(&bot.bot)
    )?;
    Ok(row.map(|(id,)| id))
}

/// Whether the event was handled.
pub(super) async fn seen(db: &Db, bot: &BotKey, id: &str) -> Result<bool, Fault> {
    let row = read_one!(
        db,
        (i64,),
        "SELECT received_ms FROM event WHERE kind = $1 AND bot = $2 AND event_id = $3",
        text(&bot.kind),
        text(&bot.bot),
        text(id)
    )?;
    Ok(row.is_some())
}
