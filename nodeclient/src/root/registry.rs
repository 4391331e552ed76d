//! The nodes that a root knows, and their sessions.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jarvis_proto::node::{Facts, Load, RootFrame};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::event::DisconnectReason;
use super::{RootClock, SendError};
use crate::address::Address;
use crate::name::NodeName;
use crate::stop::Stop;

/// A node that a root lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// Its name here.
    pub name: NodeName,
    /// Its address, which it must prove.
    pub address: Address,
    /// `host:port` where the root dials it; without, the node dials the root.
    pub dial: Option<String>,
    /// Its incarnation as last known, to tell after a restart of the root whether it lived on.
    pub incarnation: Option<String>,
    /// When it was last heard, Unix milliseconds, if ever.
    pub last_seen_ms: Option<i64>,
}

impl Enrolment {
    /// A node that dials in, and about which nothing else is known.
    #[must_use]
    pub fn new(name: NodeName, address: Address) -> Self {
        Self {
            name,
            address,
            dial: None,
            incarnation: None,
            last_seen_ms: None,
        }
    }
}

/// What is known about a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeStatus {
    /// Its name here.
    pub name: NodeName,
    /// Its address.
    pub address: Address,
    /// It has a session.
    pub online: bool,
    /// Since when it is online or offline, Unix milliseconds.
    pub since_ms: i64,
    /// When it was last heard, Unix milliseconds, if ever.
    pub last_seen_ms: Option<i64>,
    /// The life of its process, as of the last session.
    pub incarnation: Option<String>,
    /// What it told about itself in the last session.
    pub facts: Option<Facts>,
    /// Its last heartbeat's load.
    pub load: Option<Load>,
    /// Where it is connected from, or was.
    pub peer: Option<String>,
    /// Its clock minus this machine's, in milliseconds, as of its last proof or heartbeat.
    pub clock_offset_ms: i64,
    /// How long the last ping took there and back.
    pub round_trip: Option<Duration>,
}

/// What heartbeats tell of a node, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeLoad {
    /// Its address.
    pub address: Address,
    /// It has a session.
    pub online: bool,
    /// Its last heartbeat's load.
    pub load: Option<Load>,
}

/// Frames to a node; an error ends its session.
pub(crate) type FrameLine = mpsc::Sender<Result<RootFrame, Status>>;

/// A session as others see it.
#[derive(Clone)]
pub(crate) struct SessionHandle {
    pub(crate) line: FrameLine,
    pub(crate) stop: Stop<DisconnectReason>,
    /// Cancelled when the session has told its end.
    pub(crate) finished: CancellationToken,
}

struct Entry {
    status: NodeStatus,
    session: Option<SessionHandle>,
    online: watch::Sender<bool>,
    /// The address that it proved last; an old one of its own as long as that is good.
    proven: Option<Address>,
    /// Ends the dialling.
    dialling: CancellationToken,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.dialling.cancel();
    }
}

/// What a dialling task needs to know about its node.
pub(crate) struct ToDial {
    pub(crate) online: watch::Receiver<bool>,
    pub(crate) stop: CancellationToken,
}

/// All enrolled nodes.
pub(crate) struct Registry {
    nodes: Mutex<Nodes>,
    /// By which it is noted since when a node is there, and how far off its clock is.
    clock: RootClock,
}

#[derive(Default)]
struct Nodes {
    entries: HashMap<Address, Entry>,
    names: HashMap<NodeName, Address>,
    /// Names that nodes had before; they count as long as no node has them.
    former_names: HashMap<NodeName, Address>,
    /// Addresses that nodes had before, with what they are now, and until when they are let in, Unix
    /// milliseconds.
    former: HashMap<Address, (Address, i64)>,
}

impl Nodes {
    fn named(&self, name: &NodeName) -> Option<&Entry> {
        let address = self.names.get(name).or_else(|| self.former_names.get(name));
        self.entries.get(address?)
    }

    /// The address that a node has now, which may have been another one before.
    fn current<'a>(&'a self, address: &'a Address) -> &'a Address {
        let mut current = address;
        // Each step leads to a later key; a circle is impossible, and bounded all the same.
        for _ in 0..self.former.len() {
            match self.former.get(current) {
                Some((next, _)) => current = next,
                None => break,
            }
        }
        current
    }

    /// Takes a node out, its session told to end.
    fn remove(&mut self, name: &NodeName) -> bool {
        let Some(address) = self.names.remove(name) else {
            return false;
        };
        self.former_names.retain(|_, leads_to| *leads_to != address);
        self.former.retain(|_, (leads_to, _)| *leads_to != address);
        if let Some(entry) = self.entries.remove(&address)
            && let Some(session) = &entry.session
        {
            session.stop.ask(DisconnectReason::Forgotten);
        }
        true
    }
}

/// The outcome of asking for a node's one session slot.
pub(crate) enum Admission {
    /// It is ours.
    Admitted {
        /// The node's status with the new session.
        status: Box<NodeStatus>,
        /// The incarnation did not change.
        same_incarnation: bool,
    },
    /// An older session has it, and was told to end.
    Wait(CancellationToken),
    /// The node is enrolled no more.
    Forgotten,
}

impl Registry {
    pub(super) fn new(clock: RootClock) -> Self {
        Self {
            nodes: Mutex::default(),
            clock,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Nodes> {
        // Every change below is complete at each point where it could panic.
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enroll(&self, node: Enrolment) -> ToDial {
        let mut nodes = self.lock();
        if nodes
            .names
            .get(&node.name)
            .is_some_and(|address| *address != node.address)
        {
            nodes.remove(&node.name);
        }
        let Enrolment {
            name,
            address,
            incarnation,
            last_seen_ms,
            dial: _,
        } = node;
        let fresh = || Entry {
            status: NodeStatus {
                name: name.clone(),
                address: address.clone(),
                online: false,
                since_ms: last_seen_ms.unwrap_or_else(|| self.clock.now_ms()),
                last_seen_ms,
                incarnation,
                facts: None,
                load: None,
                peer: None,
                clock_offset_ms: 0,
                round_trip: None,
            },
            session: None,
            proven: None,
            online: watch::Sender::new(false),
            dialling: CancellationToken::new(),
        };
        let entry = nodes.entries.entry(address.clone()).or_insert_with(fresh);
        let old_name = std::mem::replace(&mut entry.status.name, name.clone());
        entry.dialling.cancel();
        entry.dialling = CancellationToken::new();
        let to_dial = ToDial {
            online: entry.online.subscribe(),
            stop: entry.dialling.clone(),
        };
        nodes.names.remove(&old_name);
        nodes.former_names.remove(&name);
        nodes.names.insert(name, address);
        to_dial
    }

    /// See [`Root::succeed`](super::Root::succeed).
    pub(crate) fn succeed(&self, old: &Address, new: &Address, old_until_ms: i64) {
        let mut nodes = self.lock();
        if old == new {
            return;
        }
        nodes.former.remove(new);
        nodes
            .former
            .insert(old.clone(), (new.clone(), old_until_ms));
        if let Some(mut entry) = nodes.entries.remove(old) {
            // It still holds the place, so that its end is told before the next one begins.
            if let Some(session) = &entry.session {
                session.stop.ask(DisconnectReason::KeyChanged);
            }
            entry.status.address = new.clone();
            let name = entry.status.name.clone();
            nodes.entries.insert(new.clone(), entry);
            nodes.names.insert(name, new.clone());
        }
        for address in nodes.former_names.values_mut() {
            if address == old {
                *address = new.clone();
            }
        }
    }

    /// The address that a node has now, which may have been another one before.
    pub(crate) fn current(&self, address: &Address) -> Address {
        self.lock().current(address).clone()
    }

    /// The address under which a node that proved `address` is let in at this time.
    pub(crate) fn admitted(&self, address: &Address, now_ms: i64) -> Option<Address> {
        let nodes = self.lock();
        let mut current = address;
        for _ in 0..=nodes.former.len() {
            match nodes.former.get(current) {
                Some((next, until_ms)) if now_ms <= *until_ms => current = next,
                Some(_) => return None,
                None => break,
            }
        }
        nodes.entries.contains_key(current).then(|| current.clone())
    }

    /// A node has just proven this address of its own.
    pub(crate) fn proved(&self, node: &Address, proven: Address) {
        if let Some(entry) = self.lock().entries.get_mut(node) {
            entry.proven = Some(proven);
        }
    }

    /// The address under which a node takes orders: the one that it proved last, or has now.
    pub(crate) fn addressee(&self, address: &Address) -> Address {
        let nodes = self.lock();
        let current = nodes.current(address);
        let proven = nodes
            .entries
            .get(current)
            .and_then(|entry| entry.proven.clone());
        proven.unwrap_or_else(|| current.clone())
    }

    /// Ends all sessions.
    pub(crate) fn end_all(&self, reason: &DisconnectReason) {
        for entry in self.lock().entries.values() {
            if let Some(session) = &entry.session {
                session.stop.ask(reason.clone());
            }
        }
    }

    pub(crate) fn forget(&self, name: &NodeName) -> bool {
        self.lock().remove(name)
    }

    pub(crate) fn rename(&self, name: &NodeName, new: &NodeName) -> bool {
        let mut nodes = self.lock();
        if nodes.names.contains_key(new) {
            return false;
        }
        let Some(address) = nodes.names.remove(name) else {
            return false;
        };
        if let Some(entry) = nodes.entries.get_mut(&address) {
            entry.status.name = new.clone();
        }
        nodes.former_names.remove(new);
        nodes.former_names.insert(name.clone(), address.clone());
        nodes.names.insert(new.clone(), address);
        true
    }

    pub(crate) fn nodes(&self) -> Vec<NodeStatus> {
        let mut all: Vec<_> = self
            .lock()
            .entries
            .values()
            .map(|entry| entry.status.clone())
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    pub(crate) fn loads(&self) -> Vec<NodeLoad> {
        self.lock()
            .entries
            .values()
            .map(|entry| NodeLoad {
                address: entry.status.address.clone(),
                online: entry.status.online,
                load: entry.status.load,
            })
            .collect()
    }

    pub(crate) fn node(&self, name: &NodeName) -> Option<NodeStatus> {
        self.lock().named(name).map(|entry| entry.status.clone())
    }

    /// Whether a node has this name now.
    pub(crate) fn has_name(&self, name: &NodeName) -> bool {
        self.lock().names.contains_key(name)
    }

    /// The name of a node that may come in.
    pub(crate) fn name_of(&self, address: &Address) -> Option<NodeName> {
        let nodes = self.lock();
        let entry = nodes.entries.get(nodes.current(address));
        entry.map(|entry| entry.status.name.clone())
    }

    /// Where to send frames to a node.
    pub(crate) fn line(&self, name: &NodeName) -> Result<FrameLine, SendError> {
        let nodes = self.lock();
        let entry = nodes
            .named(name)
            .ok_or_else(|| SendError::UnknownNode(name.clone()))?;
        match &entry.session {
            Some(session) if !session.stop.is_asked() => Ok(session.line.clone()),
            _ => Err(SendError::Offline {
                node: name.clone(),
                since_ms: entry.status.since_ms,
            }),
        }
    }

    /// Asks for a node's session slot; call again after waiting.
    pub(crate) fn admit(
        &self,
        address: &Address,
        session: &SessionHandle,
        about: impl FnOnce(&mut NodeStatus),
    ) -> Admission {
        let mut nodes = self.lock();
        let Some(entry) = nodes.entries.get_mut(address) else {
            return Admission::Forgotten;
        };
        if let Some(older) = &entry.session {
            older.stop.ask(DisconnectReason::Replaced);
            return Admission::Wait(older.finished.clone());
        }
        let before = entry.status.incarnation.take();
        let now = self.clock.now_ms();
        entry.status.online = true;
        entry.status.since_ms = now;
        entry.status.last_seen_ms = Some(now);
        entry.status.load = None;
        entry.status.round_trip = None;
        about(&mut entry.status);
        entry.session = Some(session.clone());
        entry.online.send_replace(true);
        Admission::Admitted {
            same_incarnation: before.is_some() && before == entry.status.incarnation,
            status: Box::new(entry.status.clone()),
        }
    }

    /// Notes something that a node told in its session.
    pub(crate) fn heard(&self, address: &Address, note: impl FnOnce(&mut NodeStatus, i64)) {
        let mut nodes = self.lock();
        let address = nodes.current(address).clone();
        if let Some(entry) = nodes.entries.get_mut(&address) {
            let now = self.clock.now_ms();
            entry.status.last_seen_ms = Some(now);
            note(&mut entry.status, now);
        }
    }

    /// Notes that a node which has no session has another clock.
    pub(crate) fn note_clock(&self, address: &Address, offset_ms: i64) {
        if let Some(entry) = self.lock().entries.get_mut(address) {
            entry.status.clock_offset_ms = offset_ms;
        }
    }

    /// Whether a node may come in.
    pub(crate) fn is_enrolled(&self, address: &Address) -> bool {
        self.lock().entries.contains_key(address)
    }

    /// Shows a node as offline whose session has ended.
    pub(crate) fn offline(&self, address: &Address, session: &SessionHandle) {
        self.holder(address, session, |entry| {
            entry.status.online = false;
            entry.status.since_ms = self.clock.now_ms();
            entry.online.send_replace(false);
        });
    }

    /// Frees the slot that a session was admitted to.
    pub(crate) fn release(&self, address: &Address, session: &SessionHandle) {
        self.holder(address, session, |entry| entry.session = None);
    }

    /// Changes a node's entry if it still holds this session: a node may have been forgotten and
    /// enrolled again meanwhile.
    fn holder(&self, address: &Address, session: &SessionHandle, change: impl FnOnce(&mut Entry)) {
        let mut nodes = self.lock();
        let address = nodes.current(address).clone();
        if let Some(entry) = nodes.entries.get_mut(&address)
            && entry
                .session
                .as_ref()
                .is_some_and(|held| held.line.same_channel(&session.line))
        {
            change(entry);
        }
    }
}
