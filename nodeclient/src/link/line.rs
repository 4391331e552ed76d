//! The HTTP/2 client on one finished connection. It cannot reconnect: there is nothing to do it with.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, Connection, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::body::Body;

use crate::http2;

/// Requests on one connection.
#[derive(Clone)]
pub(crate) struct Line(SendRequest<Body>);

impl Line {
    /// Begins HTTP/2 on a connection. The second part drives it and ends with it.
    pub(crate) async fn open<T>(
        io: T,
    ) -> hyper::Result<(Self, Connection<TokioIo<T>, Body, TokioExecutor>)>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, connection) = Builder::new(TokioExecutor::new())
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
