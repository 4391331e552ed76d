//! What can go wrong in the store, sorted by what a caller does about it.

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;

/// Why the store did not do what it was asked. Nothing of it was done then, except where
/// [`StoreError::Unreachable`] says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The queue of writes stayed full; try again later.
    #[error("the store is busy: {waiting} writes are waiting")]
    Busy {
        /// How many writes wait.
        waiting: usize,
    },
    /// Another process holds the database, or transactions kept colliding; try again later.
    #[error("the database is locked by someone else: {0}")]
    Locked(String),
    /// No space is left where the database lives.
    #[error("no space is left for the database: {0}")]
    Full(String),
    /// The file is damaged, or no database at all.
    #[error(
        "the database is damaged or the file is none ({0}); move it away or put a backup in its place"
    )]
    NotADatabase(String),
    /// The database was last written by a newer version of this program, or its migrations differ.
    #[error("the database does not fit this version of the program: {0}")]
    Version(String),
    /// The database did not answer, or could not be opened. When the line broke during the commit the
    /// write may have been done: ask again under the same event id.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// Something that must be unique exists already, or something that is referred to does not.
    #[error("the database refused a conflicting row: {0}")]
    Conflict(String),
    /// The URL names no database that this program speaks to.
    #[error("`{0}` is no database url; use sqlite:PATH or postgres://USER@HOST/NAME")]
    Url(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A stored value that this program cannot read, or a fault of its own.
    #[error("the store failed: {0}")]
    Other(String),
}

/// What stops a piece of work inside the store.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The database said no.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A stored or given value has no meaning.
    #[error("{0}")]
    Value(String),
    /// Something unique is taken.
    #[error("{0}")]
    Taken(String),
    /// What a unit required did not hold.
    #[error("a condition did not hold")]
    Unmet,
    /// The unit's event was handled before.
    #[error("the event was handled before")]
    Duplicate,
}

/// How far a failure reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only the statement: the rest of the transaction can go on from a savepoint.
    Statement,
    /// The transaction is lost, and would work when tried again.
    Again,
    /// The transaction is lost, and trying again at once would not help.
    Lost,
}

impl Fault {
    /// How far the failure reaches.
    pub(super) fn reach(&self) -> Reach {
        let Self::Sql(error) = self else {
            return Reach::Statement;
        };
        match error {
            sqlx::Error::Database(error) => database_reach(error.as_ref()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Reach::Lost,
            _ => Reach::Statement,
        }
    }
}

/// SQLite's primary result codes that end the whole transaction or make going on useless.
mod sqlite {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NOMEM: i32 = 7;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
}

/// The primary SQLite result code. PostgreSQL's codes have five characters, SQLite's numbers are
/// shorter, so they cannot be mistaken for each other.
fn sqlite_code(error: &dyn DatabaseError) -> Option<i32> {
    let code = error.code()?;
    if code.len() >= 5 {
        return None;
    }
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

/// Whether a PostgreSQL code belongs to one of these classes.
fn class(code: &str, classes: &[&str]) -> bool {
    classes.iter().any(|class| code.starts_with(class))
}

fn database_reach(error: &dyn DatabaseError) -> Reach {
    if let Some(code) = sqlite_code(error) {
        return match code {
            sqlite::BUSY | sqlite::LOCKED => Reach::Again,
            sqlite::NOMEM
            | sqlite::READONLY
            | sqlite::IOERR
            | sqlite::CORRUPT
            | sqlite::FULL
            | sqlite::CANTOPEN
            | sqlite::NOTADB => Reach::Lost,
            _ => Reach::Statement,
        };
    }
    match error.code().as_deref() {
        // serialization failure, deadlock, lock timeout
        Some("40001" | "40P01" | "55P03") => Reach::Again,
        // connection, resources, operator intervention (shutdown), system error, read-only server
        Some(code) if class(code, &["08", "53", "57", "58"]) || code == "25006" => Reach::Lost,
        _ => Reach::Statement,
    }
}

impl StoreError {
    /// Whether the same may work a little later.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Locked(_) | Self::Unreachable(_) | Self::Full(_)
        )
    }

    /// The same, saying which database it is about.
    pub(super) fn about(self, place: &str) -> Self {
        let at = |detail: String| format!("{place}: {detail}");
        match self {
            Self::Locked(detail) => Self::Locked(at(detail)),
            Self::Full(detail) => Self::Full(at(detail)),
            Self::NotADatabase(detail) => Self::NotADatabase(at(detail)),
            Self::Version(detail) => Self::Version(at(detail)),
            Self::Unreachable(detail) => Self::Unreachable(at(detail)),
            Self::Other(detail) => Self::Other(at(detail)),
            other => other,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) => of_database(inner.as_ref()),
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed => Self::Unreachable(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

fn of_database(error: &dyn DatabaseError) -> StoreError {
    let detail = error.message().to_owned();
    if let Some(code) = sqlite_code(error) {
        match code {
            sqlite::BUSY | sqlite::LOCKED => return StoreError::Locked(detail),
            sqlite::FULL => return StoreError::Full(detail),
            sqlite::CORRUPT | sqlite::NOTADB => return StoreError::NotADatabase(detail),
            sqlite::CANTOPEN | sqlite::IOERR | sqlite::READONLY => {
                return StoreError::Unreachable(detail);
            }
            _ => {}
        }
    }
    match (error.kind(), error.code().as_deref()) {
        (
            ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation,
            _,
        ) => StoreError::Conflict(detail),
        (_, Some("40001" | "40P01" | "55P03")) => StoreError::Locked(detail),
        (_, Some("53100")) => StoreError::Full(detail),
        // Wrong password, no such database, server starting or stopping, too many connections.
        (_, Some(code)) if class(code, &["08", "28", "3D", "53", "57", "58"]) => {
            StoreError::Unreachable(detail)
        }
        _ => StoreError::Other(detail),
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Sql(error) => error.into(),
            Fault::Taken(what) => Self::Conflict(what),
            Fault::Value(what) => Self::Other(what),
            // The writer turns these two into outcomes; elsewhere they do not arise.
            Fault::Unmet | Fault::Duplicate => Self::Other(fault.to_string()),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
            MigrateError::VersionMissing(version) => {
                Self::Version(format!("a newer version wrote it (step {version})"))
            }
            other => Self::Version(other.to_string()),
        }
    }
}
