//! Watching the fleet: nodes that come and go, jobs that end, what heartbeats brought; and who is
//! told of it.
//!
//! One loop serves all nodes. It looks at them once a second, tells what is due, and writes a minute
//! of load when it has ended. What is told and the note that it was told are one transaction.

mod damping;
mod ended;
mod history;
mod news;
pub(crate) mod picture;
pub(crate) mod problems;
mod subscription;

pub use history::Point;
pub use subscription::{Subscription, Topic, UnknownTopic};

pub(crate) use ended::notices;
pub(crate) use history::MINUTES;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jarvis_nodeclient::{Address, NodeName};
use tracing::warn;

use crate::brain::Brain;
use crate::store::{Op, StoreError, Unit, WatchedNode};
use damping::{Belief, Damper, Limits, News, What};
use history::History;

/// How often it is looked whether something is to be told.
const TICK: Duration = Duration::from_secs(1);
/// Changes that one transaction takes when nothing is told with them.
const BATCH: usize = 500;
const MINUTE_MS: i64 = 60_000;

/// When a node's coming and going is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchConfig {
    /// A node that is away for less is not reported.
    pub away_after: Duration,
    /// So many changes …
    pub flapping_changes: usize,
    /// … within this time are flapping.
    pub flapping_within: Duration,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self {
            away_after: Duration::from_secs(30),
            flapping_changes: 6,
            flapping_within: Duration::from_secs(300),
        }
    }
}

/// What is watched, and for whom.
#[derive(Debug)]
pub struct Watch {
    damper: Mutex<Damper>,
    history: Mutex<History>,
    subscriptions: Mutex<Known>,
}

/// The subscriptions that the store holds.
#[derive(Debug, Default)]
struct Known {
    /// `None` = ask the store.
    list: Option<Arc<[Subscription]>>,
    /// Counts changes: what was read before one is not kept after it.
    changes: u64,
}

impl Watch {
    /// Nothing watched yet.
    pub fn new(config: WatchConfig) -> Self {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let limits = Limits {
            away_after_ms: millis(config.away_after),
            flapping_changes: config.flapping_changes.max(2),
            flapping_within_ms: millis(config.flapping_within),
        };
        Self {
            damper: Mutex::new(Damper::new(limits)),
            history: Mutex::default(),
            subscriptions: Mutex::default(),
        }
    }

    /// Takes over what the brain before this one knew.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn load(&self, brain: &Brain) -> Result<(), StoreError> {
        let now_ms = brain.now_ms();
        for node in brain.store().watched_nodes().await? {
            let Ok(address) = Address::parse(&node.address) else {
                continue;
            };
            let told = Belief {
                online: node.online,
                flapping: node.flapping,
                since_ms: node.changed_ms,
            };
            self.damper().resume(address, told, now_ms);
        }
        let from = now_ms.div_euclid(MINUTE_MS) - i64::try_from(MINUTES).unwrap_or(i64::MAX);
        for row in brain.store().load_minutes(from).await? {
            self.history().restore(&row);
        }
        self.subscriptions(brain).await?;
        Ok(())
    }

    /// All subscriptions.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn subscriptions(
        &self,
        brain: &Brain,
    ) -> Result<Arc<[Subscription]>, StoreError> {
        let changes = {
            let known = self.known();
            if let Some(list) = &known.list {
                return Ok(Arc::clone(list));
            }
            known.changes
        };
        let stored: Arc<[Subscription]> = brain.store().subscriptions().await?.into();
        let mut known = self.known();
        if known.changes == changes {
            known.list = Some(Arc::clone(&stored));
        }
        Ok(stored)
    }

    /// Subscriptions have changed in the store.
    pub(crate) fn forget_subscriptions(&self) {
        let mut known = self.known();
        known.list = None;
        known.changes += 1;
    }

    /// A node came or went.
    pub(crate) fn changed(&self, brain: &Brain, node: &NodeName, online: bool) {
        if let Some(status) = brain.root().node(node) {
            let now_ms = brain.now_ms();
            self.damper().observe(&status.address, online, now_ms);
        }
    }

    /// The last minute of a node that has a point, if any has.
    pub(crate) fn last_minute(&self, address: &str) -> Option<i64> {
        let address = Address::parse(address).ok()?;
        self.history().last_minute(&address)
    }

    /// The points of so many minutes up to and with `last`, oldest first.
    pub(crate) fn series(&self, address: &str, last: i64, minutes: usize) -> Vec<Option<Point>> {
        match Address::parse(address) {
            Ok(address) => self.history().series(&address, last, minutes),
            Err(_) => vec![None; minutes],
        }
    }

    fn damper(&self) -> MutexGuard<'_, Damper> {
        self.damper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        let known = self.subscriptions.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until the brain stops.
pub(crate) async fn run(brain: Brain) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let look_every = brain.config().heartbeat.as_secs().clamp(1, 10);
    let mut tick = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = brain.stopping().cancelled() => return,
        }
        if tick % look_every == 0 {
            look(&brain).await;
            write_minutes(&brain).await;
        }
        tick += 1;
        tell(&brain).await;
    }
}

/// Looks at all nodes: what their heartbeats brought, and whether they are there, should an event
/// have been missed.
async fn look(brain: &Brain) {
    let now_ms = brain.now_ms();
    let nodes = brain.root().loads();
    let gone = {
        let known: HashSet<&Address> = nodes.iter().map(|node| &node.address).collect();
        let mut history = brain.watch().history();
        let mut damper = brain.watch().damper();
        for node in &nodes {
            damper.observe(&node.address, node.online, now_ms);
            if let Some(load) = node.load.as_ref().filter(|_| node.online) {
                history.note(&node.address, load, now_ms);
            }
        }
        history.retain(|address| known.contains(address));
        damper.retain(|address| known.contains(address))
    };
    let ops: Vec<Op> = gone
        .into_iter()
        .map(|address| Op::DropWatched(address.to_string()))
        .collect();
    if !ops.is_empty()
        && let Err(error) = brain.store().commit(Unit::of(ops)).await
    {
        // The row does no harm: nobody has that address any more.
        warn!(%error, "cannot forget what was told of a forgotten node");
    }
}

/// Writes down the minutes that have ended, each with all its parts or not at all.
async fn write_minutes(brain: &Brain) {
    let mut rows = brain.watch().history().finished(brain.now_ms());
    while let Some(minute) = rows.first().map(|row| row.minute) {
        let later = rows.iter().position(|row| row.minute != minute);
        let rest = rows.split_off(later.unwrap_or(rows.len()));
        let ops = rows.into_iter().map(Op::PutLoad).collect();
        if let Err(error) = brain.store().commit(Unit::of(ops)).await {
            warn!(%error, "cannot write down a minute of load; later again");
            return;
        }
        brain.watch().history().written(minute);
        rows = rest;
    }
}

/// Tells what is due: messages and the note that they were told, together or not at all.
async fn tell(brain: &Brain) {
    let now_ms = brain.now_ms();
    let due = brain.watch().damper().due(now_ms);
    if due.is_empty() {
        return;
    }
    let (first, told): (Vec<News>, Vec<News>) =
        due.into_iter().partition(|news| news.what == What::First);
    for batch in first.chunks(BATCH) {
        let ops = batch.iter().map(|news| noted(news, now_ms)).collect();
        if brain.commit_patiently(Unit::of(ops)).await {
            brain.watch().damper().told(batch, now_ms);
        }
    }
    if told.is_empty() {
        return;
    }
    let items = match news::messages(brain, &told).await {
        Ok(items) => items,
        Err(error) => {
            warn!(%error, "cannot tell of nodes now; later again");
            return;
        }
    };
    let mut ops: Vec<Op> = told.iter().map(|news| noted(news, now_ms)).collect();
    ops.extend(items.iter().cloned().map(Op::Outbox));
    if brain.commit_patiently(Unit::of(ops)).await {
        brain.watch().damper().told(&told, now_ms);
        brain.outbox().push(brain, items);
    }
}

fn noted(news: &News, now_ms: i64) -> Op {
    let belief = news.what.belief(now_ms);
    Op::PutWatched(WatchedNode {
        address: news.address.to_string(),
        online: belief.online,
        flapping: belief.flapping,
        changed_ms: belief.since_ms,
    })
}
