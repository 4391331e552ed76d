//! The one door to jarviscore 0.7 nodes: their keys, their signatures, their two gRPC calls.
//!
//! [`LegacyNet`] takes part in such a network, both as the one who asks and as the one who answers. It
//! is off unless somebody starts it. A root uses it through [`Root`](crate::Root), to which a legacy
//! node is a node like any other; a node of ours answers a legacy root through a [`Handler`].
//!
//! Their protocol in five sentences. Every participant is server and client. A request goes out on a
//! call of its own and is answered there with `IGOTIT`, which means no more than that the bytes came.
//! The real answer comes on a call that the responder opens towards the requester, and ends with
//! `END`. Requests between two participants carry growing numbers that both must remember. Nothing is
//! encrypted, and a signature covers next to nothing (see [`signature`]): use it in a network that you
//! trust, or in a tunnel.
//!
//! A call that stays open stalls a jarviscore node towards everybody. So no call here waits for work:
//! it is answered and closed, and has a limit.

pub(crate) mod backoff;
pub(crate) mod bridge;
pub mod chunk;
mod connect;
mod counters;
mod file_store;
mod handler;
mod inbound;
pub mod key;
pub mod message;
pub mod names;
mod net;
mod nodes;
mod outbound;
mod peers;
mod pending;
mod service;
pub mod signature;
mod states;
mod streams;
mod tap;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod vectors;
mod wire;

use std::time::Duration;

pub use connect::ConnectError;
pub use counters::Counts;
pub use file_store::FilePeers;
pub use handler::{Drafts, Handler, Nobody, Piece, Request, drafts, drafts_from};
pub use net::{LegacyNet, NetError, NetEvent, NetOptions};
pub use outbound::{Outgoing, SendError};
pub use peers::{NoPeers, PeerStatus, PeerStore};
pub use pending::{Replies, Reply};
pub use tap::{Call, Tap, Tapped};

/// The version of jarviscore that is spoken here.
pub const CORE_VERSION: &str = "0.7.212";
/// A message whose clock is so far off, in seconds, is refused.
pub const CLOCK_TOLERANCE_S: i64 = 300;
/// How often it is asked what became of a request.
pub const STATE_EVERY: Duration = Duration::from_secs(60);
/// How long a finished request is still known.
pub const ENDED_KEPT: Duration = Duration::from_secs(900);
/// How often lists of nodes are exchanged.
pub const NODES_EVERY: Duration = Duration::from_secs(180);
