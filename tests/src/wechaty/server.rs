//! The port of the gateway: lines that can be cut, the token on each call, TLS.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jarvis_proto::wechaty::puppet_server::PuppetServer;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Status};
use tower::Service;

use super::service::Puppet;
use super::world::World;
use super::{FakeWechaty, Settings, Shared};

/// Bytes on their way inside one line.
const BUFFER: usize = 256 << 10;

pub(super) async fn start(settings: Settings) -> anyhow::Result<FakeWechaty> {
    let front = TcpListener::bind("127.0.0.1:0").await?;
    let files = TcpListener::bind("127.0.0.1:0").await?;
    let address = front.local_addr()?;
    let shared = Arc::new(Shared {
        world: Mutex::new(World::new(settings.needs_scan)),
        version: watch::Sender::new(0),
        cuts: watch::Sender::new(0),
        is_down: AtomicBool::new(false),
        files: files.local_addr()?,
        settings,
    });
    let mut server = Server::builder();
    let mut certificate = None;
    if let Some(name) = &shared.settings.tls {
        let made = rcgen::generate_simple_self_signed([name.clone()])?;
        let shown = pem("CERTIFICATE", made.cert.der());
        let key = pem("PRIVATE KEY", &made.signing_key.serialize_der());
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(&shown, key));
        server = server.tls_config(tls).context("the certificate is good")?;
        certificate = Some(shown);
    }
    let (lines, incoming) = mpsc::unbounded_channel::<io::Result<DuplexStream>>();
    let service = Guarded {
        token: shared.settings.token.clone(),
        inner: PuppetServer::new(Puppet(shared.clone())),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        // Serving ends with the task; it has no other way to fail once the port is bound.
        let lines = UnboundedReceiverStream::new(incoming);
        let _ = server.serve_with_incoming(service, lines).await;
    });
    tasks.spawn(accept(front, lines, shared.clone()));
    let router = axum::Router::new()
        .route("/{message}", get(file))
        .with_state(shared.clone());
    tasks.spawn(async move {
        let _ = axum::serve(files, router).await;
    });
    Ok(FakeWechaty {
        shared,
        address,
        certificate,
        _tasks: tasks,
    })
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
}

async fn accept(
    front: TcpListener,
    lines: mpsc::UnboundedSender<io::Result<DuplexStream>>,
    shared: Arc<Shared>,
) {
    let mut connections = JoinSet::new();
    while let Ok((mut stream, _)) = front.accept().await {
        while connections.try_join_next().is_some() {}
        if shared.is_down.load(Ordering::SeqCst) {
            continue;
        }
        let _ = stream.set_nodelay(true);
        let (mut ours, theirs) = tokio::io::duplex(BUFFER);
        if lines.send(Ok(theirs)).is_err() {
            return;
        }
        let mut cuts = shared.cuts.subscribe();
        connections.spawn(async move {
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut stream, &mut ours) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

/// Files behind addresses.
async fn file(
    State(shared): State<Arc<Shared>>,
    Path(message): Path<String>,
    headers: HeaderMap,
) -> Result<axum::body::Bytes, StatusCode> {
    if headers.get("X-Cookie").is_none_or(|value| value != "story") {
        return Err(StatusCode::FORBIDDEN);
    }
    let found = shared.with(|world| {
        let mut log = world.log.iter();
        log.find(|entry| entry.id == message)
            .and_then(|entry| entry.file.clone())
            .filter(|_| !world.loses_files)
    });
    found.map(|file| file.bytes).ok_or(StatusCode::NOT_FOUND)
}

/// Lets in who shows the token, as the real gateway does: an old client puts it where the host's name
/// belongs.
#[derive(Clone)]
struct Guarded {
    token: String,
    inner: PuppetServer<Puppet>,
}

impl Service<Request<Body>> for Guarded {
    type Response = axum::http::Response<Body>;
    type Error = Infallible;
    type Future = <PuppetServer<Puppet> as Service<Request<Body>>>::Future;

    fn poll_ready(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.inner, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let shown = request.headers().get("authorization").cloned();
        let shown = shown.or_else(|| {
            let authority = request.uri().authority()?;
            HeaderValue::try_from(format!("Wechaty {authority}")).ok()
        });
        if let Err(status) = admitted(&self.token, shown.as_ref(), request.headers()) {
            request.headers_mut().clear();
            return Box::pin(async move { Ok(status.into_http()) });
        }
        self.inner.call(request)
    }
}

fn admitted(
    token: &str,
    shown: Option<&HeaderValue>,
    headers: &HeaderMap,
) -> Result<(), Box<Status>> {
    let words = match shown.and_then(|value| value.to_str().ok()) {
        Some(shown) => match shown.strip_prefix("Wechaty ") {
            Some(given) if given == token => return Ok(()),
            Some(given) => format!("Invalid Wechaty TOKEN \"{given}\""),
            None => {
                let kind = shown.split_whitespace().next().unwrap_or_default();
                format!("Invalid authorization type: \"{kind}\"")
            }
        },
        None => "No Authorization found.".to_owned(),
    };
    // The real one sends back all metadata of the call, the token among them.
    let mut metadata = MetadataMap::new();
    if let Some(value) = headers.get("authorization")
        && let Ok(text) = value.to_str()
        && let Ok(value) = text.parse()
    {
        metadata.insert("authorization", value);
    }
    Err(Box::new(Status::with_metadata(
        Code::Unauthenticated,
        words,
        metadata,
    )))
}
