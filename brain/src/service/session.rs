//! One adapter's session: hello, frames in, frames out, and who is connected now.

mod connected;
mod performing;
mod sign_in;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::Stream;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Action, ActionResult, AdapterFrame, Attachment, BrainFrame, Capabilities, EventAck,
    FetchAttachment, Goodbye, Idle, Ping, Refused, RefusedReason, SendBudget, SignInState, Welcome,
    adapter_frame, brain_frame,
};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use tracing::{debug, info, warn};

pub use self::connected::Sessions;
pub(crate) use self::performing::Performing;
pub use self::performing::{FetchError, SessionEnded};

use super::hello::{LONGEST_BOT, is_plain_name, token_fits};
use super::mute::{self, MuteRoom};
use super::{HELLO_LIMIT, Transport};
use crate::blob::StoredBlob;
use crate::brain::Brain;
use crate::pipeline;
use crate::room::BotKey;

/// Frames that may wait for a slow adapter before the brain stops sending to it.
const OUTGOING_LIMIT: usize = 256;
/// How often the adapter is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(10);
/// Unanswered pings after which the session counts as dead.
const PINGS_MISSED: u32 = 3;

/// One live session. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SessionHandle(Arc<Live>);

#[derive(Debug)]
struct Live {
    bot: BotKey,
    bot_name: String,
    software: String,
    instance: String,
    capabilities: Capabilities,
    /// Rooms in which nobody can speak to the bot.
    mute_rooms: Vec<MuteRoom>,
    /// A person at this adapter sits at the server.
    terminal: bool,
    /// People sign in at this adapter.
    signs_in: bool,
    /// Proves the session to `Upload` and `Download`.
    secret: String,
    since_ms: i64,
    frames: mpsc::Sender<BrainFrame>,
    ended: CancellationToken,
    open: Mutex<Open>,
}

/// What the brain waits for from this session.
#[derive(Debug, Default)]
struct Open {
    results: HashMap<String, oneshot::Sender<Outcome>>,
    fetches: HashMap<String, oneshot::Sender<Result<StoredBlob, String>>>,
    budgets: HashMap<String, SendBudget>,
    sign_ins: HashMap<String, mpsc::Sender<SignInState>>,
    last_event: String,
}

impl SessionHandle {
    /// The bot that is logged in.
    pub fn bot(&self) -> &BotKey {
        &self.0.bot
    }

    /// The name that users type after `@`; may be empty.
    pub fn bot_name(&self) -> &str {
        &self.0.bot_name
    }

    /// Program and version of the adapter.
    pub fn software(&self) -> &str {
        &self.0.software
    }

    /// What the platform can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// Rooms to which this bot writes although nobody in them can speak to it.
    pub fn mute_rooms(&self) -> &[MuteRoom] {
        &self.0.mute_rooms
    }

    /// Whether the person at this adapter sits at the server itself.
    pub fn is_terminal(&self) -> bool {
        self.0.terminal
    }

    /// Unix milliseconds.
    pub fn since_ms(&self) -> i64 {
        self.0.since_ms
    }

    /// Ends when the session ends.
    pub async fn ended(&self) {
        self.0.ended.cancelled().await;
    }

    /// Whether the session has ended.
    pub fn is_ended(&self) -> bool {
        self.0.ended.is_cancelled()
    }

    /// The room's send budget, or the one for every room.
    pub fn budget(&self, room: &str) -> Option<SendBudget> {
        let open = self.lock();
        open.budgets
            .get(room)
            .or_else(|| open.budgets.get(""))
            .cloned()
    }

    /// Tells the adapter that an event is safe.
    ///
    /// # Errors
    /// When the session has ended; the adapter will send the event again.
    pub async fn acknowledge(&self, event: &str) -> Result<(), SessionEnded> {
        let ack = EventAck {
            event: event.to_owned(),
        };
        self.send(brain_frame::Frame::Ack(ack)).await
    }

    /// Has an action performed and waits for its result. Waits without a limit of its own: a slow
    /// platform is the adapter's business, a dead adapter ends the session.
    ///
    /// # Errors
    /// When the session ends before the result came; perform it again in the next session.
    pub async fn perform(&self, action: Action) -> Result<Outcome, SessionEnded> {
        self.begin(action).await?.outcome().await
    }

    /// Has an action performed after all that were begun before it; its result is waited for apart.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn begin(&self, action: Action) -> Result<Performing, SessionEnded> {
        let (sender, result) = oneshot::channel();
        let id = action.id.clone();
        self.lock().results.insert(id.clone(), sender);
        if self.send(brain_frame::Frame::Action(action)).await.is_err() {
            self.lock().results.remove(&id);
            return Err(SessionEnded);
        }
        Ok(Performing {
            result,
            ended: self.0.ended.clone(),
        })
    }

    /// Has an action performed, and does not wait for what becomes of it.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn say(&self, action: Action) -> Result<(), SessionEnded> {
        self.send(brain_frame::Frame::Action(action)).await
    }

    /// Fetches the bytes of an attachment into the blob store.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn fetch(
        &self,
        attachment: Attachment,
        limit: Duration,
    ) -> Result<StoredBlob, FetchError> {
        let fetch = uuid::Uuid::now_v7().to_string();
        let (sender, receiver) = oneshot::channel();
        self.lock().fetches.insert(fetch.clone(), sender);
        let frame = FetchAttachment {
            fetch: fetch.clone(),
            attachment: Some(attachment),
        };
        let answer = async {
            self.send(brain_frame::Frame::Fetch(frame)).await?;
            tokio::select! {
                answer = receiver => match answer {
                    Ok(Ok(blob)) => Ok(blob),
                    Ok(Err(detail)) => Err(FetchError::Failed(detail)),
                    Err(_) => Err(FetchError::Ended(SessionEnded)),
                },
                () = self.0.ended.cancelled() => Err(FetchError::Ended(SessionEnded)),
            }
        };
        let outcome = tokio::time::timeout(limit, answer).await;
        self.lock().fetches.remove(&fetch);
        outcome.unwrap_or(Err(FetchError::TimedOut(limit)))
    }

    /// The one who waits for this fetch; an upload answers it once.
    pub(super) fn take_fetch(
        &self,
        fetch: &str,
    ) -> Option<oneshot::Sender<Result<StoredBlob, String>>> {
        self.lock().fetches.remove(fetch)
    }

    /// Remembers the newest event, for [`Self::tell_idle`].
    pub fn note_event(&self, event: &str) {
        event.clone_into(&mut self.lock().last_event);
    }

    /// Tells the adapter that all its events' work is done. Best effort: a full line is not idle.
    pub fn tell_idle(&self) {
        let last_event = self.lock().last_event.clone();
        let frame = brain_frame::Frame::Idle(Idle { last_event });
        let _ = self.0.frames.try_send(BrainFrame { frame: Some(frame) });
    }

    /// Ends the session.
    pub async fn close(&self, reason: &str) {
        let goodbye = brain_frame::Frame::Goodbye(Goodbye {
            reason: reason.to_owned(),
        });
        let _ = tokio::time::timeout(Duration::from_secs(1), self.send(goodbye)).await;
        self.0.ended.cancel();
    }

    /// Says the first word. Nobody else knows the session yet: there is room.
    fn welcome(&self, welcome: Welcome) {
        let frame = Some(brain_frame::Frame::Welcome(welcome));
        let _ = self.0.frames.try_send(BrainFrame { frame });
    }

    async fn send(&self, frame: brain_frame::Frame) -> Result<(), SessionEnded> {
        tokio::select! {
            sent = self.0.frames.send(BrainFrame { frame: Some(frame) }) => sent.map_err(|_| SessionEnded),
            () = self.0.ended.cancelled() => Err(SessionEnded),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_result(&self, result: ActionResult) {
        let waiting = self.lock().results.remove(&result.action);
        match (waiting, result.outcome) {
            (Some(waiting), Some(outcome)) => drop(waiting.send(outcome)),
            (_, outcome) => {
                debug!(action = %result.action, ?outcome, "result that nobody waits for");
            }
        }
    }
}

/// Starts the session's task and returns what it sends.
pub(super) fn open(
    brain: Brain,
    transport: Transport,
    incoming: Streaming<AdapterFrame>,
) -> impl Stream<Item = Result<BrainFrame, Status>> + Send {
    let (frames, outgoing) = mpsc::channel(OUTGOING_LIMIT);
    tokio::spawn(run(brain, transport, incoming, frames));
    ReceiverStream::new(outgoing).map(Ok)
}

async fn run(
    brain: Brain,
    transport: Transport,
    mut incoming: Streaming<AdapterFrame>,
    frames: mpsc::Sender<BrainFrame>,
) {
    let session = match greet(&brain, transport, &mut incoming, frames.clone()).await {
        Ok(session) => session,
        Err(refused) => {
            warn!(reason = ?refused.reason(), detail = %refused.detail, "adapter refused");
            let frame = brain_frame::Frame::Refused(refused);
            let _ = frames.send(BrainFrame { frame: Some(frame) }).await;
            return;
        }
    };
    info!(kind = %session.bot().kind, bot = %session.bot().bot, software = %session.software(), "adapter connected");
    let why = serve(&brain, &session, &mut incoming).await;
    session.0.ended.cancel();
    brain.sessions().remove(&session);
    info!(kind = %session.bot().kind, bot = %session.bot().bot, why, "adapter disconnected");
}

async fn greet(
    brain: &Brain,
    transport: Transport,
    incoming: &mut Streaming<AdapterFrame>,
    frames: mpsc::Sender<BrainFrame>,
) -> Result<SessionHandle, Refused> {
    let refuse = |reason: RefusedReason, detail: &str| Refused {
        reason: reason.into(),
        detail: detail.to_owned(),
    };
    let first = tokio::time::timeout(HELLO_LIMIT, incoming.message()).await;
    let Ok(Ok(Some(AdapterFrame {
        frame: Some(adapter_frame::Frame::Hello(hello)),
    }))) = first
    else {
        return Err(refuse(
            RefusedReason::Invalid,
            "the first frame must be a hello",
        ));
    };
    if hello.contract != 1 {
        let detail = format!("contract {} is not spoken here, 1 is", hello.contract);
        return Err(refuse(RefusedReason::Contract, &detail));
    }
    if !is_plain_name(&hello.kind) || hello.bot.is_empty() || hello.bot.len() > LONGEST_BOT {
        return Err(refuse(
            RefusedReason::Invalid,
            "adapter kind or bot id is malformed",
        ));
    }
    if transport == Transport::Network && !token_fits(brain, &hello.kind, &hello.bot, &hello.token)
    {
        return Err(refuse(
            RefusedReason::Token,
            "no adapter with this kind, bot and token is configured",
        ));
    }
    let capabilities = hello.capabilities.unwrap_or_default();
    let terminal = capabilities.operator_terminal
        && (transport == Transport::Local || hello.kind == "console");
    let bot = BotKey {
        kind: hello.kind,
        bot: hello.bot,
    };
    let session = SessionHandle(Arc::new(Live {
        mute_rooms: mute::rooms(&bot, hello.rooms),
        bot,
        bot_name: hello.bot_name,
        software: hello.software,
        instance: hello.instance,
        capabilities,
        terminal,
        signs_in: hello.sign_in,
        secret: crate::code::secret(),
        since_ms: brain.now_ms(),
        frames,
        ended: brain.stopping().child_token(),
        open: Mutex::default(),
    }));
    // An adapter that was cut asks itself what became of its last event.
    match brain.store().latest_event(session.bot()).await {
        Ok(latest) => session.note_event(&latest.unwrap_or_default()),
        Err(error) => warn!(%error, "cannot tell the adapter's last event"),
    }
    let welcome = Welcome {
        session: session.0.secret.clone(),
        brain_version: env!("CARGO_PKG_VERSION").to_owned(),
        greeting: brain.greeting(&session),
    };
    if !brain.sessions().add(&session, welcome) {
        return Err(refuse(
            RefusedReason::AlreadyConnected,
            "another process is connected as this bot; stop it first",
        ));
    }
    brain.stopped().forget(session.bot());
    if session.capabilities().menu {
        let _ = session.send(brain_frame::Frame::Menu(brain.menu())).await;
    }
    brain.activity().tell_if_idle(session.bot());
    Ok(session)
}

async fn serve(
    brain: &Brain,
    session: &SessionHandle,
    incoming: &mut Streaming<AdapterFrame>,
) -> &'static str {
    let mut ping = tokio::time::interval(PING_EVERY);
    ping.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut unanswered = 0;
    loop {
        tokio::select! {
            frame = incoming.message() => match frame {
                Ok(Some(AdapterFrame { frame: Some(frame) })) => {
                    unanswered = 0;
                    match frame {
                        adapter_frame::Frame::Event(event) => {
                            if let Some(refused) = brain.lanes().take(brain, session, event) {
                                pipeline::refuse_busy(brain, session, &refused).await;
                            }
                        }
                        adapter_frame::Frame::Result(result) => session.on_result(result),
                        adapter_frame::Frame::AttachmentFailed(failed) => {
                            if let Some(waiting) = session.take_fetch(&failed.fetch) {
                                drop(waiting.send(Err(failed.detail)));
                            }
                        }
                        adapter_frame::Frame::Budget(budget) => {
                            session.lock().budgets.insert(budget.room.clone(), budget);
                        }
                        adapter_frame::Frame::SignIn(state) => session.on_sign_in(state),
                        adapter_frame::Frame::Pong(_) => {}
                        adapter_frame::Frame::Goodbye(_) => return "the adapter said goodbye",
                        adapter_frame::Frame::Hello(_) => return "a second hello",
                    }
                }
                // A frame kind of a newer contract: not for us.
                Ok(Some(AdapterFrame { frame: None })) => {}
                Ok(None) => return "the adapter ended its stream",
                Err(_) => return "the connection broke",
            },
            _ = ping.tick() => {
                if unanswered >= PINGS_MISSED {
                    return "no answer to pings";
                }
                unanswered += 1;
                let frame = brain_frame::Frame::Ping(Ping { nonce: u64::from(unanswered) });
                let _ = session.0.frames.try_send(BrainFrame { frame: Some(frame) });
            }
            () = session.ended() => return "the brain ended it",
        }
    }
}
