//! Lists of nodes, asked for and given.

use std::sync::Arc;

use futures::future::join_all;
use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{JarvisMsg, NodeBaseInfo};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::handler::{Drafts, drafts};
use super::message;
use super::names::{is_local_host, is_server_address};
use super::net::{NetEvent, Shared};
use super::outbound::Outgoing;
use super::peers::Peer;
use super::pending::{Replies, Reply};
use crate::address::Address;

/// Most nodes of a list that are looked at.
const MOST: usize = 1000;

/// Answers a request for our list.
pub(super) fn answer(
    shared: &Shared,
    from: &Address,
    request: &JarvisMsg,
    is_versioned: bool,
) -> Drafts {
    let mine = shared.peers.version();
    let mut with_local_hosts = false;
    if let (true, Some(Data::RequestNodes2(request))) = (is_versioned, &request.data) {
        with_local_hosts = request.is_need_local_host;
        let announces = request.my_nodes_version.clone();
        shared.peers.with(from, |peer| peer.announces = announces);
        if request.nodes_version == mine {
            return drafts([]);
        }
    }
    let mut answer: Vec<_> = shared
        .peers
        .known()
        .iter()
        .filter(|info| with_local_hosts || !is_local_host(&info.serv_addr))
        .map(message::node_info)
        .collect();
    if is_versioned {
        answer.push(message::nodes_version(&mine));
    }
    drafts(answer)
}

/// Asks now and then.
pub(super) async fn ask_everybody(shared: Arc<Shared>) {
    let every = shared.options.nodes_every;
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        ask(&shared, false).await;
    }
}

/// Asks every connected peer that was not told the version of our list, or announced a new one.
pub(super) async fn ask(shared: &Arc<Shared>, with_local_hosts: bool) {
    let mine = shared.peers.version();
    let due: Vec<_> = {
        let mut peers = shared.peers.lock();
        let is_due = |peer: &Peer| {
            peer.is_wanted
                && peer.live_link().is_some()
                && !peer.is_asked_for_nodes
                && (peer.announced != mine
                    || !peer.announces.is_empty() && peer.announces != peer.record.nodes_version)
        };
        peers
            .iter_mut()
            .filter(|(_, peer)| is_due(peer))
            .map(|(address, peer)| {
                peer.is_asked_for_nodes = true;
                peer.announced.clone_from(&mine);
                (address.clone(), peer.record.nodes_version.clone())
            })
            .collect()
    };
    let asking = due.into_iter().map(|(to, known)| {
        let draft = message::request_nodes(with_local_hosts, &mine, &known);
        let (entry, replies) = shared.pending.add();
        let (sending, receiving) = (Arc::clone(shared), Arc::clone(shared));
        async move {
            let peer = to.clone();
            let send = async move {
                if let Err(error) = sending
                    .send(&peer, Outgoing::message(draft), Some(&entry))
                    .await
                {
                    entry.fail(error).await;
                }
            };
            tokio::join!(send, learn(&receiving, &to, replies));
            receiving
                .peers
                .with(&to, |peer| peer.is_asked_for_nodes = false);
        }
    });
    join_all(asking).await;
}

/// Takes a peer's list. What it says of others is told, and never believed instead of what they say.
async fn learn(shared: &Shared, from: &Address, mut replies: Replies) {
    let mut left = MOST;
    while let Some(reply) = replies.next().await {
        let message = match reply {
            Reply::Message(message) => message,
            Reply::Got => continue,
            Reply::Done | Reply::Removed | Reply::Failed(_) => return,
        };
        match message.data {
            Some(Data::NodeInfo(info)) if left > 0 => {
                left -= 1;
                hear(shared, info);
            }
            Some(Data::ReplyMyNodesVersion(version)) if version.my_nodes_version.len() <= 64 => {
                let version = version.my_nodes_version;
                shared
                    .peers
                    .with(from, |peer| peer.record.nodes_version = version);
                if let Err(error) = shared.peers.save(from).await {
                    tracing::warn!(peer = %from, %error, "a peer cannot be kept");
                }
            }
            _ => {}
        }
    }
}

/// Takes what somebody says of somebody else: never more than that there is such a node.
pub(super) fn hear(shared: &Shared, info: NodeBaseInfo) {
    let Ok(address) = Address::parse(&info.addr) else {
        return shared.counters.malformed.add();
    };
    let is_new = info.addr != shared.me
        && is_server_address(&info.serv_addr)
        && shared.peers.status(&address).is_none();
    if is_new {
        shared.tell(NetEvent::Heard {
            info: Box::new(info),
        });
    }
}
