//! What the QQ adapter has to be told.

use std::net::SocketAddr;

use secrecy::SecretString;
use url::Url;

/// One QQ account.
#[derive(Debug, Clone)]
pub struct Config {
    /// How the program with the QQ login is reached.
    pub transport: Transport,
    /// What that program and we tell each other to be believed.
    pub token: Option<SecretString>,
    /// BCP 47 hint of everybody's language: QQ does not tell it.
    pub language: String,
    /// New messages a second in one room; 0 = no limit. QQ swallows what comes too fast.
    pub room_per_second: u32,
    /// Largest file sent to a chat, in bytes.
    pub upload_limit: u64,
    /// Largest file fetched from a chat, in bytes.
    pub download_limit: u64,
}

/// How the program with the QQ login is reached.
#[derive(Debug, Clone)]
pub enum Transport {
    /// OneBot v11: we connect to its WebSocket server.
    WebSocket {
        /// `ws://HOST:PORT/`.
        url: Url,
    },
    /// OneBot v11: it connects to our WebSocket server.
    Reverse {
        /// Where we listen, in plain HTTP.
        listen: SocketAddr,
    },
    /// OneBot v11: we call its HTTP server, and it posts events to ours.
    Http {
        /// `http://HOST:PORT/`.
        url: Url,
        /// Where we listen, in plain HTTP.
        listen: SocketAddr,
        /// With it the implementation signs what it posts.
        secret: Option<SecretString>,
    },
    /// Milky: we call its HTTP server.
    Milky {
        /// `http://HOST:PORT/`.
        url: Url,
        /// How it tells us of events.
        events: MilkyEvents,
    },
}

/// How a protocol end of Milky tells us of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MilkyEvents {
    /// We open its WebSocket.
    WebSocket,
    /// We open its stream of server-sent events.
    Sse,
    /// It posts them to us, with our token.
    Webhook {
        /// Where we listen, in plain HTTP.
        listen: SocketAddr,
    },
}

impl Config {
    /// With the usual limits.
    #[must_use]
    pub fn new(transport: Transport, token: Option<SecretString>) -> Self {
        Self {
            transport,
            token,
            language: "zh-CN".to_owned(),
            room_per_second: 2,
            upload_limit: 100_000_000,
            download_limit: 100_000_000,
        }
    }
}
