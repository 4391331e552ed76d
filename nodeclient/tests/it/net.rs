//! A root, nodes, and transports between them.

use std::net::SocketAddr;
use std::time::Duration;

use jarvis_nodeclient::{
    Address, AttachError, Dialer, Enrolment, Identity, NodeLink, NodeName, Root, RootEvent,
    RootMessage, RootOptions, TcpDialer, attach_dialled,
};
use jarvis_proto::node::{Facts, NodeHello};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Anything that takes longer never comes.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

pub(crate) fn name(text: &str) -> NodeName {
    NodeName::parse(text).unwrap()
}

pub(crate) fn hello(incarnation: &str) -> NodeHello {
    NodeHello {
        incarnation: incarnation.into(),
        facts: Some(Facts {
            hostname: "box".into(),
            cpus: 2,
            ..Facts::default()
        }),
        open_orders: vec![],
    }
}

/// A root with one enrolled node, listening on loopback.
pub(crate) struct Net {
    pub(crate) root: Root,
    pub(crate) events: mpsc::Receiver<RootEvent>,
    pub(crate) at: SocketAddr,
    pub(crate) node: Identity,
}

pub(crate) type Link = (NodeLink, mpsc::Receiver<RootMessage>);

impl Net {
    pub(crate) async fn new() -> Self {
        Self::with(RootOptions::default()).await
    }

    pub(crate) async fn with(options: RootOptions) -> Self {
        let (root, events) = Root::start(Identity::generate(), options);
        let node = Identity::generate();
        root.enroll(Enrolment::new(name("web-1"), node.address().clone()));
        let at = root.listen(loopback()).await.unwrap();
        Self {
            root,
            events,
            at,
            node,
        }
    }

    pub(crate) fn tcp(&self) -> TcpDialer {
        TcpDialer::new(self.at.to_string())
    }

    pub(crate) async fn attach(&self, dialer: &dyn Dialer) -> Result<Link, AttachError> {
        attach(dialer, &self.node, &self.root.address(), hello("one")).await
    }

    pub(crate) async fn event(&mut self) -> RootEvent {
        timeout(LIMIT, self.events.recv())
            .await
            .expect("an event comes")
            .unwrap()
    }

    /// Attaches over TCP and takes the event about it.
    pub(crate) async fn connected(&mut self) -> Link {
        let link = self.attach(&self.tcp()).await.unwrap();
        assert!(matches!(self.event().await, RootEvent::Connected { .. }));
        link
    }
}

pub(crate) async fn attach(
    dialer: &dyn Dialer,
    node: &Identity,
    trusted: &Address,
    hello: NodeHello,
) -> Result<Link, AttachError> {
    let io = dialer.dial().await.unwrap();
    attach_dialled(io, node, |root| root == trusted, |_| hello).await
}
