//! Takes frames in, however they came.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use super::core::Core;
use super::frame::Frame;
use super::inbound;
use crate::adapter::{Acceptance, Inbox};

/// How long an acknowledgement of a pressed button is tried.
const PRESS_LIMIT: Duration = Duration::from_secs(5);

/// Turns frames into events and hands them over.
#[derive(Debug, Clone)]
pub(super) struct Intake {
    pub(super) core: Arc<Core>,
    pub(super) inbox: Inbox,
}

impl Intake {
    /// Hands a frame over; `None` when there is nothing for the brain in it.
    pub(super) async fn take(&self, frame: &Frame) -> Option<Acceptance> {
        let heard = {
            let replies = self.core.replies();
            inbound::read(frame, |kind| replies.window(kind))
        };
        let Some(heard) = heard else {
            tracing::debug!(kind = frame.kind(), "an event is passed over");
            return None;
        };
        {
            let mut replies = self.core.replies();
            if let Some((origin, age)) = heard.origin {
                let frame = frame.id.as_deref().unwrap_or_default();
                replies.heard(&heard.place, origin, frame, age, Instant::now());
            }
            if let Some(allowed) = heard.unasked {
                replies.set_unasked(&heard.place, allowed, Instant::now());
            }
        }
        self.core.report(&heard.place);
        if let Some(interaction) = heard.interaction {
            self.acknowledge(interaction);
        }
        let mut event = heard.event?;
        if let Some(person) = &mut event.person {
            person.language.clone_from(&self.core.config.language);
        }
        Some(self.inbox.deliver(event).await)
    }

    /// Stops the spinner of a pressed button at once: the platform does not wait for what it causes.
    fn acknowledge(&self, interaction: String) {
        let core = self.core.clone();
        tokio::spawn(async move {
            let path = ["interactions", interaction.as_str()];
            let body = json!({ "code": 0 });
            let answer = core.api.call(Method::PUT, &path, Some(&body), PRESS_LIMIT);
            if let Err(error) = answer.await {
                tracing::debug!(%error, "a pressed button could not be acknowledged");
            }
        });
    }
}
