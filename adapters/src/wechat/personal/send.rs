//! Performing the brain's actions.

use std::sync::Arc;

use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Progress, Segment, SendFile, Sent};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::account::{Account, Credentials};
use super::api::{CALL_LIMIT, CallError, Line};
use super::core::Core;
use super::media::{self, Upload};
use super::outbound::{self, Layout};
use super::{inbound, lock, typing};
use crate::errand::Errand;

/// A message of a bot, complete, in the platform's numbers.
const OF_BOT: u8 = 2;
const COMPLETE: u8 = 2;
/// Messages that are kept for what a person asked: with fewer left nothing passing is shown.
const RESERVE: u32 = 3;

type Done = Result<Sent, Outcome>;

/// One action on its way.
pub(super) struct Sender<'a> {
    pub(super) core: &'a Core,
    pub(super) errand: &'a Errand,
    pub(super) account: Arc<Account>,
}

impl Sender<'_> {
    pub(super) async fn perform(&self) -> Done {
        match &self.errand.action().kind {
            Some(Kind::Say(say)) => self.say(&say.text).await,
            Some(Kind::Progress(progress)) => self.progress(progress).await,
            Some(Kind::File(file)) => self.file(file).await,
            Some(Kind::Typing(_)) => {
                typing::show(self.core, &self.account).await;
                Ok(Sent::default())
            }
            // Nothing that was sent can be taken back, and there are no buttons.
            Some(Kind::Delete(_) | Kind::AnswerPress(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        }
    }

    fn layout(&self, text: &[Segment]) -> Layout {
        let config = &self.core.config;
        outbound::layout(text, config.rules.text_limit, config.markdown)
    }

    /// Sends a text, from the first message that was not sent at an earlier try.
    async fn say(&self, text: &[Segment]) -> Done {
        let layout = self.layout(text);
        self.send_texts(&layout).await?;
        let sent = self.errand.parts_sent();
        sent.into_iter()
            .next()
            .map(|message_id| Sent { message_id })
            .ok_or_else(|| Outcome::Fatal("a message that shows nothing cannot be sent".to_owned()))
    }

    /// Sends what of a text was not sent yet; returns how many messages it has.
    async fn send_texts(&self, layout: &Layout) -> Result<usize, Outcome> {
        let before = self.errand.parts_sent().len();
        for (part, text) in layout.texts.iter().enumerate().skip(before) {
            let item = json!({ "type": 1, "text_item": { "text": text } });
            let id = self.post(part, item).await?;
            self.core.remember(&id, text, true);
            self.errand.part_sent(id);
        }
        let count = layout.texts.len() + usize::from(layout.file.is_some());
        if let Some(text) = &layout.file
            && self.errand.parts_sent().len() < count
        {
            let upload = Upload::text("message.txt", text);
            self.post_file(count - 1, upload).await?;
        }
        Ok(count)
    }

    /// Nothing can be changed once it was sent: of a job's states few are shown.
    async fn progress(&self, progress: &Progress) -> Done {
        let room = &self.account.person;
        let is_passing = !progress.r#final && !progress.message_id.is_empty();
        let shown = || Sent {
            message_id: progress.message_id.clone(),
        };
        // A further try goes on where the first one stopped.
        let is_begun = !self.errand.parts_sent().is_empty();
        if !is_begun {
            if is_passing && self.account.left().0 <= RESERVE {
                return Ok(shown());
            }
            if !lock(&self.core.few).shows(room, progress, Instant::now()) {
                return Ok(shown());
            }
        }
        let said = self.say(&progress.text).await;
        if said.is_err() {
            lock(&self.core.few).forget(room, &progress.key);
        }
        said
    }

    /// A file shows no text beside it: the text goes before it.
    async fn file(&self, send: &SendFile) -> Done {
        let texts = self.send_texts(&self.layout(&send.caption)).await?;
        let file = send.file.clone().unwrap_or_default();
        if self.errand.parts_sent().len() <= texts {
            self.post_file(texts, Upload::file(self.errand, &file))
                .await?;
        }
        let message_id = self.errand.parts_sent().pop().unwrap_or_default();
        Ok(Sent { message_id })
    }

    /// Puts a file up, once, and sends it.
    async fn post_file(&self, part: usize, file: Upload<'_>) -> Result<(), Outcome> {
        let key = format!("{}#{part}", self.errand.action().id);
        let known = lock(&self.core.uploaded).get(&key).cloned();
        let item = match known {
            Some(item) => item,
            None => {
                // Bytes that may not be sent now need not go up.
                let credentials = self.may_send()?;
                let up = media::put(self.core, &credentials, &self.account.person, file).await;
                let item = match up {
                    Ok(item) => item,
                    Err(media::Failure::Outcome(outcome)) => return Err(outcome),
                    Err(media::Failure::Call(error)) => return Err(self.outcome(error).await),
                };
                lock(&self.core.uploaded).insert(key.clone(), item.clone());
                item
            }
        };
        let id = self.post(part, item).await?;
        lock(&self.core.uploaded).remove(&key);
        self.errand.part_sent(id);
        Ok(())
    }

    /// Whether the platform takes a message now.
    fn may_send(&self) -> Result<Credentials, Outcome> {
        let held = |why: &str| Outcome::Held(why.to_owned());
        let credentials = self.account.credentials();
        let credentials =
            credentials.ok_or_else(|| held("the line has ended: a new code has to be scanned"))?;
        if self.account.left().0 == 0 {
            self.core.report(&self.account);
            return Err(held(
                "WeChat takes no more messages until this person writes again",
            ));
        }
        Ok(credentials)
    }

    /// Sends one message; returns its id.
    async fn post(&self, part: usize, item: Value) -> Result<String, Outcome> {
        self.may_send()?;
        self.account.turn().await;
        let credentials = self.may_send()?;
        // The platform shows a message with a name that it knows once: a try whose answer was lost may
        // be repeated.
        let client_id = format!("jarvis-{}-{part}", self.errand.action().id);
        let mut message = json!({
            "from_user_id": "",
            "to_user_id": self.account.person,
            "client_id": client_id,
            "message_type": OF_BOT,
            "message_state": COMPLETE,
            "item_list": [item],
        });
        if let Some(context) = self.account.context() {
            message["context_token"] = json!(context);
        }
        let line = Line {
            url: &credentials.url,
            token: Some(&credentials.token),
        };
        let body = json!({ "msg": message });
        let answer = self.core.api.call(line, "sendmessage", body, CALL_LIMIT);
        match answer.await {
            Ok(answer) => {
                self.account.sent();
                self.account.save().await;
                self.core.report(&self.account);
                typing::stop(self.core, &self.account);
                Ok(inbound::id(&answer["message_id"]).unwrap_or(client_id))
            }
            Err(error) => Err(self.outcome(error).await),
        }
    }

    /// What to report of an error.
    async fn outcome(&self, error: CallError) -> Outcome {
        let detail = error.to_string();
        match error {
            CallError::Away(_) | CallError::Silent => Outcome::Unreachable(detail),
            CallError::Limited(_) => self.account.limited(&detail),
            CallError::Stale => {
                self.core.lose(&self.account).await;
                Outcome::Held(detail)
            }
            CallError::Refused { .. } => Outcome::Transient(detail),
        }
    }
}
