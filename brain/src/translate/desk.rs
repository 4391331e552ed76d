//! One desk per room: translations are made several at a time and shown in the order of their messages.
//! One that takes long lets the others pass once people were told, and is filled in later.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use super::make::{self, Made};
use super::show;
use super::work::Work;
use crate::brain::Brain;
use crate::room::RoomKey;

/// Translations that may wait in one room; for more, people are told that it is too much.
const MOST_WAITING: usize = 300;
/// Rows that a desk takes, those of a restart included.
const QUEUE: usize = 20_000;
/// Translations of one room that are made at a time, so that no room has all engines to itself.
const AT_A_TIME: usize = 4;
/// A desk without work ends after this.
const IDLE: Duration = Duration::from_secs(60);

/// The desks of all rooms.
#[derive(Debug, Default)]
pub(super) struct Desk {
    rooms: Mutex<HashMap<RoomKey, Handle>>,
}

#[derive(Debug, Clone)]
struct Handle {
    queue: mpsc::Sender<Work>,
    waiting: Arc<AtomicUsize>,
}

/// A translation that is being made.
struct Slot {
    work: Work,
    made: oneshot::Receiver<Made>,
    /// When people are told that it takes long.
    due: Instant,
}

/// What became of the first of the line.
enum Head {
    /// It is made; nothing when its task was stopped.
    Made(Option<Made>),
    /// It takes too long.
    Late,
}

type Late = FuturesUnordered<BoxFuture<'static, (Work, Option<Made>)>>;

impl Desk {
    /// Takes a stored work.
    pub(super) fn take(&self, brain: &Brain, work: Work) {
        let mut rooms = self.lock();
        if rooms
            .get(&work.room)
            .is_some_and(|handle| handle.queue.is_closed())
        {
            rooms.remove(&work.room);
        }
        let handle = rooms.entry(work.room.clone()).or_insert_with_key(|room| {
            let (queue, receiver) = mpsc::channel(QUEUE);
            let waiting = Arc::new(AtomicUsize::new(0));
            brain.spawn(drive(
                brain.clone(),
                room.clone(),
                receiver,
                Arc::clone(&waiting),
            ));
            Handle { queue, waiting }
        });
        handle.waiting.fetch_add(1, Ordering::Relaxed);
        // What does not fit stays in the store and is taken up by the next start.
        if let Err(error) = handle.queue.try_send(work) {
            handle.waiting.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!(%error, "a translation waits for the next start");
        }
    }

    /// Whether so much waits in a room that no more is taken.
    pub(super) fn is_full(&self, room: &RoomKey) -> bool {
        self.lock()
            .get(room)
            .is_some_and(|handle| handle.waiting.load(Ordering::Relaxed) >= MOST_WAITING)
    }

    fn end_if_empty(&self, room: &RoomKey, receiver: &mpsc::Receiver<Work>) -> bool {
        let mut rooms = self.lock();
        if !receiver.is_empty() {
            return false;
        }
        rooms.remove(room);
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RoomKey, Handle>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drive(
    brain: Brain,
    room: RoomKey,
    mut receiver: mpsc::Receiver<Work>,
    waiting: Arc<AtomicUsize>,
) {
    let permits = Arc::new(Semaphore::new(AT_A_TIME));
    let mut line: VecDeque<Slot> = VecDeque::new();
    let mut late = Late::new();
    loop {
        let is_idle = line.is_empty() && late.is_empty();
        tokio::select! {
            () = brain.stopping().cancelled() => return,
            next = receiver.recv(), if line.len() < MOST_WAITING => match next {
                Some(work) => line.push_back(begin(&brain, work, &permits)),
                None => return,
            },
            head = head(&mut line) => {
                let Some(slot) = line.pop_front() else {
                    continue;
                };
                match head {
                    Head::Made(made) => finish(&brain, slot.work, made, &waiting).await,
                    Head::Late => set_aside(&brain, slot, &mut late).await,
                }
            },
            Some((work, made)) = late.next(), if !late.is_empty() => {
                finish(&brain, work, made, &waiting).await;
            },
            () = tokio::time::sleep(IDLE), if is_idle => {
                if brain.translations().desk.end_if_empty(&room, &receiver) {
                    return;
                }
            }
        }
    }
}

fn begin(brain: &Brain, work: Work, permits: &Arc<Semaphore>) -> Slot {
    let (done, made) = oneshot::channel();
    let due = Instant::now() + brain.config().translate.delayed_after;
    let making = brain.clone();
    let permits = Arc::clone(permits);
    let copy = work.clone();
    brain.spawn(async move {
        tokio::select! {
            made = make::make(&making, &copy, &permits) => drop(done.send(made)),
            () = making.stopping().cancelled() => {}
        }
    });
    Slot { work, made, due }
}

/// What becomes of the first of the line; waits for ever when there is none.
async fn head(line: &mut VecDeque<Slot>) -> Head {
    let Some(slot) = line.front_mut() else {
        return std::future::pending().await;
    };
    tokio::select! {
        biased;
        made = &mut slot.made => Head::Made(made.ok()),
        () = tokio::time::sleep_until(slot.due) => Head::Late,
    }
}

/// Tells people that it takes long, and lets the others pass.
async fn set_aside(brain: &Brain, slot: Slot, late: &mut Late) {
    let Slot { mut work, made, .. } = slot;
    show::delayed(brain, &mut work).await;
    late.push(Box::pin(async move { (work, made.await.ok()) }));
}

async fn finish(brain: &Brain, work: Work, made: Option<Made>, waiting: &AtomicUsize) {
    waiting.fetch_sub(1, Ordering::Relaxed);
    // Nothing comes from a task that was stopped or panicked: the row stays for the next start.
    if let Some(made) = made {
        show::made(brain, &work, made).await;
    }
}
