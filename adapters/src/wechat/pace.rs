//! How fast one person may be written to.

use std::time::Duration;

use tokio::time::Instant;

use crate::recent::Recent;
use crate::window::Window;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const ROOMS: usize = 4096;

/// Messages to each room within the last minute and hour, as far as this process has sent them.
#[derive(Debug)]
pub(super) struct Pace {
    per_minute: usize,
    per_hour: usize,
    rooms: Recent<String, (Window, Window)>,
}

impl Pace {
    pub(super) fn new(per_minute: usize, per_hour: usize) -> Self {
        Self {
            per_minute,
            per_hour,
            rooms: Recent::new(ROOMS),
        }
    }

    /// Takes a place for one message.
    ///
    /// # Errors
    /// How long there is none.
    pub(super) fn take(&mut self, room: &str, now: Instant) -> Result<(), Duration> {
        let (minute, hour) = self.windows(room);
        let wait = minute.wait(now).max(hour.wait(now));
        if !wait.is_zero() {
            return Err(wait);
        }
        minute.count(now);
        hour.count(now);
        Ok(())
    }

    /// The platform says that it was enough, whatever was counted here.
    pub(super) fn used_up(&mut self, room: &str, now: Instant) {
        self.windows(room).0.fill(now);
    }

    /// Messages that may go now.
    pub(super) fn left(&self, room: &str, now: Instant) -> usize {
        match self.rooms.get(room) {
            Some((minute, hour)) => minute.left(now).min(hour.left(now)),
            None => self.per_minute.min(self.per_hour),
        }
    }

    fn windows(&mut self, room: &str) -> (&mut Window, &mut Window) {
        if self.rooms.get(room).is_none() {
            let windows = (
                Window::new(self.per_minute, MINUTE),
                Window::new(self.per_hour, HOUR),
            );
            self.rooms.insert(room.to_owned(), windows);
        }
        let windows = self.rooms.get_mut(room);
        let (minute, hour) = windows.expect("it was put in when it was missing");
        (minute, hour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_and_an_hour_are_counted_for_each_room() {
        let mut pace = Pace::new(2, 3);
        let mut now = Instant::now();
        assert_eq!(pace.left("a", now), 2);
        assert_eq!(pace.take("a", now), Ok(()));
        assert_eq!(pace.take("a", now), Ok(()));
        assert_eq!(pace.take("a", now), Err(MINUTE));
        assert_eq!(pace.take("b", now), Ok(()));
        now += MINUTE;
        assert_eq!(pace.take("a", now), Ok(()));
        assert_eq!(pace.take("a", now), Err(HOUR - MINUTE));
        pace.used_up("b", now);
        assert_eq!(pace.left("b", now), 0);
    }
}
