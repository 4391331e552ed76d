//! A self-built app of WeCom.
//!
//! WeCom posts what people write to the app, encrypted, to an address of ours; what there is to say is sent
//! by its API. Only private rooms: an app hears nothing in groups. Nothing that was sent can be changed but
//! for the buttons of a card.

mod card;
mod check;
mod config;
mod core;
mod intake;
mod said;
mod send;

use std::sync::Arc;

use async_trait::async_trait;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Attachment, Capabilities, ProgressStyle, TextUnit};
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

pub use self::config::{Config, Rules};

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
pub const KIND: &str = "wecom-app";

/// One app.
#[derive(Debug)]
pub struct WeComApp {
    core: Arc<Core>,
}

impl WeComApp {
    /// Shows the credentials to the platform; tries until there is an answer. Cancel-safe.
    ///
    /// # Errors
    /// When the platform refuses them, or a setting cannot be used.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        for (setting, is_empty) in [
            ("wecom_app.corp_id", config.corp_id.is_empty()),
            ("wecom_app.secret", config.secret.expose_secret().is_empty()),
            ("wecom_app.token", config.token.expose_secret().is_empty()),
        ] {
            if is_empty {
                let detail = "it is empty".to_owned();
                return Err(AdapterError::Setting { setting, detail });
            }
        }
        envelope(&config)?;
        let http = client(&config.api_url, "wecom_app.api_url")?;
        let login = Login::WeCom {
            corporation: config.corp_id.clone(),
            secret: config.secret.clone(),
        };
        let api = Api::new(http, config.api_url.clone(), login);
        log_in(&api, "WeCom").await?;
        Ok(Self {
            core: Arc::new(Core::new(config, api)),
        })
    }
}

fn envelope(config: &Config) -> Result<Envelope, AdapterError> {
    Envelope::new(config.token.clone(), &config.aes_key, &config.corp_id).map_err(|error| {
        AdapterError::Setting {
            setting: "wecom_app.aes_key",
            detail: error.to_string(),
        }
    })
}

#[async_trait]
impl Adapter for WeComApp {
    fn profile(&self) -> Profile {
        let config = &self.core.config;
        Profile {
            kind: KIND,
            bot: format!("{}-{}", config.corp_id, config.agent_id),
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: ProgressStyle::Messages.into(),
                buttons: config.buttons,
                files_out: true,
                files_in: true,
                markup: config.markdown,
                reply: false,
                delete: true,
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
        let intake = Intake {
            core: self.core.clone(),
            inbox,
            envelope: envelope(&self.core.config)?,
        };
        let address = self.core.config.callback.clone();
        let ended = callback::listen(address, "wecom_app.listen", intake, &stop).await;
        *lock(&self.core.inbox) = None;
        ended
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        let room = errand.action().room.as_ref();
        let user = room.map_or("", |room| room.id.as_str());
        if !inbound::is_person(user) {
            return Outcome::Fatal(format!("`{user}` is nobody of WeCom"));
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
