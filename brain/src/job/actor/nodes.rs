//! What a job does when it is told something, and when nodes of its tasks come and go.

use std::collections::BTreeSet;

use jarvis_nodeclient::NodeName;
use tokio::time::Instant;

use super::{Actor, Tell};
use crate::job::TaskState;

impl Actor {
    pub(super) async fn take_told(&mut self, told: Tell) {
        match told {
            Tell::Cancel => {
                for position in 0..self.tasks.len() {
                    self.cancel(position).await;
                }
            }
            Tell::YourTurn { node, _done } => {
                for position in 0..self.tasks.len() {
                    let live = &self.tasks[position];
                    if live.node == node && live.task.state == TaskState::Waiting {
                        self.send(position).await;
                    }
                }
            }
            Tell::NodeRenamed(node, new) => {
                for live in self.tasks.iter_mut().filter(|live| live.node == node) {
                    live.task.node = new.to_string();
                    live.node = new.clone();
                }
                self.look_after(&BTreeSet::from([new])).await;
            }
        }
    }

    /// Nodes have come or gone. What is done about it depends on how they are now.
    pub(super) async fn look_after(&mut self, nodes: &BTreeSet<NodeName>) {
        for position in 0..self.tasks.len() {
            let live = &mut self.tasks[position];
            if live.task.state.is_final() || !nodes.contains(&live.node) {
                continue;
            }
            let is_one_order = self.job.spec.is_one_order();
            let is_online = self.brain.fleet().is_online(&self.brain, &live.node);
            match (is_online, live.task.state) {
                (true, TaskState::Sent | TaskState::Running) if is_one_order => {
                    self.ask_or_send(position).await;
                }
                // Those who wait have their turn, see `Tell::YourTurn`.
                (true, _) | (false, TaskState::Waiting) => {}
                (false, _) => {
                    live.away_since.get_or_insert_with(Instant::now);
                }
            }
        }
    }
}
