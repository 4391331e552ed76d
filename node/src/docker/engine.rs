//! The Engine API over its Unix socket: <https://docs.docker.com/reference/api/engine/>.

use std::path::Path;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio_util::task::AbortOnDropHandle;

/// The newest version of the API that this program knows; of an older engine its own is used.
const NEWEST: (u32, u32) = (1, 47);
/// What engines spoke before they named their version.
const OLDEST: (u32, u32) = (1, 24);
/// Most bytes of an answer that is read whole.
const MOST_ANSWER: usize = 4 << 20;
/// Most bytes of an error that are read.
const MOST_ERROR: usize = 64 << 10;
/// Most characters of an error that are told.
const MOST_MESSAGE: usize = 500;

/// Why the engine was asked in vain.
#[derive(Debug, Error)]
pub(super) enum EngineError {
    /// Nobody answers on the socket.
    #[error("nobody answers on the socket: {0}")]
    Unreachable(std::io::Error),
    /// There is no such container.
    #[error("no such container")]
    NoSuchContainer,
    /// The engine said no.
    #[error("status {status}: {message}")]
    Engine {
        /// The status of its answer.
        status: u16,
        /// What it said.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("bad answer: {0}")]
    BadAnswer(String),
}

impl From<hyper::Error> for EngineError {
    fn from(error: hyper::Error) -> Self {
        Self::BadAnswer(error.to_string())
    }
}

/// One connection to the engine.
pub(super) struct Engine {
    sender: SendRequest<Empty<Bytes>>,
    /// `v1.41`.
    version: String,
    /// Moves the bytes while the connection is in use.
    _connection: AbortOnDropHandle<()>,
}

#[derive(Deserialize)]
struct Trouble {
    message: String,
}

impl Engine {
    /// Connects, and asks which version of the API the engine speaks.
    pub(super) async fn connect(socket: &Path) -> Result<Self, EngineError> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(EngineError::Unreachable)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            // What goes wrong here fails the request that waits for it.
            let _ = connection.await;
        }));
        let mut engine = Self {
            sender,
            version: String::new(),
            _connection: connection,
        };
        let pong = engine.send(Method::GET, "/_ping").await?;
        let named = pong
            .headers()
            .get("api-version")
            .and_then(|version| version.to_str().ok())
            .and_then(version);
        let (major, minor) = named.unwrap_or(OLDEST).min(NEWEST);
        engine.version = format!("/v{major}.{minor}");
        read(pong.into_body(), MOST_ERROR).await?;
        Ok(engine)
    }

    /// Asks for something that is read whole.
    pub(super) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, EngineError> {
        let answer = self.send(Method::GET, path).await?;
        let body = read(answer.into_body(), MOST_ANSWER).await?;
        serde_json::from_slice(&body).map_err(|error| EngineError::BadAnswer(error.to_string()))
    }

    /// Asks for something that may be long.
    pub(super) async fn stream(&mut self, path: &str) -> Result<Incoming, EngineError> {
        Ok(self.send(Method::GET, path).await?.into_body())
    }

    /// Tells the engine to do something. Returns whether that changed anything.
    pub(super) async fn post(&mut self, path: &str) -> Result<bool, EngineError> {
        let answer = self.send(Method::POST, path).await?;
        Ok(answer.status() != StatusCode::NOT_MODIFIED)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
    ) -> Result<Response<Incoming>, EngineError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.version))
            .header("host", "docker")
            .header(
                "user-agent",
                concat!("jarvis-node/", env!("CARGO_PKG_VERSION")),
            )
            .body(Empty::new())
            .map_err(|error| EngineError::BadAnswer(error.to_string()))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        match answer.status() {
            status if status.is_success() || status == StatusCode::NOT_MODIFIED => Ok(answer),
            StatusCode::NOT_FOUND => Err(EngineError::NoSuchContainer),
            status => {
                let body = read(answer.into_body(), MOST_ERROR).await?;
                let message = serde_json::from_slice::<Trouble>(&body).map_or_else(
                    |_| String::from_utf8_lossy(&body).into_owned(),
                    |it| it.message,
                );
                Err(EngineError::Engine {
                    status: status.as_u16(),
                    message: message
                        .chars()
                        .map(|c| if c.is_control() { ' ' } else { c })
                        .take(MOST_MESSAGE)
                        .collect(),
                })
            }
        }
    }
}

async fn read(mut body: Incoming, most: usize) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if bytes.len() + data.len() > most {
                return Err(EngineError::BadAnswer(format!("more than {most} bytes")));
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert_eq!(version("1.41"), Some((1, 41)));
        assert_eq!(version("1.9").min(version("1.10")), Some((1, 9)));
        assert_eq!(version("latest"), None);
        assert_eq!(version("1.x"), None);
    }
}
