//! How much one person may have open: jobs in all, and jobs that wait for one node. Nobody's work
//! crowds out that of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jarvis_nodeclient::NodeName;

use crate::account::AccountId;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// Open jobs of an account.
    Open(AccountId),
    /// Jobs of an account that wait for a node.
    Waiting(AccountId, NodeName),
}

type Taken = Arc<Mutex<HashMap<Slot, usize>>>;

/// Counts what is open.
#[derive(Debug, Default)]
pub(crate) struct Quota(Taken);

/// One that is counted, for as long as it lives.
#[derive(Debug)]
pub struct Permit {
    taken: Taken,
    slot: Slot,
}

impl Quota {
    /// Counts one more, unless there are `most` already.
    pub(crate) fn take(&self, slot: Slot, most: usize) -> Option<Permit> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(&slot).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        taken.insert(slot.clone(), count + 1);
        Some(Permit {
            taken: Arc::clone(&self.0),
            slot,
        })
    }

    /// Slots that are in use.
    pub(crate) fn in_use(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.slot) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.remove(&self.slot);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_for_each_and_leaves_nothing_behind() {
        let quota = Quota::default();
        let ann = Slot::Open(AccountId::from_stored("ann".to_owned()));
        let ben = Slot::Open(AccountId::from_stored("ben".to_owned()));
        let first = quota.take(ann.clone(), 2).unwrap();
        let _second = quota.take(ann.clone(), 2).unwrap();
        assert!(quota.take(ann.clone(), 2).is_none());
        assert!(quota.take(ben, 2).is_some());
        drop(first);
        let third = quota.take(ann, 2).unwrap();
        drop((third, _second));
        assert_eq!(quota.in_use(), 0);
    }
}
