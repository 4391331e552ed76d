//! What an open job hears of the nodes that its tasks are on.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jarvis_nodeclient::NodeName;
use tokio::sync::Notify;

/// Nodes of a job that came or went since it last looked. A set and no queue: what counts is how a
/// node is when the job looks, so nothing can be missed, overflow or overtake.
#[derive(Debug, Default)]
pub(super) struct NodeNews {
    changed: Mutex<BTreeSet<NodeName>>,
    wake: Notify,
}

impl NodeNews {
    /// The node came or went.
    pub(super) fn note(&self, node: &NodeName) {
        self.lock().insert(node.clone());
        self.wake.notify_one();
    }

    /// Waits until a node has come or gone, and gives all that have. Cancel-safe.
    pub(super) async fn changed(&self) -> BTreeSet<NodeName> {
        loop {
            let changed = std::mem::take(&mut *self.lock());
            if !changed.is_empty() {
                return changed;
            }
            self.wake.notified().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<NodeName>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn name(text: &str) -> NodeName {
        NodeName::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_job_that_is_busy_misses_no_node() {
        let news = NodeNews::default();
        for number in 0..1_000 {
            news.note(&name(&format!("node-{}", number % 300)));
        }
        assert_eq!(news.changed().await.len(), 300);
        news.note(&name("web-1"));
        assert_eq!(news.changed().await, BTreeSet::from([name("web-1")]));
        let nothing = tokio::time::timeout(std::time::Duration::ZERO, news.changed());
        assert!(nothing.await.is_err());
    }
}
