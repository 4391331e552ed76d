//! Personal WeChat, over the platform's own HTTP interface for bots (iLink).
//!
//! There is no bot that everybody finds: each person scans a code and has a line of their own to us,
//! with its own token, cursor and budget. One adapter serves all of them. There are private chats only;
//! nothing that was sent can be changed; and after a word of a person so many messages may follow for so
//! long. What is beyond that waits until they write again.

mod account;
mod api;
mod check;
mod cipher;
mod code;
mod config;
mod core;
mod handle;
mod inbound;
mod kept;
mod login;
mod media;
mod outbound;
mod poll;
mod send;
mod typing;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Attachment, Capabilities, Person, ProgressStyle, RateLimited, TextUnit};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

pub use self::code::drawn;
pub use self::config::{Config, Rules};

use self::account::Account;
use self::api::Api;
use self::core::Core;
use self::send::Sender;
use crate::adapter::{Adapter, AdapterError, ByteStream, FloodLimits, Inbox, Profile};
use crate::errand::Errand;
use crate::look::Finding;
use crate::sign_in::{Failure, SignIn};

/// Name of this adapter.
pub const KIND: &str = "wechat";
/// How often the folder is looked at for people who have signed in elsewhere.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The lines of the people who have signed in.
#[derive(Debug)]
pub struct Personal {
    core: Arc<Core>,
}

/// Reads the accounts that are kept.
async fn open(config: Config) -> Result<Core, AdapterError> {
    if config.name.is_empty() {
        return Err(AdapterError::Setting {
            setting: "wechat.name",
            detail: "it is empty".to_owned(),
        });
    }
    let api = Api::new(&config)?;
    let core = Core::new(config, api);
    core.read_folder().await;
    Ok(core)
}

/// Signs one person in without a brain: the line stands in the folder afterwards, where an adapter finds
/// it.
///
/// # Errors
/// The code was not confirmed, or a setting cannot be used.
pub async fn sign_in(config: Config, sign_in: SignIn) -> Result<Person, AdapterError> {
    let core = open(config).await?;
    login::run(&core, sign_in)
        .await
        .map_err(|failure| AdapterError::Call {
            call: "signing in to WeChat",
            detail: failure.to_string(),
        })
}

/// How many people have signed in.
///
/// # Errors
/// A setting cannot be used.
pub async fn people(config: Config) -> Result<usize, AdapterError> {
    Ok(open(config).await?.accounts().len())
}

impl Personal {
    /// Reads the accounts that are kept. Nobody need have signed in yet.
    ///
    /// # Errors
    /// A setting cannot be used.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        let core = open(config).await?;
        let people = core.accounts().len();
        if people == 0 {
            tracing::warn!(
                "nobody has signed in to WeChat: run `jarvis adapter wechat --login`, or send /signin in \
                 another chat"
            );
        } else {
            tracing::info!(people, "people who have signed in to WeChat");
        }
        Ok(Self {
            core: Arc::new(core),
        })
    }
}

#[async_trait]
impl Adapter for Personal {
    fn profile(&self) -> Profile {
        let config = &self.core.config;
        Profile {
            kind: KIND,
            bot: config.name.clone(),
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: ProgressStyle::Messages.into(),
                buttons: false,
                files_out: true,
                files_in: true,
                markup: config.markdown,
                reply: false,
                delete: false,
                menu: false,
                text_limit: u32::try_from(config.rules.text_limit).unwrap_or(u32::MAX),
                text_unit: TextUnit::Characters.into(),
                file_out_limit: config.upload_limit,
                file_in_limit: config.download_limit,
                operator_terminal: false,
            },
            // Each line has a pace of its own.
            flood: FloodLimits::default(),
            patience: None,
        }
    }

    async fn receive(&self, inbox: Inbox, stop: CancellationToken) -> Result<(), AdapterError> {
        self.core.set_inbox(Some(inbox.clone()));
        let mut listening = JoinSet::new();
        let mut heard: Vec<Arc<Account>> = Vec::new();
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let accounts = self.core.accounts();
            heard.retain(|one| accounts.iter().any(|known| Arc::ptr_eq(one, known)));
            for account in accounts {
                if heard.iter().any(|one| Arc::ptr_eq(one, &account)) {
                    continue;
                }
                heard.push(account.clone());
                let (core, inbox) = (self.core.clone(), inbox.clone());
                listening.spawn(poll::listen(core, account, inbox, stop.clone()));
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.core.changed.notified() => {}
                _ = look.tick() => self.core.read_folder().await,
                Some(ended) = listening.join_next() => {
                    if let Err(panic) = ended {
                        tracing::error!(%panic, "listening on a line has failed");
                    }
                }
            }
        }
        while listening.join_next().await.is_some() {}
        self.core.set_inbox(None);
        Ok(())
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        let room = errand.action().room.as_ref();
        let room = room.map_or("", |room| room.id.as_str());
        let Some(account) = self.core.account(room) else {
            return Outcome::Forbidden("nobody with this id has signed in here".to_owned());
        };
        let sender = Sender {
            core: &self.core,
            errand,
            account,
        };
        match sender.perform().await {
            Ok(sent) => Outcome::Ok(sent),
            Err(outcome) => outcome,
        }
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        if let Some(picture) = login::picture(&attachment.handle) {
            return Ok(futures::stream::once(async { Ok(Bytes::from(picture)) }).boxed());
        }
        media::fetch(&self.core, &attachment.name, &attachment.handle).await
    }

    async fn look(&self) -> Vec<Finding> {
        check::look(&self.core).await
    }

    fn signs_people_in(&self) -> bool {
        true
    }

    async fn sign_in(&self, sign_in: SignIn) -> Result<Person, Failure> {
        login::run(&self.core, sign_in).await
    }
}

/// The outcome of an action that has to wait.
fn wait_for(wait: Duration) -> Outcome {
    let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Outcome::RateLimited(RateLimited { retry_after_ms })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
