//! Brings SQLite's log of what was committed to the disk and into the database file, off the path of
//! those who commit: whoever writes would otherwise wait for the disk in the midst of other work.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::db::Db;

/// How long after a commit; a power cut costs so much at most. Those who write meanwhile are slowed down
/// by it, so it is better done often than at length: with a second, one commit in a hundred waited for
/// 10 to 30 ms.
const AFTER: Duration = Duration::from_millis(100);
/// How soon it is tried again when it fails.
const RETRY: Duration = Duration::from_secs(1);

/// Runs until the store closes; `committed` tells that there is something in the log.
pub(super) async fn run(db: Db, committed: Arc<Notify>, closing: CancellationToken) {
    // One line per change: a disk that is full for a week fills no log.
    let mut fails = false;
    loop {
        let due = async {
            committed.notified().await;
            sleep(if fails { RETRY } else { AFTER }).await;
        };
        if closing.run_until_cancelled(due).await.is_none() {
            return;
        }
        let done = db.checkpoint().await;
        if let Err(error) = &done
            && !fails
        {
            tracing::warn!(%error, "the database's log cannot be brought to the disk");
        }
        fails = done.is_err();
        if !matches!(done, Ok(true)) {
            committed.notify_one();
        }
    }
}
