//! What becomes of requests that came in, for whoever asks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::address::Address;

/// Being worked on, or just ended.
pub(super) const WORKING: i32 = 1;
/// Refused, lost, or long ended.
pub(super) const UNKNOWN: i32 = -1;
/// Most requests that are remembered.
const MOST: usize = 10_000;

type Table = HashMap<(Address, i64), Option<Instant>>;

/// All requests that are worked on, or ended lately. Any address counts, also a short one.
#[derive(Debug, Clone, Default)]
pub(super) struct States(Arc<Mutex<Table>>);

impl States {
    /// A request is worked on from now until the guard is dropped.
    pub(super) fn begin(&self, from: &Address, id: i64, kept: Duration) -> Working {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|_, ended| ended.is_none_or(|at| at.elapsed() < kept));
        let key = (from.clone(), id);
        if table.len() < MOST {
            table.insert(key.clone(), None);
        }
        Working {
            states: self.clone(),
            key,
        }
    }

    /// What a requester is told.
    pub(super) fn of(&self, from: &Address, id: i64, kept: Duration) -> i32 {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table.get(&(from.clone(), id)) {
            Some(None) => WORKING,
            Some(Some(ended)) if ended.elapsed() < kept => WORKING,
            _ => UNKNOWN,
        }
    }
}

/// A request that is worked on.
#[derive(Debug)]
pub(super) struct Working {
    states: States,
    key: (Address, i64),
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut table = self.states.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ended) = table.get_mut(&self.key) {
            *ended = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;

    #[test]
    fn a_request_is_known_until_some_time_after_its_end() {
        let (kept, over) = (crate::legacy::ENDED_KEPT, Duration::ZERO);
        let states = States::default();
        let root = Identity::generate().address().clone();
        assert_eq!(states.of(&root, 1, kept), UNKNOWN);
        let working = states.begin(&root, 1, kept);
        assert_eq!(states.of(&root, 1, over), WORKING);
        drop(working);
        assert_eq!(states.of(&root, 1, kept), WORKING);
        assert_eq!(states.of(&root, 2, kept), UNKNOWN);
        assert_eq!(states.of(&root, 1, over), UNKNOWN);
        // The next request makes room.
        let _next = states.begin(&root, 2, over);
        assert_eq!(states.of(&root, 1, kept), UNKNOWN);
    }

    #[test]
    fn a_short_address_is_remembered_like_any_other() {
        let short = Address::parse("17BVSJqzwg24fUmiQKgtPWxahVni8XJcz").expect("33 characters");
        let states = States::default();
        let _working = states.begin(&short, 1, Duration::ZERO);
        assert_eq!(states.of(&short, 1, Duration::ZERO), WORKING);
    }
}
