//! One open update at work: wave after wave, until all nodes are through or it is stopped.

mod ending;
mod orders;

use std::collections::BTreeSet;
use std::time::Duration;

use jarvis_nodeclient::{Meter, NodeName, NodeStatus};
use jarvis_proto::node::UpdatePhase;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::info;

use super::judge::{Asked, Facts, judge};
use super::words::{Live, Now};
use super::{Outcome, Part, Phase, UpdateKind, UpdateSpec, words};
use crate::activity::Ongoing;
use crate::brain::Brain;
use crate::job::actor::{Tell, Told};
use crate::job::ending::TaskEnding;
use crate::job::live::LiveTask;
use crate::job::orders::{OrderReport, REPORT_LIMIT, Report};
use crate::job::{Job, Task, TaskState};
use crate::outbox::OutboxItem;

/// Least time between two states of the status message.
const STATUS_EVERY: Duration = Duration::from_secs(2);
/// How often deadlines are looked at, and nodes that were slow to be heard of.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// News from the packages on their way.
#[derive(Debug)]
enum Sending {
    /// This shows how far it is.
    Began { position: usize, meter: Meter },
    /// It arrived, or why not.
    Ended {
        position: usize,
        result: Result<(), String>,
    },
}

/// One open update at work.
pub(in crate::job) struct Rollout {
    brain: Brain,
    job: Job,
    spec: UpdateSpec,
    nodes: Vec<Live>,
    first_status: Option<OutboxItem>,
    reports: (mpsc::Sender<OrderReport>, mpsc::Receiver<OrderReport>),
    sendings: (mpsc::Sender<Sending>, mpsc::Receiver<Sending>),
    told: Told,
    senders: tokio::task::JoinSet<()>,
    is_dirty: bool,
    _ongoing: Ongoing,
}

impl Rollout {
    pub(in crate::job) fn new(
        brain: Brain,
        job: Job,
        spec: UpdateSpec,
        tasks: Vec<Task>,
        first_status: Option<OutboxItem>,
        told: Told,
    ) -> Self {
        let ongoing = brain.activity().begin(&job.room.bot);
        let nodes = tasks
            .into_iter()
            .filter_map(|task| {
                let part = Part::new(&task.order, &job.id, &task.address);
                let now = Now::default();
                LiveTask::new(task).map(|live| Live { live, part, now })
            })
            .collect();
        Self {
            brain,
            job,
            spec,
            nodes,
            first_status,
            reports: mpsc::channel(REPORT_LIMIT),
            sendings: mpsc::channel(REPORT_LIMIT),
            told,
            senders: tokio::task::JoinSet::new(),
            is_dirty: true,
            _ongoing: ongoing,
        }
    }

    /// Works until all nodes are through. Dropping it in mid-work loses nothing: the store knows how far
    /// each node is, and the next start takes it up there.
    pub(in crate::job) async fn run(mut self) {
        if !self.take_up().await {
            return;
        }
        if let Some(first) = self.first_status.take() {
            self.brain.outbox().push(&self.brain, vec![first]);
        }
        let mut next_status_at = Instant::now() + STATUS_EVERY;
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            self.next_wave().await;
            if self.nodes.iter().all(|node| node.part.is_over()) {
                break;
            }
            tokio::select! {
                count = self.reports.1.recv_many(&mut batch, REPORT_LIMIT) => {
                    if count > 0 {
                        for report in std::mem::take(&mut batch) {
                            self.take_report(report).await;
                        }
                    }
                }
                Some(news) = self.sendings.1.recv() => self.take_sending(news).await,
                Some(told) = self.told.tell.recv() => self.take_told(told).await,
                nodes = self.told.news.changed() => self.look_after(&nodes).await,
                () = tokio::time::sleep_until(next_status_at) => {
                    next_status_at = Instant::now() + STATUS_EVERY;
                    let is_moving = self.nodes.iter().any(|node| node.part.is_under_way());
                    if self.is_dirty || is_moving {
                        self.is_dirty = false;
                        let action = words::live_action(&self.brain, &self.job, &self.nodes, false);
                        self.brain.outbox().show(&self.brain, &self.job.room, action);
                    }
                }
                _ = looks.tick() => self.look_at_all().await,
                () = self.brain.stopping().cancelled() => return,
            }
        }
        self.finish().await;
    }

    /// Reads how far each node is, and waits for word of those under way.
    async fn take_up(&mut self) -> bool {
        let parts = loop {
            match self.brain.store().parts(&self.job.id).await {
                Ok(parts) => break parts,
                Err(error) => {
                    tracing::warn!(%error, job.number = self.job.number, "the parts of an update cannot be read yet");
                    tokio::select! {
                        () = tokio::time::sleep(LOOK_EVERY) => {}
                        () = self.brain.stopping().cancelled() => return false,
                    }
                }
            }
        };
        for part in parts {
            let node = self
                .nodes
                .iter_mut()
                .find(|node| node.live.task.order == part.order);
            if let Some(node) = node {
                node.part = part;
            }
        }
        for position in 0..self.nodes.len() {
            match self.nodes[position].part.phase {
                Phase::Sending => self.start_sending(position),
                Phase::Working | Phase::GoingBack => {
                    self.listen(position);
                    self.ask_or_send(position).await;
                }
                Phase::Waiting | Phase::Over => {}
            }
        }
        true
    }

    /// Begins the next nodes when none is under way.
    async fn next_wave(&mut self) {
        while !self.nodes.iter().any(|node| node.part.is_under_way()) {
            let waiting: Vec<usize> = (0..self.nodes.len())
                .filter(|at| self.nodes[*at].part.phase == Phase::Waiting)
                .collect();
            if waiting.is_empty() {
                return;
            }
            if self.is_to_stop() {
                for position in waiting {
                    self.over(position, Outcome::Stopped).await;
                }
                return;
            }
            let online: Vec<usize> = waiting
                .iter()
                .copied()
                .filter(|at| self.status(*at).is_some_and(|status| status.online))
                .collect();
            if online.is_empty() {
                // Nodes that were there before the brain started need a moment to dial again.
                if self.brain.has_just_started() {
                    return;
                }
                for position in waiting {
                    self.over(position, Outcome::Unreachable).await;
                }
                return;
            }
            let wave = self
                .nodes
                .iter()
                .map(|node| node.part.wave)
                .max()
                .unwrap_or(0)
                + 1;
            let size = match wave {
                1 if self.spec.canary > 0 => self.spec.canary,
                _ => self.spec.batch,
            };
            let mut begun = 0;
            for position in online {
                if begun == size.max(1) {
                    break;
                }
                if self.begin(position, wave).await {
                    begun += 1;
                }
            }
        }
    }

    /// Whether no further node is to be begun.
    fn is_to_stop(&self) -> bool {
        let failed = |node: &&Live| node.part.outcome.as_ref().is_some_and(Outcome::is_failure);
        let failures = self.nodes.iter().filter(failed).count();
        let canary_failed = self.spec.canary > 0
            && self
                .nodes
                .iter()
                .filter(failed)
                .any(|node| node.part.wave == 1);
        failures >= self.spec.max_fail.max(1) || canary_failed
    }

    fn status(&self, position: usize) -> Option<NodeStatus> {
        self.brain.root().node(&self.nodes[position].live.node)
    }

    /// Begins a node's part; false when there is nothing to do on it.
    async fn begin(&mut self, position: usize, wave: usize) -> bool {
        let Some(status) = self.status(position) else {
            self.over(position, Outcome::Unreachable).await;
            return false;
        };
        let version = status.facts.as_ref().map_or("", |facts| &facts.version);
        let node = &mut self.nodes[position];
        let wanted = self.spec.wanted(&node.live.task.node);
        node.part.old_version = version.to_owned();
        node.part.old_incarnation = status.incarnation.clone().unwrap_or_default();
        if self.spec.kind != UpdateKind::Restart && wanted == version {
            self.over(position, Outcome::Unchanged).await;
            return false;
        }
        let node = &mut self.nodes[position];
        node.part.wave = wave;
        info!(job.number = self.job.number, node.name = %node.live.node, wave, "update begins");
        if self.spec.package.is_some() {
            node.part.phase = Phase::Sending;
            self.keep(position).await;
            self.start_sending(position);
        } else {
            self.order(position).await;
        }
        true
    }

    async fn take_report(&mut self, news: OrderReport) {
        let Some(position) = self
            .nodes
            .iter()
            .position(|node| node.current_order() == news.order)
        else {
            return;
        };
        let node = &mut self.nodes[position];
        if !node.part.is_under_way() {
            return;
        }
        self.is_dirty = true;
        let is_going_back = node.part.phase == Phase::GoingBack;
        match news.report {
            Report::Accepted(accepted) => {
                if node.live.task.state == TaskState::Sent {
                    node.live.task.state = TaskState::Running;
                    node.live.task.started_ms = accepted.time_ms;
                    self.keep(position).await;
                }
            }
            Report::Progress(progress) => {
                if progress.update_phase() == UpdatePhase::Restarting {
                    node.now.restarting_since.get_or_insert_with(Instant::now);
                }
            }
            Report::Refused(refused) => {
                self.take_ending(position, TaskEnding::Refused(refused))
                    .await;
            }
            Report::Ended(ended) => {
                self.take_ending(position, TaskEnding::Ended(Box::new(ended)))
                    .await;
            }
            Report::Unknown if !is_going_back && node.live.task.state == TaskState::Sent => {
                self.ask_or_send(position).await;
            }
            // The node has lost its memory; whether it is back is seen without it.
            Report::Unknown => {}
        }
    }

    /// Stores what the node said last, tells it so, and judges.
    async fn take_ending(&mut self, position: usize, ending: TaskEnding) {
        let node = &mut self.nodes[position];
        if node.part.phase == Phase::GoingBack {
            node.now.back_ending = Some(ending);
        } else {
            node.live.task.ending = ending.encode();
            node.live.ending = Some(ending);
            self.keep(position).await;
        }
        let node = &self.nodes[position];
        let (name, order) = (node.live.node.clone(), node.current_order().to_owned());
        // When this is lost, the node tells the ending again and gets its answer then.
        let _ = self.brain.root().acknowledge(&name, &order).await;
        self.look_at(position).await;
    }

    async fn take_told(&mut self, told: Tell) {
        self.is_dirty = true;
        match told {
            Tell::Cancel => {
                for position in 0..self.nodes.len() {
                    if self.nodes[position].part.phase == Phase::Waiting {
                        self.over(position, Outcome::Cancelled).await;
                    }
                }
            }
            // Nodes of a wave are waited for here, in no queue.
            Tell::YourTurn { .. } => {}
            Tell::NodeRenamed(name, new) => {
                for position in self.positions_on(&name) {
                    let live = &mut self.nodes[position].live;
                    live.task.node = new.to_string();
                    live.node = new.clone();
                }
                self.look_after(&BTreeSet::from([new])).await;
            }
        }
    }

    /// Nodes have come or gone. What is done about it depends on how they are now.
    async fn look_after(&mut self, nodes: &BTreeSet<NodeName>) {
        self.is_dirty = true;
        for name in nodes {
            let is_online = self.brain.fleet().is_online(&self.brain, name);
            for position in self.positions_on(name) {
                if !is_online {
                    let now = &mut self.nodes[position].now;
                    now.restarting_since.get_or_insert_with(Instant::now);
                    continue;
                }
                if self.is_under_way(position) {
                    self.look_at(position).await;
                }
                // It may still be at it, or never have had the order.
                if self.is_under_way(position) {
                    self.ask_or_send(position).await;
                }
            }
        }
    }

    fn is_under_way(&self, position: usize) -> bool {
        matches!(
            self.nodes[position].part.phase,
            Phase::Working | Phase::GoingBack
        )
    }

    fn positions_on(&self, name: &NodeName) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|at| self.nodes[*at].live.node == *name)
            .collect()
    }

    async fn look_at_all(&mut self) {
        for position in 0..self.nodes.len() {
            if self.is_under_way(position) {
                self.look_at(position).await;
            }
        }
    }

    /// Judges a node that is under way.
    async fn look_at(&mut self, position: usize) {
        let status = self.status(position);
        let node = &self.nodes[position];
        let facts = Facts {
            is_online: status.as_ref().is_some_and(|status| status.online),
            incarnation: status
                .as_ref()
                .and_then(|status| status.incarnation.as_deref())
                .unwrap_or_default(),
            version: status
                .as_ref()
                .and_then(|status| status.facts.as_ref())
                .map_or("", |facts| &facts.version),
        };
        let now_ms = self.brain.now_ms();
        let timeout_ms = i64::try_from(self.spec.timeout_ms).unwrap_or(i64::MAX);
        let (asked, ending) = match &node.part.way_back {
            None => (
                Asked {
                    wanted: self.spec.wanted(&node.live.task.node),
                    old_incarnation: &node.part.old_incarnation,
                    sent_ms: node.part.sent_ms,
                    timeout_ms,
                },
                node.live.ending.as_ref(),
            ),
            Some(way) => (
                Asked {
                    wanted: &node.part.old_version,
                    old_incarnation: &way.incarnation,
                    sent_ms: way.sent_ms,
                    timeout_ms,
                },
                node.now.back_ending.as_ref(),
            ),
        };
        let Some(outcome) = judge(&asked, &facts, ending, now_ms) else {
            return;
        };
        if node.part.phase == Phase::GoingBack {
            self.went_back(position, &outcome).await;
        } else if self.spec.roll_back
            && outcome.is_failure()
            && facts.is_online
            && outcome != Outcome::Refused
        {
            let incarnation = facts.incarnation.to_owned();
            let is_there = facts.version == node.part.old_version;
            self.go_back(position, outcome, incarnation, is_there).await;
        } else {
            self.over(position, outcome).await;
        }
    }
}
