//! Answers in the answer: what is said within five seconds goes back on the platform's own call.
//!
//! Such an answer costs nothing of what may be sent later. A text is promised to one call only; it counts as
//! said when the call is answered with it, and when the platform comes again because that answer was lost,
//! it gets the same one.
//!
//! An account that may not send anything later gathers what comes within a moment: else each word would
//! bring the answer to the word before it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::recent::Recent;

/// Answers that are remembered for when the platform comes again.
const REMEMBERED: usize = 4096;
/// Calls that are held open at the same time.
const MOST_OPEN: usize = 256;
/// A call that ends so soon takes no text any more.
const MARGIN: Duration = Duration::from_millis(100);
/// What follows within this time is gathered.
const GATHER: Duration = Duration::from_millis(400);

/// A text for a call, and who waits to hear that it was taken.
#[derive(Debug)]
struct Offer {
    text: String,
    taken: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Slot {
    number: u64,
    until: Instant,
    offers: mpsc::Sender<Offer>,
}

#[derive(Debug, Default)]
struct Slots {
    next: u64,
    open: usize,
    people: HashMap<String, VecDeque<Slot>>,
}

/// The calls of one account that are open.
#[derive(Debug)]
pub(super) struct Passive {
    slots: Mutex<Slots>,
    /// Event → what its call was answered with.
    answered: Mutex<Recent<String, String>>,
}

impl Default for Passive {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
            answered: Mutex::new(Recent::new(REMEMBERED)),
        }
    }
}

/// A call that waits for something to say.
#[derive(Debug)]
pub(super) struct Open {
    passive: Arc<Passive>,
    user: String,
    event: String,
    number: u64,
    until: Instant,
    offers: mpsc::Receiver<Offer>,
}

impl Passive {
    /// What the call of an event was answered with.
    pub(super) fn answered(&self, event: &str) -> Option<String> {
        lock(&self.answered).get(event).cloned()
    }

    /// Holds a call open; `None` when there are too many.
    pub(super) fn open(self: &Arc<Self>, user: &str, event: &str, until: Instant) -> Option<Open> {
        let (sender, offers) = mpsc::channel(8);
        let mut slots = lock(&self.slots);
        if slots.open >= MOST_OPEN || until <= Instant::now() {
            return None;
        }
        slots.next += 1;
        slots.open += 1;
        let number = slots.next;
        let slot = Slot {
            number,
            until,
            offers: sender,
        };
        let of_user = slots.people.entry(user.to_owned()).or_default();
        of_user.push_back(slot);
        Some(Open {
            passive: self.clone(),
            user: user.to_owned(),
            event: event.to_owned(),
            number,
            until,
            offers,
        })
    }

    /// How many calls of a person wait for an answer.
    pub(super) fn waiting(&self, user: &str) -> usize {
        let now = Instant::now() + MARGIN;
        let slots = lock(&self.slots);
        let of_user = slots.people.get(user).into_iter().flatten();
        of_user.filter(|slot| slot.until > now).count()
    }

    /// Says something on a person's oldest open call; false when there is none, and then it was not said.
    pub(super) async fn say(&self, user: &str, text: &str) -> bool {
        let mut tried = 0;
        loop {
            let sender = {
                let now = Instant::now() + MARGIN;
                let slots = lock(&self.slots);
                let of_user = slots.people.get(user).into_iter().flatten();
                of_user
                    .filter(|slot| slot.until > now && slot.number > tried)
                    .map(|slot| (slot.number, slot.offers.clone()))
                    .next()
            };
            let Some((number, offers)) = sender else {
                return false;
            };
            tried = number;
            let (taken, is_taken) = oneshot::channel();
            let offer = Offer {
                text: text.to_owned(),
                taken,
            };
            if offers.send(offer).await.is_ok() && is_taken.await.is_ok() {
                return true;
            }
        }
    }
}

impl Open {
    /// Waits for what there is to say until the platform would no longer; `None` when there was nothing.
    /// `fits` says whether a text can be an answer, `write` makes one of it.
    pub(super) async fn answer(
        mut self,
        gathers: bool,
        fits: impl Fn(&str) -> bool,
        write: impl Fn(&str) -> String,
    ) -> Option<String> {
        let mut said = String::new();
        let mut answer = None;
        let mut until = self.until;
        while let Ok(Some(offer)) = timeout_at(until, self.offers.recv()).await {
            let joined = match said.as_str() {
                "" => offer.text,
                _ => format!("{said}\n\n{}", offer.text),
            };
            if !fits(&joined) {
                // Dropping the offer tells its owner.
                continue;
            }
            said = joined;
            let body = write(&said);
            // Before anybody hears that it is taken: from now on it is this event's answer.
            lock(&self.passive.answered).insert(self.event.clone(), body.clone());
            answer = Some(body);
            let _ = offer.taken.send(());
            if !gathers {
                break;
            }
            until = self.until.min(Instant::now() + GATHER);
        }
        answer
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut slots = lock(&self.passive.slots);
        slots.open -= 1;
        if let Some(of_user) = slots.people.get_mut(&self.user) {
            of_user.retain(|slot| slot.number != self.number);
            if of_user.is_empty() {
                slots.people.remove(&self.user);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    fn written(text: &str) -> String {
        format!("<{text}>")
    }

    #[tokio::test]
    async fn a_text_is_said_on_one_call_and_comes_again_with_it() {
        let passive = Arc::new(Passive::default());
        let one = passive.open("ann", "e1", soon()).unwrap();
        let two = passive.open("ann", "e2", soon()).unwrap();
        assert_eq!(passive.waiting("ann"), 2);
        let one = tokio::spawn(one.answer(false, |_| true, written));
        let two = tokio::spawn(two.answer(false, |_| true, written));
        assert!(passive.say("ann", "a").await);
        assert_eq!(one.await.unwrap().as_deref(), Some("<a>"));
        assert!(passive.say("ann", "b").await);
        assert_eq!(two.await.unwrap().as_deref(), Some("<b>"));
        assert!(!passive.say("ann", "c").await);
        assert!(!passive.say("bob", "c").await);
        assert_eq!(passive.answered("e1").as_deref(), Some("<a>"));
        assert_eq!(passive.waiting("ann"), 0);
        assert!(lock(&passive.slots).people.is_empty());
    }

    #[tokio::test]
    async fn a_call_that_ends_takes_nothing() {
        let passive = Arc::new(Passive::default());
        let ends = Instant::now() + Duration::from_millis(150);
        let open = passive.open("ann", "e1", ends).unwrap();
        assert_eq!(open.answer(false, |_| true, written).await, None);
        assert!(!passive.say("ann", "late").await);
        // A caller who has gone away before it was answered.
        let open = passive.open("ann", "e2", soon()).unwrap();
        let saying = passive.say("ann", "lost");
        let leaving = async { drop(open) };
        assert!(!tokio::join!(saying, leaving).0);
        assert_eq!(passive.answered("e2"), None);
    }

    #[tokio::test]
    async fn what_comes_within_a_moment_is_gathered_while_it_fits() {
        let passive = Arc::new(Passive::default());
        let open = passive.open("ann", "e1", soon()).unwrap();
        let answer = tokio::spawn(open.answer(true, |text| text.len() < 10, written));
        assert!(passive.say("ann", "one").await);
        assert!(passive.say("ann", "two").await);
        assert!(!passive.say("ann", "much too long").await);
        assert_eq!(answer.await.unwrap().as_deref(), Some("<one\n\ntwo>"));
    }
}
