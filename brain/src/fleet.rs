//! The nodes that the brain knows: where they are kept, who is there now, who knocked in vain.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jarvis_nodeclient::{Address, Enrolment, NodeName, NodeStatus};
use prost::Message;
use tokio::sync::Notify;
use tracing::warn;

use crate::brain::Brain;
use crate::store::{JoinToken, NodeRecord, Op, StoreError, Unit};

/// How long what is seen of nodes is gathered before it is stored.
const GATHER_SEEN: std::time::Duration = std::time::Duration::from_millis(200);
/// Strangers that are remembered for `/health`.
const STRANGERS: usize = 16;

/// A node as the brain sees it: what is stored, and what the network knows now.
#[derive(Debug, Clone)]
pub struct FleetNode {
    /// What is stored.
    pub record: NodeRecord,
    /// What the network knows now.
    pub status: Option<NodeStatus>,
}

impl FleetNode {
    /// Whether a session is open.
    pub fn is_online(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.online)
    }

    /// Whether it is reached by the legacy protocol.
    pub fn is_legacy(&self) -> bool {
        self.record.dial.starts_with(jarvis_nodeclient::LEGACY_DIAL)
    }

    /// Its clock minus ours, where that is so much that something suffers: from five minutes on legacy
    /// nodes and we refuse each other's messages.
    pub fn bad_clock(&self) -> Option<i64> {
        const BAD_MS: u64 = 300_000;
        let offset = self.status.as_ref()?.clock_offset_ms;
        (offset.unsigned_abs() >= BAD_MS).then_some(offset)
    }

    /// The node's type as it last told it; empty when it never did.
    pub fn node_type(&self) -> String {
        self.facts()
            .map(|facts| facts.node_type)
            .unwrap_or_default()
    }

    /// What the node last told of itself.
    pub fn facts(&self) -> Option<jarvis_proto::node::Facts> {
        if let Some(facts) = self.status.as_ref().and_then(|status| status.facts.clone()) {
            return Some(facts);
        }
        if self.record.facts.is_empty() {
            return None;
        }
        jarvis_proto::node::Facts::decode(self.record.facts.as_slice()).ok()
    }
}

/// A node that proved a key which nobody enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// Its address.
    pub address: String,
    /// Where it called from.
    pub peer: String,
    /// When it last did, Unix milliseconds.
    pub seen_ms: i64,
}

/// The nodes that the brain knows.
#[derive(Debug, Default)]
pub struct Fleet {
    records: Mutex<HashMap<String, NodeRecord>>,
    strangers: Mutex<VecDeque<Stranger>>,
    came: Notify,
    /// Nodes that were seen and are not stored yet, by address.
    unsaved: Mutex<HashMap<String, Seen>>,
    was_seen: Notify,
    /// Joins whose rooms are to be told when the node is there, by its address.
    pub(crate) newcomers: Mutex<HashMap<String, JoinToken>>,
    /// When owners were last told that a node came with another key, by its name.
    pub(crate) alarms: Mutex<HashMap<String, i64>>,
}

/// What was seen of a node.
#[derive(Debug, Default)]
struct Seen {
    /// The encoded facts, if it told any.
    facts: Option<Vec<u8>>,
    /// When, Unix milliseconds.
    at_ms: i64,
}

/// Stores what nodes told of themselves and when they were seen, many at a time: a thousand nodes that
/// come back at once are one transaction, and nobody waits for it. Runs until the brain stops.
pub(crate) async fn keep_seen(brain: Brain) {
    loop {
        let is_last = tokio::select! {
            () = brain.fleet().was_seen.notified() => false,
            () = brain.stopping().cancelled() => true,
        };
        if !is_last {
            let gathering = tokio::time::sleep(GATHER_SEEN);
            brain.stopping().run_until_cancelled(gathering).await;
        }
        let seen = brain.fleet().take_seen();
        if !seen.is_empty()
            && let Err(error) = brain.store().commit(Unit::of(seen)).await
        {
            warn!(%error, "cannot note that nodes were seen");
        }
        if is_last {
            return;
        }
    }
}

impl Fleet {
    /// Takes over the stored nodes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn load(&self, brain: &Brain) -> Result<(), StoreError> {
        for record in brain.store().nodes().await? {
            self.keep(brain, record);
        }
        for former in brain.store().former_addresses().await? {
            if let (Ok(old), Ok(new)) = (
                Address::parse(&former.address),
                Address::parse(&former.node),
            ) {
                brain.root().succeed(&old, &new, former.until_ms);
            }
        }
        for token in brain.store().untold_joins().await? {
            self.expect_newcomer(token);
        }
        Ok(())
    }

    /// Makes a node known to the network; the caller stores it.
    pub fn keep(&self, brain: &Brain, record: NodeRecord) {
        let (Ok(name), Ok(address)) = (
            NodeName::parse(&record.name),
            Address::parse(&record.address),
        ) else {
            warn!(node.name = %record.name, "a stored node has a bad name or address");
            return;
        };
        brain.root().enroll(Enrolment {
            name,
            address,
            dial: Some(record.dial.clone()).filter(|dial| !dial.is_empty()),
            incarnation: None,
            last_seen_ms: Some(record.last_seen_ms).filter(|seen_ms| *seen_ms > 0),
        });
        self.lock().insert(record.name.clone(), record);
    }

    /// Ends the network's knowledge of a node; the caller removes it from the store.
    pub fn forget(&self, brain: &Brain, name: &str) {
        if self.lock().remove(name).is_some()
            && let Ok(name) = NodeName::parse(name)
        {
            brain.root().forget(&name);
        }
    }

    /// Gives a node another name; the caller stores it.
    pub(crate) fn rename(&self, brain: &Brain, name: &str, new: &NodeName) {
        let Ok(old) = NodeName::parse(name) else {
            return;
        };
        let mut records = self.lock();
        if let Some(mut record) = records.remove(name) {
            record.name = new.to_string();
            records.insert(new.to_string(), record);
        }
        drop(records);
        brain.root().rename(&old, new);
    }

    /// Gives a node other tags; the caller stores them.
    pub(crate) fn tag(&self, name: &str, tags: Vec<String>) {
        if let Some(record) = self.lock().get_mut(name) {
            record.tags = tags;
        }
    }

    /// A node goes on under another address; the caller has stored it.
    pub(crate) fn succeed(&self, brain: &Brain, old: &Address, new: &Address, until_ms: i64) {
        let old_text = old.to_string();
        for record in self.lock().values_mut() {
            if record.address == old_text {
                record.address = new.to_string();
            }
        }
        brain.root().succeed(old, new, until_ms);
    }

    /// The node with this address.
    pub fn by_address(&self, address: &str) -> Option<NodeRecord> {
        let records = self.lock();
        let mut all = records.values();
        all.find(|record| record.address == address).cloned()
    }

    /// All nodes by name.
    pub fn all(&self, brain: &Brain) -> Vec<FleetNode> {
        let mut statuses: HashMap<String, NodeStatus> = brain
            .root()
            .nodes()
            .into_iter()
            .map(|status| (status.name.to_string(), status))
            .collect();
        let mut nodes: Vec<FleetNode> = self
            .lock()
            .values()
            .map(|record| FleetNode {
                record: record.clone(),
                status: statuses.remove(&record.name),
            })
            .collect();
        nodes.sort_by(|a, b| a.record.name.cmp(&b.record.name));
        nodes
    }

    /// One node.
    pub fn get(&self, brain: &Brain, name: &str) -> Option<FleetNode> {
        let record = self.lock().get(name).cloned()?;
        let status = NodeName::parse(name)
            .ok()
            .and_then(|name| brain.root().node(&name));
        Some(FleetNode { record, status })
    }

    /// Whether a session is open.
    pub fn is_online(&self, brain: &Brain, name: &NodeName) -> bool {
        brain.root().node(name).is_some_and(|status| status.online)
    }

    /// Waits until the node is there. Cancel-safe.
    pub async fn wait_online(&self, brain: &Brain, name: &NodeName) {
        loop {
            let came = self.came.notified();
            if self.is_online(brain, name) {
                return;
            }
            came.await;
        }
    }

    /// Nodes that proved a key which nobody enrolled, newest first.
    pub fn strangers(&self) -> Vec<Stranger> {
        let strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        strangers.iter().cloned().collect()
    }

    pub(crate) async fn connected(&self, brain: &Brain, name: &NodeName, status: &NodeStatus) {
        self.came.notify_waiters();
        crate::join::tell_newcomer(brain, name, status).await;
        let facts = status.facts.as_ref().map(Message::encode_to_vec);
        self.seen(brain, name, facts);
    }

    pub(crate) fn disconnected(&self, brain: &Brain, name: &NodeName) {
        self.seen(brain, name, None);
    }

    pub(crate) fn stranger(&self, brain: &Brain, address: &Address, peer: &str) {
        warn!(node.address = %address, peer, "a node that nobody enrolled knocked; see /enroll");
        let mut strangers = self
            .strangers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let address = address.to_string();
        strangers.retain(|known| known.address != address);
        strangers.push_front(Stranger {
            address,
            peer: peer.to_owned(),
            seen_ms: brain.now_ms(),
        });
        strangers.truncate(STRANGERS);
    }

    /// Notes that a node was seen; [`keep_seen`] stores it.
    fn seen(&self, brain: &Brain, name: &NodeName, facts: Option<Vec<u8>>) {
        let seen_ms = brain.now_ms();
        let address = {
            let mut records = self.lock();
            let Some(record) = records.get_mut(name.as_str()) else {
                return;
            };
            record.last_seen_ms = seen_ms;
            if let Some(facts) = &facts {
                record.facts.clone_from(facts);
            }
            record.address.clone()
        };
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = unsaved.entry(address).or_default();
        seen.at_ms = seen_ms;
        if facts.is_some() {
            seen.facts = facts;
        }
        drop(unsaved);
        self.was_seen.notify_one();
    }

    /// What was seen since the last call, as changes for the store.
    fn take_seen(&self) -> Vec<Op> {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = std::mem::take(&mut *unsaved).into_iter();
        seen.map(|(address, seen)| Op::NodeSeen {
            address,
            facts: seen.facts,
            seen_ms: seen.at_ms,
        })
        .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, NodeRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
