//! Jobs that wait for a node that is away. When it is back they go out one after the other, the
//! oldest first.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jarvis_nodeclient::NodeName;
use tokio::sync::oneshot;
use tracing::warn;

use super::actor::Tell;
use super::quota::Permit;
use crate::brain::Brain;

/// How long one job may take to send its order before the next one goes.
const TURN_LIMIT: Duration = Duration::from_secs(15);

/// Who waits for which node.
#[derive(Debug, Default)]
pub(crate) struct Queue(Arc<Mutex<HashMap<NodeName, Line>>>);

#[derive(Debug, Default)]
struct Line {
    /// Numbers of the jobs that wait.
    waiting: BTreeSet<i64>,
    /// Somebody calls them up already.
    is_moving: bool,
}

/// A job's place in the line of one node; given up when it is dropped.
#[derive(Debug)]
pub(super) struct QueuePlace {
    lines: Arc<Mutex<HashMap<NodeName, Line>>>,
    node: NodeName,
    number: i64,
    _permit: Option<Permit>,
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get_mut(&self.node) {
            line.waiting.remove(&self.number);
            if line.waiting.is_empty() && !line.is_moving {
                lines.remove(&self.node);
            }
        }
    }
}

impl Queue {
    /// Takes a place in the line; places are ordered by the jobs' numbers.
    pub(super) fn enter(&self, node: &NodeName, number: i64, permit: Option<Permit>) -> QueuePlace {
        let mut lines = self.lock();
        let line = lines.entry(node.clone()).or_default();
        line.waiting.insert(number);
        QueuePlace {
            lines: Arc::clone(&self.0),
            node: node.clone(),
            number,
            _permit: permit,
        }
    }

    /// Lines that are not empty.
    pub(crate) fn lines(&self) -> usize {
        self.lock().len()
    }

    /// Calls up, one after the other, those who wait for a node that is there.
    pub(super) fn move_up(&self, brain: &Brain, node: &NodeName) {
        match self.lock().get_mut(node) {
            Some(line) if !line.is_moving => line.is_moving = true,
            _ => return,
        }
        brain.spawn(call_up(brain.clone(), node.clone()));
    }

    /// The first one that waits behind `after`; without one the line stands still again.
    fn next(&self, node: &NodeName, after: i64) -> Option<i64> {
        let mut lines = self.lock();
        let line = lines.get_mut(node)?;
        let next = line
            .waiting
            .range(after.saturating_add(1)..)
            .next()
            .copied();
        if next.is_none() {
            line.is_moving = false;
            if line.waiting.is_empty() {
                lines.remove(node);
            }
        }
        next
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<NodeName, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn call_up(brain: Brain, node: NodeName) {
    let mut last = 0;
    while let Some(number) = brain.jobs().queue().next(&node, last) {
        last = number;
        let (done, sent) = oneshot::channel();
        let turn = Tell::YourTurn {
            node: node.clone(),
            _done: done,
        };
        let taken = async {
            brain.jobs().tell(number, turn).await;
            // An error is as good as a word: the job has dropped its end.
            let _ = sent.await;
        };
        tokio::select! {
            taken = tokio::time::timeout(TURN_LIMIT, taken) => if taken.is_err() {
                warn!(job.number = number, node.name = %node, "a waiting job does not take its turn");
            },
            () = brain.stopping().cancelled() => return,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first_and_an_empty_line_is_forgotten() {
        let queue = Queue::default();
        let web = NodeName::parse("web-1").unwrap();
        let places: Vec<_> = [7, 3, 5]
            .into_iter()
            .map(|number| queue.enter(&web, number, None))
            .collect();
        let mut order = Vec::new();
        while let Some(next) = queue.next(&web, order.last().copied().unwrap_or(0)) {
            order.push(next);
        }
        assert_eq!(order, [3, 5, 7]);
        assert_eq!(queue.lines(), 1, "they still wait");
        drop(places);
        assert_eq!(queue.lines(), 0);
    }
}
