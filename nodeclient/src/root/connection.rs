//! One connection: TLS, then HTTP/2 until its session is over.

use std::future::pending;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use jarvis_proto::node::node_network_server::NodeNetworkServer;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::service::SessionService;
use super::{Shared, download};
use crate::address::Address;
use crate::dial::BoxedIo;
use crate::http2;
use crate::tls::{Side, secure};

/// How long the last frames of a session may take to be written.
const FLUSH: Duration = Duration::from_secs(1);

/// Who is at the other end, as far as is known before any proof.
pub(super) struct Peer {
    /// For people.
    pub(super) name: String,
    /// The node that the root meant to dial.
    pub(super) meant: Option<Address>,
    /// The place among the unproven, given back with the proof.
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// What the streams of one connection share.
pub(super) struct Connection {
    pub(super) exporter: [u8; 32],
    pub(super) peer: String,
    pub(super) meant: Option<Address>,
    /// The control line was opened; there is only one.
    pub(super) attached: AtomicBool,
    /// Who has proven itself.
    pub(super) node: OnceLock<Address>,
    /// Cancelled when `node` is set.
    pub(super) proven: CancellationToken,
    /// The session is over: what is written is flushed, then the connection ends.
    pub(super) over: CancellationToken,
}

/// Serves one connection to its end. Whether a known node proved itself on it.
pub(super) async fn serve(shared: Arc<Shared>, io: BoxedIo, side: Side, peer: Peer) -> bool {
    let Peer {
        name,
        meant,
        permit,
    } = peer;
    let deadline = Instant::now() + shared.options.proof_timeout;
    let secured = tokio::select! {
        secured = timeout_at(deadline, secure(io, side)) => secured,
        () = shared.stop.cancelled() => return false,
    };
    let secured = match secured {
        Ok(Ok(secured)) => secured,
        Ok(Err(error)) => {
            tracing::debug!(peer = %name, %error, "no TLS session came about");
            return false;
        }
        Err(_) => {
            tracing::debug!(peer = %name, "the peer did not finish the TLS handshake in time");
            return false;
        }
    };
    if !secured.is_http2 {
        // No session can come of it; the place among the unproven is kept to the end.
        let _permit = permit;
        if side == Side::Accepted {
            download::serve_http1(shared, secured.io, deadline, &name).await;
        }
        return false;
    }
    let connection = Arc::new(Connection {
        exporter: secured.exporter,
        peer: name,
        meant,
        attached: AtomicBool::new(false),
        node: OnceLock::new(),
        proven: CancellationToken::new(),
        over: CancellationToken::new(),
    });
    // Whatever ends this future ends the session too.
    let _over = connection.over.clone().drop_guard();
    let service = SessionService::new(Arc::clone(&shared), Arc::clone(&connection));
    let service = NodeNetworkServer::new(service).max_decoding_message_size(http2::MESSAGE);
    let granted = CancellationToken::new();
    let http = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(http2::STREAM_WINDOW)
        .initial_connection_window_size(http2::CONNECTION_WINDOW)
        .max_frame_size(http2::FRAME)
        .max_concurrent_streams(http2::STREAMS)
        .keep_alive_interval(http2::KEEP_ALIVE)
        .keep_alive_timeout(http2::KEEP_ALIVE_TIMEOUT)
        .serve_connection(
            TokioIo::new(secured.io),
            service_fn(|request: http::Request<Incoming>| {
                let (mut service, shared) = (service.clone(), Arc::clone(&shared));
                let granted = granted.clone();
                async move {
                    if download::is_wanted(&request) {
                        Ok(download::answer(&shared, request, &granted).await)
                    } else {
                        service.call(request).await
                    }
                }
            }),
        );
    let mut http = pin!(http);
    let unproven = async {
        tokio::select! {
            () = download::hurried(deadline, &granted) => {}
            () = shared.stop.cancelled() => {}
            () = download::expired(&granted, &connection.proven) => {}
            () = connection.proven.cancelled() => {
                drop(permit);
                pending::<()>().await;
            }
        }
    };
    tokio::select! {
        ended = http.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(peer = %connection.peer, %error, "the connection failed");
            }
        }
        () = connection.over.cancelled() => {
            http.as_mut().graceful_shutdown();
            let _ = timeout(FLUSH, http).await;
        }
        () = shared.kill.cancelled() => {}
        () = unproven => {
            tracing::debug!(peer = %connection.peer, "the peer proved nothing in time");
        }
    }
    connection.node.get().is_some()
}

impl Connection {
    /// Claims the one control line.
    pub(super) fn attach(&self) -> bool {
        !self.attached.swap(true, Ordering::Relaxed)
    }
}
