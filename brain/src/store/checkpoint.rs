//! Brings SQLite's log of what was committed to the disk and into the database file, off the path of
//! those who commit: whoever writes would otherwise wait for the disk in the midst of other work.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::db::Db;

/// How often; a power cut costs so much at most.
const EVERY: Duration = Duration::from_secs(1);

/// Runs until the store closes.
pub(super) async fn run(db: Db, closing: CancellationToken) {
    let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // One line per change: a disk that is full for a week fills no log.
    let mut fails = false;
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let done = db.checkpoint().await;
        if let Err(error) = &done
            && !fails
        {
            tracing::warn!(%error, "the database's log cannot be brought to the disk");
        }
        fails = done.is_err();
    }
}
