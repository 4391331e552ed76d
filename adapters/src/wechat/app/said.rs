//! What was said a moment ago.
//!
//! WeCom can be asked to drop a message that is the same as a recent one. Our own repetitions, after a lost
//! answer or a restart, are to be dropped; the same words on purpose are not.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ring::digest::{SHA256, digest};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::now_ms;
use crate::recent::Recent;

/// Messages that are remembered.
const REMEMBERED: usize = 4096;

/// The messages of one process, by their hashes.
#[derive(Debug)]
pub(super) struct Said {
    within: Duration,
    recent: Recent<[u8; 32], (String, Instant)>,
    /// Until then a message may be like one of the process before this one, which nobody here knows.
    unsure_until: Option<Instant>,
    began_ms: i64,
    file: Option<PathBuf>,
    written: Option<Instant>,
}

impl Said {
    /// `file` is as old as the last message of the process before this one.
    pub(super) fn open(file: Option<PathBuf>, within: Duration) -> Self {
        let changed = file
            .as_ref()
            .and_then(|file| std::fs::metadata(file).ok()?.modified().ok());
        // The file may be behind by one pause.
        let ends = changed.map(|changed| changed + within + pause(within));
        let left = ends.and_then(|ends| ends.duration_since(SystemTime::now()).ok());
        Self {
            within,
            recent: Recent::new(REMEMBERED),
            unsure_until: left.map(|left| Instant::now() + left),
            began_ms: now_ms(),
            file,
            written: None,
        }
    }

    /// Whether the platform may drop this message as one that it has. `who` is the action and its part.
    pub(super) fn may_be_dropped(&mut self, who: &str, body: &Value) -> bool {
        let now = Instant::now();
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, body.to_string().as_bytes()).as_ref());
        let last = self.recent.remove(&hash);
        let by_another = last.is_some_and(|(last, at)| last != who && now < at + self.within);
        self.recent.insert(hash, (who.to_owned(), now));
        self.keep(now);
        let action = who.split('#').next().unwrap_or_default();
        // An action that is older than this process may have been performed by the one before.
        let is_old = made_ms(action).is_some_and(|at| at < self.began_ms);
        let is_unsure = self.unsure_until.is_some_and(|until| now < until);
        !by_another && (is_old || !is_unsure)
    }

    fn keep(&mut self, now: Instant) {
        let is_due = self.written.is_none_or(|at| now >= at + pause(self.within));
        if let Some(file) = self.file.clone().filter(|_| is_due) {
            self.written = Some(now);
            tokio::task::spawn_blocking(move || {
                if let Err(error) = std::fs::write(&file, "") {
                    tracing::warn!(file = %file.display(), %error, "it cannot be noted when something was said");
                }
            });
        }
    }
}

/// The file is renewed after so long.
fn pause(within: Duration) -> Duration {
    within / 10
}

/// When an action was made, which its id tells; Unix milliseconds.
fn made_ms(action: &str) -> Option<i64> {
    let (seconds, nanoseconds) = Uuid::parse_str(action).ok()?.get_timestamp()?.to_unix();
    let since = Duration::new(seconds, nanoseconds);
    i64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(600);

    #[tokio::test]
    async fn a_repetition_may_be_dropped_and_the_same_words_again_may_not() {
        let mut said = Said::open(None, WITHIN);
        let body = json!({"touser": "ann", "text": {"content": "no"}});
        let (one, two) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
        assert!(said.may_be_dropped(&format!("{one}#0"), &body));
        assert!(said.may_be_dropped(&format!("{one}#0"), &body));
        assert!(!said.may_be_dropped(&format!("{two}#0"), &body));
        assert!(!said.may_be_dropped(&format!("{one}#1"), &body));
        let other = json!({"touser": "bob", "text": {"content": "no"}});
        assert!(said.may_be_dropped(&format!("{two}#0"), &other));
    }

    #[tokio::test]
    async fn after_a_restart_only_older_actions_may_be_repetitions() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("said");
        let old = Uuid::now_v7().to_string();
        std::fs::write(&file, "").unwrap();
        std::thread::sleep(Duration::from_millis(2));
        let mut said = Said::open(Some(file), WITHIN);
        let body = json!({"touser": "ann", "text": {"content": "no"}});
        assert!(said.may_be_dropped(&format!("{old}#0"), &body));
        let new = Uuid::now_v7().to_string();
        let other = json!({"touser": "ann", "text": {"content": "yes"}});
        assert!(!said.may_be_dropped(&format!("{new}#0"), &other));
    }
}
