//! A OneBot v11 implementation beside [`FakeQq`], in the manner of NapCat: a WebSocket server, and an
//! HTTP server for files. It refuses what NapCat refuses.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::interval;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::fault::Fault;
use super::world::now;
use super::{FakeQq, Happened};

mod calls;
mod download;
mod events;
mod http;
mod reverse;
mod segments;
mod upload;

use upload::Uploads;

/// Where the implementation has the files that people send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// At addresses that it tells when it is asked.
    Asked,
    /// At an address in the message; they have no id.
    InMessage,
    /// On its own machine: whoever asks is told a path.
    OnDisk,
    /// On its own machine, from which it gives them as base64 (`enableLocalFile2Url`).
    AsBase64,
}

/// How the implementation is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What clients have to show; `None` for no check.
    pub token: Option<String>,
    /// Messages are strings with CQ codes instead of arrays.
    pub as_strings: bool,
    /// What `get_version_info` says.
    pub app_name: String,
    /// How often heartbeats are sent.
    pub heartbeat: Duration,
    /// A wrong token ends the handshake (as the specification has it) instead of the connection.
    pub refuses_handshake: bool,
    /// An echo may be anything. Programs are known that answer only one that is text.
    pub echoes_anything: bool,
    /// Where files are.
    pub files: Files,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: Some("onebot-story-token-0123456789".to_owned()),
            as_strings: false,
            app_name: "NapCat.Onebot".to_owned(),
            heartbeat: Duration::from_secs(30),
            refuses_handshake: false,
            echoes_anything: false,
            files: Files::Asked,
        }
    }
}

/// A running implementation. It stops when it is dropped.
#[derive(Debug)]
pub struct OneBot {
    inner: Arc<Inner>,
    address: SocketAddr,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Inner {
    qq: FakeQq,
    settings: Settings,
    /// Where files are served.
    files: SocketAddr,
    /// Counts up when all connections are to be cut.
    cuts: watch::Sender<u64>,
    /// Connections are refused.
    is_down: AtomicBool,
    /// Nothing is sent any more, though connections stay.
    is_mute: watch::Sender<bool>,
    uploads: Uploads,
}

impl OneBot {
    /// Starts beside `qq` with the usual settings.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start(qq: &FakeQq) -> std::io::Result<Self> {
        Self::start_with(qq, Settings::default()).await
    }

    /// Starts with settings of one's own.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start_with(qq: &FakeQq, settings: Settings) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let file_listener = TcpListener::bind("127.0.0.1:0").await?;
        let inner = Arc::new(Inner {
            qq: qq.clone(),
            settings,
            files: file_listener.local_addr()?,
            cuts: watch::Sender::new(0),
            is_down: AtomicBool::new(false),
            is_mute: watch::Sender::new(false),
            uploads: Uploads::default(),
        });
        let router = Router::new()
            .route("/file/{id}", get(http::file))
            .route("/{action}", post(http::call))
            .layer(DefaultBodyLimit::max(100_000_000))
            .with_state(inner.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Serving ends with the task; it has no other way to fail once the port is bound.
            let _ = axum::serve(file_listener, router).await;
        });
        tasks.spawn(accept(listener, inner.clone()));
        Ok(Self {
            inner,
            address,
            tasks,
        })
    }

    /// Where its WebSocket server is.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The address behind [`Self::url`].
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its HTTP server is.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.inner.files)
    }

    /// Connects to a WebSocket server of the other side, and again whenever that is cut.
    pub fn connects_to(&mut self, url: &str) {
        let task = reverse::keep(url.to_owned(), self.inner.clone());
        self.tasks.spawn(task);
    }

    /// Posts events to an HTTP server of the other side, signed where there is a secret.
    pub fn posts_to(&mut self, url: &str, secret: Option<&str>) {
        let secret = secret.map(ToOwned::to_owned);
        // From now on, not from when the task first runs.
        let happened = self.inner.qq.shared.happened.subscribe();
        let task = http::post_events(url.to_owned(), secret, self.inner.clone(), happened);
        self.tasks.spawn(task);
    }

    /// Waits until so many events were posted and taken, all told.
    ///
    /// # Panics
    /// When they are not in time.
    pub async fn has_posted(&self, events: usize) {
        let shared = &self.inner.qq.shared;
        let posted = shared.wait_for(|world| (world.posted >= events).then_some(()));
        assert!(posted.await.is_some(), "{events} events are not taken");
    }

    /// The token that clients have to show.
    pub fn token(&self) -> Option<String> {
        self.inner.settings.token.clone()
    }

    /// Waits until a client is connected, and asked who is logged in, for more than the `after`th time.
    ///
    /// # Panics
    /// When none connects in time.
    pub async fn is_connected(&self, after: usize) {
        let shared = &self.inner.qq.shared;
        let connected = shared
            .wait_for(|world| (world.connected > 0 && world.connections > after).then_some(()));
        assert!(connected.await.is_some(), "nobody connects");
    }

    /// Waits for the next heartbeat on any connection.
    ///
    /// # Panics
    /// When none is sent in time.
    pub async fn beats(&self) {
        let shared = &self.inner.qq.shared;
        let before = shared.with(|world| world.heartbeats);
        let beat = shared.wait_for(|world| (world.heartbeats > before).then_some(()));
        assert!(beat.await.is_some(), "no heartbeat");
    }

    /// How often a client has connected.
    pub fn connections(&self) -> usize {
        self.inner.qq.shared.with(|world| world.connections)
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.inner.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts every connection and takes no new one, or takes them again.
    pub fn set_down(&self, is_down: bool) {
        self.inner.is_down.store(is_down, Ordering::SeqCst);
        if is_down {
            self.cut();
        }
    }

    /// Goes silent on connections that stay open, heartbeats included, or speaks again.
    pub fn set_mute(&self, is_mute: bool) {
        self.inner.is_mute.send_replace(is_mute);
    }
}

async fn accept(listener: TcpListener, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        if inner.is_down.load(Ordering::SeqCst) {
            continue;
        }
        connections.spawn(connection(stream, inner.clone()));
        while connections.try_join_next().is_some() {}
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the library's own type of a refused handshake"
)]
async fn connection(stream: TcpStream, inner: Arc<Inner>) {
    let mut is_known = false;
    let mut is_place = false;
    let settings = inner.settings.clone();
    let check = |request: &Request, response: Response| {
        is_place = matches!(
            request.uri().path(),
            "" | "/" | "/api" | "/event" | "/api/" | "/event/"
        );
        is_known = shows_token(request, settings.token.as_deref());
        if settings.refuses_handshake && !is_known {
            let mut refusal = ErrorResponse::new(None);
            let none = request.headers().get("Authorization").is_none();
            *refusal.status_mut() = if none {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::FORBIDDEN
            };
            return Err(refusal);
        }
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async(stream, check).await else {
        return;
    };
    if !is_known || !is_place {
        let refusal = json!({"status": "failed", "retcode": 1403, "data": null,
            "message": "token验证失败", "wording": "token验证失败", "echo": null});
        let _ = socket.send(Message::text(refusal.to_string())).await;
        let _ = socket.close(None).await;
        return;
    }
    inner.qq.shared.with(|world| {
        world.connected += 1;
        world.connections += 1;
    });
    talk(&mut socket, &inner).await;
    inner.qq.shared.with(|world| world.connected -= 1);
}

fn shows_token(request: &Request, token: Option<&str>) -> bool {
    let Some(token) = token else { return true };
    let header = request.headers().get("Authorization");
    let header = header.and_then(|value| value.to_str().ok());
    let query = request.uri().query().unwrap_or_default();
    header == Some(&format!("Bearer {token}"))
        || query
            .split('&')
            .any(|pair| pair == format!("access_token={token}"))
}

/// Serves one connection until it ends.
async fn talk(socket: &mut WebSocketStream<TcpStream>, inner: &Arc<Inner>) {
    let mut happened = inner.qq.shared.happened.subscribe();
    let mut cuts = inner.cuts.subscribe();
    let mut mute = inner.is_mute.subscribe();
    let mut heartbeat = interval(inner.settings.heartbeat);
    heartbeat.tick().await;
    let account = inner.qq.account();
    let hello = json!({"time": now(), "self_id": account, "post_type": "meta_event",
        "meta_event_type": "lifecycle", "sub_type": "connect"});
    if socket.send(Message::text(hello.to_string())).await.is_err() {
        return;
    }
    // What is left of an answer in parts; everything else goes on in between.
    let mut parts = VecDeque::new();
    loop {
        let is_mute = *mute.borrow();
        let frame = tokio::select! {
            _ = cuts.changed() => return,
            part = async { parts.pop_front().expect("it is not empty") }, if !parts.is_empty() => part,
            _ = mute.changed() => continue,
            _ = heartbeat.tick(), if !is_mute => events::heartbeat(inner),
            event = happened.recv(), if !is_mute => match event {
                Ok(Happened::Message(entry) | Happened::Again(entry)) => events::message(inner, &entry),
                Ok(Happened::Raw(text)) => {
                    if socket.send(Message::text(&*text)).await.is_err() {
                        return;
                    }
                    continue;
                }
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            frame = socket.next() => {
                let text = match frame {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => continue,
                };
                if is_mute {
                    continue;
                }
                parts.extend(answer(inner, text.as_str()).await);
                continue;
            }
        };
        if frame["cut"] == true {
            return;
        }
        let is_heartbeat = frame["meta_event_type"] == "heartbeat";
        if socket.send(Message::text(frame.to_string())).await.is_err() {
            return;
        }
        if is_heartbeat {
            inner.qq.shared.with(|world| world.heartbeats += 1);
        }
    }
}

/// What a frame of the client is answered, in order. `cut` stands for the end of the connection.
async fn answer(inner: &Arc<Inner>, text: &str) -> Vec<Value> {
    let complain = |what: String| {
        inner.qq.shared.with(|world| world.complaints.push(what));
        Vec::new()
    };
    let Ok(frame) = serde_json::from_str::<Value>(text) else {
        return complain("a frame that is no JSON".to_owned());
    };
    let Some(action) = frame["action"].as_str() else {
        return complain(format!("a frame without an action: {frame}"));
    };
    // Some give no answer to these at all.
    let echo = match &frame["echo"] {
        echo if echo.is_string() || inner.settings.echoes_anything => echo.clone(),
        other => return complain(format!("an echo that is no text: {other}")),
    };
    let empty = json!({});
    let params = match &frame["params"] {
        Value::Object(_) => &frame["params"],
        Value::Null => &empty,
        other => return complain(format!("params that are no object: {other}")),
    };
    let mut replies = act(inner, action, params).await;
    for reply in &mut replies {
        reply["echo"] = echo.clone();
    }
    replies
}

/// Does what a call asks for; nothing when no answer is to come.
async fn act(inner: &Arc<Inner>, action: &str, params: &Value) -> Vec<Value> {
    let fault = inner.qq.shared.with(|world| {
        world.note_call(action, params);
        world.faults.take(action)
    });
    if action == "download_file_stream" && calls::is_napcat(inner) {
        return download::frames(inner, params, fault.as_ref());
    }
    let cut = || vec![json!({"cut": true})];
    match fault {
        Some(Fault::Silent) => return Vec::new(),
        Some(Fault::CutBefore) => return cut(),
        Some(Fault::Swallow) => return vec![calls::good(&json!({"message_id": 0}))],
        Some(Fault::SwallowWithoutId) => return vec![calls::good(&json!({}))],
        Some(Fault::Failed(code, words)) => return vec![calls::failed(code, &words)],
        Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
        Some(Fault::CutAfter | Fault::LosePart) | None => {}
    }
    let mut reply = match calls::call(inner, action, params) {
        Ok(data) => calls::good(&data),
        Err(calls::Failure(code, words)) => calls::failed(code, &words),
    };
    // The one answer to a piece that goes up looks like a part of an answer, and is none.
    if action == "upload_file_stream" {
        reply = download::part_of_stream(reply);
    }
    if fault == Some(Fault::CutAfter) {
        return cut();
    }
    vec![reply]
}
