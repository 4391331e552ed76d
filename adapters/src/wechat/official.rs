//! An Official Account of WeChat (公众号).
//!
//! WeChat posts what people write to the account to an address of ours and waits for five seconds: what is
//! said by then goes back as the answer. Later there are messages of customer service, for two days and a few
//! times after each word; beyond that, what there is to say waits until the person speaks. Only private
//! rooms, nothing can be changed, and of files only pictures, voices and videos come in.

mod check;
mod config;
mod core;
mod intake;
mod passive;
mod send;
mod windows;

use std::sync::Arc;

use async_trait::async_trait;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Attachment, Capabilities, ProgressStyle, TextUnit};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

pub use self::config::{Config, Mode, Rules};

use self::core::{Core, lock};
use self::intake::Intake;
use self::send::Sender;
use super::api::{Api, client, log_in};
use super::crypto::Envelope;
use super::download::download;
use super::token::Login;
use super::{callback, inbound};
use crate::adapter::{Adapter, AdapterError, ByteStream, FloodLimits, Inbox, Profile};
use crate::errand::Errand;
use crate::look::Finding;

/// Name of this adapter.
pub const KIND: &str = "wechat-official";

/// One account.
#[derive(Debug)]
pub struct OfficialAccount {
    core: Arc<Core>,
}

impl OfficialAccount {
    /// Shows the credentials to the platform; tries until there is an answer. Cancel-safe.
    ///
    /// # Errors
    /// When the platform refuses them, or a setting cannot be used.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        for (setting, is_empty) in [
            ("wechat_official.app_id", config.app_id.is_empty()),
            (
                "wechat_official.secret",
                config.secret.expose_secret().is_empty(),
            ),
            (
                "wechat_official.token",
                config.token.expose_secret().is_empty(),
            ),
        ] {
            if is_empty {
                let detail = "it is empty".to_owned();
                return Err(AdapterError::Setting { setting, detail });
            }
        }
        envelope(&config)?;
        let http = client(&config.api_url, "wechat_official.api_url")?;
        let login = Login::Official {
            app: config.app_id.clone(),
            secret: config.secret.clone(),
        };
        let api = Api::new(http, config.api_url.clone(), login);
        log_in(&api, "WeChat").await?;
        Ok(Self {
            core: Arc::new(Core::new(config, api)),
        })
    }
}

fn envelope(config: &Config) -> Result<Option<Envelope>, AdapterError> {
    if config.mode == Mode::Plain {
        return Ok(None);
    }
    match Envelope::new(config.token.clone(), &config.aes_key, &config.app_id) {
        Ok(envelope) => Ok(Some(envelope)),
        Err(error) => Err(AdapterError::Setting {
            setting: "wechat_official.aes_key",
            detail: error.to_string(),
        }),
    }
}

#[async_trait]
impl Adapter for OfficialAccount {
    fn profile(&self) -> Profile {
        let config = &self.core.config;
        Profile {
            kind: KIND,
            bot: config.app_id.clone(),
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: ProgressStyle::Messages.into(),
                buttons: false,
                files_out: false,
                files_in: true,
                markup: false,
                reply: false,
                delete: false,
                menu: false,
                text_limit: u32::try_from(config.rules.text_limit).unwrap_or(u32::MAX),
                text_unit: TextUnit::Bytes.into(),
                file_out_limit: 0,
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
        let intake = Intake {
            core: self.core.clone(),
            inbox,
            envelope: envelope(&self.core.config)?,
        };
        let address = self.core.config.callback.clone();
        let ended = callback::listen(address, "wechat_official.listen", intake, &stop).await;
        *lock(&self.core.inbox) = None;
        ended
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        let room = errand.action().room.as_ref();
        let user = room.map_or("", |room| room.id.as_str());
        if !inbound::is_person(user) {
            return Outcome::Fatal(format!("`{user}` is nobody of WeChat"));
        }
        let sender = Sender {
            core: &self.core,
            errand,
            user,
        };
        match sender.perform().await {
            Ok(sent) => Outcome::Ok(sent),
            Err(outcome) => outcome,
        }
    }

    async fn look(&self) -> Vec<Finding> {
        check::look(&self.core).await
    }

    async fn open(&self, attachment: &Attachment) -> Result<ByteStream, AdapterError> {
        download(&self.core.api, attachment, self.core.config.download_limit).await
    }
}
