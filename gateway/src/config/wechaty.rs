//! `[wechaty]`: one WeChat account behind a gateway.

use std::path::PathBuf;
use std::time::Duration;

use jarvis_adapters::wechat::wechaty::{self, Rules};
use serde::Deserialize;

use super::{Secret, parse};

/// `[wechaty]`: one WeChat account behind a gateway that speaks Wechaty's Puppet Service.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wechaty {
    /// Where the gateway listens; with it, `jarvis up` serves the account too.
    pub(crate) endpoint: Option<url::Url>,
    /// What the gateway wants to see.
    pub(crate) token: Option<Secret>,
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) token_file: Option<PathBuf>,
    /// The name in the gateway's certificate; `None`: what stands before the `_` of the token.
    pub(crate) server_name: Option<String>,
    /// What signs that certificate; `None`: the public authorities.
    #[serde(deserialize_with = "parse::optional_path")]
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) message_types: MessageTypes,
    /// Language of people who have not set theirs.
    pub(crate) language: String,
    /// Largest file sent to a chat, bytes.
    pub(crate) upload_limit: u64,
    /// Largest file fetched from a chat, bytes.
    pub(crate) download_limit: u64,
    pub(crate) limits: WechatyLimits,
}

impl Default for Wechaty {
    fn default() -> Self {
        let nowhere = url::Url::parse("http://127.0.0.1").expect("a constant URL");
        let usual = wechaty::Config::new(nowhere, String::new().into());
        Self {
            endpoint: None,
            token: None,
            token_file: None,
            server_name: None,
            ca_file: None,
            message_types: MessageTypes::Puppet,
            language: usual.language,
            upload_limit: usual.upload_limit,
            download_limit: usual.download_limit,
            limits: WechatyLimits::default(),
        }
    }
}

impl Wechaty {
    /// What no single key shows to be wrong.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.endpoint.is_some() != self.token.is_some() {
            return Some(
                "`wechaty.endpoint` and `wechaty.token` (or `wechaty.token_file`) are needed together: the \
                 token is the one with which the gateway was started"
                    .to_owned(),
            );
        }
        let url = self.endpoint.as_ref()?;
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !is_bare {
            return Some(
                "`wechaty.endpoint` must be https://HOST:PORT, or http://HOST:PORT for a gateway without TLS"
                    .to_owned(),
            );
        }
        None
    }
}

/// How the gateway numbers the kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MessageTypes {
    /// A text is 7.
    Puppet,
    /// A text is 6.
    Proto,
}

/// `[wechaty.limits]`: what WeChat bears.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WechatyLimits {
    /// Longest message, characters.
    pub(crate) text: usize,
    /// 0 is no limit.
    pub(crate) calls_per_second: u32,
    pub(crate) room_per_second: u32,
    pub(crate) group_per_minute: u32,
    /// Larger files go on a stream beside the call, bytes.
    pub(crate) single_upload: u64,
    /// How often a silent gateway is asked whether it lives; zero: never.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) liveness: Duration,
    /// How long to say nothing when WeChat finds us too fast.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) pause: Duration,
}

impl Default for WechatyLimits {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            text: rules.text_limit,
            calls_per_second: rules.overall_per_second,
            room_per_second: rules.room_per_second,
            group_per_minute: rules.group_per_minute,
            single_upload: rules.single_upload,
            liveness: rules.liveness,
            pause: rules.pause,
        }
    }
}
