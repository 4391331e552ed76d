//! Dialogs: conversations of several messages.

use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;
use super::rows::{from_json, to_json};
use crate::account::AccountId;
use crate::room::{BotKey, RoomKey};

/// Where a conversation of several messages stands. An account has at most one in a room.
#[derive(Debug, Clone, PartialEq)]
pub struct Dialog {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub room: RoomKey,
    /// Which sort of dialog.
    pub kind: String,
    /// What it has learnt so far; its own business.
    pub data: serde_json::Value,
    /// Unix milliseconds after which it is forgotten.
    pub expires_ms: i64,
}

pub(super) async fn get(
    db: &Db,
    account: &AccountId,
    room: &RoomKey,
    now_ms: i64,
) -> Result<Option<Dialog>, Fault> {
    let row = read_one!(
        db,
        (String, String, i64),
        "SELECT dialog_kind, data, expires_ms FROM dialog WHERE account_id = $1 AND kind = $2 \
         AND bot = $3 AND room = $4 AND thread = $5 AND expires_ms > $6",
        text(account.as_str()),
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(&room.thread),
        now_ms
    )?;
    let Some((kind, data, expires_ms)) = row else {
        return Ok(None);
    };
    Ok(Some(Dialog {
        account: account.clone(),
        room: room.clone(),
        kind,
        data: from_json(&data)?,
        expires_ms,
    }))
}

/// Whose dialogs of a sort are open, and where.
pub(super) async fn of_kind(db: &Db, kind: &str) -> Result<Vec<(AccountId, RoomKey)>, Fault> {
    let rows = read_all!(
        db,
        (String, String, String, String, String),
        "SELECT account_id, kind, bot, room, thread FROM dialog WHERE dialog_kind = $1",
        text(kind)
    )?;
    Ok(rows
        .into_iter()
        .map(|(account, kind, bot, room, thread)| {
            let bot = BotKey { kind, bot };
            (
                AccountId::from_stored(account),
                RoomKey { bot, room, thread },
            )
        })
        .collect())
}

pub(super) async fn put(tx: &mut Tx, dialog: &Dialog) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO dialog (account_id, kind, bot, room, thread, dialog_kind, data, expires_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (account_id, kind, bot, room, thread) DO UPDATE SET \
         dialog_kind = excluded.dialog_kind, data = excluded.data, expires_ms = excluded.expires_ms",
        text(dialog.account.as_str()),
        text(&dialog.room.bot.kind),
        text(&dialog.room.bot.bot),
        text(&dialog.room.room),
        text(&dialog.room.thread),
        text(&dialog.kind),
        to_json(&dialog.data)?,
        dialog.expires_ms
    )?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, account: &AccountId, room: &RoomKey) -> Result<(), Fault> {
    execute!(
        tx,
        "DELETE FROM dialog WHERE account_id = $1 AND kind = $2 AND bot = $3 AND room = $4 \
         AND thread = $5",
        text(account.as_str()),
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(&room.thread)
    )?;
    Ok(())
}
