//! A Milky 1.2 protocol end beside [`FakeQq`]: calls and events on one port. It refuses what the schema
//! of Milky refuses: numbers that are text, segments that do not exist, fields that are missing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request};

use super::fault::Fault;
use super::{FakeQq, Happened};

mod calls;
mod events;

/// What clients have to show.
const TOKEN: &str = "milky-story-token-0123456789";

/// A running protocol end. It stops when it is dropped.
#[derive(Debug)]
pub struct Milky {
    inner: Arc<Inner>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Inner {
    qq: FakeQq,
    address: SocketAddr,
    cuts: watch::Sender<u64>,
    is_down: AtomicBool,
}

impl Milky {
    /// Starts beside `qq`.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start(qq: &FakeQq) -> std::io::Result<Self> {
        let front = TcpListener::bind("127.0.0.1:0").await?;
        let behind = TcpListener::bind("127.0.0.1:0").await?;
        let calls = behind.local_addr()?;
        let inner = Arc::new(Inner {
            qq: qq.clone(),
            address: front.local_addr()?,
            cuts: watch::Sender::new(0),
            is_down: AtomicBool::new(false),
        });
        let router = Router::new()
            .route("/api/{name}", post(call))
            .route("/file/{id}", get(file))
            .layer(DefaultBodyLimit::max(100_000_000))
            .with_state(inner.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Serving ends with the task; it has no other way to fail once the port is bound.
            let _ = axum::serve(behind, router).await;
        });
        tasks.spawn(accept(front, calls, inner.clone()));
        Ok(Self {
            inner,
            _tasks: tasks,
        })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.inner.address)
    }

    /// The address behind [`Self::url`].
    pub fn address(&self) -> SocketAddr {
        self.inner.address
    }

    /// The token that clients have to show.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// How often a client has opened the WebSocket.
    pub fn connections(&self) -> usize {
        self.inner.qq.shared.with(|world| world.connections)
    }

    /// Waits until the WebSocket is open, for more than the `after`th time.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn is_connected(&self, after: usize) {
        let connected = self
            .inner
            .qq
            .shared
            .wait_for(|world| (world.connected > 0 && world.connections > after).then_some(()));
        assert!(connected.await.is_some(), "nobody connects");
    }

    /// Cuts the WebSocket.
    pub fn cut(&self) {
        self.inner.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Takes no connections and no calls, or takes them again.
    pub fn set_down(&self, is_down: bool) {
        self.inner.is_down.store(is_down, Ordering::SeqCst);
        if is_down {
            self.cut();
        }
    }
}

/// Tells the WebSocket from calls by their first bytes.
async fn accept(front: TcpListener, calls: SocketAddr, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = front.accept().await {
        if inner.is_down.load(Ordering::SeqCst) {
            continue;
        }
        connections.spawn(connection(stream, calls, inner.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(mut stream: TcpStream, calls: SocketAddr, inner: Arc<Inner>) {
    const EVENT: &[u8] = b"GET /event";
    let mut start = [0; EVENT.len()];
    loop {
        match stream.peek(&mut start).await {
            Ok(0) | Err(_) => return,
            Ok(read) if read < start.len() && EVENT.starts_with(&start[..read]) => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(_) => break,
        }
    }
    if start == *EVENT {
        events(stream, &inner).await;
    } else if let Ok(mut behind) = TcpStream::connect(calls).await {
        // Whoever closes first ends it for both.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the library's own type of a refused handshake"
)]
async fn events(stream: TcpStream, inner: &Arc<Inner>) {
    let check = |request: &Request, response| {
        let header = request.headers().get("Authorization");
        let header = header.and_then(|value| value.to_str().ok());
        let query = request.uri().query().unwrap_or_default();
        if header == Some(&format!("Bearer {TOKEN}"))
            || query.contains(&format!("access_token={TOKEN}"))
        {
            return Ok(response);
        }
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        Err(refusal)
    };
    let Ok(mut socket) = accept_hdr_async(stream, check).await else {
        return;
    };
    let mut happened = inner.qq.shared.happened.subscribe();
    let mut cuts = inner.cuts.subscribe();
    inner.qq.shared.with(|world| {
        world.connected += 1;
        world.connections += 1;
    });
    loop {
        tokio::select! {
            _ = cuts.changed() => break,
            event = happened.recv() => {
                let entry = match event {
                    Ok(Happened::Message(entry) | Happened::Again(entry)) => entry,
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => break,
                };
                let event = events::message(inner, &entry).to_string();
                if socket.send(Message::text(event)).await.is_err() {
                    break;
                }
            }
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(_) | Message::Binary(_))) => inner.qq.shared.with(|world| {
                    world.complaints.push("a frame on the WebSocket of events".to_owned());
                }),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    inner.qq.shared.with(|world| world.connected -= 1);
}

async fn call(
    State(inner): State<Arc<Inner>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if inner.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("Authorization") != Some(&format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if !header("Content-Type").is_some_and(|kind| kind.starts_with("application/json")) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let failed = |code: i64, words: &str| {
        axum::Json(json!({"status": "failed", "retcode": code, "message": words})).into_response()
    };
    let good = |data: &Value| {
        axum::Json(json!({"status": "ok", "retcode": 0, "data": data})).into_response()
    };
    let Ok(params @ Value::Object(_)) = serde_json::from_slice::<Value>(&body) else {
        return failed(-400, "the input is no object");
    };
    let fault = inner.qq.shared.with(|world| {
        world.note_call(&name, &params);
        world.faults.take(&name)
    });
    let broken = || {
        let pieces = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
        axum::body::Body::from_stream(pieces).into_response()
    };
    match &fault {
        Some(Fault::Silent) => std::future::pending::<()>().await,
        Some(Fault::CutBefore) => return broken(),
        Some(Fault::Swallow) => return good(&json!({"message_seq": 0, "time": 0})),
        Some(Fault::SwallowWithoutId) => return good(&json!({})),
        Some(Fault::Failed(code, words)) => return failed(*code, words),
        Some(Fault::Slow(time)) => tokio::time::sleep(*time).await,
        Some(Fault::CutAfter) | None => {}
    }
    let result = calls::call(&inner, &name, &params);
    if fault == Some(Fault::CutAfter) {
        return broken();
    }
    match result {
        Ok(data) => good(&data),
        Err(calls::Failure::Unknown) => StatusCode::NOT_FOUND.into_response(),
        Err(calls::Failure::Refused(code, words)) => {
            if code == -400 {
                let what = format!("{name}: {words}: {params}");
                inner.qq.shared.with(|world| world.complaints.push(what));
            }
            failed(code, &words)
        }
    }
}

async fn file(
    State(inner): State<Arc<Inner>>,
    Path(id): Path<String>,
) -> Result<Bytes, StatusCode> {
    let id = format!("/{id}");
    let bytes = inner.qq.shared.with(|world| {
        let file = world.files.get(&id).filter(|_| !world.loses_files);
        file.map(|file| file.bytes.clone())
    });
    bytes.ok_or(StatusCode::NOT_FOUND)
}
