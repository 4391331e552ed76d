//! The WebSocket on which a protocol end tells events.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use crate::host::retry;
use crate::websocket::{DialError, Socket, dial};

/// Events that may wait to be read; then the connection is read no further.
const EVENTS: usize = 1024;
/// How often a sign of life is asked for, and how long none may come.
const PING: Duration = Duration::from_secs(20);
const QUIET_LIMIT: Duration = Duration::from_secs(65);
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// A connection that lived this long starts the waits anew.
const PROVEN: Duration = Duration::from_secs(5);

pub(super) fn channel() -> (mpsc::Sender<Value>, mpsc::Receiver<Value>) {
    mpsc::channel(EVENTS)
}

/// Keeps the WebSocket open; ends only when our token is refused, which `refused` then tells.
pub(super) async fn keep(
    url: Url,
    token: Option<SecretString>,
    events: mpsc::Sender<Value>,
    refused: watch::Sender<bool>,
) {
    let mut url = url;
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    // Both are schemes with a host, between which a URL may change.
    let _ = url.set_scheme(scheme);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("event");
    }
    let headers: Vec<(&str, String)> = token
        .iter()
        .map(|token| ("Authorization", format!("Bearer {}", token.expose_secret())))
        .collect();
    let mut delays = retry::delays();
    loop {
        match dial(&url, &headers).await {
            Ok(socket) => {
                tracing::info!("connected to the QQ program");
                let since = Instant::now();
                let reason = follow(socket, &events).await;
                tracing::warn!(reason, "no connection to the QQ program, trying again");
                if since.elapsed() >= PROVEN {
                    delays = retry::delays();
                }
            }
            Err(DialError::Status(401 | 403)) => break,
            Err(error) => {
                tracing::warn!(%error, "the QQ program cannot be reached, trying again");
            }
        }
        sleep(delays.next().unwrap_or(PROVEN)).await;
    }
    refused.send_replace(true);
}

/// Passes events on until the connection ends; returns why it did.
async fn follow(mut socket: Socket, events: &mpsc::Sender<Value>) -> String {
    let mut ping = interval_at(Instant::now() + PING, PING);
    let mut heard = Instant::now();
    loop {
        let frame = tokio::select! {
            frame = socket.next() => frame,
            _ = ping.tick() => {
                let asked = socket.send(Message::Ping(Vec::new().into()));
                match timeout(WRITE_LIMIT, asked).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => return error.to_string(),
                    Err(_) => return "it reads nothing".to_owned(),
                }
            }
            () = sleep_until(heard + QUIET_LIMIT) => return "it went silent".to_owned(),
        };
        heard = Instant::now();
        match frame {
            Some(Ok(Message::Text(text))) => {
                let Ok(value) = serde_json::from_str::<Value>(text.as_str()) else {
                    tracing::warn!(
                        bytes = text.len(),
                        "an event of the QQ program cannot be read"
                    );
                    continue;
                };
                if events.send(value).await.is_err() {
                    return "nobody listens".to_owned();
                }
            }
            Some(Ok(Message::Close(_))) | None => return "it closed the connection".to_owned(),
            Some(Ok(_)) => {}
            Some(Err(error)) => return error.to_string(),
        }
    }
}
