//! We connect to the implementation's WebSocket server.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};
use url::Url;

use super::line::{Ended, Line, Role};
use crate::host::retry;
use crate::websocket::{DialError, dial};

/// A connection that lived this long starts the waits anew.
const PROVEN: Duration = Duration::from_secs(5);

/// Keeps a connection up; ends only when our token is refused, which `refused` then tells.
pub(super) async fn keep(
    line: Arc<Line>,
    url: Url,
    token: Option<SecretString>,
    refused: watch::Sender<bool>,
) {
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
                let ended = line.serve(socket, Role::Universal).await;
                if ended == Ended::Token {
                    break;
                }
                tracing::warn!(reason = %ended, "no connection to the QQ program, trying again");
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
