//! Being called by QQ.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::config::Webhook;
use super::frame::{Frame, op};
use super::intake::Intake;
use super::signature::Key;
use crate::adapter::AdapterError;

const SIGNATURE: &str = "x-signature-ed25519";
const TIMESTAMP: &str = "x-signature-timestamp";
const APP_ID: &str = "x-bot-appid";
/// Largest call, in bytes.
const LARGEST: usize = 1 << 20;
/// QQ waits three seconds and calls again.
const ACCEPT_LIMIT: Duration = Duration::from_millis(2500);

struct Door {
    intake: Intake,
    key: Key,
}

/// Listens until `stop`.
///
/// # Errors
/// The address cannot be listened on.
pub(super) async fn listen(
    webhook: &Webhook,
    intake: Intake,
    stop: &CancellationToken,
) -> Result<(), AdapterError> {
    let setting = |setting: &'static str, detail: String| AdapterError::Setting { setting, detail };
    let listener = TcpListener::bind(webhook.listen).await.map_err(|error| {
        let detail = format!("`{}` cannot be listened on: {error}", webhook.listen);
        setting("qq.webhook.listen", detail)
    })?;
    let Some(key) = Key::new(&intake.core.config.secret) else {
        return Err(setting("qq.secret", "it is empty".to_owned()));
    };
    let door = Arc::new(Door { intake, key });
    let router = Router::new()
        .route(&webhook.path, post(call))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(door);
    tracing::info!(listen = %webhook.listen, path = webhook.path, "QQ may call this webhook");
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .await
        .map_err(AdapterError::from)
}

/// One call. It is confirmed only after the brain has stored its event.
async fn call(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let app_id = door.intake.core.config.app_id.as_str();
    let is_ours = header(APP_ID).is_none_or(|given| given == app_id);
    let (signature, timestamp) = (header(SIGNATURE), header(TIMESTAMP));
    let is_signed = signature
        .zip(timestamp)
        .is_some_and(|(signature, timestamp)| door.key.is_signed(timestamp, &body, signature));
    if !is_ours || !is_signed {
        tracing::warn!("a call of the webhook is not signed by QQ for this bot");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(frame) = serde_json::from_slice::<Frame>(&body) else {
        tracing::warn!("a call of the webhook held no event");
        return StatusCode::BAD_REQUEST.into_response();
    };
    match frame.op {
        op::CALLBACK_CHECK => {
            let token = frame.d["plain_token"].as_str().unwrap_or_default();
            let time = frame.d["event_ts"].as_str().unwrap_or_default();
            let signature = door.key.sign(time, token);
            Json(json!({ "plain_token": token, "signature": signature })).into_response()
        }
        op::DISPATCH => {
            let accepted = timeout(ACCEPT_LIMIT, async {
                match door.intake.take(&frame).await {
                    Some(acceptance) => acceptance.wait().await,
                    None => true,
                }
            });
            match accepted.await {
                Ok(true) => Json(json!({ "op": op::CALLBACK_ACK })).into_response(),
                Ok(false) | Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
        other => {
            tracing::debug!(op = other, "a call of the webhook is passed over");
            Json(json!({ "op": op::CALLBACK_ACK })).into_response()
        }
    }
}
