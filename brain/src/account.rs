//! Accounts (persons), their identities on chat platforms, and their roles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Names an account: UUIDv7 text, made by us.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccountId(String);

impl AccountId {
    /// A new id.
    pub fn new() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    /// The id that the store kept.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The UUID text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccountId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an account may do, lowest first. Each role may do all that the lower ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Known by sight; may ask for help and bind itself, nothing else.
    Guest,
    /// A team member: notes, translation, looking at nodes.
    Member,
    /// Runs jobs, on all nodes or on those with certain tags.
    Operator,
    /// Everything.
    Owner,
}

impl Role {
    /// All roles, lowest first.
    pub const ALL: [Self; 4] = [Self::Guest, Self::Member, Self::Operator, Self::Owner];

    /// The word used in commands and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// A person. Owns one or more identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Unique, never reused.
    pub id: AccountId,
    /// The short number by which people name accounts (`user 3`), from 1.
    pub number: i64,
    /// Display name.
    pub name: String,
    /// What the account may do.
    pub role: Role,
    /// Node tags to which an operator is limited; empty = every node.
    pub tags: Vec<String>,
    /// Set by `/lang`; otherwise the platform's hint counts.
    pub language: Option<String>,
    /// Unix milliseconds.
    pub created_ms: i64,
}

/// Names one person on one platform: the adapter kind and the platform's own id of the person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IdentityKey {
    /// Adapter kind, e.g. `console`.
    pub kind: String,
    /// The platform's id; never a name that another person can take over.
    pub person: String,
}

/// One person on one platform, and the account it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who on which platform.
    pub key: IdentityKey,
    /// The owner of this identity.
    pub account: AccountId,
    /// Where it belonged before it was bound; `unbind` restores it.
    pub previous_account: Option<AccountId>,
    /// Display name as last seen.
    pub name: String,
    /// `@handle` as last seen, without `@`; may be empty.
    pub handle: String,
    /// The platform's language hint as last seen; may be empty.
    pub language_hint: String,
}

/// A person as an event shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPerson {
    /// Who on which platform.
    pub key: IdentityKey,
    /// Display name.
    pub name: String,
    /// `@handle` without `@`; may be empty.
    pub handle: String,
    /// The platform's language hint; may be empty.
    pub language_hint: String,
}
