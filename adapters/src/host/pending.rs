//! Events that the brain has not acknowledged yet.

use std::collections::{BTreeMap, HashMap};

use jarvis_proto::chat::{Event, event};
use tokio::sync::oneshot;

use crate::adapter::Delivery;

/// How many events may wait for their acknowledgement. So many that a brain with too much to do is told
/// of each, and can refuse it at once; what waited on the platform's line would wait unseen.
const MOST: usize = 8_192;
/// How many bytes they may have together.
const MOST_BYTES: usize = 16 << 20;

/// Longest text of an event, in bytes. The brain refuses texts that are half as long; a frame that it
/// cannot read would end the session, again and again.
const MOST_TEXT: usize = 384 << 10;

/// The unacknowledged events in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Pending {
    entries: BTreeMap<u64, Entry>,
    /// Their places by event id.
    places: HashMap<String, u64>,
    next: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    event: Event,
    bytes: usize,
    /// More than one when the platform delivered the event again meanwhile.
    waiters: Vec<oneshot::Sender<()>>,
}

impl Pending {
    pub(super) fn has_room(&self) -> bool {
        self.entries.len() < MOST && self.bytes < MOST_BYTES
    }

    /// Keeps an event; returns it when it has to be sent, that is, when it is not waiting already.
    pub(super) fn add(&mut self, delivery: Delivery) -> Option<Event> {
        let Delivery {
            mut event,
            accepted,
        } = delivery;
        if let Some(known) = self
            .places
            .get(&event.id)
            .and_then(|place| self.entries.get_mut(place))
        {
            known.waiters.push(accepted);
            return None;
        }
        if let Some(event::Kind::Message(message) | event::Kind::Edited(message)) = &mut event.kind
        {
            cut(&mut message.text);
            cut(&mut message.reply_to_text);
        }
        let bytes = size(&event);
        self.bytes += bytes;
        self.places.insert(event.id.clone(), self.next);
        let entry = Entry {
            event: event.clone(),
            bytes,
            waiters: vec![accepted],
        };
        self.entries.insert(self.next, entry);
        self.next += 1;
        Some(event)
    }

    /// The brain has stored this event.
    pub(super) fn acknowledge(&mut self, id: &str) {
        let place = self.places.remove(id);
        let Some(entry) = place.and_then(|place| self.entries.remove(&place)) else {
            return;
        };
        self.bytes -= entry.bytes;
        for waiter in entry.waiters {
            // Nobody may be waiting any more.
            let _ = waiter.send(());
        }
    }

    /// Everything to be sent again in a new session.
    pub(super) fn all(&self) -> impl Iterator<Item = &Event> {
        self.entries.values().map(|known| &known.event)
    }
}

/// About how many bytes an event has; only its texts can be long.
fn size(event: &Event) -> usize {
    let texts = match &event.kind {
        Some(event::Kind::Message(message) | event::Kind::Edited(message)) => {
            message.text.len() + message.reply_to_text.len()
        }
        _ => 0,
    };
    512 + texts
}

/// Leaves what a frame can carry, and enough for the brain to say that it is too much.
fn cut(text: &mut String) {
    let mut end = MOST_TEXT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::chat::{Event, Message, event};
    use tokio::sync::oneshot;

    use super::{MOST_TEXT, Pending};
    use crate::adapter::Delivery;

    fn delivery(id: &str) -> (Delivery, oneshot::Receiver<()>) {
        let (accepted, acceptance) = oneshot::channel();
        (
            Delivery {
                event: Event {
                    id: id.into(),
                    ..Event::default()
                },
                accepted,
            },
            acceptance,
        )
    }

    #[test]
    fn a_text_of_megabytes_does_not_end_the_session() {
        let (mut large, _acceptance) = delivery("1");
        large.event.kind = Some(event::Kind::Message(Message {
            text: "长".repeat(1 << 20),
            ..Message::default()
        }));
        let mut pending = Pending::default();
        let sent = pending.add(large).unwrap();
        let Some(event::Kind::Message(message)) = sent.kind else {
            panic!("it stays a message");
        };
        assert!(message.text.len() <= MOST_TEXT && message.text.ends_with('长'));
    }

    #[test]
    fn few_large_events_are_as_much_as_many_small_ones() {
        let mut pending = Pending::default();
        let mut count = 0;
        while pending.has_room() {
            let (mut large, _acceptance) = delivery(&count.to_string());
            large.event.kind = Some(event::Kind::Message(Message {
                text: "x".repeat(1 << 20),
                ..Message::default()
            }));
            pending.add(large).unwrap();
            count += 1;
        }
        assert!((16..100).contains(&count), "{count}");
        pending.acknowledge("0");
        assert!(pending.has_room());
    }

    #[test]
    fn an_event_stays_until_its_own_acknowledgement() {
        let mut pending = Pending::default();
        let (a, mut a_accepted) = delivery("a");
        let (b, mut b_accepted) = delivery("b");
        let (again, mut again_accepted) = delivery("a");
        assert!(pending.add(a).is_some());
        assert!(pending.add(b).is_some());
        assert!(pending.add(again).is_none(), "sent once while it waits");
        pending.acknowledge("unknown");
        pending.acknowledge("a");
        a_accepted.try_recv().unwrap();
        again_accepted.try_recv().unwrap();
        b_accepted.try_recv().unwrap_err();
        assert_eq!(
            pending
                .all()
                .map(|event| event.id.as_str())
                .collect::<Vec<_>>(),
            ["b"]
        );
    }
}
