//! The audit log: every accepted and every refused command and order.

use crate::account::{AccountId, IdentityKey};

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// UUIDv7 text.
    pub id: String,
    /// Unix milliseconds.
    pub time_ms: i64,
    /// Who; `None` for the brain itself.
    pub account: Option<AccountId>,
    /// From which identity.
    pub identity: Option<IdentityKey>,
    /// Command name or order kind, e.g. `run`, `order.run`, `bind`.
    pub what: String,
    /// The normalized command or the object, secrets redacted.
    pub detail: String,
    /// Node, account or job it is about; may be empty.
    pub target: String,
    /// `accepted`, `refused`, `done`, `failed`, ….
    pub result: String,
    /// Joins the line with the log and with error texts.
    pub trace: String,
}
