//! A strict Docker Engine on a Unix socket. It knows a few containers by name, and writes down every
//! request that a real engine would not have been asked:
//!
//! `web` logs in frames, `term` has a terminal, `idle` does not run, `broken` cannot be restarted,
//! `slow` takes for ever to restart, `endless` never stops logging, `mangled` logs what is no frame.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

/// The version of the API that this engine speaks.
pub const API: &str = "1.41";
const CONTAINERS: [(&str, &str); 7] = [
    ("web", "running"),
    ("term", "running"),
    ("idle", "exited"),
    ("broken", "running"),
    ("slow", "running"),
    ("endless", "running"),
    ("mangled", "running"),
];

/// The engine. It ends when it is dropped.
#[derive(Debug)]
pub struct FakeDocker {
    folder: TempDir,
    seen: Arc<Seen>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    violations: Mutex<Vec<String>>,
}

impl FakeDocker {
    /// Starts an engine with a socket of its own.
    ///
    /// # Errors
    /// When there is no room for the socket.
    pub fn start() -> Result<Self> {
        let folder = TempDir::with_prefix("docker.")?;
        let listener = UnixListener::bind(folder.path().join("docker.sock"))?;
        let seen = Arc::new(Seen::default());
        let app = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            folder,
            seen,
            server,
        })
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// The folder of the socket.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Every request so far, `METHOD path?query`.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.seen.requests).clone()
    }

    /// What a real engine would not have been asked.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.seen.violations).clone()
    }
}

impl Drop for FakeDocker {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(list: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(seen): State<Arc<Seen>>, request: Request) -> Response {
    let asked = format!("{} {}", request.method(), request.uri());
    lock(&seen.requests).push(asked.clone());
    let violation = |what: &str| {
        lock(&seen.violations).push(format!("{asked}: {what}"));
        trouble(StatusCode::BAD_REQUEST, what)
    };
    if !request.headers().contains_key("host") {
        return violation("no host");
    }
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or(""));
    if path == "/_ping" {
        return match (request.method(), query) {
            (&Method::GET | &Method::HEAD, "") => ([("api-version", API)], "OK").into_response(),
            _ => violation("a ping is a GET without a query"),
        };
    }
    let Some(path) = path.strip_prefix(&format!("/v{API}/containers/")) else {
        return violation("not below the version that was told");
    };
    match (
        request.method(),
        path.split('/').collect::<Vec<_>>().as_slice(),
    ) {
        (&Method::GET, ["json"]) => match query {
            "all=1" | "all=0" => list(query == "all=1"),
            _ => violation("a list takes `all`"),
        },
        (&Method::GET, [name, "json"]) => match (query, state(name)) {
            ("", Some(_)) => axum::Json(json!({
                "Id": "0a1b", "Name": format!("/{name}"), "Config": {"Tty": *name == "term"}
            }))
            .into_response(),
            ("", None) => missing(name),
            _ => violation("nothing was to be said about it"),
        },
        (&Method::GET, [name, "logs"]) => {
            let tail = query
                .strip_prefix("stdout=1&stderr=1&tail=")
                .and_then(|tail| tail.parse::<usize>().ok());
            match (tail, state(name)) {
                (Some(tail), Some(_)) => logs(name, tail),
                (Some(_), None) => missing(name),
                (None, _) => violation("logs take `stdout`, `stderr` and `tail`"),
            }
        }
        (&Method::POST, [name, action @ ("start" | "stop" | "restart")]) => {
            match (query, state(name)) {
                ("", Some(state)) => change(name, action, state).await,
                ("", None) => missing(name),
                _ => violation("no query was expected"),
            }
        }
        _ => violation("there is no such method and path"),
    }
}

fn state(name: &str) -> Option<&'static str> {
    CONTAINERS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, state)| *state)
}

fn trouble(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({"message": message}))).into_response()
}

fn missing(name: &str) -> Response {
    trouble(StatusCode::NOT_FOUND, &format!("No such container: {name}"))
}

fn list(all: bool) -> Response {
    let listed: Vec<_> = CONTAINERS
        .iter()
        .filter(|(_, state)| all || *state == "running")
        .map(|(name, state)| {
            let status = if *state == "running" {
                "Up 2 hours"
            } else {
                "Exited (0) 3 days ago"
            };
            json!({
                "Id": blake3::hash(name.as_bytes()).to_hex().as_str(),
                "Names": [format!("/{name}")],
                "Image": format!("example/{name}:1"),
                "State": state,
                "Status": status,
                "Ports": [], "Labels": {}, "Created": 1_700_000_000,
            })
        })
        .collect();
    axum::Json(listed).into_response()
}

fn frame(stream: u8, text: &str) -> Vec<u8> {
    let mut frame = vec![stream, 0, 0, 0];
    frame.extend(u32::try_from(text.len()).unwrap_or(0).to_be_bytes());
    frame.extend(text.as_bytes());
    frame
}

fn logs(name: &str, tail: usize) -> Response {
    let lines: Vec<String> = (1..=300).map(|n| format!("{name} line {n}\n")).collect();
    let wanted = &lines[lines.len().saturating_sub(tail)..];
    let body = match name {
        "term" => Body::from(wanted.concat()),
        "mangled" => Body::from("this is no frame at all\n"),
        "endless" => {
            let lump = frame(1, &"endless\n".repeat(8 * 1024));
            Body::from_stream(stream::repeat_with(move || {
                Ok::<_, std::io::Error>(Bytes::from(lump.clone()))
            }))
        }
        _ => {
            let mut bytes: Vec<u8> = wanted.iter().flat_map(|line| frame(1, line)).collect();
            bytes.extend(frame(2, "and a warning\n"));
            // Cut where no frame ends, as real connections do.
            let (head, rest) = bytes.split_at(bytes.len() / 2 + 3);
            let parts =
                [head.to_vec(), rest.to_vec()].map(|part| Ok::<_, std::io::Error>(part.into()));
            Body::from_stream(stream::iter::<[std::io::Result<Bytes>; 2]>(parts))
        }
    };
    body.into_response()
}

async fn change(name: &str, action: &str, state: &str) -> Response {
    match (name, action, state) {
        ("broken", ..) => trouble(
            StatusCode::INTERNAL_SERVER_ERROR,
            "driver failed programming external connectivity",
        ),
        ("slow", ..) => std::future::pending().await,
        (_, "start", "running") | (_, "stop", "exited") => StatusCode::NOT_MODIFIED.into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}
