//! One-time tokens with which nodes join, and addresses that nodes had before.

use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;
use super::rows::{RoomColumns, from_json, to_json};
use crate::room::RoomKey;

/// A one-time token with which a node joins. Only its hash is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinToken {
    /// Hash of the token.
    pub token_hash: String,
    /// What the node is to be called; empty = what it calls itself.
    pub name: String,
    /// Tags for the node.
    pub tags: Vec<String>,
    /// What a bare server downloads and runs.
    pub script: String,
    /// Where somebody asked for it.
    pub room: RoomKey,
    /// The message that asked; may be empty.
    pub reply_to: String,
    /// The language of who asked.
    pub language: String,
    /// Unix milliseconds after which it is worthless.
    pub expires_ms: i64,
    /// Address of the node that used it up.
    pub node: Option<String>,
}

/// An address that a node had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerAddress {
    /// The old address.
    pub address: String,
    /// What came after it.
    pub node: String,
    /// Until when the old one is let in, Unix milliseconds.
    pub until_ms: i64,
}

#[derive(sqlx::FromRow)]
struct JoinRow {
    token_hash: String,
    name: String,
    tags: String,
    script: String,
    #[sqlx(flatten)]
    room: RoomColumns,
    reply_to: String,
    language: String,
    expires_ms: i64,
    node: Option<String>,
}

impl TryFrom<JoinRow> for JoinToken {
    type Error = Fault;

    fn try_from(row: JoinRow) -> Result<Self, Fault> {
        Ok(Self {
            token_hash: row.token_hash,
            name: row.name,
            tags: from_json(&row.tags)?,
            script: row.script,
            room: row.room.into(),
            reply_to: row.reply_to,
            language: row.language,
            expires_ms: row.expires_ms,
            node: row.node,
        })
    }
}

pub(super) async fn get(db: &Db, token_hash: &str) -> Result<Option<JoinToken>, Fault> {
    read_one!(
        db,
        JoinRow,
        "SELECT token_hash, name, tags, script, kind, bot, room, thread, reply_to, language, \
         expires_ms, node FROM join_token WHERE token_hash = $1",
        text(token_hash)
    )?
    .map(JoinToken::try_from)
    .transpose()
}

/// Used up, and not told yet.
pub(super) async fn untold(db: &Db) -> Result<Vec<JoinToken>, Fault> {
    read_all!(
        db,
        JoinRow,
        "SELECT token_hash, name, tags, script, kind, bot, room, thread, reply_to, language, \
         expires_ms, node FROM join_token WHERE node IS NOT NULL AND told = 0"
    )?
    .into_iter()
    .map(JoinToken::try_from)
    .collect()
}

pub(super) async fn put(tx: &mut Tx, token: &JoinToken) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO join_token (token_hash, name, tags, script, kind, bot, room, thread, \
         reply_to, language, expires_ms, told) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)",
        text(&token.token_hash),
        text(&token.name),
        to_json(&token.tags)?,
        text(&token.script),
        text(&token.room.bot.kind),
        text(&token.room.bot.bot),
        text(&token.room.room),
        text(&token.room.thread),
        text(&token.reply_to),
        text(&token.language),
        token.expires_ms
    )?;
    Ok(())
}

/// Whether the token was good; `node` has used it up then.
pub(super) async fn take(
    tx: &mut Tx,
    token_hash: &str,
    node: &str,
    now_ms: i64,
) -> Result<bool, Fault> {
    let used = execute!(
        tx,
        "UPDATE join_token SET node = $2 \
         WHERE token_hash = $1 AND node IS NULL AND expires_ms > $3",
        text(token_hash),
        text(node),
        now_ms
    )?;
    Ok(used == 1)
}

/// Whether this join was not told before; now it is.
pub(super) async fn tell(tx: &mut Tx, token_hash: &str) -> Result<bool, Fault> {
    let told = execute!(
        tx,
        "UPDATE join_token SET told = 1 WHERE token_hash = $1 AND told = 0",
        text(token_hash)
    )?;
    Ok(told == 1)
}

/// Gives a node another name, also in the tasks that it was given.
pub(super) async fn rename(tx: &mut Tx, address: &str, name: &str) -> Result<(), Fault> {
    execute!(
        tx,
        "UPDATE node SET name = $2 WHERE address = $1",
        text(address),
        text(name)
    )?;
    execute!(
        tx,
        "UPDATE task SET node = $2 WHERE address = $1",
        text(address),
        text(name)
    )?;
    Ok(())
}

pub(super) async fn set_tags(tx: &mut Tx, address: &str, tags: &[String]) -> Result<(), Fault> {
    execute!(
        tx,
        "UPDATE node SET tags = $2 WHERE address = $1",
        text(address),
        to_json(&tags)?
    )?;
    Ok(())
}

/// Whether the node was known under its old address; it goes on under the new one.
pub(super) async fn succeed(tx: &mut Tx, former: &FormerAddress) -> Result<bool, Fault> {
    let moved = execute!(
        tx,
        "UPDATE node SET address = $2 WHERE address = $1",
        text(&former.address),
        text(&former.node)
    )?;
    if moved != 1 {
        return Ok(false);
    }
    execute!(
        tx,
        "UPDATE task SET address = $2 WHERE address = $1",
        text(&former.address),
        text(&former.node)
    )?;
    execute!(
        tx,
        "UPDATE join_token SET node = $2 WHERE node = $1",
        text(&former.address),
        text(&former.node)
    )?;
    execute!(
        tx,
        "DELETE FROM former_address WHERE address = $1 OR address = $2",
        text(&former.address),
        text(&former.node)
    )?;
    execute!(
        tx,
        "INSERT INTO former_address (address, node, until_ms) VALUES ($1, $2, $3)",
        text(&former.address),
        text(&former.node),
        former.until_ms
    )?;
    Ok(true)
}

/// Oldest end first.
pub(super) async fn former(db: &Db) -> Result<Vec<FormerAddress>, Fault> {
    let rows = read_all!(
        db,
        (String, String, i64),
        "SELECT address, node, until_ms FROM former_address ORDER BY until_ms"
    )?;
    Ok(rows
        .into_iter()
        .map(|(address, node, until_ms)| FormerAddress {
            address,
            node,
            until_ms,
        })
        .collect())
}
