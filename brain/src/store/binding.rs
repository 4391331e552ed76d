//! One-time codes: of bindings, and of the first owner's claim. Only hashes are stored.

use super::db::{Db, Tx, execute, find, maybe_text, read_one, text};
use super::error::Fault;
use super::rows::RoomColumns;
use crate::account::{AccountId, IdentityKey};
use crate::room::RoomKey;

/// A one-time code that joins the identity that was given it to the account that sends it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Hash of the code.
    pub code_hash: String,
    /// Who was given the code and wants to be joined.
    pub issuer: IdentityKey,
    /// Where the code was given.
    pub room: RoomKey,
    /// Whether others could read it there.
    pub in_group: bool,
    /// Set for the second code, which the issuer must send: the account that sent the first.
    pub claimant: Option<AccountId>,
    /// Wrong guesses so far.
    pub attempts: i64,
    /// Unix milliseconds after which it is worthless.
    pub expires_ms: i64,
}

/// A one-time code that makes its sender the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Hash of the code.
    pub code_hash: String,
    /// Unix milliseconds after which it is worthless.
    pub expires_ms: i64,
}

#[derive(sqlx::FromRow)]
struct BindingRow {
    code_hash: String,
    issuer_kind: String,
    issuer_person: String,
    #[sqlx(flatten)]
    room: RoomColumns,
    in_group: i64,
    claimant_id: Option<String>,
    attempts: i64,
    expires_ms: i64,
}

impl From<BindingRow> for Binding {
    fn from(row: BindingRow) -> Self {
        Self {
            code_hash: row.code_hash,
            issuer: IdentityKey {
                kind: row.issuer_kind,
                person: row.issuer_person,
            },
            room: row.room.into(),
            in_group: row.in_group != 0,
            claimant: row.claimant_id.map(AccountId::from_stored),
            attempts: row.attempts,
            expires_ms: row.expires_ms,
        }
    }
}

pub(super) async fn get(db: &Db, code_hash: &str, now_ms: i64) -> Result<Option<Binding>, Fault> {
    let row = read_one!(
        db,
        BindingRow,
        "SELECT code_hash, issuer_kind, issuer_person, kind, bot, room, thread, in_group, \
         claimant_id, attempts, expires_ms FROM binding WHERE code_hash = $1 AND expires_ms > $2",
        text(code_hash),
        now_ms
    )?;
    Ok(row.map(Binding::from))
}

pub(super) async fn put(tx: &mut Tx, binding: &Binding) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO binding (code_hash, issuer_kind, issuer_person, kind, bot, room, thread, \
         in_group, claimant_id, attempts, expires_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        text(&binding.code_hash),
        text(&binding.issuer.kind),
        text(&binding.issuer.person),
        text(&binding.room.bot.kind),
        text(&binding.room.bot.bot),
        text(&binding.room.room),
        text(&binding.room.thread),
        i64::from(binding.in_group),
        maybe_text(binding.claimant.as_ref().map(AccountId::as_str)),
        binding.attempts,
        binding.expires_ms
    )?;
    Ok(())
}

/// The binding of a code, which is then used up.
pub(super) async fn take(
    tx: &mut Tx,
    code_hash: &str,
    now_ms: i64,
) -> Result<Option<Binding>, Fault> {
    let row = find!(
        tx,
        BindingRow,
        "DELETE FROM binding WHERE code_hash = $1 AND expires_ms > $2 RETURNING code_hash, \
         issuer_kind, issuer_person, kind, bot, room, thread, in_group, claimant_id, attempts, \
         expires_ms",
        text(code_hash),
        now_ms
    )?;
    Ok(row.map(Binding::from))
}

/// Counts a wrong guess against all codes of an identity, forgets those that were guessed at `limit`
/// times, and gives how many are left.
pub(super) async fn miss(tx: &mut Tx, issuer: &IdentityKey, limit: i64) -> Result<i64, Fault> {
    execute!(
        tx,
        "UPDATE binding SET attempts = attempts + 1 WHERE issuer_kind = $1 AND issuer_person = $2",
        text(&issuer.kind),
        text(&issuer.person)
    )?;
    execute!(
        tx,
        "DELETE FROM binding WHERE issuer_kind = $1 AND issuer_person = $2 AND attempts >= $3",
        text(&issuer.kind),
        text(&issuer.person),
        limit
    )?;
    let left = find!(
        tx,
        (i64,),
        "SELECT COUNT(*) FROM binding WHERE issuer_kind = $1 AND issuer_person = $2",
        text(&issuer.kind),
        text(&issuer.person)
    )?;
    Ok(left.map_or(0, |(left,)| left))
}

pub(super) async fn remove(tx: &mut Tx, issuer: &IdentityKey) -> Result<(), Fault> {
    execute!(
        tx,
        "DELETE FROM binding WHERE issuer_kind = $1 AND issuer_person = $2",
        text(&issuer.kind),
        text(&issuer.person)
    )?;
    Ok(())
}

/// Only the newest claim code is good, so that one that was read over a shoulder or left in an old log
/// dies with the next.
pub(super) async fn put_claim(tx: &mut Tx, claim: &Claim) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM claim WHERE used_ms IS NULL")?;
    execute!(
        tx,
        "INSERT INTO claim (code_hash, expires_ms, used_ms) VALUES ($1, $2, NULL)",
        text(&claim.code_hash),
        claim.expires_ms
    )?;
    Ok(())
}

/// Whether the claim code is good; it stays so.
pub(super) async fn claim_is_good(db: &Db, code_hash: &str, now_ms: i64) -> Result<bool, Fault> {
    let row = read_one!(
        db,
        (i64,),
        "SELECT expires_ms FROM claim WHERE code_hash = $1 AND used_ms IS NULL AND expires_ms > $2",
        text(code_hash),
        now_ms
    )?;
    Ok(row.is_some())
}

/// Whether the claim code was good; it is used up then.
pub(super) async fn use_claim(tx: &mut Tx, code_hash: &str, now_ms: i64) -> Result<bool, Fault> {
    let used = execute!(
        tx,
        "UPDATE claim SET used_ms = $2 WHERE code_hash = $1 AND used_ms IS NULL \
         AND expires_ms > $2",
        text(code_hash),
        now_ms
    )?;
    Ok(used == 1)
}
