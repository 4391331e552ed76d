//! `[wecom]`: one robot of WeCom.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jarvis_adapters::wechat::bot::{Connection, Rules};
use serde::Deserialize;

use super::{Secret, parse};

/// `[wecom]`: one robot (智能机器人) of WeCom.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wecom {
    /// `BotID`; with it, `jarvis up` serves the robot too.
    pub(crate) bot_id: Option<String>,
    /// Secret of the long connection.
    pub(crate) secret: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) secret_file: Option<PathBuf>,
    /// What groups call the robot; empty: the first word that is a call.
    pub(crate) name: String,
    pub(crate) mode: WecomMode,
    /// The long connection.
    pub(crate) url: url::Url,
    /// Language of people who have not set theirs.
    pub(crate) language: String,
    pub(crate) buttons: bool,
    /// Largest file sent to a chat, bytes.
    pub(crate) upload_limit: u64,
    /// Largest file fetched from a chat, bytes.
    pub(crate) download_limit: u64,
    pub(crate) callback: WecomCallback,
    pub(crate) limits: WecomLimits,
}

impl Default for Wecom {
    fn default() -> Self {
        let connection = Connection::public(String::new().into());
        Self {
            bot_id: None,
            secret: None,
            secret_file: None,
            name: String::new(),
            mode: WecomMode::Connection,
            url: connection.url,
            language: "zh".to_owned(),
            buttons: true,
            upload_limit: 20 << 20,
            download_limit: 100 << 20,
            callback: WecomCallback::default(),
            limits: WecomLimits::default(),
        }
    }
}

impl Wecom {
    /// What does not fit together.
    pub(super) fn problem(&self) -> Option<String> {
        self.bot_id.as_ref()?;
        let callback = &self.callback;
        let missing = match self.mode {
            WecomMode::Connection if self.secret.is_none() => {
                "`wecom.secret` (or `wecom.secret_file`)"
            }
            WecomMode::Callback if callback.token.is_none() => {
                "`wecom.callback.token` (or `token_file`)"
            }
            WecomMode::Callback if callback.aes_key.is_none() => {
                "`wecom.callback.aes_key` (or `aes_key_file`)"
            }
            WecomMode::Callback if callback.url.is_none() => "`wecom.callback.url`",
            _ => return None,
        };
        Some(format!(
            "`wecom.bot_id` is set, but {missing} is missing: the page of the robot in WeCom's console, under \
             API mode, shows it"
        ))
    }
}

/// How events come from WeCom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WecomMode {
    /// We hold a connection; needs no open port.
    Connection,
    /// WeCom calls us.
    Callback,
}

/// `[wecom.callback]`: used with `mode = "callback"`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WecomCallback {
    /// Where we listen, for the reverse proxy that terminates TLS.
    pub(crate) listen: SocketAddr,
    /// The address that was set in the console; its path is what we answer on.
    pub(crate) url: Option<url::Url>,
    /// `Token`.
    pub(crate) token: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) token_file: Option<PathBuf>,
    /// `EncodingAESKey`.
    pub(crate) aes_key: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) aes_key_file: Option<PathBuf>,
}

impl Default for WecomCallback {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8447)),
            url: None,
            token: None,
            token_file: None,
            aes_key: None,
            aes_key_file: None,
        }
    }
}

/// `[wecom.limits]`: what the platform allows a robot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WecomLimits {
    /// Messages that answer one message.
    pub(crate) answers: u32,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) answer_window: Duration,
    /// Longest message, bytes.
    pub(crate) text: usize,
    /// Longest text on a card, characters.
    pub(crate) card_text: usize,
    pub(crate) room_per_minute: usize,
    pub(crate) room_per_hour: usize,
    pub(crate) calls_per_second: u32,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) stream_gap: Duration,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) stream_refresh: Duration,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) stream_life: Duration,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) link_life: Duration,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) ping: Duration,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) ack: Duration,
    /// Refused logins in a row after which we give up.
    pub(crate) logins: u32,
    /// Bytes of a file in one frame.
    pub(crate) piece: usize,
    /// How far a callback's time may be off.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) clock: Duration,
}

impl Default for WecomLimits {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            answers: rules.answers,
            answer_window: rules.answer_window,
            text: rules.text_limit,
            card_text: rules.card_text,
            room_per_minute: rules.room_per_minute,
            room_per_hour: rules.room_per_hour,
            calls_per_second: rules.calls_per_second,
            stream_gap: rules.stream_gap,
            stream_refresh: rules.stream_refresh,
            stream_life: rules.stream_life,
            link_life: rules.link_life,
            ping: rules.ping,
            ack: rules.ack,
            logins: rules.logins,
            piece: rules.piece,
            clock: rules.clock,
        }
    }
}
