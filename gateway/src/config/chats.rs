//! What can be configured of the chat platforms.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{Secret, parse};

/// `[telegram]`: one Telegram bot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Telegram {
    /// What @BotFather gave; with it, `jarvis up` serves the bot too.
    pub(crate) token: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) api_url: url::Url,
    pub(crate) mode: TelegramMode,
    /// How long Telegram holds a poll open when nothing happens.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) poll_timeout: Duration,
    /// Largest file sent to a chat, bytes.
    pub(crate) upload_limit: u64,
    /// Largest file fetched from a chat, bytes.
    pub(crate) download_limit: u64,
    pub(crate) webhook: Webhook,
}

impl Default for Telegram {
    fn default() -> Self {
        Self {
            token: None,
            token_file: None,
            api_url: url::Url::parse("https://api.telegram.org").expect("a constant URL"),
            mode: TelegramMode::Polling,
            poll_timeout: Duration::from_secs(25),
            upload_limit: 50_000_000,
            download_limit: 20_000_000,
            webhook: Webhook::default(),
        }
    }
}

/// How updates come from Telegram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TelegramMode {
    /// We ask; needs no open port.
    Polling,
    /// Telegram calls us.
    Webhook,
}

/// `[telegram.webhook]`: used with `mode = "webhook"`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Where we listen, for the reverse proxy that terminates TLS.
    pub(crate) listen: SocketAddr,
    /// What Telegram calls; needed in webhook mode.
    pub(crate) url: Option<url::Url>,
    /// Sent back by Telegram in a header; `None`: a random one for each run.
    pub(crate) secret: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) secret_file: Option<PathBuf>,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            url: None,
            secret: None,
            secret_file: None,
        }
    }
}

/// `[onebot]`: one QQ account, through a program that is logged in to it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OneBot {
    /// How that program is reached; with anything but `off`, `jarvis up` serves the account too.
    pub(crate) transport: OneBotTransport,
    /// Where it listens.
    pub(crate) url: Option<url::Url>,
    /// Where we listen for it.
    pub(crate) listen: SocketAddr,
    /// With it the program signs the events that it posts.
    pub(crate) secret: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) secret_file: Option<PathBuf>,
    /// What it and we tell each other to be believed.
    pub(crate) token: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) token_file: Option<PathBuf>,
    /// The language of people of whom nothing is known; QQ does not tell it.
    pub(crate) language: String,
    /// New messages a second in one room; 0 = no limit.
    pub(crate) room_per_second: u32,
    /// Largest file sent to a chat, bytes.
    pub(crate) upload_limit: u64,
    /// Largest file fetched from a chat, bytes.
    pub(crate) download_limit: u64,
}

impl Default for OneBot {
    fn default() -> Self {
        Self {
            transport: OneBotTransport::Off,
            url: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 8082)),
            secret: None,
            secret_file: None,
            token: None,
            token_file: None,
            language: "zh-CN".to_owned(),
            room_per_second: 2,
            upload_limit: 100_000_000,
            download_limit: 100_000_000,
        }
    }
}

impl OneBot {
    /// What no single key shows to be wrong.
    pub(crate) fn problem(&self) -> Option<String> {
        let transport = match self.transport {
            OneBotTransport::Off => return None,
            OneBotTransport::Websocket => ("websocket", &["ws", "wss"][..], "ws://127.0.0.1:3001"),
            OneBotTransport::Http => ("http", &["http", "https"][..], "http://127.0.0.1:3000"),
            OneBotTransport::Milky => ("milky", &["http", "https"][..], "http://127.0.0.1:3000"),
            OneBotTransport::MilkySse => {
                ("milky-sse", &["http", "https"][..], "http://127.0.0.1:3000")
            }
            OneBotTransport::MilkyWebhook => (
                "milky-webhook",
                &["http", "https"][..],
                "http://127.0.0.1:3000",
            ),
            OneBotTransport::Reverse => ("reverse", &[][..], ""),
        };
        let (name, schemes, example) = transport;
        if !schemes.is_empty() {
            match &self.url {
                None => {
                    return Some(format!(
                        "`onebot.transport` is \"{name}\", but `onebot.url` is missing: set where the QQ \
                         program listens, such as {example}"
                    ));
                }
                Some(url) if !schemes.contains(&url.scheme()) => {
                    return Some(format!(
                        "`onebot.url` must begin with {}:// for `onebot.transport` \"{name}\"",
                        schemes[0]
                    ));
                }
                Some(_) => {}
            }
        }
        let open = !self.listen.ip().is_loopback();
        match self.transport {
            OneBotTransport::Reverse | OneBotTransport::MilkyWebhook
                if open && self.token.is_none() =>
            {
                Some(format!(
                    "`onebot.listen` is {}, which other machines reach: set `onebot.token`, or anybody \
                     could speak for everybody",
                    self.listen
                ))
            }
            OneBotTransport::Http if open && self.secret.is_none() => Some(format!(
                "`onebot.listen` is {}, which other machines reach: set `onebot.secret`, or anybody could \
                 speak for everybody",
                self.listen
            )),
            _ => None,
        }
    }
}

/// How the program with the QQ login is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OneBotTransport {
    /// Not at all.
    Off,
    /// OneBot v11: we connect to its WebSocket server.
    Websocket,
    /// OneBot v11: it connects to our WebSocket server.
    Reverse,
    /// OneBot v11: we call it by HTTP, and it posts events to us.
    Http,
    /// Milky: we call it by HTTP and open its WebSocket.
    Milky,
    /// Milky: we call it by HTTP and open its stream of server-sent events.
    #[serde(rename = "milky-sse")]
    MilkySse,
    /// Milky: we call it by HTTP, and it posts events to us.
    #[serde(rename = "milky-webhook")]
    MilkyWebhook,
}
