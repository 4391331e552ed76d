//! What a root learns from its nodes.

use std::fmt;

use jarvis_proto::node::{Accepted, Ended, Progress, Refused, Unknown};

use super::registry::NodeStatus;
use crate::address::Address;
use crate::name::NodeName;

/// Something happened in the node network.
///
/// Every event names the node whose proven session it came from, and nothing else is checked: whoever
/// receives it must know which node an order was given to, and drop what another node says about it.
#[derive(Debug, Clone, PartialEq)]
pub enum RootEvent {
    /// A node has a session now.
    Connected {
        /// The node.
        node: NodeName,
        /// All that is known about it.
        status: Box<NodeStatus>,
        /// Orders that run there, or whose ending is not acknowledged.
        open_orders: Vec<String>,
        /// It is the same process as in the session before; if not, what ran then has died.
        same_incarnation: bool,
    },
    /// A node has no session any more.
    Disconnected {
        /// The node.
        node: NodeName,
        /// Why.
        reason: DisconnectReason,
    },
    /// The node will do, or does, what an order asks.
    Accepted {
        /// The node.
        node: NodeName,
        /// The order and the node's time.
        accepted: Accepted,
    },
    /// The node did nothing of what an order asks.
    Refused {
        /// The node.
        node: NodeName,
        /// The order and why.
        refused: Refused,
    },
    /// How far an order is. Dropped when too many events wait.
    Progress {
        /// The node.
        node: NodeName,
        /// The order and how far it is.
        progress: Progress,
    },
    /// How an order ended. It comes again, also in later sessions, until it is acknowledged.
    Ended {
        /// The node.
        node: NodeName,
        /// The order and its final state.
        ended: Box<Ended>,
    },
    /// The node knows nothing of an order.
    Unknown {
        /// The node.
        node: NodeName,
        /// The order.
        unknown: Unknown,
    },
    /// Somebody proved a key that is not enrolled, and was refused. Dropped when too many events wait.
    Stranger {
        /// What the key proves.
        address: Address,
        /// The enrolled node that it claims to be, or that was dialled there: one with another key.
        claims: Option<NodeName>,
        /// Where it came from.
        peer: String,
    },
}

/// Why a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The node said goodbye, with this reason.
    Goodbye(String),
    /// The connection was cut.
    LineCut(String),
    /// Three heartbeats did not come.
    Silent,
    /// The node has a newer session.
    Replaced,
    /// The node was forgotten here.
    Forgotten,
    /// One side has a new key; the next session is under it.
    KeyChanged,
    /// This root shuts down.
    Stopping,
    /// The node broke the protocol.
    Protocol(&'static str),
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goodbye(reason) => write!(f, "the node said goodbye: {reason}"),
            Self::LineCut(detail) => write!(f, "the line was cut: {detail}"),
            Self::Silent => f.write_str("the node was silent for three heartbeats"),
            Self::Replaced => f.write_str("the node has a newer session"),
            Self::Forgotten => f.write_str("the node was forgotten here"),
            Self::KeyChanged => f.write_str("the next session is under a new key"),
            Self::Stopping => f.write_str("this root shuts down"),
            Self::Protocol(what) => write!(f, "the node broke the protocol: {what}"),
        }
    }
}
