//! `[wecom_app]`: one self-built app of WeCom.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jarvis_adapters::wechat::app;
use serde::Deserialize;

use super::callback::Callback;
use super::{Secret, parse};

/// `[wecom_app]`: one self-built app of WeCom.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeComApp {
    /// The corporation's id; with it, `jarvis up` serves the app too.
    pub(crate) corp_id: Option<String>,
    /// The app's number.
    pub(crate) agent_id: Option<u64>,
    pub(crate) secret: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Signs what WeCom posts.
    pub(crate) token: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) token_file: Option<PathBuf>,
    /// `EncodingAESKey`: encrypts what WeCom posts.
    pub(crate) aes_key: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) aes_key_file: Option<PathBuf>,
    pub(crate) api_url: url::Url,
    /// Where we listen, for the reverse proxy that terminates TLS.
    pub(crate) listen: SocketAddr,
    /// The address that was set at the app's page; its path is what we answer on.
    pub(crate) url: Option<url::Url>,
    /// Language of people who have not set theirs.
    pub(crate) language: String,
    pub(crate) markdown: bool,
    pub(crate) buttons: bool,
    /// Largest file sent to a chat, bytes.
    #[serde(deserialize_with = "parse::bytes")]
    pub(crate) upload_limit: u64,
    /// Largest picture; a larger one goes as a file. Bytes.
    #[serde(deserialize_with = "parse::bytes")]
    pub(crate) picture_limit: u64,
    /// Largest file fetched from a chat, bytes.
    #[serde(deserialize_with = "parse::bytes")]
    pub(crate) download_limit: u64,
    pub(crate) callback: Callback,
    pub(crate) limits: WeComAppLimits,
}

impl Default for WeComApp {
    fn default() -> Self {
        let usual = app::Config::new("", 0, String::new().into());
        Self {
            corp_id: None,
            agent_id: None,
            secret: None,
            secret_file: None,
            token: None,
            token_file: None,
            aes_key: None,
            aes_key_file: None,
            api_url: usual.api_url,
            listen: usual.callback.listen,
            url: None,
            language: usual.language,
            markdown: usual.markdown,
            buttons: usual.buttons,
            upload_limit: usual.upload_limit,
            picture_limit: usual.picture_limit,
            download_limit: usual.download_limit,
            callback: Callback::default(),
            limits: WeComAppLimits::default(),
        }
    }
}

impl WeComApp {
    /// What is missing, when something but not all of what is needed is there.
    pub(super) fn problem(&self) -> Option<String> {
        let needed = [
            ("corp_id", self.corp_id.is_some()),
            ("agent_id", self.agent_id.is_some()),
            ("secret", self.secret.is_some()),
            ("token", self.token.is_some()),
            ("aes_key", self.aes_key.is_some()),
            ("url", self.url.is_some()),
        ];
        super::incomplete("wecom_app", &needed)
    }
}

/// `[wecom_app.limits]`: what the platform allows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeComAppLimits {
    /// Longest message, bytes.
    pub(crate) text: usize,
    /// Messages to one person.
    pub(crate) per_minute: usize,
    pub(crate) per_hour: usize,
    pub(crate) calls_per_second: u32,
    /// Buttons of one card.
    pub(crate) card_buttons: usize,
    /// The platform drops a message that is the same as one within this time.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) same_within: Duration,
}

impl Default for WeComAppLimits {
    fn default() -> Self {
        let rules = app::Rules::default();
        Self {
            text: rules.text_limit,
            per_minute: rules.per_minute,
            per_hour: rules.per_hour,
            calls_per_second: rules.calls_per_second,
            card_buttons: rules.card_buttons,
            same_within: rules.same_within,
        }
    }
}
