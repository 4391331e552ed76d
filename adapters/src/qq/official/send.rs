//! Performing the brain's actions.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{ButtonRow, Progress, SendFile, Sent};
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use super::api::{CALL_LIMIT, CallError};
use super::core::{Core, lock, wait_for};
use super::form::{Form, Way, What};
use super::outbound::{self, Layout, Rendered};
use super::place::{Place, PlaceKind};
use super::replies::Origin;
use super::stream::Stream;
use super::upload::{self, Upload};
use super::verdict::{Verdict, verdict};
use crate::errand::Errand;
use crate::host::Turn;
use crate::markup;
use crate::markup::markdown::markdown;

/// "Is typing", in the platform's numbers.
const TYPING: u8 = 6;
/// How often one message is put in another form or sent another way.
const MOST_FORMS: usize = 24;
/// A quota that is full for longer holds the message until the room speaks.
const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// Answers of a group that are kept free of passing states.
const GROUP_RESERVE: u32 = 3;
/// Answers of a private room that are kept free of "is typing".
const TYPING_RESERVE: u32 = 3;

type Done = Result<Sent, Outcome>;

/// One action on its way.
pub(super) struct Sender<'a> {
    pub(super) core: &'a Core,
    pub(super) errand: &'a Errand,
    pub(super) place: Place,
}

impl Sender<'_> {
    pub(super) async fn perform(&self) -> Done {
        match &self.errand.action().kind {
            Some(Kind::Say(say)) => {
                let layout = self.layout(&say.text);
                self.send_all(&layout, &say.buttons).await
            }
            Some(Kind::Progress(progress)) => match self.place.kind {
                PlaceKind::Private => self.private_progress(progress).await,
                PlaceKind::Group => self.group_progress(progress).await,
            },
            Some(Kind::File(file)) => self.file(file).await,
            Some(Kind::Delete(delete)) => self.delete(&delete.message_id).await,
            Some(Kind::Typing(_)) => {
                self.typing().await;
                Ok(Sent::default())
            }
            // A press is acknowledged when it comes.
            Some(Kind::AnswerPress(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        }
    }

    fn layout(&self, text: &[jarvis_proto::chat::Segment]) -> Layout {
        outbound::layout(text, self.core.config.rules.text_limit)
    }

    /// Sends the messages of a text, from the first that was not sent at an earlier try.
    async fn send_all(&self, layout: &Layout, buttons: &[ButtonRow]) -> Done {
        let sent = self.errand.parts_sent();
        let mut first = sent.first().cloned();
        let last = layout.texts.len() + usize::from(layout.file.is_some());
        for (index, text) in layout.texts.iter().enumerate().skip(sent.len()) {
            let buttons = if index + 1 == last { buttons } else { &[] };
            let id = self.post(index, self.form(text, buttons)).await?;
            first.get_or_insert_with(|| id.clone());
            self.errand.part_sent(id);
        }
        if let Some(text) = &layout.file
            && self.errand.parts_sent().len() < last
        {
            let upload = Upload::text("message.txt", text);
            let id = self.post_file(last, upload).await?;
            first.get_or_insert_with(|| id.clone());
            self.errand.part_sent(id);
        }
        first
            .map(|message_id| Sent { message_id })
            .ok_or_else(|| Outcome::Fatal("a message that shows nothing cannot be sent".to_owned()))
    }

    /// A text in the best form that the bot may send.
    fn form(&self, text: &Rendered, buttons: &[ButtonRow]) -> Form {
        let choices = markup::buttons_as_text(buttons);
        let keyboard = if self.core.no_buttons.load(Ordering::Relaxed) {
            None
        } else {
            outbound::keyboard(buttons)
        };
        let can_markdown = !self.core.no_markdown.load(Ordering::Relaxed);
        let needs_markdown = text.markdown.is_some() || keyboard.is_some();
        let what = if can_markdown && needs_markdown {
            What::Markdown {
                markdown: text.as_markdown(),
                plain: text.plain.clone(),
            }
        } else {
            What::Text {
                text: text.plain.clone(),
            }
        };
        let form = Form {
            what,
            keyboard,
            choices,
        };
        match (&form.what, &form.keyboard) {
            (What::Markdown { .. }, Some(_)) => form,
            _ => form.without_buttons(),
        }
    }

    /// Sends one message, in whatever form and way the platform takes it.
    async fn post(&self, part: usize, mut form: Form) -> Result<String, Outcome> {
        let key = format!("{}#{part}", self.errand.action().id);
        let mut has_links = true;
        for _ in 0..MOST_FORMS {
            let way = self.way(&key, true)?;
            self.errand.turn(Turn::Message).await?;
            let body = form.body(&way);
            let answer = self
                .core
                .api
                .post(&self.place.path("messages"), &body)
                .await;
            let error = match answer {
                Ok(answer) => {
                    self.core.report(&self.place);
                    return Ok(answer["id"].as_str().unwrap_or_default().to_owned());
                }
                Err(error) => error,
            };
            match (verdict(&error), &way) {
                (Verdict::ReplyDead, Way::Reply(slot)) => {
                    tracing::debug!(%error, "a message can no longer be answered");
                    self.core.replies().dies(&self.place, &slot.origin);
                }
                // It was sent, and its answer was lost.
                (Verdict::Repeated, Way::Reply(_)) => return Ok(String::new()),
                (Verdict::NoMarkdown, _) if form.is_markdown() => {
                    tracing::warn!(%error, "this bot may not send markdown: plain text from now on");
                    self.core.no_markdown.store(true, Ordering::Relaxed);
                    form = form.without_buttons().without_markdown();
                }
                (Verdict::NoButtons, _) if form.keyboard.is_some() => {
                    tracing::warn!(%error, "this bot may not show these buttons: they become text");
                    form = form.without_buttons();
                }
                (Verdict::BadLink, _) if has_links => {
                    has_links = false;
                    form = form.without_links();
                }
                (Verdict::OverQuota, Way::Unasked) => {
                    self.core.quotas().used_up(&self.place, Instant::now());
                }
                (Verdict::NoUnasked, _) => {
                    self.core
                        .replies()
                        .set_unasked(&self.place, false, Instant::now());
                }
                _ => return Err(self.outcome(&error)),
            }
        }
        Err(Outcome::Transient("no form of it is taken".to_owned()))
    }

    /// An answer while there is something to answer, else unasked where that is allowed. Whether it
    /// goes now decides whether it is counted.
    fn way(&self, key: &str, goes_now: bool) -> Result<Way, Outcome> {
        let wanted = self.wanted();
        let now = Instant::now();
        let mut replies = self.core.replies();
        if let Some(slot) = replies.take(&self.place, wanted.as_ref(), key, now) {
            return Ok(Way::Reply(slot));
        }
        let takes_unasked = replies.takes_unasked(&self.place, now);
        drop(replies);
        let held = |why: &str| Err(Outcome::Held(why.to_owned()));
        if !takes_unasked {
            self.core.report(&self.place);
            return held("there is nothing to answer, and the room takes no unasked messages");
        }
        let mut quotas = self.core.quotas();
        if !goes_now && quotas.left(&self.place, now) > 0 {
            return Ok(Way::Unasked);
        }
        match quotas.take(&self.place, now) {
            Ok(()) => Ok(Way::Unasked),
            Err(wait) if wait <= LONGEST_WAIT => Err(wait_for(wait)),
            Err(_) => held("the day's unasked messages of this room are used up"),
        }
    }

    /// What the action answers.
    fn wanted(&self) -> Option<Origin> {
        let action = self.errand.action();
        action
            .reply_context
            .as_ref()
            .and_then(|context| Origin::parse(&context.token))
            .or_else(|| {
                let reply_to = action.reply_to.as_str();
                (!reply_to.is_empty()).then(|| Origin::Message(reply_to.to_owned()))
            })
    }

    /// What to report of an error that no other form or way cures.
    fn outcome(&self, error: &CallError) -> Outcome {
        let detail = error.to_string();
        match error {
            CallError::Away(_) | CallError::Token(_) => return Outcome::Unreachable(detail),
            CallError::Limited(wait) => return wait_for(*wait),
            CallError::Refused { .. } => {}
        }
        match verdict(error) {
            Verdict::Limited | Verdict::OverQuota => wait_for(Duration::from_secs(3)),
            Verdict::Again | Verdict::ReplyDead | Verdict::Repeated => Outcome::Transient(detail),
            Verdict::Forbidden => Outcome::Forbidden(detail),
            Verdict::Gone => Outcome::Gone(detail),
            Verdict::NoMarkdown
            | Verdict::NoButtons
            | Verdict::BadLink
            | Verdict::NoUnasked
            | Verdict::Fatal => Outcome::Fatal(detail),
        }
    }

    /// A job's state in a private room: a bubble whose text is replaced.
    async fn private_progress(&self, progress: &Progress) -> Done {
        let layout = self.layout(&progress.text);
        let key = format!("{} {}", self.place.room(), progress.key);
        let open = lock(&self.core.streams).get(&key).cloned();
        let is_new = progress.message_id.is_empty();
        let is_started = !self.errand.parts_sent().is_empty();
        let stream = match open {
            _ if is_started || self.core.no_markdown.load(Ordering::Relaxed) => None,
            Some(stream) => Some(stream),
            None if is_new && !progress.r#final => self.new_stream(&key),
            None => None,
        };
        let Some((mut stream, text)) = stream.zip(layout.texts.first()) else {
            // Without a bubble only the first and the last state are shown.
            if !is_new && !progress.r#final {
                return Ok(Sent {
                    message_id: progress.message_id.clone(),
                });
            }
            return self.send_all(&layout, &progress.buttons).await;
        };
        let is_alone = layout.texts.len() == 1 && layout.file.is_none();
        let mut shown = text.as_markdown();
        if is_alone || !progress.r#final {
            // A bubble has no keyboard.
            shown.push_str(&markdown(&[markup::Run {
                style: markup::Style::Plain,
                text: markup::buttons_as_text(&progress.buttons),
            }]));
        }
        if !progress.r#final && stream.shows(&shown) {
            return Ok(Sent {
                message_id: stream.id,
            });
        }
        self.errand.turn(Turn::Call).await?;
        stream.turn(self.core.config.rules.stream_gap).await;
        let answer = stream
            .show(self.core, &self.place, &shown, progress.r#final)
            .await;
        let id = stream.id.clone();
        let origin = stream.origin().clone();
        // What comes after the last state begins anew.
        if answer.is_ok() && progress.r#final {
            lock(&self.core.streams).remove(&key);
        } else {
            lock(&self.core.streams).insert(key.clone(), stream);
        }
        match answer {
            Ok(()) => {
                self.core.report(&self.place);
                if progress.r#final && !is_alone {
                    self.errand.part_sent(id.clone());
                    return self.send_all(&layout, &progress.buttons).await;
                }
                Ok(Sent { message_id: id })
            }
            Err(error @ CallError::Refused { .. })
                if !matches!(verdict(&error), Verdict::Again | Verdict::Limited) =>
            {
                tracing::info!(%error, "a bubble cannot go on");
                lock(&self.core.streams).remove(&key);
                match verdict(&error) {
                    Verdict::ReplyDead => self.core.replies().dies(&self.place, &origin),
                    Verdict::NoMarkdown => self.core.no_markdown.store(true, Ordering::Relaxed),
                    _ => {}
                }
                if progress.r#final || is_new {
                    return self.send_all(&layout, &progress.buttons).await;
                }
                Ok(Sent {
                    message_id: progress.message_id.clone(),
                })
            }
            Err(error) => Err(self.outcome(&error)),
        }
    }

    fn new_stream(&self, key: &str) -> Option<Stream> {
        let wanted = self.wanted();
        let mut replies = self.core.replies();
        Stream::new(replies.take(&self.place, wanted.as_ref(), key, Instant::now())?)
    }

    /// A job's state in a group, where nothing can be changed: the first, the last, and few between.
    async fn group_progress(&self, progress: &Progress) -> Done {
        let layout = self.layout(&progress.text);
        if progress.r#final || progress.message_id.is_empty() {
            return self.send_all(&layout, &progress.buttons).await;
        }
        let key = format!("{} {}", self.place.room(), progress.key);
        let gap = self.core.config.rules.group_progress_gap;
        let is_due = lock(&self.core.shown)
            .get(&key)
            .is_none_or(|at| at.elapsed() >= gap);
        let (left, _) = self.core.replies().left(&self.place, Instant::now());
        let (true, true, Some(text)) = (is_due, left > GROUP_RESERVE, layout.texts.first()) else {
            return Ok(Sent {
                message_id: progress.message_id.clone(),
            });
        };
        let message_id = self.post(0, self.form(text, &[])).await?;
        lock(&self.core.shown).insert(key, Instant::now());
        Ok(Sent { message_id })
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
        // Clients do not show a text beside every kind of file: it follows.
        let layout = self.layout(&send.caption);
        let sent = self.errand.parts_sent().len();
        for (index, text) in layout.texts.iter().enumerate().skip(sent.saturating_sub(1)) {
            let id = self.post(index + 1, self.form(text, &[])).await?;
            self.errand.part_sent(id);
        }
        Ok(Sent { message_id: first })
    }

    /// Puts a file up, once, and sends it.
    async fn post_file(&self, part: usize, file: Upload<'_>) -> Result<String, Outcome> {
        let key = format!("{}#{part}", self.errand.action().id);
        let known = lock(&self.core.uploaded).get(&key).cloned();
        let file_info = match known {
            Some(file_info) => file_info,
            None => {
                // Bytes that nobody may send now need not go up.
                self.way(&key, false)?;
                let up = upload::put(self.core, &self.place, file).await;
                let file_info = up.map_err(|error| match error {
                    upload::Failure::Call(error) => self.outcome(&error),
                    upload::Failure::Outcome(outcome) => outcome,
                })?;
                lock(&self.core.uploaded).insert(key.clone(), file_info.clone());
                file_info
            }
        };
        let form = Form {
            what: What::File { file_info },
            keyboard: None,
            choices: String::new(),
        };
        let sent = self.post(part, form).await;
        if !matches!(
            sent,
            Err(Outcome::RateLimited(_)
                | Outcome::Transient(_)
                | Outcome::Held(_)
                | Outcome::Unreachable(_))
        ) {
            lock(&self.core.uploaded).remove(&key);
        }
        sent
    }

    async fn delete(&self, message_id: &str) -> Done {
        if message_id.is_empty() {
            return Ok(Sent::default());
        }
        self.errand.turn(Turn::Call).await?;
        let [version, rooms, openid, what] = self.place.path("messages");
        let path = [version, rooms, openid, what, message_id];
        let answer = self.core.api.call(Method::DELETE, &path, None, CALL_LIMIT);
        match answer.await {
            Ok(_) => Ok(Sent::default()),
            Err(error) => Err(self.outcome(&error)),
        }
    }

    /// Best effort: nobody misses it.
    async fn typing(&self) {
        let action = self.errand.action();
        if self.place.kind != PlaceKind::Private
            || self.core.replies().left(&self.place, Instant::now()).0 <= TYPING_RESERVE
        {
            return;
        }
        let Ok(way @ Way::Reply(_)) = self.way(&format!("{}#typing", action.id), false) else {
            return;
        };
        let mut body = json!({
            "msg_type": TYPING,
            "input_notify": { "input_type": 1, "input_second": 60 },
        });
        way.name_in(&mut body);
        if let Err(error) = self
            .core
            .api
            .post(&self.place.path("messages"), &body)
            .await
        {
            tracing::debug!(%error, "\"is typing\" could not be shown");
        }
    }
}
