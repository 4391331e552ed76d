//! One open job: sends its orders, follows what the nodes report, keeps its status message current,
//! and says the last word once.

mod ending;
mod errand;
mod nodes;
mod waiting;

use errand::{Copied, Errand};

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jarvis_nodeclient::NodeName;
use jarvis_proto::node::{CancelOrder, RefusedReason, SignedOrder, order};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::{error, info};

use super::ending::TaskEnding;
use super::engine::Permits;
use super::follow::Glimpse;
use super::live::LiveTask;
use super::news::NodeNews;
use super::orders::{OrderReport, REPORT_LIMIT, Report, make};
use super::{Job, JobSpec, TaskState, status};
use crate::activity::Ongoing;
use crate::brain::Brain;
use crate::outbox::OutboxItem;
use crate::store::{Op, Unit};

/// How long the status message of a new job is held back: a job that is through by then says all in
/// one message.
const FIRST_STATUS_AFTER: Duration = Duration::from_millis(400);
/// Least time between two states of a status message.
const STATUS_EVERY: Duration = Duration::from_secs(2);
/// A running task whose node stays away for so long is given up.
const LOST_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What an open job is told.
#[derive(Debug)]
pub(super) enum Tell {
    /// A person wants it to end.
    Cancel,
    /// The node is there, and of those who wait for it this job is next. Dropped when it has sent its order.
    YourTurn {
        node: NodeName,
        _done: oneshot::Sender<()>,
    },
    /// The node is called otherwise now.
    NodeRenamed(NodeName, NodeName),
}

/// Where an open job hears from others.
pub(super) struct Told {
    pub(super) tell: mpsc::Receiver<Tell>,
    pub(super) news: Arc<NodeNews>,
}

/// One open job at work.
pub(super) struct Actor {
    brain: Brain,
    job: Job,
    tasks: Vec<LiveTask>,
    /// The first status message while it is held back.
    first_status: Option<OutboxItem>,
    reports: (mpsc::Sender<OrderReport>, mpsc::Receiver<OrderReport>),
    errands: (mpsc::Sender<Errand>, mpsc::Receiver<Errand>),
    told: Told,
    /// Where the task of an order stands in `tasks`.
    by_order: HashMap<String, usize>,
    /// What those see who follow the job.
    shown: watch::Sender<Vec<Glimpse>>,
    errand_tasks: tokio::task::JoinSet<()>,
    _permits: Permits,
    /// What a copy copies.
    copied: Copied,
    _ongoing: Ongoing,
}

impl Actor {
    pub(super) fn new(
        brain: Brain,
        job: Job,
        tasks: Vec<LiveTask>,
        first_status: Option<OutboxItem>,
        told: Told,
        shown: watch::Sender<Vec<Glimpse>>,
        permits: Permits,
    ) -> Self {
        let ongoing = brain.activity().begin(&job.room.bot);
        let reports = mpsc::channel(REPORT_LIMIT);
        if job.spec.is_one_order() {
            let under_way =
                |live: &&LiveTask| matches!(live.task.state, TaskState::Sent | TaskState::Running);
            for live in tasks.iter().filter(under_way) {
                let orders = brain.orders();
                orders.add_job(&live.task.order, &live.node, reports.0.clone());
            }
        }
        let numbered = tasks.iter().enumerate();
        Self {
            by_order: numbered
                .map(|(position, live)| (live.task.order.clone(), position))
                .collect(),
            tasks,
            first_status,
            reports,
            errands: mpsc::channel(REPORT_LIMIT),
            told,
            shown,
            errand_tasks: tokio::task::JoinSet::new(),
            _permits: permits,
            copied: Copied::default(),
            _ongoing: ongoing,
            brain,
            job,
        }
    }

    /// Works until the job has ended. Dropping it in mid-work loses nothing: the store knows the job
    /// is open, and the next start takes it up again.
    pub(super) async fn run(mut self) {
        for position in 0..self.tasks.len() {
            self.begin(position).await;
        }
        let mut first_status_at = Instant::now() + FIRST_STATUS_AFTER;
        let mut next_status_at = Instant::now() + STATUS_EVERY;
        let mut dirty = false;
        let mut batch = Vec::new();
        let mut shown_ahead = Vec::new();
        while !self.tasks.iter().all(LiveTask::is_settled) {
            self.let_see();
            let deadline = self.next_deadline();
            tokio::select! {
                count = self.reports.1.recv_many(&mut batch, REPORT_LIMIT) => {
                    if count > 0 {
                        dirty = true;
                        self.take_reports(std::mem::take(&mut batch)).await;
                    }
                }
                Some(news) = self.errands.1.recv() => {
                    dirty = true;
                    self.take_errand(news).await;
                }
                Some(told) = self.told.tell.recv() => {
                    dirty = true;
                    self.take_told(told).await;
                }
                nodes = self.told.news.changed() => {
                    dirty = true;
                    self.look_after(&nodes).await;
                }
                () = tokio::time::sleep_until(first_status_at), if self.first_status.is_some() => {
                    if let Some(first) = self.first_status.take() {
                        self.brain.outbox().push(&self.brain, vec![first]);
                    }
                    first_status_at = Instant::now();
                }
                () = tokio::time::sleep_until(next_status_at), if (dirty || self.may_wait_behind_others()) && self.first_status.is_none() => {
                    next_status_at = Instant::now() + STATUS_EVERY;
                    let ahead = self.jobs_ahead();
                    if !std::mem::take(&mut dirty) && ahead == shown_ahead {
                        continue;
                    }
                    shown_ahead = ahead;
                    let action = status::action(&self.brain, &self.job, &self.tasks, false);
                    self.brain.outbox().show(&self.brain, &self.job.room, action);
                }
                () = tokio::time::sleep_until(deadline) => self.give_up_waiting().await,
                () = self.brain.stopping().cancelled() => return,
            }
        }
        self.finish().await;
    }

    /// Sets a task going, or takes it up again after a restart.
    async fn begin(&mut self, position: usize) {
        let live = &mut self.tasks[position];
        if live.task.state.is_final() {
            // What it brought was at hand only before the restart.
            match (&self.job.spec, live.task.state) {
                (JobSpec::Get(_), TaskState::Done) => {
                    live.fetching = true;
                    self.start_transfer(position);
                }
                _ => self.fetch_results(position),
            }
            return;
        }
        match (self.job.spec.is_one_order(), live.task.state) {
            (_, TaskState::Waiting) => {
                if self.brain.fleet().is_online(&self.brain, &live.node) {
                    self.brain.jobs().queue().move_up(&self.brain, &live.node);
                }
            }
            (true, _) => {
                if self.brain.fleet().is_online(&self.brain, &live.node) {
                    self.ask_or_send(position).await;
                } else {
                    live.away_since = Some(Instant::now());
                }
            }
            (false, _) => self.start_transfer(position),
        }
    }

    /// A new order goes out. One that may have arrived before is asked about first.
    async fn ask_or_send(&mut self, position: usize) {
        let live = &mut self.tasks[position];
        live.away_since = None;
        let sent_before = live.task.state == TaskState::Running || live.progress.is_some();
        let result = if sent_before {
            self.brain
                .root()
                .reconcile(&live.node, vec![live.task.order.clone()])
                .await
        } else {
            // The node answers the same bytes with what became of them, so sending twice is safe.
            match SignedOrder::decode(live.task.signed_order.as_slice()) {
                Ok(signed) => self.brain.root().send(&live.node, &signed).await,
                Err(error) => {
                    error!(%error, order = %live.task.order, "a stored order cannot be read");
                    let ending =
                        TaskEnding::refused(RefusedReason::Malformed, "stored order is damaged");
                    return self.end_task(position, ending).await;
                }
            }
        };
        if result.is_err() {
            self.tasks[position].away_since = Some(Instant::now());
        }
        if self.tasks[position].cancelling {
            self.send_cancel(position).await;
        }
    }

    async fn take_reports(&mut self, reports: Vec<OrderReport>) {
        let ending_now: HashSet<String> = reports
            .iter()
            .filter(|news| matches!(news.report, Report::Ended(_)))
            .map(|news| news.order.clone())
            .collect();
        let mut endings = Vec::new();
        let mut accepted_now = Vec::new();
        for OrderReport { order, report } in reports {
            let Some(&position) = self.by_order.get(&order) else {
                continue;
            };
            if self.tasks[position].task.state.is_final() {
                continue;
            }
            match report {
                Report::Accepted(accepted) => {
                    let live = &mut self.tasks[position];
                    if live.task.state == TaskState::Sent {
                        live.task.state = TaskState::Running;
                        live.task.started_ms = accepted.time_ms;
                        // An ending in the same breath stores more than this would.
                        if !ending_now.contains(&order) {
                            accepted_now.push(Op::UpdateTask(live.task.clone()));
                        }
                    }
                }
                Report::Progress(progress) => self.tasks[position].progress = Some(progress),
                Report::Refused(refused) if self.may_sign_again(position, &refused) => {
                    self.sign_again(position).await;
                }
                Report::Refused(refused) => endings.push((position, TaskEnding::Refused(refused))),
                Report::Ended(ended) => {
                    endings.push((position, TaskEnding::Ended(Box::new(ended))));
                }
                Report::Unknown => self.on_unknown(position).await,
            }
        }
        if !accepted_now.is_empty() {
            self.commit(accepted_now).await;
        }
        self.end_tasks(endings).await;
    }

    /// The node does not know the order: it never arrived, or the node lost its memory.
    async fn on_unknown(&mut self, position: usize) {
        let live = &mut self.tasks[position];
        if live.task.state == TaskState::Sent && live.progress.is_none() {
            return self.ask_or_send(position).await;
        }
        self.end_without_node(position, TaskState::Lost).await;
    }

    async fn cancel(&mut self, position: usize) {
        let live = &mut self.tasks[position];
        if live.task.state.is_final() {
            return;
        }
        live.cancelling = true;
        let is_one_order = self.job.spec.is_one_order();
        let is_reachable = self.brain.fleet().is_online(&self.brain, &live.node);
        if live.task.state == TaskState::Waiting || !is_one_order || !is_reachable {
            // A transfer is ours to stop. A node that is away stops the order when it is back: it
            // reports the order as open, and nobody waits for it any more.
            self.end_without_node(position, TaskState::Cancelled).await;
        } else {
            self.send_cancel(position).await;
        }
    }

    async fn send_cancel(&self, position: usize) {
        let live = &self.tasks[position];
        let body = order::Body::Cancel(CancelOrder {
            order: live.task.order.clone(),
            grace_ms: 0,
        });
        let id = uuid::Uuid::now_v7().to_string();
        let signed = make(&self.brain, &live.address, &id, body);
        if let Err(error) = self.brain.root().send(&live.node, &signed).await {
            info!(%error, node.name = %live.node, "the cancellation goes out when the node is back");
        }
    }

    /// Commits, again and again while the store is busy: the job's truth must not get lost.
    async fn commit(&self, ops: Vec<Op>) -> bool {
        self.brain.commit_patiently(Unit::of(ops)).await
    }
}
