//! Being called by WeCom or WeChat: the check of the address (GET) and messages (POST).
//!
//! A call is believed when it is signed, new and not repeated. It is confirmed only after its message is
//! safe; until then the platform's own repetition is welcome.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use ring::digest::{SHA256, digest};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

use super::crypto::Refused;
use super::xml::Unreadable;
use crate::adapter::AdapterError;
use crate::now_ms;
use crate::recent::Recent;

/// Longest query, and longest value in it but for `echostr`.
const LONGEST_QUERY: usize = 4096;
const LONGEST_VALUE: usize = 128;
/// Longest time for a body to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(10);
/// Calls that are worked on at the same time.
const MOST_CALLS: usize = 512;
/// Calls whose messages are safe, which are remembered.
const REMEMBERED: usize = 16_384;
/// The platform repeats a call, word for word, for so long when our answer is lost.
const REPEATS: Duration = Duration::from_secs(20);

/// Where a platform calls us, and what is taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// Where we listen, in plain HTTP: a reverse proxy speaks TLS before us.
    pub listen: SocketAddr,
    /// The path that is called, such as `/wecom`.
    pub path: String,
    /// A call whose time is further from ours is not believed.
    pub window: Duration,
    /// The platform waits so long for an answer, less what the way takes.
    pub answer_within: Duration,
    /// Largest body, in bytes.
    pub body_limit: usize,
}

impl Callback {
    /// On this port of this machine, with what the platforms are like.
    #[must_use]
    pub fn on(port: u16, path: &str) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], port)),
            path: path.to_owned(),
            window: Duration::from_secs(5 * 60),
            answer_within: Duration::from_millis(4500),
            body_limit: 1 << 20,
        }
    }
}

/// What stands in the address of a call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) signature: String,
    pub(super) msg_signature: String,
    pub(super) timestamp: String,
    pub(super) nonce: String,
    pub(super) echostr: String,
    pub(super) encrypt_type: String,
}

impl Query {
    /// Reads a query; `None` when something stands there twice or is too long.
    fn read(text: &str) -> Option<Self> {
        let mut query = Self::default();
        if text.len() > LONGEST_QUERY {
            return None;
        }
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let (place, most) = match &*name {
                "signature" => (&mut query.signature, LONGEST_VALUE),
                "msg_signature" => (&mut query.msg_signature, LONGEST_VALUE),
                "timestamp" => (&mut query.timestamp, LONGEST_VALUE),
                "nonce" => (&mut query.nonce, LONGEST_VALUE),
                "encrypt_type" => (&mut query.encrypt_type, LONGEST_VALUE),
                "echostr" => (&mut query.echostr, LONGEST_QUERY),
                _ => continue,
            };
            if !place.is_empty() || value.len() > most {
                return None;
            }
            *place = value.into_owned();
        }
        // Base64 has no spaces: one is a `+` that was not escaped.
        query.echostr = query.echostr.replace(' ', "+");
        Some(query)
    }
}

/// Why a call is turned away. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("its address cannot be read")]
    Query,
    #[error("its time is too far from ours: look at this machine's clock")]
    Time,
    #[error("it was made before")]
    Replayed,
    #[error(transparent)]
    Crypto(#[from] Refused),
    #[error(transparent)]
    Xml(#[from] Unreadable),
    /// Something that has to be there is not.
    #[error("it has no {0}")]
    Missing(&'static str),
    #[error("it is for another app")]
    OtherApp,
}

impl Denied {
    fn status(self) -> StatusCode {
        match self {
            Self::Query | Self::Xml(_) | Self::Missing(_) => StatusCode::BAD_REQUEST,
            Self::Crypto(Refused::Form) => StatusCode::BAD_REQUEST,
            Self::Time | Self::Replayed | Self::Crypto(_) | Self::OtherApp => StatusCode::FORBIDDEN,
        }
    }
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is safe; what to answer.
    Safe(String),
    /// It is not: the platform has to come again.
    NotSafe,
}

/// Who takes the calls of one app.
#[async_trait]
pub(super) trait Receiver: Send + Sync + 'static {
    /// What an opened call holds.
    type Message: Send;

    /// Answers the check of the address.
    fn check(&self, query: &Query) -> Result<Vec<u8>, Denied>;

    /// Believes a call, or does not.
    fn open(&self, query: &Query, body: &[u8]) -> Result<Self::Message, Denied>;

    /// Keeps its message.
    async fn take(&self, message: Self::Message, arrived: Instant) -> Taken;
}

struct Door<R> {
    receiver: R,
    callback: Callback,
    calls: Semaphore,
    safe: Mutex<Recent<(String, String), Known>>,
}

/// A call whose message is safe.
struct Known {
    digest: [u8; 32],
    at: Instant,
}

/// Listens until `stop`. `setting` names the address in errors.
///
/// # Errors
/// The address cannot be listened on.
pub(super) async fn listen<R: Receiver>(
    callback: Callback,
    setting: &'static str,
    receiver: R,
    stop: &CancellationToken,
) -> Result<(), AdapterError> {
    let listener = TcpListener::bind(callback.listen).await.map_err(|error| {
        let detail = format!("`{}` cannot be listened on: {error}", callback.listen);
        AdapterError::Setting { setting, detail }
    })?;
    tracing::info!(listen = %callback.listen, path = callback.path, "the platform may call us");
    let path = callback.path.clone();
    let door = Arc::new(Door {
        receiver,
        callback,
        calls: Semaphore::new(MOST_CALLS),
        safe: Mutex::new(Recent::new(REMEMBERED)),
    });
    let router = Router::new().route(&path, any(call::<R>)).with_state(door);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .await
        .map_err(AdapterError::from)
}

async fn call<R: Receiver>(State(door): State<Arc<Door<R>>>, request: Request) -> Response {
    let arrived = Instant::now();
    let Ok(_turn) = door.calls.try_acquire() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let query = Query::read(request.uri().query().unwrap_or_default());
    let Some(query) = query else {
        return turned_away(Denied::Query);
    };
    if !is_near(&query.timestamp, now_ms(), door.callback.window) {
        return turned_away(Denied::Time);
    }
    match *request.method() {
        Method::GET => match door.receiver.check(&query) {
            Ok(text) => {
                tracing::info!("the platform has checked our address");
                ([(header::CONTENT_TYPE, "text/plain")], text).into_response()
            }
            Err(denied) => turned_away(denied),
        },
        Method::POST => {
            let body = to_bytes(request.into_body(), door.callback.body_limit);
            match timeout(BODY_LIMIT, body).await {
                Ok(Ok(body)) => door.post(query, body, arrived).await,
                Ok(Err(_)) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
                Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
            }
        }
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

impl<R: Receiver> Door<R> {
    async fn post(&self, query: Query, body: Bytes, arrived: Instant) -> Response {
        let message = match self.receiver.open(&query, &body) {
            Ok(message) => message,
            Err(denied) => return turned_away(denied),
        };
        let digest = sha256(&body);
        let key = (query.timestamp, query.nonce);
        if self.is_replayed(&key, digest) {
            return turned_away(Denied::Replayed);
        }
        let left = self
            .callback
            .answer_within
            .saturating_sub(arrived.elapsed());
        match timeout(left, self.receiver.take(message, arrived)).await {
            Ok(Taken::Safe(answer)) => {
                self.is_safe(key, digest);
                answer.into_response()
            }
            Ok(Taken::NotSafe) | Err(_) => {
                tracing::warn!("a message could not be kept in time: the platform comes again");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    }

    /// The platform's own repetition is the same call a moment later; everything else is somebody who
    /// has heard it.
    fn is_replayed(&self, key: &(String, String), digest: [u8; 32]) -> bool {
        let safe = self.safe.lock().unwrap_or_else(PoisonError::into_inner);
        safe.get(key)
            .is_some_and(|known| known.digest != digest || known.at.elapsed() > REPEATS)
    }

    fn is_safe(&self, key: (String, String), digest: [u8; 32]) {
        let mut safe = self.safe.lock().unwrap_or_else(PoisonError::into_inner);
        if safe.get(&key).is_none() {
            let at = Instant::now();
            safe.insert(key, Known { digest, at });
        }
    }
}

fn turned_away(denied: Denied) -> Response {
    tracing::warn!("a call is turned away: {denied}");
    denied.status().into_response()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// Whether a time, in seconds, is near enough to now.
fn is_near(timestamp: &str, now_ms: i64, window: Duration) -> bool {
    let Ok(seconds) = timestamp.parse::<i64>() else {
        return false;
    };
    let off = now_ms.abs_diff(seconds.saturating_mul(1000));
    u128::from(off) <= window.as_millis()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_query_is_read_whatever_it_holds() {
        let query =
            Query::read("msg_signature=ab&timestamp=1&nonce=n&echostr=a+b%2Bc%3D&x=y").unwrap();
        assert_eq!(query.echostr, "a+b+c=");
        assert_eq!(
            (query.msg_signature.as_str(), query.nonce.as_str()),
            ("ab", "n")
        );
        assert_eq!(Query::read("nonce=a&nonce=b"), None);
        assert_eq!(Query::read(&format!("nonce={}", "n".repeat(129))), None);
        assert_eq!(Query::read(""), Some(Query::default()));
    }

    #[test]
    fn a_time_is_near_or_not() {
        let window = Duration::from_secs(300);
        let now = 1_700_000_000_000;
        for (text, near) in [
            ("1700000000", true),
            ("1700000300", true),
            ("1699999700", true),
            ("1700000301", false),
            ("1699999699", false),
            ("0", false),
            ("", false),
            ("x", false),
            ("99999999999999999999", false),
            ("-9223372036854775808", false),
        ] {
            assert_eq!(is_near(text, now, window), near, "{text}");
        }
    }
}
