//! Takes the calls of WeChat.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::config::Mode;
use super::core::{Core, lock};
use crate::adapter::Inbox;
use crate::now_ms;
use crate::wechat::callback::{Denied, Query, Receiver, Taken};
use crate::wechat::crypto::{Envelope, Refused, is_signed};
use crate::wechat::inbound;
use crate::wechat::xml::{self, Element};

/// What WeChat wants to hear where there is nothing to say.
const SUCCESS: &str = "success";
/// The door closes a moment after this, so that what is ready still goes.
const MARGIN: Duration = Duration::from_millis(200);

pub(super) struct Intake {
    pub(super) core: Arc<Core>,
    pub(super) inbox: Inbox,
    /// `None` in plain mode.
    pub(super) envelope: Option<Envelope>,
}

#[async_trait]
impl Receiver for Intake {
    type Message = Element;

    fn check(&self, query: &Query) -> Result<Vec<u8>, Denied> {
        self.signed(query)?;
        Ok(query.echostr.clone().into_bytes())
    }

    fn open(&self, query: &Query, body: &[u8]) -> Result<Element, Denied> {
        let Some(envelope) = &self.envelope else {
            self.signed(query)?;
            return Ok(Element::read(body)?);
        };
        // Of a message in both forms only the encrypted one is sure to be WeChat's: the other signature
        // does not cover it.
        let outer = Element::read(body)?;
        let encrypted = outer.text("Encrypt").ok_or(Denied::Missing("Encrypt"))?;
        let plain = envelope.open(
            &query.msg_signature,
            &query.timestamp,
            &query.nonce,
            encrypted,
        )?;
        Ok(Element::read(&plain)?)
    }

    /// Answered after the brain has stored the message: with what there is to say, if that comes in time.
    async fn take(&self, xml: Element, arrived: Instant) -> Taken {
        let language = &self.core.config.language;
        let Some(heard) = inbound::read(&xml, language, |_| None) else {
            tracing::debug!("an event is passed over");
            return Taken::Safe(SUCCESS.to_owned());
        };
        let (user, event) = (heard.user, heard.event.id.clone());
        // The platform comes again when it has not heard our answer.
        if let Some(answer) = self.core.passive.answered(&event) {
            return Taken::Safe(answer);
        }
        let age = now_ms().saturating_sub(heard.event.time_ms).max(0);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or_default());
        lock(&self.core.windows).heard(&user, age, Instant::now());
        // The answer may be there before we hear that the message is stored.
        let until = arrived
            + self
                .core
                .config
                .callback
                .answer_within
                .saturating_sub(MARGIN);
        let open = self.core.passive.open(&user, &event, until);
        self.core.report(&user);
        if !self.inbox.deliver(heard.event).await.wait().await {
            return Taken::NotSafe;
        }
        let Some(open) = open else {
            return Taken::Safe(SUCCESS.to_owned());
        };
        let limit = self.core.config.rules.text_limit;
        let account = xml.text("ToUserName").unwrap_or_default();
        let answer = open
            .answer(
                !self.core.may_send_later(),
                |text| text.len() <= limit,
                |text| self.reply(&user, account, text),
            )
            .await;
        self.core.report(&user);
        Taken::Safe(answer.unwrap_or_else(|| SUCCESS.to_owned()))
    }
}

impl Intake {
    fn signed(&self, query: &Query) -> Result<(), Denied> {
        let token = self.core.config.token.expose_secret();
        let parts = [token, query.timestamp.as_str(), query.nonce.as_str()];
        if is_signed(&parts, &query.signature) {
            Ok(())
        } else {
            Err(Denied::Crypto(Refused::Signature))
        }
    }

    /// The answer to a call: a text for whoever has written.
    fn reply(&self, user: &str, account: &str, text: &str) -> String {
        let mut reply = "<xml>".to_owned();
        xml::put(&mut reply, "ToUserName", user);
        xml::put(&mut reply, "FromUserName", account);
        xml::put_number(&mut reply, "CreateTime", now_ms() / 1000);
        xml::put(&mut reply, "MsgType", "text");
        xml::put(&mut reply, "Content", text);
        reply.push_str("</xml>");
        let (Some(envelope), true) = (&self.envelope, self.core.config.mode != Mode::Plain) else {
            return reply;
        };
        let (timestamp, nonce) = (now_ms() / 1000, rand::random::<u32>().to_string());
        let time = timestamp.to_string();
        let sealed = envelope.seal(rand::random(), &time, &nonce, reply.as_bytes());
        let mut out = "<xml>".to_owned();
        xml::put(&mut out, "Encrypt", &sealed.encrypt);
        xml::put(&mut out, "MsgSignature", &sealed.signature);
        xml::put_number(&mut out, "TimeStamp", timestamp);
        xml::put(&mut out, "Nonce", &nonce);
        out.push_str("</xml>");
        out
    }
}
