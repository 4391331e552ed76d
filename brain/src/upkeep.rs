//! What the brain does by itself from time to time: forgetting what nobody needs any more.

use std::time::Duration;

use tracing::{debug, warn};

use crate::brain::Brain;

/// How often.
const EVERY: Duration = Duration::from_secs(3600);

/// Runs until the brain stops.
pub(crate) async fn run(brain: Brain) {
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = timer.tick() => {}
            () = brain.stopping().cancelled() => return,
        }
        brain.people().tidy();
        match brain.store().prune(brain.now_ms()).await {
            Ok(pruned) => debug!(?pruned, "old rows removed"),
            Err(error) => warn!(%error, "cannot remove old rows"),
        }
    }
}
