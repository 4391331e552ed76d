//! Taking part in a legacy network: start, timers, stop.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jarvis_proto::legacy::{JarvisMsg, NodeBaseInfo};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::FailedAddresses;
use super::connect::{self, ConnectError};
use super::counters::{Counters, Counts};
use super::handler::Handler;
use super::outbound::Outgoing;
use super::peers::{PeerStatus, PeerStore, Peers};
use super::pending::{Pending, Replies};
use super::signature::{SignatureError, sign};
use super::states::States;
use super::tap::Tap;
use super::{CORE_VERSION, ENDED_KEPT, NODES_EVERY, STATE_EVERY, nodes, service};
use crate::address::Address;
use crate::clock::unix_ms;
use crate::identity::Identity;
use crate::listener::{ListenError, NodeListener};

/// Events that may wait; what does not fit is left out.
const EVENTS: usize = 256;
/// Requests of an address that is shorter are not remembered by jarviscore nodes.
const ADDRESS_LENGTH: usize = 34;
/// How often it is said in the log what was refused.
const REFUSED_EVERY: Duration = Duration::from_secs(60);
/// How long stopping may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// Unix seconds.
type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How somebody takes part.
#[derive(Clone)]
pub struct NetOptions {
    /// Where others dial us.
    pub listen: SocketAddr,
    /// `host:port` that others are told to dial; empty: what we listen on.
    pub server_address: String,
    /// What we are called, by their rule for names.
    pub name: String,
    /// What kind of node we are.
    pub node_type: String,
    /// Its version.
    pub node_type_version: String,
    /// Server addresses to stay connected with.
    pub connect: Vec<String>,
    /// Unix seconds.
    pub clock: Clock,
    /// Sees every message.
    pub tap: Tap,
    /// How often it is asked what became of a request.
    pub state_every: Duration,
    /// How long a finished request is still known.
    pub ended_kept: Duration,
    /// How often lists of nodes are exchanged.
    pub nodes_every: Duration,
    /// Least time between two attempts to connect to one peer.
    pub reconnect: Duration,
    /// How long a call may take that has nothing to send any more.
    pub call_limit: Duration,
    /// Most bytes of one stream of messages that somebody may send.
    pub most_stream_bytes: u64,
}

impl NetOptions {
    /// Their own timing, for somebody who listens on `listen`.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self {
            listen,
            server_address: String::new(),
            name: "jarvis".to_owned(),
            node_type: "jarvis".to_owned(),
            node_type_version: env!("CARGO_PKG_VERSION").to_owned(),
            connect: Vec::new(),
            clock: Arc::new(|| unix_ms() / 1000),
            tap: Tap::default(),
            state_every: STATE_EVERY,
            ended_kept: ENDED_KEPT,
            nodes_every: NODES_EVERY,
            reconnect: Duration::from_secs(super::backoff::RECONNECT_S.unsigned_abs()),
            call_limit: Duration::from_secs(60),
            most_stream_bytes: 16 << 30,
        }
    }
}

impl fmt::Debug for NetOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetOptions")
            .field("listen", &self.listen)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Something happened in the network.
#[derive(Debug, Clone, PartialEq)]
pub enum NetEvent {
    /// Somebody proved who it is, by calling us or by answering.
    Greeted {
        /// Who.
        address: Address,
        /// It is one that we want.
        is_wanted: bool,
        /// What it tells of itself.
        info: Box<NodeBaseInfo>,
    },
    /// A peer told us of somebody whom we did not know. Nothing of it is proven.
    Heard {
        /// What it told.
        info: Box<NodeBaseInfo>,
    },
}

/// What all parts share.
pub(super) struct Shared {
    pub(super) identity: Arc<Identity>,
    pub(super) me: String,
    pub(super) options: NetOptions,
    pub(super) listening: SocketAddr,
    pub(super) peers: Peers,
    pub(super) pending: Pending,
    pub(super) states: States,
    pub(super) counters: Counters,
    pub(super) failed: FailedAddresses,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) events: mpsc::Sender<NetEvent>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn now(&self) -> i64 {
        (self.options.clock)()
    }

    /// What we tell others of ourselves.
    pub(super) fn info(&self) -> NodeBaseInfo {
        let server_address = match self.options.server_address.as_str() {
            "" => self.listening.to_string(),
            told => told.to_owned(),
        };
        NodeBaseInfo {
            serv_addr: server_address,
            addr: self.me.clone(),
            name: self.options.name.clone(),
            node_type_version: self.options.node_type_version.clone(),
            node_type: self.options.node_type.clone(),
            core_version: CORE_VERSION.to_owned(),
        }
    }

    /// Makes a draft a message: sender, receiver, number, time, signature.
    pub(super) fn finish(
        &self,
        draft: JarvisMsg,
        to: &str,
        id: i64,
        index: i32,
        last: i64,
    ) -> Result<JarvisMsg, SignatureError> {
        let mut message = JarvisMsg {
            msg_id: id,
            cur_time: self.now(),
            src_addr: self.me.clone(),
            my_addr: self.me.clone(),
            dest_addr: to.to_owned(),
            last_msg_id: last,
            stream_msg_index: index,
            ..draft
        };
        sign(&mut message, &self.identity)?;
        Ok(message)
    }

    fn is_state_meaningful(&self) -> bool {
        self.me.len() >= ADDRESS_LENGTH
    }

    pub(super) fn tell(&self, event: NetEvent) {
        let _ = self.events.try_send(event);
    }
}

/// Our part in a legacy network. Clones are the same.
#[derive(Clone)]
pub struct LegacyNet {
    shared: Arc<Shared>,
}

impl LegacyNet {
    /// Loads the peers, listens, and answers from now on. Events that nobody takes are left out.
    ///
    /// # Errors
    /// When the peers cannot be loaded, or nobody can listen at the address.
    pub async fn start(
        identity: Arc<Identity>,
        mut options: NetOptions,
        store: Arc<dyn PeerStore>,
        handler: Arc<dyn Handler>,
    ) -> Result<(Self, mpsc::Receiver<NetEvent>), NetError> {
        if !super::names::is_node_name(&options.name) {
            options.name = nearest_name(&options.name);
        }
        let me = identity.address().to_string();
        if me.len() < ADDRESS_LENGTH {
            tracing::warn!(
                address = me,
                "jarviscore nodes do not remember requests of an address as short as this; use another key for them"
            );
        }
        let peers = Peers::load(store).await.map_err(NetError::Store)?;
        let listener = NodeListener::bind(options.listen).await?;
        let (events, receiver) = mpsc::channel(EVENTS);
        let shared = Arc::new(Shared {
            me,
            identity,
            listening: listener.address(),
            peers,
            pending: Pending::default(),
            states: States::default(),
            counters: Counters::default(),
            failed: FailedAddresses::default(),
            handler,
            events,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            options,
        });
        let spawn = |task: futures::future::BoxFuture<'static, ()>| {
            let stop = shared.stop.clone();
            shared.tasks.spawn(stop.run_until_cancelled_owned(task));
        };
        spawn(Box::pin(service::accept(Arc::clone(&shared), listener)));
        spawn(Box::pin(ask_for_states(Arc::clone(&shared))));
        spawn(Box::pin(nodes::ask_everybody(Arc::clone(&shared))));
        spawn(Box::pin(connect::greet_known(Arc::clone(&shared))));
        spawn(Box::pin(say_what_is_refused(Arc::clone(&shared))));
        for address in shared.options.connect.clone() {
            let kept = connect::stay_connected(Arc::clone(&shared), address);
            spawn(Box::pin(kept));
        }
        Ok((Self { shared }, receiver))
    }

    #[cfg(test)]
    pub(super) fn shared_for_tests(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Where we listen, with the true port.
    #[must_use]
    pub fn listening(&self) -> SocketAddr {
        self.shared.listening
    }

    /// Our own address.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.shared.identity.address()
    }

    /// Whether jarviscore nodes answer truly when asked for the state of our requests: they do not for
    /// an address of 33 characters or less.
    #[must_use]
    pub fn is_state_meaningful(&self) -> bool {
        self.shared.is_state_meaningful()
    }

    /// Dials a server and greets. Who answers becomes a peer, and is remembered; with `expected` it must
    /// be that one. Gives who it is, and what ends when the connection does.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(
        &self,
        server_address: &str,
        expected: Option<&Address>,
    ) -> Result<(PeerStatus, CancellationToken), ConnectError> {
        connect::connect(&self.shared, server_address, expected, true).await
    }

    /// Asks a peer for something. It is sent in a task of its own, in turn with all else to that peer.
    #[must_use]
    pub fn request(&self, to: &Address, outgoing: Outgoing) -> Replies {
        let (entry, replies) = self.shared.pending.add();
        let (shared, to) = (Arc::clone(&self.shared), to.clone());
        let stop = self.shared.stop.clone();
        let task = async move {
            if let Err(error) = shared.send(&to, outgoing, Some(&entry)).await {
                entry.fail(error).await;
            }
        };
        self.shared
            .tasks
            .spawn(stop.run_until_cancelled_owned(task));
        replies
    }

    /// Asks every connected peer for its list of nodes.
    pub async fn request_nodes(&self, with_local_hosts: bool) {
        nodes::ask(&self.shared, with_local_hosts).await;
    }

    /// Everybody who is known.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerStatus> {
        self.shared.peers.statuses()
    }

    /// One peer.
    #[must_use]
    pub fn peer(&self, address: &Address) -> Option<PeerStatus> {
        self.shared.peers.status(address)
    }

    /// What was refused since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.counters.counts()
    }

    /// The version of our list of nodes.
    #[must_use]
    pub fn nodes_version(&self) -> String {
        self.shared.peers.version()
    }

    /// Stops: no new calls, and those that run are cut after some seconds.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        if timeout(FAREWELL, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("some legacy calls did not end in time");
        }
        for peer in self.shared.peers.lock().values_mut() {
            peer.link = None;
        }
    }
}

impl fmt::Debug for LegacyNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyNet")
            .field("address", self.address())
            .field("listening", &self.shared.listening)
            .finish_non_exhaustive()
    }
}

/// Why nobody can take part.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// The peers cannot be loaded.
    #[error("the legacy peers cannot be loaded: {0}")]
    Store(#[source] io::Error),
    /// Nobody can listen there.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// A name by their rule that is as near as can be.
fn nearest_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_matches('_');
    if super::names::is_node_name(name) {
        name.to_owned()
    } else {
        let name = format!("n_{name}");
        let name = name.trim_end_matches('_');
        if name == "n" {
            "jarvis".to_owned()
        } else {
            name.to_owned()
        }
    }
}

/// Asks now and then what became of the requests that wait.
async fn ask_for_states(shared: Arc<Shared>) {
    let every = shared.options.state_every;
    let mut ticks = interval_at(tokio::time::Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (to, id) in shared.pending.late() {
            let shared = Arc::clone(&shared);
            let stop = shared.stop.clone();
            let ask = async move {
                match shared.ask_for_state(&to, id).await {
                    Ok(Some(state)) if state < 0 => {
                        let is_certain = shared.is_state_meaningful();
                        shared.pending.remove(&to, id, is_certain).await;
                    }
                    Ok(_) => {}
                    Err(error) => tracing::debug!(peer = %to, id, %error, "no word of a request"),
                }
            };
            shared_spawn(&stop, ask);
        }
    }
}

/// Says once a minute what was refused since the last time, if anything was.
async fn say_what_is_refused(shared: Arc<Shared>) {
    let mut ticks = interval_at(tokio::time::Instant::now() + REFUSED_EVERY, REFUSED_EVERY);
    let mut last = Counts::default();
    loop {
        ticks.tick().await;
        let counts = shared.counters.counts();
        if counts != last {
            tracing::warn!(
                refused = counts.all() - last.all(),
                in_all = counts.all(),
                clock = counts.clock,
                signature = counts.signature,
                untrusted = counts.untrusted,
                number = counts.number,
                malformed = counts.malformed,
                unasked = counts.unasked,
                "legacy messages were refused"
            );
            last = counts;
        }
    }
}

fn shared_spawn(stop: &CancellationToken, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(stop.clone().run_until_cancelled_owned(task));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_becomes_one_of_theirs() {
        for (ours, theirs) in [
            ("web-1", "web_1"),
            ("1web", "n_1web"),
            ("_", "jarvis"),
            ("", "jarvis"),
            ("节点", "jarvis"),
            ("a.", "a"),
        ] {
            assert_eq!(nearest_name(ours), theirs);
            assert!(super::super::names::is_node_name(theirs));
        }
    }
}
