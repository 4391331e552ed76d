//! What the adapter of a robot has to be told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// One robot.
#[derive(Debug, Clone)]
pub struct Config {
    /// `BotID` of the robot.
    pub bot_id: String,
    /// The name by which groups call it, without `@`; empty when it was not told.
    pub name: String,
    /// How events come.
    pub mode: Mode,
    /// Held while this process has the robot's connection, so that no second one takes it away.
    pub lock_file: Option<PathBuf>,
    /// Language of people who have not set theirs; the platform does not tell it.
    pub language: String,
    /// The robot may show cards with buttons.
    pub buttons: bool,
    /// Largest file sent to a chat, in bytes.
    pub upload_limit: u64,
    /// Largest file fetched from a chat, in bytes. It is held in memory while it is decrypted.
    pub download_limit: u64,
    /// What the platform allows.
    pub rules: Rules,
}

/// How events come from WeCom. A robot has one mode at a time.
#[derive(Debug, Clone)]
pub enum Mode {
    /// We hold a connection; needs no open port.
    Connection(Connection),
    /// WeCom calls us.
    Callback(Callback),
}

/// The long connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Where it is; private deployments have one of their own.
    pub url: Url,
    /// Secret of the long connection.
    pub secret: SecretString,
}

/// Where WeCom calls us.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Where we listen, in plain HTTP: a reverse proxy speaks TLS before us.
    pub listen: SocketAddr,
    /// What WeCom calls; its path is what we answer on.
    pub address: Url,
    /// `Token` of the console.
    pub token: SecretString,
    /// `EncodingAESKey` of the console.
    pub aes_key: SecretString,
}

/// What the platform allows a robot. Not all of it is promised, so each figure is a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Messages that answer one callback; what follows goes unasked.
    pub answers: u32,
    /// How long a callback may be answered.
    pub answer_window: Duration,
    /// Longest text of one message, in bytes.
    pub text_limit: usize,
    /// Longest text on a card, in characters.
    pub card_text: usize,
    /// Messages to one room in a minute, and in an hour.
    pub room_per_minute: usize,
    /// See [`Rules::room_per_minute`].
    pub room_per_hour: usize,
    /// Calls in a second, all together.
    pub calls_per_second: u32,
    /// Shortest time between two states of one bubble.
    pub stream_gap: Duration,
    /// A bubble that stands still is shown anew after this.
    pub stream_refresh: Duration,
    /// A bubble is closed after this; what comes later is a message of its own.
    pub stream_life: Duration,
    /// How long the address of a file is good.
    pub link_life: Duration,
    /// How often the connection is tried out.
    pub ping: Duration,
    /// Longest wait for the platform's word about one frame.
    pub ack: Duration,
    /// Refused logins in a row after which we give up.
    pub logins: u32,
    /// Bytes of a file in one frame.
    pub piece: usize,
    /// How far a callback's time may be off.
    pub clock: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            answers: 1,
            answer_window: Duration::from_secs(24 * 3600),
            text_limit: 20_480,
            card_text: 110,
            room_per_minute: 30,
            room_per_hour: 1000,
            calls_per_second: 20,
            stream_gap: Duration::from_millis(2500),
            stream_refresh: Duration::from_secs(4 * 60),
            stream_life: Duration::from_secs(9 * 60 + 30),
            link_life: Duration::from_secs(5 * 60),
            ping: Duration::from_secs(30),
            ack: Duration::from_secs(5),
            logins: 5,
            piece: 512 * 1024,
            clock: Duration::from_secs(10 * 60),
        }
    }
}

impl Config {
    /// A robot of the public servers, in this mode.
    #[must_use]
    pub fn new(bot_id: impl Into<String>, mode: Mode) -> Self {
        Self {
            bot_id: bot_id.into(),
            name: String::new(),
            mode,
            lock_file: None,
            language: "zh".to_owned(),
            buttons: true,
            upload_limit: 20 << 20,
            download_limit: 100 << 20,
            rules: Rules::default(),
        }
    }
}

impl Connection {
    /// The public address of the long connection.
    #[must_use]
    pub fn public(secret: SecretString) -> Self {
        Self {
            url: Url::parse("wss://openws.work.weixin.qq.com").expect("a constant URL"),
            secret,
        }
    }
}
