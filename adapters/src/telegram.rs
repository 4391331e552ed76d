//! Telegram, over the Bot API.
//!
//! Updates come by long polling or by a webhook; either way Telegram keeps an update until the brain
//! has stored its event. Texts go out as HTML and fall back to plain text.

mod calls;
mod config;
mod inbound;
mod intake;
mod mention;
mod outbound;
mod polling;
mod send;
mod webhook;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Attachment, Capabilities, CommandMenu, ProgressStyle, Room, Sent, TextUnit,
};
use secrecy::ExposeSecret;
use teloxide::Bot;
use teloxide::net::Download;
use teloxide::payloads::SetMyCommandsSetters;
use teloxide::requests::Requester;
use teloxide::types::{ChatId, FileId};
use tokio_util::sync::CancellationToken;
use url::Host;

pub use self::config::{Config, Mode, Webhook};

use self::calls::{CALL_LIMIT, CallError, call};
use self::inbound::Myself;
use self::intake::{Intake, Presses};
use self::send::{Failure, Sender};
use crate::adapter::{Adapter, AdapterError, ByteStream, Inbox, Profile};
use crate::cause::innermost;
use crate::errand::Errand;
use crate::host::retry;
use crate::recent::Recent;

const KIND: &str = "telegram";
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Groups whose new id is remembered.
const REMEMBERED_MOVES: usize = 1024;

/// One Telegram bot.
pub struct Telegram {
    config: Config,
    bot: Bot,
    myself: Myself,
    presses: Presses,
    inbox: Mutex<Option<Inbox>>,
    /// Old id of a group → its new one, for actions that were written before the move was known.
    moved: Mutex<Recent<ChatId, ChatId>>,
    menu: Mutex<Option<CommandMenu>>,
}

impl fmt::Debug for Telegram {
    /// Without the bot, whose own text would show its token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telegram")
            .field("bot", &self.myself)
            .finish_non_exhaustive()
    }
}

impl Telegram {
    /// Asks Telegram who this bot is; tries until there is an answer. Cancel-safe.
    ///
    /// # Errors
    /// When Telegram refuses the token, or a setting cannot be used.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        if config.api_url.cannot_be_a_base() {
            let detail = format!("`{}` is no address of a server", config.api_url);
            return Err(AdapterError::Setting {
                setting: "telegram.api_url",
                detail,
            });
        }
        let client = client(&config)?;
        let bot = Bot::with_client(config.token.expose_secret(), client)
            .set_api_url(config.api_url.clone());
        let mut delays = retry::delays();
        let me = loop {
            match call(CALL_LIMIT, bot.get_me()).await {
                Ok(me) => break me,
                Err(error) if error.is_bad_token() => {
                    return Err(AdapterError::Token { platform: KIND });
                }
                Err(error) => tracing::warn!(%error, "telegram cannot be reached, trying again"),
            }
            tokio::time::sleep(delays.next().unwrap_or(CALL_LIMIT)).await;
        };
        let name = me.user.username.clone().unwrap_or_default();
        tracing::info!(
            bot = name,
            sees_all = me.can_read_all_group_messages,
            "telegram knows us"
        );
        Ok(Self {
            config,
            presses: Presses::new(bot.clone()),
            bot,
            myself: Myself {
                id: me.user.id.0,
                name,
            },
            inbox: Mutex::new(None),
            moved: Mutex::new(Recent::new(REMEMBERED_MOVES)),
            menu: Mutex::new(None),
        })
    }

    /// Remembers a group's new id and tells the brain.
    async fn note_move(&self, room: Option<&Room>, old: ChatId, new: ChatId) {
        lock(&self.moved).insert(old, new);
        let inbox = lock(&self.inbox).clone();
        if let (Some(inbox), Some(room)) = (inbox, room) {
            // The host repeats it until it is stored; the action need not wait for that.
            let _ = inbox
                .deliver(inbound::moved(room, new.0, crate::now_ms()))
                .await;
        }
    }
}

#[async_trait]
impl Adapter for Telegram {
    fn profile(&self) -> Profile {
        Profile {
            kind: KIND,
            bot: self.myself.id.to_string(),
            bot_name: self.myself.name.clone(),
            capabilities: Capabilities {
                progress: ProgressStyle::Edit.into(),
                buttons: true,
                files_out: true,
                files_in: true,
                markup: true,
                reply: true,
                delete: true,
                menu: true,
                text_limit: u32::try_from(outbound::TEXT_LIMIT).unwrap_or(u32::MAX),
                text_unit: TextUnit::Utf16.into(),
                file_out_limit: self.config.upload_limit,
                file_in_limit: self.config.download_limit,
                operator_terminal: false,
            },
            flood: self.config.flood,
            patience: None,
        }
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        *lock(&self.inbox) = Some(inbox.clone());
        let intake = Intake {
            myself: self.myself.clone(),
            presses: self.presses.clone(),
            inbox,
        };
        let ended = match &self.config.mode {
            Mode::Polling { timeout } => polling::poll(&self.bot, *timeout, &intake, &stop).await,
            Mode::Webhook(webhook) => webhook::listen(&self.bot, webhook, intake, &stop).await,
        };
        *lock(&self.inbox) = None;
        ended
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        let action = errand.action();
        if let Some(Kind::AnswerPress(answer)) = &action.kind {
            return match self.presses.answer(&answer.event, &answer.text).await {
                Ok(()) => Outcome::Ok(Sent::default()),
                Err(error) => error.outcome(),
            };
        }
        let room = match send::chat_of(action.room.as_ref()) {
            Ok(chat) => chat,
            Err(outcome) => return outcome,
        };
        let mut chat = lock(&self.moved).get(&room).copied().unwrap_or(room);
        // Twice: a group that has moved is tried again under its new id.
        for _ in 0..2 {
            match (Sender {
                bot: &self.bot,
                errand,
                chat,
            })
            .perform()
            .await
            {
                Ok(sent) => return Outcome::Ok(sent),
                Err(Failure::Outcome(outcome)) => return outcome,
                Err(Failure::Moved(new)) => {
                    self.note_move(action.room.as_ref(), room, new).await;
                    chat = new;
                }
            }
        }
        Outcome::Transient("the group has moved".to_owned())
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        let failed = |detail: String| AdapterError::Attachment {
            name: attachment.name.clone(),
            detail,
        };
        let request = self.bot.get_file(FileId(attachment.handle.clone()));
        let file = call(CALL_LIMIT, request)
            .await
            .map_err(|error| failed(error.to_string()))?;
        // An API server of one's own may keep the file on this machine and name its place.
        if file.path.starts_with('/')
            && let Ok(local) = tokio::fs::File::open(&file.path).await
        {
            return Ok(tokio_util::io::ReaderStream::with_capacity(local, 64 * 1024).boxed());
        }
        let bytes = self.bot.download_file_stream(&file.path);
        Ok(bytes
            .map(|piece| {
                // The URL of a file has the token in it.
                piece.map_err(|error| std::io::Error::other(innermost(&error.without_url())))
            })
            .boxed())
    }

    async fn show_menu(&self, menu: &CommandMenu) -> Result<(), AdapterError> {
        if lock(&self.menu).as_ref() == Some(menu) {
            return Ok(());
        }
        for (language, commands) in outbound::menu(menu) {
            let mut request = self.bot.set_my_commands(commands);
            if !language.is_empty() {
                request = request.language_code(language);
            }
            call(CALL_LIMIT, request)
                .await
                .map_err(|error: CallError| AdapterError::Call {
                    call: "setMyCommands",
                    detail: error.to_string(),
                })?;
        }
        *lock(&self.menu) = Some(menu.clone());
        Ok(())
    }
}

/// The HTTP client. It has no time limit of its own: each call has one that fits what it moves.
fn client(config: &Config) -> Result<reqwest::Client, AdapterError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .tcp_nodelay(true);
    let is_here = match config.api_url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if is_here {
        // A proxy of the environment does not lead to this machine.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| AdapterError::Setting {
        setting: "telegram",
        detail: innermost(&error),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
