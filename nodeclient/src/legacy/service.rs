//! Our own server: the two calls, on plain HTTP/2.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use jarvis_proto::legacy::JarvisMsg;
use jarvis_proto::legacy::jarvis_core_serv_server::{JarvisCoreServ, JarvisCoreServServer};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, async_trait};
use tower::Service as _;

use super::chunk::MESSAGE;
use super::net::Shared;
use super::streams;
use crate::http2;
use crate::listener::NodeListener;

/// Connections at once.
const CONNECTIONS: usize = 1024;
/// Calls at once on one connection.
const CALLS: u32 = 64;
/// A connection on which nothing answers is given up after this.
const KEEP_ALIVE: Duration = Duration::from_secs(120);
/// Messages that may wait to go back.
const BACK: usize = 4;

/// Accepts connections, each in a task of its own.
pub(super) async fn accept(shared: Arc<Shared>, listener: NodeListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let (tcp, peer) = listener.accept_tcp().await;
        let counting = Arc::clone(&shared);
        let service = JarvisCoreServServer::new(Service(Arc::clone(&shared)))
            .max_decoding_message_size(MESSAGE)
            .max_encoding_message_size(usize::MAX);
        let connection = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(http2::STREAM_WINDOW)
            .initial_connection_window_size(http2::CONNECTION_WINDOW)
            .max_concurrent_streams(CALLS)
            .keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(http2::KEEP_ALIVE_TIMEOUT)
            .serve_connection(
                TokioIo::new(tcp),
                service_fn(move |request: http::Request<Incoming>| {
                    let mut service = service.clone();
                    let shared = Arc::clone(&counting);
                    async move {
                        let response = service.call(request).await;
                        if response.as_ref().is_ok_and(is_refusal) {
                            shared.counters.malformed.add();
                        }
                        response
                    }
                }),
            );
        let (stop, shared_by) = (shared.stop.clone(), Arc::clone(&shared));
        shared.tasks.spawn(async move {
            let _place = place;
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        if !is_cut(&error) {
                            shared_by.counters.malformed.add();
                        }
                        tracing::debug!(%peer, %error, "a legacy connection ended");
                    }
                }
                () = stop.cancelled() => {}
            }
        });
    }
}

/// Whether a call was refused before any of it was looked at: no message of theirs, or no call.
fn is_refusal<B>(response: &http::Response<B>) -> bool {
    response
        .headers()
        .get("grpc-status")
        .is_some_and(|status| status != "0")
        || response.status() != http::StatusCode::OK
}

/// Whether a connection only came to its end, and was not misused.
fn is_cut(error: &hyper::Error) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return true;
        }
        source = error.source();
    }
    error.is_closed() || error.is_incomplete_message()
}

#[derive(Clone)]
struct Service(Arc<Shared>);

type Back = Pin<Box<dyn Stream<Item = Result<JarvisMsg, Status>> + Send>>;

#[async_trait]
impl JarvisCoreServ for Service {
    type procMsgStream = Back;
    type procMsgStreamStream = Back;

    async fn proc_msg(
        &self,
        request: Request<JarvisMsg>,
    ) -> Result<Response<Self::procMsgStream>, Status> {
        let answers = self.0.on_message(request.into_inner()).await;
        let answers = futures::stream::iter(answers.into_iter().map(Ok));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn proc_msg_stream(
        &self,
        request: Request<Streaming<JarvisMsg>>,
    ) -> Result<Response<Self::procMsgStreamStream>, Status> {
        let (back, answers) = mpsc::channel(BACK);
        let serving = streams::serve(Arc::clone(&self.0), request.into_inner(), back);
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(stop.run_until_cancelled_owned(serving));
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }
}
