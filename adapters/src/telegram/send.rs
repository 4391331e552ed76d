//! Performing the brain's actions.

use std::time::Duration;

use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Action, ButtonRow, FileRef, Progress, Room, SendFile, Sent};
use teloxide::payloads::{
    EditMessageTextSetters, SendChatActionSetters, SendDocumentSetters, SendMessageSetters,
};
use teloxide::requests::Requester;
use teloxide::types::{
    ChatAction, ChatId, InlineKeyboardMarkup, InputFile, LinkPreviewOptions, Message, MessageId,
    ParseMode, ReplyParameters, ThreadId,
};
use teloxide::{ApiError, Bot};
use tokio_util::io::StreamReader;

use super::calls::{CALL_LIMIT, CallError, call};
use super::outbound::{self, Layout, Rendered};
use crate::errand::Errand;
use crate::host::Turn;

/// A file must move at least this fast, in bytes a second.
const SLOWEST: u64 = 32 * 1024;
/// Largest file that is sent as a picture, in bytes; Telegram takes up to 10 MB.
const MOST_PICTURE: u64 = 10_000_000;

/// Where an action goes.
struct Place {
    chat: ChatId,
    thread: Option<ThreadId>,
    reply_to: Option<MessageId>,
}

/// Why an action failed.
pub(super) enum Failure {
    /// The group has a new id; the action is worth another try there.
    Moved(ChatId),
    /// What to report.
    Outcome(Outcome),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Moved(chat) => Self::Moved(chat),
            error => Self::Outcome(error.outcome()),
        }
    }
}

impl From<Outcome> for Failure {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

type Done = Result<Sent, Failure>;

/// One action on its way.
pub(super) struct Sender<'a> {
    pub(super) bot: &'a Bot,
    pub(super) errand: &'a Errand,
    /// The room's id today, which may differ from the action's.
    pub(super) chat: ChatId,
}

impl Sender<'_> {
    pub(super) async fn perform(&self) -> Done {
        let action = self.errand.action();
        let place = place(self.chat, action)?;
        match &action.kind {
            Some(Kind::Say(say)) => {
                let layout = outbound::layout(&say.text);
                self.send_all(&place, &layout, &say.buttons).await
            }
            Some(Kind::Progress(progress)) => self.progress(&place, progress).await,
            Some(Kind::File(file)) => self.file(&place, file).await,
            Some(Kind::Delete(delete)) => self.delete(&place, &delete.message_id).await,
            Some(Kind::Typing(_)) => {
                let request = self.bot.send_chat_action(place.chat, ChatAction::Typing);
                let request = match place.thread {
                    Some(thread) => request.message_thread_id(thread),
                    None => request,
                };
                // Best effort: nobody misses it.
                let _ = call(CALL_LIMIT, request).await;
                Ok(Sent::default())
            }
            Some(Kind::AnswerPress(_)) | None => {
                Err(Outcome::Fatal("an action of an unknown kind".to_owned()).into())
            }
        }
    }

    /// Sends the messages of a text, from the first that was not sent at an earlier try.
    async fn send_all(&self, place: &Place, layout: &Layout, buttons: &[ButtonRow]) -> Done {
        let keyboard = outbound::keyboard(buttons);
        let sent = self.errand.parts_sent();
        let mut first = sent.first().cloned();
        let last = layout.texts.len() + usize::from(layout.file.is_some());
        for (index, text) in layout.texts.iter().enumerate().skip(sent.len()) {
            let keyboard = keyboard.clone().filter(|_| index + 1 == last);
            let message = self.send_text(place, text, keyboard).await?;
            self.part_sent(&message, &mut first);
        }
        if let Some(text) = &layout.file
            && self.errand.parts_sent().len() < last
        {
            let file = InputFile::memory(text.clone()).file_name("message.txt");
            let message = self
                .send_document(place, file, None, keyboard, text.len() as u64)
                .await?;
            self.part_sent(&message, &mut first);
        }
        first.map(|message_id| Sent { message_id }).ok_or_else(|| {
            Outcome::Fatal("a message that shows nothing cannot be sent".to_owned()).into()
        })
    }

    fn part_sent(&self, message: &Message, first: &mut Option<String>) {
        let id = message.id.0.to_string();
        first.get_or_insert_with(|| id.clone());
        self.errand.part_sent(id);
    }

    async fn send_text(
        &self,
        place: &Place,
        text: &Rendered,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<Message, Failure> {
        let send = async |text: &str, mode: Option<ParseMode>| {
            self.errand.turn(Turn::Message).await?;
            let mut request = self
                .bot
                .send_message(place.chat, text)
                .link_preview_options(no_preview());
            request.parse_mode = mode;
            request.message_thread_id = place.thread;
            request.reply_parameters = place.reply_parameters();
            request.reply_markup = keyboard.clone().map(Into::into);
            Ok::<_, Failure>(call(CALL_LIMIT, request).await)
        };
        match send(&text.html, Some(ParseMode::Html)).await? {
            Err(error) if is_markup_refused(&error) => Ok(send(&text.plain, None).await??),
            answer => Ok(answer?),
        }
    }

    /// Shows the state of a progress object: edits its message, or sends one. What does not fit into
    /// one message follows only when it is the last state.
    async fn progress(&self, place: &Place, progress: &Progress) -> Done {
        let mut layout = outbound::layout(&progress.text);
        if !progress.r#final {
            layout.texts.truncate(1);
            layout.file = None;
        }
        let Ok(id) = progress.message_id.parse().map(MessageId) else {
            return self.send_all(place, &layout, &progress.buttons).await;
        };
        if self.errand.parts_sent().is_empty() {
            let Some(text) = layout.texts.first() else {
                return Ok(Sent {
                    message_id: progress.message_id.clone(),
                });
            };
            let is_alone = layout.texts.len() == 1 && layout.file.is_none();
            let keyboard = outbound::keyboard(&progress.buttons).filter(|_| is_alone);
            if !self.edit_text(place, id, text, keyboard).await? {
                return self.send_all(place, &layout, &progress.buttons).await;
            }
            self.errand.part_sent(progress.message_id.clone());
        }
        self.send_all(place, &layout, &progress.buttons).await
    }

    /// `false` when the message is no longer there to be edited.
    async fn edit_text(
        &self,
        place: &Place,
        id: MessageId,
        text: &Rendered,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<bool, Failure> {
        let edit = async |text: &str, mode: Option<ParseMode>| {
            self.errand.turn(Turn::Call).await?;
            let mut request = self
                .bot
                .edit_message_text(place.chat, id, text)
                .link_preview_options(no_preview());
            request.parse_mode = mode;
            request.reply_markup.clone_from(&keyboard);
            Ok::<_, Failure>(call(CALL_LIMIT, request).await.map(drop))
        };
        let mut answer = edit(&text.html, Some(ParseMode::Html)).await?;
        if answer.as_ref().is_err_and(is_markup_refused) {
            answer = edit(&text.plain, None).await?;
        }
        match answer {
            Ok(()) | Err(CallError::Api(ApiError::MessageNotModified)) => Ok(true),
            Err(CallError::Api(
                ApiError::MessageToEditNotFound
                | ApiError::MessageIdInvalid
                | ApiError::MessageCantBeEdited,
            )) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn file(&self, place: &Place, send: &SendFile) -> Done {
        let file = send.file.clone().unwrap_or_default();
        let Some(caption) = outbound::caption(&send.caption) else {
            return self.file_and_text(place, &file, send).await;
        };
        let message = self.upload(place, &file, caption).await?;
        Ok(Sent {
            message_id: message.id.0.to_string(),
        })
    }

    /// A file whose caption is too long: the text follows as messages of its own.
    async fn file_and_text(&self, place: &Place, file: &FileRef, send: &SendFile) -> Done {
        let sent = self.errand.parts_sent();
        let first = match sent.first() {
            Some(first) => first.clone(),
            None => {
                let id = self.upload(place, file, None).await?.id.0.to_string();
                self.errand.part_sent(id.clone());
                id
            }
        };
        let layout = outbound::layout(&send.caption);
        for text in layout.texts.iter().skip(sent.len().saturating_sub(1)) {
            let message = self.send_text(place, text, None).await?;
            self.errand.part_sent(message.id.0.to_string());
        }
        Ok(Sent { message_id: first })
    }

    async fn upload(
        &self,
        place: &Place,
        file: &FileRef,
        caption: Option<Rendered>,
    ) -> Result<Message, Failure> {
        let open = async || {
            let bytes = self.errand.download(file).await.map_err(|error| {
                let detail = format!("file `{}`: {error}", file.name);
                Failure::Outcome(match error.kind() {
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                        Outcome::Fatal(detail)
                    }
                    _ => Outcome::Transient(detail),
                })
            })?;
            Ok::<_, Failure>(InputFile::read(StreamReader::new(bytes)).file_name(file_name(file)))
        };
        let html = caption
            .as_ref()
            .map(|caption| (caption.html.clone(), Some(ParseMode::Html)));
        if is_picture(file) {
            match self.send_photo(place, open().await?, html.clone()).await {
                // Telegram finds fault with the picture or its caption: as a file it may go.
                Err(CallError::Api(error)) => {
                    tracing::debug!(%error, "a picture is sent as a file");
                }
                answer => return Ok(answer?),
            }
        }
        match self
            .send_document(place, open().await?, html, None, file.size)
            .await
        {
            Err(CallError::Api(ApiError::CantParseEntities(_))) => {
                let plain = caption.map(|caption| (caption.plain, None));
                Ok(self
                    .send_document(place, open().await?, plain, None, file.size)
                    .await?)
            }
            answer => Ok(answer?),
        }
    }

    /// Sends a picture that is shown in the chat.
    async fn send_photo(
        &self,
        place: &Place,
        file: InputFile,
        caption: Option<(String, Option<ParseMode>)>,
    ) -> Result<Message, CallError> {
        if let Err(Outcome::RateLimited(limited)) = self.errand.turn(Turn::Message).await {
            return Err(CallError::Limited(Duration::from_millis(
                limited.retry_after_ms,
            )));
        }
        let mut request = self.bot.send_photo(place.chat, file);
        if let Some((caption, mode)) = caption {
            request.caption = Some(caption);
            request.parse_mode = mode;
        }
        request.message_thread_id = place.thread;
        request.reply_parameters = place.reply_parameters();
        let longest = CALL_LIMIT + Duration::from_secs(MOST_PICTURE / SLOWEST);
        call(longest, request).await
    }

    async fn send_document(
        &self,
        place: &Place,
        file: InputFile,
        caption: Option<(String, Option<ParseMode>)>,
        keyboard: Option<InlineKeyboardMarkup>,
        size: u64,
    ) -> Result<Message, CallError> {
        if let Err(Outcome::RateLimited(limited)) = self.errand.turn(Turn::Message).await {
            return Err(CallError::Limited(Duration::from_millis(
                limited.retry_after_ms,
            )));
        }
        let mut request = self
            .bot
            .send_document(place.chat, file)
            .disable_content_type_detection(true);
        if let Some((caption, mode)) = caption {
            request.caption = Some(caption);
            request.parse_mode = mode;
        }
        request.message_thread_id = place.thread;
        request.reply_parameters = place.reply_parameters();
        request.reply_markup = keyboard.map(Into::into);
        call(CALL_LIMIT + Duration::from_secs(size / SLOWEST), request).await
    }

    async fn delete(&self, place: &Place, message_id: &str) -> Done {
        let id = message_id
            .parse()
            .map(MessageId)
            .map_err(|_| Outcome::Fatal(format!("`{message_id}` is no message id of telegram")))?;
        self.errand.turn(Turn::Call).await?;
        match call(CALL_LIMIT, self.bot.delete_message(place.chat, id)).await {
            Ok(_) | Err(CallError::Api(ApiError::MessageToDeleteNotFound)) => Ok(Sent::default()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Place {
    fn reply_parameters(&self) -> Option<ReplyParameters> {
        Some(ReplyParameters::new(self.reply_to?).allow_sending_without_reply())
    }
}

fn place(chat: ChatId, action: &Action) -> Result<Place, Outcome> {
    let room = action.room.clone().unwrap_or_default();
    let number = |text: &str, what: &str| match text {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Outcome::Fatal(format!("`{text}` is no {what}"))),
    };
    Ok(Place {
        chat,
        thread: number(&room.thread, "topic")?.map(|id| ThreadId(MessageId(id))),
        reply_to: number(&action.reply_to, "message id")?.map(MessageId),
    })
}

/// The chat of a room.
pub(super) fn chat_of(room: Option<&Room>) -> Result<ChatId, Outcome> {
    let id = room.map_or("", |room| room.id.as_str());
    id.parse()
        .map(ChatId)
        .map_err(|_| Outcome::Fatal(format!("`{id}` is no room of telegram")))
}

fn is_markup_refused(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Api(
            ApiError::CantParseEntities(_)
                | ApiError::MessageIsTooLong
                | ApiError::EditedMessageIsTooLong
        )
    )
}

fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

/// Whether the chat can show the file: Telegram takes pictures up to a size.
fn is_picture(file: &FileRef) -> bool {
    file.mime == "image/png" && file.size <= MOST_PICTURE
}

/// The name that the receiver sees; without one Telegram would show none.
fn file_name(file: &FileRef) -> String {
    let name = file
        .name
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .trim();
    if name.is_empty() {
        "file".to_owned()
    } else {
        name.to_owned()
    }
}
