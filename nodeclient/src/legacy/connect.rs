//! The greeting of two participants: who asks, and who is asked.

use std::sync::Arc;

use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{ConnectInfo, JarvisMsg, Msgtype, NodeBaseInfo, Replytype};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::backoff;
use super::inbound::CLOCK_IS_OFF;
use super::message::{self, draft};
use super::names::{is_own_address, is_server_address};
use super::net::{NetEvent, Shared};
use super::peers::PeerStatus;
use super::signature::verify;
use super::tap::Call;
use super::wire::Link;
use crate::address::Address;

/// What the number of our last message to somebody unknown looks like to them.
const LAST_OF_NOBODY: i64 = 1;
/// Most bytes of each text that a peer tells of itself.
const MOST_TEXT: usize = 255;

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Not `host:port`.
    #[error("invalid servaddr: `{0}` is no HOST:PORT")]
    Address(String),
    /// It is our own.
    #[error("servaddr is me")]
    Own,
    /// It failed so often that it is left alone for some minutes.
    #[error("the servaddr connect fail")]
    Closed,
    /// Nobody answers there.
    #[error("{0}")]
    Dial(String),
    /// Our clocks differ by this many seconds, theirs minus ours; five minutes are the limit.
    #[error("the clocks differ by {0} s, and {limit} s are the limit: set them right (NTP)", limit = super::CLOCK_TOLERANCE_S)]
    Clock(i64),
    /// The other side will not have us.
    #[error("it refused: {0}")]
    Refused(String),
    /// Somebody else answers there.
    #[error("{0} answered there")]
    Another(Address),
    /// Not the answer that it should be.
    #[error("it does not speak jarviscore's protocol: {0}")]
    Protocol(&'static str),
}

/// Dials and greets; whoever answers is a peer from now on.
pub(super) async fn connect(
    shared: &Arc<Shared>,
    server_address: &str,
    expected: Option<&Address>,
    is_wanted: bool,
) -> Result<(PeerStatus, CancellationToken), ConnectError> {
    if !is_server_address(server_address) {
        return Err(ConnectError::Address(server_address.to_owned()));
    }
    if is_own_address(server_address, &shared.options.listen.to_string())
        || server_address == shared.info().serv_addr
    {
        return Err(ConnectError::Own);
    }
    let Some(expected) = expected else {
        if shared.failed.is_closed(server_address, shared.now()) {
            return Err(ConnectError::Closed);
        }
        return greet(shared, server_address, None, is_wanted).await;
    };
    let (greeting, links) = shared.peers.meet(expected, is_wanted, |peer| {
        (Arc::clone(&peer.greeting), peer.links)
    });
    let Ok(_greeting) = greeting.acquire().await else {
        return Err(ConnectError::Closed);
    };
    // Who came first has connected: a second connection would only cut the first.
    let connected = shared.peers.with(expected, |peer| {
        let link = (peer.links != links).then(|| peer.live_link()).flatten()?;
        Some((peer.status(expected), link.over()))
    });
    if let Some(Some(connected)) = connected {
        return Ok(connected);
    }
    let now = shared.now();
    if shared.failed.is_closed(server_address, now) {
        return Err(ConnectError::Closed);
    }
    let is_due = shared.peers.meet(expected, is_wanted, |peer| {
        peer.tried_s = now;
        backoff::is_over(&peer.record, now)
    });
    if !is_due {
        return Err(ConnectError::Closed);
    }
    let greeted = greet(shared, server_address, Some(expected), is_wanted).await;
    if let Err(error) = &greeted {
        let offset = match error {
            ConnectError::Clock(offset) => Some(*offset),
            _ => None,
        };
        shared.peers.with(expected, |peer| {
            backoff::failed(&mut peer.record, now);
            peer.clock_offset_s = offset.unwrap_or(peer.clock_offset_s);
        });
        keep(shared, expected).await;
    }
    greeted
}

async fn greet(
    shared: &Arc<Shared>,
    server_address: &str,
    expected: Option<&Address>,
    is_wanted: bool,
) -> Result<(PeerStatus, CancellationToken), ConnectError> {
    let dial = |error: String| {
        shared.failed.add(server_address, shared.now());
        ConnectError::Dial(error)
    };
    let link = Link::dial(server_address)
        .await
        .map_err(|error| dial(error.to_string()))?;
    let info = ConnectInfo {
        serv_addr: server_address.to_owned(),
        my_info: Some(shared.info()),
    };
    let draft = draft(Msgtype::ConnectNode, Some(Data::ConnInfo(info)));
    let message = shared
        .finish(draft, "", 0, 0, LAST_OF_NOBODY)
        .expect("a greeting can be signed");
    let tap = &shared.options.tap;
    tap.see(Call::Message, true, true, &message);
    let limit = shared.options.call_limit;
    let late = |_| dial("it did not answer in time".to_owned());
    let mut client = link.client();
    let incoming = timeout(limit, client.proc_msg(message))
        .await
        .map_err(late)?;
    let mut incoming = incoming
        .map_err(|status| dial(status.message().to_owned()))?
        .into_inner();
    let mut greeted = None;
    loop {
        let message = match timeout(limit, incoming.message()).await.map_err(late)? {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(status) => return Err(dial(status.message().to_owned())),
        };
        tap.see(Call::Message, true, false, &message);
        let Ok(sender) = verify(&message) else {
            shared.counters.signature.add();
            return Err(ConnectError::Protocol("its signature is bad"));
        };
        match (message.msg_type(), message.reply_type()) {
            (Msgtype::ReplyConnect, _) => {
                if expected.is_some_and(|expected| *expected != sender) {
                    return Err(ConnectError::Another(sender));
                }
                let info = answered_info(shared, &message)?;
                greeted = Some((sender, info, message.cur_time, message.last_msg_id));
            }
            (Msgtype::Reply2, Replytype::Error) => {
                let offset = message.cur_time.saturating_sub(shared.now());
                return Err(match message.err.as_str() {
                    CLOCK_IS_OFF => ConnectError::Clock(offset),
                    text => ConnectError::Refused(text.chars().take(200).collect()),
                });
            }
            _ => {}
        }
    }
    let Some((address, mut info, time, last)) = greeted else {
        return Err(ConnectError::Protocol("it did not greet back"));
    };
    if !is_server_address(&info.serv_addr) {
        info.serv_addr = server_address.to_owned();
    }
    let over = link.over();
    let offset = time.saturating_sub(shared.now());
    shared.peers.meet(&address, is_wanted, |peer| {
        peer.record.info = Some(info.clone());
        backoff::succeeded(&mut peer.record);
        peer.is_greeted = true;
        peer.greetings += 1;
        peer.is_asked_for_nodes = false;
        peer.announced.clear();
        peer.clock_offset_s = offset;
        peer.link = Some(link.clone());
        peer.links += 1;
    });
    if shared.peers.heard_of(&address, last).await.is_err() {
        tracing::warn!(peer = %address, "a peer's number cannot be kept");
    }
    keep(shared, &address).await;
    shared.tell(NetEvent::Greeted {
        address: address.clone(),
        is_wanted,
        info: Box::new(info),
    });
    let status = shared.peers.status(&address).ok_or(ConnectError::Own)?;
    Ok((status, over))
}

/// What the one who answers tells of itself, which must be about itself.
fn answered_info(shared: &Shared, message: &JarvisMsg) -> Result<NodeBaseInfo, ConnectError> {
    if message.dest_addr != shared.me {
        return Err(ConnectError::Protocol("it greeted somebody else"));
    }
    match &message.data {
        Some(Data::NodeInfo(info)) if info.addr == message.src_addr && is_short(info) => {
            Ok(info.clone())
        }
        _ => Err(ConnectError::Protocol("it tells of somebody else")),
    }
}

fn is_short(info: &NodeBaseInfo) -> bool {
    [
        &info.serv_addr,
        &info.name,
        &info.node_type,
        &info.node_type_version,
        &info.core_version,
    ]
    .into_iter()
    .all(|text| text.len() <= MOST_TEXT)
}

async fn keep(shared: &Shared, address: &Address) {
    if let Err(error) = shared.peers.save(address).await {
        tracing::warn!(peer = %address, %error, "a peer cannot be kept");
    }
}

/// Answers the greeting of `sender`, whose message was verified. The answer's drafts, or why not.
pub(super) async fn accept(
    shared: &Arc<Shared>,
    sender: &Address,
    message: &JarvisMsg,
) -> Result<Vec<JarvisMsg>, String> {
    let Some(Data::ConnInfo(ConnectInfo {
        my_info: Some(info),
        ..
    })) = &message.data
    else {
        return Err("invalid msgtype".to_owned());
    };
    if *sender == *shared.identity.address() {
        return Err("servaddr is me".to_owned());
    }
    // Nobody greets in the name of somebody else.
    if info.addr != message.src_addr {
        return Err("public key and address do not match".to_owned());
    }
    if !is_server_address(&info.serv_addr) || !is_short(info) {
        return Err("invalid servaddr".to_owned());
    }
    let is_wanted = shared.handler.wants(sender);
    let now = shared.now();
    let offset = message.cur_time.saturating_sub(now);
    let must_dial = shared.peers.meet(sender, is_wanted, |peer| {
        let mut known = peer.info();
        let old_address = known.serv_addr.clone();
        known.clone_from(info);
        let is_moved = !old_address.is_empty() && old_address != info.serv_addr;
        if is_moved {
            // Where it says it is now counts when it has answered there.
            known.serv_addr = old_address;
        }
        peer.record.info = Some(known);
        peer.is_greeted = true;
        peer.greetings += 1;
        peer.clock_offset_s = offset;
        backoff::succeeded(&mut peer.record);
        let reconnect_s = i64::try_from(shared.options.reconnect.as_secs()).unwrap_or(i64::MAX);
        let is_due = now > peer.tried_s.saturating_add(reconnect_s) || peer.tried_s == 0;
        if !is_wanted {
            peer.tried_s = now;
        }
        is_wanted && is_due && (is_moved || peer.live_link().is_none())
    });
    if is_wanted {
        keep(shared, sender).await;
    }
    shared.tell(NetEvent::Greeted {
        address: sender.clone(),
        is_wanted,
        info: Box::new(info.clone()),
    });
    if must_dial {
        dial_back(shared, sender.clone(), info.serv_addr.clone());
    }
    let mine = draft(Msgtype::ReplyConnect, Some(Data::NodeInfo(shared.info())));
    Ok(vec![mine, message::end()])
}

/// Greets somebody at the address that it names, or named. That proves the address.
fn dial_back(shared: &Arc<Shared>, address: Address, server_address: String) {
    let stop = shared.stop.clone();
    let connecting = Arc::clone(shared);
    shared
        .tasks
        .spawn(stop.run_until_cancelled_owned(async move {
            let connected = connect(&connecting, &server_address, Some(&address), true).await;
            if let Err(error) = connected {
                tracing::info!(peer = %address, server_address, %error, "a peer does not answer");
            }
        }));
}

/// Tells everybody we want and still know that we are back: one attempt each, as jarviscore does.
pub(super) async fn greet_known(shared: Arc<Shared>) {
    let known: Vec<_> = {
        let peers = shared.peers.lock();
        let wanted = peers
            .iter()
            .filter(|(address, _)| shared.handler.wants(address));
        wanted
            .map(|(address, peer)| (address.clone(), peer.info().serv_addr))
            .collect()
    };
    for (address, server_address) in known {
        let is_connected = shared
            .peers
            .with(&address, |peer| peer.live_link().is_some());
        if is_connected != Some(true) && !server_address.is_empty() {
            dial_back(&shared, address, server_address);
        }
    }
}

/// Stays connected with a server, whoever of those we want answers there.
pub(super) async fn stay_connected(shared: Arc<Shared>, server_address: String) {
    let mut failures = PeerFailures::default();
    loop {
        match connect(&shared, &server_address, None, false).await {
            Ok((peer, over)) if shared.handler.wants(&peer.address) => {
                failures = PeerFailures::default();
                shared.peers.meet(&peer.address, true, |_| ());
                keep(&shared, &peer.address).await;
                over.cancelled().await;
            }
            Ok((peer, _)) => {
                tracing::warn!(server_address, address = %peer.address, "who answers there is not trusted here");
                shared.peers.with(&peer.address, |peer| peer.link = None);
                failures.add(shared.now());
            }
            Err(error) => {
                tracing::info!(server_address, %error, "no connection");
                failures.add(shared.now());
            }
        }
        let pause = failures.pause(shared.now());
        tokio::time::sleep(shared.options.reconnect.max(pause)).await;
    }
}

/// Failures of one server address.
#[derive(Default)]
struct PeerFailures(jarvis_proto::legacy::PeerRecord);

impl PeerFailures {
    fn add(&mut self, now: i64) {
        backoff::failed(&mut self.0, now);
    }

    fn pause(&self, now: i64) -> std::time::Duration {
        let left = self.0.retry_after.saturating_sub(now);
        std::time::Duration::from_secs(u64::try_from(left).unwrap_or(0))
    }
}
