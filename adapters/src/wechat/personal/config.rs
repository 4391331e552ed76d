//! What the adapter of personal WeChat has to be told.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

/// The lines of the people who have scanned a code. Every host is a setting, and so is every figure that
/// the platform does not document.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names these lines, where a brain has several adapters of this kind.
    pub name: String,
    /// Where the accounts of people are kept. Only this user may read it.
    pub folder: PathBuf,
    /// Where codes are made; each account is told its own address of the API.
    pub api_url: Url,
    /// Where files go and come from.
    pub cdn_url: Url,
    /// Hosts that the platform may send us to, with everything below them.
    pub hosts: Vec<String>,
    /// What we call ourselves in the platform's log: `Name/1.2 (comment)`.
    pub agent: String,
    /// Version of the platform's own client that we speak like.
    pub version: String,
    /// Language of people who have not set theirs; the platform does not tell it.
    pub language: String,
    /// Texts with looks go out as markdown.
    pub markdown: bool,
    /// People see "is typing" from their word to the answer.
    pub typing: bool,
    /// Largest file sent to a chat, in bytes.
    pub upload_limit: u64,
    /// Largest file fetched from a chat, in bytes.
    pub download_limit: u64,
    /// What the platform allows.
    pub rules: Rules,
}

/// What the platform allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Messages of ours after one of the person's.
    pub replies: u32,
    /// How long after a person's message they may come.
    pub window: Duration,
    /// Shortest time between two messages of ours to one person.
    pub gap: Duration,
    /// Pause after a refusal for too many messages; the next ones are 2, 4 and 10 times as long.
    pub pause: Duration,
    /// Longest text of one message, in characters.
    pub text_limit: usize,
    /// Longest time that the platform holds a question for news.
    pub poll: Duration,
    /// Longest time for one sign-in.
    pub sign_in: Duration,
    /// People whose lines are kept.
    pub accounts: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            replies: 10,
            window: Duration::from_secs(24 * 3600),
            gap: Duration::from_secs(2),
            pause: Duration::from_secs(30),
            text_limit: 4000,
            poll: Duration::from_secs(35),
            sign_in: Duration::from_secs(480),
            accounts: 100,
        }
    }
}

impl Config {
    /// The public servers.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        let url = |text| Url::parse(text).expect("a constant URL");
        Self {
            name: "wechat".to_owned(),
            folder,
            api_url: url("https://ilinkai.weixin.qq.com"),
            cdn_url: url("https://novac2c.cdn.weixin.qq.com/c2c"),
            hosts: vec!["weixin.qq.com".to_owned(), "wechat.com".to_owned()],
            agent: "Jarvis/1".to_owned(),
            version: "2.4.9".to_owned(),
            language: "zh".to_owned(),
            markdown: true,
            typing: true,
            upload_limit: 100 << 20,
            download_limit: 100 << 20,
            rules: Rules::default(),
        }
    }

    /// An address that the platform names, if it leads to the platform: below one of its hosts and
    /// encrypted, or to where the settings lead anyway.
    pub(super) fn trusted(&self, address: &str) -> Option<Url> {
        let url = Url::parse(address).ok()?;
        let host = url.host_str()?;
        let is_set = [&self.api_url, &self.cdn_url]
            .iter()
            .any(|set| set.scheme() == url.scheme() && set.host_str() == Some(host));
        let is_below = |of: &String| {
            host.strip_suffix(of.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        let is_theirs = url.scheme() == "https" && self.hosts.iter().any(is_below);
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        ((is_set || is_theirs) && !has_credentials).then_some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn only_the_platform_is_trusted() {
        let config = Config::new("x".into());
        for good in [
            "https://ilinkai.weixin.qq.com",
            "https://a.b.weixin.qq.com/x?y=1",
            "https://weixin.qq.com",
            "https://novac2c.cdn.weixin.qq.com/c2c/download?x=1",
        ] {
            assert!(config.trusted(good).is_some(), "{good}");
        }
        for bad in [
            "http://ilinkai.weixin.qq.com",
            "https://evilweixin.qq.com",
            "https://weixin.qq.com.evil.example",
            "https://weixin.qq.com@evil.example",
            "https://u:p@a.weixin.qq.com",
            "https://127.0.0.1",
            "file:///etc/passwd",
            "nonsense",
        ] {
            assert!(config.trusted(bad).is_none(), "{bad}");
        }
    }
}
