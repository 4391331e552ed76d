//! What a node does with roots that do not behave: this one says what the test wants.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jarvis_proto::node::node_network_server::{NodeNetwork, NodeNetworkServer};
use jarvis_proto::node::{
    Delivered, FetchRequest, FileChunk, Goodbye, NodeFrame, NodeHello, RootFrame, Welcome,
    root_frame,
};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming, async_trait};
use tower::Service;

use super::attach::attach;
use super::{AttachError, NodeLink, RootMessage};
use crate::clock::unix_ms;
use crate::dial::BoxedIo;
use crate::identity::Identity;
use crate::proof::{Role, prove};
use crate::tls::{Side, secure};

const LIMIT: Duration = Duration::from_secs(20);

/// Says these frames, then nothing more.
#[derive(Clone)]
struct Script(Vec<Result<root_frame::Frame, Status>>);

#[async_trait]
impl NodeNetwork for Script {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<RootFrame, Status>> + Send>>;
    type FetchStream = Pin<Box<dyn Stream<Item = Result<FileChunk, Status>> + Send>>;

    async fn attach(
        &self,
        _: Request<Streaming<NodeFrame>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let frames = self.0.clone().into_iter();
        let frames = frames.map(|frame| frame.map(|frame| RootFrame { frame: Some(frame) }));
        Ok(Response::new(
            stream::iter(frames).chain(stream::pending()).boxed(),
        ))
    }

    async fn fetch(&self, _: Request<FetchRequest>) -> Result<Response<Self::FetchStream>, Status> {
        Err(Status::not_found("nothing here"))
    }

    async fn deliver(
        &self,
        _: Request<Streaming<FileChunk>>,
    ) -> Result<Response<Delivered>, Status> {
        Err(Status::not_found("nothing here"))
    }
}

/// A root that says what `script` makes of the connection's exporter value.
fn root(
    script: impl FnOnce([u8; 32]) -> Vec<Result<root_frame::Frame, Status>> + Send + 'static,
) -> BoxedIo {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    tokio::spawn(async move {
        let secured = secure(Box::new(ours), Side::Accepted).await.unwrap();
        let service = NodeNetworkServer::new(Script(script(secured.exporter)));
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            service.clone().call(request)
        });
        let http = Builder::new(TokioExecutor::new());
        let _ = http
            .serve_connection(TokioIo::new(secured.io), service)
            .await;
    });
    Box::new(theirs)
}

async fn attached(io: BoxedIo) -> Result<(NodeLink, mpsc::Receiver<RootMessage>), AttachError> {
    attached_in(LIMIT, io).await
}

async fn attached_in(
    limit: Duration,
    io: BoxedIo,
) -> Result<(NodeLink, mpsc::Receiver<RootMessage>), AttachError> {
    let node = Identity::generate();
    attach(
        io,
        Side::Dialled,
        (&node).into(),
        |_| true,
        |_| NodeHello::default(),
        limit,
    )
    .await
}

fn proof(exporter: &[u8; 32]) -> root_frame::Frame {
    root_frame::Frame::Proof(prove(
        &Identity::generate(),
        Role::Root,
        exporter,
        unix_ms(),
    ))
}

fn welcome(heartbeat_ms: u64) -> root_frame::Frame {
    root_frame::Frame::Welcome(Welcome {
        heartbeat_ms,
        ..Welcome::default()
    })
}

#[tokio::test]
async fn a_proof_from_another_connection_is_refused() {
    let ended = attached(root(|_| vec![Ok(proof(&[7; 32]))])).await;
    assert!(matches!(ended, Err(AttachError::ProofFailed)), "{ended:?}");
}

#[tokio::test]
async fn a_root_that_welcomes_without_proof_is_refused() {
    let ended = attached(root(|_| vec![Ok(welcome(1000))])).await;
    assert!(matches!(ended, Err(AttachError::Protocol(_))), "{ended:?}");
    let ended = attached(root(|exporter| {
        vec![Ok(proof(&exporter)), Ok(proof(&exporter))]
    }))
    .await;
    assert!(matches!(ended, Err(AttachError::Protocol(_))), "{ended:?}");
}

#[tokio::test]
async fn silence_is_given_up_at_every_step() {
    let (silent, _kept) = tokio::io::duplex(64);
    for io in [
        Box::new(silent) as BoxedIo,
        root(|_| vec![]),
        root(|exporter| vec![Ok(proof(&exporter))]),
    ] {
        let ended = attached_in(Duration::from_millis(100), io).await;
        assert!(matches!(ended, Err(AttachError::TimedOut(_))), "{ended:?}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_its_words() {
    let refused = || Err(Status::permission_denied("not enrolled"));
    let ended = attached(root(move |exporter| vec![Ok(proof(&exporter)), refused()])).await;
    assert!(ended.unwrap_err().to_string().contains("not enrolled"));
    let refused = || Err(Status::unauthenticated("does not fit"));
    let ended = attached(root(move |exporter| vec![Ok(proof(&exporter)), refused()])).await;
    assert!(
        matches!(ended, Err(AttachError::ProofRefused(_))),
        "{ended:?}"
    );
    let goodbye = root_frame::Frame::Goodbye(Goodbye {
        reason: "closed today".into(),
    });
    let ended = attached(root(move |exporter| {
        vec![Ok(proof(&exporter)), Ok(goodbye)]
    }))
    .await;
    assert!(ended.unwrap_err().to_string().contains("closed today"));
}

#[tokio::test]
async fn a_root_that_falls_silent_is_left() {
    let io = root(|exporter| vec![Ok(proof(&exporter)), Ok(welcome(30))]);
    let (link, mut inbox) = attached(io).await.unwrap();
    let closed = timeout(LIMIT, link.closed()).await.unwrap();
    assert!(closed.to_string().contains("silent"), "{closed}");
    assert_eq!(inbox.recv().await, None);
    assert!(link.is_closed());
}

#[tokio::test]
async fn an_absurd_heartbeat_is_bounded() {
    for absurd in [0, u64::MAX] {
        let io = root(move |exporter| vec![Ok(proof(&exporter)), Ok(welcome(absurd))]);
        let (link, _inbox) = attached(io).await.unwrap();
        assert!((Duration::from_millis(1)..Duration::from_secs(7200)).contains(&link.heartbeat()));
    }
}

#[tokio::test]
async fn the_session_ends_with_its_last_clone() {
    let io = root(|exporter| vec![Ok(proof(&exporter)), Ok(welcome(60_000))]);
    let (link, mut inbox) = attached(io).await.unwrap();
    drop(link.clone());
    assert!(!link.is_closed());
    drop(link);
    assert_eq!(timeout(LIMIT, inbox.recv()).await.unwrap(), None);
}
