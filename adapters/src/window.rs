//! How many of something may happen within a while.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The times of what was sent within a while.
#[derive(Debug)]
pub(crate) struct Window {
    most: usize,
    within: Duration,
    sent: VecDeque<Instant>,
}

impl Window {
    /// At most `most` `within` a while.
    pub(crate) fn new(most: usize, within: Duration) -> Self {
        Self {
            most,
            within,
            sent: VecDeque::new(),
        }
    }

    /// Places that are free.
    pub(crate) fn left(&self, now: Instant) -> usize {
        let since = now.checked_sub(self.within);
        let counted = self
            .sent
            .iter()
            .filter(|at| since.is_none_or(|since| **at > since));
        self.most.saturating_sub(counted.count())
    }

    /// One more was sent.
    pub(crate) fn count(&mut self, now: Instant) {
        self.sent.push_back(now);
    }

    /// Time until there is a place; zero when there is one.
    pub(crate) fn wait(&mut self, now: Instant) -> Duration {
        while let Some(first) = self.sent.front()
            && *first + self.within <= now
        {
            self.sent.pop_front();
        }
        match self.sent.front() {
            _ if self.most == 0 => self.within,
            Some(first) if self.sent.len() >= self.most => *first + self.within - now,
            _ => Duration::ZERO,
        }
    }

    /// All is used up for so long.
    pub(crate) fn fill(&mut self, now: Instant) {
        // What has lapsed makes room first.
        self.wait(now);
        while self.sent.len() < self.most {
            self.sent.push_back(now);
        }
    }
}
