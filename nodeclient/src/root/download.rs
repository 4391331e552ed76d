//! Plain downloads on the nodes' port: what a bare server needs before it can be a node.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use http_body_util::{Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::Shared;

/// Where downloads are; all else is for sessions.
const PREFIX: &str = "/join/";
/// How long one may take, on however slow a line.
pub(super) const LIMIT: Duration = Duration::from_secs(15 * 60);
/// Bytes read at once.
const PIECE: usize = 64 << 10;

/// Whether a request asks for a download and not for a session.
pub(super) fn is_wanted<B>(request: &http::Request<B>) -> bool {
    request.method() == http::Method::GET && request.uri().path().starts_with(PREFIX)
}

/// Answers a request for a download. `granted` is cancelled when there is something to give: whoever
/// gets it knows a live token, and has more time.
pub(super) async fn answer<B>(
    shared: &Shared,
    request: http::Request<B>,
    granted: &CancellationToken,
) -> http::Response<Body> {
    let uri = request.uri();
    let found = match shared.gate.get() {
        Some(gate) if is_wanted(&request) => gate.download(uri.path(), uri.query()).await,
        _ => None,
    };
    let Some(download) = found else {
        let text = "This line was used already, or is too old. Ask for a new one: /join\n";
        let mut response = http::Response::new(Body::new(Full::new(bytes::Bytes::from_static(
            text.as_bytes(),
        ))));
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        return response;
    };
    granted.cancel();
    let pieces = ReaderStream::with_capacity(download.content.take(download.size), PIECE);
    let frames = pieces.map(|piece| piece.map(Frame::data));
    let mut response = http::Response::new(Body::new(StreamBody::new(frames)));
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_LENGTH, download.size.into());
    headers.insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/octet-stream"),
    );
    response
}

/// Serves one connection of a client that speaks only HTTP/1.1: one download, then it ends.
pub(super) async fn serve_http1(
    shared: Arc<Shared>,
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    deadline: Instant,
    peer: &str,
) {
    let granted = CancellationToken::new();
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(
            TokioIo::new(io),
            service_fn(|request: http::Request<Incoming>| {
                let (shared, granted) = (Arc::clone(&shared), granted.clone());
                async move { Ok::<_, Infallible>(answer(&shared, request, &granted).await) }
            }),
        );
    let late = async {
        tokio::select! {
            () = sleep_until(deadline) => {}
            () = granted.cancelled() => sleep(LIMIT).await,
        }
    };
    tokio::select! {
        ended = connection => {
            if let Err(error) = ended {
                tracing::debug!(peer, %error, "a download failed");
            }
        }
        () = late => tracing::debug!(peer, "a download took too long"),
        () = shared.stop.cancelled() => {}
    }
}

/// Waits for a deadline that only counts where nothing was granted.
pub(super) async fn hurried(deadline: Instant, granted: &CancellationToken) {
    sleep_until(deadline).await;
    if granted.is_cancelled() {
        pending::<()>().await;
    }
}

/// Waits until a connection without a session has had enough time for its download; for ever if
/// nothing was granted on it.
pub(super) async fn expired(granted: &CancellationToken, begun: &CancellationToken) {
    granted.cancelled().await;
    tokio::select! {
        () = sleep(LIMIT) => {}
        () = begun.cancelled() => pending().await,
    }
}
