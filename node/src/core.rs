//! What all parts of a running node share.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jarvis_nodeclient::{Address, KeyRing, Proven};
use jarvis_proto::node::node_frame::Frame;
use jarvis_proto::node::{Accepted, Ended, NodeHello, Order, Progress, Unknown};
use prost::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::now_ms;
use crate::config::NodeConfig;
use crate::executor::Stop;
use crate::facts::{LoadMeter, facts};
use crate::kept::{Keep, trim};
use crate::ledger::{Bounds, Ledger, State};
use crate::lines::Lines;
use crate::places::Places;
use crate::trust::Trust;
use crate::update::Updates;

/// Transfers that run at once; more wait.
const TRANSFERS: usize = 8;
/// Jobs that may wait for a free place.
const MOST_WAITING_JOBS: usize = 1000;
/// Transfers that may wait; each holds a descriptor already.
const MOST_WAITING_TRANSFERS: usize = 200;

/// One node process.
pub(crate) struct Core {
    pub(crate) config: NodeConfig,
    pub(crate) trust: Trust,
    pub(crate) places: Places,
    pub(crate) ledger: Ledger,
    pub(crate) lines: Lines,
    pub(crate) load: LoadMeter,
    /// Jobs that run and wait.
    pub(crate) jobs: Lanes,
    /// Files that move and wait.
    pub(crate) transfers: Lanes,
    /// Partial files that are being written.
    pub(crate) partials: Mutex<HashSet<PathBuf>>,
    /// Tasks that must end before the process does.
    pub(crate) tasks: TaskTracker,
    /// The update that is under way, if any.
    pub(crate) updates: Updates,
    /// Cancelled when the node stops.
    pub(crate) stopping: CancellationToken,
    keys: RwLock<Arc<KeyRing>>,
    /// Sessions look again whether they may go on, whenever it changes.
    renewals: watch::Sender<()>,
    running: Mutex<HashMap<String, Running>>,
    /// Endings that the journal could not take, because the disk was full.
    unwritten: Mutex<Vec<Ended>>,
    incarnation: String,
    started_ms: i64,
}

/// An order that is being carried out.
struct Running {
    root: Address,
    stop: watch::Sender<Option<Duration>>,
    progress: Option<Progress>,
}

impl Core {
    /// Puts the parts together; nothing runs yet.
    pub(crate) fn new(keys: KeyRing, config: NodeConfig, ledger: Ledger) -> Self {
        let own = [config.work.clone(), config.packages()];
        let allow = config.allow.iter().cloned().chain(own);
        Self {
            places: Places::new(allow),
            trust: Trust::new(config.trust.clone(), Some(config.data.join("roots"))),
            jobs: Lanes::new(config.max_jobs, MOST_WAITING_JOBS),
            transfers: Lanes::new(TRANSFERS, MOST_WAITING_TRANSFERS),
            lines: Lines::default(),
            load: LoadMeter::default(),
            partials: Mutex::default(),
            updates: Updates::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            running: Mutex::default(),
            unwritten: Mutex::default(),
            incarnation: hex::encode(rand::random::<[u8; 16]>()),
            started_ms: now_ms(),
            keys: RwLock::new(Arc::new(keys)),
            renewals: watch::Sender::new(()),
            config,
            ledger,
        }
    }

    /// The key in use.
    pub(crate) fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Goes on with another key, in new sessions.
    pub(crate) fn set_keys(&self, keys: KeyRing) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// The address of this node that an order may mean: the one in use, or an earlier one that is still
    /// good.
    pub(crate) fn meant(&self, order: &[u8]) -> Address {
        let keys = self.keys();
        let named = Order::decode(order)
            .map(|order| order.node)
            .unwrap_or_default();
        keys.still_good(now_ms())
            .find(|address| address.to_string() == named)
            .unwrap_or_else(|| keys.address().clone())
    }

    /// Has all sessions look whether they may go on: trust or key has changed.
    pub(crate) fn renew_sessions(&self) {
        self.renewals.send_replace(());
    }

    /// Learns of every renewal from now on.
    pub(crate) fn renewals(&self) -> watch::Receiver<()> {
        self.renewals.subscribe()
    }

    /// What the node says at the beginning of a session with a root, whose new key it takes over.
    pub(crate) fn hello(&self, proven: &Proven) -> NodeHello {
        self.trust.succeed(proven);
        let root = &self.trust.origin(&proven.root);
        NodeHello {
            incarnation: self.incarnation.clone(),
            facts: Some(facts(&self.config, self.started_ms)),
            open_orders: self.ledger.open_orders(root),
        }
    }

    /// Where the output of an order is kept. The id was checked to be a plain UUID.
    pub(crate) fn folder(&self, order: &str) -> PathBuf {
        self.jobs_folder().join(order)
    }

    /// The folder of all jobs' folders.
    pub(crate) fn jobs_folder(&self) -> PathBuf {
        self.config.data.join("jobs")
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.config.data
    }

    /// Lists an order as running, and gives what may stop it.
    pub(crate) fn begin(&self, root: &Address, order: &str) -> Stop {
        // Nobody asks again what begins while everything is being stopped.
        let asked = self
            .stopping
            .is_cancelled()
            .then_some(self.config.stop_grace);
        let (stop, stopped) = watch::channel(asked);
        let running = Running {
            root: root.clone(),
            stop,
            progress: None,
        };
        self.running().insert(order.to_owned(), running);
        stopped
    }

    /// Tells `root` how far one of its orders is, and remembers it for whoever asks.
    pub(crate) async fn progress(&self, root: &Address, progress: Progress) {
        if let Some(running) = self.running().get_mut(&progress.order) {
            running.progress = Some(progress.clone());
        }
        self.lines.tell(root, Frame::Progress(progress)).await;
    }

    /// The order is done with: written down first, then told.
    pub(crate) async fn end(&self, root: &Address, ended: Ended) {
        self.end_quietly(&ended);
        self.lines.tell(root, Frame::Ended(ended)).await;
    }

    /// The order is done with, and nobody in a session waits for it.
    pub(crate) fn end_quietly(&self, ended: &Ended) {
        if let Err(error) = self.ledger.ended(ended) {
            tracing::error!(order = ended.order, %error, "the ending cannot be written to the journal yet");
            self.unwritten().push(ended.clone());
        }
        self.running().remove(&ended.order);
    }

    /// Asks one order of `root` to stop. Returns whether it was running.
    pub(crate) fn stop(&self, root: &Address, order: &str, grace: Duration) -> bool {
        match self
            .running()
            .get(order)
            .filter(|running| running.root == *root)
        {
            Some(running) => {
                // The first request counts.
                running
                    .stop
                    .send_if_modified(|asked| asked.is_none() && asked.replace(grace).is_none());
                true
            }
            None => false,
        }
    }

    /// Orders that are being carried out.
    pub(crate) fn running_orders(&self) -> usize {
        self.running().len()
    }

    /// Asks every order to stop.
    pub(crate) fn stop_all(&self, grace: Duration) {
        for running in self.running().values() {
            running
                .stop
                .send_if_modified(|asked| asked.is_none() && asked.replace(grace).is_none());
        }
    }

    /// Tells `root` what became of one of its orders.
    pub(crate) async fn tell_state(&self, root: &Address, order: &str) {
        match self.ledger.state(root, order) {
            Ok(State::Unknown) => {
                let unknown = Unknown {
                    order: order.to_owned(),
                };
                self.lines.tell(root, Frame::Unknown(unknown)).await;
            }
            Ok(State::Ended(ended)) => self.lines.tell(root, Frame::Ended(*ended)).await,
            Ok(State::Open { accepted_ms }) => {
                let accepted = Accepted {
                    order: order.to_owned(),
                    time_ms: accepted_ms,
                };
                self.lines.tell(root, Frame::Accepted(accepted)).await;
                let progress = self
                    .running()
                    .get(order)
                    .and_then(|running| running.progress.clone());
                if let Some(progress) = progress {
                    self.lines.tell(root, Frame::Progress(progress)).await;
                }
            }
            Err(error) => tracing::error!(order, %error, "the journal cannot be read"),
        }
    }

    /// Tries again to write down what the journal could not take.
    fn write_endings(&self) -> io::Result<()> {
        let mut unwritten = self.unwritten();
        while let Some(ended) = unwritten.last() {
            self.ledger.ended(ended)?;
            unwritten.pop();
        }
        Ok(())
    }

    fn unwritten(&self) -> MutexGuard<'_, Vec<Ended>> {
        self.unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number of places to work in, and a bounded queue before them.
#[derive(Debug)]
pub(crate) struct Lanes {
    places: Arc<Semaphore>,
    all: usize,
    most_waiting: usize,
    taken: Arc<AtomicUsize>,
}

impl Lanes {
    fn new(all: usize, most_waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(all)),
            all,
            most_waiting,
            taken: Arc::default(),
        }
    }

    /// A ticket for the queue; `None` when it is full.
    pub(crate) fn queue(&self) -> Option<Ticket> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let ticket = Ticket {
            places: Arc::clone(&self.places),
            taken: Arc::clone(&self.taken),
        };
        // Dropping the ticket takes the count back.
        (taken < self.all + self.most_waiting).then_some(ticket)
    }

    /// How many places are in use.
    pub(crate) fn in_use(&self) -> usize {
        self.all - self.places.available_permits()
    }
}

/// The right to wait for a place.
#[derive(Debug)]
pub(crate) struct Ticket {
    places: Arc<Semaphore>,
    taken: Arc<AtomicUsize>,
}

impl Ticket {
    /// Waits for a place, first come, first served. Cancel-safe.
    pub(crate) async fn place(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Writes the journal to the disk about every second, and forgets old orders now and then.
pub(crate) async fn keep_house(core: Arc<Core>) {
    const SYNC_EVERY: Duration = Duration::from_secs(1);
    const FORGET_EVERY: u32 = 60;
    let mut seconds = 0;
    loop {
        let is_last = tokio::select! {
            () = tokio::time::sleep(SYNC_EVERY) => false,
            () = core.tasks.wait() => true,
        };
        let is_time_to_forget = seconds % FORGET_EVERY == 0;
        seconds += 1;
        let kept = Arc::clone(&core);
        let done = tokio::task::spawn_blocking(move || {
            kept.write_endings()?;
            kept.ledger.sync()?;
            if is_time_to_forget || kept.ledger.is_full(Bounds::new(kept.config.retention)) {
                forget(&kept)
            } else {
                Ok(())
            }
        });
        match done.await {
            Ok(Err(error)) => tracing::error!(%error, "the journal cannot be kept"),
            Err(error) => tracing::error!(%error, "keeping the journal failed"),
            Ok(Ok(())) => {}
        }
        if is_last {
            return;
        }
    }
}

fn forget(core: &Core) -> io::Result<()> {
    for order in core.ledger.forget(Bounds::new(core.config.retention))? {
        remove_folder(&core.folder(&order));
    }
    let retention = i64::try_from(core.config.retention.as_millis()).unwrap_or(i64::MAX);
    let keep = Keep {
        since_ms: now_ms().saturating_sub(retention),
        most_bytes: core.config.retention_size,
    };
    let freed = trim(&core.jobs_folder(), &core.ledger.settled(), keep)?;
    if freed.jobs > 0 {
        tracing::info!(
            jobs = freed.jobs,
            bytes = freed.bytes,
            "old output was removed"
        );
    }
    Ok(())
}

/// Removes a job's folder. Returns whether there was one.
pub(crate) fn remove_folder(folder: &Path) -> bool {
    match std::fs::remove_dir_all(folder) {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(folder = %folder.display(), %error, "a job's folder cannot be removed");
            }
            false
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_gives_no_tickets_until_somebody_leaves() {
        let lanes = Lanes::new(1, 1);
        let (first, second) = (lanes.queue().unwrap(), lanes.queue().unwrap());
        assert!(lanes.queue().is_none());
        assert!(lanes.queue().is_none(), "asking in vain takes no place");
        let place = first.place().await;
        assert_eq!(lanes.in_use(), 1);
        drop((first, place));
        let _place = second.place().await;
        assert!(lanes.queue().is_some());
    }
}
