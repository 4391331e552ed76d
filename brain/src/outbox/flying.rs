//! Plain words of one room that are on their way to the platform together: the next one need not wait
//! until the adapter has told what became of the one before.

use std::collections::VecDeque;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use jarvis_proto::chat::action_result::Outcome;
use tokio::task::JoinSet;

use super::sender::{Queue, Waiting, forget, send};
use crate::brain::Brain;

/// Words of one room that may be on their way at once.
pub(super) const MOST: usize = 8;

/// Plain words on their way to the platform, in order.
pub(super) struct Flying(FuturesOrdered<BoxFuture<'static, Landed>>);

/// Words of which it is known what became of them; `None` when their session ended before that.
struct Landed {
    waiting: Waiting,
    outcome: Option<Outcome>,
}

impl Flying {
    pub(super) fn new() -> Self {
        Self(FuturesOrdered::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends words after those that are on their way.
    pub(super) async fn start(&mut self, brain: &Brain, waiting: Waiting) {
        let session = brain.sessions().wait_for(&waiting.item.room.bot).await;
        let shaped = brain.shape_for(&session, &waiting.item.room, waiting.action.clone());
        let begun = session.begin(shaped).await;
        self.0.push_back(Box::pin(async move {
            let outcome = match begun {
                Ok(begun) => begun.outcome().await.ok(),
                Err(_) => None,
            };
            Landed { waiting, outcome }
        }));
    }

    /// Waits for the first ones. If they were not said, all that followed come back too (the adapter
    /// says nothing behind words that failed), and each is sent again by itself.
    pub(super) async fn land(&mut self, brain: &Brain, queue: &Queue, said: &mut JoinSet<()>) {
        let Some(first) = self.0.next().await else {
            return;
        };
        let mut landed = VecDeque::from([first]);
        if !landed[0].is_over() {
            while let Some(next) = self.0.next().await {
                landed.push_back(next);
            }
        }
        let mut is_first = true;
        for Landed { waiting, outcome } in landed {
            let Waiting {
                item,
                action,
                ongoing,
            } = waiting;
            // The others need not wait for what the first one met.
            let known = outcome.filter(|outcome| is_first || is_over(outcome));
            let ops = send(brain, queue, item, action, known).await;
            forget(brain, ops, ongoing, said).await;
            is_first = false;
        }
    }
}

impl Landed {
    fn is_over(&self) -> bool {
        self.outcome.as_ref().is_some_and(is_over)
    }
}

/// Whether plain words that met this are not sent again.
fn is_over(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Ok(_) | Outcome::Gone(_) | Outcome::Forbidden(_) | Outcome::Fatal(_) => true,
        Outcome::RateLimited(_)
        | Outcome::Transient(_)
        | Outcome::Held(_)
        | Outcome::Unreachable(_) => false,
    }
}
