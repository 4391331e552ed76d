//! A Milky 1.2 protocol end beside [`FakeQq`]: calls and events on one port, the latter over a WebSocket
//! or server-sent events; it posts them too. It refuses what the schema of Milky refuses: numbers that
//! are text, segments that do not exist, fields that are missing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::FakeQq;
use super::fault::Fault;

mod calls;
mod events;
mod socket;
mod stream;
mod webhook;

/// What clients have to show.
const TOKEN: &str = "milky-story-token-0123456789";
/// Longest head of a request.
const LONGEST_HEAD: usize = 16 * 1024;

/// How the protocol end is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Server-sent events are offered.
    pub has_stream: bool,
    /// How often the stream of them says that it is there; `None` for never, as LLBot has it.
    pub heartbeat: Option<Duration>,
    /// The head of the stream is held back until there is something to say, as some HTTP servers do.
    pub holds_head: bool,
    /// Events of the stream come on many lines, and in small pieces.
    pub in_pieces: bool,
    /// A WebSocket with a wrong token is taken and then closed, as LLBot does.
    pub takes_anybody: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            has_stream: true,
            heartbeat: Some(Duration::from_secs(60)),
            holds_head: false,
            in_pieces: false,
            takes_anybody: false,
        }
    }
}

/// A running protocol end. It stops when it is dropped.
#[derive(Debug)]
pub struct Milky {
    inner: Arc<Inner>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Inner {
    qq: FakeQq,
    settings: Settings,
    address: SocketAddr,
    cuts: watch::Sender<u64>,
    is_down: AtomicBool,
    /// Nothing is sent any more, though connections stay.
    is_mute: watch::Sender<bool>,
    /// What clients have to show.
    token: Mutex<String>,
    spoken: Mutex<Vec<(String, Value)>>,
}

impl Inner {
    /// Keeps what was said, by the name that Milky's schema has for it; files are left out.
    fn note(&self, schema: String, value: &Value) {
        const LONGEST: usize = 100_000;
        if value.to_string().len() < LONGEST {
            let mut spoken = self.spoken.lock().expect("no holder panics");
            spoken.push((schema, value.clone()));
        }
    }

    /// Whether a request shows the token, in its header or its address.
    fn is_known(&self, header: Option<&str>, query: &str) -> bool {
        let token = self.token.lock().expect("no holder panics");
        header == Some(&format!("Bearer {token}"))
            || query
                .split('&')
                .any(|pair| pair == format!("access_token={token}"))
    }
}

impl Milky {
    /// Starts beside `qq`.
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
        let front = TcpListener::bind("127.0.0.1:0").await?;
        let behind = TcpListener::bind("127.0.0.1:0").await?;
        let calls = behind.local_addr()?;
        let inner = Arc::new(Inner {
            qq: qq.clone(),
            settings,
            address: front.local_addr()?,
            cuts: watch::Sender::new(0),
            is_down: AtomicBool::new(false),
            is_mute: watch::Sender::new(false),
            token: Mutex::new(TOKEN.to_owned()),
            spoken: Mutex::default(),
        });
        let router = Router::new()
            .route("/api/{name}", post(call))
            .route("/file/{id}", get(file))
            .layer(DefaultBodyLimit::max(200_000_000))
            .with_state(inner.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Serving ends with the task; it has no other way to fail once the port is bound.
            let _ = axum::serve(behind, router).await;
        });
        tasks.spawn(accept(front, calls, inner.clone()));
        Ok(Self { inner, tasks })
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

    /// Clients have to show another token from now on; connections that stand stay.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.inner.token.lock().expect("no holder panics"));
    }

    /// Posts events to an HTTP server of the other side, with the token.
    pub fn posts_to(&mut self, url: &str) {
        // From now on, not from when the task first runs.
        let happened = self.inner.qq.shared.happened.subscribe();
        let task = webhook::post_events(url.to_owned(), self.inner.clone(), happened);
        self.tasks.spawn(task);
    }

    /// Every event, call and answer so far, by the name that Milky's schema has for it.
    pub fn spoken(&self) -> Vec<(String, Value)> {
        self.inner.spoken.lock().expect("no holder panics").clone()
    }

    /// How often a client has opened a connection for events.
    pub fn connections(&self) -> usize {
        self.inner.qq.shared.with(|world| world.connections)
    }

    /// Waits until a connection for events is open, for more than the `after`th time.
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

    /// Waits for the next sign of life on a stream.
    ///
    /// # Panics
    /// When none is sent in time.
    pub async fn beats(&self) {
        let shared = &self.inner.qq.shared;
        let before = shared.with(|world| world.heartbeats);
        let beat = shared.wait_for(|world| (world.heartbeats > before).then_some(()));
        assert!(beat.await.is_some(), "no heartbeat");
    }

    /// Goes silent on connections that stay open, or speaks again.
    pub fn set_mute(&self, is_mute: bool) {
        self.inner.is_mute.send_replace(is_mute);
    }

    /// Cuts every connection for events.
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

/// Tells connections for events from calls by the heads of their requests.
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
    let mut start = vec![0; LONGEST_HEAD];
    let head = loop {
        match stream.peek(&mut start).await {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                let head = &start[..read];
                let is_event = head.starts_with(EVENT);
                let is_whole = head.windows(4).any(|end| end == b"\r\n\r\n");
                if (!is_event && !EVENT.starts_with(head)) || is_whole {
                    break is_event.then(|| Head::of(head));
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    };
    match head {
        // The header decides, not what else the client says.
        Some(head) if head.header("upgrade").eq_ignore_ascii_case("websocket") => {
            socket::serve(stream, &inner).await;
        }
        Some(head) => stream::serve(stream, &head, &inner).await,
        None => {
            if let Ok(mut behind) = TcpStream::connect(calls).await {
                // Whoever closes first ends it for both.
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
            }
        }
    }
}

/// The head of a request.
#[derive(Debug)]
struct Head {
    length: usize,
    query: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Of bytes that hold all of it.
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.split("\r\n");
        let target = lines.next().unwrap_or_default().split(' ').nth(1);
        let query = target.and_then(|target| target.split_once('?'));
        Self {
            length: head.len() + 4,
            query: query.map_or_else(String::new, |(_, query)| query.to_owned()),
            headers: lines
                .filter_map(|line| line.split_once(':'))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
        }
    }

    /// A header by its name in small letters; empty where there is none.
    fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.as_str())
    }
}

async fn call(
    State(inner): State<Arc<Inner>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if inner.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if !inner.is_known(header("Authorization"), uri.query().unwrap_or_default()) {
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
        Some(Fault::CutAfter | Fault::LosePart) | None => {}
    }
    inner.note(format!("{}Input", in_schema(&name)), &params);
    let result = calls::call(&inner, &name, &params);
    if let Ok(data) = &result {
        inner.note(format!("{}Output", in_schema(&name)), data);
    }
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

/// `send_group_message` is `SendGroupMessage`.
fn in_schema(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        first.to_ascii_uppercase() + rest
    });
    words.collect()
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
