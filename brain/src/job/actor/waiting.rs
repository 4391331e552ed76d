//! Tasks that wait: for a node that is away, and behind others on a node that is busy.

use std::time::Duration;

use jarvis_proto::node::{Order, Refused, RefusedReason, SignedOrder};
use prost::Message as _;
use tokio::time::Instant;
use tracing::info;

use super::{Actor, LOST_AFTER};
use crate::job::TaskState;
use crate::job::follow::Glimpse;
use crate::job::live::LiveTask;
use crate::job::orders::make;
use crate::store::Op;

impl Actor {
    /// When the next task has waited long enough.
    pub(super) fn next_deadline(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let now_ms = self.brain.now_ms();
        self.tasks
            .iter()
            .filter_map(|live| match live.task.state {
                TaskState::Waiting => {
                    let left = u64::try_from(self.job.wait_until_ms - now_ms).unwrap_or(0);
                    Some(Instant::now() + Duration::from_millis(left))
                }
                _ => live.away_since.map(|since| since + LOST_AFTER),
            })
            .fold(far, Instant::min)
    }

    /// Ends the tasks that have.
    pub(super) async fn give_up_waiting(&mut self) {
        let now_ms = self.brain.now_ms();
        for position in 0..self.tasks.len() {
            let live = &self.tasks[position];
            if live.task.state == TaskState::Waiting && self.job.wait_until_ms <= now_ms {
                self.end_without_node(position, TaskState::Offline).await;
            } else if live
                .away_since
                .is_some_and(|since| since.elapsed() >= LOST_AFTER)
            {
                self.end_without_node(position, TaskState::Lost).await;
            }
        }
    }

    /// Makes the order of a task that waited, stores it, and sends it. The order is signed now, however
    /// long the task has waited, and its bytes are stored before they go out: they run once even when
    /// the line is cut in the midst.
    pub(super) async fn send(&mut self, position: usize) {
        if !self
            .brain
            .fleet()
            .is_online(&self.brain, &self.tasks[position].node)
        {
            // It went away again; the task keeps its place.
            return;
        }
        let live = &mut self.tasks[position];
        live.place = None;
        live.task.state = TaskState::Sent;
        if self.job.spec.is_one_order() {
            let node = live.node.clone();
            let reports = self.reports.0.clone();
            self.brain
                .orders()
                .add_job(&live.task.order, &node, reports);
            self.sign_again(position).await;
        } else {
            let task = live.task.clone();
            self.commit(vec![Op::UpdateTask(task)]).await;
            self.start_transfer(position);
        }
    }

    /// Whether a node came back so late that the order had expired, while the job still waits for it.
    /// Under one id a node takes one order only, so another signature cannot make it run twice.
    pub(super) fn may_sign_again(&self, position: usize, refused: &Refused) -> bool {
        let now_ms = self.brain.now_ms();
        let live = &self.tasks[position];
        refused.reason() == RefusedReason::Expired
            && live.task.state == TaskState::Sent
            && self.job.wait_until_ms > now_ms
            && expires_ms(&live.task.signed_order) < now_ms
    }

    /// Signs the order of a task anew, stores it, and sends it.
    pub(super) async fn sign_again(&mut self, position: usize) {
        let Some(body) = self.job.spec.order_body() else {
            return;
        };
        let live = &mut self.tasks[position];
        let signed = make(&self.brain, &live.address, &live.task.order, body);
        live.task.signed_order = signed.encode_to_vec();
        let task = live.task.clone();
        info!(job.number = self.job.number, node.name = %live.node, "the node is there; the order goes out");
        self.commit(vec![Op::UpdateTask(task)]).await;
        self.ask_or_send(position).await;
    }

    /// Shows those who follow the job how it stands; one of the receivers is always there.
    pub(super) fn let_see(&self) {
        if self.shown.receiver_count() > 1 {
            self.shown
                .send_replace(self.tasks.iter().map(Glimpse::of).collect());
        }
    }

    /// Whether a task was sent and nothing was heard of its process yet.
    pub(super) fn may_wait_behind_others(&self) -> bool {
        self.tasks.iter().any(is_silent)
    }

    /// For each silent task, how many jobs were sent to its node before it and still go on.
    pub(super) fn jobs_ahead(&self) -> Vec<usize> {
        let silent = self.tasks.iter().filter(|live| is_silent(live));
        silent
            .map(|live| self.brain.orders().ahead(&live.node, &live.task.order))
            .collect()
    }
}

fn is_silent(live: &LiveTask) -> bool {
    matches!(live.task.state, TaskState::Sent | TaskState::Running) && live.progress.is_none()
}

/// Until when a stored order may be taken; 0 for what cannot be read.
fn expires_ms(signed: &[u8]) -> i64 {
    SignedOrder::decode(signed)
        .ok()
        .and_then(|signed| Order::decode(signed.order).ok())
        .map_or(0, |order| order.expires_ms)
}
