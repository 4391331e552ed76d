//! The node's end of a session.

mod attach;
pub(crate) mod line;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use jarvis_proto::node::node_network_client::NodeNetworkClient;
use jarvis_proto::node::{
    Delivered, FetchRequest, FileChunk, Goodbye, NodeFrame, SignedOrder, Welcome, node_frame,
};
use tokio::sync::mpsc;
use tonic::{Code, Status};

use crate::address::Address;
use crate::stop::Stop;

pub(crate) use attach::HEARTBEATS;
pub use attach::{AttachError, Credentials, Proven, attach_accepted, attach_dialled, introduce};
use line::Line;

/// How long saying goodbye may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a root says in a session.
#[derive(Debug, Clone, PartialEq)]
pub enum RootMessage {
    /// Do this.
    Order(SignedOrder),
    /// The root has stored the ending of this order.
    EndedAck(String),
    /// What became of these orders?
    Reconcile(Vec<String>),
}

/// The session is over; why, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the session is over: {0}")]
pub struct Closed(pub(crate) Arc<str>);

impl From<&str> for Closed {
    fn from(reason: &str) -> Self {
        Self(reason.into())
    }
}

/// Why a transfer did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LineError {
    /// The session is over, or the line was cut.
    #[error("the session is over: {0}")]
    Closed(String),
    /// The root offers, or expects, no bytes for this order.
    #[error("the root knows no transfer for this order")]
    NotFound,
    /// The root has no room for it: too large, or its disk is full.
    #[error("the root has no room for it: {0}")]
    NoRoom(String),
    /// The root could not do it.
    #[error("the root could not transfer it: {0}")]
    Failed(String),
}

impl From<Status> for LineError {
    fn from(status: Status) -> Self {
        let detail = status.message().to_owned();
        match status.code() {
            Code::NotFound => Self::NotFound,
            Code::ResourceExhausted => Self::NoRoom(detail),
            // `Unknown` is what the client library makes of a closed connection.
            Code::Unavailable | Code::Unknown | Code::Cancelled => Self::Closed(detail),
            _ => Self::Failed(detail),
        }
    }
}

/// One session with one root, proven both ways. Clones are the same session; it ends when the last
/// clone is dropped.
#[derive(Clone)]
pub struct NodeLink(Arc<Inner>);

struct Inner {
    root: Address,
    welcome: Welcome,
    root_clock_offset_ms: i64,
    client: NodeNetworkClient<Line>,
    frames: mpsc::Sender<NodeFrame>,
    stop: Stop<Closed>,
}

impl NodeLink {
    /// The root that proved itself.
    #[must_use]
    pub fn root(&self) -> &Address {
        &self.0.root
    }

    /// How the root greeted.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        &self.0.welcome
    }

    /// How often the root wants a heartbeat; it ends the session when three are missing.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        attach::heartbeat(&self.0.welcome)
    }

    /// What to add to this machine's clock to get the root's, in milliseconds.
    #[must_use]
    pub fn root_clock_offset_ms(&self) -> i64 {
        self.0.root_clock_offset_ms
    }

    /// Hands a frame to the line, waiting while the line is full. That it is on its way does not mean
    /// that the root got it. Cancel-safe: a frame is handed over whole or not at all.
    ///
    /// # Errors
    /// When the session is over.
    pub async fn send(&self, frame: node_frame::Frame) -> Result<(), Closed> {
        let frame = NodeFrame { frame: Some(frame) };
        tokio::select! {
            sent = self.0.frames.send(frame) => match sent {
                Ok(()) => Ok(()),
                Err(_) => Err(self.closed().await),
            },
            reason = self.closed() => Err(reason),
        }
    }

    /// Asks the root for the bytes of an order; give the stream to
    /// [`receive_file`](crate::transfer::receive_file).
    ///
    /// # Errors
    /// When the root offers nothing for this order, or the session is over.
    pub async fn fetch(
        &self,
        request: FetchRequest,
    ) -> Result<impl Stream<Item = Result<FileChunk, LineError>> + Send + Unpin + 'static, LineError>
    {
        let chunks = self.0.client.clone().fetch(request).await?.into_inner();
        Ok(chunks.map(|chunk| chunk.map_err(LineError::from)))
    }

    /// Gives the root the bytes of an order, as made by [`send_file`](crate::transfer::send_file).
    ///
    /// # Errors
    /// When the root does not expect them, cannot store them, or the session is over.
    pub async fn deliver(
        &self,
        chunks: impl Stream<Item = FileChunk> + Send + 'static,
    ) -> Result<Delivered, LineError> {
        Ok(self.0.client.clone().deliver(chunks).await?.into_inner())
    }

    /// Waits until the session is over; tells why. Cancel-safe.
    pub async fn closed(&self) -> Closed {
        self.0.stop.asked().await
    }

    /// Whether the session is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.stop.is_asked()
    }

    /// Says goodbye with a reason, and ends the session. Takes a second at most.
    pub async fn close(&self, reason: &str) {
        let goodbye = node_frame::Frame::Goodbye(Goodbye {
            reason: reason.to_owned(),
        });
        let farewell = async {
            if self.send(goodbye).await.is_ok() {
                // The root ends its side when it has read the goodbye.
                self.closed().await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
        self.0.stop.ask(reason.into());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.ask("the node dropped it".into());
    }
}

impl fmt::Debug for NodeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeLink")
            .field("root", &self.0.root)
            .finish_non_exhaustive()
    }
}
