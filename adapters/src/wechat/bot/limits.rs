//! How many messages the platform takes from a robot.

use std::time::Duration;

use tokio::time::Instant;

use super::config::Rules;
use super::place::Place;
use crate::recent::Recent;
use crate::window::Window;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const ROOMS: usize = 4096;
/// First and longest pause after the platform has said "too often".
const PAUSE: (Duration, Duration) = (Duration::from_secs(2), MINUTE);

#[derive(Debug)]
struct Room {
    minute: Window,
    hour: Window,
    /// Refusals in a row.
    refused: u32,
}

/// What was sent to each room, as far as this process knows.
#[derive(Debug)]
pub(super) struct Limits {
    rules: Rules,
    rooms: Recent<String, Room>,
}

impl Limits {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            rooms: Recent::new(ROOMS),
        }
    }

    /// Takes a place for one message.
    ///
    /// # Errors
    /// How long there is none.
    pub(super) fn take(&mut self, place: &Place, now: Instant) -> Result<(), Duration> {
        let room = self.room(place);
        let wait = room.minute.wait(now).max(room.hour.wait(now));
        if !wait.is_zero() {
            return Err(wait);
        }
        room.minute.count(now);
        room.hour.count(now);
        Ok(())
    }

    /// The platform says that it was too often, whatever was counted here; how long to wait.
    pub(super) fn refused(&mut self, place: &Place) -> Duration {
        let room = self.room(place);
        let pause = PAUSE.0.saturating_mul(1 << room.refused.min(5));
        room.refused += 1;
        pause.min(PAUSE.1)
    }

    /// The platform has taken a message.
    pub(super) fn taken(&mut self, place: &Place) {
        if let Some(room) = self.rooms.get_mut(&place.room()) {
            room.refused = 0;
        }
    }

    /// Messages that may go now.
    pub(super) fn left(&self, place: &Place, now: Instant) -> usize {
        match self.rooms.get(&place.room()) {
            Some(room) => room.minute.left(now).min(room.hour.left(now)),
            None => self.rules.room_per_minute.min(self.rules.room_per_hour),
        }
    }

    fn room(&mut self, place: &Place) -> &mut Room {
        let key = place.room();
        if self.rooms.get(&key).is_none() {
            let room = Room {
                minute: Window::new(self.rules.room_per_minute, MINUTE),
                hour: Window::new(self.rules.room_per_hour, HOUR),
                refused: 0,
            };
            self.rooms.insert(key.clone(), room);
        }
        self.rooms
            .get_mut(&key)
            .expect("it was put in when it was missing")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_and_an_hour_of_each_room() {
        let rules = Rules {
            room_per_minute: 2,
            room_per_hour: 3,
            ..Rules::default()
        };
        let mut limits = Limits::new(rules);
        let mut now = Instant::now();
        let (one, two) = (Place::Group("1".into()), Place::Private("1".into()));
        assert_eq!(limits.take(&one, now), Ok(()));
        now += Duration::from_secs(10);
        assert_eq!(limits.take(&one, now), Ok(()));
        assert_eq!(limits.take(&one, now), Err(Duration::from_secs(50)));
        assert_eq!(limits.take(&two, now), Ok(()));
        now += MINUTE;
        assert_eq!(limits.left(&one, now), 1);
        assert_eq!(limits.take(&one, now), Ok(()));
        assert!(limits.take(&one, now).is_err_and(|wait| wait > MINUTE));
    }

    #[test]
    fn refusals_in_a_row_wait_longer_and_longer() {
        let mut limits = Limits::new(Rules::default());
        let place = Place::Group("1".into());
        let waits: Vec<u64> = (0..7).map(|_| limits.refused(&place).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60]);
        limits.taken(&place);
        assert_eq!(limits.refused(&place).as_secs(), 2);
    }
}
