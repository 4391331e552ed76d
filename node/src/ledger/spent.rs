//! Ids of orders of which everything else was forgotten: nobody can have one carried out again.

use std::collections::HashMap;

use crate::journal::{Entry, Record, Spent};

/// An id is remembered for so long after its order has expired, by whatever clock.
pub(super) const MARGIN_MS: i64 = 24 * 3600 * 1000;
/// When there are more ids than this, they are remembered only for [`SHORT_MARGIN_MS`].
const MANY: usize = 200_000;
/// See [`MANY`].
const SHORT_MARGIN_MS: i64 = 3600 * 1000;
/// Ids in one record of the journal.
const TOGETHER: usize = 4_096;
/// Bytes of a hash that stand for an id.
const ID_BYTES: usize = 16;

type Id = [u8; ID_BYTES];

/// The ids, each with the moment at which its order expires.
#[derive(Debug, Default)]
pub(super) struct SpentOrders(HashMap<Id, i64>);

impl SpentOrders {
    /// How many.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// About how many bytes of the journal they take.
    pub(super) fn bytes(&self) -> u64 {
        (self.0.len() * (ID_BYTES + size_of::<i64>())) as u64
    }

    /// Whether the order was carried out once.
    pub(super) fn contains(&self, order: &str) -> bool {
        self.0.contains_key(&id(order))
    }

    /// Remembers an order.
    pub(super) fn add(&mut self, order: &str, expires_ms: i64) {
        self.0.insert(id(order), expires_ms);
    }

    /// Takes in what the journal holds.
    pub(super) fn learn(&mut self, spent: &Spent) {
        let ids = spent.ids.as_chunks::<ID_BYTES>().0;
        self.0
            .extend(ids.iter().copied().zip(spent.expires_ms.iter().copied()));
    }

    /// Forgets those that are too old to be taken by anybody.
    pub(super) fn forget(&mut self, now_ms: i64) {
        self.0
            .retain(|_, expires_ms| expires_ms.saturating_add(MARGIN_MS) >= now_ms);
        if self.0.len() > MANY {
            self.0
                .retain(|_, expires_ms| expires_ms.saturating_add(SHORT_MARGIN_MS) >= now_ms);
        }
        // Capacity is memory, too.
        if self.0.capacity() > 4 * self.0.len() + 64 {
            self.0.shrink_to_fit();
        }
    }

    /// All of them, for the journal.
    pub(super) fn records(&self) -> Vec<Record> {
        let all: Vec<(&Id, &i64)> = self.0.iter().collect();
        let record = |some: &[(&Id, &i64)]| Record {
            order: String::new(),
            time_ms: crate::clock::now_ms(),
            entry: Some(Entry::Spent(Spent {
                ids: some.iter().flat_map(|(id, _)| **id).collect(),
                expires_ms: some.iter().map(|(_, expires_ms)| **expires_ms).collect(),
            })),
        };
        all.chunks(TOGETHER).map(record).collect()
    }
}

fn id(order: &str) -> Id {
    let mut id = [0; ID_BYTES];
    id.copy_from_slice(&blake3::hash(order.as_bytes()).as_bytes()[..ID_BYTES]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_when_their_orders_could_not_be_valid_by_any_clock() {
        let mut spent = SpentOrders::default();
        spent.add("old", 0);
        spent.add("new", MARGIN_MS);
        spent.forget(MARGIN_MS + 1);
        assert!(!spent.contains("old") && spent.contains("new"));
    }

    #[test]
    fn of_very_many_only_those_stay_that_are_hardly_expired() {
        let mut spent = SpentOrders::default();
        let now_ms = 10 * SHORT_MARGIN_MS;
        for number in 0..=MANY {
            spent.add(&number.to_string(), now_ms - SHORT_MARGIN_MS - 1);
        }
        spent.add("valid", now_ms + 1);
        spent.forget(now_ms);
        assert_eq!(spent.count(), 1);
        assert!(spent.contains("valid"));
    }

    #[test]
    fn the_stored_form_reads_back() {
        let mut spent = SpentOrders::default();
        for number in 0..2 * TOGETHER + 1 {
            spent.add(&number.to_string(), i64::try_from(number).unwrap_or(0));
        }
        let records = spent.records();
        assert_eq!(records.len(), 3);
        let mut read = SpentOrders::default();
        for record in records {
            if let Some(Entry::Spent(some)) = record.entry {
                read.learn(&some);
            }
        }
        assert_eq!(read.0, spent.0);
    }
}
