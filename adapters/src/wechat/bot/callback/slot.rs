//! What can be said to one callback: a bubble that WeCom comes to ask for, and one message by its
//! `response_url`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::super::line::lock;
use super::super::outbound::Card;
use super::super::place::Place;
use crate::recent::Recent;

/// Callbacks that are remembered.
const REMEMBERED: usize = 4096;

/// Slots are told by this at the beginning of their id.
pub(in super::super) const MARK: &str = "c-";

/// What the brain keeps with an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Token {
    /// The slot's id.
    #[serde(rename = "s")]
    pub(in super::super) slot: String,
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    pub(in super::super) url: Option<String>,
}

impl Token {
    pub(in super::super) fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(in super::super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// One callback, as far as its answers are concerned.
#[derive(Debug)]
pub(in super::super) struct Slot {
    pub(in super::super) id: String,
    url: Option<String>,
    since: Instant,
    state: Mutex<State>,
    /// Number of the last state that WeCom has got.
    served: watch::Sender<u64>,
    /// Something is there to be said.
    said: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// Who has the bubble; nobody else may.
    bubble_of: Option<String>,
    /// The bubble takes nothing more.
    is_closed: bool,
    url_of: Option<String>,
    text: String,
    card: Option<Card>,
    is_last: bool,
    number: u64,
    /// The callback itself was answered: from now on WeCom asks.
    is_answered: bool,
}

/// What WeCom is told now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Answer {
    /// The bubble's text, and whether it is the last.
    Text(String, bool),
    Card(Card),
    /// Nobody has said anything.
    Nothing,
}

impl Slot {
    fn new(id: &str, url: Option<String>, has_bubble: bool) -> Self {
        Self {
            id: id.to_owned(),
            url,
            since: Instant::now(),
            state: Mutex::new(State {
                is_closed: !has_bubble,
                ..State::default()
            }),
            served: watch::Sender::new(0),
            said: watch::Sender::new(false),
        }
    }

    pub(in super::super) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Takes the bubble for `key`, which has it at a further try, too.
    pub(in super::super) fn take_bubble(&self, key: &str) -> bool {
        let mut state = lock(&self.state);
        if state.is_closed {
            return false;
        }
        let owner = state.bubble_of.get_or_insert_with(|| key.to_owned());
        owner == key
    }

    /// Takes the one message by `response_url` for `key`; says where to send it.
    pub(in super::super) fn take_url(&self, key: &str) -> Option<String> {
        let url = self.url.clone()?;
        let mut state = lock(&self.state);
        let owner = state.url_of.get_or_insert_with(|| key.to_owned());
        (owner == key).then_some(url)
    }

    /// The message by `response_url` was sent, or will never be taken.
    pub(in super::super) fn url_is_used(&self) {
        lock(&self.state).url_of = Some(String::new());
    }

    /// Puts a text into the bubble; returns its number.
    pub(in super::super) fn say(&self, text: &str, is_last: bool) -> u64 {
        self.put(|state| {
            text.clone_into(&mut state.text);
            state.is_last = is_last;
        })
    }

    /// Answers the callback with a card; `None` when it was answered already.
    pub(in super::super) fn say_card(&self, card: &Card) -> Option<u64> {
        if lock(&self.state).is_answered {
            return None;
        }
        Some(self.put(|state| {
            state.card = Some(card.clone());
            state.is_last = true;
        }))
    }

    fn put(&self, change: impl FnOnce(&mut State)) -> u64 {
        let number = {
            let mut state = lock(&self.state);
            change(&mut state);
            state.number += 1;
            state.number
        };
        self.said.send_replace(true);
        number
    }

    /// Waits until somebody has something to say.
    pub(in super::super) async fn speaks(&self, limit: Duration) {
        let mut said = self.said.subscribe();
        // In vain is an answer, too.
        let _ = timeout(limit, said.wait_for(|said| *said)).await;
    }

    /// Waits until WeCom has got the state with this number, or a later one; whether it has.
    pub(in super::super) async fn is_served(&self, number: u64, limit: Duration) -> bool {
        let mut served = self.served.subscribe();
        let got = served.wait_for(|served| *served >= number);
        matches!(timeout(limit, got).await, Ok(Ok(_)))
    }

    /// What to tell WeCom now. It counts as told.
    pub(in super::super) fn answer(&self) -> Answer {
        let (answer, number) = {
            let mut state = lock(&self.state);
            state.is_answered = true;
            state.is_closed |= state.is_last;
            let answer = match &state.card {
                Some(card) => Answer::Card(card.clone()),
                None if state.number == 0 => Answer::Nothing,
                None => Answer::Text(state.text.clone(), state.is_last),
            };
            (answer, state.number)
        };
        self.served
            .send_modify(|served| *served = number.max(*served));
        answer
    }

    /// Takes a text back for which WeCom has not come, so that it can go another way; `false` when it has
    /// come after all. Whoever comes now reads `instead`.
    pub(in super::super) fn take_back(&self, number: u64, instead: &str) -> bool {
        let mut state = lock(&self.state);
        if *self.served.borrow() >= number {
            return false;
        }
        instead.clone_into(&mut state.text);
        state.card = None;
        state.is_last = true;
        state.is_closed = true;
        state.number += 1;
        true
    }

    /// The bubble takes nothing more.
    pub(in super::super) fn close(&self) {
        lock(&self.state).is_closed = true;
    }

    pub(in super::super) fn is_closed(&self) -> bool {
        lock(&self.state).is_closed
    }
}

/// All callbacks that can be answered.
#[derive(Debug)]
pub(in super::super) struct Polled(Mutex<Slots>);

#[derive(Debug)]
struct Slots {
    all: Recent<String, Arc<Slot>>,
    /// The newest of each room.
    newest: Recent<String, String>,
}

impl Default for Polled {
    fn default() -> Self {
        Self(Mutex::new(Slots {
            all: Recent::new(REMEMBERED),
            newest: Recent::new(REMEMBERED),
        }))
    }
}

impl Polled {
    /// The slot of a callback: the same one when it is delivered again.
    pub(in super::super) fn heard(
        &self,
        place: &Place,
        id: &str,
        url: Option<String>,
        has_bubble: bool,
    ) -> Arc<Slot> {
        let mut slots = lock(&self.0);
        slots.newest.remove(&place.room());
        slots.newest.insert(place.room(), id.to_owned());
        if let Some(slot) = slots.all.get(id) {
            return slot.clone();
        }
        let slot = Arc::new(Slot::new(id, url, has_bubble));
        slots.all.insert(id.to_owned(), slot.clone());
        slot
    }

    /// A slot; one of an earlier life of this program begins anew, for WeCom still asks for it.
    pub(in super::super) fn slot(&self, id: &str, url: Option<String>) -> Arc<Slot> {
        let mut slots = lock(&self.0);
        if let Some(slot) = slots.all.get(id) {
            return slot.clone();
        }
        let slot = Arc::new(Slot::new(id, url, true));
        slots.all.insert(id.to_owned(), slot.clone());
        slot
    }

    /// The newest slot of a room.
    pub(in super::super) fn newest(&self, place: &Place) -> Option<Arc<Slot>> {
        let slots = lock(&self.0);
        let id = slots.newest.get(&place.room())?;
        slots.all.get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[tokio::test]
    async fn a_callback_has_one_bubble_and_one_message() {
        let polled = Polled::default();
        let place = Place::Private("Ann".into());
        let slot = polled.heard(&place, "s1", Some("http://h/r".into()), true);
        assert!(Arc::ptr_eq(&slot, &polled.heard(&place, "s1", None, true)));
        assert!(slot.take_bubble("a") && slot.take_bubble("a") && !slot.take_bubble("b"));
        assert_eq!(slot.take_url("b").as_deref(), Some("http://h/r"));
        assert!(slot.take_url("b").is_some() && slot.take_url("c").is_none());
        slot.url_is_used();
        assert!(slot.take_url("b").is_none());
        assert_eq!(slot.answer(), Answer::Nothing);
        let first = slot.say("one", false);
        let last = slot.say("two", true);
        assert!(!slot.is_served(first, Duration::from_millis(1)).await);
        assert_eq!(slot.answer(), Answer::Text("two".into(), true));
        assert!(slot.is_served(last, Duration::ZERO).await);
        assert!(!slot.take_back(last, "later"), "it was told");
        assert!(!slot.take_bubble("a"), "its last word was said");
        assert!(Arc::ptr_eq(&slot, &polled.newest(&place).unwrap()));
        let other = polled.heard(&place, "s2", None, true);
        assert!(other.take_bubble("a"));
        let number = other.say("one", true);
        assert!(other.take_back(number, "later") && !other.take_bubble("a"));
        assert_eq!(other.answer(), Answer::Text("later".into(), true));
    }
}
