//! Events that the brain has not acknowledged yet.

use std::collections::VecDeque;

use jarvis_proto::chat::{Event, event};
use tokio::sync::oneshot;

use crate::adapter::Delivery;

/// How many events may wait for their acknowledgement.
const MOST: usize = 256;

/// Longest text of an event, in bytes. The brain refuses texts that are half as long; a frame that it
/// cannot read would end the session, again and again.
const MOST_TEXT: usize = 384 << 10;

/// The unacknowledged events in the order of their arrival.
#[derive(Debug, Default)]
pub(super) struct Pending(VecDeque<Entry>);

#[derive(Debug)]
struct Entry {
    event: Event,
    /// More than one when the platform delivered the event again meanwhile.
    waiters: Vec<oneshot::Sender<()>>,
}

impl Pending {
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MOST
    }

    /// Keeps an event; returns it when it has to be sent, that is, when it is not waiting already.
    pub(super) fn add(&mut self, delivery: Delivery) -> Option<Event> {
        let Delivery {
            mut event,
            accepted,
        } = delivery;
        if let Some(known) = self.0.iter_mut().find(|known| known.event.id == event.id) {
            known.waiters.push(accepted);
            return None;
        }
        if let Some(event::Kind::Message(message) | event::Kind::Edited(message)) = &mut event.kind
        {
            cut(&mut message.text);
            cut(&mut message.reply_to_text);
        }
        self.0.push_back(Entry {
            event: event.clone(),
            waiters: vec![accepted],
        });
        Some(event)
    }

    /// The brain has stored this event.
    pub(super) fn acknowledge(&mut self, id: &str) {
        let Some(place) = self.0.iter().position(|known| known.event.id == id) else {
            return;
        };
        for waiter in self
            .0
            .remove(place)
            .into_iter()
            .flat_map(|known| known.waiters)
        {
            // Nobody may be waiting any more.
            let _ = waiter.send(());
        }
    }

    /// Everything to be sent again in a new session.
    pub(super) fn all(&self) -> impl Iterator<Item = &Event> {
        self.0.iter().map(|known| &known.event)
    }
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
