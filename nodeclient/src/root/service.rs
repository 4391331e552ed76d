//! The gRPC face of one connection.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use jarvis_proto::node::node_network_server::NodeNetwork;
use jarvis_proto::node::{Delivered, FetchRequest, FileChunk, NodeFrame, RootFrame};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::Shared;
use super::connection::Connection;
use super::session;
use crate::address::Address;

/// Frames to a node that may wait.
const QUEUE: usize = 64;

/// Serves one connection.
pub(super) struct SessionService {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
}

impl SessionService {
    pub(super) fn new(shared: Arc<Shared>, connection: Arc<Connection>) -> Self {
        Self { shared, connection }
    }

    fn proven(&self) -> Result<&Address, Status> {
        let unproven = || Status::unauthenticated("nobody has proven a key on this connection");
        self.connection.node.get().ok_or_else(unproven)
    }
}

#[async_trait]
impl NodeNetwork for SessionService {
    type AttachStream = ReceiverStream<Result<RootFrame, Status>>;
    type FetchStream = Pin<Box<dyn Stream<Item = Result<FileChunk, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<NodeFrame>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        if !self.connection.attach() {
            return Err(Status::failed_precondition(
                "this connection has its control line already",
            ));
        }
        // Answered at once: the node sends nothing before it has the headers of the response.
        let (line, frames) = mpsc::channel(QUEUE);
        let shared = Arc::clone(&self.shared);
        let connection = Arc::clone(&self.connection);
        let session = session::run(shared, connection, request.into_inner(), line);
        self.shared.tasks.spawn(session);
        Ok(Response::new(ReceiverStream::new(frames)))
    }

    async fn fetch(
        &self,
        request: Request<FetchRequest>,
    ) -> Result<Response<Self::FetchStream>, Status> {
        let node = self.proven()?;
        let FetchRequest { order, offset } = request.into_inner();
        let chunks = self.shared.transfers.fetch(node, &order, offset).await?;
        Ok(Response::new(Box::pin(chunks)))
    }

    async fn deliver(
        &self,
        request: Request<Streaming<FileChunk>>,
    ) -> Result<Response<Delivered>, Status> {
        let node = self.proven()?;
        let size = self
            .shared
            .transfers
            .deliver(node, request.into_inner())
            .await?;
        Ok(Response::new(Delivered { size }))
    }
}
