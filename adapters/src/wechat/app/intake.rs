//! Takes the calls of WeCom.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::core::{Core, lock};
use crate::adapter::Inbox;
use crate::wechat::callback::{Denied, Query, Receiver, Taken};
use crate::wechat::crypto::Envelope;
use crate::wechat::inbound::{self, Pressed};
use crate::wechat::xml::Element;

/// How long the change of a card is tried.
const CARD_LIMIT: Duration = Duration::from_secs(10);

pub(super) struct Intake {
    pub(super) core: Arc<Core>,
    pub(super) inbox: Inbox,
    pub(super) envelope: Envelope,
}

#[async_trait]
impl Receiver for Intake {
    type Message = Element;

    fn check(&self, query: &Query) -> Result<Vec<u8>, Denied> {
        Ok(self.envelope.open(
            &query.msg_signature,
            &query.timestamp,
            &query.nonce,
            &query.echostr,
        )?)
    }

    fn open(&self, query: &Query, body: &[u8]) -> Result<Element, Denied> {
        let outer = Element::read(body)?;
        let encrypted = outer.text("Encrypt").ok_or(Denied::Missing("Encrypt"))?;
        let plain = self.envelope.open(
            &query.msg_signature,
            &query.timestamp,
            &query.nonce,
            encrypted,
        )?;
        let xml = Element::read(&plain)?;
        // One address may have been set for two apps.
        let agent = xml.text("AgentID").and_then(|id| id.parse::<u64>().ok());
        let is_ours = xml.text("ToUserName") == Some(&self.core.config.corp_id)
            && agent.is_none_or(|agent| agent == self.core.config.agent_id);
        if is_ours {
            Ok(xml)
        } else {
            Err(Denied::OtherApp)
        }
    }

    /// Confirmed only after the brain has stored it; what there is to say goes as messages of its own.
    async fn take(&self, xml: Element, _arrived: Instant) -> Taken {
        let language = &self.core.config.language;
        let message_of = |task: &str| {
            let cards = lock(&self.core.cards);
            cards.get(task).map(|shown| shown.message.clone())
        };
        let Some(heard) = inbound::read(&xml, language, message_of) else {
            tracing::debug!("an event is passed over");
            return Taken::Safe(String::new());
        };
        self.core.report(&heard.user);
        if !self.inbox.deliver(heard.event).await.wait().await {
            return Taken::NotSafe;
        }
        if let Some(pressed) = heard.pressed {
            self.settle(heard.user, pressed);
        }
        Taken::Safe(String::new())
    }
}

impl Intake {
    /// The card shows what was chosen and has no buttons any more. Nobody waits for that.
    fn settle(&self, user: String, pressed: Pressed) {
        if pressed.response_code.is_empty() {
            return;
        }
        let core = self.core.clone();
        tokio::spawn(async move {
            let label = lock(&core.cards).get(&pressed.task).and_then(|shown| {
                let mut labels = shown.labels.iter();
                labels
                    .find(|(key, _)| *key == pressed.key)
                    .map(|(_, label)| label.clone())
            });
            let body = json!({
                "userids": [user],
                "agentid": core.config.agent_id,
                "response_code": pressed.response_code,
                "button": { "replace_name": format!("✓ {}", label.unwrap_or_default()).trim() },
            });
            let path = ["message", "update_template_card"];
            match timeout(CARD_LIMIT, core.api.post(&path, &body)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a card could not be changed"),
                Err(_) => tracing::debug!("a card could not be changed in time"),
            }
        });
    }
}
