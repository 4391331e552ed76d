//! What the Wechaty adapter has to be told.

use std::path::PathBuf;
use std::time::Duration;

use jarvis_proto::chat::AttachmentKind;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// One WeChat account behind a gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the gateway listens: `https://HOST:PORT`, or `http://HOST:PORT` without TLS.
    pub endpoint: Url,
    /// What it wants to see.
    pub token: SecretString,
    /// The name in the gateway's certificate; `None`: what stands before the first `_` of the token.
    pub server_name: Option<String>,
    /// Certificates (PEM) that sign the gateway's; `None`: the public authorities.
    pub ca_file: Option<PathBuf>,
    /// How the gateway numbers the kinds of messages.
    pub numbering: Numbering,
    /// Language of people who have not set theirs; WeChat does not tell it.
    pub language: String,
    /// Largest file sent to a chat, in bytes.
    pub upload_limit: u64,
    /// Largest file fetched from a chat, in bytes.
    pub download_limit: u64,
    /// What WeChat bears.
    pub rules: Rules,
}

/// How a gateway numbers the kinds of messages. The contract has an enum, and gateways in JavaScript
/// send the numbers of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    /// As npm `wechaty-puppet` counts: a text is 7.
    Puppet,
    /// As the contract's enum counts: a text is 6.
    Proto,
}

/// What WeChat bears. It publishes no numbers, so each is a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Longest text of one message, in characters.
    pub text_limit: usize,
    /// Calls in a second, all rooms together; 0 = no limit.
    pub overall_per_second: u32,
    /// New messages a second in one room; 0 = no limit.
    pub room_per_second: u32,
    /// New messages a minute in a room with several people; 0 = no limit.
    pub group_per_minute: u32,
    /// Files up to this size go inside the call, larger ones on a stream beside it. Bytes.
    pub single_upload: u64,
    /// How often a silent gateway is asked whether it lives. After two silent times it is dialled again;
    /// zero: never.
    pub liveness: Duration,
    /// How long to say nothing when WeChat finds us too fast; it does not say for how long.
    pub pause: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            text_limit: 2000,
            overall_per_second: 5,
            room_per_second: 1,
            group_per_minute: 20,
            single_upload: 2 << 20,
            liveness: Duration::from_secs(30),
            pause: Duration::from_secs(60),
        }
    }
}

impl Config {
    /// With the usual limits.
    #[must_use]
    pub fn new(endpoint: Url, token: SecretString) -> Self {
        Self {
            endpoint,
            token,
            server_name: None,
            ca_file: None,
            numbering: Numbering::Puppet,
            language: "zh-CN".to_owned(),
            upload_limit: 100_000_000,
            download_limit: 100_000_000,
            rules: Rules::default(),
        }
    }

    /// The name that the gateway's certificate must have.
    pub(super) fn name(&self) -> String {
        let of_token = || {
            let (name, _) = self.token.expose_secret().split_once('_')?;
            (!name.is_empty()).then(|| name.to_owned())
        };
        let host = || self.endpoint.host_str().unwrap_or_default();
        let host = || host().trim_matches(['[', ']']).to_owned();
        self.server_name
            .clone()
            .or_else(of_token)
            .unwrap_or_else(host)
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    File(AttachmentKind),
    /// Tells that another was taken back.
    Recalled,
    /// Nothing for the brain: contacts, places, money.
    Other,
}

impl Numbering {
    /// What a number means.
    pub(super) fn sort(self, number: i32) -> Sort {
        match (self, number) {
            (Self::Puppet, 7) | (Self::Proto, 6) => Sort::Text,
            (_, 1) => Sort::File(AttachmentKind::File),
            (_, 2) => Sort::File(AttachmentKind::Audio),
            (Self::Puppet, 6) | (Self::Proto, 5) => Sort::File(AttachmentKind::Image),
            (Self::Puppet, 15) | (Self::Proto, 7) => Sort::File(AttachmentKind::Video),
            (_, 13) => Sort::Recalled,
            _ => Sort::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_name_of_the_certificate_is_set_or_stands_in_the_token() {
        let named = |endpoint: &str, token: &str, set: Option<&str>| {
            let mut config = Config::new(endpoint.parse().unwrap(), token.to_owned().into());
            config.server_name = set.map(ToOwned::to_owned);
            config.name()
        };
        assert_eq!(
            named("https://10.0.0.1:8788", "insecure_1-2", None),
            "insecure"
        );
        assert_eq!(
            named("https://g.example:8788", "puppet-1", None),
            "g.example"
        );
        assert_eq!(named("https://[::1]:8788", "_1", None), "::1");
        assert_eq!(named("https://g.example", "a_1", Some("b")), "b");
    }

    #[test]
    fn both_ways_to_count() {
        assert_eq!(Numbering::Puppet.sort(7), Sort::Text);
        assert_eq!(Numbering::Proto.sort(6), Sort::Text);
        assert_eq!(Numbering::Puppet.sort(6), Sort::File(AttachmentKind::Image));
        assert_eq!(Numbering::Proto.sort(7), Sort::File(AttachmentKind::Video));
        assert_eq!(Numbering::Puppet.sort(99), Sort::Other);
    }
}
