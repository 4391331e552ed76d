//! News of nodes, in words, for everybody who wants them and may have them: one message per room,
//! however many nodes it is about.

use std::collections::BTreeMap;
use std::time::Duration;

use super::damping::{News, What};
use super::{Subscription, Topic};
use crate::account::{Account, Role};
use crate::answer::{Place, Speech};
use crate::brain::Brain;
use crate::command::permission::{Object, Permission, Subject, decide};
use crate::command::target::{NodeFacts, listed};
use crate::fleet::FleetNode;
use crate::outbox::OutboxItem;
use crate::reply::Reply;
use crate::room::RoomKey;
use crate::store::StoreError;
use crate::text::outcome::Mark;
use crate::text::{Language, Text, format, text};

/// Nodes of one kind that get a line each; more get one line together.
const LINES: usize = 3;

/// A subscription and whose it is.
pub(super) struct Subscriber {
    pub(super) subscription: Subscription,
    pub(super) account: Account,
}

impl Subscriber {
    /// The language to write in.
    pub(super) fn language(&self) -> Language {
        Language::negotiate(
            self.account.language.as_deref(),
            &self.subscription.language,
        )
    }

    /// Whether they want to know of a node, and may.
    fn follows(&self, node: &NodeFacts) -> bool {
        self.subscription.covers(node) && may_see(&self.account, std::slice::from_ref(node))
    }
}

/// Whether a person is told of nodes: a member of all, an operator with tags of those within them.
pub(super) fn may_see(account: &Account, nodes: &[NodeFacts]) -> bool {
    let permission = match account.role {
        Role::Operator => Permission::Operator,
        _ => Permission::Member,
    };
    decide(&Subject::from(account), permission, &Object::Nodes(nodes)).is_allowed()
}

/// The subscribers of a topic, by room.
pub(super) async fn subscribers(
    brain: &Brain,
    topic: Topic,
) -> Result<BTreeMap<RoomKey, Vec<Subscriber>>, StoreError> {
    let mut rooms: BTreeMap<RoomKey, Vec<Subscriber>> = BTreeMap::new();
    let all = brain.watch().subscriptions(brain).await?;
    for subscription in all.iter().filter(|one| one.topic == topic) {
        if let Some(account) = brain.store().account(&subscription.account).await? {
            let room = rooms.entry(subscription.room.clone()).or_default();
            room.push(Subscriber {
                subscription: subscription.clone(),
                account,
            });
        }
    }
    Ok(rooms)
}

pub(super) fn facts_of(node: &FleetNode) -> NodeFacts {
    NodeFacts {
        name: node.record.name.clone(),
        tags: node.record.tags.clone(),
        node_type: node.node_type(),
        online: node.is_online(),
    }
}

/// The messages that tell this.
pub(super) async fn messages(brain: &Brain, news: &[News]) -> Result<Vec<OutboxItem>, StoreError> {
    let rooms = subscribers(brain, Topic::Nodes).await?;
    let mut speech = Speech::new(brain);
    if rooms.is_empty() {
        return Ok(speech.items);
    }
    let nodes: BTreeMap<String, NodeFacts> = brain
        .fleet()
        .all(brain)
        .iter()
        .map(|node| (node.record.address.clone(), facts_of(node)))
        .collect();
    for (room, subscribers) in rooms {
        let Some(first) = subscribers.first() else {
            continue;
        };
        let follows = |node: &NodeFacts| subscribers.iter().any(|one| one.follows(node));
        let mut told: Vec<(&str, What)> = news
            .iter()
            .filter_map(|news| Some((nodes.get(&news.address.to_string())?, news.what)))
            .filter(|(node, _)| follows(node))
            .map(|(node, what)| (node.name.as_str(), what))
            .collect();
        if told.is_empty() {
            continue;
        }
        told.sort_by_key(|(name, _)| *name);
        let words = Words {
            brain,
            language: first.language(),
            all: nodes.values().filter(|node| follows(node)).count(),
        };
        let place = Place::unasked(room.clone());
        speech.say(&place, first.subscription.room_kind, &words.reply(&told));
    }
    Ok(speech.items)
}

/// How news are worded for a room.
struct Words<'a> {
    brain: &'a Brain,
    language: Language,
    /// Nodes that the room follows.
    all: usize,
}

/// The sorts of news, in the order in which they are told.
const SORTS: [fn(&What) -> bool; 5] = [
    |what| matches!(what, What::Away { .. }),
    |what| matches!(what, What::Back { .. }),
    |what| matches!(what, What::Flapping { .. }),
    |what| matches!(what, What::Calm { online: true, .. }),
    |what| matches!(what, What::Calm { online: false, .. }),
];

impl Words<'_> {
    fn reply(&self, told: &[(&str, What)]) -> Reply {
        let mut reply = Reply::new();
        for is_such in SORTS {
            let such: Vec<&(&str, What)> = told.iter().filter(|(_, what)| is_such(what)).collect();
            if such.len() > LINES {
                reply = reply.line(self.many(&such));
            } else {
                for (name, what) in such {
                    reply = reply.line(self.one(name, *what));
                }
            }
        }
        if let [(name, What::Away { .. })] = told {
            let button = text!(self.language, "watch-button-top");
            reply = reply.button(button, format!("top {name}"));
        }
        reply
    }

    fn clock(&self, time_ms: i64) -> String {
        format::clock(time_ms, &self.brain.zone())
    }

    fn span(&self, from_ms: i64, to_ms: i64) -> String {
        let span = Duration::from_millis((to_ms - from_ms).max(0).unsigned_abs());
        format::duration(self.language, span)
    }

    fn one(&self, node: &str, what: What) -> Text {
        let language = self.language;
        let within = self.brain.config().watch.flapping_within;
        match what {
            // Noted, never told.
            What::First => Text::default(),
            What::Away { since_ms } => text!(
                language,
                "watch-away",
                mark = Mark::Absent.to_string(),
                node = node,
                clock = self.clock(since_ms),
            ),
            What::Back {
                away_since_ms,
                at_ms,
            } => text!(
                language,
                "watch-back",
                mark = Mark::Good.to_string(),
                node = node,
                span = self.span(away_since_ms, at_ms),
            ),
            What::Flapping { changes } => text!(
                language,
                "watch-flapping",
                mark = Mark::Waiting.to_string(),
                node = node,
                changes = changes,
                within = format::duration(language, within),
            ),
            What::Calm { online: true, .. } => text!(
                language,
                "watch-calm-online",
                mark = Mark::Good.to_string(),
                node = node,
            ),
            What::Calm { since_ms, .. } => text!(
                language,
                "watch-calm-offline",
                mark = Mark::Absent.to_string(),
                node = node,
                clock = self.clock(since_ms),
            ),
        }
    }

    fn many(&self, such: &[&(&str, What)]) -> Text {
        let language = self.language;
        let names: Vec<String> = such.iter().map(|(name, _)| (*name).to_owned()).collect();
        let nodes = listed(language, &names);
        let count = such.len();
        let times = such.iter().filter_map(|(_, what)| match what {
            What::Away { since_ms } | What::Calm { since_ms, .. } => Some(*since_ms),
            What::Back { away_since_ms, .. } => Some(*away_since_ms),
            What::First | What::Flapping { .. } => None,
        });
        let since_ms = times.min().unwrap_or_else(|| self.brain.now_ms());
        match such.first().map(|(_, what)| *what) {
            Some(What::Away { .. }) => text!(
                language,
                "watch-away-many",
                mark = Mark::Absent.to_string(),
                count = count,
                all = self.all,
                clock = self.clock(since_ms),
                nodes = nodes,
            ),
            Some(What::Back { at_ms, .. }) => text!(
                language,
                "watch-back-many",
                mark = Mark::Good.to_string(),
                count = count,
                span = self.span(since_ms, at_ms),
                nodes = nodes,
            ),
            Some(What::Calm { online: true, .. }) => text!(
                language,
                "watch-calm-online-many",
                mark = Mark::Good.to_string(),
                count = count,
                nodes = nodes,
            ),
            Some(What::Calm { .. }) => text!(
                language,
                "watch-calm-offline-many",
                mark = Mark::Absent.to_string(),
                count = count,
                nodes = nodes,
            ),
            _ => text!(
                language,
                "watch-flapping-many",
                mark = Mark::Waiting.to_string(),
                count = count,
                nodes = nodes,
            ),
        }
    }
}
