//! Events that the implementation posts to us.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha1::Sha1;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::inbound::number;
use super::line::Line;
use crate::adapter::AdapterError;

/// Largest event, in bytes.
const LARGEST_EVENT: usize = 4 * 1024 * 1024;
/// How long the implementation waits for us at most: it has no limit of its own.
const ACCEPT_LIMIT: Duration = Duration::from_secs(25);

/// Takes posted events.
struct Door {
    line: Arc<Line>,
    secret: Option<SecretString>,
}

/// Listens.
///
/// # Errors
/// When the address cannot be listened on.
pub(super) async fn listen(
    address: SocketAddr,
    line: Arc<Line>,
    secret: Option<SecretString>,
) -> Result<impl Future<Output = ()>, AdapterError> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| AdapterError::Setting {
        setting: "onebot.listen",
        detail: format!("`{address}` cannot be listened on: {error}"),
    })?;
    let router = Router::new()
        .route("/", post(event))
        .fallback(post(event))
        .layer(DefaultBodyLimit::max(LARGEST_EVENT))
        .with_state(Arc::new(Door { line, secret }));
    Ok(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "events of the QQ program can no longer be taken");
        }
    })
}

/// One event. 204 only after the brain has stored it; what is not for the brain needs no storing.
async fn event(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if let Err(status) = is_signed(&headers, &body, door.secret.as_ref()) {
        return status;
    }
    let Ok(value) = serde_json::from_slice::<Value>(&body) else {
        tracing::warn!(bytes = body.len(), "a posted event cannot be read");
        return StatusCode::BAD_REQUEST;
    };
    if !value["post_type"].is_string() {
        return StatusCode::BAD_REQUEST;
    }
    let named = headers.get("X-Self-ID").and_then(|id| id.to_str().ok());
    if named.is_some_and(|id| id.trim().parse().ok() != number(&value["self_id"])) {
        return StatusCode::BAD_REQUEST;
    }
    match timeout(ACCEPT_LIMIT, door.line.post(value)).await {
        Ok(true) => StatusCode::NO_CONTENT,
        Ok(false) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Whether a body carries the signature that our secret makes of it; compared in constant time.
fn is_signed(
    headers: &HeaderMap,
    body: &[u8],
    secret: Option<&SecretString>,
) -> Result<(), StatusCode> {
    let Some(secret) = secret else { return Ok(()) };
    let given = headers.get("X-Signature").ok_or(StatusCode::UNAUTHORIZED)?;
    let given = given
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("sha1="))
        .and_then(|text| hex::decode(text).ok())
        .ok_or(StatusCode::FORBIDDEN)?;
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length");
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| StatusCode::FORBIDDEN)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_body_is_believed_by_its_signature() {
        let secret = SecretString::from("Jefe");
        let body = b"what do ya want for nothing?";
        let signed = |signature: Option<&str>, body: &[u8]| {
            let mut headers = HeaderMap::new();
            if let Some(signature) = signature {
                headers.insert("X-Signature", signature.parse().unwrap());
            }
            is_signed(&headers, body, Some(&secret)).map_err(|status| status.as_u16())
        };
        // RFC 2202, test case 2.
        let right = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        assert_eq!(signed(Some(right), body), Ok(()));
        assert_eq!(
            signed(Some(&right.to_uppercase().replace("SHA1", "sha1")), body),
            Ok(())
        );
        assert_eq!(
            signed(Some(right), b"what do ya want for nothing!"),
            Err(403)
        );
        assert_eq!(signed(None, body), Err(401));
        for wrong in [
            "",
            "sha1=",
            "sha1=ef",
            "sha1=zz",
            "sha1=é",
            "md5=effc",
            &right[..44],
        ] {
            assert_eq!(signed(Some(wrong), body), Err(403), "{wrong}");
        }
        assert_eq!(is_signed(&HeaderMap::new(), body, None), Ok(()));
    }
}
