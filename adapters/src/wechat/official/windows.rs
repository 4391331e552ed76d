//! Who may be written to: somebody who has spoken, for two days, a few times.

use std::time::Duration;

use tokio::time::Instant;

use super::config::Rules;
use crate::recent::Recent;

const PEOPLE: usize = 16_384;
/// A window that ends so soon is not used.
const MARGIN: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy)]
struct Window {
    /// When we heard of the word that opened it.
    since: Instant,
    until: Instant,
    left: u32,
}

/// The windows of one account, as far as this process knows them.
#[derive(Debug)]
pub(super) struct Windows {
    rules: Rules,
    people: Recent<String, Window>,
}

impl Windows {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            people: Recent::new(PEOPLE),
        }
    }

    /// Somebody has spoken, `age` ago.
    pub(super) fn heard(&mut self, user: &str, age: Duration, now: Instant) {
        let window = Window {
            since: now,
            until: now + self.rules.window.saturating_sub(age),
            left: self.rules.messages,
        };
        // Who speaks is remembered longest.
        self.people.remove(user);
        self.people.insert(user.to_owned(), window);
    }

    /// Whether somebody may be written to. Of whom nothing is known, the platform knows.
    pub(super) fn is_open(&self, user: &str, now: Instant) -> bool {
        self.people
            .get(user)
            .is_none_or(|window| window.left > 0 && window.until > now + MARGIN)
    }

    /// One message was sent.
    pub(super) fn count(&mut self, user: &str, now: Instant) {
        if self.people.get(user).is_none() {
            self.heard(user, Duration::ZERO, now);
        }
        if let Some(window) = self.people.get_mut(user) {
            window.left = window.left.saturating_sub(1);
        }
    }

    /// The platform has taken no more at a call that was begun at `asked`, whatever was counted here. Who has
    /// spoken since then has opened it anew.
    pub(super) fn close(&mut self, user: &str, asked: Instant) {
        let known = self.people.get(user);
        if known.is_some_and(|window| window.since > asked) {
            return;
        }
        let closed = Window {
            since: asked,
            until: asked,
            left: 0,
        };
        self.people.insert(user.to_owned(), closed);
    }

    /// How many messages may be sent, and for how long.
    pub(super) fn left(&self, user: &str, now: Instant) -> (u32, Duration) {
        match self.people.get(user) {
            Some(window) if window.until > now + MARGIN => {
                (window.left, window.until.saturating_duration_since(now))
            }
            Some(_) => (0, Duration::ZERO),
            None => (self.rules.messages, self.rules.window),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_messages_within_two_days_and_each_word_opens_it_anew() {
        let mut windows = Windows::new(Rules::default());
        let mut now = Instant::now();
        windows.heard("ann", Duration::ZERO, now);
        for _ in 0..5 {
            assert!(windows.is_open("ann", now));
            windows.count("ann", now);
        }
        assert!(!windows.is_open("ann", now));
        windows.heard("ann", Duration::ZERO, now);
        assert_eq!(windows.left("ann", now).0, 5);
        now += Duration::from_secs(48 * 3600);
        assert!(!windows.is_open("ann", now));
        assert!(windows.is_open("bob", now), "the platform knows");
        windows.close("bob", now);
        assert!(!windows.is_open("bob", now));
        let asked = now;
        now += Duration::from_millis(1);
        windows.heard("bob", Duration::ZERO, now);
        windows.close("bob", asked);
        assert!(windows.is_open("bob", now), "spoke while it was asked");
        windows.heard("bob", Duration::from_secs(48 * 3600), now);
        assert!(!windows.is_open("bob", now), "it was said long ago");
    }
}
