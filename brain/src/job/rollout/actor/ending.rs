//! The end of a node's part, and of the whole update.

use tracing::info;

use super::Rollout;
use crate::audit::AuditEntry;
use crate::job::rollout::{Outcome, Phase, words};
use crate::job::{JobState, TaskState};
use crate::outbox::OutboxItem;
use crate::store::{Condition, JobEnd, Op, Unit};

impl Rollout {
    pub(super) async fn went_back(&mut self, position: usize, outcome: &Outcome) {
        let node = &mut self.nodes[position];
        let why = words::ending_words(&self.job, node.now.back_ending.as_ref());
        if let Some(way) = &mut node.part.way_back {
            self.brain.orders().remove(&way.order);
            way.worked = Some(matches!(outcome, Outcome::Back { .. }));
            way.why = why;
        }
        let first = node.part.outcome.clone().unwrap_or(Outcome::NotBack);
        self.over(position, first).await;
    }

    /// Nothing more happens to a node.
    pub(super) async fn over(&mut self, position: usize, outcome: Outcome) {
        let now_ms = self.brain.now_ms();
        self.is_dirty = true;
        let node = &mut self.nodes[position];
        self.brain.orders().remove(&node.live.task.order);
        info!(job.number = self.job.number, node.name = %node.live.node, ?outcome, "update of a node is over");
        node.live.task.state = match &outcome {
            Outcome::Back { .. } | Outcome::Unchanged => TaskState::Done,
            Outcome::Unreachable => TaskState::Offline,
            Outcome::Refused => TaskState::Refused,
            Outcome::Stopped | Outcome::Cancelled => TaskState::Cancelled,
            _ => TaskState::Failed,
        };
        node.live.task.ended_ms = now_ms;
        node.part.outcome = Some(outcome);
        node.part.phase = Phase::Over;
        self.keep(position).await;
    }

    /// Stores a node's part with its task.
    pub(super) async fn keep(&self, position: usize) {
        let node = &self.nodes[position];
        let ops = vec![
            Op::UpdateTask(node.live.task.clone()),
            Op::PutPart(Box::new(node.part.clone())),
        ];
        self.brain.commit_patiently(Unit::of(ops)).await;
    }

    /// The last word: the job's end and its status message, in one transaction.
    pub(super) async fn finish(mut self) {
        let now_ms = self.brain.now_ms();
        let outcomes = || {
            self.nodes
                .iter()
                .filter_map(|node| node.part.outcome.as_ref())
        };
        let is_good =
            |outcome: &Outcome| matches!(outcome, Outcome::Back { .. } | Outcome::Unchanged);
        self.job.state = if outcomes().all(is_good) {
            JobState::Done
        } else if outcomes().any(|outcome| *outcome == Outcome::Cancelled) {
            JobState::Cancelled
        } else {
            JobState::Failed
        };
        self.job.ended_ms = Some(now_ms);
        let action = words::live_action(&self.brain, &self.job, &self.nodes, true);
        let item = OutboxItem::new(&self.job.room, &action, now_ms);
        let tasks: Vec<String> = self
            .nodes
            .iter()
            .map(|node| format!("{}: {}", node.live.node, node.live.task.state.as_str()))
            .collect();
        let ops = vec![
            Op::Require(Condition::EndJob(JobEnd {
                id: self.job.id.clone(),
                state: self.job.state,
                ended_ms: now_ms,
            })),
            Op::Audit(AuditEntry {
                id: uuid::Uuid::now_v7().to_string(),
                time_ms: now_ms,
                account: Some(self.job.account.clone()),
                identity: Some(self.job.identity.clone()),
                what: "job".to_owned(),
                detail: tasks.join(", "),
                target: format!("job {}", self.job.number),
                result: format!("{:?}", self.job.state).to_lowercase(),
                trace: self.job.id.to_string(),
            }),
            Op::Outbox(item.clone()),
        ];
        info!(job.number = self.job.number, state = ?self.job.state, "job ended");
        if self.brain.commit_patiently(Unit::of(ops)).await {
            self.brain.outbox().push(&self.brain, vec![item]);
        }
        self.brain.jobs().ended(self.job.number);
    }
}
