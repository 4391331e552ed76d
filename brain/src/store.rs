//! The store: everything that must survive a crash, on SQLite or PostgreSQL. The only place with SQL.
//!
//! **Writing.** What an event causes is one [`Unit`]: its changes are applied together with the note
//! that the event was handled, or not at all. One task writes all units, many per transaction, and
//! [`Store::commit`] returns after the commit. Units of one caller that are submitted one after the
//! other are applied in that order. Changes that may happen only once are [`Condition`]s.
//!
//! **Reading** goes straight to the database and sees what was committed.
//!
//! To store a new noun: a table in a new migration, a file here with its row and statements, an [`Op`]
//! for what changes it, a reading method in `store/reads.rs`, and a case in the contract tests, which
//! run on both databases. Statements use `$n`, name their columns, and pass each text through
//! `db::text`.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::account::{Account, AccountId, Identity, IdentityKey, SeenPerson};

mod account;
mod apply;
mod audit;
mod binding;
mod blob;
mod burst;
mod checkpoint;
mod counter;
mod db;
mod dialog;
mod error;
mod event;
mod file;
mod follow;
mod job;
mod join;
mod legacy;
mod many;
mod node;
mod note;
mod outbox;
mod prune;
mod question;
mod reads;
mod rollout;
mod room;
mod rows;
mod setting;
mod translation;
mod unit;
mod watch;
mod words;
mod writer;

#[cfg(test)]
mod tests;

pub use audit::AuditFilter;
pub use binding::{Binding, Claim};
pub use blob::BlobRef;
pub use dialog::Dialog;
pub use error::StoreError;
pub use file::{FileFilter, FileRecord};
pub use follow::Follow;
pub use job::JobFilter;
pub use join::{FormerAddress, JoinToken};
pub use node::NodeRecord;
pub use note::exchange::{ImportState, Imported, NoteImport};
pub use note::{FileText, NoteFile, NotePart, NoteRecord, NoteVersion, Notebook, OpenNotebook};
pub use outbox::OutboxCount;
pub use question::Question;
pub use room::Room;
pub use translation::TranslationCount;
pub use unit::{Committed, Condition, EventKey, JobEnd, Op, TaskEnd, Unit};
pub use watch::{LoadMinute, WatchedNode};
pub use words::UnknownWord;

use db::{Db, Tx};
use error::Fault;
use writer::{Request, Work, Writer};

/// What a commit outlives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// The death of any process. A power cut may cost SQLite the last second, never more.
    #[default]
    Process,
    /// A power cut too: SQLite waits for the disk at each commit. PostgreSQL decides this itself.
    Power,
}

/// How to open a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// What a commit outlives.
    pub durability: Durability,
    /// Connections that read.
    pub readers: u32,
    /// Writes that may wait; when so many do, [`StoreError::Busy`] follows.
    pub queue: usize,
    /// How long a write waits for room in the queue.
    pub queue_wait: Duration,
    /// How long a write waits for a lock of another process.
    pub lock_wait: Duration,
    /// How long an operation waits for a connection.
    pub acquire_wait: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            readers: 4,
            queue: 4096,
            queue_wait: Duration::from_secs(2),
            lock_wait: Duration::from_secs(5),
            acquire_wait: Duration::from_secs(10),
        }
    }
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// `sqlite` or `postgres`.
    pub database: &'static str,
    /// Writes that wait.
    pub queued: usize,
}

/// A unit on its way to the database.
#[derive(Debug)]
#[must_use = "only the outcome tells whether the unit was applied"]
pub struct Receipt(oneshot::Receiver<Result<Committed, StoreError>>);

impl Receipt {
    /// Waits until the unit is committed.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn outcome(self) -> Result<Committed, StoreError> {
        self.0.await.map_err(|_| StoreError::Closed)?
    }
}

/// The store. Clones share one writer and its connections.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
    queue: mpsc::Sender<Request>,
    queue_wait: Duration,
    closing: CancellationToken,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Store {
    /// Opens `sqlite:PATH` (made if it is not there), `sqlite::memory:` or `postgres://…`, brings the
    /// tables up to date and starts the writer.
    ///
    /// # Errors
    /// [`StoreError::Url`], [`StoreError::Unreachable`], [`StoreError::NotADatabase`],
    /// [`StoreError::Version`], [`StoreError::Locked`], [`StoreError::Full`].
    pub async fn open(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
        let db = Db::open(url, &options).await?;
        let (sender, queue) = mpsc::channel(options.queue);
        let closing = CancellationToken::new();
        let committed = Arc::new(Notify::new());
        let writer = Writer {
            db: db.clone(),
            queue,
            committed: Arc::clone(&committed),
            closing: closing.clone(),
        };
        tokio::spawn(checkpoint::run(db.clone(), committed, closing.clone()));
        Ok(Self {
            db,
            queue: sender,
            queue_wait: options.queue_wait,
            closing,
            writer: Arc::new(Mutex::new(Some(tokio::spawn(writer.run())))),
        })
    }

    /// Applies a unit and returns when it is committed.
    ///
    /// If the future is dropped while it waits, the unit may still be applied.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if the queue stays full, [`StoreError::Conflict`] if a change breaks a
    /// rule of the tables, and what the database suffers from.
    pub async fn commit(&self, unit: Unit) -> Result<Committed, StoreError> {
        self.enqueue(unit).await?.outcome().await
    }

    /// Puts a unit behind all that were put before it. Returns before it is committed; the receipt tells
    /// what became of it, and the unit is applied even if nobody asks.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if the queue stays full, [`StoreError::Closed`].
    pub async fn enqueue(&self, unit: Unit) -> Result<Receipt, StoreError> {
        let (reply, outcome) = oneshot::channel();
        self.submit(Request::Unit { unit, reply }).await?;
        Ok(Receipt(outcome))
    }

    /// The next number of a counter, from 1. A number is never given twice; some may be skipped.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn next_number(&self, counter: &str) -> Result<i64, StoreError> {
        self.ask(counter.to_owned(), |tx, name| {
            Box::pin(counter::next(tx, name))
        })
        .await
    }

    /// The identity of a person and its account, as now seen. A person that was never seen gets an
    /// account of its own, as a guest. Writes only if something changed, or once an hour.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn identify(
        &self,
        seen: SeenPerson,
        now_ms: i64,
    ) -> Result<(Identity, Account), StoreError> {
        if let Some(known) = account::unchanged(&self.db, &seen, now_ms).await? {
            return Ok(known);
        }
        self.ask((seen, now_ms), |tx, (seen, now_ms)| {
            Box::pin(account::identify(tx, seen, *now_ms))
        })
        .await
    }

    /// Whether the claim code was good; it is used up then. Inside a unit: [`Condition::UseClaim`].
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn use_claim(&self, code_hash: &str, now_ms: i64) -> Result<bool, StoreError> {
        self.ask((code_hash.to_owned(), now_ms), |tx, (code_hash, now_ms)| {
            Box::pin(binding::use_claim(tx, code_hash, *now_ms))
        })
        .await
    }

    /// The question, which is then answered; `None` if it does not wait for this account any more.
    /// Inside a unit: [`Condition::UseQuestion`].
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn use_question(
        &self,
        id: &str,
        account: &AccountId,
        now_ms: i64,
    ) -> Result<Option<Question>, StoreError> {
        self.ask(
            (id.to_owned(), account.clone(), now_ms),
            |tx, (id, account, now_ms)| Box::pin(question::take(tx, id, account, *now_ms)),
        )
        .await
    }

    /// The binding of a code, which is then used up; `None` if there is none (any more). Inside a
    /// unit: [`Condition::TakeBinding`].
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn take_binding(
        &self,
        code_hash: &str,
        now_ms: i64,
    ) -> Result<Option<Binding>, StoreError> {
        self.ask((code_hash.to_owned(), now_ms), |tx, (code_hash, now_ms)| {
            Box::pin(binding::take(tx, code_hash, *now_ms))
        })
        .await
    }

    /// Counts a wrong guess against the codes that were given to `issuer`, and forgets those that were
    /// guessed at `limit` times. Gives how many codes are left.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn miss_binding(&self, issuer: &IdentityKey, limit: i64) -> Result<i64, StoreError> {
        self.ask((issuer.clone(), limit), |tx, (issuer, limit)| {
            Box::pin(binding::miss(tx, issuer, *limit))
        })
        .await
    }

    /// Whether this is the task's first final state; only then it is stored. Inside a unit:
    /// [`Condition::EndTask`].
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn end_task(&self, end: TaskEnd) -> Result<bool, StoreError> {
        self.ask(end, |tx, end| Box::pin(job::end_task(tx, end)))
            .await
    }

    /// Forgets handled events and progress messages after 30 days, and codes, questions and dialogs a
    /// day after they ran out. Gives how many rows went. Works in small steps, between which others
    /// write.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn prune(&self, now_ms: i64) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let (gone, more) = self
                .ask(now_ms, |tx, now_ms| Box::pin(prune::step(tx, *now_ms)))
                .await?;
            total += gone;
            if !more {
                return Ok(total);
            }
        }
    }

    /// Forgets jobs that ended, and lines of the audit log that were written, before `before_ms`. Gives
    /// how many rows went. Works in small steps, between which others write.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn prune_jobs(&self, before_ms: i64) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let (gone, more) = self
                .ask(before_ms, |tx, before_ms| {
                    Box::pin(prune::old_jobs(tx, *before_ms))
                })
                .await?;
            total += gone;
            if !more {
                return Ok(total);
            }
        }
    }

    /// Whether the database answers, and how much waits.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], [`StoreError::Closed`].
    pub async fn health(&self) -> Result<StoreHealth, StoreError> {
        self.db.ping().await?;
        Ok(StoreHealth {
            database: self.db.name(),
            queued: self.queue.max_capacity() - self.queue.capacity(),
        })
    }

    /// Takes nothing more, writes what waits, and closes the connections. All clones are closed with
    /// it; a second call returns when the first is done.
    pub async fn close(&self) {
        self.closing.cancel();
        let mut writer = self.writer.lock().await;
        if let Some(handle) = writer.take() {
            if let Err(error) = handle.await {
                tracing::error!(%error, "the store's writer ended badly");
            }
            self.db.close().await;
        }
    }

    /// Has the writer do something that has an answer.
    async fn ask<A, T>(
        &self,
        args: A,
        run: for<'a> fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, Fault>>,
    ) -> Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Request::Ask(Box::new(Work {
            args,
            run,
            answer: None,
            reply,
        })))
        .await?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    async fn submit(&self, request: Request) -> Result<(), StoreError> {
        match tokio::time::timeout(self.queue_wait, self.queue.reserve()).await {
            Ok(Ok(slot)) => {
                slot.send(request);
                Ok(())
            }
            Ok(Err(_)) => Err(StoreError::Closed),
            Err(_) => Err(StoreError::Busy {
                waiting: self.queue.max_capacity(),
            }),
        }
    }
}
