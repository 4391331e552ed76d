//! `[….callback]`: what is taken from a platform of WeChat that calls us.

use std::net::SocketAddr;
use std::time::Duration;

use jarvis_adapters::wechat;
use serde::Deserialize;

use super::parse;

/// What is taken from a platform that calls us.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Callback {
    /// A call whose time is further from ours is not believed.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) window: Duration,
    /// The platform waits so long, less what the way takes.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) answer_within: Duration,
    /// Largest call, bytes.
    #[serde(deserialize_with = "parse::bytes")]
    pub(crate) body_limit: u64,
}

impl Default for Callback {
    fn default() -> Self {
        let usual = wechat::Callback::on(0, "/");
        Self {
            window: usual.window,
            answer_within: usual.answer_within,
            body_limit: usual.body_limit as u64,
        }
    }
}

impl Callback {
    /// What the adapter has to be told; `None` without an address.
    pub(crate) fn at(
        &self,
        listen: SocketAddr,
        url: Option<&url::Url>,
    ) -> Option<wechat::Callback> {
        let url = url?;
        Some(wechat::Callback {
            listen,
            path: url.path().to_owned(),
            window: self.window,
            answer_within: self.answer_within,
            body_limit: usize::try_from(self.body_limit).unwrap_or(usize::MAX),
        })
    }
}
