//! QQ. [`official`] is the platform's own way for bots; the rest is for ordinary accounts, through a
//! program that is logged in and lets others use it: OneBot v11
//! (NapCat, LLOneBot and others) over a WebSocket in either direction or HTTP, and Milky over each of
//! its three ways for events.
//!
//! What QQ is like is here: rooms, texts without markup, nothing that can be edited, files apart from
//! texts. How it is said is an `Account`'s; how that travels is below it.

mod account;
mod bearer;
mod caller;
mod config;
mod milky;
pub mod official;
mod onebot;
mod outbound;
mod place;
mod posted;
mod told;
mod words;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Attachment, Capabilities, FileRef, ProgressStyle, Segment, SendFile, Sent, TextUnit,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::config::{Config, MilkyEvents, Transport};

use self::account::{Account, Draft, File};
use self::place::Place;
use crate::adapter::{Adapter, AdapterError, ByteStream, FloodLimits, Inbox, Profile};
use crate::errand::Errand;
use crate::few::Few;
use crate::host::Turn;
use crate::look::Finding;

const KIND: &str = "onebot";

/// One QQ account.
pub struct Qq {
    config: Config,
    account: Box<dyn Account>,
    few: Mutex<Few>,
}

impl fmt::Debug for Qq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qq")
            .field("account", &self.account.myself())
            .finish_non_exhaustive()
    }
}

impl Qq {
    /// Waits until the program with the QQ login can be reached. Cancel-safe.
    ///
    /// # Errors
    /// When it refuses our token, or a setting cannot be used.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        let account: Box<dyn Account> = match &config.transport {
            Transport::Milky { url, events } => {
                Box::new(milky::Milky::connect(&config, url, *events).await?)
            }
            _ => Box::new(onebot::OneBot::connect(&config).await?),
        };
        let myself = account.myself();
        tracing::info!(qq.account = myself.id, name = myself.name, "QQ knows us");
        Ok(Self {
            config,
            account,
            few: Mutex::default(),
        })
    }

    /// Sends the messages of a text, from the first that was not sent at an earlier try; the whole of
    /// it as a file when it is too long.
    async fn say(&self, errand: &Errand, place: &Place, text: &[Segment]) -> Result<Sent, Outcome> {
        let layout = outbound::layout(text, place);
        let sent = errand.parts_sent();
        let mut first = sent.first().cloned();
        let last = layout.texts.len() + usize::from(layout.file.is_some());
        for (index, pieces) in layout.texts.iter().enumerate().skip(sent.len()) {
            errand.turn(Turn::Message).await?;
            // Its continuation need not quote what it answers.
            let reply_to = match index {
                0 => errand.action().reply_to.clone(),
                _ => String::new(),
            };
            let draft = Draft {
                reply_to,
                pieces: pieces.clone(),
            };
            let id = self.account.send(place, draft).await?;
            first.get_or_insert_with(|| id.clone());
            errand.part_sent(id);
        }
        if let Some(text) = layout.file
            && errand.parts_sent().len() < last
        {
            errand.turn(Turn::Message).await?;
            let file = File {
                name: "message.txt".to_owned(),
                size: text.len() as u64,
                bytes: account::Bytes::Here(text.into()),
                caption: Vec::new(),
                is_picture: false,
            };
            let id = self.account.send_file(place, file).await?;
            errand.part_sent(id);
        }
        first
            .map(|message_id| Sent { message_id })
            .ok_or_else(|| Outcome::Fatal("a message that shows nothing cannot be sent".to_owned()))
    }

    async fn file(&self, errand: &Errand, place: &Place, send: &SendFile) -> Result<Sent, Outcome> {
        let file = send.file.clone().unwrap_or_default();
        let layout = outbound::layout(&send.caption, place);
        let is_picture = is_picture(&file);
        // Only pictures have room for a text beside them.
        let mut texts = layout.texts.into_iter();
        let caption = if is_picture && texts.len() == 1 {
            texts.next().unwrap_or_default()
        } else {
            Vec::new()
        };
        let sent = errand.parts_sent();
        let first = match sent.first() {
            Some(first) => first.clone(),
            None => {
                errand.turn(Turn::Message).await?;
                let file = File {
                    name: file_name(&file),
                    size: file.size,
                    bytes: account::Bytes::There { errand, file },
                    caption,
                    is_picture,
                };
                let id = self.account.send_file(place, file).await?;
                errand.part_sent(id.clone());
                id
            }
        };
        for pieces in texts.skip(sent.len().saturating_sub(1)) {
            errand.turn(Turn::Message).await?;
            let draft = Draft {
                reply_to: String::new(),
                pieces,
            };
            let id = self.account.send(place, draft).await?;
            errand.part_sent(id);
        }
        Ok(Sent { message_id: first })
    }

    async fn try_perform(&self, errand: &Errand) -> Result<Sent, Outcome> {
        let action = errand.action();
        let room = action.room.as_ref().map_or("", |room| room.id.as_str());
        let place: Place = room
            .parse()
            .map_err(|_| Outcome::Fatal(format!("`{room}` is no room of QQ")))?;
        match &action.kind {
            Some(Kind::Say(say)) => self.say(errand, &place, &say.text).await,
            Some(Kind::Progress(progress)) => {
                // A further try goes on where the first one stopped.
                let is_shown = !errand.parts_sent().is_empty()
                    || lock(&self.few).shows(room, progress, Instant::now());
                if !is_shown {
                    return Ok(Sent::default());
                }
                let sent = self.say(errand, &place, &progress.text).await;
                if sent.is_err() {
                    lock(&self.few).forget(room, &progress.key);
                }
                sent
            }
            Some(Kind::File(file)) => self.file(errand, &place, file).await,
            Some(Kind::Delete(delete)) => {
                errand.turn(Turn::Call).await?;
                self.account.delete(&place, &delete.message_id).await?;
                Ok(Sent::default())
            }
            Some(Kind::AnswerPress(_) | Kind::Typing(_)) => Ok(Sent::default()),
            None => Err(Outcome::Fatal("an action of an unknown kind".to_owned())),
        }
    }
}

#[async_trait]
impl Adapter for Qq {
    fn profile(&self) -> Profile {
        Profile {
            kind: KIND,
            bot: self.account.myself().id.to_string(),
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: ProgressStyle::Messages.into(),
                buttons: false,
                files_out: true,
                files_in: true,
                markup: false,
                reply: true,
                delete: true,
                menu: false,
                text_limit: u32::try_from(outbound::TEXT_LIMIT).unwrap_or(u32::MAX),
                text_unit: TextUnit::Utf16.into(),
                file_out_limit: self.account.file_limit(self.config.upload_limit),
                file_in_limit: self.config.download_limit,
                operator_terminal: false,
            },
            flood: FloodLimits {
                room_per_second: self.config.room_per_second,
                ..FloodLimits::default()
            },
            patience: None,
        }
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        self.account.receive(inbox, stop).await
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        match self.try_perform(errand).await {
            Ok(sent) => Outcome::Ok(sent),
            Err(outcome) => outcome,
        }
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        self.account.open(attachment).await
    }

    async fn look(&self) -> Vec<Finding> {
        self.account.look().await
    }
}

/// Whether the chat shows the file as a picture.
fn is_picture(file: &FileRef) -> bool {
    const LARGEST: u64 = 10_000_000;
    file.mime == "image/png" && file.size <= LARGEST
}

/// The name that the receiver sees.
fn file_name(file: &FileRef) -> String {
    let name = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.trim() {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
