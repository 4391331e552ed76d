//! The session with the brain: made, watched, and made again.

use std::time::Duration;

use jarvis_proto::chat::chat_brain_client::ChatBrainClient;
use jarvis_proto::chat::{
    AdapterFrame, BrainFrame, Hello, Refused, RefusedReason, Room, Welcome, adapter_frame,
    brain_frame,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::metadata::MetadataValue;
use uuid::Uuid;

use super::address::Brain;
use super::retry;
use super::transfer::Link;
use crate::adapter::Profile;

/// Version of the contract that is spoken here.
const CONTRACT: u32 = 1;
/// Longest time for the brain to answer the hello.
const WELCOME_LIMIT: Duration = Duration::from_secs(15);
/// Frames that may wait to be written.
const OUTGOING: usize = 64;
/// Longest wait before a new try. A brain has few adapters, and people wait behind each.
const MOST_WAIT: Duration = Duration::from_secs(5);
/// A session that lived this long starts the waits anew.
const PROVEN: Duration = Duration::from_secs(5);

/// What happens on the line.
#[derive(Debug)]
pub(super) enum LineEvent {
    /// A session stands.
    Up {
        welcome: Welcome,
        link: Link,
        outgoing: mpsc::Sender<AdapterFrame>,
    },
    /// The brain said something.
    Frame(brain_frame::Frame),
    /// There is no session; the line tries again by itself.
    Down { reason: String },
    /// The brain will never take this adapter as it is.
    Refused(Refused),
}

/// How this process introduces itself.
pub(super) fn hello(
    profile: &Profile,
    token: Option<&SecretString>,
    rooms: Vec<Room>,
    sign_in: bool,
) -> Hello {
    Hello {
        contract: CONTRACT,
        kind: profile.kind.to_owned(),
        bot: profile.bot.clone(),
        bot_name: profile.bot_name.clone(),
        token: token
            .map(|token| token.expose_secret().to_owned())
            .unwrap_or_default(),
        capabilities: Some(profile.capabilities),
        software: concat!("jarvis-adapters/", env!("CARGO_PKG_VERSION")).to_owned(),
        instance: Uuid::now_v7().to_string(),
        rooms,
        sign_in,
    }
}

/// Waits until the way to the brain has room; `None` when it is gone.
pub(super) async fn free_way(
    outgoing: Option<mpsc::Sender<AdapterFrame>>,
) -> Option<mpsc::OwnedPermit<AdapterFrame>> {
    outgoing?.reserve_owned().await.ok()
}

/// Keeps a session up and reports on `events`, until nobody listens or the brain refuses for good.
pub(super) async fn keep(brain: Brain, hello: Hello, events: mpsc::Sender<LineEvent>) {
    let mut delays = retry::delays();
    loop {
        let reason = match open(&brain, hello.clone()).await {
            Ok(session) => {
                let since = Instant::now();
                let reason = match follow(session, &events).await {
                    Ok(reason) => reason,
                    Err(NobodyListens) => return,
                };
                if since.elapsed() >= PROVEN {
                    delays = retry::delays();
                }
                reason
            }
            Err(OpenError::Refused(refused)) if is_final(refused.reason()) => {
                let _ = events.send(LineEvent::Refused(refused)).await;
                return;
            }
            Err(error) => error.to_string(),
        };
        if events.send(LineEvent::Down { reason }).await.is_err() {
            return;
        }
        sleep(delays.next().unwrap_or(MOST_WAIT).min(MOST_WAIT)).await;
    }
}

struct Session {
    welcome: Welcome,
    link: Link,
    outgoing: mpsc::Sender<AdapterFrame>,
    incoming: Streaming<BrainFrame>,
}

struct NobodyListens;

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("no connection to {brain}: {detail}")]
    Connect {
        brain: String,
        detail: std::io::Error,
    },
    #[error("{0}")]
    Call(String),
    #[error("the brain refused: {}", .0.detail)]
    Refused(Refused),
    #[error("the brain did not answer the hello in time")]
    Silent,
    #[error("the brain did not begin with a welcome")]
    NoWelcome,
}

async fn open(brain: &Brain, hello: Hello) -> Result<Session, OpenError> {
    let channel = brain.connect().await.map_err(|detail| OpenError::Connect {
        brain: brain.to_string(),
        detail,
    })?;
    let mut client = ChatBrainClient::new(channel);
    let (outgoing, frames) = mpsc::channel(OUTGOING);
    let hello = AdapterFrame {
        frame: Some(adapter_frame::Frame::Hello(hello)),
    };
    // The channel is new and empty: this never waits.
    let _ = outgoing.send(hello).await;
    let opening = async {
        let mut incoming = client
            .connect(ReceiverStream::new(frames))
            .await
            .map_err(|status| OpenError::Call(status.message().to_owned()))?
            .into_inner();
        let first = incoming
            .message()
            .await
            .map_err(|status| OpenError::Call(status.message().to_owned()))?;
        Ok((incoming, first.and_then(|frame| frame.frame)))
    };
    let (incoming, first) = timeout(WELCOME_LIMIT, opening)
        .await
        .map_err(|_| OpenError::Silent)??;
    let welcome = match first {
        Some(brain_frame::Frame::Welcome(welcome)) => welcome,
        Some(brain_frame::Frame::Refused(refused)) => return Err(OpenError::Refused(refused)),
        _ => return Err(OpenError::NoWelcome),
    };
    let mut session =
        MetadataValue::try_from(&welcome.session).map_err(|_| OpenError::NoWelcome)?;
    session.set_sensitive(true);
    let link = Link { client, session };
    Ok(Session {
        welcome,
        link,
        outgoing,
        incoming,
    })
}

/// Passes the brain's frames on until the session ends; returns why it did.
async fn follow(
    session: Session,
    events: &mpsc::Sender<LineEvent>,
) -> Result<String, NobodyListens> {
    let Session {
        welcome,
        link,
        outgoing,
        mut incoming,
    } = session;
    let report = async |event| events.send(event).await.map_err(|_| NobodyListens);
    report(LineEvent::Up {
        welcome,
        link,
        outgoing,
    })
    .await?;
    loop {
        match incoming.message().await {
            Ok(Some(BrainFrame { frame: Some(frame) })) => report(LineEvent::Frame(frame)).await?,
            // A kind of frame that this version does not know.
            Ok(Some(BrainFrame { frame: None })) => {}
            Ok(None) => return Ok("the brain ended the session".to_owned()),
            Err(status) => return Ok(format!("the line broke: {}", status.message())),
        }
    }
}

fn is_final(reason: RefusedReason) -> bool {
    match reason {
        RefusedReason::Token | RefusedReason::Contract | RefusedReason::Invalid => true,
        RefusedReason::Unspecified | RefusedReason::AlreadyConnected | RefusedReason::Busy => false,
    }
}
