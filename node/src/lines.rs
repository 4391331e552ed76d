//! The live session of each root, and waiting for one.

use std::collections::HashMap;
use std::time::Duration;

use jarvis_nodeclient::{Address, NodeLink};
use jarvis_proto::node::node_frame::Frame;
use tokio::sync::watch;

/// The newest session of each root. An order's events go to whichever session its root has then.
#[derive(Debug)]
pub(crate) struct Lines(watch::Sender<HashMap<Address, Numbered>>);

#[derive(Debug, Clone)]
struct Numbered {
    number: u64,
    link: NodeLink,
}

impl Default for Lines {
    fn default() -> Self {
        Self(watch::Sender::new(HashMap::new()))
    }
}

impl Lines {
    /// From now on `link` is the session of `root`, by the first address that it had. Returns a number for [`Lines::remove`].
    pub(crate) fn add(&self, root: &Address, link: &NodeLink) -> u64 {
        let mut number = 0;
        self.0.send_modify(|lines| {
            number = lines.values().map(|line| line.number).max().unwrap_or(0) + 1;
            lines.insert(
                root.clone(),
                Numbered {
                    number,
                    link: link.clone(),
                },
            );
        });
        number
    }

    /// The session with this number is over; a newer one of the same root stays.
    pub(crate) fn remove(&self, root: &Address, number: u64) {
        self.0.send_if_modified(|lines| {
            let is_newest = lines.get(root).is_some_and(|line| line.number == number);
            is_newest && lines.remove(root).is_some()
        });
    }

    /// Tells a root something, if it has a session. What must not be lost is in the ledger, and told
    /// again in the next session.
    pub(crate) async fn tell(&self, root: &Address, frame: Frame) {
        let link = self.0.borrow().get(root).map(|line| line.link.clone());
        if let Some(link) = link {
            // An error means that the session has ended meanwhile.
            let _ = link.send(frame).await;
        }
    }

    /// The session of `root`; waits up to `limit` for one that is not over.
    pub(crate) async fn wait_for(&self, root: &Address, limit: Duration) -> Option<NodeLink> {
        let mut changes = self.0.subscribe();
        let is_live = |lines: &HashMap<Address, Numbered>| {
            lines.get(root).is_some_and(|line| !line.link.is_closed())
        };
        let lines = tokio::time::timeout(limit, changes.wait_for(is_live))
            .await
            .ok()?
            .ok()?;
        lines.get(root).map(|line| line.link.clone())
    }
}
