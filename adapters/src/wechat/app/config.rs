//! What the adapter of a WeCom app has to be told.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::wechat::callback::Callback;

/// One self-built app of a WeCom corporation.
#[derive(Debug, Clone)]
pub struct Config {
    /// The corporation's id.
    pub corp_id: String,
    /// The app's number.
    pub agent_id: u64,
    /// The app's secret.
    pub secret: SecretString,
    /// Signs what WeCom posts to us.
    pub token: SecretString,
    /// Encrypts what WeCom posts to us.
    pub aes_key: SecretString,
    /// The API.
    pub api_url: Url,
    /// Where WeCom calls us.
    pub callback: Callback,
    /// Its age tells a new process how long ago the last one has said something.
    pub state_file: Option<PathBuf>,
    /// Language of people who have not set theirs; the platform does not tell it.
    pub language: String,
    /// Texts with looks go out as markdown. Who reads WeCom's messages in WeChat does not see those.
    pub markdown: bool,
    /// Buttons are shown, as cards. Who reads WeCom's messages in WeChat does not see those.
    pub buttons: bool,
    /// Largest file sent to a chat, in bytes.
    pub upload_limit: u64,
    /// Largest picture, in bytes; a larger one goes as a file.
    pub picture_limit: u64,
    /// Largest file fetched from a chat, in bytes.
    pub download_limit: u64,
    /// What the platform allows.
    pub rules: Rules,
}

/// What the platform allows an app to send. The figures are those of its documentation and may change, so
/// each is a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Longest text of one message, in bytes.
    pub text_limit: usize,
    /// Messages to one person in a minute, and in an hour.
    pub per_minute: usize,
    /// See [`Rules::per_minute`].
    pub per_hour: usize,
    /// Calls in a second, all together.
    pub calls_per_second: u32,
    /// Buttons of one card.
    pub card_buttons: usize,
    /// The platform drops a message that is the same as one within this time.
    pub same_within: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            text_limit: 2048,
            per_minute: 30,
            per_hour: 1000,
            calls_per_second: 50,
            card_buttons: 6,
            same_within: Duration::from_secs(10 * 60),
        }
    }
}

impl Config {
    /// An app of the public servers.
    #[must_use]
    pub fn new(corp_id: impl Into<String>, agent_id: u64, secret: SecretString) -> Self {
        Self {
            corp_id: corp_id.into(),
            agent_id,
            secret,
            token: String::new().into(),
            aes_key: String::new().into(),
            api_url: Url::parse("https://qyapi.weixin.qq.com/cgi-bin").expect("a constant URL"),
            callback: Callback::on(8445, "/wecom"),
            state_file: None,
            language: "zh".to_owned(),
            markdown: false,
            buttons: true,
            upload_limit: 20_000_000,
            picture_limit: 10_000_000,
            download_limit: 20_000_000,
            rules: Rules::default(),
        }
    }
}
