//! Questions: commands that wait for a yes.

use super::db::{Db, Tx, execute, find, read_one, text};
use super::error::Fault;
use super::rows::{RoomColumns, from_json, to_json};
use crate::account::AccountId;
use crate::room::RoomKey;

/// A command that waits for a yes of one account, in one room, for a while, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Short, so that it fits a button and can be typed.
    pub id: String,
    /// Who may answer.
    pub account: AccountId,
    /// Where it was asked.
    pub room: RoomKey,
    /// The normalized command that a yes runs.
    pub command: String,
    /// What the command wants to know again when it runs; its own business.
    pub data: serde_json::Value,
    /// Unix milliseconds.
    pub created_ms: i64,
    /// Unix milliseconds after which a yes comes too late.
    pub expires_ms: i64,
}

#[derive(sqlx::FromRow)]
struct QuestionRow {
    id: String,
    account_id: String,
    #[sqlx(flatten)]
    room: RoomColumns,
    command: String,
    data: String,
    created_ms: i64,
    expires_ms: i64,
}

impl TryFrom<QuestionRow> for Question {
    type Error = Fault;

    fn try_from(row: QuestionRow) -> Result<Self, Fault> {
        Ok(Self {
            id: row.id,
            account: AccountId::from_stored(row.account_id),
            room: row.room.into(),
            command: row.command,
            data: from_json(&row.data)?,
            created_ms: row.created_ms,
            expires_ms: row.expires_ms,
        })
    }
}

/// The question, if it still waits.
pub(super) async fn get(db: &Db, id: &str, now_ms: i64) -> Result<Option<Question>, Fault> {
    read_one!(
        db,
        QuestionRow,
        "SELECT id, account_id, kind, bot, room, thread, command, data, created_ms, expires_ms \
         FROM question WHERE id = $1 AND used = 0 AND expires_ms > $2",
        text(id),
        now_ms
    )?
    .map(Question::try_from)
    .transpose()
}

/// The newest question that waits for this account in this room: what a bare "yes" answers.
pub(super) async fn latest(
    db: &Db,
    account: &AccountId,
    room: &RoomKey,
    now_ms: i64,
) -> Result<Option<Question>, Fault> {
    read_one!(
        db,
        QuestionRow,
        "SELECT id, account_id, kind, bot, room, thread, command, data, created_ms, expires_ms \
         FROM question WHERE account_id = $1 AND kind = $2 AND bot = $3 AND room = $4 \
         AND thread = $5 AND used = 0 AND expires_ms > $6 ORDER BY created_ms DESC, id LIMIT 1",
        text(account.as_str()),
        text(&room.bot.kind),
        text(&room.bot.bot),
        text(&room.room),
        text(&room.thread),
        now_ms
    )?
    .map(Question::try_from)
    .transpose()
}

pub(super) async fn put(tx: &mut Tx, question: &Question) -> Result<(), Fault> {
    let put = execute!(
        tx,
        "INSERT INTO question (id, account_id, kind, bot, room, thread, command, data, created_ms, \
         expires_ms, used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0) \
         ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, kind = excluded.kind, \
         bot = excluded.bot, room = excluded.room, thread = excluded.thread, \
         command = excluded.command, data = excluded.data, created_ms = excluded.created_ms, \
         expires_ms = excluded.expires_ms, used = 0 \
         WHERE question.used = 1 OR question.expires_ms <= excluded.created_ms",
        text(&question.id),
        text(question.account.as_str()),
        text(&question.room.bot.kind),
        text(&question.room.bot.bot),
        text(&question.room.room),
        text(&question.room.thread),
        text(&question.command),
        to_json(&question.data)?,
        question.created_ms,
        question.expires_ms
    )?;
    if put == 0 {
        return Err(Fault::Taken(format!(
            "question `{}` still waits",
            question.id
        )));
    }
    Ok(())
}

/// The question, which is then answered; `None` if it does not wait for this account any more.
pub(super) async fn take(
    tx: &mut Tx,
    id: &str,
    account: &AccountId,
    now_ms: i64,
) -> Result<Option<Question>, Fault> {
    find!(
        tx,
        QuestionRow,
        "UPDATE question SET used = 1 WHERE id = $1 AND account_id = $2 AND used = 0 \
         AND expires_ms > $3 RETURNING id, account_id, kind, bot, room, thread, command, data, \
         created_ms, expires_ms",
        text(id),
        text(account.as_str()),
        now_ms
    )?
    .map(Question::try_from)
    .transpose()
}
