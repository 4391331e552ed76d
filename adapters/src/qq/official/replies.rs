//! What may be answered, for how long and how often.
//!
//! Each answer names the message that it answers and a number of its own. The number is made from the
//! action, so that an action which is repeated after a cut line or a restart is refused by the platform
//! as a repetition, instead of being shown twice.

use std::collections::VecDeque;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use tokio::time::Instant;

use super::config::Rules;
use super::place::{Place, PlaceKind};
use crate::recent::Recent;

/// Rooms, and messages of one room, that are remembered.
const ROOMS: usize = 4096;
const MESSAGES: usize = 16;
/// Messages that are known to be unanswerable.
const DEAD: usize = 4096;
/// A window that ends so soon is not used.
const MARGIN: Duration = Duration::from_secs(3);
/// A room that refused unasked messages is asked again after this.
const REFUSAL_LIFE: Duration = Duration::from_secs(3600);

/// What an answer names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// A message.
    Message(String),
    /// Another event: a pressed button, a new friend.
    Event(String),
}

impl Origin {
    /// As the contract's reply token.
    pub(super) fn token(&self) -> String {
        match self {
            Self::Message(id) => format!("m:{id}"),
            Self::Event(id) => format!("e:{id}"),
        }
    }

    pub(super) fn parse(token: &str) -> Option<Self> {
        match token.split_once(':')? {
            ("m", id) if !id.is_empty() => Some(Self::Message(id.to_owned())),
            ("e", id) if !id.is_empty() => Some(Self::Event(id.to_owned())),
            _ => None,
        }
    }
}

/// A place among the answers to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) origin: Origin,
    /// Id of the frame that brought the message; streams need it. Empty when it is not known.
    pub(super) frame: String,
    /// Number of the answer.
    pub(super) number: u16,
}

#[derive(Debug)]
struct Answerable {
    origin: Origin,
    frame: String,
    until: Instant,
    /// Who has taken a place, and its number.
    taken: Vec<(String, u16)>,
    left: u32,
}

#[derive(Debug, Default)]
struct Room {
    /// The newest last.
    messages: VecDeque<Answerable>,
    refuses_unasked_until: Option<Instant>,
}

/// The answers of one bot.
#[derive(Debug)]
pub(super) struct Replies {
    rules: Rules,
    rooms: Recent<String, Room>,
    dead: Recent<Origin, ()>,
}

impl Replies {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            rooms: Recent::new(ROOMS),
            dead: Recent::new(DEAD),
        }
    }

    /// How long a message in this room may be answered.
    pub(super) fn window(&self, kind: PlaceKind) -> Duration {
        match kind {
            PlaceKind::Private => self.rules.private_window,
            PlaceKind::Group => self.rules.group_window,
        }
    }

    /// Somebody has spoken, `age` ago: that may be answered. Hearing it again changes nothing.
    pub(super) fn heard(
        &mut self,
        place: &Place,
        origin: Origin,
        frame: &str,
        age: Duration,
        now: Instant,
    ) {
        let left = self.window(place.kind).saturating_sub(age);
        self.add(place, origin, frame, now + left);
    }

    fn add(&mut self, place: &Place, origin: Origin, frame: &str, until: Instant) {
        if self.dead.get(&origin).is_some() {
            return;
        }
        let left = self.rules.replies;
        let room = self.room(place);
        if room.messages.iter().any(|known| known.origin == origin) {
            return;
        }
        if room.messages.len() == MESSAGES {
            room.messages.pop_front();
        }
        room.messages.push_back(Answerable {
            origin,
            frame: frame.to_owned(),
            until,
            taken: Vec::new(),
            left,
        });
    }

    /// A place for an answer: the one that `key` has already, else one at the wanted message, else at
    /// the newest. A wanted message of the time before this process is tried.
    pub(super) fn take(
        &mut self,
        place: &Place,
        wanted: Option<&Origin>,
        key: &str,
        now: Instant,
    ) -> Option<Slot> {
        if let Some(origin) = wanted
            && self.dead.get(origin).is_none()
            && !self.knows(place, origin)
        {
            // When it was said is not known; the platform knows.
            let until = now + self.window(place.kind);
            self.add(place, origin.clone(), "", until);
        }
        let room = self.rooms.get_mut(&place.room())?;
        room.messages.retain(|message| message.until > now + MARGIN);
        let has_place = room
            .messages
            .iter()
            .position(|message| message.taken.iter().any(|(taker, _)| taker == key));
        let has_room = |message: &Answerable| message.left > 0;
        let at = has_place
            .or_else(|| {
                room.messages
                    .iter()
                    .position(|message| Some(&message.origin) == wanted && has_room(message))
            })
            .or_else(|| room.messages.iter().rposition(has_room))?;
        room.messages.get_mut(at).map(|message| message.slot(key))
    }

    /// The platform no longer takes answers to this.
    pub(super) fn dies(&mut self, place: &Place, origin: &Origin) {
        self.dead.insert(origin.clone(), ());
        self.room(place)
            .messages
            .retain(|message| message.origin != *origin);
    }

    /// Whether the room takes unasked messages, as far as is known.
    pub(super) fn takes_unasked(&self, place: &Place, now: Instant) -> bool {
        self.rules.unasked
            && self
                .rooms
                .get(&place.room())
                .and_then(|room| room.refuses_unasked_until)
                .is_none_or(|until| until <= now)
    }

    /// The room has switched unasked messages on or off.
    pub(super) fn set_unasked(&mut self, place: &Place, allowed: bool, now: Instant) {
        self.room(place).refuses_unasked_until = (!allowed).then(|| now + REFUSAL_LIFE);
    }

    /// How many answers are left in a room, and for how long at the longest.
    pub(super) fn left(&self, place: &Place, now: Instant) -> (u32, Duration) {
        let Some(room) = self.rooms.get(&place.room()) else {
            return (0, Duration::ZERO);
        };
        let open = room
            .messages
            .iter()
            .filter(|message| message.until > now + MARGIN);
        open.fold((0, Duration::ZERO), |(left, longest), message| {
            let window = message.until.saturating_duration_since(now);
            (left + message.left, longest.max(window))
        })
    }

    fn knows(&self, place: &Place, origin: &Origin) -> bool {
        self.rooms.get(&place.room()).is_some_and(|room| {
            room.messages
                .iter()
                .any(|message| message.origin == *origin)
        })
    }

    fn room(&mut self, place: &Place) -> &mut Room {
        let room = place.room();
        if self.rooms.get(&room).is_none() {
            self.rooms.insert(room.clone(), Room::default());
        }
        self.rooms
            .get_mut(&room)
            .expect("it was put in when it was missing")
    }
}

impl Answerable {
    fn slot(&mut self, key: &str) -> Slot {
        let known = self.taken.iter().find(|(taker, _)| taker == key);
        let number = match known {
            Some((_, number)) => *number,
            None => {
                let mut number = number_of(key);
                while self.taken.iter().any(|(_, taken)| *taken == number) {
                    number = number.wrapping_add(1).max(1);
                }
                self.taken.push((key.to_owned(), number));
                self.left = self.left.saturating_sub(1);
                number
            }
        };
        Slot {
            origin: self.origin.clone(),
            frame: self.frame.clone(),
            number,
        }
    }
}

/// The same in every process.
fn number_of(key: &str) -> u16 {
    let digest = digest(&SHA256, key.as_bytes());
    match digest.as_ref() {
        [high, low, ..] => u16::from_be_bytes([*high, *low]).max(1),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn message(id: &str) -> Origin {
        Origin::Message(id.to_owned())
    }

    fn some() -> (Replies, Place) {
        (Replies::new(Rules::default()), Place::private("U"))
    }

    #[test]
    fn five_answers_each_with_a_number_of_its_own_and_the_same_for_the_same_action() {
        let ((mut replies, place), now) = (some(), Instant::now());
        replies.heard(&place, message("1"), "f", Duration::ZERO, now);
        let mut numbers = std::collections::HashSet::new();
        for key in ["a", "b", "c", "d", "e"] {
            let slot = replies.take(&place, Some(&message("1")), key, now).unwrap();
            assert!(numbers.insert(slot.number));
            assert_eq!(replies.take(&place, None, key, now), Some(slot));
        }
        assert_eq!(replies.take(&place, Some(&message("1")), "f", now), None);
        assert_eq!(replies.left(&place, now).0, 0);
        let (mut another, _) = some();
        let slot = another.take(&place, Some(&message("1")), "a", now).unwrap();
        assert!(numbers.contains(&slot.number), "in another process, too");
    }

    #[test]
    fn a_window_ends_and_the_newest_message_takes_over() {
        let ((mut replies, _), mut now) = (some(), Instant::now());
        let group = Place::group("G");
        replies.heard(&group, message("1"), "", Duration::ZERO, now);
        now += Duration::from_secs(4 * 60);
        replies.heard(&group, message("2"), "", Duration::ZERO, now);
        assert_eq!(
            replies
                .take(&group, Some(&message("1")), "a", now)
                .unwrap()
                .origin,
            message("1")
        );
        now += Duration::from_secs(59);
        let slot = replies.take(&group, Some(&message("3")), "b", now).unwrap();
        assert_eq!(slot.origin, message("3"), "an unknown one is tried");
        replies.dies(&group, &message("3"));
        let slot = replies.take(&group, Some(&message("3")), "b", now).unwrap();
        assert_eq!(slot.origin, message("2"));
        now += Duration::from_secs(5 * 60);
        assert_eq!(replies.take(&group, Some(&message("3")), "c", now), None);
    }

    #[test]
    fn a_room_that_refuses_unasked_messages_is_asked_again_later() {
        let ((mut replies, place), mut now) = (some(), Instant::now());
        assert!(replies.takes_unasked(&place, now));
        replies.set_unasked(&place, false, now);
        assert!(!replies.takes_unasked(&place, now));
        now += REFUSAL_LIFE;
        assert!(replies.takes_unasked(&place, now));
    }
}
