//! Flood control: what the Bot API answers to a bot that sends too fast.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// At most `messages` in any `window`.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// How many messages.
    pub messages: usize,
    /// In how much time.
    pub window: Duration,
}

impl Rate {
    /// At most `messages` in any `window`.
    pub const fn new(messages: usize, window: Duration) -> Self {
        Self { messages, window }
    }
}

/// The three published limits. They hold for messages and for edits alike.
#[derive(Clone, Copy, Debug)]
pub struct FloodRules {
    /// Over all chats.
    pub all: Rate,
    /// In one private chat.
    pub private: Rate,
    /// In one group.
    pub group: Rate,
}

impl Default for FloodRules {
    /// 30 a second in all, 1 a second in a chat (a burst of three is forgiven), 20 a minute in a group.
    fn default() -> Self {
        Self {
            all: Rate::new(30, Duration::from_secs(1)),
            private: Rate::new(3, Duration::from_secs(3)),
            group: Rate::new(20, Duration::from_secs(60)),
        }
    }
}

#[derive(Debug, Default)]
struct Lane {
    sent: VecDeque<Instant>,
    closed_until: Option<Instant>,
}

impl Lane {
    /// Time until the next message is allowed; zero when it is now.
    fn wait(&mut self, rate: Rate, now: Instant) -> Duration {
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return until - now;
        }
        self.closed_until = None;
        while self
            .sent
            .front()
            .is_some_and(|sent| now.duration_since(*sent) >= rate.window)
        {
            self.sent.pop_front();
        }
        match self.sent.front() {
            Some(oldest) if self.sent.len() >= rate.messages => {
                rate.window.saturating_sub(now.duration_since(*oldest))
            }
            _ => Duration::ZERO,
        }
    }
}

/// Counts what was sent and refuses what is too much.
#[derive(Debug, Default)]
pub(crate) struct Flood {
    pub(crate) rules: Option<FloodRules>,
    all: Lane,
    chats: HashMap<i64, Lane>,
    pub(crate) refused: usize,
    /// Calls to a chat that came before the `retry_after` of that chat had passed.
    pub(crate) impatient: usize,
}

impl Flood {
    /// Counts one message to `chat`.
    ///
    /// # Errors
    /// The whole seconds to wait, when the message is one too many.
    pub(crate) fn admit(&mut self, chat: i64, group: bool, now: Instant) -> Result<(), u64> {
        let Some(rules) = self.rules else {
            return Ok(());
        };
        let lane = self.chats.entry(chat).or_default();
        if lane.closed_until.is_some_and(|until| until > now) {
            self.impatient += 1;
        }
        let wait_chat = lane.wait(if group { rules.group } else { rules.private }, now);
        let wait_all = self.all.wait(rules.all, now);
        let wait = wait_chat.max(wait_all);
        if wait.is_zero() {
            lane.sent.push_back(now);
            self.all.sent.push_back(now);
            return Ok(());
        }
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.refused += 1;
        if !wait_chat.is_zero() {
            lane.closed_until = Some(now + Duration::from_secs(seconds));
        }
        Err(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood(rules: FloodRules) -> Flood {
        Flood {
            rules: Some(rules),
            ..Flood::default()
        }
    }

    #[test]
    fn a_chat_is_closed_until_the_time_it_named() {
        let mut flood = flood(FloodRules::default());
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(flood.admit(1, false, start), Ok(()));
        }
        assert_eq!(flood.admit(1, false, start), Err(3));
        assert_eq!(flood.admit(2, false, start), Ok(()), "another chat is free");
        assert_eq!(flood.impatient, 0);
        assert_eq!(
            flood.admit(1, false, start + Duration::from_secs(1)),
            Err(2)
        );
        assert_eq!(flood.impatient, 1);
        assert_eq!(
            flood.admit(1, false, start + Duration::from_secs(3)),
            Ok(())
        );
    }

    #[test]
    fn all_chats_share_one_budget() {
        let mut flood = flood(FloodRules::default());
        let start = Instant::now();
        for chat in 0..30 {
            assert_eq!(flood.admit(chat, false, start), Ok(()));
        }
        assert_eq!(flood.admit(99, false, start), Err(1));
        assert_eq!(
            flood.admit(99, false, start + Duration::from_secs(1)),
            Ok(())
        );
    }

    #[test]
    fn a_group_gets_twenty_a_minute() {
        let mut flood = flood(FloodRules::default());
        let start = Instant::now();
        for second in 0..20 {
            assert_eq!(
                flood.admit(-1, true, start + Duration::from_secs(second)),
                Ok(())
            );
        }
        assert_eq!(
            flood.admit(-1, true, start + Duration::from_secs(20)),
            Err(40)
        );
    }
}
