//! The two databases behind one face: native pools, one set of `$n` statements, a `match` in macros.
//!
//! sqlx's own `Any` driver would save the macros, but it has faults that corrupt or refuse values.

use std::borrow::Cow;
use std::time::Duration;

use jarvis_migrations::MIGRATOR;
use sqlx::migrate::Migrate;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection, PgConnection, Postgres, Sqlite, Transaction};

use super::error::StoreError;
use super::{Durability, StoreOptions};

/// The pools. SQLite has one writing connection, because it lets only one write at a time.
#[derive(Debug, Clone)]
pub(super) enum Db {
    /// A file, or memory: there both pools are the same single connection.
    Lite {
        /// The connection that writes.
        write: SqlitePool,
        /// Connections that only read.
        read: SqlitePool,
    },
    /// A server.
    Pg(PgPool),
}

/// An open transaction.
pub(super) enum Tx {
    /// On SQLite. Begun and ended by hand: SQLite undoes a transaction by itself when the disk is full
    /// or fails, and sqlx's own transaction then takes the connection for one that is still in it.
    Lite(PoolConnection<Sqlite>),
    /// On PostgreSQL.
    Pg(Transaction<'static, Postgres>),
}

/// Runs one statement in a transaction and gives the number of rows it changed:
/// `execute!(tx, SQL, value of $1, value of $2, …)`.
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        match $tx {
            $crate::store::db::Tx::Lite(tx) => sqlx::query($sql)$(.bind($value))*
                .execute(&mut **tx).await.map(|done| done.rows_affected()),
            $crate::store::db::Tx::Pg(tx) => sqlx::query($sql)$(.bind($value))*
                .execute(&mut **tx).await.map(|done| done.rows_affected()),
        }
    };
}

/// Asks for at most one row in a transaction: `find!(tx, Row, SQL, value of $1, …)`.
macro_rules! find {
    ($tx:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match $tx {
            $crate::store::db::Tx::Lite(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*
                .fetch_optional(&mut **tx).await,
            $crate::store::db::Tx::Pg(tx) => sqlx::query_as::<_, $row>($sql)$(.bind($value))*
                .fetch_optional(&mut **tx).await,
        }
    };
}

/// Reads at most one row outside any transaction: `read_one!(db, Row, SQL, value of $1, …)`.
macro_rules! read_one {
    ($db:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match $db {
            $crate::store::db::Db::Lite { read, .. } => $crate::store::db::limited(
                sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_optional(read)
            ).await,
            $crate::store::db::Db::Pg(pool) => $crate::store::db::limited(
                sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_optional(pool)
            ).await,
        }
    };
}

/// Reads all rows outside any transaction: `read_all!(db, Row, SQL, value of $1, …)`.
macro_rules! read_all {
    ($db:expr, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        match $db {
            $crate::store::db::Db::Lite { read, .. } => $crate::store::db::limited(
                sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_all(read)
            ).await,
            $crate::store::db::Db::Pg(pool) => $crate::store::db::limited(
                sqlx::query_as::<_, $row>($sql)$(.bind($value))*.fetch_all(pool)
            ).await,
        }
    };
}

pub(super) use {execute, find, read_all, read_one};

/// How long one read, or one transaction on a server, may take. Only a line that went silent takes so
/// long; it would be noticed by itself after a quarter of an hour.
const LIMIT: Duration = Duration::from_secs(30);

/// How long bringing the tables up to date may take, another process's turn included.
const MIGRATION_LIMIT: Duration = Duration::from_secs(120);

/// Gives up when the database does not answer.
pub(super) async fn limited<T, E: From<sqlx::Error>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let silent = || std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time");
    tokio::time::timeout(LIMIT, work)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(silent()).into()))
}

/// Brings the tables up to date on a connection of its own.
async fn migrate<C>(connect: &<C as Connection>::Options) -> Result<(), StoreError>
where
    C: Connection + Migrate,
{
    let work = async {
        let mut connection = C::connect_with(connect).await?;
        let migrated = MIGRATOR.run_direct(None, &mut connection, false).await;
        connection.close().await?;
        migrated.map_err(StoreError::from)
    };
    tokio::time::timeout(MIGRATION_LIMIT, work)
        .await
        .unwrap_or_else(|_| {
            Err(StoreError::Locked(
                "its tables are being changed".to_owned(),
            ))
        })
}

/// Text as both databases take it: PostgreSQL refuses NUL, and chat text can hold one.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// [`text`] for a value that may be missing.
pub(super) fn maybe_text(value: Option<&str>) -> Option<Cow<'_, str>> {
    value.map(text)
}

/// Pages of the write-ahead log after which a commit makes a checkpoint itself, and waits for the disk.
/// [`Db::checkpoint`] comes before that unless somebody reads all the time; 64,000 are 256 MiB of log.
const WAL_PAGES: &str = "64000";

/// Pages of the log after which [`Db::checkpoint`] sees to it that the next commit begins a new one.
const LONG_WAL: i64 = 16_000;

/// Texts that a connection to SQLite keeps prepared.
const STATEMENTS: usize = 256;

impl Db {
    /// Opens what `url` names and brings its tables up to date.
    pub(super) async fn open(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => Self::open_sqlite(url, options)
                .await
                .map_err(|error| error.about(&format!("`{url}`"))),
            "postgres" | "postgresql" => Self::open_postgres(url, options)
                .await
                .map_err(|error| error.about(&server(url))),
            // What follows the scheme may hold a password.
            other => Err(StoreError::Url(other.to_owned())),
        }
    }

    async fn open_sqlite(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let connect = url
            .parse::<SqliteConnectOptions>()
            .map_err(|_| StoreError::Url(url.to_owned()))?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(options.lock_wait);
        if url.contains(":memory:") || url.contains("mode=memory") {
            // Each connection to memory would see a database of its own.
            let only = SqlitePoolOptions::new()
                .min_connections(1)
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .acquire_timeout(options.acquire_wait)
                .connect_with(connect)
                .await?;
            MIGRATOR.run(&only).await?;
            return Ok(Self::Lite {
                write: only.clone(),
                read: only,
            });
        }
        let connect = connect
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match options.durability {
                Durability::Process => SqliteSynchronous::Normal,
                Durability::Power => SqliteSynchronous::Full,
            })
            .pragma("wal_autocheckpoint", WAL_PAGES)
            .statement_cache_capacity(STATEMENTS);
        migrate::<SqliteConnection>(&connect).await?;
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(options.acquire_wait)
        };
        Ok(Self::Lite {
            write: pool(1).connect_with(connect.clone()).await?,
            read: pool(options.readers)
                .connect_with(connect.pragma("query_only", "on"))
                .await?,
        })
    }

    async fn open_postgres(url: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let connect = url
            .parse::<PgConnectOptions>()
            .map_err(|_| StoreError::Url("postgres://…".to_owned()))?;
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("jarvis"),
        };
        // Before the limits: whoever comes second waits until the first has changed the tables.
        migrate::<PgConnection>(&connect).await?;
        let limit = |wait: Duration| wait.as_millis().to_string();
        let connect = connect.options([
            ("lock_timeout", limit(options.lock_wait)),
            ("statement_timeout", limit(LIMIT)),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(options.readers + 1)
            .acquire_timeout(options.acquire_wait)
            .connect_with(connect)
            .await?;
        Ok(Self::Pg(pool))
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Tx, sqlx::Error> {
        match self {
            Self::Lite { write, .. } => {
                let mut tx = Tx::Lite(write.acquire().await?);
                // Taking the write lock at once: a transaction that reads first and writes later can
                // fail with no way to wait for it.
                execute!(&mut tx, "BEGIN IMMEDIATE")?;
                Ok(tx)
            }
            Self::Pg(pool) => Ok(Tx::Pg(pool.begin().await?)),
        }
    }

    /// Whether the database answers.
    pub(super) async fn ping(&self) -> Result<(), sqlx::Error> {
        read_one!(self, (i64,), "SELECT COUNT(*) FROM setting").map(drop)
    }

    /// Brings what was committed to the disk, without keeping those who write from writing. A server
    /// does so by itself.
    ///
    /// The log begins anew only if everything in it is in the file when somebody writes, which never
    /// happens by itself while there is always somebody who does. So when it is long, the writing
    /// connection brings over what came meanwhile, which is little, before it writes on.
    ///
    /// False when somebody who reads an older state, or does the same, leaves a part for later.
    pub(super) async fn checkpoint(&self) -> Result<bool, sqlx::Error> {
        let Self::Lite { write, read } = self else {
            return Ok(true);
        };
        let mut log = checkpoint(read).await?;
        if log.pages > LONG_WAL {
            checkpoint(read).await?;
            log = checkpoint(write).await?;
        }
        Ok(log.is_done)
    }

    /// Which database it is, for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Lite { .. } => "sqlite",
            Self::Pg(_) => "postgres",
        }
    }

    /// Closes all connections; SQLite folds its log into the file.
    pub(super) async fn close(&self) {
        match self {
            Self::Lite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Pg(pool) => pool.close().await,
        }
    }
}

/// SQLite's log, in pages; -1 for a database in memory, which has none.
struct Log {
    /// All of it.
    pages: i64,
    /// Whether all of it is in the file too.
    is_done: bool,
}

/// Brings what is in SQLite's log to the disk and into the file, as far as nobody reads what was before.
async fn checkpoint(pool: &SqlitePool) -> Result<Log, sqlx::Error> {
    let (is_busy, pages, done): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(pool)
        .await?;
    Ok(Log {
        pages,
        is_done: is_busy == 0 && done == pages,
    })
}

/// Which server and database a URL means, without its password.
fn server(url: &str) -> String {
    url.parse::<PgConnectOptions>().map_or_else(
        |_| "postgres".to_owned(),
        |options| {
            let host = match options.get_socket() {
                Some(folder) => folder.display().to_string(),
                None => options.get_host().to_owned(),
            };
            let name = options.get_database().unwrap_or_default();
            format!("database `{name}` on `{host}:{}`", options.get_port())
        },
    )
}

impl Tx {
    /// Makes all that was done permanent, or undoes it.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        if let Self::Pg(tx) = self {
            return tx.commit().await;
        }
        let committed = execute!(&mut self, "COMMIT");
        if committed.is_err() {
            self.rollback().await;
        }
        committed.map(drop)
    }

    /// Undoes all that was done. Fails only where the database has done that already, or is gone.
    pub(super) async fn rollback(mut self) {
        let undone = match self {
            Self::Pg(tx) => tx.rollback().await,
            Self::Lite(_) => execute!(&mut self, "ROLLBACK").map(drop),
        };
        if let Err(error) = undone {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    /// Marks the point to which [`Tx::undo_part`] goes back.
    pub(super) async fn begin_part(&mut self) -> Result<(), sqlx::Error> {
        execute!(self, "SAVEPOINT part").map(drop)
    }

    /// Keeps what was done since [`Tx::begin_part`].
    pub(super) async fn keep_part(&mut self) -> Result<(), sqlx::Error> {
        execute!(self, "RELEASE SAVEPOINT part").map(drop)
    }

    /// Undoes what was done since [`Tx::begin_part`].
    pub(super) async fn undo_part(&mut self) -> Result<(), sqlx::Error> {
        execute!(self, "ROLLBACK TO SAVEPOINT part")?;
        self.keep_part().await
    }
}
