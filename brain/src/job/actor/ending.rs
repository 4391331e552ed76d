//! How the tasks of a job end, and the job with them.

use tracing::info;

use super::super::ending::TaskEnding;
use super::super::{JobState, Task, TaskState, status};
use super::Actor;
use crate::audit::AuditEntry;
use crate::outbox::OutboxItem;
use crate::store::{Condition, JobEnd, Op};

impl Actor {
    /// Ends a task on our own word.
    pub(super) async fn end_without_node(&mut self, position: usize, state: TaskState) {
        let now_ms = self.brain.now_ms();
        let live = &mut self.tasks[position];
        live.task.state = state;
        live.task.ended_ms = now_ms;
        live.place = None;
        self.brain.orders().remove(&live.task.order);
        let task = live.task.clone();
        self.commit(vec![Op::UpdateTask(task)]).await;
    }

    pub(super) async fn end_task(&mut self, position: usize, ending: TaskEnding) {
        self.end_tasks(vec![(position, ending)]).await;
    }

    /// Stores endings, then tells the nodes that they may forget them.
    pub(super) async fn end_tasks(&mut self, endings: Vec<(usize, TaskEnding)>) {
        let now_ms = self.brain.now_ms();
        let mut ops = Vec::new();
        let mut ended = Vec::new();
        for (position, ending) in endings {
            let live = &mut self.tasks[position];
            if live.task.state.is_final() {
                continue;
            }
            live.task.state = ending.state();
            live.task.ended_ms = now_ms;
            live.task.ending = ending.encode();
            live.ending = Some(ending);
            ops.push(Op::UpdateTask(live.task.clone()));
            ended.push(position);
        }
        if ops.is_empty() {
            return;
        }
        self.commit(ops).await;
        for position in ended {
            let live = &self.tasks[position];
            info!(job.number = self.job.number, node.name = %live.node, state = ?live.task.state, "task ended");
            self.brain.orders().remove(&live.task.order);
            if self.job.spec.is_one_order() {
                // When this is lost, the node tells the ending again and gets its answer then.
                let _ = self
                    .brain
                    .root()
                    .acknowledge(&live.node, &live.task.order)
                    .await;
            }
            self.fetch_results(position);
        }
    }

    /// The last word: the job's end, its status message and its files, in one transaction.
    pub(super) async fn finish(mut self) {
        let now_ms = self.brain.now_ms();
        let states: Vec<TaskState> = self.tasks.iter().map(|live| live.task.state).collect();
        self.job.state = if states.iter().all(|state| *state == TaskState::Done) {
            JobState::Done
        } else if states.contains(&TaskState::Cancelled) {
            JobState::Cancelled
        } else {
            JobState::Failed
        };
        self.job.ended_ms = Some(now_ms);
        let kept = self.keep_files().await;
        let mut items = vec![OutboxItem::new(
            &self.job.room,
            &status::action(&self.brain, &self.job, &self.tasks, true),
            now_ms,
        )];
        for action in status::file_actions(&self.job, &self.tasks) {
            items.push(OutboxItem::new(&self.job.room, &action, now_ms));
        }
        let ended: Vec<Task> = self.tasks.iter().map(|live| live.task.clone()).collect();
        items.extend(crate::watch::notices(&self.brain, &self.job, &ended).await);
        let mut ops = vec![
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
                detail: status::outcome_line(&self.tasks),
                target: format!("job {}", self.job.number),
                result: format!("{:?}", self.job.state).to_lowercase(),
                trace: self.job.id.to_string(),
            }),
        ];
        if let Some(first) = self.first_status.take() {
            ops.push(Op::OutboxDone { id: first.id });
        }
        ops.extend(kept);
        ops.extend(items.iter().cloned().map(Op::Outbox));
        info!(job.number = self.job.number, state = ?self.job.state, "job ended");
        // Whoever ends a job first says its last word; nobody says it twice.
        if self.commit(ops).await {
            self.brain.outbox().push(&self.brain, items);
        }
        self.forget_fetched().await;
        self.brain.jobs().ended(self.job.number);
    }
}
