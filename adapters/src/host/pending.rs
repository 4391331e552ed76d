//! Events that the brain has not acknowledged yet.

use std::collections::VecDeque;

use jarvis_proto::chat::Event;
use tokio::sync::oneshot;

use crate::adapter::Delivery;

/// How many events may wait for their acknowledgement.
const MOST: usize = 256;

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
        let Delivery { event, accepted } = delivery;
        if let Some(known) = self.0.iter_mut().find(|known| known.event.id == event.id) {
            known.waiters.push(accepted);
            return None;
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::chat::Event;
    use tokio::sync::oneshot;

    use super::Pending;
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
