//! Performing the brain's actions.

use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{ButtonRow, Progress, Segment, SendFile, Sent};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::card::{self, Card};
use super::core::{Core, Shown, lock};
use crate::errand::Errand;
use crate::host::Turn;
use crate::markup;
use crate::wechat::api::{CallError, UploadError};
use crate::wechat::media::Upload;
use crate::wechat::texts::{self, Layout, Rendered};
use crate::wechat::verdict::{self, Verdict, verdict, wait_for};

const SEND: [&str; 2] = ["message", "send"];

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
            Some(Kind::File(file)) => self.file(file).await,
            Some(Kind::Delete(delete)) => self.delete(&delete.message_id).await,
            // A pressed card is settled when the press comes, and WeCom shows nobody typing.
            Some(Kind::AnswerPress(_) | Kind::Typing(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        }
    }

    /// Sends the messages of a text and its card, from the first that was not sent at an earlier try.
    async fn say(&self, text: &[Segment], buttons: &[ButtonRow]) -> Done {
        let rules = &self.core.config.rules;
        let action = &self.errand.action().id;
        let plain = markup::plain(text);
        let card = self
            .core
            .config
            .buttons
            .then(|| card::card(&plain, buttons, rules.card_buttons, action))
            .flatten();
        let mut layout = match &card {
            Some(card) if card.says_all => Layout {
                texts: Vec::new(),
                file: None,
            },
            _ => texts::layout(text, rules.text_limit),
        };
        if card.is_none() && !buttons.is_empty() {
            layout = self.with_choices(layout, buttons);
        }
        let texts = layout.texts.len();
        let before_card = texts + usize::from(layout.file.is_some());
        for (part, text) in layout.texts.iter().enumerate().skip(self.sent()) {
            let id = self.post(part, self.text_body(text)).await?;
            self.errand.part_sent(id);
        }
        if let Some(text) = &layout.file
            && self.sent() < before_card
        {
            let upload = Upload::text("message.txt", text);
            let id = self.post_file(texts, upload).await?;
            self.errand.part_sent(id);
        }
        if let Some(card) = card
            && self.sent() <= before_card
        {
            let id = self.post_card(before_card, card).await?;
            self.errand.part_sent(id);
        }
        match self.errand.parts_sent().into_iter().next() {
            Some(message_id) => Ok(Sent { message_id }),
            None => Err(Outcome::Fatal(
                "a message that shows nothing cannot be sent".to_owned(),
            )),
        }
    }

    /// Buttons that are no card become lines to type.
    fn with_choices(&self, mut layout: Layout, buttons: &[ButtonRow]) -> Layout {
        let choices = markup::buttons_as_text(buttons);
        let limit = self.core.config.rules.text_limit;
        match layout.texts.last_mut() {
            Some(last) if layout.file.is_none() && last.plain.len() + choices.len() <= limit => {
                last.plain.push_str(&choices);
                last.markdown = None;
            }
            _ => {
                let segment = Segment {
                    kind: Some(jarvis_proto::chat::segment::Kind::Text(choices)),
                };
                layout.texts.extend(texts::layout(&[segment], limit).texts);
            }
        }
        layout
    }

    /// A job's state: nothing can be changed, so few of them are shown.
    async fn progress(&self, progress: &Progress) -> Done {
        // A further try goes on where the first one stopped.
        let is_shown =
            self.sent() > 0 || lock(&self.core.few).shows(self.user, progress, Instant::now());
        if !is_shown {
            return Ok(Sent {
                message_id: progress.message_id.clone(),
            });
        }
        let sent = self.say(&progress.text, &progress.buttons).await;
        if sent.is_err() {
            lock(&self.core.few).forget(self.user, &progress.key);
        }
        sent
    }

    async fn file(&self, send: &SendFile) -> Done {
        let file = send.file.clone().unwrap_or_default();
        let first = match self.errand.parts_sent().first() {
            Some(first) => first.clone(),
            None => {
                let upload = Upload::file(self.errand, &file);
                let id = self.post_file(0, upload).await?;
                self.errand.part_sent(id.clone());
                id
            }
        };
        // A file has no room for a text beside it: that follows.
        let layout = texts::layout(&send.caption, self.core.config.rules.text_limit);
        let sent = self.sent().saturating_sub(1);
        for (part, text) in layout.texts.iter().enumerate().skip(sent) {
            let id = self.post(part + 1, self.text_body(text)).await?;
            self.errand.part_sent(id);
        }
        Ok(Sent { message_id: first })
    }

    async fn delete(&self, message_id: &str) -> Done {
        if message_id.is_empty() {
            return Ok(Sent::default());
        }
        self.errand.turn(Turn::Call).await?;
        let body = json!({ "msgid": message_id });
        match self.core.api.post(&["message", "recall"], &body).await {
            Ok(_) => Ok(Sent::default()),
            Err(error) => Err(self.outcome(&error)),
        }
    }

    fn sent(&self) -> usize {
        self.errand.parts_sent().len()
    }

    fn text_body(&self, text: &Rendered) -> Value {
        match &text.markdown {
            Some(markdown) if self.core.config.markdown => {
                json!({ "msgtype": "markdown", "markdown": { "content": markdown } })
            }
            _ => json!({ "msgtype": "text", "text": { "content": text.plain } }),
        }
    }

    async fn post_card(&self, part: usize, card: Card) -> Result<String, Outcome> {
        let body = json!({ "msgtype": "template_card", "template_card": card.body });
        let id = match self.post(part, body).await {
            // The number of a card is made from its action: it is there already.
            Err(Outcome::Fatal(words)) if words.contains("task_id") => return Ok(card.task),
            answer => answer?,
        };
        let shown = Shown {
            message: id.clone(),
            labels: card.labels,
        };
        lock(&self.core.cards).insert(card.task, shown);
        Ok(id)
    }

    /// Puts a file up, once, and sends it.
    async fn post_file(&self, part: usize, file: Upload<'_>) -> Result<String, Outcome> {
        let config = &self.core.config;
        file.fits(config.upload_limit)?;
        let kind = match file.is_picture(config.picture_limit) {
            true => "image",
            false => "file",
        };
        let key = format!("{}#{part}", self.errand.action().id);
        let known = lock(&self.core.uploaded).get(&key).cloned();
        let media = match known {
            Some(media) => media,
            None => {
                self.errand.turn(Turn::Call).await?;
                let up = self.core.api.upload(&["media", "upload"], kind, &file);
                let media = up.await.map_err(|error| match error {
                    UploadError::Call(error) => self.outcome(&error),
                    UploadError::File(outcome) => outcome,
                })?;
                lock(&self.core.uploaded).insert(key.clone(), media.clone());
                media
            }
        };
        let sent = self
            .post(
                part,
                json!({ "msgtype": kind, kind: { "media_id": media } }),
            )
            .await;
        let is_open = matches!(sent, Err(Outcome::RateLimited(_) | Outcome::Unreachable(_)));
        if !is_open {
            lock(&self.core.uploaded).remove(&key);
        }
        sent
    }

    /// Sends one message; its id.
    async fn post(&self, part: usize, mut body: Value) -> Result<String, Outcome> {
        let taken = lock(&self.core.pace).take(self.user, Instant::now());
        self.core.report(self.user);
        taken.map_err(wait_for)?;
        self.errand.turn(Turn::Message).await?;
        body["touser"] = json!(self.user);
        body["agentid"] = json!(self.core.config.agent_id);
        let who = format!("{}#{part}", self.errand.action().id);
        if lock(&self.core.said).may_be_dropped(&who, &body) {
            body["enable_duplicate_check"] = json!(1);
            body["duplicate_check_interval"] = json!(self.core.config.rules.same_within.as_secs());
        }
        let answer = self.core.api.post(&SEND, &body).await;
        let answer = answer.map_err(|error| self.outcome(&error))?;
        // A message that reached nobody is answered like any other.
        let lost = answer["invaliduser"].as_str().unwrap_or_default();
        if lost.split('|').any(|user| user == self.user) {
            return Err(Outcome::Forbidden(format!(
                "`{}` is not among those who may see this app",
                self.user
            )));
        }
        Ok(answer["msgid"].as_str().unwrap_or_default().to_owned())
    }

    fn outcome(&self, error: &CallError) -> Outcome {
        if let CallError::Refused { code, .. } = error
            && verdict(*code) == Verdict::NextMinute
        {
            lock(&self.core.pace).used_up(self.user, Instant::now());
            self.core.report(self.user);
        }
        verdict::outcome(error, &self.core.reminder)
    }
}
