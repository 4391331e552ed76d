//! What the parts of one robot share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{RateLimited, SendBudget};
use serde_json::json;
use tokio::time::Instant;

use super::answers::Answers;
use super::bubble::Bubbles;
use super::callback::Polled;
use super::config::Config;
use super::frame::cmd;
use super::limits::Limits;
use super::line::{Line, lock};
use super::media::Media;
use super::outbound::{Card, unknown_card};
use super::place::Place;
use super::words::{Words, words};
use crate::adapter::Inbox;
use crate::few::Few;
use crate::recent::Recent;
use crate::wechat::crypto::Envelope;

/// Cards whose buttons may be pressed, and files that are up and not sent yet, which are remembered.
const REMEMBERED: usize = 1024;

/// One robot.
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) line: Line,
    pub(super) media: Media,
    /// What protects callbacks; `None` with the long connection.
    pub(super) envelope: Option<Arc<Envelope>>,
    pub(super) limits: Mutex<Limits>,
    pub(super) answers: Mutex<Answers>,
    pub(super) bubbles: Bubbles,
    pub(super) polled: Polled,
    /// Cards by their task.
    pub(super) cards: Mutex<Recent<String, Card>>,
    /// Action and part → what the platform calls the file that was put up for it.
    pub(super) uploaded: Mutex<Recent<String, String>>,
    pub(super) few: Mutex<Few>,
    pub(super) inbox: Mutex<Option<Inbox>>,
}

impl Core {
    pub(super) fn new(config: Config, media: Media, envelope: Option<Envelope>) -> Self {
        Self {
            line: Line::new(config.rules.ack),
            media,
            envelope: envelope.map(Arc::new),
            limits: Mutex::new(Limits::new(config.rules.clone())),
            answers: Mutex::new(Answers::new(config.rules.answers)),
            bubbles: Bubbles::default(),
            polled: Polled::default(),
            cards: Mutex::new(Recent::new(REMEMBERED)),
            uploaded: Mutex::new(Recent::new(REMEMBERED)),
            few: Mutex::default(),
            inbox: Mutex::new(None),
            config,
        }
    }

    pub(super) fn words(&self) -> Words {
        words(&self.config.language)
    }

    /// Tells the brain how much may be sent to this room now.
    pub(super) fn report(&self, place: &Place) {
        let Some(inbox) = lock(&self.inbox).clone() else {
            return;
        };
        let left = lock(&self.limits).left(place, Instant::now());
        let per_minute = self.config.rules.room_per_minute;
        inbox.report(SendBudget {
            room: place.room(),
            now: u32::try_from(left).unwrap_or(u32::MAX),
            refill_ms: 60_000_u64
                .checked_div(per_minute as u64)
                .unwrap_or_default(),
            most: u32::try_from(per_minute).unwrap_or(u32::MAX),
            window_ends_ms: 0,
        });
    }

    /// What a card looks like after a press.
    pub(super) fn pressed(&self, task: &str, key: &str) -> serde_json::Value {
        let card = match lock(&self.cards).get(task) {
            Some(card) => card.pressed(key),
            None => unknown_card(task, key, self.words()),
        };
        json!({ "response_type": "update_template_card", "template_card": card })
    }

    /// Shows on a card what was chosen. The platform waits a few seconds for it, whatever the brain does.
    pub(super) async fn show_press(&self, req_id: &str, task: &str, key: &str) {
        if task.is_empty() {
            return;
        }
        let body = self.pressed(task, key);
        let shown = self.line.call(cmd::UPDATE, req_id, &body, Duration::ZERO);
        if let Err(error) = shown.await {
            tracing::debug!(%error, "a card does not show what was chosen");
        }
    }
}

/// The outcome of an action that has to wait.
pub(super) fn wait_for(wait: Duration) -> Outcome {
    let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Outcome::RateLimited(RateLimited { retry_after_ms })
}
