//! Lanes: rooms work in parallel, and inside one room events keep their order.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use jarvis_proto::chat::Event;
use tokio::sync::mpsc;
use tracing::warn;

use super::pressure::{Pressure, Wait};
use super::{BotKey, RoomKey};
use crate::activity::Ongoing;
use crate::brain::Brain;
use crate::pipeline;
use crate::service::SessionHandle;

/// Events that may wait in one room before people are told that we are busy.
const LANE_LIMIT: usize = 1024;
/// Answers of one room that may be on their way into the store at once.
const MOST_COMMITTING: usize = 64;
/// A lane without events ends after this.
const LANE_IDLE: Duration = Duration::from_secs(60);

/// An event on its way through the brain.
#[derive(Debug)]
pub struct Inbound {
    /// Who brought it, and gets the acknowledgement.
    pub session: SessionHandle,
    /// Where.
    pub room: RoomKey,
    /// What.
    pub event: Event,
    /// Keeps the bot from being idle until the event is through.
    pub ongoing: Ongoing,
    /// Until its turn comes.
    pub wait: Wait,
}

/// One lane per room with events.
#[derive(Debug, Default)]
pub struct Lanes {
    lanes: Mutex<HashMap<RoomKey, mpsc::Sender<Inbound>>>,
    pressure: Pressure,
}

impl Lanes {
    /// Puts an event into its room's lane. Never waits: gives back what there is no place for, or no
    /// time, so that its sender can be told.
    pub fn take(&self, brain: &Brain, session: &SessionHandle, event: Event) -> Option<Event> {
        let Some(room) = room_key(session.bot(), &event) else {
            warn!(event = %event.id, "event without id, room or person is ignored");
            return None;
        };
        session.note_event(&event.id);
        // What was taken in an earlier session has waited long enough, and a terminal waits by itself.
        if self.pressure.is_high()
            && !event.again
            && !session.is_terminal()
            && pipeline::is_command(session, &event)
        {
            return Some(event);
        }
        let ongoing = brain.activity().begin(session.bot());
        let inbound = Inbound {
            session: session.clone(),
            room: room.clone(),
            event,
            ongoing,
            wait: self.pressure.wait(),
        };
        let mut lanes = self.lock();
        // A command that panicked took its lane with it. The room goes on in a new one.
        if lanes.get(&room).is_some_and(mpsc::Sender::is_closed) {
            lanes.remove(&room);
        }
        let lane = lanes.entry(room).or_insert_with_key(|room| {
            let (sender, receiver) = mpsc::channel(LANE_LIMIT);
            brain.spawn(drive(brain.clone(), room.clone(), receiver));
            sender
        });
        let refused = lane.try_send(inbound).err()?;
        Some(refused.into_inner().event)
    }

    /// Ends the lane unless something came in since.
    fn end_if_empty(&self, room: &RoomKey, receiver: &mut mpsc::Receiver<Inbound>) -> bool {
        let mut lanes = self.lock();
        if !receiver.is_empty() {
            return false;
        }
        lanes.remove(room);
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RoomKey, mpsc::Sender<Inbound>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drive(brain: Brain, room: RoomKey, mut receiver: mpsc::Receiver<Inbound>) {
    // Answers on their way into the store, in order.
    let mut committing = FuturesOrdered::new();
    loop {
        tokio::select! {
            () = brain.stopping().cancelled() => return,
            Some(()) = committing.next() => {}
            next = tokio::time::timeout(LANE_IDLE, receiver.recv()), if committing.len() < MOST_COMMITTING => match next {
                Ok(Some(mut inbound)) => {
                    inbound.wait.turn();
                    let begun = beside(pipeline::begin(&brain, inbound), &mut committing).await;
                    committing.push_back(begun.rest);
                    if !begun.is_apart {
                        while committing.next().await.is_some() {}
                    }
                }
                Ok(None) => {
                    while committing.next().await.is_some() {}
                    return;
                }
                Err(_) if !committing.is_empty() => {}
                Err(_) => {
                    if brain.lanes().end_if_empty(&room, &mut receiver) {
                        return;
                    }
                }
            }
        }
    }
}

/// Does `work`, and meanwhile goes on with what is in order.
async fn beside<T>(
    work: impl Future<Output = T>,
    ordered: &mut FuturesOrdered<BoxFuture<'static, ()>>,
) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(()) = ordered.next() => {}
        }
    }
}

fn room_key(bot: &BotKey, event: &Event) -> Option<RoomKey> {
    let room = event.room.as_ref()?;
    let fits = |text: &str| !text.is_empty() && text.len() <= 256;
    let whole = fits(&event.id) && fits(&room.id) && room.thread.len() <= 256;
    (whole && event.person.is_some() && event.kind.is_some()).then(|| RoomKey {
        bot: bot.clone(),
        room: room.id.clone(),
        thread: room.thread.clone(),
    })
}
