//! The gRPC face: adapters connect here, one session per bot.
//!
//! `Connect` carries the frames of a session, `Upload` and `Download` carry file bytes. Nothing is
//! decided here: an event goes to its room's lane ([`crate::room::Lanes`]), a result to the outbox.

mod hello;
mod mute;
mod serve;
mod session;
mod transfer;

pub use mute::MuteRoom;
pub use serve::{ServeError, ServeTls};
pub use session::{FetchError, SessionEnded, SessionHandle, Sessions};

use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use jarvis_proto::chat::chat_brain_server::ChatBrain;
use jarvis_proto::chat::{
    AdapterFrame, AdapterStopped, BrainFrame, DownloadChunk, DownloadRequest, StopNoted,
    UploadChunk, UploadDone,
};
use tonic::{Request, Response, Status, Streaming};

use crate::brain::Brain;

/// How long an adapter may take to say hello.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// Largest frame accepted from an adapter, in bytes: a message of 100 KiB with room to spare.
const FRAME_LIMIT: usize = 1 << 20;

/// How sure we are of the other end before it says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In memory, or a Unix socket that only our user may open.
    Local,
    /// The network: a token decides.
    Network,
}

/// The chat contract's server side, one value per listener.
#[derive(Clone)]
pub struct ChatService {
    brain: Brain,
    transport: Transport,
}

impl ChatService {
    /// A service for connections of this transport.
    pub fn new(brain: Brain, transport: Transport) -> Self {
        Self { brain, transport }
    }
}

type FrameStream = Pin<Box<dyn Stream<Item = Result<BrainFrame, Status>> + Send>>;
type ChunkStream = Pin<Box<dyn Stream<Item = Result<DownloadChunk, Status>> + Send>>;

#[async_trait::async_trait]
impl ChatBrain for ChatService {
    type ConnectStream = FrameStream;
    type DownloadStream = ChunkStream;

    async fn connect(
        &self,
        request: Request<Streaming<AdapterFrame>>,
    ) -> Result<Response<FrameStream>, Status> {
        let frames = session::open(self.brain.clone(), self.transport, request.into_inner());
        Ok(Response::new(Box::pin(frames)))
    }

    async fn upload(
        &self,
        request: Request<Streaming<UploadChunk>>,
    ) -> Result<Response<UploadDone>, Status> {
        transfer::upload(&self.brain, request)
            .await
            .map(Response::new)
    }

    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<ChunkStream>, Status> {
        let chunks = transfer::download(&self.brain, &request).await?;
        Ok(Response::new(Box::pin(chunks)))
    }

    async fn report_stop(
        &self,
        request: Request<AdapterStopped>,
    ) -> Result<Response<StopNoted>, Status> {
        let stopped = request.into_inner();
        if !hello::is_plain_name(&stopped.kind) || stopped.bot.len() > hello::LONGEST_BOT {
            return Err(Status::invalid_argument(
                "adapter kind or bot id is malformed",
            ));
        }
        if self.transport == Transport::Network
            && !hello::token_fits(&self.brain, &stopped.kind, &stopped.bot, &stopped.token)
        {
            return Err(Status::unauthenticated(
                "no adapter with this kind, bot and token is configured",
            ));
        }
        crate::stopped::note(&self.brain, stopped).await;
        Ok(Response::new(StopNoted {}))
    }
}
