//! What the Telegram adapter has to be told.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::adapter::FloodLimits;

/// One Telegram bot.
#[derive(Debug, Clone)]
pub struct Config {
    /// What @BotFather gave.
    pub token: SecretString,
    /// The Bot API server.
    pub api_url: Url,
    /// How updates come.
    pub mode: Mode,
    /// Largest file sent to a chat, in bytes. 50 MB, unless the API server is one's own.
    pub upload_limit: u64,
    /// Largest file fetched from a chat, in bytes. 20 MB, unless the API server is one's own.
    pub download_limit: u64,
    /// How fast the bot sends.
    pub flood: FloodLimits,
}

/// How updates come from Telegram.
#[derive(Debug, Clone)]
pub enum Mode {
    /// We ask; needs no open port.
    Polling {
        /// How long Telegram holds a question open when nothing happens.
        timeout: Duration,
    },
    /// Telegram calls us.
    Webhook(Webhook),
}

/// Where Telegram calls us.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where we listen, in plain HTTP: a reverse proxy speaks TLS before us.
    pub listen: SocketAddr,
    /// What Telegram calls.
    pub url: Url,
    /// Sent back by Telegram in a header, 1 to 256 of `A-Z a-z 0-9 _ -`; `None`: a random one.
    pub secret: Option<SecretString>,
}

impl Config {
    /// A bot of the public server that polls, with Telegram's published limits.
    #[must_use]
    pub fn new(token: SecretString) -> Self {
        Self {
            token,
            api_url: Url::parse("https://api.telegram.org").expect("a constant URL"),
            mode: Mode::Polling {
                timeout: Duration::from_secs(25),
            },
            upload_limit: 50_000_000,
            download_limit: 20_000_000,
            flood: FloodLimits {
                overall_per_second: 30,
                room_per_second: 1,
                group_per_minute: 20,
            },
        }
    }
}
