//! The robots of WeCom (智能机器人).
//!
//! Events come over a connection that we hold, or WeCom calls us. With the connection a message is
//! answered, or sent unasked within the platform's limits; a running job is a bubble whose text is
//! replaced, for as long as the platform gives it; buttons are cards. A robot has one owner: who logs in
//! last has it.

mod answers;
mod bubble;
mod callback;
mod check;
mod config;
mod connection;
mod core;
mod frame;
mod handle;
mod inbound;
mod limits;
mod line;
mod media;
mod outbound;
mod place;
mod progress;
mod send;
mod upload;
mod words;

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Attachment, Capabilities, ProgressStyle, TextUnit};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

pub use self::check::look;
pub use self::config::{Callback, Config, Connection, Mode, Rules};

use self::core::Core;
use self::line::lock;
use self::media::{Media, is_here};
use self::place::Place;
use self::send::Sender;
use super::crypto::Envelope;
use crate::adapter::{Adapter, AdapterError, ByteStream, FloodLimits, Inbox, Profile};
use crate::errand::Errand;
use crate::look::Finding;
use crate::websocket::Socket;

/// Name of this adapter.
pub const KIND: &str = "wecom";

/// One robot.
pub struct WecomBot {
    core: Arc<Core>,
    /// The connection that was made at the start.
    first: Mutex<Option<Socket>>,
    /// Held for as long as this process has the robot's connection.
    _lock: Option<File>,
}

impl fmt::Debug for WecomBot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WecomBot")
            .field("bot_id", &self.core.config.bot_id)
            .finish_non_exhaustive()
    }
}

impl WecomBot {
    /// Logs in; tries until there is an answer. Cancel-safe. A robot that is called by WeCom needs no
    /// login.
    ///
    /// # Errors
    /// When the platform refuses the credentials, a setting cannot be used, or another Jarvis of this
    /// data folder has the robot.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        let core = Arc::new(core(config)?);
        let (first, held) = match &core.config.mode {
            Mode::Callback(_) => (None, None),
            Mode::Connection(to) => {
                let held = match &core.config.lock_file {
                    Some(file) => Some(hold(file)?),
                    None => None,
                };
                (Some(connection::connect(&core.config, to).await?), held)
            }
        };
        Ok(Self {
            core,
            first: Mutex::new(first),
            _lock: held,
        })
    }
}

/// Whether a Jarvis on this machine has the robot's connection.
#[must_use]
pub fn is_held(config: &Config) -> bool {
    match (&config.mode, &config.lock_file) {
        (Mode::Connection(_), Some(file)) => file.exists() && hold(file).is_err(),
        _ => false,
    }
}

fn hold(path: &Path) -> Result<File, AdapterError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AdapterError::InUse {
            setting: "wecom.bot_id",
            detail: "another Jarvis on this machine has this robot; a second login would take it away",
        }),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// What a robot needs before anybody is asked.
fn core(config: Config) -> Result<Core, AdapterError> {
    let missing = |setting| AdapterError::Setting {
        setting,
        detail: "it is empty".to_owned(),
    };
    if config.bot_id.is_empty() {
        return Err(missing("wecom.bot_id"));
    }
    let (envelope, is_here) = match &config.mode {
        Mode::Connection(to) if to.secret.expose_secret().is_empty() => {
            return Err(missing("wecom.secret"));
        }
        Mode::Connection(to) => (None, is_here(&to.url)),
        Mode::Callback(to) => {
            if to.token.expose_secret().is_empty() {
                return Err(missing("wecom.callback.token"));
            }
            // A robot of a company has no receiver in its messages.
            let envelope = Envelope::new(to.token.clone(), &to.aes_key, "");
            let envelope = envelope.map_err(|error| AdapterError::Setting {
                setting: "wecom.callback.aes_key",
                detail: error.to_string(),
            })?;
            (Some(envelope), false)
        }
    };
    let media = Media::new(config.download_limit, config.rules.link_life, is_here)?;
    Ok(Core::new(config, media, envelope))
}

#[async_trait]
impl Adapter for WecomBot {
    fn profile(&self) -> Profile {
        let config = &self.core.config;
        let sends_files = matches!(config.mode, Mode::Connection(_));
        Profile {
            kind: KIND,
            bot: config.bot_id.clone(),
            bot_name: config.name.clone(),
            capabilities: Capabilities {
                progress: ProgressStyle::Edit.into(),
                buttons: config.buttons,
                files_out: sends_files,
                files_in: true,
                markup: true,
                reply: false,
                delete: false,
                menu: false,
                text_limit: u32::try_from(config.rules.text_limit).unwrap_or(u32::MAX),
                text_unit: TextUnit::Bytes.into(),
                file_out_limit: config.upload_limit,
                file_in_limit: config.download_limit,
                operator_terminal: false,
            },
            flood: FloodLimits {
                overall_per_second: config.rules.calls_per_second,
                ..FloodLimits::default()
            },
            patience: None,
        }
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        *lock(&self.core.inbox) = Some(inbox.clone());
        let core = self.core.clone();
        let ended = match (&self.core.config.mode, &self.core.envelope) {
            (Mode::Callback(to), Some(envelope)) => {
                callback::listen(core, to, envelope.clone(), inbox, &stop).await
            }
            (Mode::Connection(to), _) => {
                let first = lock(&self.first).take();
                connection::listen(core, to, first, inbox, &stop).await
            }
            (Mode::Callback(_), None) => Ok(()),
        };
        *lock(&self.core.inbox) = None;
        ended
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        let room = errand.action().room.as_ref();
        let room = room.map_or("", |room| room.id.as_str());
        let Some(place) = Place::parse(room) else {
            return Outcome::Fatal(format!("`{room}` is no room of WeCom"));
        };
        let core = &*self.core;
        let done = match &core.config.mode {
            Mode::Connection(_) => {
                let sender = Sender {
                    core,
                    errand,
                    place,
                };
                sender.perform().await
            }
            Mode::Callback(_) => {
                let sender = callback::Sender {
                    core,
                    errand,
                    place,
                };
                sender.perform().await
            }
        };
        match done {
            Ok(sent) => Outcome::Ok(sent),
            Err(outcome) => outcome,
        }
    }

    async fn look(&self) -> Vec<Finding> {
        look(&self.core.config).await
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        let envelope = self.core.envelope.as_ref();
        self.core.media.open(attachment, envelope).await
    }
}
