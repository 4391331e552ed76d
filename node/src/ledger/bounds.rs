//! How much a ledger keeps, and how much it holds.

use std::time::Duration;

/// Most orders whose endings are kept after their roots have stored them.
const MOST_SETTLED: usize = 10_000;
/// Most bytes of the journal that such orders take.
const MOST_SETTLED_BYTES: u64 = 32 << 20;

/// How much is kept of orders that are over: of what is over longer, and beyond so many orders or
/// bytes, nothing is kept but the ids of those that could be sent again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Since their end.
    pub(crate) retention: Duration,
    /// Most orders.
    pub(crate) orders: usize,
    /// Most bytes of the journal.
    pub(crate) bytes: u64,
}

impl Bounds {
    /// The usual ones.
    pub(crate) fn new(retention: Duration) -> Self {
        Self {
            retention,
            orders: MOST_SETTLED,
            bytes: MOST_SETTLED_BYTES,
        }
    }
}

/// How much a ledger holds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Orders that have not ended.
    pub(crate) open: usize,
    /// Orders that are over, but whose root has not stored the ending.
    pub(crate) unacknowledged: usize,
    /// Orders that are over and done with.
    pub(crate) settled: usize,
    /// Bytes of the file.
    pub(crate) bytes: u64,
}
