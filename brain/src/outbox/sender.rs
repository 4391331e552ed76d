//! Sends what the outbox holds: one queue per room, in order, until the platform has confirmed it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jarvis_proto::chat::Action;
use jarvis_proto::chat::action::Kind;
use jarvis_proto::chat::action_result::Outcome;
use prost::Message;
use rand::Rng;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{Instrument as _, debug, error, warn};

use super::flying::{self, Flying};
use super::{OutboxItem, ProgressObject};
use crate::activity::Ongoing;
use crate::brain::Brain;
use crate::room::RoomKey;
use crate::service::SessionHandle;
use crate::store::{Op, Unit};

/// Stored actions that one room keeps in memory; more wait in the store alone.
const QUEUE_LIMIT: usize = 2_000;
/// Tries of an action that keeps failing for passing reasons, about ten minutes in all.
const MOST_ATTEMPTS: u32 = 12;
/// First and longest pause between two tries.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(120));
/// Actions of one room that were said and may be on their way out of the store.
const MOST_FORGETTING: usize = 256;
/// A held action is tried again after this, although nobody has spoken.
const HELD_RETRY: Duration = Duration::from_secs(15 * 60);
/// Longest pause while the platform cannot be reached.
const AWAY_PAUSE: Duration = Duration::from_secs(15);
/// A room's sender without work ends after this.
const SENDER_IDLE: Duration = Duration::from_secs(60);
/// Messages that a room's budget keeps free for results: below it no passing progress is sent.
const BUDGET_RESERVE: u32 = 3;

/// Queues of stored actions, one per room, and the newest passing state of each progress object.
#[derive(Debug, Default)]
pub struct Outbox {
    rooms: Mutex<HashMap<RoomKey, Arc<Queue>>>,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something to send.
    wake: Notify,
    /// Counts how often the room has spoken: a held action may go then.
    spoke: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Newest state of progress objects; replaced, never queued.
    passing: HashMap<String, Action>,
    /// The store holds more than `waiting` does.
    spilled: bool,
    /// More came into the store since it was last read.
    missed: bool,
    ended: bool,
}

/// A stored action that waits for its turn.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) item: OutboxItem,
    /// What it says; of no kind when that cannot be read.
    pub(super) action: Action,
    pub(super) ongoing: Ongoing,
}

impl Waiting {
    fn new(item: OutboxItem, ongoing: Ongoing) -> Self {
        let action = Action::decode(item.action.as_slice()).unwrap_or_default();
        Self {
            item,
            action,
            ongoing,
        }
    }

    /// Whether the next one may follow before it is known what became of this.
    fn is_plain(&self) -> bool {
        matches!(self.action.kind, Some(Kind::Say(_)))
    }
}

enum Next {
    Stored(Waiting),
    Passing(Action),
    Reload,
}

impl Outbox {
    /// Queues actions that were committed to the store, in their order.
    pub fn push(&self, brain: &Brain, items: Vec<OutboxItem>) {
        for item in items {
            let ongoing = brain.activity().begin(&item.room.bot);
            let room = item.room.clone();
            self.with_queue(brain, &room, |state| {
                // A state that is about to be shown for good makes the passing one worthless.
                if let Some(key) = &item.progress_key {
                    state.passing.remove(key);
                }
                if state.spilled || state.waiting.len() >= QUEUE_LIMIT {
                    state.spilled = true;
                    state.missed = true;
                } else {
                    state.waiting.push_back(Waiting::new(item, ongoing));
                }
            });
        }
    }

    /// Shows a passing state of a progress object; a newer one replaces it, and nothing is stored.
    pub fn show(&self, brain: &Brain, room: &RoomKey, action: Action) {
        let Some(Kind::Progress(progress)) = &action.kind else {
            return;
        };
        let key = progress.key.clone();
        self.with_queue(brain, room, |state| {
            state.passing.insert(key, action);
        });
    }

    /// The room has spoken, which opens the platform's window for answers.
    pub fn room_spoke(&self, room: &RoomKey) {
        if let Some(queue) = self.lock().get(room) {
            queue.spoke.send_modify(|times| *times += 1);
        }
    }

    /// Actions that wait in memory, over all rooms.
    pub fn waiting(&self) -> usize {
        self.lock()
            .values()
            .map(|queue| queue.lock().waiting.len())
            .sum()
    }

    fn with_queue(&self, brain: &Brain, room: &RoomKey, change: impl FnOnce(&mut State)) {
        let mut rooms = self.lock();
        let queue = match rooms.get(room) {
            Some(queue) if !queue.lock().ended => Arc::clone(queue),
            _ => {
                let queue = Arc::new(Queue::default());
                rooms.insert(room.clone(), Arc::clone(&queue));
                brain.spawn(drive(brain.clone(), room.clone(), Arc::clone(&queue)));
                queue
            }
        };
        change(&mut queue.lock());
        queue.wake.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RoomKey, Arc<Queue>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is next, when so many are on their way. Only plain words follow each other without waiting
    /// for what became of the one before.
    fn take(&self, flying: usize) -> Option<Next> {
        let mut state = self.lock();
        if let Some(first) = state.waiting.front() {
            let may_go = flying == 0 || (flying < flying::MOST && first.is_plain());
            return may_go
                .then(|| state.waiting.pop_front())
                .flatten()
                .map(Next::Stored);
        }
        if flying > 0 {
            return None;
        }
        if state.spilled {
            return Some(Next::Reload);
        }
        let key = state.passing.keys().next().cloned()?;
        state.passing.remove(&key).map(Next::Passing)
    }
}

async fn drive(brain: Brain, room: RoomKey, queue: Arc<Queue>) {
    let work = async {
        let mut said = JoinSet::new();
        let mut flying = Flying::new();
        loop {
            let woken = queue.wake.notified();
            match queue.take(flying.len()) {
                Some(Next::Stored(waiting)) if waiting.is_plain() => {
                    flying.start(&brain, waiting).await;
                }
                Some(Next::Stored(waiting)) => {
                    let Waiting {
                        item,
                        action,
                        ongoing,
                    } = waiting;
                    let ops = send(&brain, &queue, item, action, None).await;
                    forget(&brain, ops, ongoing, &mut said).await;
                }
                Some(Next::Passing(action)) => show(&brain, &room, action).await,
                Some(Next::Reload) => {
                    // What is still on its way out of the store would be read, and said, once more.
                    while said.join_next().await.is_some() {}
                    reload(&brain, &room, &queue).await;
                }
                None if flying.is_empty() => {
                    if tokio::time::timeout(SENDER_IDLE, woken).await.is_err()
                        && end(&brain, &room, &queue)
                    {
                        return;
                    }
                }
                None => tokio::select! {
                    () = flying.land(&brain, &queue, &mut said) => {}
                    () = woken => {}
                },
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = brain.stopping().cancelled() => {}
    }
}

fn end(brain: &Brain, room: &RoomKey, queue: &Queue) -> bool {
    let mut rooms = brain.outbox().lock();
    let mut state = queue.lock();
    if !state.waiting.is_empty() || !state.passing.is_empty() || state.spilled {
        return false;
    }
    state.ended = true;
    rooms.remove(room);
    true
}

/// Brings what the store alone holds for this room back into the queue.
async fn reload(brain: &Brain, room: &RoomKey, queue: &Queue) {
    queue.lock().missed = false;
    match brain.store().outbox_of_room(room, QUEUE_LIMIT).await {
        Ok(items) => {
            let mut state = queue.lock();
            state.spilled = state.missed || items.len() == QUEUE_LIMIT;
            for item in items {
                let ongoing = brain.activity().begin(&room.bot);
                state.waiting.push_back(Waiting::new(item, ongoing));
            }
        }
        Err(error) => {
            error!(%error, "cannot read the outbox");
            tokio::time::sleep(PAUSE.1).await;
        }
    }
}

/// Shows a passing state once, if anybody can see it now.
async fn show(brain: &Brain, room: &RoomKey, mut action: Action) {
    let Some(session) = brain.sessions().get(&room.bot) else {
        return;
    };
    if session
        .budget(&room.room)
        .is_some_and(|budget| budget.now <= BUDGET_RESERVE)
    {
        return;
    }
    if fill_message_id(brain, &mut action).await {
        let _ = session.perform(action).await;
    }
}

/// Sends one stored action until it is confirmed or given up. Gives what the store has to know of that.
/// `known` is what came of a first try, if there was one.
pub(super) async fn send(
    brain: &Brain,
    queue: &Queue,
    mut item: OutboxItem,
    mut action: Action,
    mut known: Option<Outcome>,
) -> Vec<Op> {
    if action.kind.is_none() {
        error!(action = %item.id, "a stored action cannot be read; it is dropped");
        return done(&item, &action, None);
    }
    if let Some(Kind::Delete(delete)) = &mut action.kind
        && !find_deleted(brain, &item, &mut delete.message_id).await
    {
        return done(&item, &action, None);
    }
    fill_message_id(brain, &mut action).await;
    let mut attempts = 0_u32;
    // Tries in a row that did not reach the platform.
    let mut away = 0_u32;
    loop {
        // From here on, so that a word during the try is not missed.
        let spoke = queue.spoke.subscribe();
        let session = brain.sessions().wait_for(&item.room.bot).await;
        let outcome = match known.take() {
            Some(outcome) => outcome,
            None => {
                let shaped = brain.shape_for(&session, &item.room, action.clone());
                let Ok(outcome) = session.perform(shaped).await else {
                    debug!(action = %item.id, "the session ended before the result; once more in the next");
                    continue;
                };
                outcome
            }
        };
        attempts += 1;
        match outcome {
            Outcome::Ok(sent) => return done(&item, &action, Some(sent.message_id)),
            Outcome::RateLimited(limited) => {
                attempts -= 1;
                pause(Duration::from_millis(limited.retry_after_ms)).await;
            }
            Outcome::Held(reason) => {
                attempts -= 1;
                debug!(action = %item.id, reason, "held until the room speaks");
                wait_until_spoken(spoke, &session).await;
            }
            Outcome::Unreachable(reason) => {
                attempts -= 1;
                away = (away + 1).min(10);
                debug!(action = %item.id, reason, "the platform is away");
                pause(PAUSE.0.saturating_mul(1 << away).min(AWAY_PAUSE)).await;
                continue;
            }
            Outcome::Gone(_) if forget_message(&mut action) => {}
            Outcome::Transient(reason) if attempts < MOST_ATTEMPTS => {
                debug!(action = %item.id, reason, attempts, "not sent yet");
                let doubled = PAUSE.0.saturating_mul(1 << attempts.min(10));
                pause(doubled.min(PAUSE.1)).await;
            }
            Outcome::Gone(reason)
            | Outcome::Forbidden(reason)
            | Outcome::Transient(reason)
            | Outcome::Fatal(reason) => {
                warn!(action = %item.id, room = %item.room.room, reason, "message given up");
                return done(&item, &action, None);
            }
        }
        away = 0;
        item.attempts = i64::from(attempts);
    }
}

/// What the store has to know of an action that was said, or never will be.
fn done(item: &OutboxItem, action: &Action, message_id: Option<String>) -> Vec<Op> {
    let mut ops = vec![Op::OutboxDone {
        id: item.id.clone(),
    }];
    let Some(message) = message_id.filter(|message| !message.is_empty()) else {
        return ops;
    };
    if let Some(Kind::File(sent)) = &action.kind {
        ops.push(Op::FileShown {
            hash: sent.file.clone().unwrap_or_default().blob,
            room: item.room.clone(),
            message: message.clone(),
        });
    }
    if let Some(key) = &item.progress_key {
        ops.push(Op::Progress(ProgressObject {
            key: key.clone(),
            message_id: message,
        }));
    }
    ops
}

/// Takes an action out of the store. The next one need not wait for that, unless it may depend on what
/// else is kept of this one.
pub(super) async fn forget(brain: &Brain, ops: Vec<Op>, ongoing: Ongoing, said: &mut JoinSet<()>) {
    let unit = Unit::of(ops);
    let is_alone = unit.is_common();
    let receipt = brain.store().enqueue(unit).await;
    let rest = async move {
        let committed = match receipt {
            Ok(receipt) => receipt.outcome().await,
            Err(error) => Err(error),
        };
        // A row that stays is sent again after a restart; the adapter or the platform sees a
        // repetition at worst, so this is logged and not retried for ever.
        if let Err(error) = committed {
            error!(%error, "cannot mark an action as sent");
        }
        drop(ongoing);
    };
    if !is_alone {
        return rest.await;
    }
    said.spawn(rest.in_current_span());
    while said.try_join_next().is_some() {}
    if said.len() >= MOST_FORGETTING {
        said.join_next().await;
    }
}

/// Fills in the message that shows the progress object. False when there is none yet.
async fn fill_message_id(brain: &Brain, action: &mut Action) -> bool {
    let Some(Kind::Progress(progress)) = &mut action.kind else {
        return true;
    };
    if progress.message_id.is_empty()
        && let Ok(Some(known)) = brain.store().progress(&progress.key).await
    {
        progress.message_id = known.message_id;
    }
    !progress.message_id.is_empty()
}

/// Fills in the message that shows the object which is to be deleted. False when nothing ever did.
async fn find_deleted(brain: &Brain, item: &OutboxItem, message_id: &mut String) -> bool {
    if message_id.is_empty()
        && let Some(key) = &item.progress_key
        && let Ok(Some(known)) = brain.store().progress(key).await
    {
        *message_id = known.message_id;
    }
    !message_id.is_empty()
}

/// The message to edit is gone: show the object in a new one. False when it was new already.
fn forget_message(action: &mut Action) -> bool {
    match &mut action.kind {
        Some(Kind::Progress(progress)) if !progress.message_id.is_empty() => {
            progress.message_id.clear();
            true
        }
        _ => false,
    }
}

/// Waits until the room speaks. It is tried again now and then all the same: quotas are renewed.
async fn wait_until_spoken(mut spoke: watch::Receiver<u64>, session: &SessionHandle) {
    tokio::select! {
        _ = spoke.changed() => {}
        () = session.ended() => {}
        () = tokio::time::sleep(HELD_RETRY) => {}
    }
}

/// Sleeps a tenth longer at random, so that many rooms do not come back at once.
async fn pause(base: Duration) {
    let jitter = rand::rng().random_range(0.0..0.1);
    tokio::time::sleep(base.mul_f64(1.0 + jitter)).await;
}
