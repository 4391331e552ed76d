//! The official bot of QQ (bots of q.qq.com).
//!
//! Events come over the gateway's WebSocket or by a webhook. A message may be answered for a while and
//! a few times; beyond that there are unasked messages with quotas, where the room takes them, and
//! where it does not, the message waits until somebody speaks. Nothing that was sent can be changed,
//! but for the bubble of a running job in a private room.

mod answer;
mod api;
mod check;
mod closing;
mod config;
mod core;
mod creation;
mod form;
mod frame;
mod gateway;
mod inbound;
mod intake;
mod outbound;
mod place;
mod quota;
mod replies;
mod send;
mod session;
mod signature;
mod stream;
mod token;
mod upload;
mod verdict;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Attachment, Capabilities, ProgressStyle, TextUnit};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

pub use self::config::{Config, Mode, Rules, Webhook};
pub use self::creation::{Creation, NewBot};

use self::api::{Api, CALL_LIMIT};
use self::core::{Core, lock};
use self::intake::Intake;
use self::place::Place;
use self::send::Sender;
use self::session::Sessions;
use self::token::{TokenError, Tokens};
use crate::adapter::{Adapter, AdapterError, ByteStream, FloodLimits, Inbox, Profile};
use crate::errand::Errand;
use crate::host::retry;
use crate::look::Finding;

/// Name of this adapter.
pub const KIND: &str = "qq";
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// One official bot.
#[derive(Debug)]
pub struct QqBot {
    core: Arc<Core>,
}

impl QqBot {
    /// Shows the credentials to the platform; tries until there is an answer. Cancel-safe.
    ///
    /// # Errors
    /// When the platform refuses them, or a setting cannot be used.
    pub async fn connect(config: Config) -> Result<Self, AdapterError> {
        let missing = |setting, detail: &str| AdapterError::Setting {
            setting,
            detail: detail.to_owned(),
        };
        if config.app_id.is_empty() {
            return Err(missing("qq.app_id", "it is empty"));
        }
        if config.secret.expose_secret().is_empty() {
            return Err(missing("qq.secret", "it is empty"));
        }
        let http = client(&[&config.api_url, &config.token_url])?;
        let tokens = Tokens::new(
            http.clone(),
            config.token_url.clone(),
            config.app_id.clone(),
            config.secret.clone(),
        );
        let mut delays = retry::delays();
        loop {
            match tokens.get().await {
                Ok(_) => break,
                Err(error @ TokenError::Refused(_)) => {
                    tracing::error!(%error, "QQ refuses this bot");
                    return Err(AdapterError::Token { platform: "QQ" });
                }
                Err(error) => tracing::warn!(%error, "QQ cannot be reached, trying again"),
            }
            tokio::time::sleep(delays.next().unwrap_or(CALL_LIMIT)).await;
        }
        let api = Api::new(http, tokens, config.api_url.clone());
        Ok(Self {
            core: Arc::new(Core::new(config, api)),
        })
    }
}

#[async_trait]
impl Adapter for QqBot {
    fn profile(&self) -> Profile {
        let config = &self.core.config;
        Profile {
            kind: KIND,
            bot: config.app_id.clone(),
            // People choose the bot from a list; what they type is an id that it is told about.
            bot_name: String::new(),
            capabilities: Capabilities {
                progress: ProgressStyle::Edit.into(),
                buttons: config.buttons && config.markdown,
                files_out: true,
                files_in: true,
                markup: config.markdown,
                reply: true,
                delete: true,
                menu: false,
                text_limit: u32::try_from(config.rules.text_limit).unwrap_or(u32::MAX),
                text_unit: TextUnit::Characters.into(),
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
        };
        let ended = match &self.core.config.mode {
            Mode::WebSocket => {
                let file = self.core.config.state_file.clone();
                let sessions = Arc::new(Sessions::open(file).await);
                gateway::listen(intake, sessions, &stop).await
            }
            Mode::Webhook(webhook) => webhook::listen(webhook, intake, &stop).await,
        };
        *lock(&self.core.inbox) = None;
        ended
    }

    async fn perform(&self, errand: &Errand) -> Outcome {
        let room = errand.action().room.as_ref();
        let room = room.map_or("", |room| room.id.as_str());
        let Some(place) = Place::parse(room) else {
            return Outcome::Fatal(format!("`{room}` is no room of QQ"));
        };
        let sender = Sender {
            core: &self.core,
            errand,
            place,
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
        let failed = |detail: String| AdapterError::Attachment {
            name: attachment.name.clone(),
            detail,
        };
        let url = Url::parse(&attachment.handle)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| failed("QQ gave no usable address for it".to_owned()))?;
        let response = self
            .core
            .api
            .http
            .get(url)
            .send()
            .await
            .map_err(|error| failed(answer::network(error)))?;
        let status = response.status();
        if !status.is_success() {
            return Err(failed(format!(
                "QQ answers with status {}",
                status.as_u16()
            )));
        }
        let most = self.core.config.download_limit;
        let too_large = move || format!("it has more than {most} bytes");
        if response.content_length().is_some_and(|size| size > most) {
            return Err(failed(too_large()));
        }
        let mut left = most;
        let pieces = response.bytes_stream().map(move |piece| {
            let piece = piece.map_err(|error| std::io::Error::other(answer::network(error)))?;
            left = left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| std::io::Error::other(too_large()))?;
            Ok(piece)
        });
        Ok(pieces.boxed())
    }
}

/// The HTTP client. It has no time limit of its own: each call has one that fits what it moves.
fn client(addresses: &[&Url]) -> Result<reqwest::Client, AdapterError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .user_agent(concat!("jarvis/", env!("CARGO_PKG_VERSION")))
        .tcp_nodelay(true);
    let is_here = |url: &&Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if addresses.iter().all(is_here) {
        // A proxy of the environment does not lead to this machine.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| AdapterError::Setting {
        setting: "qq",
        detail: answer::network(error),
    })
}
