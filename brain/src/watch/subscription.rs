//! Subscriptions: what a room wants to be told without asking.

use std::fmt;
use std::str::FromStr;

use crate::account::AccountId;
use crate::command::target::NodeFacts;
use crate::room::{RoomKey, RoomKind};

/// What a subscription is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Nodes that come and go.
    Nodes,
    /// Jobs that end.
    Jobs,
    /// Notes of a notebook.
    Notes,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 3] = [Self::Nodes, Self::Jobs, Self::Notes];

    /// The word used in commands and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nodes => "nodes",
            Self::Jobs => "jobs",
            Self::Notes => "notes",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no topic")]
pub struct UnknownTopic(pub String);

impl FromStr for Topic {
    type Err = UnknownTopic;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_lowercase();
        match word.as_str() {
            "node" | "节点" | "服务器" => Ok(Self::Nodes),
            "job" | "任务" => Ok(Self::Jobs),
            "note" | "笔记" => Ok(Self::Notes),
            word => Self::ALL
                .into_iter()
                .find(|topic| topic.as_str() == word)
                .ok_or_else(|| UnknownTopic(text.to_owned())),
        }
    }
}

/// What a room wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Where it is told.
    pub room: RoomKey,
    /// What sort of room that is.
    pub room_kind: RoomKind,
    /// Who asked for it; only what they may see is told.
    pub account: AccountId,
    /// What it is about.
    pub topic: Topic,
    /// Only nodes with this tag; empty = all.
    pub tag: String,
    /// Only this node; empty = all. Of notes: the notebook.
    pub node: String,
    /// Of jobs: also those that ended well.
    pub everything: bool,
    /// The language of whoever asked, while they have set none.
    pub language: String,
    /// Unix milliseconds.
    pub created_ms: i64,
}

impl Subscription {
    /// Whether it is about this node.
    pub fn covers(&self, node: &NodeFacts) -> bool {
        let has_tag = || {
            node.tags
                .iter()
                .any(|tag| tag.eq_ignore_ascii_case(&self.tag))
        };
        (self.node.is_empty() || self.node.eq_ignore_ascii_case(&node.name))
            && (self.tag.is_empty() || has_tag())
    }

    /// What it is about, as its command says it: `nodes --tag web`.
    pub fn describe(&self) -> String {
        let mut words = self.topic.to_string();
        if self.topic == Topic::Notes {
            words.push_str(&format!(" nb:{}", self.node));
            return words;
        }
        for (flag, value) in [("--tag", &self.tag), ("--node", &self.node)] {
            if !value.is_empty() {
                words.push_str(&format!(" {flag} {value}"));
            }
        }
        if self.everything {
            words.push_str(" --all");
        }
        words
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::room::BotKey;

    #[test]
    fn topics_are_found_by_their_words() {
        for topic in Topic::ALL {
            assert_eq!(topic.as_str().parse::<Topic>().unwrap(), topic);
        }
        assert_eq!(" 节点".parse::<Topic>().unwrap(), Topic::Nodes);
        assert_eq!("Job".parse::<Topic>().unwrap(), Topic::Jobs);
        assert!("all".parse::<Topic>().is_err());
    }

    #[test]
    fn tags_and_names_limit_a_subscription() {
        let node = NodeFacts {
            name: "web-1".to_owned(),
            tags: vec!["web".to_owned()],
            ..NodeFacts::default()
        };
        let subscription = |tag: &str, node: &str| Subscription {
            room: RoomKey {
                bot: BotKey {
                    kind: "x".to_owned(),
                    bot: "b".to_owned(),
                },
                room: "r".to_owned(),
                thread: String::new(),
            },
            room_kind: RoomKind::Private,
            account: AccountId::new(),
            topic: Topic::Nodes,
            tag: tag.to_owned(),
            node: node.to_owned(),
            everything: false,
            language: "en".to_owned(),
            created_ms: 0,
        };
        for (tag, name, covers) in [
            ("", "", true),
            ("WEB", "", true),
            ("db", "", false),
            ("", "Web-1", true),
            ("web", "web-2", false),
        ] {
            let subscription = subscription(tag, name);
            assert_eq!(subscription.covers(&node), covers, "{tag} {name}");
        }
        assert_eq!(
            subscription("web", "a").describe(),
            "nodes --tag web --node a"
        );
    }
}
