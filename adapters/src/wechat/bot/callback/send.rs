//! Performing the brain's actions where WeCom has to ask for what is said.

use std::sync::Arc;
use std::time::Duration;

use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{ButtonRow, Progress, Segment, Sent};
use serde_json::{Value, json};
use url::Url;

use super::super::core::Core;
use super::super::line::lock;
use super::super::outbound::{self, Card, Rendered};
use super::super::place::Place;
use super::super::send::{Done, card_body};
use super::slot::{self, Slot, Token};
use crate::cause::innermost;
use crate::errand::Errand;
use crate::host::Turn;
use crate::now_ms;

/// How long WeCom may take to come for a text. It asks about once a second.
const SERVED_LIMIT: Duration = Duration::from_secs(20);
/// Longest time for a message by `response_url`.
const POST_LIMIT: Duration = Duration::from_secs(10);

/// One action on its way.
pub(in super::super) struct Sender<'a> {
    pub(in super::super) core: &'a Core,
    pub(in super::super) errand: &'a Errand,
    pub(in super::super) place: Place,
}

/// One message of an action.
enum Part {
    Text(Rendered),
    Card(Card),
}

impl Sender<'_> {
    pub(in super::super) async fn perform(&self) -> Done {
        match &self.errand.action().kind {
            Some(Kind::Say(say)) => {
                let parts = self.parts(&say.text, &say.buttons);
                self.send(parts).await
            }
            Some(Kind::Progress(progress)) => self.progress(progress).await,
            Some(Kind::File(_)) => Err(Outcome::Fatal(
                "a robot that WeCom calls cannot send files: use `wecom.mode = \"connection\"`"
                    .to_owned(),
            )),
            Some(Kind::Delete(_)) => Err(Outcome::Fatal(
                "WeCom lets a robot take nothing back".to_owned(),
            )),
            Some(Kind::Typing(_) | Kind::AnswerPress(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        }
    }

    /// The messages of a text. What no message takes is cut: there are no files here.
    fn texts(&self, text: &[Segment]) -> Vec<Rendered> {
        let limit = self.core.config.rules.text_limit;
        let layout = outbound::layout(text, limit);
        if layout.file.is_none() {
            return layout.texts;
        }
        let more = format!("\n{}", self.core.words().cut);
        let head = outbound::head(text, limit.saturating_sub(more.len()));
        head.into_iter()
            .map(|head| Rendered {
                markdown: format!("{}{more}", head.markdown),
                plain: format!("{}{more}", head.plain),
            })
            .collect()
    }

    fn parts(&self, text: &[Segment], buttons: &[ButtonRow]) -> Vec<Part> {
        let mut texts = self.texts(text);
        let config = &self.core.config;
        let alone = texts.first().filter(|_| texts.len() == 1);
        let card = alone.filter(|_| config.buttons).and_then(|text| {
            let task = self.errand.action().id.clone();
            let longest = config.rules.card_text;
            Card::new(buttons, task, Some(&text.plain), self.core.words(), longest)
        });
        // Two messages may be one too many: a card goes only where it says all.
        if let Some((card, true)) = card {
            return vec![Part::Card(card)];
        }
        self.add_choices(&mut texts, buttons);
        texts.into_iter().map(Part::Text).collect()
    }

    fn add_choices(&self, texts: &mut [Rendered], buttons: &[ButtonRow]) {
        let limit = self.core.config.rules.text_limit;
        if let Some(last) = texts.last_mut().filter(|_| !buttons.is_empty()) {
            let more = outbound::choices(buttons);
            last.markdown = outbound::joined(&last.markdown, &more, limit);
        }
    }

    async fn send(&self, parts: Vec<Part>) -> Done {
        let sent = self.errand.parts_sent();
        let mut first = sent.first().cloned();
        for (index, part) in parts.into_iter().enumerate().skip(sent.len()) {
            let key = format!("{}-{index}", self.errand.action().id);
            self.errand.turn(Turn::Message).await?;
            let id = self.post(&key, part).await?;
            first.get_or_insert_with(|| id.clone());
            self.errand.part_sent(id);
        }
        first
            .map(|message_id| Sent { message_id })
            .ok_or_else(|| Outcome::Fatal("a message that shows nothing cannot be sent".to_owned()))
    }

    /// The callbacks that this action may answer: its own before the room's newest.
    fn slots(&self) -> Vec<Arc<Slot>> {
        let own = self.token().map(|token| {
            let url = token.url.clone();
            self.core.polled.slot(&token.slot, url)
        });
        let newest = self.core.polled.newest(&self.place);
        let mut slots: Vec<Arc<Slot>> = own.into_iter().collect();
        slots.extend(newest.filter(|newest| slots.iter().all(|own| own.id != newest.id)));
        slots
    }

    fn token(&self) -> Option<Token> {
        let action = self.errand.action();
        let Some(context) = &action.reply_context else {
            // A message's id is that of its slot.
            let is_slot = action.reply_to.starts_with(slot::MARK);
            return is_slot.then(|| Token {
                slot: action.reply_to.clone(),
                url: None,
            });
        };
        let is_alive = context.expires_ms == 0 || now_ms() < context.expires_ms;
        is_alive.then(|| Token::read(&context.token))?
    }

    /// Sends one message on the first way that is free.
    async fn post(&self, key: &str, part: Part) -> Result<String, Outcome> {
        for slot in self.slots() {
            if slot.age() < self.core.config.rules.stream_life
                && slot.take_bubble(key)
                && self.by_bubble(&slot, &part).await
            {
                return Ok(format!("{}#{key}", slot.id));
            }
            if let Some(url) = slot.take_url(key) {
                match self.by_url(&url, &part).await? {
                    Posted::Taken => {
                        slot.url_is_used();
                        return Ok(format!("{}#{key}", slot.id));
                    }
                    Posted::Refused => slot.url_is_used(),
                }
            }
        }
        Err(Outcome::Held(
            "WeCom takes nothing more for what was said in this room".to_owned(),
        ))
    }

    /// Whether WeCom has come for it.
    async fn by_bubble(&self, slot: &Slot, part: &Part) -> bool {
        let number = match part {
            Part::Text(text) => slot.say(&text.markdown, true),
            Part::Card(card) => {
                self.remember(card);
                match slot.say_card(card) {
                    Some(number) => number,
                    // The bubble is there already, and takes no card.
                    None => {
                        slot.close();
                        return false;
                    }
                }
            }
        };
        self.is_served(slot, number).await
    }

    /// Whether WeCom has come for a state; when it has not, the bubble is over.
    async fn is_served(&self, slot: &Slot, number: u64) -> bool {
        slot.is_served(number, SERVED_LIMIT).await
            || !slot.take_back(number, self.core.words().later)
    }

    fn remember(&self, card: &Card) {
        lock(&self.core.cards).insert(card.task.clone(), card.clone());
    }

    async fn by_url(&self, url: &str, part: &Part) -> Result<Posted, Outcome> {
        let body = match part {
            Part::Text(text) => {
                json!({ "msgtype": "markdown", "markdown": { "content": text.markdown } })
            }
            Part::Card(card) => {
                self.remember(card);
                card_body(card)
            }
        };
        let Ok(url) = Url::parse(url) else {
            return Ok(Posted::Refused);
        };
        let request = self.core.media.http().post(url).timeout(POST_LIMIT);
        let away = |error: reqwest::Error| {
            Outcome::Unreachable(format!(
                "WeCom cannot be reached: {}",
                innermost(&error.without_url())
            ))
        };
        let request = request
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.map_err(away)?;
        let status = answer.status();
        if status.is_server_error() {
            return Err(Outcome::Unreachable(format!(
                "WeCom answers with status {}",
                status.as_u16()
            )));
        }
        let bytes = answer.bytes().await.map_err(away)?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let code = answer["errcode"].as_i64().unwrap_or_default();
        if status.is_success() && code == 0 {
            return Ok(Posted::Taken);
        }
        tracing::info!(
            code,
            status = status.as_u16(),
            "a message by response_url is refused"
        );
        Ok(Posted::Refused)
    }

    /// A job's state in the bubble of the message that began it; without one only its end is told.
    async fn progress(&self, progress: &Progress) -> Done {
        let mut texts = self.texts(&progress.text);
        self.add_choices(&mut texts, &progress.buttons);
        let is_started = !self.errand.parts_sent().is_empty();
        let bubble = if is_started {
            None
        } else {
            self.bubble(progress)
        };
        let parts = texts.iter().cloned().map(Part::Text).collect();
        let Some((slot, text)) = bubble.zip(texts.first()) else {
            if progress.r#final {
                return self.send(parts).await;
            }
            return Ok(Sent {
                message_id: progress.message_id.clone(),
            });
        };
        self.errand.turn(Turn::Call).await?;
        let number = slot.say(&text.markdown, progress.r#final);
        let sent = Sent {
            message_id: slot.id.clone(),
        };
        if !progress.r#final {
            return Ok(sent);
        }
        if self.is_served(&slot, number).await {
            if texts.len() > 1 {
                self.errand.part_sent(slot.id.clone());
                return self.send(parts).await;
            }
            return Ok(sent);
        }
        self.send(parts).await
    }

    /// The bubble of a progress object, while WeCom asks for it.
    fn bubble(&self, progress: &Progress) -> Option<Arc<Slot>> {
        let token = self.token()?;
        let is_new = progress.message_id.is_empty();
        // What is over at once is one message.
        if is_new && progress.r#final || !is_new && progress.message_id != token.slot {
            return None;
        }
        let slot = self.core.polled.slot(&token.slot, token.url);
        let is_in_time = slot.age() < self.core.config.rules.stream_life;
        (is_in_time && slot.take_bubble(&progress.key)).then_some(slot)
    }
}

/// What became of a message by `response_url`.
enum Posted {
    Taken,
    /// It was used already, or its hour is over.
    Refused,
}
