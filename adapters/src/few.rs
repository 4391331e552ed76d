//! Progress where nothing can be edited: a few messages instead of many.

use std::time::Duration;

use jarvis_proto::chat::Progress;
use tokio::time::Instant;

use crate::recent::Recent;

/// How long after the first state the further ones are shown. Then only the last.
const SHOWN_AFTER: [Duration; 3] = [
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
];
/// Progress objects that are remembered.
const REMEMBERED: usize = 4096;

/// Decides which states of progress objects become messages: the first and the last, and between
/// them one after half a minute, two minutes and ten minutes.
#[derive(Debug)]
pub struct Few {
    /// Room and key of an object: since when it is shown, and how many states between followed.
    objects: Recent<(String, String), (Instant, usize)>,
}

impl Default for Few {
    fn default() -> Self {
        Self {
            objects: Recent::new(REMEMBERED),
        }
    }
}

impl Few {
    /// Whether this state is to be sent as a message.
    pub fn shows(&mut self, room: &str, progress: &Progress, now: Instant) -> bool {
        let object = (room.to_owned(), progress.key.clone());
        if progress.r#final {
            self.objects.remove(&object);
            return true;
        }
        let Some(&(since, followed)) = self.objects.get(&object) else {
            self.objects.insert(object, (now, 0));
            // After a restart of the adapter the first state is in the room already.
            return progress.message_id.is_empty();
        };
        let is_due = SHOWN_AFTER
            .get(followed)
            .is_some_and(|after| now >= since + *after);
        if is_due {
            self.objects.insert(object, (since, followed + 1));
        }
        is_due
    }

    /// A state could not be sent: the next one is shown in its place.
    pub fn forget(&mut self, room: &str, key: &str) {
        self.objects.remove(&(room.to_owned(), key.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use jarvis_proto::chat::Progress;
    use tokio::time::{Duration, Instant};

    use super::Few;

    fn state(is_final: bool) -> Progress {
        Progress {
            key: "job:1".into(),
            r#final: is_final,
            ..Progress::default()
        }
    }

    #[test]
    fn an_hour_of_progress_is_five_messages() {
        let (mut few, start) = (Few::default(), Instant::now());
        let shown = (0..3600)
            .filter(|second| few.shows("a", &state(false), start + Duration::from_secs(*second)))
            .count();
        assert_eq!(shown, 4);
        assert!(few.shows("a", &state(true), start), "the last state");
        assert!(few.shows("b", &state(false), start), "another room");
    }

    #[test]
    fn what_is_in_the_room_already_is_not_sent_again_after_a_restart() {
        let mut few = Few::default();
        let known = Progress {
            message_id: "5".into(),
            ..state(false)
        };
        assert!(!few.shows("a", &known, Instant::now()));
        assert!(few.shows("a", &state(true), Instant::now()));
    }
}
