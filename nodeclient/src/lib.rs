//! The node network: who roots and nodes are, how they meet, what they may tell each other.
//!
//! * [`Identity`], [`Address`], [`NodeName`]: a secp256k1 key, its address, a node's name.
//! * [`sign_order`], [`check_order`]: orders that only a trusted root can give.
//! * [`Root`]: what a root uses to reach its nodes. Sessions come about by nodes dialling in
//!   ([`Root::listen`]), by the root dialling ([`Enrolment::dial`]), or in memory
//!   ([`Root::local_dialer`]).
//! * [`NodeLink`]: the node's end of one session, made by [`attach_dialled`] or [`attach_accepted`].
//! * [`transfer`]: files as streams of chunks, hashed on the way, in constant memory.
//!
//! A session is one TLS 1.3 connection on which both sides have proven their keys. Whoever dialled,
//! the node is the HTTP/2 client and the root the server, so one gRPC service serves both directions.
//! There is no silent reconnect: a new connection is a new handshake, new proofs and a new session.
//!
//! ```
//! use jarvis_nodeclient::{Dialer, Enrolment, Identity, NodeName, Root, RootEvent, RootOptions};
//! use jarvis_nodeclient::attach_dialled;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A root that knows one node…
//! let (root, mut events) = Root::start(Identity::generate(), RootOptions::default());
//! let node = Identity::generate();
//! root.enroll(Enrolment::new(NodeName::parse("web-1")?, node.address().clone()));
//!
//! // …and that node, which obeys this root and nobody else.
//! let trusted = root.address();
//! let transport = root.local_dialer().dial().await?;
//! let (link, _orders) =
//!     attach_dialled(transport, &node, |root| *root == trusted, |_| Default::default()).await?;
//! assert_eq!(*link.root(), root.address());
//! assert!(matches!(events.recv().await, Some(RootEvent::Connected { .. })));
//!
//! link.close("done").await;
//! root.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! This crate depends on `jarvis-proto` only. It runs nothing and stores nothing: what an order does is
//! the node's affair, what becomes of it the root's.

mod address;
mod clock;
mod dial;
mod http2;
mod identity;
mod keyfile;
mod keyring;
pub mod legacy;
mod link;
mod listener;
mod name;
mod order;
mod proof;
mod root;
mod stop;
mod tls;
pub mod transfer;

pub use address::{Address, AddressError};
pub use clock::unix_ms;
pub use dial::{BoxedIo, Dialer, Io, Redial, TcpDialer};
pub use identity::Identity;
pub use keyfile::KeyFileError;
pub use keyring::{KeyRing, KeyRingError, Succession};
pub use link::{
    AttachError, Closed, Credentials, LineError, NodeLink, Proven, RootMessage, attach_accepted,
    attach_dialled, introduce,
};
pub use listener::{ListenError, NodeListener};
pub use name::{NodeName, NodeNameError};
pub use order::{CheckedOrder, MOST_ORDER_BYTES, OrderError, OrderSpec, check_order, sign_order};
pub use root::{
    DisconnectReason, Download, Enrolment, Expectation, FileSink, FileSource, Gate, LEGACY_DIAL,
    LegacyOptions, LocalDialer, NodeLoad, NodeStatus, OfferGuard, Root, RootClock, RootEvent,
    RootOptions, SendError,
};
pub use transfer::{Meter, ReceiveError, Received, ResumePoint};
