//! What the adapter of an Official Account has to be told.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::wechat::callback::Callback;

/// One Official Account.
#[derive(Debug, Clone)]
pub struct Config {
    /// `AppID`.
    pub app_id: String,
    /// `AppSecret`.
    pub secret: SecretString,
    /// Signs what WeChat posts to us.
    pub token: SecretString,
    /// Encrypts what WeChat posts to us; empty in plain mode.
    pub aes_key: SecretString,
    /// How WeChat posts.
    pub mode: Mode,
    /// The API.
    pub api_url: Url,
    /// Where WeChat calls us.
    pub callback: Callback,
    /// Language of people who have not set theirs; the platform does not tell it.
    pub language: String,
    /// Messages may be sent later, as customer service. Only verified accounts may.
    pub customer: bool,
    /// Largest file fetched from a chat, in bytes.
    pub download_limit: u64,
    /// What the platform allows.
    pub rules: Rules,
}

/// How WeChat posts messages, as chosen at the account's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In the open. The signature does not cover the message.
    Plain,
    /// In the open and encrypted; the encrypted half counts.
    Compatible,
    /// Encrypted.
    Encrypted,
}

/// What the platform allows an account to send. The figures are those of its documentation and have changed
/// before, so each is a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Longest text of one message, in bytes.
    pub text_limit: usize,
    /// How long somebody who has spoken may be written to.
    pub window: Duration,
    /// And how often.
    pub messages: u32,
    /// Calls in a second, all together.
    pub calls_per_second: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            text_limit: 2048,
            window: Duration::from_secs(48 * 3600),
            messages: 5,
            calls_per_second: 50,
        }
    }
}

impl Config {
    /// An account of the public servers.
    #[must_use]
    pub fn new(app_id: impl Into<String>, secret: SecretString) -> Self {
        Self {
            app_id: app_id.into(),
            secret,
            token: String::new().into(),
            aes_key: String::new().into(),
            mode: Mode::Encrypted,
            api_url: Url::parse("https://api.weixin.qq.com/cgi-bin").expect("a constant URL"),
            callback: Callback::on(8446, "/wechat"),
            language: "zh".to_owned(),
            customer: true,
            download_limit: 20_000_000,
            rules: Rules::default(),
        }
    }
}
