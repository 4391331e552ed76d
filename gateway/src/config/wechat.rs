//! `[wechat]`: personal WeChat, with a line for each person who scans a code.

use std::path::PathBuf;
use std::time::Duration;

use jarvis_adapters::wechat::personal::{self, Rules};
use serde::Deserialize;

use super::{OneOrMany, parse};

/// `[wechat]`: personal WeChat, with a line for each person who scans a code.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeChat {
    /// `jarvis up` serves it too.
    pub(crate) enabled: bool,
    /// Names these lines, where a brain has several adapters of this kind.
    pub(crate) name: String,
    pub(crate) api_url: url::Url,
    pub(crate) cdn_url: url::Url,
    /// Hosts that WeChat may send us to.
    pub(crate) hosts: OneOrMany,
    /// What we call ourselves in WeChat's log.
    pub(crate) agent: String,
    /// Version of WeChat's own client that we speak like.
    pub(crate) version: String,
    /// Language of people who have not set theirs.
    pub(crate) language: String,
    pub(crate) markdown: bool,
    /// People see "is typing".
    pub(crate) typing: bool,
    /// Largest file sent to a chat, bytes.
    pub(crate) upload_limit: u64,
    /// Largest file fetched from a chat, bytes.
    pub(crate) download_limit: u64,
    pub(crate) limits: WeChatLimits,
}

impl Default for WeChat {
    fn default() -> Self {
        let usual = personal::Config::new(PathBuf::new());
        Self {
            enabled: false,
            name: usual.name,
            api_url: usual.api_url,
            cdn_url: usual.cdn_url,
            hosts: OneOrMany(usual.hosts),
            agent: usual.agent,
            version: usual.version,
            language: usual.language,
            markdown: usual.markdown,
            typing: usual.typing,
            upload_limit: usual.upload_limit,
            download_limit: usual.download_limit,
            limits: WeChatLimits::default(),
        }
    }
}

/// `[wechat.limits]`: what the platform allows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeChatLimits {
    /// Messages of ours after one of the person's.
    pub(crate) replies: u32,
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) window: Duration,
    /// Shortest time between two messages of ours to one person.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) gap: Duration,
    /// First pause after a refusal for too many messages.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) pause: Duration,
    /// Longest message, characters.
    pub(crate) text: usize,
    /// How long WeChat holds a question for news.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) poll: Duration,
    /// Longest time for one sign-in.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) sign_in: Duration,
    /// People whose lines are kept.
    pub(crate) accounts: usize,
}

impl Default for WeChatLimits {
    fn default() -> Self {
        let rules = Rules::default();
        Self {
            replies: rules.replies,
            window: rules.window,
            gap: rules.gap,
            pause: rules.pause,
            text: rules.text_limit,
            poll: rules.poll,
            sign_in: rules.sign_in,
            accounts: rules.accounts,
        }
    }
}
