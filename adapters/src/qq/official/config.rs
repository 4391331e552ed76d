//! What the adapter of the official bot has to be told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// One official bot. Every host is a setting: the platform has moved them before.
#[derive(Debug, Clone)]
pub struct Config {
    /// `AppID` of the bot.
    pub app_id: String,
    /// `AppSecret` of the bot.
    pub secret: SecretString,
    /// The API.
    pub api_url: Url,
    /// Where access tokens are made.
    pub token_url: Url,
    /// The WebSocket gateway; `None`: the API names it.
    pub gateway_url: Option<Url>,
    /// How events come.
    pub mode: Mode,
    /// Where the gateway's session is kept, so that a new process goes on where the last one stopped.
    pub state_file: Option<PathBuf>,
    /// Language of people who have not set theirs; the platform does not tell it.
    pub language: String,
    /// Texts with looks go out as markdown, until the platform says that this bot may not.
    pub markdown: bool,
    /// The bot may show buttons.
    pub buttons: bool,
    /// Largest file sent to a chat, in bytes.
    pub upload_limit: u64,
    /// Largest file fetched from a chat, in bytes.
    pub download_limit: u64,
    /// What the platform allows.
    pub rules: Rules,
}

/// How events come from QQ.
#[derive(Debug, Clone)]
pub enum Mode {
    /// We hold a connection to the gateway; needs no open port.
    WebSocket,
    /// QQ calls us.
    Webhook(Webhook),
}

/// Where QQ calls us.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where we listen, in plain HTTP: a reverse proxy speaks TLS before us.
    pub listen: SocketAddr,
    /// The path that QQ calls, such as `/qq`.
    pub path: String,
}

/// What the platform allows a bot to send. The figures were read in public clients, so each is a
/// setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Answers to one message.
    pub replies: u32,
    /// How long a private message may be answered.
    pub private_window: Duration,
    /// How long a message of a group may be answered.
    pub group_window: Duration,
    /// Longest text of one message, in characters.
    pub text_limit: usize,
    /// Messages that answer nothing are allowed.
    pub unasked: bool,
    /// Unasked messages to one room in a minute, and in a day.
    pub room_per_minute: usize,
    /// See [`Rules::room_per_minute`].
    pub room_per_day: usize,
    /// Unasked private messages of the bot in a minute.
    pub private_per_minute: usize,
    /// Unasked group messages of the bot in a minute.
    pub group_per_minute: usize,
    /// Calls in a second, all together.
    pub calls_per_second: u32,
    /// Files up to this size go up in one call, larger ones in parts. Bytes.
    pub single_upload: u64,
    /// Shortest time between two states of one stream.
    pub stream_gap: Duration,
    /// Shortest time between two passing states of a job in a group, where each is a message.
    pub group_progress_gap: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            replies: 5,
            private_window: Duration::from_secs(60 * 60),
            group_window: Duration::from_secs(5 * 60),
            text_limit: 4000,
            unasked: true,
            room_per_minute: 20,
            room_per_day: 1000,
            private_per_minute: 30,
            group_per_minute: 30,
            calls_per_second: 80,
            single_upload: 5 << 20,
            stream_gap: Duration::from_millis(500),
            group_progress_gap: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// A bot of the public servers, over WebSocket.
    #[must_use]
    pub fn new(app_id: impl Into<String>, secret: SecretString) -> Self {
        let url = |text| Url::parse(text).expect("a constant URL");
        Self {
            app_id: app_id.into(),
            secret,
            api_url: url("https://api.sgroup.qq.com"),
            token_url: url("https://bots.qq.com/app/getAppAccessToken"),
            gateway_url: None,
            mode: Mode::WebSocket,
            state_file: None,
            language: "zh".to_owned(),
            markdown: true,
            buttons: true,
            upload_limit: 100 << 20,
            download_limit: 100 << 20,
            rules: Rules::default(),
        }
    }
}
