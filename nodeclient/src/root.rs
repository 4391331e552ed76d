//! What a root uses to reach its nodes.

mod connection;
mod dialling;
mod download;
pub(crate) mod event;
mod gate;
mod legacy;
pub(crate) mod registry;
mod service;
mod session;
#[cfg(test)]
mod tests;
pub(crate) mod transfers;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use jarvis_proto::node::{EndedAck, Reconcile, RootFrame, SignedOrder, root_frame};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::address::Address;
use crate::clock::unix_ms;
use crate::dial::{BoxedIo, Dialer};
use crate::keyring::KeyRing;
use crate::link::HEARTBEATS;
use crate::listener::{ListenError, NodeListener};
use crate::name::NodeName;
use crate::order::{MOST_ORDER_BYTES, OrderSpec, sign_order};
use crate::tls::{PROOF_TIMEOUT, Side};

pub use event::{DisconnectReason, RootEvent};
pub use gate::{Download, Gate};
pub use legacy::{LEGACY_DIAL, LegacyOptions};
pub use registry::{Enrolment, NodeLoad, NodeStatus};
pub use transfers::{Expectation, FileSink, FileSource, OfferGuard};

use registry::Registry;
use transfers::Transfers;

/// Bytes under way in each direction of an in-memory connection.
const DUPLEX: usize = 256 << 10;
/// How long sessions may take to say goodbye at shutdown.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long after that their connections may take to end.
const LAST: Duration = Duration::from_secs(1);

/// What can be set about a [`Root`].
#[derive(Debug, Clone)]
pub struct RootOptions {
    /// How often nodes send a heartbeat, 20 ms to one hour; three missed ones end a session.
    pub heartbeat: Duration,
    /// How long a peer may take to prove itself.
    pub proof_timeout: Duration,
    /// How many peers that have proven nothing are served at once; more wait in the listen queue.
    pub most_unproven: usize,
    /// How many events may wait for the consumer.
    pub events: usize,
    /// How long [`Root::send`] waits for a line that is full.
    pub send_timeout: Duration,
    /// Tells the time to nodes, which judge the age of orders by it.
    pub clock: RootClock,
}

/// A clock in Unix milliseconds; this machine's by default.
#[derive(Clone)]
pub struct RootClock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl RootClock {
    /// A clock that tells what `now_ms` tells.
    pub fn from_fn(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl Default for RootClock {
    fn default() -> Self {
        Self::from_fn(unix_ms)
    }
}

impl fmt::Debug for RootClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootClock")
    }
}

impl Default for RootOptions {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(10),
            proof_timeout: PROOF_TIMEOUT,
            most_unproven: 256,
            events: 1024,
            send_timeout: Duration::from_secs(5),
            clock: RootClock::default(),
        }
    }
}

/// Why something could not be handed to a node's session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// No node has this name.
    #[error("there is no node `{0}`")]
    UnknownNode(NodeName),
    /// The node has no session.
    #[error("node `{node}` is offline")]
    Offline {
        /// The node.
        node: NodeName,
        /// Since when, in Unix milliseconds.
        since_ms: i64,
    },
    /// The node's line is full, and stayed so.
    #[error("the line to node `{0}` is busy")]
    Busy(NodeName),
    /// No session carries so large an order.
    #[error("the order has {bytes} bytes, and {MOST_ORDER_BYTES} are the limit")]
    TooLarge {
        /// Bytes of the encoded order.
        bytes: usize,
    },
}

/// The node network as one root sees it. Clones are the same root.
#[derive(Clone)]
pub struct Root {
    shared: Arc<Shared>,
}

/// What all connections of a root share.
pub(crate) struct Shared {
    keys: RwLock<Arc<KeyRing>>,
    gate: OnceLock<Arc<dyn Gate>>,
    options: RootOptions,
    pub(crate) registry: Registry,
    pub(crate) transfers: Transfers,
    pub(crate) events: mpsc::Sender<RootEvent>,
    unproven: Arc<Semaphore>,
    legacy: OnceLock<legacy::Legacy>,
    pub(crate) tasks: TaskTracker,
    /// Sessions say goodbye and end.
    pub(crate) stop: CancellationToken,
    /// Connections end at once.
    pub(crate) kill: CancellationToken,
}

impl Shared {
    fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Root {
    /// Starts with no nodes and no listener, and runs until [`Root::shutdown`]. Events must be
    /// received, or sessions wait.
    #[must_use]
    pub fn start(
        keys: impl Into<KeyRing>,
        mut options: RootOptions,
    ) -> (Self, mpsc::Receiver<RootEvent>) {
        options.heartbeat = options
            .heartbeat
            .clamp(*HEARTBEATS.start(), *HEARTBEATS.end());
        let (events, receiver) = mpsc::channel(options.events.max(1));
        let unproven = Arc::new(Semaphore::new(options.most_unproven.max(1)));
        let shared = Shared {
            keys: RwLock::new(Arc::new(keys.into())),
            gate: OnceLock::new(),
            registry: Registry::new(options.clock.clone()),
            options,
            legacy: OnceLock::new(),
            transfers: Transfers::default(),
            events,
            unproven,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
        };
        (
            Self {
                shared: Arc::new(shared),
            },
            receiver,
        )
    }

    /// The address that nodes must trust.
    #[must_use]
    pub fn address(&self) -> Address {
        self.shared.keys().address().clone()
    }

    /// The key in use, with the changes that led to it.
    #[must_use]
    pub fn keys(&self) -> Arc<KeyRing> {
        self.shared.keys()
    }

    /// Goes on with another key. All sessions end, and begin again under it; nodes that trust an old key
    /// of the ring trust the new one.
    pub fn set_keys(&self, keys: KeyRing) {
        *self
            .shared
            .keys
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        self.shared.registry.end_all(&DisconnectReason::KeyChanged);
    }

    /// Who decides about newcomers from now on; without one, nobody can join. Only the first call
    /// counts.
    pub fn set_gate(&self, gate: Arc<dyn Gate>) {
        let _ = self.shared.gate.set(gate);
    }

    /// Lets nodes dial in; may be called for several addresses. Gives the address in use.
    ///
    /// # Errors
    /// When the address is in use, or not this machine's.
    pub async fn listen(&self, address: SocketAddr) -> Result<SocketAddr, ListenError> {
        let listener = NodeListener::bind(address).await?;
        let address = listener.address();
        let shared = Arc::clone(&self.shared);
        self.shared.tasks.spawn(async move {
            let stop = shared.stop.clone();
            stop.run_until_cancelled_owned(accept(shared, listener))
                .await;
        });
        Ok(address)
    }

    /// A dialler for nodes in this process: the same session, over memory.
    #[must_use]
    pub fn local_dialer(&self) -> LocalDialer {
        LocalDialer {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Lets a node in from now on, replacing what was enrolled under the same address or the same name.
    /// With [`Enrolment::dial`] the root keeps dialling it whenever it has no session.
    ///
    /// A session of the same address goes on; under a new name its later events carry that name.
    pub fn enroll(&self, node: Enrolment) {
        dialling::enroll(&self.shared, node);
    }

    /// The address that a node has now, which may have been another one before.
    #[must_use]
    pub fn current(&self, address: &Address) -> Address {
        self.shared.registry.current(address)
    }

    /// A node goes on under another address, which is known to be its own. A session of it ends. Until
    /// `old_until_ms` (Unix milliseconds) the old address is let in as well.
    pub fn succeed(&self, old: &Address, new: &Address, old_until_ms: i64) {
        self.shared.registry.succeed(old, new, old_until_ms);
    }

    /// Ends a node's session and lets it in no more. Whether there was such a node.
    pub fn forget(&self, name: &NodeName) -> bool {
        self.shared.registry.forget(name)
    }

    /// Gives a node another name; false when there is no such node or the new name is taken. The node
    /// itself learns of it at its next session. What was begun under the old name goes on: until another
    /// node has it, the old name leads to this node.
    pub fn rename(&self, name: &NodeName, new: &NodeName) -> bool {
        self.shared.registry.rename(name, new)
    }

    /// All enrolled nodes by name.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeStatus> {
        self.shared.registry.nodes()
    }

    /// What the last heartbeats told, of all enrolled nodes in no order: cheap enough to ask often.
    #[must_use]
    pub fn loads(&self) -> Vec<NodeLoad> {
        self.shared.registry.loads()
    }

    /// One enrolled node.
    #[must_use]
    pub fn node(&self, name: &NodeName) -> Option<NodeStatus> {
        self.shared.registry.node(name)
    }

    /// Signs an order to a node.
    #[must_use]
    pub fn sign(&self, node: &Address, spec: OrderSpec) -> SignedOrder {
        let node = self.shared.registry.addressee(node);
        sign_order(self.shared.keys().identity(), &node, spec)
    }

    /// Hands an order to a node's session. That the node has it is told by [`RootEvent::Accepted`] or
    /// [`RootEvent::Refused`]; when neither comes before the session ends, ask with
    /// [`Root::reconcile`] in the next one. Sending the same bytes again is harmless.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, node: &NodeName, order: &SignedOrder) -> Result<(), SendError> {
        let bytes = order.order.len();
        if bytes > MOST_ORDER_BYTES {
            return Err(SendError::TooLarge { bytes });
        }
        self.say(node, root_frame::Frame::Order(order.clone()))
            .await
    }

    /// Asks a node what became of orders. It answers each with [`RootEvent::Accepted`],
    /// [`RootEvent::Progress`], [`RootEvent::Ended`] or [`RootEvent::Unknown`].
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn reconcile(&self, node: &NodeName, orders: Vec<String>) -> Result<(), SendError> {
        self.say(node, root_frame::Frame::Reconcile(Reconcile { orders }))
            .await
    }

    /// Tells a node that the ending of an order is stored here, so that it may forget it.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn acknowledge(&self, node: &NodeName, order: &str) -> Result<(), SendError> {
        let order = order.to_owned();
        self.say(node, root_frame::Frame::EndedAck(EndedAck { order }))
            .await
    }

    async fn say(&self, node: &NodeName, frame: root_frame::Frame) -> Result<(), SendError> {
        let line = self.shared.registry.line(node)?;
        let frame = Ok(RootFrame { frame: Some(frame) });
        match timeout(self.shared.options.send_timeout, line.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => {
                Err(self
                    .shared
                    .registry
                    .line(node)
                    .err()
                    .unwrap_or_else(|| SendError::Offline {
                        node: node.clone(),
                        since_ms: self.shared.options.clock.now_ms(),
                    }))
            }
            Err(_) => Err(SendError::Busy(node.clone())),
        }
    }

    /// Offers a file to one node under an order, as long as the guard lives. The node may fetch it
    /// several times, from any offset.
    #[must_use]
    pub fn offer(&self, node: &Address, order: &str, source: FileSource) -> OfferGuard {
        let node = self.shared.registry.current(node);
        self.shared.transfers.offer(&node, order, source)
    }

    /// Expects a file from one node under an order, as long as the expectation lives.
    #[must_use]
    pub fn expect(&self, node: &Address, order: &str, sink: FileSink) -> Expectation {
        let node = self.shared.registry.current(node);
        self.shared.transfers.expect(&node, order, sink)
    }

    /// Stops: no new connections, goodbye to all sessions, then the connections are cut. Takes four
    /// seconds at most. The event receiver ends when all clones of the root are gone too.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        if timeout(FAREWELL, self.shared.tasks.wait()).await.is_err() {
            self.shared.kill.cancel();
            if timeout(LAST, self.shared.tasks.wait()).await.is_err() {
                tracing::warn!("some node connections did not end in time");
            }
        }
        self.shared.kill.cancel();
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

/// Accepts connections, each served in a task of its own, so that a silent one holds up nobody.
async fn accept(shared: Arc<Shared>, listener: NodeListener) {
    loop {
        let Ok(permit) = Arc::clone(&shared.unproven).acquire_owned().await else {
            return;
        };
        let (tcp, peer) = listener.accept_tcp().await;
        let served = connection::serve(
            Arc::clone(&shared),
            Box::new(tcp),
            Side::Accepted,
            connection::Peer {
                name: peer.to_string(),
                meant: None,
                permit: Some(permit),
            },
        );
        shared.tasks.spawn(served);
    }
}

/// Dials a [`Root`] in the same process.
#[derive(Clone)]
pub struct LocalDialer {
    shared: Arc<Shared>,
}

#[async_trait]
impl Dialer for LocalDialer {
    async fn dial(&self) -> io::Result<BoxedIo> {
        if self.shared.stop.is_cancelled() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs) = tokio::io::duplex(DUPLEX);
        self.shared.tasks.spawn(connection::serve(
            Arc::clone(&self.shared),
            Box::new(ours),
            Side::Accepted,
            connection::Peer {
                name: self.describe(),
                meant: None,
                permit: None,
            },
        ));
        Ok(Box::new(theirs))
    }

    fn describe(&self) -> String {
        "this process".into()
    }
}

impl fmt::Debug for LocalDialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalDialer")
    }
}
