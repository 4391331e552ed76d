//! How a node begins a session: TLS, root's proof, node's proof, welcome, hello.

use std::io;
use std::time::Duration;

use jarvis_proto::node::node_network_client::NodeNetworkClient;
use jarvis_proto::node::{
    Goodbye, Introduction, NodeFrame, NodeHello, Pong, RootFrame, Welcome, node_frame, root_frame,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::line::Line;
use super::{Closed, Inner, NodeLink, RootMessage};
use crate::address::Address;
use crate::clock::unix_ms;
use crate::dial::BoxedIo;
use crate::http2;
use crate::identity::Identity;
use crate::keyring::{KeyRing, Succession, successions};
use crate::proof::{Role, prove, proven};
use crate::stop::Stop;
use crate::tls::{PROOF_TIMEOUT, Secured, Side, secure};

/// Frames that may wait in either direction.
const QUEUE: usize = 64;
/// A root that says nothing for so many heartbeats is gone. (It pings once a heartbeat.)
const SILENT_HEARTBEATS: u32 = 3;
/// Bounds for the heartbeat that a root may ask for.
pub(crate) const HEARTBEATS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(20)..=Duration::from_secs(3600);

/// Why no session came about.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Who answered is proven, but not on the trust list.
    #[error("root {root} is not trusted here: add it to the trust list if it should be")]
    NotTrusted {
        /// The proven address.
        root: Address,
    },
    /// The root's proof does not fit this connection.
    #[error("the root's proof does not fit this connection: somebody may sit in the middle")]
    ProofFailed,
    /// The root does not accept our proof.
    #[error("the root refused our proof ({0}): somebody may sit in the middle")]
    ProofRefused(String),
    /// The root will not have us, usually because nobody enrolled this node there.
    #[error("the root refused this node: {0}")]
    Refused(String),
    /// It took too long.
    #[error("the other side did not finish the handshake in {0:?}")]
    TimedOut(Duration),
    /// Not the conversation that it should be.
    #[error("the other side does not speak this protocol: {0}")]
    Protocol(String),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
}

/// Who a node is, and what it says of itself before it is let in.
#[derive(Debug)]
pub struct Credentials<'a> {
    identity: &'a Identity,
    introduction: Option<Introduction>,
}

impl<'a> From<&'a Identity> for Credentials<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self {
            identity,
            introduction: None,
        }
    }
}

impl<'a> Credentials<'a> {
    /// A key with the changes that led to it, and the name under which the node thinks it is known.
    #[must_use]
    pub fn new(keys: &'a KeyRing, name: Option<&str>) -> Self {
        Self {
            identity: keys.identity(),
            introduction: Some(Introduction {
                name: name.unwrap_or_default().to_owned(),
                key_changes: keys.changes().to_vec(),
                ..Introduction::default()
            }),
        }
    }

    /// Asks to be enrolled with a one-time token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.introduction.get_or_insert_default().token);
        self
    }

    /// Asks to be forgotten.
    #[must_use]
    pub fn leaving(mut self) -> Self {
        self.introduction.get_or_insert_default().leave = true;
        self
    }
}

/// Joins or leaves: proves both sides, says what the credentials ask for, and ends when the root has
/// answered. No session begins, so one that the node has goes on. Takes ten seconds at most.
///
/// # Errors
/// See [`AttachError`]; [`AttachError::Refused`] carries the root's own words.
pub async fn introduce(
    io: BoxedIo,
    who: Credentials<'_>,
    is_trusted: impl Fn(&Address) -> bool + Send + Sync,
) -> Result<Welcome, AttachError> {
    let introducing = async {
        let secured = secure(io, Side::Dialled).await?;
        let mut begun = begin(secured, who, is_trusted).await?;
        let bye = Goodbye {
            reason: "introduced".to_owned(),
        };
        say(&begun.frames, node_frame::Frame::Goodbye(bye)).await;
        // The root ends its side when it has read that: nothing is lost on the way.
        while let Ok(Some(_)) = begun.incoming.message().await {}
        Ok(begun.welcome)
    };
    timeout(PROOF_TIMEOUT, introducing)
        .await
        .unwrap_or(Err(AttachError::TimedOut(PROOF_TIMEOUT)))
}

/// Begins a session on a transport that this node has dialled.
///
/// Gives the session, and what the root says in it; the receiver ends with the session, and must be
/// read, or the root is held up. `hello` is asked for when the root has proven who it is, so that it may
/// name that root's open orders. Takes ten seconds at most; dropping the future drops the connection.
///
/// # Errors
/// See [`AttachError`].
pub async fn attach_dialled(
    io: BoxedIo,
    who: impl Into<Credentials<'_>>,
    is_trusted: impl Fn(&Address) -> bool + Send + Sync,
    hello: impl FnOnce(&Proven) -> NodeHello + Send,
) -> Result<(NodeLink, mpsc::Receiver<RootMessage>), AttachError> {
    attach(
        io,
        Side::Dialled,
        who.into(),
        is_trusted,
        hello,
        PROOF_TIMEOUT,
    )
    .await
}

/// Begins a session on a transport that a root has dialled; otherwise like [`attach_dialled`].
///
/// # Errors
/// See [`AttachError`].
pub async fn attach_accepted(
    io: BoxedIo,
    who: impl Into<Credentials<'_>>,
    is_trusted: impl Fn(&Address) -> bool + Send + Sync,
    hello: impl FnOnce(&Proven) -> NodeHello + Send,
) -> Result<(NodeLink, mpsc::Receiver<RootMessage>), AttachError> {
    attach(
        io,
        Side::Accepted,
        who.into(),
        is_trusted,
        hello,
        PROOF_TIMEOUT,
    )
    .await
}

pub(super) async fn attach(
    io: BoxedIo,
    side: Side,
    who: Credentials<'_>,
    is_trusted: impl Fn(&Address) -> bool + Send + Sync,
    hello: impl FnOnce(&Proven) -> NodeHello + Send,
    limit: Duration,
) -> Result<(NodeLink, mpsc::Receiver<RootMessage>), AttachError> {
    let greeting = async {
        let secured = secure(io, side).await?;
        greet(secured, who, is_trusted, hello).await
    };
    timeout(limit, greeting)
        .await
        .unwrap_or(Err(AttachError::TimedOut(limit)))
}

/// A root that has proven itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What its key proves.
    pub root: Address,
    /// The changes that led to this key, newest first, proven as well. Whoever trusts one of the old
    /// addresses trusts this root.
    pub successions: Vec<Succession>,
}

impl Proven {
    /// Its address, then those that it had before, newest first.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        std::iter::once(&self.root).chain(self.successions.iter().map(|step| &step.old))
    }
}

/// A line on which both sides are proven and the root has said welcome.
struct Begun {
    proven: Proven,
    welcome: Welcome,
    root_clock_offset_ms: i64,
    client: NodeNetworkClient<Line>,
    frames: mpsc::Sender<NodeFrame>,
    incoming: Streaming<RootFrame>,
    stop: Stop<Closed>,
    unfinished: StopOnDrop,
}

async fn begin(
    secured: Secured,
    who: Credentials<'_>,
    is_trusted: impl Fn(&Address) -> bool + Send + Sync,
) -> Result<Begun, AttachError> {
    let Secured { io, exporter, .. } = secured.for_session()?;
    let stop = Stop::<Closed>::new();
    // Ends the connection when the greeting fails or its future is dropped.
    let unfinished = StopOnDrop(Some(stop.clone()));
    let opened = Line::open(io, stop.token()).await;
    let (line, connection) = opened.map_err(io::Error::other)?;
    let over = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            ended = connection => over.ask(match ended {
                Ok(()) => "the connection was closed".into(),
                Err(error) => format!("the line was cut: {error}").as_str().into(),
            }),
            _ = over.asked() => {}
        }
    });

    let origin = http::Uri::from_static("http://jarvis");
    let mut client =
        NodeNetworkClient::with_origin(line, origin).max_decoding_message_size(http2::MESSAGE);
    let (frames, outgoing) = mpsc::channel(QUEUE);
    let mut incoming = client
        .attach(ReceiverStream::new(outgoing))
        .await?
        .into_inner();

    let root_frame::Frame::Proof(proof) = next(&mut incoming).await? else {
        return Err(AttachError::Protocol("no proof came first".into()));
    };
    let root_clock_offset_ms = proof.time_ms.saturating_sub(unix_ms());
    let root = proven(&proof, Role::Root, &exporter).ok_or(AttachError::ProofFailed)?;
    let changes = proof.join.map(|said| said.key_changes).unwrap_or_default();
    let proven = Proven {
        successions: successions(&changes, &root),
        root,
    };
    if !proven.addresses().any(&is_trusted) {
        return Err(AttachError::NotTrusted { root: proven.root });
    }
    let mut proof = prove(who.identity, Role::Node, &exporter, unix_ms());
    proof.join = who.introduction;
    say(&frames, node_frame::Frame::Proof(proof)).await;
    let root_frame::Frame::Welcome(welcome) = next(&mut incoming).await? else {
        return Err(AttachError::Protocol(
            "no welcome came after the proof".into(),
        ));
    };
    Ok(Begun {
        proven,
        welcome,
        root_clock_offset_ms,
        client,
        frames,
        incoming,
        stop,
        unfinished,
    })
}

async fn greet(
    secured: Secured,
    who: Credentials<'_>,
    is_trusted: impl Fn(&Address) -> bool + Send + Sync,
    hello: impl FnOnce(&Proven) -> NodeHello + Send,
) -> Result<(NodeLink, mpsc::Receiver<RootMessage>), AttachError> {
    let Begun {
        proven,
        welcome,
        root_clock_offset_ms,
        client,
        frames,
        incoming,
        stop,
        unfinished,
    } = begin(secured, who, is_trusted).await?;
    say(&frames, node_frame::Frame::Hello(hello(&proven))).await;
    let (messages, inbox) = mpsc::channel(QUEUE);
    let reader = Reader {
        incoming,
        frames: frames.clone(),
        messages,
        stop: stop.clone(),
        silence: heartbeat(&welcome) * SILENT_HEARTBEATS,
    };
    tokio::spawn(reader.run());
    unfinished.disarm();
    let inner = Inner {
        root: proven.root,
        welcome,
        root_clock_offset_ms,
        client,
        frames,
        stop,
    };
    Ok((NodeLink(inner.into()), inbox))
}

/// How often this session's root hears from the node, within reason.
pub(super) fn heartbeat(welcome: &Welcome) -> Duration {
    Duration::from_millis(welcome.heartbeat_ms).clamp(*HEARTBEATS.start(), *HEARTBEATS.end())
}

/// Sends a frame if it can be sent; if not, what the root said last tells why.
async fn say(frames: &mpsc::Sender<NodeFrame>, frame: node_frame::Frame) {
    let _ = frames.send(NodeFrame { frame: Some(frame) }).await;
}

async fn next(incoming: &mut Streaming<RootFrame>) -> Result<root_frame::Frame, AttachError> {
    match incoming.message().await? {
        Some(RootFrame {
            frame: Some(root_frame::Frame::Goodbye(goodbye)),
        }) => Err(AttachError::Refused(goodbye.reason)),
        Some(RootFrame { frame: Some(frame) }) => Ok(frame),
        Some(_) => Err(AttachError::Protocol("an unknown frame came".into())),
        None => Err(AttachError::Io(io::ErrorKind::UnexpectedEof.into())),
    }
}

impl From<Status> for AttachError {
    fn from(status: Status) -> Self {
        let said = status.message().to_owned();
        match status.code() {
            Code::PermissionDenied => Self::Refused(said),
            Code::Unauthenticated => Self::ProofRefused(said),
            Code::DeadlineExceeded | Code::Unimplemented | Code::FailedPrecondition => {
                Self::Protocol(said)
            }
            _ => Self::Io(io::Error::other(status)),
        }
    }
}

/// Asks to stop when dropped, unless disarmed.
struct StopOnDrop(Option<Stop<Closed>>);

impl StopOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(stop) = &self.0 {
            stop.ask("the session did not come about".into());
        }
    }
}

/// Reads what the root says until the session is over.
struct Reader {
    incoming: Streaming<RootFrame>,
    frames: mpsc::Sender<NodeFrame>,
    messages: mpsc::Sender<RootMessage>,
    stop: Stop<Closed>,
    silence: Duration,
}

impl Reader {
    async fn run(mut self) {
        let stop = self.stop.clone();
        tokio::select! {
            reason = self.read() => stop.ask(reason),
            _ = stop.asked() => {}
        }
    }

    async fn read(&mut self) -> Closed {
        loop {
            let deadline = Instant::now() + self.silence;
            let frame = match timeout_at(deadline, self.incoming.message()).await {
                Ok(Ok(Some(RootFrame { frame }))) => frame,
                Ok(Ok(None)) => return "the root ended it".into(),
                Ok(Err(status)) => {
                    return format!("the line was cut: {}", status.message())
                        .as_str()
                        .into();
                }
                Err(_) => {
                    return format!("the root was silent for {:?}", self.silence)
                        .as_str()
                        .into();
                }
            };
            let message = match frame {
                Some(root_frame::Frame::Order(order)) => RootMessage::Order(order),
                Some(root_frame::Frame::EndedAck(ack)) => RootMessage::EndedAck(ack.order),
                Some(root_frame::Frame::Reconcile(ask)) => RootMessage::Reconcile(ask.orders),
                Some(root_frame::Frame::Ping(ping)) => {
                    let pong = node_frame::Frame::Pong(Pong { nonce: ping.nonce });
                    if self
                        .frames
                        .send(NodeFrame { frame: Some(pong) })
                        .await
                        .is_err()
                    {
                        return "the line was cut".into();
                    }
                    continue;
                }
                Some(root_frame::Frame::Goodbye(goodbye)) => {
                    return format!("the root said goodbye: {}", goodbye.reason)
                        .as_str()
                        .into();
                }
                Some(root_frame::Frame::Proof(_) | root_frame::Frame::Welcome(_)) => {
                    return "the root greeted twice".into();
                }
                // A newer root may say what this node does not know yet.
                None => continue,
            };
            if self.messages.send(message).await.is_err() {
                return "the node reads it no more".into();
            }
        }
    }
}
