//! Flood control: how fast a bot may call its platform.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use jarvis_proto::chat::{Room, RoomKind};

use crate::adapter::FloodLimits;

/// Longest wait for a turn; beyond it the brain is told to come back later.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a call costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A call that puts no new message into a room (an edit, a deletion): counts for the bot only.
    Call,
    /// A new message: counts for the bot and for the room.
    Message,
}

/// The buckets of one bot.
#[derive(Debug)]
pub(crate) struct Flood {
    clock: DefaultClock,
    overall: Option<DefaultDirectRateLimiter>,
    room: Option<DefaultKeyedRateLimiter<String>>,
    group: Option<DefaultKeyedRateLimiter<String>>,
}

impl Flood {
    pub(crate) fn new(limits: FloodLimits) -> Self {
        let per_second = |most| NonZeroU32::new(most).map(Quota::per_second);
        Self {
            clock: DefaultClock::default(),
            overall: per_second(limits.overall_per_second).map(RateLimiter::direct),
            room: per_second(limits.room_per_second).map(RateLimiter::keyed),
            group: NonZeroU32::new(limits.group_per_minute)
                .map(|most| RateLimiter::keyed(Quota::per_minute(most))),
        }
    }

    /// Waits for a turn, the room's scarcest bucket first, so that a room that waits takes nothing
    /// from the others.
    ///
    /// # Errors
    /// The time left, when it is too long to wait here.
    pub(crate) async fn wait(&self, turn: Turn, room: Option<&Room>) -> Result<(), Duration> {
        if let (Turn::Message, Some(room)) = (turn, room) {
            if let Some(group) = &self.group
                && room.kind() != RoomKind::Private
            {
                group.retain_recent();
                self.ready(|| group.check_key(&room.id)).await?;
            }
            if let Some(limiter) = &self.room {
                limiter.retain_recent();
                self.ready(|| limiter.check_key(&room.id)).await?;
            }
        }
        match &self.overall {
            Some(overall) => self.ready(|| overall.check()).await,
            None => Ok(()),
        }
    }

    async fn ready(
        &self,
        check: impl Fn() -> Result<(), NotUntil<<DefaultClock as Clock>::Instant>>,
    ) -> Result<(), Duration> {
        let mut waited = Duration::ZERO;
        loop {
            let Err(not_yet) = check() else { return Ok(()) };
            let wait = not_yet.wait_time_from(self.clock.now());
            if waited + wait > LONGEST_WAIT {
                return Err(wait);
            }
            waited += wait;
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use jarvis_proto::chat::{Room, RoomKind};

    use super::{Flood, Turn};
    use crate::adapter::FloodLimits;

    fn room(id: &str, kind: RoomKind) -> Room {
        Room {
            id: id.into(),
            kind: kind.into(),
            ..Room::default()
        }
    }

    #[tokio::test]
    async fn a_full_group_is_told_to_come_back_and_others_go_on() {
        let flood = Flood::new(FloodLimits {
            group_per_minute: 2,
            ..FloodLimits::default()
        });
        let group = room("g", RoomKind::Group);
        for _ in 0..2 {
            assert_eq!(flood.wait(Turn::Message, Some(&group)).await, Ok(()));
        }
        assert!(flood.wait(Turn::Message, Some(&group)).await.is_err());
        assert_eq!(flood.wait(Turn::Call, Some(&group)).await, Ok(()));
        assert_eq!(
            flood
                .wait(Turn::Message, Some(&room("h", RoomKind::Group)))
                .await,
            Ok(())
        );
        let private = room("p", RoomKind::Private);
        for _ in 0..5 {
            assert_eq!(flood.wait(Turn::Message, Some(&private)).await, Ok(()));
        }
    }
}
