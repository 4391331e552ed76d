//! The HTTP/2 client on one finished connection. It cannot reconnect: there is nothing to do it with.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use crate::http2;

/// Requests on one connection.
#[derive(Clone)]
pub(crate) struct Line(SendRequest<Body>);

impl Line {
    /// Begins HTTP/2 on a connection. The second part must be polled, and ends with the connection;
    /// the connection is cut when `over` is cancelled.
    pub(crate) async fn open<T>(
        io: T,
        over: CancellationToken,
    ) -> hyper::Result<(Self, Connection<TokioIo<T>, Body, Until>)>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, connection) = Builder::new(Until(over))
            .timer(TokioTimer::new())
            .initial_stream_window_size(http2::STREAM_WINDOW)
            .initial_connection_window_size(http2::CONNECTION_WINDOW)
            .max_frame_size(http2::FRAME)
            .keep_alive_interval(http2::KEEP_ALIVE)
            .keep_alive_timeout(http2::KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(io))
            .await?;
        Ok((Self(requests), connection))
    }

    /// Begins HTTP/2 with a peer that allows no pings and is not ours.
    pub(crate) async fn open_plain<T>(
        io: T,
        over: CancellationToken,
    ) -> hyper::Result<(Self, Connection<TokioIo<T>, Body, Until>)>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, connection) = Builder::new(Until(over))
            .timer(TokioTimer::new())
            .initial_stream_window_size(http2::STREAM_WINDOW)
            .initial_connection_window_size(http2::CONNECTION_WINDOW)
            .handshake(TokioIo::new(io))
            .await?;
        Ok((Self(requests), connection))
    }
}

/// Runs hyper's tasks until a token is cancelled. One of them owns the transport, and by itself lives
/// on as long as any call does.
#[derive(Clone)]
pub(crate) struct Until(CancellationToken);

impl<F> Executor<F> for Until
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        tokio::spawn(self.0.clone().run_until_cancelled_owned(task));
    }
}

impl tower::Service<http::Request<Body>> for Line {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
