//! Words in passing: said beside what is in order, at once or not at all. Nobody waits for their results.

use std::sync::Arc;
use std::time::Duration;

use jarvis_proto::chat::Action;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::adapter::Adapter;
use crate::errand::Errand;

/// Words that are on their way at the same time; more are dropped.
const MOST: usize = 1024;
/// How long one may take, its turn included.
const LIMIT: Duration = Duration::from_secs(3);

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Passing(JoinSet<()>);

/// Whether the brain neither repeats an action nor waits for its result.
pub(super) fn is_in_passing(action: &Action) -> bool {
    action.transient && matches!(action.kind, Some(Kind::Say(_)))
}

impl Passing {
    /// Says it, if there is room.
    pub(super) fn say(&mut self, adapter: Arc<dyn Adapter>, errand: Errand) {
        while self.0.try_join_next().is_some() {}
        if self.0.len() >= MOST {
            tracing::debug!("too much to say; a word in passing is dropped");
            return;
        }
        self.0.spawn(async move {
            match timeout(LIMIT, adapter.perform(&errand)).await {
                Ok(Outcome::Ok(_)) => {}
                Ok(outcome) => tracing::debug!(?outcome, "a word in passing was not said"),
                Err(_) => tracing::debug!("a word in passing came too late"),
            }
        });
    }
}
