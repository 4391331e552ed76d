//! `version`, which needs no node, from adapter in to adapter out over the real contract, against an
//! echo that speaks the same contract over the same transport and keeps nothing.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures::{Stream, StreamExt as _};
use hyper_util::rt::TokioIo;
use jarvis_brain::{Brain, BrainConfig, Clock};
use jarvis_nodeclient::{Identity, unix_ms};
use jarvis_proto::chat::chat_brain_client::ChatBrainClient;
use jarvis_proto::chat::chat_brain_server::{ChatBrain, ChatBrainServer};
use jarvis_proto::chat::{
    Action, ActionResult, AdapterFrame, AdapterStopped, BrainFrame, Capabilities, DownloadChunk,
    DownloadRequest, Event, EventAck, Hello, Message, Person, Pong, Room, RoomKind, Say, Segment,
    Sent, StopNoted, UploadChunk, UploadDone, Welcome, action, action_result, adapter_frame,
    brain_frame, event, segment,
};
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

use crate::in_runtime;
use crate::table::{Goal, Table, Times, show};

const ROOMS: usize = 10;
const PEOPLE: usize = 50;
const OUTSTANDING: usize = 64;
const PACE: Duration = Duration::from_millis(1);
const PACED: usize = 5_000;
const FULL_SPEED: Duration = Duration::from_secs(3);
const ROUNDS: usize = 2;
/// Messages that are all answered late, or never, mean that something is broken.
const LIMIT: Duration = Duration::from_secs(60);

/// Paced at 1,000 messages a second, and as fast as it goes.
pub(crate) fn version(table: &mut Table) -> Result<()> {
    let (echo, brain) = in_runtime(async {
        let folder = TempDir::with_prefix("jarvis-bench.")?;
        let mut config = BrainConfig::new(folder.path().to_owned());
        config.messages_per_minute = 10_000_000;
        let brain = Brain::start(config, Identity::generate(), Clock::system()).await?;
        let mut to_brain = Adapter::connect(serve_brain(&brain)).await?;
        let mut to_echo = Adapter::connect(serve_echo()).await?;
        let (mut echoed, mut answered) = (Measured::default(), Measured::default());
        for _ in 0..ROUNDS {
            to_echo.measure(&mut echoed).await?;
            to_brain.measure(&mut answered).await?;
        }
        drop((to_echo, to_brain));
        brain.shutdown().await;
        Ok((echoed, answered))
    })?;
    for (name, share, most) in [("median", 0.5, 1.0), ("p99", 0.99, 3.0)] {
        let cell = |measured: &Measured| {
            let time = measured.latencies.quantile(share);
            (show(time), time.as_secs_f64() * 1e3)
        };
        let what = format!("`version` at 1,000 a second, {name}; floor an echo");
        table.row(what, cell(&echo), cell(&brain), Goal::Above(most));
    }
    let cell = |measured: &Measured| {
        let rate = measured.answered as f64 / measured.spent.as_secs_f64();
        (format!("{rate:.0}/s"), rate)
    };
    let what = format!("`version` with {OUTSTANDING} outstanding; floor an echo");
    table.row(what, cell(&echo), cell(&brain), Goal::None);
    Ok(())
}

#[derive(Default)]
struct Measured {
    /// Of the paced messages, from the time at which each was due.
    latencies: Times,
    /// Messages answered at full speed, and in which time.
    answered: usize,
    spent: Duration,
}

/// When each message that is not yet answered was due.
type Due = Arc<Mutex<HashMap<String, Instant>>>;

/// The adapter's side of one session.
struct Adapter {
    frames: mpsc::Sender<AdapterFrame>,
    latencies: mpsc::Receiver<Duration>,
    due: Due,
    sent: usize,
    _reading: tokio_util::task::AbortOnDropHandle<Result<()>>,
}

impl Adapter {
    /// Opens a session and lets every person speak once, so that all are known.
    async fn connect(way: Way) -> Result<Self> {
        let channel = Endpoint::from_static("http://brain.invalid")
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(2 << 20)
            .connect_with_connector(tower::service_fn(move |_| {
                let way = way.clone();
                async move { dial(&way).await.map(TokioIo::new) }
            }))
            .await?;
        let (frames, outgoing) = mpsc::channel(256);
        frames.send(frame(hello())).await?;
        let mut incoming = ChatBrainClient::new(channel)
            .connect(ReceiverStream::new(outgoing))
            .await?
            .into_inner();
        let first = incoming.message().await?.and_then(|frame| frame.frame);
        ensure!(
            matches!(first, Some(brain_frame::Frame::Welcome(_))),
            "{first:?}"
        );
        let (answered, latencies) = mpsc::channel(PACED);
        let due = Due::default();
        let reading = tokio::spawn(read(incoming, frames.clone(), Arc::clone(&due), answered));
        let mut adapter = Self {
            frames,
            latencies,
            due,
            sent: 0,
            _reading: tokio_util::task::AbortOnDropHandle::new(reading),
        };
        for _ in 0..PEOPLE {
            let event = adapter.next(Instant::now());
            adapter.frames.send(event).await?;
        }
        for _ in 0..PEOPLE {
            adapter.latency().await?;
        }
        Ok(adapter)
    }

    async fn measure(&mut self, measured: &mut Measured) -> Result<()> {
        let sending = self.pace();
        for _ in 0..PACED {
            let latency = self.latency().await?;
            measured.latencies.push(latency);
        }
        self.sent = sending.await??;

        let begun = Instant::now();
        let outstanding = Semaphore::new(OUTSTANDING);
        let mut open = 0;
        while begun.elapsed() < FULL_SPEED {
            while let Ok(permit) = outstanding.try_acquire() {
                permit.forget();
                let event = self.next(Instant::now());
                self.frames.send(event).await?;
                open += 1;
            }
            self.latency().await?;
            outstanding.add_permits(1);
            open -= 1;
            measured.answered += 1;
        }
        measured.spent += begun.elapsed();
        for _ in 0..open {
            self.latency().await?;
        }
        Ok(())
    }

    /// Sends one message each millisecond, whatever becomes of the earlier ones. A thread keeps the
    /// time: the runtime's timers are no finer than the pace.
    fn pace(&self) -> JoinHandle<Result<usize>> {
        let (frames, due, first) = (self.frames.clone(), Arc::clone(&self.due), self.sent);
        tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            for number in 0..PACED {
                let at = begun + PACE * u32::try_from(number)?;
                std::thread::sleep(at.saturating_duration_since(Instant::now()));
                frames.blocking_send(message(&due, first + number, at))?;
            }
            Ok(first + PACED)
        })
    }

    fn next(&mut self, due: Instant) -> AdapterFrame {
        self.sent += 1;
        message(&self.due, self.sent - 1, due)
    }

    async fn latency(&mut self) -> Result<Duration> {
        let latency = timeout(LIMIT, self.latencies.recv()).await;
        latency
            .context("no answer comes")?
            .context("the session has ended")
    }
}

/// Takes answers as they come, and confirms each one at once.
async fn read(
    mut incoming: Streaming<BrainFrame>,
    frames: mpsc::Sender<AdapterFrame>,
    due: Due,
    answered: mpsc::Sender<Duration>,
) -> Result<()> {
    while let Some(BrainFrame { frame: Some(said) }) = incoming.message().await? {
        match said {
            brain_frame::Frame::Action(action) => {
                let now = Instant::now();
                let due = lock(&due).remove(&action.reply_to);
                let due = due.context("an answer to no message, or a second one")?;
                answered.send(now.saturating_duration_since(due)).await?;
                let result = ActionResult {
                    action: action.id,
                    outcome: Some(action_result::Outcome::Ok(Sent::default())),
                };
                frames
                    .send(frame(adapter_frame::Frame::Result(result)))
                    .await?;
            }
            brain_frame::Frame::Ping(ping) => {
                let pong = Pong { nonce: ping.nonce };
                frames.send(frame(adapter_frame::Frame::Pong(pong))).await?;
            }
            brain_frame::Frame::Goodbye(goodbye) => bail!("goodbye: {}", goodbye.reason),
            _ => {}
        }
    }
    Ok(())
}

fn lock(due: &Due) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
    due.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The message with this number, from the person and in the room whose turn it is.
fn message(due: &Due, number: usize, at: Instant) -> AdapterFrame {
    let id = format!("m{number}");
    lock(due).insert(id.clone(), at);
    frame(adapter_frame::Frame::Event(Event {
        id: format!("e{number}"),
        time_ms: unix_ms(),
        room: Some(Room {
            id: format!("room-{}", number % ROOMS),
            kind: RoomKind::Group.into(),
            ..Room::default()
        }),
        person: Some(Person {
            id: format!("person-{}", number % PEOPLE),
            name: format!("Person {}", number % PEOPLE),
            language: "en".to_owned(),
            ..Person::default()
        }),
        addressed: true,
        kind: Some(event::Kind::Message(Message {
            message_id: id,
            text: "version".to_owned(),
            ..Message::default()
        })),
        ..Event::default()
    }))
}

fn hello() -> adapter_frame::Frame {
    adapter_frame::Frame::Hello(Hello {
        contract: 1,
        kind: "bench".to_owned(),
        bot: "1".to_owned(),
        capabilities: Some(Capabilities {
            markup: true,
            reply: true,
            text_limit: 4096,
            ..Capabilities::default()
        }),
        instance: "bench".to_owned(),
        ..Hello::default()
    })
}

fn frame(frame: adapter_frame::Frame) -> AdapterFrame {
    AdapterFrame { frame: Some(frame) }
}

/// Where connections in memory are taken.
type Way = mpsc::Sender<DuplexStream>;

async fn dial(way: &Way) -> std::io::Result<DuplexStream> {
    let (ours, theirs) = tokio::io::duplex(256 << 10);
    let gone = |_| std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    way.send(theirs).await.map_err(gone)?;
    Ok(ours)
}

/// Serves the brain in memory.
fn serve_brain(brain: &Brain) -> Way {
    let (way, connections) = mpsc::channel(8);
    brain.serve_streams(connections);
    way
}

/// Serves the echo as the brain serves itself.
fn serve_echo() -> Way {
    let (sender, connections) = mpsc::channel(8);
    let incoming = ReceiverStream::new(connections).map(Ok::<_, std::io::Error>);
    let serving = Server::builder()
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(2 << 20)
        .serve_with_incoming(ChatBrainServer::new(Echo), incoming);
    tokio::spawn(serving);
    sender
}

/// Acknowledges every event and says its text again.
struct Echo;

#[tonic::async_trait]
impl ChatBrain for Echo {
    type ConnectStream = ReceiverStream<Result<BrainFrame, Status>>;
    type DownloadStream = Pin<Box<dyn Stream<Item = Result<DownloadChunk, Status>> + Send>>;

    async fn report_stop(
        &self,
        _request: Request<AdapterStopped>,
    ) -> Result<Response<StopNoted>, Status> {
        Ok(Response::new(StopNoted {}))
    }

    async fn connect(
        &self,
        request: Request<Streaming<AdapterFrame>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (frames, outgoing) = mpsc::channel(256);
        let mut incoming = request.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(AdapterFrame { frame: Some(said) })) = incoming.message().await {
                let answers = match said {
                    adapter_frame::Frame::Hello(_) => {
                        vec![brain_frame::Frame::Welcome(Welcome::default())]
                    }
                    adapter_frame::Frame::Event(event) => echo(event),
                    _ => Vec::new(),
                };
                for answer in answers {
                    let answer = BrainFrame {
                        frame: Some(answer),
                    };
                    if frames.send(Ok(answer)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(outgoing)))
    }

    async fn upload(
        &self,
        _: Request<Streaming<UploadChunk>>,
    ) -> Result<Response<UploadDone>, Status> {
        Err(Status::unimplemented("an echo takes no files"))
    }

    async fn download(
        &self,
        _: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        Err(Status::unimplemented("an echo has no files"))
    }
}

fn echo(event: Event) -> Vec<brain_frame::Frame> {
    let Some(event::Kind::Message(message)) = event.kind else {
        return Vec::new();
    };
    let action = Action {
        id: event.id.clone(),
        room: event.room,
        reply_to: message.message_id,
        kind: Some(action::Kind::Say(Say {
            text: vec![Segment {
                kind: Some(segment::Kind::Text(message.text)),
            }],
            ..Say::default()
        })),
        ..Action::default()
    };
    let ack = EventAck { event: event.id };
    vec![
        brain_frame::Frame::Ack(ack),
        brain_frame::Frame::Action(action),
    ]
}
