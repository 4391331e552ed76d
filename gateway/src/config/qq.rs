//! `[qq]`: one official bot of QQ.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jarvis_adapters::qq::official::{self, Rules};
use serde::Deserialize;

use super::{Secret, parse};

/// `[qq]`: one official bot of QQ.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Qq {
    /// `AppID`; with it, `jarvis up` serves the bot too.
    pub(crate) app_id: Option<String>,
    /// `AppSecret`.
    pub(crate) secret: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) secret_file: Option<PathBuf>,
    pub(crate) api_url: url::Url,
    pub(crate) token_url: url::Url,
    /// `None`: the API names the gateway.
    pub(crate) gateway_url: Option<url::Url>,
    /// Where `jarvis adapter qq --create` makes bots.
    pub(crate) portal_url: url::Url,
    pub(crate) mode: QqMode,
    /// Language of people who have not set theirs.
    pub(crate) language: String,
    pub(crate) markdown: bool,
    pub(crate) buttons: bool,
    /// Largest file sent to a chat, bytes.
    pub(crate) upload_limit: u64,
    /// Largest file fetched from a chat, bytes.
    pub(crate) download_limit: u64,
    pub(crate) webhook: QqWebhook,
    pub(crate) limits: QqLimits,
}

impl Default for Qq {
    fn default() -> Self {
        let usual = official::Config::new("", String::new().into());
        Self {
            app_id: None,
            secret: None,
            secret_file: None,
            api_url: usual.api_url,
            token_url: usual.token_url,
            gateway_url: None,
            portal_url: url::Url::parse("https://q.qq.com").expect("a constant URL"),
            mode: QqMode::Websocket,
            language: usual.language,
            markdown: usual.markdown,
            buttons: usual.buttons,
            upload_limit: usual.upload_limit,
            download_limit: usual.download_limit,
            webhook: QqWebhook::default(),
            limits: QqLimits::default(),
        }
    }
}

/// How events come from QQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QqMode {
    /// We hold a connection; needs no open port.
    Websocket,
    /// QQ calls us.
    Webhook,
}

/// `[qq.webhook]`: used with `mode = "webhook"`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QqWebhook {
    /// Where we listen, for the reverse proxy that terminates TLS.
    pub(crate) listen: SocketAddr,
    /// The address that was set at q.qq.com; its path is what we answer on.
    pub(crate) url: Option<url::Url>,
}

impl Default for QqWebhook {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8444)),
            url: None,
        }
    }
}

/// `[qq.limits]`: what the platform allows this bot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QqLimits {
    /// Answers to one message.
    pub(crate) replies: u32,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) private_window: Duration,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) group_window: Duration,
    /// Longest message, characters.
    pub(crate) text: usize,
    /// Messages that answer nothing.
    pub(crate) unasked: bool,
    pub(crate) room_per_minute: usize,
    pub(crate) room_per_day: usize,
    pub(crate) private_per_minute: usize,
    pub(crate) group_per_minute: usize,
    pub(crate) calls_per_second: u32,
    /// Larger files go up in parts, bytes.
    pub(crate) single_upload: u64,
}

impl Default for QqLimits {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            replies: rules.replies,
            private_window: rules.private_window,
            group_window: rules.group_window,
            text: rules.text_limit,
            unasked: rules.unasked,
            room_per_minute: rules.room_per_minute,
            room_per_day: rules.room_per_day,
            private_per_minute: rules.private_per_minute,
            group_per_minute: rules.group_per_minute,
            calls_per_second: rules.calls_per_second,
            single_upload: rules.single_upload,
        }
    }
}
