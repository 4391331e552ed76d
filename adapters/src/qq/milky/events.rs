//! How a protocol end tells events: over a WebSocket or a stream that we open, or by posting them.

use std::future::Future;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use url::Url;

use crate::host::retry;
use crate::qq::told::{self, Told};

/// A connection that lived this long starts the waits anew.
const PROVEN: Duration = Duration::from_secs(5);

/// How well we hear the protocol end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hearing {
    /// Nothing is known yet.
    Waiting,
    /// The connection stands.
    Open,
    /// There is no connection, and why; it is tried again.
    Broken(String),
    /// Our token was refused: it is not tried again.
    Refused,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Failure {
    /// Our token was refused.
    Token,
    /// Anything else; never holds the address.
    Other(String),
}

/// Where events go, and what is told of their way.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) events: mpsc::Sender<Told>,
    pub(super) hearing: watch::Sender<Hearing>,
}

impl Ears {
    /// The connection stands.
    pub(super) fn open(&self) {
        tracing::info!("connected to the QQ program");
        self.hearing.send_replace(Hearing::Open);
    }

    /// Takes an event as it came.
    ///
    /// # Errors
    /// Nobody reads events any more.
    pub(super) async fn take(&self, text: &str) -> Result<(), Failure> {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            tracing::warn!(
                bytes = text.len(),
                "an event of the QQ program cannot be read"
            );
            return Ok(());
        };
        if told::tell(&self.events, value).await {
            Ok(())
        } else {
            Err(Failure::Other("nobody listens".to_owned()))
        }
    }
}

/// Keeps a connection up; ends only when our token is refused. `follow` connects once, says when it
/// stands, and returns why it has ended.
pub(super) async fn keep<F>(ears: &Ears, follow: impl Fn() -> F)
where
    F: Future<Output = Failure>,
{
    let mut delays = retry::delays();
    loop {
        let since = Instant::now();
        let reason = follow().await;
        let was_open = *ears.hearing.borrow() == Hearing::Open;
        match reason {
            Failure::Token => {
                ears.hearing.send_replace(Hearing::Refused);
                return;
            }
            Failure::Other(reason) => {
                tracing::warn!(reason, "no connection to the QQ program, trying again");
                ears.hearing.send_replace(Hearing::Broken(reason));
            }
        }
        if was_open && since.elapsed() >= PROVEN {
            delays = retry::delays();
        }
        sleep(delays.next().unwrap_or(PROVEN)).await;
    }
}

/// Where events are told.
pub(super) fn address(url: &Url) -> Url {
    let mut url = url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("event");
    }
    url
}

/// The header that shows our token.
pub(super) fn authorization(token: Option<&SecretString>) -> Option<String> {
    token.map(|token| format!("Bearer {}", token.expose_secret()))
}
