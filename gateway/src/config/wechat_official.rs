//! `[wechat_official]`: one Official Account of WeChat.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jarvis_adapters::wechat::official;
use serde::Deserialize;

use super::callback::Callback;
use super::{Secret, parse};

/// `[wechat_official]`: one Official Account of WeChat.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeChatOfficial {
    /// `AppID`; with it, `jarvis up` serves the account too.
    pub(crate) app_id: Option<String>,
    /// `AppSecret`.
    pub(crate) secret: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Signs what WeChat posts.
    pub(crate) token: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) token_file: Option<PathBuf>,
    /// `EncodingAESKey`: encrypts what WeChat posts.
    pub(crate) aes_key: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) aes_key_file: Option<PathBuf>,
    pub(crate) mode: WeChatMode,
    pub(crate) api_url: url::Url,
    /// Where we listen, for the reverse proxy that terminates TLS.
    pub(crate) listen: SocketAddr,
    /// The address that was set at the account's page; its path is what we answer on.
    pub(crate) url: Option<url::Url>,
    /// Language of people who have not set theirs.
    pub(crate) language: String,
    /// Messages may be sent later than at once.
    pub(crate) customer: bool,
    /// Largest file fetched from a chat, bytes.
    #[serde(deserialize_with = "parse::bytes")]
    pub(crate) download_limit: u64,
    pub(crate) callback: Callback,
    pub(crate) limits: WeChatLimits,
}

impl Default for WeChatOfficial {
    fn default() -> Self {
        let usual = official::Config::new("", String::new().into());
        Self {
            app_id: None,
            secret: None,
            secret_file: None,
            token: None,
            token_file: None,
            aes_key: None,
            aes_key_file: None,
            mode: WeChatMode::Encrypted,
            api_url: usual.api_url,
            listen: usual.callback.listen,
            url: None,
            language: usual.language,
            customer: usual.customer,
            download_limit: usual.download_limit,
            callback: Callback::default(),
            limits: WeChatLimits::default(),
        }
    }
}

impl WeChatOfficial {
    /// What is missing, when something but not all of what is needed is there.
    pub(super) fn problem(&self) -> Option<String> {
        let mut needed = vec![
            ("app_id", self.app_id.is_some()),
            ("secret", self.secret.is_some()),
            ("token", self.token.is_some()),
            ("url", self.url.is_some()),
        ];
        let is_used = needed.iter().any(|(_, is_there)| *is_there);
        if self.mode != WeChatMode::Plain && (is_used || self.aes_key.is_some()) {
            needed.push(("aes_key", self.aes_key.is_some()));
        }
        super::incomplete("wechat_official", &needed)
    }
}

/// How WeChat posts messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WeChatMode {
    /// In the open.
    Plain,
    /// In the open and encrypted.
    Compatible,
    /// Encrypted.
    Encrypted,
}

/// `[wechat_official.limits]`: what the platform allows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeChatLimits {
    /// Longest message, bytes.
    pub(crate) text: usize,
    /// How long somebody who has spoken may be written to, and how often.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) window: Duration,
    pub(crate) messages: u32,
    pub(crate) calls_per_second: u32,
}

impl Default for WeChatLimits {
    fn default() -> Self {
        let rules = official::Rules::default();
        Self {
            text: rules.text_limit,
            window: rules.window,
            messages: rules.messages,
            calls_per_second: rules.calls_per_second,
        }
    }
}
