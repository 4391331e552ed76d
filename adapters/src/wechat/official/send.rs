//! Performing the brain's actions.

use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{ButtonRow, Progress, Segment, Sent, segment};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::core::{Core, lock};
use crate::errand::Errand;
use crate::host::Turn;
use crate::markup;
use crate::wechat::api::CallError;
use crate::wechat::texts;
use crate::wechat::verdict::{self, Verdict, verdict};

const SEND: [&str; 3] = ["message", "custom", "send"];

type Done = Result<Sent, Outcome>;

/// One action on its way.
pub(super) struct Sender<'a> {
    pub(super) core: &'a Core,
    pub(super) errand: &'a Errand,
    /// To whom.
    pub(super) user: &'a str,
}

impl Sender<'_> {
    pub(super) async fn perform(&self) -> Done {
        match &self.errand.action().kind {
            Some(Kind::Say(say)) => self.say(&say.text, &say.buttons).await,
            Some(Kind::Progress(progress)) => self.progress(progress).await,
            Some(Kind::File(_)) => Err(Outcome::Fatal(
                "files cannot be sent to this chat".to_owned(),
            )),
            Some(Kind::Typing(_)) => {
                self.typing().await;
                Ok(Sent::default())
            }
            // Nothing that was sent can be taken back, and there are no buttons.
            Some(Kind::Delete(_) | Kind::AnswerPress(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        }
    }

    /// Sends the messages of a text, from the first that was not sent at an earlier try.
    async fn say(&self, text: &[Segment], buttons: &[ButtonRow]) -> Done {
        let limit = self.core.config.rules.text_limit;
        let mut text = text.to_vec();
        let choices = markup::buttons_as_text(buttons);
        if !choices.is_empty() {
            text.push(Segment {
                kind: Some(segment::Kind::Text(choices)),
            });
        }
        let layout = texts::messages(&text, limit);
        let sent = self.errand.parts_sent().len();
        for (part, text) in layout.texts.iter().enumerate().skip(sent) {
            let id = self.post_text(part, &text.plain).await?;
            self.errand.part_sent(id);
        }
        match self.errand.parts_sent().into_iter().next() {
            Some(message_id) => Ok(Sent { message_id }),
            None => Err(Outcome::Fatal(
                "a message that shows nothing cannot be sent".to_owned(),
            )),
        }
    }

    /// A job's state: nothing can be changed, so few of them are shown.
    async fn progress(&self, progress: &Progress) -> Done {
        let unshown = Ok(Sent {
            message_id: progress.message_id.clone(),
        });
        // A further try goes on where the first one stopped.
        let is_shown = !self.errand.parts_sent().is_empty()
            || lock(&self.core.few).shows(self.user, progress, Instant::now());
        if !is_shown {
            return unshown;
        }
        let sent = self.say(&progress.text, &progress.buttons).await;
        match sent {
            Err(Outcome::Held(_)) if !progress.r#final && !progress.message_id.is_empty() => {
                unshown
            }
            Err(outcome) => {
                lock(&self.core.few).forget(self.user, &progress.key);
                Err(outcome)
            }
            Ok(sent) => Ok(sent),
        }
    }

    /// Says a text: in the answer to a call that is open, else as a message of its own.
    async fn post_text(&self, part: usize, text: &str) -> Result<String, Outcome> {
        if self.core.passive.say(self.user, text).await {
            self.core.report(self.user);
            return Ok(self.made_up(part));
        }
        let body = json!({ "msgtype": "text", "text": { "content": text } });
        self.post(part, body).await
    }

    fn may_send(&self) -> Result<(), Outcome> {
        let held = |why: &str| Err(Outcome::Held(why.to_owned()));
        if !self.core.may_send_later() {
            return held("this account may only answer at once");
        }
        if !lock(&self.core.windows).is_open(self.user, Instant::now()) {
            self.core.report(self.user);
            return held("all that may be sent until the person speaks was sent");
        }
        Ok(())
    }

    async fn post(&self, part: usize, mut body: Value) -> Result<String, Outcome> {
        self.may_send()?;
        self.errand.turn(Turn::Message).await?;
        body["touser"] = json!(self.user);
        let asked = Instant::now();
        let answer = self.core.api.post(&SEND, &body).await;
        // Whether a message without an answer counts is not known.
        if matches!(answer, Ok(_) | Err(CallError::Away(_))) {
            lock(&self.core.windows).count(self.user, Instant::now());
        }
        self.core.report(self.user);
        answer.map_err(|error| self.outcome(&error, asked))?;
        Ok(self.made_up(part))
    }

    /// The platform does not say what it calls a message.
    fn made_up(&self, part: usize) -> String {
        format!("{}#{part}", self.errand.action().id)
    }

    fn outcome(&self, error: &CallError, asked: Instant) -> Outcome {
        if let CallError::Refused { code, .. } = error {
            match verdict(*code) {
                Verdict::Closed => {
                    lock(&self.core.windows).close(self.user, asked);
                    self.core.report(self.user);
                }
                Verdict::NoRight => {
                    self.core.learn_no_customer();
                    self.core.report(self.user);
                    return Outcome::Held(error.to_string());
                }
                _ => {}
            }
        }
        verdict::outcome(error, &self.core.reminder)
    }

    /// Best effort: nobody misses it.
    async fn typing(&self) {
        if self.may_send().is_err() {
            return;
        }
        let body = json!({ "touser": self.user, "command": "Typing" });
        let path = ["message", "custom", "typing"];
        if let Err(error) = self.core.api.post(&path, &body).await {
            tracing::debug!(%error, "\"is typing\" could not be shown");
        }
    }
}
