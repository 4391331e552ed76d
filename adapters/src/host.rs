//! The host loop: everything that all adapters share.
//!
//! One call of [`run`] is one bot. It keeps a session with the brain, repeats events until they are
//! acknowledged, performs actions in one lane per room, remembers their results, and moves files.

mod address;
pub(crate) mod flood;
mod lanes;
mod line;
mod passing;
mod pending;
pub(crate) mod retry;
mod sign_in;
mod stopped;
pub(crate) mod transfer;

use std::collections::{HashMap, VecDeque};
use std::future::pending as never;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{
    Action, ActionResult, AdapterFrame, AttachmentFailed, Event, FetchAttachment, Goodbye, Pong,
    SendBudget, SignInState, adapter_frame, brain_frame,
};
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use self::address::tls_connector;
pub use self::address::{BadBrainAddress, Brain, BrainAddress};
pub use self::flood::Turn;
pub use self::stopped::{HostError, report_stop};

use self::flood::Flood;
use self::lanes::Lanes;
use self::line::LineEvent;
use self::passing::Passing;
use self::pending::Pending;
use self::sign_in::SignIns;
use self::transfer::{Files, Link};
use crate::adapter::{Adapter, AdapterError, Budgets, Delivery, Inbox, Notice};
use crate::errand::{Errand, SentParts};
use crate::recent::Recent;

/// Rooms in which something is performed at the same time.
const MOST_ROOMS: usize = 64;
/// Attachments on their way to the brain at the same time.
const MOST_UPLOADS: usize = 16;
/// Longest time for one action, a large file included.
const ACTION_LIMIT: Duration = Duration::from_secs(30 * 60);
/// Rooms whose budget is told again in a new session.
const REMEMBERED_BUDGETS: usize = 256;
/// What may take how long when stopping: running actions, then the brain's last frames.
const FINISH_LIMIT: Duration = Duration::from_secs(8);
const GOODBYE_LIMIT: Duration = Duration::from_secs(2);

/// Runs one adapter until `stop` is cancelled, its input has ended, or going on is impossible.
///
/// On `stop` it takes no more events, finishes what it is doing within ten seconds and says goodbye;
/// what was not finished is repeated by the platform and the brain after the next start.
///
/// # Errors
/// See [`HostError`].
pub async fn run(
    adapter: Arc<dyn Adapter>,
    brain: impl Into<Brain>,
    token: Option<SecretString>,
    stop: CancellationToken,
) -> Result<(), HostError> {
    let profile = adapter.profile();
    let (line_sender, line) = mpsc::channel(64);
    let hello = line::hello(
        &profile,
        token.as_ref(),
        adapter.rooms(),
        adapter.signs_people_in(),
    );
    let keeping = tokio::spawn(line::keep(brain.into(), hello, line_sender));
    let keeping = AbortOnDropHandle::new(keeping);
    let (inbox, deliveries, budgets) = Inbox::channel(16);
    let stop_receiving = stop.child_token();
    let receiving = tokio::spawn({
        let (adapter, stop) = (adapter.clone(), stop_receiving.clone());
        async move { adapter.receive(inbox, stop).await }
    });
    let (sign_ins, sign_in_states) = SignIns::new();
    let host = Host {
        adapter,
        flood: Arc::new(Flood::new(profile.flood)),
        patience: profile.patience,
        away_since: Some(Instant::now()),
        away_reason: String::new(),
        line,
        live: watch::Sender::new(None),
        outgoing: None,
        unsent: VecDeque::new(),
        budgets,
        told: Recent::new(REMEMBERED_BUDGETS),
        pending: Pending::default(),
        lanes: Lanes::new(),
        running: JoinSet::new(),
        performed: HashMap::new(),
        passing: Passing::default(),
        side_work: JoinSet::new(),
        uploads: 0,
        sign_ins,
        sign_in_states,
    };
    let ended = host
        .run(
            deliveries,
            AbortOnDropHandle::new(receiving),
            stop,
            stop_receiving,
        )
        .await;
    drop(keeping);
    ended
}

struct Host {
    adapter: Arc<dyn Adapter>,
    flood: Arc<Flood>,
    patience: Option<Duration>,
    /// When the session was lost; `None` while one stands.
    away_since: Option<Instant>,
    away_reason: String,
    line: mpsc::Receiver<LineEvent>,
    /// The session for transfers.
    live: watch::Sender<Option<Link>>,
    /// The way to the brain; `None` without a session.
    outgoing: Option<mpsc::Sender<AdapterFrame>>,
    /// Frames of this session that wait for the way to be free. Bounded by what causes them: pending
    /// events and the brain's own frames.
    unsent: VecDeque<adapter_frame::Frame>,
    budgets: Budgets,
    /// What the brain knows of rooms' budgets, for the next session.
    told: Recent<String, SendBudget>,
    pending: Pending,
    lanes: Lanes,
    running: JoinSet<Outcome>,
    performed: HashMap<tokio::task::Id, Action>,
    passing: Passing,
    side_work: JoinSet<SideWork>,
    uploads: usize,
    sign_ins: SignIns,
    sign_in_states: mpsc::Receiver<SignInState>,
}

/// What a task beside the lanes has done.
enum SideWork {
    Upload {
        fetch: String,
        failed: Option<String>,
    },
    Menu,
    SignIn(String),
}

type Receiving = AbortOnDropHandle<Result<(), AdapterError>>;

impl Host {
    async fn run(
        mut self,
        mut deliveries: mpsc::Receiver<Delivery>,
        mut receiving: Receiving,
        stop: CancellationToken,
        stop_receiving: CancellationToken,
    ) -> Result<(), HostError> {
        let mut ended: Option<Result<(), HostError>> = None;
        let mut finish_by: Option<Instant> = None;
        let mut receives = true;
        loop {
            if let Some(deadline) = finish_by {
                let idle = self.running.is_empty() && !receives;
                let flushed = self.outgoing.is_none() || self.unsent.is_empty();
                if (idle && flushed) || Instant::now() >= deadline {
                    break;
                }
            } else {
                self.start_actions();
                if ended.is_some() || stop.is_cancelled() {
                    stop_receiving.cancel();
                    finish_by = Some(Instant::now() + FINISH_LIMIT);
                    continue;
                }
            }
            let give_up_at = self
                .away_since
                .zip(self.patience)
                .map(|(since, most)| since + most);
            tokio::select! {
                () = stop.cancelled(), if finish_by.is_none() => {}
                Some(event) = self.line.recv() => match event {
                    LineEvent::Refused(refused) => {
                        let reason = refused.reason();
                        ended = Some(Err(HostError::Refused { reason, detail: refused.detail }));
                    }
                    event => self.line_event(event),
                },
                way = line::free_way(self.outgoing.clone()), if !self.unsent.is_empty() => {
                    match (way, self.unsent.pop_front()) {
                        (Some(way), Some(frame)) => {
                            way.send(AdapterFrame { frame: Some(frame) });
                        }
                        _ => self.outgoing = None,
                    }
                }
                Some(delivery) = deliveries.recv(), if self.pending.has_room() => {
                    if let Some(event) = self.pending.add(delivery) {
                        self.send(adapter_frame::Frame::Event(event));
                    }
                }
                () = self.budgets.changed() => self.tell_budgets(),
                Some(state) = self.sign_in_states.recv() => {
                    self.send(adapter_frame::Frame::SignIn(state));
                }
                Some(done) = self.running.join_next_with_id(), if !self.running.is_empty() => {
                    self.action_done(done);
                }
                Some(done) = self.side_work.join_next(), if !self.side_work.is_empty() => {
                    self.side_work_done(done);
                }
                () = at(self.lanes.due()),
                    if finish_by.is_none() && self.running.len() < MOST_ROOMS => {}
                () = at(finish_by) => {}
                () = at(give_up_at), if finish_by.is_none() => {
                    ended = Some(Err(HostError::Unreachable(self.away_reason.clone())));
                }
                result = &mut receiving, if receives => {
                    receives = false;
                    if ended.is_none() && finish_by.is_none() {
                        ended = Some(match result {
                            Ok(result) => result.map_err(HostError::from),
                            Err(_) => Err(HostError::Crashed),
                        });
                    }
                }
            }
        }
        self.say_goodbye().await;
        ended.unwrap_or(Ok(()))
    }

    fn start_actions(&mut self) {
        while self.running.len() < MOST_ROOMS
            && let Some((action, parts)) = self.lanes.next(Instant::now())
        {
            let files = Files(self.live.subscribe());
            let errand = Errand::new(action.clone(), files, self.flood.clone(), parts);
            let adapter = self.adapter.clone();
            let task = self.running.spawn(async move {
                timeout(ACTION_LIMIT, adapter.perform(&errand))
                    .await
                    .unwrap_or_else(|_| {
                        Outcome::Transient("the platform did not finish in time".to_owned())
                    })
            });
            self.performed.insert(task.id(), action);
        }
    }

    fn action_done(&mut self, done: Result<(tokio::task::Id, Outcome), tokio::task::JoinError>) {
        let (id, outcome) = match done {
            Ok(done) => done,
            Err(panic) => (panic.id(), Outcome::Fatal("the adapter failed".to_owned())),
        };
        let Some(action) = self.performed.remove(&id) else {
            return;
        };
        match &outcome {
            Outcome::Ok(_) => {}
            Outcome::RateLimited(limited) => {
                let retry_after_ms = limited.retry_after_ms;
                tracing::info!(action.id, retry_after_ms, "the platform's limit was met");
            }
            other => tracing::warn!(action.id, outcome = ?other, "an action failed"),
        }
        for result in self.lanes.done(&action, &outcome, Instant::now()) {
            self.send_result(result);
        }
    }

    fn side_work_done(&mut self, done: Result<SideWork, tokio::task::JoinError>) {
        match done {
            Ok(SideWork::Upload { fetch, failed }) => {
                self.uploads -= 1;
                if let Some(detail) = failed {
                    tracing::warn!(fetch, detail, "an attachment could not be handed over");
                    self.refuse_fetch(fetch, detail);
                }
            }
            Ok(SideWork::Menu) => {}
            Ok(SideWork::SignIn(id)) => self.sign_ins.ended(&id),
            Err(panic) => tracing::error!(%panic, "a task of the adapter failed"),
        }
    }

    fn line_event(&mut self, event: LineEvent) {
        match event {
            LineEvent::Up {
                welcome,
                link,
                outgoing,
            } => {
                tracing::info!(
                    brain.version = welcome.brain_version,
                    "session with the brain"
                );
                self.away_since = None;
                self.live.send_replace(Some(link));
                self.outgoing = Some(outgoing);
                self.unsent = self
                    .pending
                    .all()
                    .map(|event| Event {
                        again: true,
                        ..event.clone()
                    })
                    .map(adapter_frame::Frame::Event)
                    .collect();
                let budgets = self.told.values().cloned();
                self.unsent
                    .extend(budgets.map(adapter_frame::Frame::Budget));
                self.adapter.notice(Notice::Welcome {
                    version: &welcome.brain_version,
                    greeting: &welcome.greeting,
                });
            }
            LineEvent::Down { reason } => {
                tracing::warn!(reason, "no session with the brain, trying again");
                self.away_since.get_or_insert_with(Instant::now);
                self.live.send_replace(None);
                self.outgoing = None;
                self.unsent.clear();
                self.sign_ins.cancel_all();
                self.adapter.notice(Notice::Away { reason: &reason });
                self.away_reason = reason;
            }
            LineEvent::Frame(frame) => self.frame(frame),
            // Handled by the caller, who ends.
            LineEvent::Refused(_) => {}
        }
    }

    fn frame(&mut self, frame: brain_frame::Frame) {
        match frame {
            brain_frame::Frame::Ack(ack) => self.pending.acknowledge(&ack.event),
            brain_frame::Frame::Action(action) if passing::is_in_passing(&action) => {
                let files = Files(self.live.subscribe());
                let parts = SentParts::default();
                let errand = Errand::new(action, files, self.flood.clone(), parts);
                self.passing.say(self.adapter.clone(), errand);
            }
            brain_frame::Frame::Action(action) => {
                for result in self.lanes.accept(action, Instant::now()) {
                    self.send_result(result);
                }
            }
            brain_frame::Frame::Fetch(fetch) => self.fetch(fetch),
            brain_frame::Frame::Menu(menu) => {
                let adapter = self.adapter.clone();
                self.side_work.spawn(async move {
                    if let Err(error) = adapter.show_menu(&menu).await {
                        tracing::warn!(%error, "the command menu could not be shown");
                    }
                    SideWork::Menu
                });
            }
            brain_frame::Frame::StartSignIn(start) => {
                match self.sign_ins.start(self.adapter.clone(), start.sign_in) {
                    Ok(work) => drop(self.side_work.spawn(work.map(SideWork::SignIn))),
                    Err(busy) => self.send(adapter_frame::Frame::SignIn(*busy)),
                }
            }
            brain_frame::Frame::SignInInput(input) => self.sign_ins.typed(input),
            brain_frame::Frame::CancelSignIn(cancel) => self.sign_ins.cancel(&cancel.sign_in),
            brain_frame::Frame::Ping(ping) => {
                self.send(adapter_frame::Frame::Pong(Pong { nonce: ping.nonce }));
            }
            brain_frame::Frame::Idle(idle) => {
                self.adapter.notice(Notice::Idle {
                    last_event: &idle.last_event,
                });
            }
            brain_frame::Frame::Goodbye(goodbye) => {
                tracing::info!(reason = goodbye.reason, "the brain stops");
            }
            brain_frame::Frame::Welcome(_) | brain_frame::Frame::Refused(_) => {
                tracing::warn!("the brain repeated the beginning of the session");
            }
        }
    }

    /// Without a session a budget is kept for the next one.
    fn tell_budgets(&mut self) {
        for budget in self.budgets.take() {
            self.told.insert(budget.room.clone(), budget.clone());
            self.send(adapter_frame::Frame::Budget(budget));
        }
    }

    fn fetch(&mut self, fetch: FetchAttachment) {
        let link = self.live.borrow().clone();
        let Some(link) = link else { return };
        if self.uploads >= MOST_UPLOADS {
            self.refuse_fetch(fetch.fetch, "too many files at once, try again".to_owned());
            return;
        }
        self.uploads += 1;
        let adapter = self.adapter.clone();
        self.side_work.spawn(async move {
            let name = fetch.fetch.clone();
            let failed = transfer::upload(adapter, link, fetch).await.err();
            SideWork::Upload {
                fetch: name,
                failed,
            }
        });
    }

    fn refuse_fetch(&mut self, fetch: String, detail: String) {
        self.send(adapter_frame::Frame::AttachmentFailed(AttachmentFailed {
            fetch,
            detail,
        }));
    }

    fn send_result(&mut self, result: ActionResult) {
        self.send(adapter_frame::Frame::Result(result));
    }

    /// Without a session a frame is dropped: events are sent again from `pending`, and results are
    /// remembered for the brain's next question.
    fn send(&mut self, frame: adapter_frame::Frame) {
        if self.outgoing.is_some() {
            self.unsent.push_back(frame);
        }
    }

    async fn say_goodbye(mut self) {
        self.running.shutdown().await;
        let Some(outgoing) = self.outgoing.take() else {
            return;
        };
        let goodbye = adapter_frame::Frame::Goodbye(Goodbye {
            reason: "stopping".to_owned(),
        });
        let leaving = async {
            if outgoing
                .send(AdapterFrame {
                    frame: Some(goodbye),
                })
                .await
                .is_ok()
            {
                drop(outgoing);
                while let Some(LineEvent::Frame(_)) = self.line.recv().await {}
            }
        };
        // A brain that does not end the stream is left alone.
        let _ = timeout(GOODBYE_LIMIT, leaving).await;
    }
}

/// Waits for a time that may not be set.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => never().await,
    }
}

#[cfg(test)]
mod tests;
