//! Callbacks that come a second time, or from another hour.

use std::sync::Mutex;
use std::time::Duration;

use super::super::inbound::in_ms;
use super::super::line::lock;
use crate::now_ms;
use crate::recent::Recent;

/// Callbacks that are remembered.
const REMEMBERED: usize = 16 * 1024;

/// Remembers which callbacks were taken.
#[derive(Debug)]
pub(super) struct Guard {
    clock: Duration,
    seen: Mutex<Recent<String, ()>>,
}

/// Why a callback is not believed, although it is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stale {
    /// Its time is far from ours.
    #[error("its time is far off: compare this machine's clock")]
    Time,
    /// It was taken before.
    #[error("it was taken before")]
    Replayed,
}

impl Guard {
    pub(super) fn new(clock: Duration) -> Self {
        Self {
            clock,
            seen: Mutex::new(Recent::new(REMEMBERED)),
        }
    }

    /// Looks at the time and the nonce of a signed callback.
    pub(super) fn check(&self, timestamp: &str, nonce: &str) -> Result<(), Stale> {
        let off = timestamp
            .parse::<i64>()
            .ok()
            .and_then(|seconds| seconds.checked_mul(1000))
            .and_then(|time| now_ms().checked_sub(time))
            .ok_or(Stale::Time)?;
        if off.unsigned_abs() > in_ms(self.clock).unsigned_abs() {
            return Err(Stale::Time);
        }
        match lock(&self.seen).get(&key(timestamp, nonce)) {
            Some(()) => Err(Stale::Replayed),
            None => Ok(()),
        }
    }

    /// It was taken: the same will not be taken again. One that could not be taken may come once more.
    pub(super) fn taken(&self, timestamp: &str, nonce: &str) {
        lock(&self.seen).insert(key(timestamp, nonce), ());
    }
}

/// What was signed is of any length.
fn key(timestamp: &str, nonce: &str) -> String {
    crate::wechat::crypto::signature(&[timestamp, nonce])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_of_now_and_comes_once() {
        let guard = Guard::new(Duration::from_secs(60));
        let now = (now_ms() / 1000).to_string();
        assert_eq!(guard.check(&now, "n"), Ok(()));
        assert_eq!(guard.check(&now, "n"), Ok(()), "it was not taken yet");
        guard.taken(&now, "n");
        assert_eq!(guard.check(&now, "n"), Err(Stale::Replayed));
        assert_eq!(guard.check(&now, "m"), Ok(()));
        for off in [-120, 120] {
            let then = (now_ms() / 1000 + off).to_string();
            assert_eq!(guard.check(&then, "m"), Err(Stale::Time));
        }
        for odd in ["", "x", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(guard.check(odd, "m"), Err(Stale::Time), "{odd}");
        }
    }
}
