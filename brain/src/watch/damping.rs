//! What is worth telling of nodes that come and go: a state machine whose clock is an argument.
//!
//! [`Damper::observe`] takes what happens, [`Damper::due`] says what has to be told now, and
//! [`Damper::told`] notes that it was, once it is safely stored. A node is *away* when it stayed away
//! for a while; one that comes and goes too often is *flapping*, which is told once, and then nothing
//! until it is *calm*. What happens to many nodes at the same time is held back for a moment, so
//! that it becomes one message.

use std::collections::{HashMap, VecDeque};

use jarvis_nodeclient::Address;

/// Changes of one node that are remembered; more than this is flapping in any case.
const MOST_CHANGES: usize = 64;
/// More nodes than this that went away together are waited for when they come back.
const FEW: usize = 3;

/// When something is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// A node that is away for less is not reported, in milliseconds.
    pub(super) away_after_ms: i64,
    /// So many changes …
    pub(super) flapping_changes: usize,
    /// … within this time are flapping, and none within it are calm; in milliseconds.
    pub(super) flapping_within_ms: i64,
}

impl Limits {
    /// How long what happens to several nodes is gathered, in milliseconds.
    fn gather_ms(&self) -> i64 {
        self.away_after_ms.min(30_000)
    }
}

/// Something to tell of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct News {
    /// Which node.
    pub(super) address: Address,
    /// What.
    pub(super) what: What,
}

/// What happened to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// It is there for the first time; noted, not told.
    First,
    /// It is away.
    Away {
        /// Since when, Unix milliseconds.
        since_ms: i64,
    },
    /// It is back.
    Back {
        /// Since when it was away, Unix milliseconds.
        away_since_ms: i64,
        /// When it came back, Unix milliseconds.
        at_ms: i64,
    },
    /// It comes and goes.
    Flapping {
        /// How often it changed within the time that counts.
        changes: usize,
    },
    /// It stays as it is, after it came and went.
    Calm {
        /// And so it is.
        online: bool,
        /// Since when, Unix milliseconds.
        since_ms: i64,
    },
}

/// What subscribers believe of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Belief {
    /// It is there.
    pub(super) online: bool,
    /// It comes and goes.
    pub(super) flapping: bool,
    /// Since when, Unix milliseconds.
    pub(super) since_ms: i64,
}

#[derive(Debug)]
struct Watched {
    online: bool,
    since_ms: i64,
    told: Option<Belief>,
    changes: VecDeque<i64>,
}

impl Watched {
    fn changes_since(&self, from_ms: i64) -> usize {
        self.changes.iter().filter(|time| **time > from_ms).count()
    }
}

/// All nodes, and what is to be told of them.
#[derive(Debug)]
pub(super) struct Damper {
    limits: Limits,
    nodes: HashMap<Address, Watched>,
}

impl Damper {
    /// No nodes yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            nodes: HashMap::new(),
        }
    }

    /// A node of which something was told before the brain's start at `now_ms`. It is not there yet,
    /// and gets twice the usual time to come.
    pub(super) fn resume(&mut self, address: Address, told: Belief, now_ms: i64) {
        self.nodes.insert(
            address,
            Watched {
                online: false,
                since_ms: now_ms + self.limits.away_after_ms,
                told: Some(told),
                changes: VecDeque::new(),
            },
        );
    }

    /// A node is there, or is not, as of now.
    pub(super) fn observe(&mut self, address: &Address, online: bool, now_ms: i64) {
        let Some(node) = self.nodes.get_mut(address) else {
            let node = Watched {
                online,
                since_ms: now_ms,
                told: None,
                changes: VecDeque::new(),
            };
            self.nodes.insert(address.clone(), node);
            return;
        };
        if node.online == online {
            return;
        }
        node.online = online;
        node.since_ms = now_ms;
        node.changes.push_back(now_ms);
        if node.changes.len() > MOST_CHANGES {
            node.changes.pop_front();
        }
    }

    /// Forgets all nodes but these; gives those of which something was told.
    pub(super) fn retain(&mut self, is_known: impl Fn(&Address) -> bool) -> Vec<Address> {
        let mut gone = Vec::new();
        self.nodes.retain(|address, node| {
            let keep = is_known(address);
            if !keep && node.told.is_some() {
                gone.push(address.clone());
            }
            keep
        });
        gone
    }

    /// What has to be told now, in the order of the addresses. Nothing is taken for told by this.
    pub(super) fn due(&self, now_ms: i64) -> Vec<News> {
        let limits = &self.limits;
        let (mut news, mut away, mut back) = (Vec::new(), Vec::new(), Vec::new());
        let mut returned = Vec::new();
        // Nodes that left but may come back in time, and since when those are away that still are.
        let (mut leaving, mut still_away) = (0, Vec::new());
        for (address, node) in &self.nodes {
            let say = |what| News {
                address: address.clone(),
                what,
            };
            let quiet_ms = now_ms - node.changes.back().copied().unwrap_or(node.since_ms);
            let changes = node.changes_since(now_ms - limits.flapping_within_ms);
            match node.told {
                Some(told) if told.flapping && quiet_ms < limits.flapping_within_ms => {}
                Some(told) if told.flapping => news.push(say(What::Calm {
                    online: node.online,
                    since_ms: node.since_ms.min(now_ms),
                })),
                Some(_) if changes >= limits.flapping_changes => {
                    news.push(say(What::Flapping { changes }));
                }
                // It is there, or was since we look.
                None if node.online || !node.changes.is_empty() => news.push(say(What::First)),
                None => {}
                Some(told) if told.online && !node.online => {
                    if now_ms - node.since_ms >= limits.away_after_ms {
                        let since_ms = node.since_ms;
                        away.push((since_ms, say(What::Away { since_ms })));
                    } else {
                        leaving += 1;
                    }
                }
                Some(told) if !told.online && node.online => {
                    let what = What::Back {
                        away_since_ms: told.since_ms,
                        at_ms: node.since_ms,
                    };
                    back.push((node.since_ms, say(what)));
                    returned.push(told.since_ms);
                }
                Some(told) if !told.online => still_away.push(told.since_ms),
                Some(_) => {}
            }
        }
        let first = |list: &[(i64, News)]| list.iter().map(|(time, _)| *time).min();
        let waits = |since: Option<i64>, least_ms: i64| {
            since.is_some_and(|since| now_ms - since < least_ms + limits.gather_ms())
        };
        if leaving == 0 || !waits(first(&away), limits.away_after_ms) {
            news.extend(away.into_iter().map(|(_, news)| news));
        }
        // Who went away with those that are back, and may follow them.
        let left_ms = returned.iter().min().copied().unwrap_or(0);
        let may_follow = still_away
            .iter()
            .filter(|since| (*since - left_ms).abs() <= limits.gather_ms())
            .count();
        if may_follow == 0 || may_follow + back.len() <= FEW || !waits(first(&back), 0) {
            news.extend(back.into_iter().map(|(_, news)| news));
        }
        news.sort_by(|one, other| one.address.cmp(&other.address));
        news
    }

    /// This was told.
    pub(super) fn told(&mut self, news: &[News], now_ms: i64) {
        for News { address, what } in news {
            let Some(node) = self.nodes.get_mut(address) else {
                continue;
            };
            if matches!(what, What::Calm { .. }) {
                node.changes.clear();
            }
            node.told = Some(what.belief(now_ms));
        }
    }
}

impl What {
    /// What subscribers believe once they were told.
    pub(super) fn belief(&self, now_ms: i64) -> Belief {
        let (online, flapping, since_ms) = match *self {
            Self::First => (true, false, now_ms),
            Self::Away { since_ms } => (false, false, since_ms),
            Self::Back { at_ms, .. } => (true, false, at_ms),
            // Neither; until it is calm nobody asks.
            Self::Flapping { .. } => (true, true, now_ms),
            Self::Calm { online, since_ms } => (online, false, since_ms),
        };
        Belief {
            online,
            flapping,
            since_ms,
        }
    }
}

#[cfg(test)]
#[path = "damping/tests.rs"]
mod tests;
