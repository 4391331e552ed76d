//! Who is known, and the numbers of the messages between us.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jarvis_proto::legacy::{JarvisMsg, NodeBaseInfo, PeerRecord};
use tokio::sync::Semaphore;

use super::names::nodes_version;
use super::wire::Link;
use crate::address::Address;

/// Most others that are known without being wanted; they are never written down.
const MOST_STRANGERS: usize = 256;
/// How far a number may be ahead of what we know. Whoever says more makes it up.
const LARGEST_JUMP: i64 = 1_000_000;

/// Where peers are kept. Numbers must outlive the process, or the other side refuses what comes.
#[async_trait]
pub trait PeerStore: Send + Sync {
    /// All that was kept.
    async fn load(&self) -> io::Result<Vec<PeerRecord>>;

    /// Keeps one peer, before anything is sent under its new number.
    async fn save(&self, peer: PeerRecord) -> io::Result<()>;
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPeers;

#[async_trait]
impl PeerStore for NoPeers {
    async fn load(&self) -> io::Result<Vec<PeerRecord>> {
        Ok(Vec::new())
    }

    async fn save(&self, _peer: PeerRecord) -> io::Result<()> {
        Ok(())
    }
}

/// What is known about a peer.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerStatus {
    /// Its address.
    pub address: Address,
    /// What it told of itself.
    pub info: NodeBaseInfo,
    /// There is a connection to it.
    pub is_connected: bool,
    /// Its clock minus ours in seconds, as of its last message.
    pub clock_offset_s: i64,
    /// Counts handshakes: it grows when the peer's process may be another one.
    pub greetings: u64,
}

/// One peer.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) record: PeerRecord,
    pub(super) is_wanted: bool,
    /// It proved its key and told who it is in this process's life.
    pub(super) is_greeted: bool,
    pub(super) greetings: u64,
    pub(super) link: Option<Link>,
    /// Counts the connections that we made to it; one attempt at a time is made.
    pub(super) links: u64,
    pub(super) greeting: Arc<Semaphore>,
    pub(super) clock_offset_s: i64,
    /// When a connection was last tried, Unix seconds.
    pub(super) tried_s: i64,
    /// The version of our list that it was told last, and a request for its list that is not answered.
    pub(super) announced: String,
    pub(super) is_asked_for_nodes: bool,
    /// What it last announced as the version of its own list.
    pub(super) announces: String,
    /// One call at a time goes to it.
    pub(super) turn: Arc<Semaphore>,
}

impl Peer {
    fn new(record: PeerRecord, is_wanted: bool) -> Self {
        Self {
            record,
            is_wanted,
            is_greeted: false,
            greetings: 0,
            link: None,
            links: 0,
            greeting: Arc::new(Semaphore::new(1)),
            clock_offset_s: 0,
            tried_s: 0,
            announced: String::new(),
            is_asked_for_nodes: false,
            announces: String::new(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    pub(super) fn info(&self) -> NodeBaseInfo {
        self.record.info.clone().unwrap_or_default()
    }

    pub(super) fn live_link(&self) -> Option<Link> {
        self.link.clone().filter(|link| !link.is_over())
    }

    pub(super) fn status(&self, address: &Address) -> PeerStatus {
        PeerStatus {
            address: address.clone(),
            info: self.info(),
            is_connected: self.live_link().is_some(),
            clock_offset_s: self.clock_offset_s,
            greetings: self.greetings,
        }
    }
}

/// Why a number is not taken.
#[derive(Debug)]
pub(super) enum NumberError {
    /// Its sender never told who it is.
    Unknown,
    /// It was used before.
    Used,
    /// It cannot be kept.
    Store(io::Error),
}

/// All peers.
pub(super) struct Peers {
    table: Mutex<HashMap<Address, Peer>>,
    store: Arc<dyn PeerStore>,
    /// Records are written one after the other, the last state last.
    saving: Semaphore,
}

impl Peers {
    pub(super) async fn load(store: Arc<dyn PeerStore>) -> io::Result<Self> {
        let mut table = HashMap::new();
        for mut record in store.load().await? {
            let Ok(address) = Address::parse(&record.address) else {
                tracing::warn!(address = record.address, "a stored peer has no address");
                continue;
            };
            record.last_received = record.last_received.max(0);
            record.last_sent = record.last_sent.max(0);
            table.insert(address, Peer::new(record, true));
        }
        Ok(Self {
            table: Mutex::new(table),
            store,
            saving: Semaphore::new(1),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<Address, Peer>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at or changes a peer; `None` when it is unknown.
    pub(super) fn with<T>(
        &self,
        address: &Address,
        look: impl FnOnce(&mut Peer) -> T,
    ) -> Option<T> {
        self.lock().get_mut(address).map(look)
    }

    /// Looks at or changes a peer that becomes known by it. There is a limit to those who are not
    /// wanted: the one who was connected least recently makes room.
    pub(super) fn meet<T>(
        &self,
        address: &Address,
        is_wanted: bool,
        look: impl FnOnce(&mut Peer) -> T,
    ) -> T {
        let mut table = self.lock();
        if !is_wanted && !table.contains_key(address) {
            let strangers = table.iter().filter(|(_, peer)| !peer.is_wanted);
            let oldest = strangers
                .clone()
                .min_by_key(|(_, peer)| peer.tried_s)
                .map(|(address, _)| address.clone());
            if strangers.count() >= MOST_STRANGERS
                && let Some(oldest) = oldest
            {
                table.remove(&oldest);
            }
        }
        let record = PeerRecord {
            address: address.to_string(),
            ..PeerRecord::default()
        };
        let peer = table
            .entry(address.clone())
            .or_insert_with(|| Peer::new(record, is_wanted));
        peer.is_wanted |= is_wanted;
        look(peer)
    }

    pub(super) fn statuses(&self) -> Vec<PeerStatus> {
        let table = self.lock();
        let mut all: Vec<_> = table.iter().map(|(at, peer)| peer.status(at)).collect();
        all.sort_by(|a, b| a.address.cmp(&b.address));
        all
    }

    pub(super) fn status(&self, address: &Address) -> Option<PeerStatus> {
        self.with(address, |peer| peer.status(address))
    }

    /// Keeps what is known of a peer, if it is one to be kept.
    pub(super) async fn save(&self, address: &Address) -> io::Result<()> {
        let _permit = self
            .saving
            .acquire()
            .await
            .map_err(|_| io::Error::other("closed"))?;
        let kept = self
            .with(address, |peer| peer.is_wanted.then(|| peer.record.clone()))
            .flatten();
        match kept {
            Some(record) => self.store.save(record).await,
            None => Ok(()),
        }
    }

    /// The next number towards a peer, kept before it is used.
    pub(super) async fn next_number(&self, to: &Address) -> io::Result<i64> {
        let number = self.meet(to, false, |peer| {
            peer.record.last_sent = peer.record.last_sent.saturating_add(1);
            peer.record.last_sent
        });
        self.save(to).await?;
        Ok(number)
    }

    /// The last number that was accepted from a peer; 1 for somebody unknown, as jarviscore has it.
    pub(super) fn last_received(&self, from: &Address) -> i64 {
        self.with(from, |peer| peer.record.last_received)
            .unwrap_or(1)
    }

    /// Takes the number of a message that came through our server, and is the first of its call.
    pub(super) async fn accept(
        &self,
        from: &Address,
        message: &JarvisMsg,
    ) -> Result<(), NumberError> {
        self.with(from, |peer| {
            if message.msg_id <= peer.record.last_received {
                return Err(NumberError::Used);
            }
            peer.record.last_received = message.msg_id;
            raise(&mut peer.record, message.last_msg_id);
            Ok(())
        })
        .unwrap_or(Err(NumberError::Unknown))?;
        self.save(from).await.map_err(NumberError::Store)
    }

    /// The other side says which number it accepted last from us.
    pub(super) async fn heard_of(&self, from: &Address, last: i64) -> io::Result<()> {
        let is_raised = self.with(from, |peer| raise(&mut peer.record, last));
        if is_raised == Some(true) {
            self.save(from).await?;
        }
        Ok(())
    }

    /// The version of our own list of nodes.
    pub(super) fn version(&self) -> String {
        let known = self.known();
        let nodes = known.iter().map(|info| {
            (
                info.serv_addr.as_str(),
                info.addr.as_str(),
                info.name.as_str(),
            )
        });
        nodes_version(nodes)
    }

    /// Everybody we want who told us who they are, by address. Whoever only called is passed on to nobody.
    pub(super) fn known(&self) -> Vec<NodeBaseInfo> {
        let table = self.lock();
        let mut known: Vec<_> = table
            .values()
            .filter(|peer| peer.is_greeted && peer.is_wanted)
            .map(Peer::info)
            .collect();
        known.sort_by(|a, b| a.addr.cmp(&b.addr));
        known
    }
}

/// Repairs our counter when the other side is ahead of it.
fn raise(record: &mut PeerRecord, last: i64) -> bool {
    let is_ahead = last > record.last_sent && last - record.last_sent <= LARGEST_JUMP;
    if is_ahead {
        record.last_sent = last;
    }
    is_ahead
}
