//! What a root does with nodes that do not behave: these speak the protocol by hand.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use futures::stream;
use jarvis_proto::node::node_network_client::NodeNetworkClient;
use jarvis_proto::node::{
    FetchRequest, FileChunk, NodeFrame, NodeHello, Proof, RootFrame, node_frame, root_frame,
};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};

use super::{DisconnectReason, Enrolment, Root, RootEvent, RootOptions};
use crate::clock::unix_ms;
use crate::dial::Dialer;
use crate::identity::Identity;
use crate::link::line::Line;
use crate::name::NodeName;
use crate::proof::{Role, prove};
use crate::tls::{Side, secure};

const LIMIT: Duration = Duration::from_secs(20);

/// A node that says what the test wants.
struct Raw {
    client: NodeNetworkClient<Line>,
    exporter: [u8; 32],
    ended: tokio::task::JoinHandle<()>,
}

/// Its control line.
struct Control {
    frames: mpsc::Sender<NodeFrame>,
    incoming: Streaming<RootFrame>,
    root_proof: Proof,
}

impl Raw {
    async fn dial(root: &Root) -> Self {
        let io = root.local_dialer().dial().await.unwrap();
        let secured = secure(io, Side::Dialled).await.unwrap();
        let (line, connection) = Line::open(secured.io, CancellationToken::new())
            .await
            .unwrap();
        let ended = tokio::spawn(async { drop(connection.await) });
        let client = NodeNetworkClient::with_origin(line, http::Uri::from_static("http://jarvis"));
        Self {
            client,
            exporter: secured.exporter,
            ended,
        }
    }

    async fn attach(&mut self) -> Control {
        let (frames, outgoing) = mpsc::channel(8);
        let attached = self
            .client
            .attach(ReceiverStream::new(outgoing))
            .await
            .unwrap();
        let mut incoming = attached.into_inner();
        match incoming.message().await.unwrap().unwrap().frame.unwrap() {
            root_frame::Frame::Proof(root_proof) => Control {
                frames,
                incoming,
                root_proof,
            },
            other => panic!("{other:?}"),
        }
    }

    async fn fetch(&mut self) -> Status {
        self.client
            .fetch(FetchRequest::default())
            .await
            .unwrap_err()
    }
}

impl Control {
    async fn say(&self, frame: node_frame::Frame) {
        self.frames
            .send(NodeFrame { frame: Some(frame) })
            .await
            .unwrap();
    }

    /// The refusal that comes next, pings aside.
    async fn refusal(&mut self) -> Status {
        loop {
            match timeout(LIMIT, self.incoming.message()).await.unwrap() {
                Ok(Some(RootFrame {
                    frame: Some(root_frame::Frame::Ping(_)),
                })) => {}
                other => return other.unwrap_err(),
            }
        }
    }

    async fn greet(&mut self, proof: Proof) {
        self.say(node_frame::Frame::Proof(proof)).await;
        let welcome = self.incoming.message().await.unwrap().unwrap().frame;
        assert!(matches!(welcome, Some(root_frame::Frame::Welcome(_))));
        self.say(node_frame::Frame::Hello(NodeHello::default()))
            .await;
    }
}

fn quick() -> RootOptions {
    RootOptions {
        proof_timeout: Duration::from_secs(1),
        ..RootOptions::default()
    }
}

fn root_of(node: &Identity, options: RootOptions) -> (Root, mpsc::Receiver<RootEvent>) {
    let (root, events) = Root::start(Identity::generate(), options);
    root.enroll(Enrolment::new(
        NodeName::parse("web-1").unwrap(),
        node.address().clone(),
    ));
    (root, events)
}

#[tokio::test]
async fn a_proof_from_another_connection_is_refused() {
    let node = Identity::generate();
    let (root, mut events) = root_of(&node, RootOptions::default());
    let mut raw = Raw::dial(&root).await;
    let mut control = raw.attach().await;
    control
        .say(node_frame::Frame::Proof(prove(
            &node,
            Role::Node,
            &[7; 32],
            unix_ms(),
        )))
        .await;
    assert_eq!(control.refusal().await.code(), Code::Unauthenticated);
    assert!(events.try_recv().is_err());
    assert!(!root.nodes()[0].online);
}

#[tokio::test]
async fn the_roots_own_proof_sent_back_is_refused() {
    let node = Identity::generate();
    let (root, _events) = root_of(&node, RootOptions::default());
    let mut raw = Raw::dial(&root).await;
    let mut control = raw.attach().await;
    control
        .say(node_frame::Frame::Proof(control.root_proof.clone()))
        .await;
    assert_eq!(control.refusal().await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn nothing_moves_before_the_proof() {
    let node = Identity::generate();
    let (root, _events) = root_of(&node, RootOptions::default());
    let mut raw = Raw::dial(&root).await;
    assert_eq!(raw.fetch().await.code(), Code::Unauthenticated);
    let chunks = stream::iter([FileChunk::default()]);
    let delivered = raw.client.deliver(chunks).await.unwrap_err();
    assert_eq!(delivered.code(), Code::Unauthenticated);
    let mut control = raw.attach().await;
    assert_eq!(raw.fetch().await.code(), Code::Unauthenticated);
    control
        .greet(prove(&node, Role::Node, &raw.exporter, unix_ms()))
        .await;
    assert_eq!(raw.fetch().await.code(), Code::NotFound);
}

#[tokio::test]
async fn a_connection_has_one_control_line() {
    let node = Identity::generate();
    let (root, _events) = root_of(&node, RootOptions::default());
    let mut raw = Raw::dial(&root).await;
    let _control = raw.attach().await;
    let second = raw.client.attach(stream::pending()).await.unwrap_err();
    assert_eq!(second.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn who_never_attaches_is_let_go() {
    let (root, _events) = root_of(&Identity::generate(), quick());
    let raw = Raw::dial(&root).await;
    timeout(LIMIT, raw.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_never_proves_is_let_go() {
    let (root, _events) = root_of(&Identity::generate(), quick());
    let mut raw = Raw::dial(&root).await;
    let _control = raw.attach().await;
    timeout(LIMIT, raw.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_never_says_hello_is_let_go() {
    let node = Identity::generate();
    let (root, _events) = root_of(&node, quick());
    let mut raw = Raw::dial(&root).await;
    let mut control = raw.attach().await;
    let proof = prove(&node, Role::Node, &raw.exporter, unix_ms());
    control.say(node_frame::Frame::Proof(proof)).await;
    control.incoming.message().await.unwrap();
    assert_eq!(control.refusal().await.code(), Code::DeadlineExceeded);
    assert!(!root.nodes()[0].online);
}

#[tokio::test]
async fn a_node_that_falls_silent_is_disconnected() {
    let node = Identity::generate();
    let heartbeat = Duration::from_millis(30);
    let (root, mut events) = root_of(
        &node,
        RootOptions {
            heartbeat,
            ..RootOptions::default()
        },
    );
    let mut raw = Raw::dial(&root).await;
    let mut control = raw.attach().await;
    control
        .greet(prove(&node, Role::Node, &raw.exporter, unix_ms()))
        .await;
    assert!(matches!(
        events.recv().await,
        Some(RootEvent::Connected { .. })
    ));
    let ended = timeout(LIMIT, events.recv()).await.unwrap();
    let Some(RootEvent::Disconnected { reason, .. }) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(reason, DisconnectReason::Silent);
    timeout(LIMIT, raw.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_node_that_greets_twice_is_disconnected() {
    let node = Identity::generate();
    let (root, mut events) = root_of(&node, RootOptions::default());
    let mut raw = Raw::dial(&root).await;
    let mut control = raw.attach().await;
    control
        .greet(prove(&node, Role::Node, &raw.exporter, unix_ms()))
        .await;
    assert!(matches!(
        events.recv().await,
        Some(RootEvent::Connected { .. })
    ));
    control
        .frames
        .send(NodeFrame { frame: None })
        .await
        .unwrap();
    control
        .say(node_frame::Frame::Hello(NodeHello::default()))
        .await;
    let ended = timeout(LIMIT, events.recv()).await.unwrap();
    let Some(RootEvent::Disconnected { reason, .. }) = ended else {
        panic!("{ended:?}")
    };
    assert!(matches!(reason, DisconnectReason::Protocol(_)));
}
