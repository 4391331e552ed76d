//! The implementation as an HTTP server for calls and files, and as a client that posts events.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha1::Sha1;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Inner, act, events};
use crate::qq::Happened;

pub(super) async fn file(
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

/// A call.
pub(super) async fn call(
    State(inner): State<Arc<Inner>>,
    Path(action): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if inner.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(token) = &inner.settings.token {
        let given = header("Authorization");
        let query = uri.query().unwrap_or_default();
        if given.is_none() && !query.contains("access_token=") {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let right = format!("access_token={token}");
        if given != Some(&format!("Bearer {token}")) && !query.contains(&right) {
            return StatusCode::FORBIDDEN.into_response();
        }
    }
    if !header("Content-Type").is_some_and(|kind| kind.starts_with("application/json")) {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    let Ok(params @ Value::Object(_)) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut replies = act(&inner, &action, &params).await;
    if replies
        .first()
        .is_some_and(|reply| reply["stream"] == "stream-action")
    {
        return in_parts(replies);
    }
    match replies.pop() {
        Some(reply) if reply["cut"] == true => Body::from_stream(cut()).into_response(),
        Some(reply) if reply["retcode"] == 1404 => StatusCode::NOT_FOUND.into_response(),
        Some(reply) => axum::Json(reply).into_response(),
        // No answer: whoever asks gives up.
        None => std::future::pending().await,
    }
}

/// The end of a connection in the middle of an answer.
fn cut() -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send {
    futures::stream::iter([Err(std::io::Error::other("cut"))])
}

/// An answer in parts: each is JSON with an empty line behind it.
fn in_parts(replies: Vec<Value>) -> Response {
    let parts = futures::stream::iter(replies).map(|reply| {
        if reply["cut"] == true {
            return Err(std::io::Error::other("cut"));
        }
        Ok(Bytes::from(format!("{reply}\r\n\r\n")))
    });
    Body::from_stream(parts).into_response()
}

/// Posts every event, once: there is no second try.
pub(super) async fn post_events(
    url: String,
    secret: Option<String>,
    inner: Arc<Inner>,
    mut happened: Receiver<Happened>,
) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client without options");
    loop {
        let entry = match happened.recv().await {
            Ok(Happened::Message(entry) | Happened::Again(entry)) => entry,
            Ok(Happened::Raw(_)) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let event = events::message(&inner, &entry).to_string();
        let mut request = client
            .post(&url)
            .header("Content-Type", "application/json")
            .header("X-Self-ID", inner.qq.account().to_string());
        if let Some(secret) = &secret {
            let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any length");
            mac.update(event.as_bytes());
            let signature = hex::encode(mac.finalize().into_bytes());
            request = request.header("X-Signature", format!("sha1={signature}"));
        }
        let answered = request.body(event).send().await;
        let status = answered.map_or(0, |answer| answer.status().as_u16());
        if status == 204 {
            inner.qq.shared.with(|world| world.posted += 1);
        } else {
            inner.qq.shared.with(|world| {
                let what = format!("a posted event was answered with {status}");
                world.complaints.push(what);
            });
        }
    }
}
