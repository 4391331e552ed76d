//! When to try again to connect.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jarvis_proto::legacy::PeerRecord;

/// Least seconds between two attempts to connect to one node.
pub(crate) const RECONNECT_S: i64 = 30;
/// So long, in seconds, failures of one server address are counted…
pub(crate) const FAILED_ADDRESS_S: i64 = 60;
/// …and more than so many close it.
pub(crate) const MOST_ADDRESS_FAILURES: u32 = 3;
/// jarviscore's pauses after each third failure, in seconds.
pub(crate) const PAUSES_S: [i64; 9] = [30, 300, 1800, 3600, 7200, 14_400, 28_800, 57_600, 86_400];
/// Failures between two longer pauses.
const STEP: u32 = 3;
/// Our own longest pause: a node that is back should not be away for a day.
const LONGEST_S: i64 = 300;

/// Takes note of an attempt that failed.
pub(super) fn failed(record: &mut PeerRecord, now: i64) {
    record.failures = record.failures.saturating_add(1);
    if record.failures.is_multiple_of(STEP) {
        let step = usize::try_from(record.failures / STEP).unwrap_or(usize::MAX);
        let pause = PAUSES_S[step.min(PAUSES_S.len() - 1)].min(LONGEST_S);
        record.retry_after = now.saturating_add(pause);
    }
}

/// Takes note of one that did not.
pub(super) fn succeeded(record: &mut PeerRecord) {
    record.failures = 0;
    record.retry_after = 0;
}

/// Whether the pause is over.
pub(super) fn is_over(record: &PeerRecord, now: i64) -> bool {
    record.retry_after == 0 || now > record.retry_after
}

/// Server addresses that failed lately.
#[derive(Debug, Default)]
pub(super) struct FailedAddresses(Mutex<HashMap<String, (i64, u32)>>);

impl FailedAddresses {
    /// Most addresses that are remembered.
    const MOST: usize = 1000;

    pub(super) fn add(&self, address: &str, now: i64) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failed.retain(|_, (since, _)| now.saturating_sub(*since) <= FAILED_ADDRESS_S);
        if failed.len() < Self::MOST {
            failed.entry(address.to_owned()).or_insert((now, 0)).1 += 1;
        }
    }

    /// Whether an address is left alone now.
    pub(super) fn is_closed(&self, address: &str, now: i64) -> bool {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((since, count)) = failed.get(address).copied() else {
            return false;
        };
        if count <= MOST_ADDRESS_FAILURES {
            return false;
        }
        let is_closed = now.saturating_sub(since) <= FAILED_ADDRESS_S;
        if !is_closed {
            failed.remove(address);
        }
        is_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_failure_brings_a_pause() {
        let mut record = PeerRecord::default();
        for _ in 0..2 {
            failed(&mut record, 1000);
            assert!(is_over(&record, 1000));
        }
        failed(&mut record, 1000);
        assert!(!is_over(&record, 1300) && is_over(&record, 1301));
        for _ in 0..100 {
            failed(&mut record, 2000);
        }
        assert!(is_over(&record, 2000 + LONGEST_S + 1));
        succeeded(&mut record);
        assert!(is_over(&record, 0));
    }

    #[test]
    fn an_address_that_failed_often_rests_for_a_minute() {
        let failed = FailedAddresses::default();
        for _ in 0..3 {
            failed.add("h:1", 100);
        }
        assert!(!failed.is_closed("h:1", 100));
        failed.add("h:1", 100);
        assert!(failed.is_closed("h:1", 160) && !failed.is_closed("h:2", 100));
        assert!(!failed.is_closed("h:1", 161));
        assert!(!failed.is_closed("h:1", 100), "it begins anew");
    }
}
