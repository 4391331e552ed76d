//! Performing the brain's actions over the long connection.

use std::time::Duration;

use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{ButtonRow, SendFile, Sent};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::answers::Token;
use super::bubble::stream;
use super::core::{Core, wait_for};
use super::frame::{cmd, req_id};
use super::line::{CallError, Verdict, lock};
use super::outbound::{self, Card, Layout, Rendered};
use super::place::Place;
use super::upload::{self, Upload};
use crate::errand::Errand;
use crate::host::Turn;
use crate::now_ms;

/// How often one message is sent another way, or again after a conflict.
const MOST_TRIES: u32 = 8;
/// First and longest pause after a conflict.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

pub(super) type Done = Result<Sent, Outcome>;

/// One action on its way.
pub(super) struct Sender<'a> {
    pub(super) core: &'a Core,
    pub(super) errand: &'a Errand,
    pub(super) place: Place,
}

/// One message of an action.
pub(super) enum Part<'a> {
    Text(Rendered),
    Card(Card),
    File(Upload<'a>),
}

/// A message as it is sent.
enum Form {
    Text(Rendered),
    Card(Card),
    /// What kind of file it is, and what the platform calls it.
    Media(&'static str, String),
}

/// How a message reaches the room.
enum Way {
    Answer(Token),
    Unasked,
}

impl Sender<'_> {
    pub(super) async fn perform(&self) -> Done {
        match &self.errand.action().kind {
            Some(Kind::Say(say)) => {
                let parts = self.parts(&self.layout(&say.text), &say.buttons);
                self.send(parts).await
            }
            Some(Kind::Progress(progress)) => self.progress(progress).await,
            Some(Kind::File(file)) => self.file(file).await,
            Some(Kind::Delete(_)) => Err(Outcome::Fatal(
                "WeCom lets a robot take nothing back".to_owned(),
            )),
            // There is no "is typing", and a press is shown when it comes.
            Some(Kind::Typing(_) | Kind::AnswerPress(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        }
    }

    pub(super) fn layout(&self, text: &[jarvis_proto::chat::Segment]) -> Layout {
        outbound::layout(text, self.core.config.rules.text_limit)
    }

    /// The messages of a text with its buttons.
    pub(super) fn parts(&self, layout: &Layout, buttons: &[ButtonRow]) -> Vec<Part<'static>> {
        let mut texts = layout.texts.clone();
        let is_alone = texts.len() == 1 && layout.file.is_none();
        let text = texts.first().filter(|_| is_alone);
        let card = self.card(buttons, text.map(|text| text.plain.as_str()));
        match &card {
            Some((_, true)) => texts.clear(),
            None if !buttons.is_empty() => self.add_choices(&mut texts, buttons),
            _ => {}
        }
        let mut parts: Vec<Part<'static>> = texts.into_iter().map(Part::Text).collect();
        if let Some(text) = &layout.file {
            parts.push(Part::File(Upload::text("message.txt", text)));
        }
        parts.extend(card.map(|(card, _)| Part::Card(card)));
        parts
    }

    /// A card with these buttons, and whether it carries the text.
    pub(super) fn card(&self, buttons: &[ButtonRow], text: Option<&str>) -> Option<(Card, bool)> {
        if !self.core.config.buttons {
            return None;
        }
        let task = task(&self.errand.action().id);
        let longest = self.core.config.rules.card_text;
        Card::new(buttons, task, text, self.core.words(), longest)
    }

    /// Buttons that no card shows become lines to type, below the last text.
    fn add_choices(&self, texts: &mut [Rendered], buttons: &[ButtonRow]) {
        let limit = self.core.config.rules.text_limit;
        if let Some(last) = texts.last_mut() {
            last.markdown = outbound::joined(&last.markdown, &outbound::choices(buttons), limit);
            let plain = crate::markup::buttons_as_text(buttons);
            last.plain = outbound::joined(&last.plain, &plain, limit);
        }
    }

    /// Sends messages, from the first that was not sent at an earlier try.
    pub(super) async fn send(&self, parts: Vec<Part<'_>>) -> Done {
        let sent = self.errand.parts_sent();
        let mut first = sent.first().cloned();
        for (index, part) in parts.into_iter().enumerate().skip(sent.len()) {
            let id = self.post(index, part).await?;
            first.get_or_insert_with(|| id.clone());
            self.errand.part_sent(id);
        }
        first
            .map(|message_id| Sent { message_id })
            .ok_or_else(|| Outcome::Fatal("a message that shows nothing cannot be sent".to_owned()))
    }

    /// Sends one message, whichever way it can go.
    async fn post(&self, index: usize, part: Part<'_>) -> Result<String, Outcome> {
        let action = self.errand.action();
        let key = format!("{}-{index}", action.id);
        let mut form = match part {
            Part::Text(text) => Form::Text(text),
            Part::Card(card) => {
                lock(&self.core.cards).insert(card.task.clone(), card.clone());
                Form::Card(card)
            }
            Part::File(upload) => match self.put(&key, upload).await? {
                upload::Put::Media(kind, id) => Form::Media(kind, id),
                upload::Put::Text(text) => Form::Text(text),
            },
        };
        let mut pause = PAUSE.0;
        for _ in 0..MOST_TRIES {
            let way = self.way(&key);
            if let Err(wait) = lock(&self.core.limits).take(&self.place, Instant::now()) {
                return Err(wait_for(wait));
            }
            self.errand.turn(Turn::Message).await?;
            let id = form.id(&key);
            let error = match self.call(&way, &form, &id).await {
                Ok(()) => {
                    lock(&self.core.limits).taken(&self.place);
                    lock(&self.core.uploaded).remove(&key);
                    self.core.report(&self.place);
                    return Ok(id);
                }
                Err(error) => error,
            };
            match (error.verdict(), &way, &form) {
                (Some(Verdict::AnswerDead), Way::Answer(token), _) => {
                    tracing::debug!(%error, "a callback can no longer be answered");
                    lock(&self.core.answers).dies(token);
                }
                // It was shown, and its answer was lost.
                (Some(Verdict::BubbleEnded), Way::Answer(_), Form::Text(_)) => return Ok(id),
                (Some(Verdict::Fatal), _, Form::Card(_)) if error.names_task() => return Ok(id),
                (Some(Verdict::Conflict), ..) => {
                    sleep(pause).await;
                    pause = PAUSE.1.min(pause * 2);
                }
                (Some(Verdict::Fatal), _, Form::Card(card)) => {
                    tracing::warn!(%error, "WeCom does not take a card: its buttons become text");
                    form = Form::Text(card.as_text());
                }
                _ => return Err(self.outcome(&error)),
            }
        }
        Err(Outcome::Transient(
            "WeCom takes it on no way at the moment".to_owned(),
        ))
    }

    async fn call(&self, way: &Way, form: &Form, id: &str) -> Result<(), CallError> {
        let (cmd, req_id, body) = match (way, form) {
            (Way::Answer(Token::Entered(req_id)), Form::Text(text)) => {
                let body = json!({ "msgtype": "text", "text": { "content": text.plain } });
                (cmd::WELCOME, req_id.clone(), body)
            }
            (Way::Answer(Token::Entered(req_id)), Form::Card(card)) => {
                (cmd::WELCOME, req_id.clone(), card_body(card))
            }
            // As a bubble that begins with its end: when the same comes once more, it is still one.
            (Way::Answer(Token::Message(req_id)), Form::Text(text)) => {
                let body = stream(id, &text.markdown, true);
                (cmd::RESPOND, req_id.clone(), body)
            }
            (Way::Answer(Token::Message(req_id)), form) => {
                (cmd::RESPOND, req_id.clone(), form.body())
            }
            (_, form) => {
                let mut body = form.body();
                body["chatid"] = json!(self.place.id());
                body["chat_type"] = json!(self.place.chat_type());
                (cmd::SEND, self::req_id(cmd::SEND), body)
            }
        };
        let line = &self.core.line;
        line.call(cmd, &req_id, &body, Duration::ZERO)
            .await
            .map(drop)
    }

    /// An answer while there is something to answer, else unasked.
    fn way(&self, key: &str) -> Way {
        match self.token() {
            Some(token) if lock(&self.core.answers).take(&token, key) => Way::Answer(token),
            _ => Way::Unasked,
        }
    }

    /// What the action answers, while that can be answered.
    pub(super) fn token(&self) -> Option<Token> {
        let action = self.errand.action();
        let Some(context) = &action.reply_context else {
            return Token::read(&action.reply_to);
        };
        let is_alive = context.expires_ms == 0 || now_ms() < context.expires_ms;
        is_alive.then(|| Token::read(&context.token))?
    }

    /// What to report of an error that no other way cures.
    pub(super) fn outcome(&self, error: &CallError) -> Outcome {
        let detail = error.to_string();
        match error.verdict() {
            None => Outcome::Unreachable(detail),
            Some(Verdict::Limited) => {
                let wait = lock(&self.core.limits).refused(&self.place);
                tracing::warn!(%error, wait = wait.as_secs(), "WeCom is told too much");
                wait_for(wait)
            }
            Some(Verdict::Conflict | Verdict::AnswerDead | Verdict::BubbleEnded) => {
                Outcome::Transient(detail)
            }
            Some(Verdict::Gone) => Outcome::Gone(detail),
            Some(Verdict::Fatal) => Outcome::Fatal(detail),
        }
    }

    async fn file(&self, send: &SendFile) -> Done {
        let file = send.file.clone().unwrap_or_default();
        // There is no room for a text beside a file: it follows.
        let caption = self.layout(&send.caption);
        let mut parts = vec![Part::File(Upload::file(self.errand, &file))];
        parts.extend(caption.texts.into_iter().map(Part::Text));
        self.send(parts).await
    }

    /// Puts a file up, once.
    async fn put(&self, key: &str, upload: Upload<'_>) -> Result<upload::Put, Outcome> {
        if let Some(known) = lock(&self.core.uploaded).get(key).cloned() {
            return Ok(upload::Put::Media(upload.kind(), known));
        }
        let put = upload::put(self.core, self.errand, upload).await;
        let put = put.map_err(|error| match error {
            upload::Failure::Call(error) => self.outcome(&error),
            upload::Failure::Outcome(outcome) => outcome,
        })?;
        if let upload::Put::Media(_, id) = &put {
            lock(&self.core.uploaded).insert(key.to_owned(), id.clone());
        }
        Ok(put)
    }
}

impl Form {
    /// What names the message from now on. It is the same at a further try.
    fn id(&self, key: &str) -> String {
        match self {
            Self::Text(_) => format!("s-{key}"),
            Self::Card(card) => card.task.clone(),
            Self::Media(..) => format!("f-{key}"),
        }
    }

    fn body(&self) -> Value {
        match self {
            Self::Text(text) => {
                json!({ "msgtype": "markdown", "markdown": { "content": text.markdown } })
            }
            Self::Card(card) => card_body(card),
            Self::Media(kind, id) => {
                let mut body = json!({ "msgtype": kind });
                body[*kind] = json!({ "media_id": id });
                body
            }
        }
    }
}

pub(super) fn card_body(card: &Card) -> Value {
    json!({ "msgtype": "template_card", "template_card": card.body() })
}

/// The task of an action's card: the platform takes letters, digits and few signs, and each but once.
fn task(action: &str) -> String {
    action
        .chars()
        .filter(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '@'))
        .take(128)
        .collect()
}
