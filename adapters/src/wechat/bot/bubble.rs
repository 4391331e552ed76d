//! The bubble of a running job: one message whose text is replaced until the platform's time for it
//! is over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::core::Core;
use super::frame::cmd;
use super::inbound::in_ms;
use super::line::{CallError, lock};
use super::outbound::joined;
use crate::now_ms;
use crate::recent::Recent;

/// Bubbles that are remembered.
const REMEMBERED: usize = 1024;
/// How often open bubbles are looked at, at least.
const ROUND: Duration = Duration::from_secs(5);
/// Bubbles are told by this at the beginning of their id.
const MARK: &str = "b-";

/// A bubble.
#[derive(Debug)]
pub(super) struct Bubble {
    /// What it answers.
    pub(super) req_id: String,
    /// Names it on the platform, and holds when it was opened.
    pub(super) id: String,
    shown: String,
    at: Option<Instant>,
    /// Its last state is on its way, or shown.
    pub(super) is_ending: bool,
    pub(super) is_closed: bool,
}

/// All open bubbles, by room and key of the progress object.
#[derive(Debug)]
pub(super) struct Bubbles(Mutex<Recent<String, Arc<tokio::sync::Mutex<Bubble>>>>);

impl Default for Bubbles {
    fn default() -> Self {
        Self(Mutex::new(Recent::new(REMEMBERED)))
    }
}

impl Bubbles {
    pub(super) fn get(&self, key: &str) -> Option<Arc<tokio::sync::Mutex<Bubble>>> {
        lock(&self.0).get(key).cloned()
    }

    pub(super) fn put(&self, key: &str, bubble: Bubble) -> Arc<tokio::sync::Mutex<Bubble>> {
        let bubble = Arc::new(tokio::sync::Mutex::new(bubble));
        lock(&self.0).insert(key.to_owned(), bubble.clone());
        bubble
    }

    pub(super) fn remove(&self, key: &str) {
        lock(&self.0).remove(key);
    }

    fn all(&self) -> Vec<Arc<tokio::sync::Mutex<Bubble>>> {
        lock(&self.0).values().cloned().collect()
    }
}

impl Bubble {
    /// A bubble that begins now. `action` makes its id one of its own.
    pub(super) fn new(req_id: &str, action: &str) -> Self {
        let own = action.get(action.len().saturating_sub(12)..);
        Self::known(
            req_id,
            format!("{MARK}{}-{}", now_ms(), own.unwrap_or(action)),
        )
    }

    /// A bubble of an earlier life of this program.
    pub(super) fn again(req_id: &str, id: &str) -> Option<Self> {
        opened_ms(id)?;
        Some(Self::known(req_id, id.to_owned()))
    }

    fn known(req_id: &str, id: String) -> Self {
        Self {
            req_id: req_id.to_owned(),
            id,
            shown: String::new(),
            at: None,
            is_ending: false,
            is_closed: false,
        }
    }

    /// Whether it shows this text already.
    pub(super) fn shows(&self, text: &str) -> bool {
        self.shown == text
    }

    /// Whether the platform's time for it is over, or nearly so.
    pub(super) fn is_over(&self, life: Duration) -> bool {
        let opened = opened_ms(&self.id).unwrap_or_default();
        self.is_closed || now_ms().saturating_sub(opened) >= in_ms(life)
    }

    /// Waits until the next state may be shown.
    pub(super) async fn turn(&self, gap: Duration) {
        if let Some(at) = self.at {
            sleep(gap.saturating_sub(at.elapsed())).await;
        }
    }

    /// Shows the whole text in place of the one before.
    pub(super) async fn show(
        &mut self,
        core: &Core,
        text: &str,
        is_last: bool,
    ) -> Result<(), CallError> {
        self.is_ending |= is_last;
        self.at = Some(Instant::now());
        let body = stream(&self.id, text, is_last);
        core.line
            .call(cmd::RESPOND, &self.req_id, &body, Duration::ZERO)
            .await?;
        text.clone_into(&mut self.shown);
        self.is_closed |= is_last;
        Ok(())
    }

    /// Closes it before its job has ended.
    pub(super) async fn close(&mut self, core: &Core) {
        let later = format!("\n\n{}", core.words().later);
        let text = joined(&self.shown, &later, core.config.rules.text_limit);
        if let Err(error) = self.show(core, &text, true).await {
            tracing::debug!(%error, "a bubble could not be closed");
        }
        // Whatever the platform said: its time is over.
        self.is_closed = true;
    }
}

/// A state of a bubble as it is sent.
pub(super) fn stream(id: &str, text: &str, is_last: bool) -> Value {
    json!({
        "msgtype": "stream",
        "stream": { "id": id, "finish": is_last, "content": text },
    })
}

fn opened_ms(id: &str) -> Option<i64> {
    let (opened, _) = id.strip_prefix(MARK)?.split_once('-')?;
    opened.parse().ok()
}

/// Keeps open bubbles alive, and closes those whose time is over. Never ends.
pub(super) async fn keep(core: Arc<Core>) {
    let rules = &core.config.rules;
    let round = ROUND
        .min(rules.stream_refresh / 4)
        .min(rules.stream_life / 4);
    loop {
        sleep(round.max(Duration::from_millis(50))).await;
        for bubble in core.bubbles.all() {
            // One that is being shown now needs no help.
            let Ok(mut bubble) = bubble.try_lock() else {
                continue;
            };
            if bubble.is_closed || bubble.is_ending || bubble.shown.is_empty() {
                continue;
            }
            if bubble.is_over(rules.stream_life) {
                bubble.close(&core).await;
            } else if bubble
                .at
                .is_some_and(|at| at.elapsed() >= rules.stream_refresh)
            {
                let text = bubble.shown.clone();
                if let Err(error) = bubble.show(&core, &text, false).await {
                    tracing::debug!(%error, "a bubble could not be kept alive");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_bubble_is_known_again_by_its_id_alone() {
        let bubble = Bubble::new("R", "0195f0c8-1111-7000-8000-00000000abcd");
        assert!(bubble.id.ends_with("-00000000abcd"), "{}", bubble.id);
        assert!(!bubble.is_over(Duration::from_secs(60)));
        let again = Bubble::again("R", &bubble.id).unwrap();
        assert_eq!(again.id, bubble.id);
        let old = format!("b-{}-x", now_ms() - 61_000);
        assert!(
            Bubble::again("R", &old)
                .unwrap()
                .is_over(Duration::from_secs(60))
        );
        for id in ["", "s-1", "b-x-y", "b-1"] {
            assert!(Bubble::again("R", id).is_none(), "{id}");
        }
    }
}
