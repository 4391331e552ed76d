//! How many unasked messages the platform takes.

use std::time::Duration;

use tokio::time::Instant;

use super::config::Rules;
use super::place::{Place, PlaceKind};
use crate::recent::Recent;
use crate::window::Window;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const ROOMS: usize = 4096;

#[derive(Debug)]
struct RoomQuota {
    minute: Window,
    day: Window,
}

/// The quotas of one bot, as far as this process has used them.
#[derive(Debug)]
pub(super) struct Quotas {
    rules: Rules,
    rooms: Recent<String, RoomQuota>,
    private: Window,
    group: Window,
}

impl Quotas {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            private: Window::new(rules.private_per_minute, MINUTE),
            group: Window::new(rules.group_per_minute, MINUTE),
            rules,
            rooms: Recent::new(ROOMS),
        }
    }

    /// Takes a place for one unasked message.
    ///
    /// # Errors
    /// How long there is none.
    pub(super) fn take(&mut self, place: &Place, now: Instant) -> Result<(), Duration> {
        let (room, bot) = self.windows(place);
        let wait = bot
            .wait(now)
            .max(room.minute.wait(now))
            .max(room.day.wait(now));
        if !wait.is_zero() {
            return Err(wait);
        }
        for window in [bot, &mut room.minute, &mut room.day] {
            window.count(now);
        }
        Ok(())
    }

    /// The platform says that the quota is used up, whatever was counted here.
    pub(super) fn used_up(&mut self, place: &Place, now: Instant) {
        let (room, _) = self.windows(place);
        room.minute.fill(now);
    }

    /// Unasked messages that may go now.
    pub(super) fn left(&self, place: &Place, now: Instant) -> usize {
        let bot = match place.kind {
            PlaceKind::Private => &self.private,
            PlaceKind::Group => &self.group,
        };
        let room = match self.rooms.get(&place.room()) {
            Some(room) => room.minute.left(now).min(room.day.left(now)),
            None => self.rules.room_per_minute.min(self.rules.room_per_day),
        };
        room.min(bot.left(now))
    }

    fn windows(&mut self, place: &Place) -> (&mut RoomQuota, &mut Window) {
        let key = place.room();
        if self.rooms.get(&key).is_none() {
            let quota = RoomQuota {
                minute: Window::new(self.rules.room_per_minute, MINUTE),
                day: Window::new(self.rules.room_per_day, DAY),
            };
            self.rooms.insert(key.clone(), quota);
        }
        let bot = match place.kind {
            PlaceKind::Private => &mut self.private,
            PlaceKind::Group => &mut self.group,
        };
        let room = self
            .rooms
            .get_mut(&key)
            .expect("it was put in when it was missing");
        (room, bot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_a_day_and_the_bot_as_a_whole() {
        let rules = Rules {
            room_per_minute: 2,
            room_per_day: 3,
            group_per_minute: 3,
            ..Rules::default()
        };
        let mut quotas = Quotas::new(rules);
        let mut now = Instant::now();
        let (one, two) = (Place::group("1"), Place::group("2"));
        assert_eq!(quotas.take(&one, now), Ok(()));
        now += Duration::from_secs(10);
        assert_eq!(quotas.take(&one, now), Ok(()));
        assert_eq!(quotas.take(&one, now), Err(Duration::from_secs(50)));
        assert_eq!(quotas.take(&two, now), Ok(()));
        assert_eq!(
            quotas.take(&two, now),
            Err(Duration::from_secs(50)),
            "the bot's own limit"
        );
        assert_eq!(quotas.take(&Place::private("1"), now), Ok(()));
        now += Duration::from_secs(60);
        assert_eq!(quotas.left(&one, now), 1);
        assert_eq!(quotas.take(&one, now), Ok(()));
        assert!(quotas.take(&one, now).is_err_and(|wait| wait > MINUTE));
    }

    #[test]
    fn the_platform_knows_better() {
        let mut quotas = Quotas::new(Rules::default());
        let now = Instant::now();
        let place = Place::private("1");
        quotas.used_up(&place, now);
        assert_eq!(quotas.left(&place, now), 0);
        assert_eq!(quotas.take(&place, now), Err(MINUTE));
    }
}
