//! Events over the WebSocket of a protocol end.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use secrecy::SecretString;
use tokio::time::{Instant, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use url::Url;

use super::events::{self, Ears, Failure, address, authorization};
use crate::websocket::{DialError, Socket, dial};

/// How often a sign of life is asked for, and how long none may come.
const PING: Duration = Duration::from_secs(20);
const QUIET_LIMIT: Duration = Duration::from_secs(65);
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// Keeps the WebSocket open; ends only when our token is refused.
pub(super) async fn keep(url: Url, token: Option<SecretString>, ears: Ears) {
    events::keep(&ears, || follow(&url, token.as_ref(), &ears)).await;
}

/// Passes events on until the connection ends; returns why it did.
async fn follow(url: &Url, token: Option<&SecretString>, ears: &Ears) -> Failure {
    let mut url = address(url);
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    // Both are schemes with a host, between which a URL may change.
    let _ = url.set_scheme(scheme);
    let headers: Vec<(&str, String)> = authorization(token)
        .map(|value| ("Authorization", value))
        .into_iter()
        .collect();
    match dial(&url, &headers).await {
        Ok(socket) => {
            ears.open();
            serve(socket, ears).await
        }
        Err(DialError::Status(401 | 403)) => Failure::Token,
        Err(error) => Failure::Other(error.to_string()),
    }
}

async fn serve(mut socket: Socket, ears: &Ears) -> Failure {
    let other = |reason: &str| Failure::Other(reason.to_owned());
    let mut ping = interval_at(Instant::now() + PING, PING);
    let mut heard = Instant::now();
    loop {
        let frame = tokio::select! {
            frame = socket.next() => frame,
            _ = ping.tick() => {
                let asked = socket.send(Message::Ping(Vec::new().into()));
                match timeout(WRITE_LIMIT, asked).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => return Failure::Other(error.to_string()),
                    Err(_) => return other("it reads nothing"),
                }
            }
            () = sleep_until(heard + QUIET_LIMIT) => return other("it went silent"),
        };
        heard = Instant::now();
        match frame {
            Some(Ok(Message::Text(text))) => {
                if let Err(failure) = ears.take(text.as_str()).await {
                    return failure;
                }
            }
            // LLBot takes the connection before it looks at the token.
            Some(Ok(Message::Close(Some(frame)))) if frame.code == CloseCode::Policy => {
                return Failure::Token;
            }
            Some(Ok(Message::Close(_))) | None => return other("it closed the connection"),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Failure::Other(error.to_string()),
        }
    }
}
