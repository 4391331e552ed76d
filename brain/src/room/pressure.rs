//! Whether more comes in than can be done: then new commands are refused at once, because an answer
//! that comes after seconds helps nobody, and the queue before it only grows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The wait that even the luckiest event must have had, over a window, to call it too much. A short
/// queue that is worked off between two bursts is none.
const TOO_LONG: Duration = Duration::from_millis(50);
/// How long the luckiest one is looked for.
const WINDOW: Duration = Duration::from_millis(100);
/// Fewer events that wait are no pressure, however long one slow command keeps them waiting.
const FEW: usize = 128;

/// Watches how long events wait for their turn. After CoDel: what counts is the least wait in a window.
#[derive(Debug, Default, Clone)]
pub(crate) struct Pressure(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    since: Option<Instant>,
    least: Duration,
    is_high: bool,
}

/// The wait of one event; over when its turn comes, or when it is dropped.
#[derive(Debug)]
pub struct Wait {
    pressure: Pressure,
    since: Instant,
    is_over: bool,
}

impl Wait {
    /// The turn of the event has come.
    pub(crate) fn turn(&mut self) {
        let now = Instant::now();
        let waited = now.saturating_duration_since(self.since);
        self.pressure.note(now, waited);
        self.end();
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.pressure.0.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.end();
    }
}

impl Pressure {
    /// An event begins to wait.
    pub(crate) fn wait(&self) -> Wait {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        Wait {
            pressure: self.clone(),
            since: Instant::now(),
            is_over: false,
        }
    }

    /// Whether new commands are to be refused now.
    pub(crate) fn is_high(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) >= FEW && self.lock().is_high
    }

    fn note(&self, now: Instant, waited: Duration) {
        let mut state = self.lock();
        let Some(since) = state.since else {
            state.since = Some(now);
            state.least = waited;
            return;
        };
        state.least = state.least.min(waited);
        if now.saturating_duration_since(since) >= WINDOW {
            state.is_high = state.least > TOO_LONG;
            state.since = Some(now);
            state.least = waited;
        } else if waited <= TOO_LONG {
            state.is_high = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn with_waiting(count: usize) -> (Pressure, Vec<Wait>) {
        let pressure = Pressure::default();
        let waiting = (0..count).map(|_| pressure.wait()).collect();
        (pressure, waiting)
    }

    #[test]
    fn it_is_high_when_everybody_has_waited_for_a_whole_window() {
        let ((pressure, _waiting), start) = (with_waiting(FEW), Instant::now());
        for at in (0..=10).map(|step| start + 10 * step * MS) {
            assert!(!pressure.is_high());
            pressure.note(at, 80 * MS);
        }
        assert!(pressure.is_high());
        pressure.note(start + 105 * MS, 20 * MS);
        assert!(!pressure.is_high(), "one who was served at once ends it");
    }

    #[test]
    fn a_burst_is_no_pressure() {
        let ((pressure, _waiting), start) = (with_waiting(FEW), Instant::now());
        for step in 0..50 {
            let waited = if step % 5 == 0 { 1 } else { 90 };
            pressure.note(start + 10 * step * MS, waited * MS);
            assert!(!pressure.is_high());
        }
    }

    #[test]
    fn few_events_behind_a_slow_command_are_no_pressure() {
        let ((pressure, mut waiting), start) = (with_waiting(FEW), Instant::now());
        for step in 0..50 {
            pressure.note(start + 10 * step * MS, 900 * MS);
        }
        assert!(pressure.is_high());
        waiting.pop();
        assert!(!pressure.is_high());
    }
}
