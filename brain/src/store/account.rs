//! Accounts and identities.

use super::counter;
use super::db::{Db, Tx, execute, find, maybe_text, read_all, read_one, text};
use super::error::Fault;
use super::rows::{from_json, to_json, value};
use crate::account::{Account, AccountId, Identity, IdentityKey, Role, SeenPerson};

/// The counter that numbers accounts.
const NUMBERS: &str = "account";

#[derive(sqlx::FromRow)]
struct AccountRow {
    id: String,
    number: i64,
    name: String,
    role: String,
    tags: String,
    language: Option<String>,
    created_ms: i64,
}

impl TryFrom<AccountRow> for Account {
    type Error = Fault;

    fn try_from(row: AccountRow) -> Result<Self, Fault> {
        Ok(Self {
            id: AccountId::from_stored(row.id),
            number: row.number,
            name: row.name,
            role: value::<Role>(&row.role)?,
            tags: from_json(&row.tags)?,
            language: row.language,
            created_ms: row.created_ms,
        })
    }
}

#[derive(sqlx::FromRow)]
struct IdentityRow {
    kind: String,
    person: String,
    account_id: String,
    previous_account_id: Option<String>,
    name: String,
    handle: String,
    language_hint: String,
    last_seen_ms: i64,
}

impl From<IdentityRow> for Identity {
    fn from(row: IdentityRow) -> Self {
        Self {
            key: IdentityKey {
                kind: row.kind,
                person: row.person,
            },
            account: AccountId::from_stored(row.account_id),
            previous_account: row.previous_account_id.map(AccountId::from_stored),
            name: row.name,
            handle: row.handle,
            language_hint: row.language_hint,
        }
    }
}

const ACCOUNT_BY_ID: &str =
    "SELECT id, number, name, role, tags, language, created_ms FROM account WHERE id = $1";

const IDENTITY_BY_KEY: &str = "SELECT kind, person, account_id, previous_account_id, name, handle, \
     language_hint, last_seen_ms FROM identity WHERE kind = $1 AND person = $2";

pub(super) async fn by_id(db: &Db, id: &AccountId) -> Result<Option<Account>, Fault> {
    read_one!(db, AccountRow, ACCOUNT_BY_ID, text(id.as_str()))?
        .map(Account::try_from)
        .transpose()
}

pub(super) async fn by_number(db: &Db, number: i64) -> Result<Option<Account>, Fault> {
    read_one!(
        db,
        AccountRow,
        "SELECT id, number, name, role, tags, language, created_ms FROM account WHERE number = $1",
        number
    )?
    .map(Account::try_from)
    .transpose()
}

pub(super) async fn by_name(db: &Db, name: &str, limit: i64) -> Result<Vec<Account>, Fault> {
    read_all!(
        db,
        AccountRow,
        "SELECT id, number, name, role, tags, language, created_ms FROM account \
         WHERE lower(name) = lower($1) OR id IN \
         (SELECT account_id FROM identity WHERE lower(name) = lower($1) OR lower(handle) = lower($1)) \
         ORDER BY number LIMIT $2",
        text(name),
        limit
    )?
    .into_iter()
    .map(Account::try_from)
    .collect()
}

pub(super) async fn list(db: &Db, limit: i64) -> Result<Vec<Account>, Fault> {
    read_all!(
        db,
        AccountRow,
        "SELECT id, number, name, role, tags, language, created_ms FROM account \
         ORDER BY number LIMIT $1",
        limit
    )?
    .into_iter()
    .map(Account::try_from)
    .collect()
}

pub(super) async fn by_role(db: &Db, role: Role) -> Result<Vec<Account>, Fault> {
    read_all!(
        db,
        AccountRow,
        "SELECT id, number, name, role, tags, language, created_ms FROM account \
         WHERE role = $1 ORDER BY number",
        role.as_str()
    )?
    .into_iter()
    .map(Account::try_from)
    .collect()
}

pub(super) async fn identity(db: &Db, key: &IdentityKey) -> Result<Option<Identity>, Fault> {
    let row = read_one!(
        db,
        IdentityRow,
        IDENTITY_BY_KEY,
        text(&key.kind),
        text(&key.person)
    )?;
    Ok(row.map(Identity::from))
}

pub(super) async fn identities_of(db: &Db, account: &AccountId) -> Result<Vec<Identity>, Fault> {
    let rows = read_all!(
        db,
        IdentityRow,
        "SELECT kind, person, account_id, previous_account_id, name, handle, language_hint, \
         last_seen_ms FROM identity WHERE account_id = $1 ORDER BY kind, person",
        text(account.as_str())
    )?;
    Ok(rows.into_iter().map(Identity::from).collect())
}

/// How long "last seen" may lag behind, so that a talkative person does not cost a write a message.
const SEEN_STEP_MS: i64 = 60 * 60 * 1000;

/// The person if it is known and nothing about it needs writing.
pub(super) async fn unchanged(
    db: &Db,
    seen: &SeenPerson,
    now_ms: i64,
) -> Result<Option<(Identity, Account)>, Fault> {
    let row = read_one!(
        db,
        IdentityRow,
        IDENTITY_BY_KEY,
        text(&seen.key.kind),
        text(&seen.key.person)
    )?;
    let Some(row) = row else { return Ok(None) };
    let is_current = row.name == text(&seen.name)
        && row.handle == text(&seen.handle)
        && row.language_hint == text(&seen.language_hint)
        && now_ms - row.last_seen_ms < SEEN_STEP_MS;
    if !is_current {
        return Ok(None);
    }
    let identity = Identity::from(row);
    let account = by_id(db, &identity.account).await?;
    Ok(account.map(|account| (identity, account)))
}

/// The person as now seen; unknown ones get an account of their own, as guests.
pub(super) async fn identify(
    tx: &mut Tx,
    seen: &SeenPerson,
    now_ms: i64,
) -> Result<(Identity, Account), Fault> {
    if touch(tx, seen, now_ms).await? == 0 {
        let account = Account {
            id: AccountId::new(),
            number: counter::next(tx, NUMBERS).await?,
            name: [&seen.name, &seen.handle, &seen.key.person]
                .into_iter()
                .find(|name| !name.is_empty())
                .cloned()
                .unwrap_or_default(),
            role: Role::Guest,
            tags: Vec::new(),
            language: None,
            created_ms: now_ms,
        };
        put(tx, &account).await?;
        let inserted = execute!(
            tx,
            "INSERT INTO identity (kind, person, account_id, previous_account_id, name, handle, \
             language_hint, last_seen_ms) VALUES ($1, $2, $3, NULL, $4, $5, $6, $7) \
             ON CONFLICT (kind, person) DO NOTHING",
            text(&seen.key.kind),
            text(&seen.key.person),
            text(account.id.as_str()),
            text(&seen.name),
            text(&seen.handle),
            text(&seen.language_hint),
            now_ms
        )?;
        if inserted == 0 {
            // Another brain on the same database met the person in the same moment.
            execute!(
                tx,
                "DELETE FROM account WHERE id = $1",
                text(account.id.as_str())
            )?;
        }
    }
    let lost = || Fault::Value(format!("identity `{}` has gone", seen.key.person));
    let identity = find!(
        tx,
        IdentityRow,
        IDENTITY_BY_KEY,
        text(&seen.key.kind),
        text(&seen.key.person)
    )?
    .map(Identity::from)
    .ok_or_else(lost)?;
    let account = find!(
        tx,
        AccountRow,
        ACCOUNT_BY_ID,
        text(identity.account.as_str())
    )?
    .ok_or_else(lost)?;
    Ok((identity, account.try_into()?))
}

async fn touch(tx: &mut Tx, seen: &SeenPerson, now_ms: i64) -> Result<u64, Fault> {
    Ok(execute!(
        tx,
        "UPDATE identity SET name = $3, handle = $4, language_hint = $5, last_seen_ms = $6 \
         WHERE kind = $1 AND person = $2",
        text(&seen.key.kind),
        text(&seen.key.person),
        text(&seen.name),
        text(&seen.handle),
        text(&seen.language_hint),
        now_ms
    )?)
}

pub(super) async fn put(tx: &mut Tx, account: &Account) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO account (id, number, name, role, tags, language, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
         role = excluded.role, tags = excluded.tags, language = excluded.language",
        text(account.id.as_str()),
        account.number,
        text(&account.name),
        account.role.as_str(),
        to_json(&account.tags)?,
        maybe_text(account.language.as_deref()),
        account.created_ms
    )?;
    Ok(())
}

pub(super) async fn put_identity(
    tx: &mut Tx,
    identity: &Identity,
    seen_ms: i64,
) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO identity (kind, person, account_id, previous_account_id, name, handle, \
         language_hint, last_seen_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (kind, person) DO UPDATE SET account_id = excluded.account_id, \
         previous_account_id = excluded.previous_account_id, name = excluded.name, \
         handle = excluded.handle, language_hint = excluded.language_hint, \
         last_seen_ms = excluded.last_seen_ms",
        text(&identity.key.kind),
        text(&identity.key.person),
        text(identity.account.as_str()),
        maybe_text(identity.previous_account.as_ref().map(AccountId::as_str)),
        text(&identity.name),
        text(&identity.handle),
        text(&identity.language_hint),
        seen_ms
    )?;
    Ok(())
}
