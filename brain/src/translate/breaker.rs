//! A circuit breaker: an engine that fails is left alone for a while.

use std::time::Duration;

use tokio::time::Instant;

use super::engine::EngineError;

/// Failures in a row after which an engine is left alone.
const MOST_FAILURES: u32 = 3;
/// For how long, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));
/// For how long when it asks for patience without saying how much.
const PATIENCE: Duration = Duration::from_secs(3);
/// For how long when what was paid for is used up: it may be paid for again at any time.
const NO_QUOTA: Duration = Duration::from_secs(3600);
/// For how long when it does not let us in.
const REFUSED: Duration = Duration::from_secs(60);

/// What is known of an engine's health.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
    pause: Duration,
}

impl Breaker {
    /// Whether a call may go out. When a pause is over one call tries, and the others wait for what
    /// becomes of it.
    pub(super) fn lets_through(&mut self, now: Instant) -> bool {
        match self.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                self.open_until = Some(now + self.pause.max(PAUSE.0));
                true
            }
            None => true,
        }
    }

    /// Whether it is being left alone.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.open_until.is_some_and(|until| now < until)
    }

    /// A call was answered.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A call failed.
    pub(super) fn failed(&mut self, error: &EngineError, now: Instant) {
        let pause = match error {
            EngineError::Busy(after) => Some(after.unwrap_or(PATIENCE)),
            EngineError::Quota => Some(NO_QUOTA),
            EngineError::Refused(_) => Some(REFUSED),
            EngineError::Unreachable(_) => {
                self.failures += 1;
                (self.failures >= MOST_FAILURES).then(|| (self.pause * 2).clamp(PAUSE.0, PAUSE.1))
            }
            // It answered: what it said of this text says nothing of the next.
            EngineError::Pair { .. } | EngineError::Nonsense(_) => return self.succeeded(),
        };
        if let Some(pause) = pause {
            self.pause = pause;
            self.open_until = Some(now + pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_fails_is_left_alone_longer_and_longer() {
        let mut breaker = Breaker::default();
        let mut now = Instant::now();
        let down = EngineError::Unreachable("no connection".to_owned());
        for _ in 0..MOST_FAILURES {
            assert!(breaker.lets_through(now));
            breaker.failed(&down, now);
        }
        assert!(!breaker.lets_through(now));
        now += PAUSE.0;
        // One call tries it.
        assert!(breaker.lets_through(now));
        assert!(!breaker.lets_through(now));
        breaker.failed(&down, now);
        now += PAUSE.0;
        assert!(!breaker.lets_through(now));
        now += PAUSE.0;
        assert!(breaker.lets_through(now));
        breaker.succeeded();
        assert!(breaker.lets_through(now) && breaker.lets_through(now));
    }

    #[test]
    fn patience_is_given_as_asked_for() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        breaker.failed(&EngineError::Busy(Some(Duration::from_secs(7))), now);
        assert!(breaker.is_open(now + Duration::from_secs(6)));
        assert!(!breaker.is_open(now + Duration::from_secs(8)));
        breaker.failed(&EngineError::Nonsense(String::new()), now);
        assert!(!breaker.is_open(now));
    }
}
