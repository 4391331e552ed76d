//! How much was refused, for whoever looks after the network.

use std::sync::atomic::{AtomicU64, Ordering};

/// What was refused since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// The sender's clock was off.
    pub clock: u64,
    /// Key, address or signature were bad.
    pub signature: u64,
    /// The sender is not trusted.
    pub untrusted: u64,
    /// The number was used before, or the sender unknown.
    pub number: u64,
    /// Not as a message of its kind should be.
    pub malformed: u64,
    /// Answers that nobody waits for.
    pub unasked: u64,
}

impl Counts {
    /// All together.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.clock + self.signature + self.untrusted + self.number + self.malformed + self.unasked
    }
}

/// One kind of refusal.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All kinds.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) clock: Counter,
    pub(super) signature: Counter,
    pub(super) untrusted: Counter,
    pub(super) number: Counter,
    pub(super) malformed: Counter,
    pub(super) unasked: Counter,
}

impl Counters {
    pub(super) fn counts(&self) -> Counts {
        Counts {
            clock: self.clock.get(),
            signature: self.signature.get(),
            untrusted: self.untrusted.get(),
            number: self.number.get(),
            malformed: self.malformed.get(),
            unasked: self.unasked.get(),
        }
    }
}
