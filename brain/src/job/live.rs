//! A task of an open job, with what is known of it beyond the store.

use jarvis_nodeclient::{Address, NodeName};
use jarvis_proto::node::Progress;
use tokio::time::Instant;

use super::Task;
use super::ending::TaskEnding;
use super::queue::QueuePlace;
use super::transfer::Fetched;

/// A result file that came, or why it did not.
#[derive(Debug)]
pub(super) enum ResultFileNews {
    /// Here it is.
    Came {
        /// The file.
        file: Fetched,
        /// What people call it in the store of files; 0 = not yet.
        number: i64,
    },
    /// It stays on the node.
    Stays {
        /// Its path there.
        path: String,
        /// Why.
        why: String,
    },
}

/// A task, with what is known of it now.
#[derive(Debug)]
pub(super) struct LiveTask {
    pub task: Task,
    pub node: NodeName,
    pub address: Address,
    /// What the node last reported.
    pub progress: Option<Progress>,
    pub ending: Option<TaskEnding>,
    pub files: Vec<ResultFileNews>,
    /// Since when the node is away, while the task runs there.
    pub away_since: Option<Instant>,
    /// Its result files are on their way.
    pub fetching: bool,
    /// A person wants it to end.
    pub cancelling: bool,
    /// Its place among those who wait for the node.
    pub place: Option<QueuePlace>,
}

impl LiveTask {
    pub(super) fn new(task: Task) -> Option<Self> {
        Some(Self {
            node: NodeName::parse(&task.node).ok()?,
            address: Address::parse(&task.address).ok()?,
            progress: None,
            ending: TaskEnding::decode(&task.ending),
            files: Vec::new(),
            away_since: None,
            fetching: false,
            cancelling: false,
            place: None,
            task,
        })
    }

    /// Whether nothing more will happen to it or its files.
    pub(super) fn is_settled(&self) -> bool {
        self.task.state.is_final() && !self.fetching
    }
}
