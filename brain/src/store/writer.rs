//! The one task that writes: it drains the queue into one transaction after another and answers after
//! each commit. Under load the transactions grow by themselves, so what somebody waits for never waits
//! for company. What nobody waits for does: most of the time the next event takes it along.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use rand::Rng;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::apply;
use super::burst::Burst;
use super::db::{Db, Tx, limited};
use super::error::{Fault, Reach, StoreError};
use super::many::Statements;
use super::unit::{Committed, Unit};

/// Requests in one transaction at most.
const BATCH: usize = 1024;
/// How long requests that can wait stay for company.
const COMPANY: Duration = Duration::from_millis(5);
/// How often a transaction that collided with others is tried.
const TRIES: u32 = 5;
/// The first pause between two tries; it doubles each time.
const PAUSE: Duration = Duration::from_millis(10);

/// What the writer is asked to do.
pub(super) enum Request {
    /// Apply a unit.
    Unit {
        /// The changes.
        unit: Unit,
        /// Where the outcome goes.
        reply: oneshot::Sender<Result<Committed, StoreError>>,
    },
    /// Do something that has an answer of its own.
    Ask(Box<dyn Ask>),
}

impl Request {
    fn can_wait(&self) -> bool {
        matches!(self, Self::Unit { unit, .. } if unit.can_wait())
    }
}

/// Work with an answer of its own type.
pub(super) trait Ask: Send {
    /// Does the work and keeps the answer. May be called again if the transaction has to be repeated.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>>;

    /// Gives the answer to whoever asked, after the commit.
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// [`Ask`] made of arguments and a function.
pub(super) struct Work<A, T> {
    /// What the function works with.
    pub(super) args: A,
    /// Does the work.
    pub(super) run: for<'a> fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, Fault>>,
    /// What it gave.
    pub(super) answer: Option<T>,
    /// Where the answer goes.
    pub(super) reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<A: Send + Sync, T: Send> Ask for Work<A, T> {
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            self.answer = Some((self.run)(tx, &self.args).await?);
            Ok(())
        })
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { answer, reply, .. } = *self;
        let answer = outcome.and_then(|()| {
            answer.ok_or_else(|| StoreError::Other("the work gave no answer".to_owned()))
        });
        // Whoever asked may have gone.
        let _ = reply.send(answer);
    }
}

/// A request and what became of it in the transaction under way.
struct Pending {
    request: Request,
    outcome: Result<Committed, StoreError>,
}

impl Pending {
    fn new(request: Request) -> Self {
        Self {
            request,
            outcome: Ok(Committed::Applied),
        }
    }

    /// The unit, if it may be written together with its neighbours.
    fn common(&self) -> Option<&Unit> {
        match &self.request {
            Request::Unit { unit, .. } if unit.is_common() => Some(unit),
            _ => None,
        }
    }

    fn finish(self) {
        match self.request {
            // Whoever asked may have gone.
            Request::Unit { reply, .. } => drop(reply.send(self.outcome)),
            Request::Ask(ask) => ask.finish(self.outcome.map(drop)),
        }
    }
}

/// Writes what comes through the queue until it is closed and empty.
pub(super) struct Writer {
    /// Where to write.
    pub(super) db: Db,
    /// What to write.
    pub(super) queue: mpsc::Receiver<Request>,
    /// Told after each transaction.
    pub(super) committed: Arc<Notify>,
    /// Cancelled when nothing more is taken; what waits is still written.
    pub(super) closing: CancellationToken,
}

impl Writer {
    /// Runs until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        let statements = Statements::new();
        let mut burst = Burst::default();
        let mut requests = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled(), if !self.queue.is_closed() => {
                    self.queue.close();
                    continue;
                }
                taken = self.queue.recv_many(&mut requests, BATCH) => if taken == 0 {
                    return;
                }
            }
            self.wait_for_company(&mut requests).await;
            let mut batch: Vec<Pending> = requests.drain(..).map(Pending::new).collect();
            write(&self.db, &statements, &mut burst, &mut batch).await;
            batch.into_iter().for_each(Pending::finish);
            self.committed.notify_one();
        }
    }

    /// Takes more requests, for a while, as long as there are only such as can wait.
    async fn wait_for_company(&mut self, requests: &mut Vec<Request>) {
        let until = Instant::now() + COMPANY;
        while requests.len() < BATCH && requests.iter().all(Request::can_wait) {
            let more = self.queue.recv_many(requests, BATCH - requests.len());
            tokio::select! {
                biased;
                () = self.closing.cancelled() => return,
                more = timeout_at(until, more) => if !matches!(more, Ok(1..)) {
                    return;
                }
            }
        }
    }
}

/// Writes a batch in one transaction, repeated when it collided with somebody else's.
async fn write(db: &Db, statements: &Statements, burst: &mut Burst, batch: &mut [Pending]) {
    if at_once(db, burst, batch).await {
        return;
    }
    let mut pause = PAUSE;
    for attempt in 1..=TRIES {
        let work = transaction(db, statements, batch);
        let done = match db {
            // It waits for nobody but the lock, and for that with a limit of its own.
            Db::Lite { .. } => work.await,
            Db::Pg(_) => limited(work).await,
        };
        let Err(fault) = done else {
            return;
        };
        // SQLite has waited for the lock already.
        let worth_it = fault.reach() == Reach::Again && matches!(db, Db::Pg(_));
        if worth_it && attempt < TRIES {
            tracing::debug!(%fault, attempt, "transaction collided, trying again");
            let jitter = rand::rng().random_range(0.5..1.5);
            tokio::time::sleep(pause.mul_f64(jitter)).await;
            pause *= 2;
            continue;
        }
        let error = StoreError::from(fault);
        for pending in batch.iter_mut() {
            pending.outcome = Err(error.clone());
        }
        return;
    }
}

/// Writes a batch of common units the quick way, which only SQLite has. False when that did not work:
/// nothing is written then.
async fn at_once(db: &Db, burst: &mut Burst, batch: &mut [Pending]) -> bool {
    let Db::Lite { write, .. } = db else {
        return false;
    };
    let units: Vec<&Unit> = batch.iter().filter_map(Pending::common).collect();
    if units.len() < batch.len() {
        return false;
    }
    match burst.write(write, &units).await {
        Ok(()) => true,
        Err(fault) => {
            tracing::debug!(%fault, "a batch is written again, with care");
            false
        }
    }
}

/// Writes a batch in one transaction. Neighbouring common units are written together; order is kept.
async fn transaction(db: &Db, statements: &Statements, batch: &mut [Pending]) -> Result<(), Fault> {
    let mut tx = db.begin().await?;
    let mut rest = batch;
    while !rest.is_empty() {
        let together = rest
            .iter()
            .take_while(|next| next.common().is_some())
            .count();
        let (now, later) = rest.split_at_mut(together.max(1));
        let done = if together > 1 {
            many(&mut tx, statements, now).await
        } else {
            one(&mut tx, statements, &mut now[0]).await
        };
        if let Err(fault) = done {
            tx.rollback().await;
            return Err(fault);
        }
        rest = later;
    }
    Ok(tx.commit().await?)
}

/// Writes common units together, or one by one if one of them spoils it. Fails only if the transaction
/// is lost.
async fn many(tx: &mut Tx, statements: &Statements, batch: &mut [Pending]) -> Result<(), Fault> {
    tx.begin_part().await?;
    let units: Vec<&Unit> = batch.iter().filter_map(Pending::common).collect();
    match apply::common(tx, statements, &units).await {
        Ok(outcomes) => {
            tx.keep_part().await?;
            for (pending, outcome) in batch.iter_mut().zip(outcomes) {
                pending.outcome = Ok(outcome);
            }
        }
        Err(fault) if fault.reach() == Reach::Statement => {
            tx.undo_part().await?;
            for pending in batch {
                one(tx, statements, pending).await?;
            }
        }
        Err(fault) => return Err(fault),
    }
    Ok(())
}

/// Does one request. Fails only if the transaction is lost.
async fn one(tx: &mut Tx, statements: &Statements, pending: &mut Pending) -> Result<(), Fault> {
    tx.begin_part().await?;
    let done = match &mut pending.request {
        Request::Unit { unit, .. } => apply::one(tx, statements, unit).await,
        Request::Ask(ask) => ask.run(tx).await,
    };
    pending.outcome = match done {
        Ok(()) => {
            tx.keep_part().await?;
            Ok(Committed::Applied)
        }
        Err(fault) if fault.reach() == Reach::Statement => {
            tx.undo_part().await?;
            match fault {
                Fault::Duplicate => Ok(Committed::Duplicate),
                Fault::Unmet => Ok(Committed::Unmet),
                fault => Err(fault.into()),
            }
        }
        Err(fault) => return Err(fault),
    };
    Ok(())
}
