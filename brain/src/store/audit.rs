//! The audit log: reading it. It is written with [`super::many`].

use super::db::{Db, maybe_text, read_all};
use super::error::Fault;
use crate::account::{AccountId, IdentityKey};
use crate::audit::AuditEntry;

/// Which lines of the audit log to list; an empty filter means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only this command or order kind.
    pub what: Option<String>,
    /// Only those about this node, account or job.
    pub target: Option<String>,
    /// Only those with this result.
    pub result: Option<String>,
    /// Only those before the line with this id: the next page.
    pub before: Option<String>,
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    id: String,
    time_ms: i64,
    account_id: Option<String>,
    identity_kind: Option<String>,
    identity_person: Option<String>,
    what: String,
    detail: String,
    target: String,
    result: String,
    trace: String,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            time_ms: row.time_ms,
            account: row.account_id.map(AccountId::from_stored),
            identity: row
                .identity_kind
                .zip(row.identity_person)
                .map(|(kind, person)| IdentityKey { kind, person }),
            what: row.what,
            detail: row.detail,
            target: row.target,
            result: row.result,
            trace: row.trace,
        }
    }
}

/// Newest first.
pub(super) async fn list(
    db: &Db,
    filter: &AuditFilter,
    limit: i64,
) -> Result<Vec<AuditEntry>, Fault> {
    let rows = read_all!(
        db,
        AuditRow,
        "SELECT id, time_ms, account_id, identity_kind, identity_person, what, detail, target, \
         result, trace FROM audit WHERE ($1 IS NULL OR account_id = $1) \
         AND ($2 IS NULL OR what = $2) AND ($3 IS NULL OR target = $3) \
         AND ($4 IS NULL OR result = $4) AND ($5 IS NULL OR id < $5) ORDER BY id DESC LIMIT $6",
        maybe_text(filter.account.as_ref().map(AccountId::as_str)),
        maybe_text(filter.what.as_deref()),
        maybe_text(filter.target.as_deref()),
        maybe_text(filter.result.as_deref()),
        maybe_text(filter.before.as_deref()),
        limit
    )?;
    Ok(rows.into_iter().map(AuditEntry::from).collect())
}
