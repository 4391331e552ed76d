//! A brain that says what a test wants, over the real contract on in-memory connections.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use jarvis_proto::chat::chat_brain_server::{ChatBrain, ChatBrainServer};
use jarvis_proto::chat::{
    Action, ActionResult, AdapterFrame, AdapterStopped, BrainFrame, DownloadChunk, DownloadRequest,
    Event, EventAck, Hello, Idle, Room, Say, Segment, StopNoted, UploadChunk, UploadDone, Welcome,
    action, adapter_frame, brain_frame, segment,
};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::host::Brain;

/// A test that waits longer than this has failed.
const LIMIT: Duration = Duration::from_secs(20);
/// Bytes and their name.
type Named = (String, Vec<u8>);
const SESSION: &str = "session-secret";

/// The brain of one test.
pub(crate) struct FakeBrain {
    pub(crate) brain: Brain,
    sessions: mpsc::Receiver<FakeSession>,
    uploads: mpsc::Receiver<Named>,
    files: Arc<Mutex<Vec<Named>>>,
    stops: Arc<Mutex<Vec<AdapterStopped>>>,
}

/// One adapter's session, after its hello.
pub(crate) struct FakeSession {
    pub(crate) hello: Hello,
    incoming: Streaming<AdapterFrame>,
    outgoing: mpsc::Sender<Result<BrainFrame, Status>>,
}

struct Service {
    sessions: mpsc::Sender<FakeSession>,
    uploads: mpsc::Sender<Named>,
    files: Arc<Mutex<Vec<Named>>>,
    stops: Arc<Mutex<Vec<AdapterStopped>>>,
}

impl FakeBrain {
    pub(crate) fn start() -> Self {
        let (brain, mut connections) = Brain::in_memory();
        let (sessions_sender, sessions) = mpsc::channel(4);
        let (uploads_sender, uploads) = mpsc::channel(4);
        let files = Arc::default();
        let stops = Arc::default();
        let service = Service {
            sessions: sessions_sender,
            uploads: uploads_sender,
            files: Arc::clone(&files),
            stops: Arc::clone(&stops),
        };
        let service = ChatBrainServer::new(service);
        tokio::spawn(async move {
            while let Some(connection) = connections.recv().await {
                let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(
                    TokioIo::new(connection),
                    TowerToHyperService::new(service.clone()),
                );
                tokio::spawn(serving);
            }
        });
        Self {
            brain,
            sessions,
            uploads,
            files,
            stops,
        }
    }

    /// The next session, not welcomed yet.
    pub(crate) async fn connection(&mut self) -> FakeSession {
        timeout(LIMIT, self.sessions.recv()).await.unwrap().unwrap()
    }

    /// The next session, welcomed.
    pub(crate) async fn session(&mut self) -> FakeSession {
        let session = self.connection().await;
        session
            .say(brain_frame::Frame::Welcome(Welcome {
                session: SESSION.to_owned(),
                brain_version: "test".to_owned(),
                greeting: Vec::new(),
            }))
            .await;
        session
    }

    pub(crate) async fn uploaded(&mut self) -> Named {
        timeout(LIMIT, self.uploads.recv()).await.unwrap().unwrap()
    }

    /// What adapters said when they could not go on.
    pub(crate) fn stops(&self) -> Vec<AdapterStopped> {
        self.stops.lock().unwrap().clone()
    }

    pub(crate) fn keep_file(&self, blob: &str, content: &[u8]) {
        self.files
            .lock()
            .unwrap()
            .push((blob.to_owned(), content.to_owned()));
    }
}

impl FakeSession {
    pub(crate) async fn say(&self, frame: brain_frame::Frame) {
        self.outgoing
            .send(Ok(BrainFrame { frame: Some(frame) }))
            .await
            .unwrap();
    }

    pub(crate) async fn act(&self, action: Action) {
        self.say(brain_frame::Frame::Action(action)).await;
    }

    pub(crate) async fn acknowledge(&self, event: &str) {
        self.say(brain_frame::Frame::Ack(EventAck {
            event: event.to_owned(),
        }))
        .await;
    }

    pub(crate) async fn idle(&self, event: &str) {
        self.say(brain_frame::Frame::Idle(Idle {
            last_event: event.to_owned(),
        }))
        .await;
    }

    /// What the adapter says next; `None` at the end of its stream.
    pub(crate) async fn hears(&mut self) -> Option<adapter_frame::Frame> {
        let frame = timeout(LIMIT, self.incoming.message()).await.unwrap();
        frame.ok().flatten().and_then(|frame| frame.frame)
    }

    pub(crate) async fn event(&mut self) -> Event {
        match self.hears().await {
            Some(adapter_frame::Frame::Event(event)) => event,
            other => panic!("no event: {other:?}"),
        }
    }

    pub(crate) async fn result(&mut self) -> ActionResult {
        match self.hears().await {
            Some(adapter_frame::Frame::Result(result)) => result,
            other => panic!("no result: {other:?}"),
        }
    }
}

/// A text for a room.
pub(crate) fn say(id: &str, room: &str, text: &str) -> Action {
    Action {
        id: id.to_owned(),
        room: Some(Room {
            id: room.to_owned(),
            ..Room::default()
        }),
        kind: Some(action::Kind::Say(Say {
            text: segments(text),
            buttons: Vec::new(),
        })),
        ..Action::default()
    }
}

pub(crate) fn segments(text: &str) -> Vec<Segment> {
    vec![Segment {
        kind: Some(segment::Kind::Text(text.to_owned())),
    }]
}

#[tonic::async_trait]
impl ChatBrain for Service {
    type ConnectStream = ReceiverStream<Result<BrainFrame, Status>>;
    type DownloadStream = Pin<Box<dyn Stream<Item = Result<DownloadChunk, Status>> + Send>>;

    async fn connect(
        &self,
        request: Request<Streaming<AdapterFrame>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (outgoing, frames) = mpsc::channel(16);
        let sessions = self.sessions.clone();
        let mut incoming = request.into_inner();
        tokio::spawn(async move {
            let first = incoming.message().await.unwrap().unwrap().frame;
            let Some(adapter_frame::Frame::Hello(hello)) = first else {
                panic!("no hello: {first:?}")
            };
            let _ = sessions
                .send(FakeSession {
                    hello,
                    incoming,
                    outgoing,
                })
                .await;
        });
        Ok(Response::new(ReceiverStream::new(frames)))
    }

    async fn upload(
        &self,
        request: Request<Streaming<UploadChunk>>,
    ) -> Result<Response<UploadDone>, Status> {
        check(&request)?;
        let mut chunks = request.into_inner();
        let (mut name, mut content) = (String::new(), Vec::new());
        while let Some(chunk) = chunks.message().await? {
            if name.is_empty() {
                name = chunk.fetch;
            }
            content.extend_from_slice(&chunk.data);
            if chunk.last {
                let size = content.len() as u64;
                self.uploads.send((name, content)).await.unwrap();
                return Ok(Response::new(UploadDone {
                    size,
                    blake3: Bytes::new(),
                }));
            }
        }
        Err(Status::aborted("the upload broke off"))
    }

    async fn report_stop(
        &self,
        request: Request<AdapterStopped>,
    ) -> Result<Response<StopNoted>, Status> {
        self.stops.lock().unwrap().push(request.into_inner());
        Ok(Response::new(StopNoted {}))
    }

    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        check(&request)?;
        let blob = request.into_inner().blob;
        let files = self.files.lock().unwrap().clone();
        let Some((_, content)) = files.into_iter().find(|(name, _)| *name == blob) else {
            return Err(Status::not_found("no such blob"));
        };
        let mut chunks: Vec<_> = content
            .chunks(3)
            .map(|data| {
                Ok(DownloadChunk {
                    data: data.to_vec().into(),
                    last: false,
                })
            })
            .collect();
        chunks.push(Ok(DownloadChunk {
            data: Bytes::new(),
            last: true,
        }));
        Ok(Response::new(Box::pin(futures::stream::iter(chunks))))
    }
}

fn check<T>(request: &Request<T>) -> Result<(), Status> {
    match request.metadata().get("jarvis-session") {
        Some(session) if session == SESSION => Ok(()),
        _ => Err(Status::unauthenticated("no such session")),
    }
}
