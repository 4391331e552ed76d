//! Events that the program with the login posts to us.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse as _;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::adapter::AdapterError;

/// Largest event, in bytes.
const LARGEST_EVENT: usize = 4 * 1024 * 1024;
/// How long the program waits for us at most: it has no limit of its own.
const ACCEPT_LIMIT: Duration = Duration::from_secs(25);

/// Who takes what is posted.
#[async_trait]
pub(super) trait Door: Send + Sync + 'static {
    /// Whether the head of a request may be believed; asked before its body is read.
    fn admits(&self, head: &Parts) -> Result<(), StatusCode>;

    /// Whether the body may be believed.
    fn believes(&self, head: &Parts, body: &[u8]) -> Result<(), StatusCode>;

    /// Whether it is an event at all.
    fn is_event(&self, head: &Parts, value: &Value) -> bool;

    /// Takes an event; returns whether the brain has stored what is for it.
    async fn take(&self, value: Value) -> bool;
}

/// Listens.
///
/// # Errors
/// When the address cannot be listened on.
pub(super) async fn listen(
    address: SocketAddr,
    door: impl Door,
) -> Result<impl Future<Output = ()>, AdapterError> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| AdapterError::Setting {
        setting: "onebot.listen",
        detail: format!("`{address}` cannot be listened on: {error}"),
    })?;
    let door: Arc<dyn Door> = Arc::new(door);
    let router = Router::new()
        .route("/", post(event))
        .fallback(post(event))
        .layer(DefaultBodyLimit::max(LARGEST_EVENT))
        .with_state(door);
    Ok(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "events of the QQ program can no longer be taken");
        }
    })
}

/// One event. 204 only after the brain has stored it; what is not for the brain needs no storing.
async fn event(State(door): State<Arc<dyn Door>>, request: Request) -> StatusCode {
    match timeout(ACCEPT_LIMIT, take(&*door, request)).await {
        Ok(Ok(true)) => StatusCode::NO_CONTENT,
        Ok(Ok(false)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        Ok(Err(status)) => status,
    }
}

async fn take(door: &dyn Door, request: Request) -> Result<bool, StatusCode> {
    let (head, body) = request.into_parts();
    door.admits(&head)?;
    let body = Request::from_parts(head.clone(), body);
    let body = Bytes::from_request(body, &())
        .await
        .map_err(|refusal| refusal.into_response().status())?;
    door.believes(&head, &body)?;
    let Ok(value) = serde_json::from_slice::<Value>(&body) else {
        tracing::warn!(bytes = body.len(), "a posted event cannot be read");
        return Err(StatusCode::BAD_REQUEST);
    };
    if !door.is_event(&head, &value) {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(door.take(value).await)
}
