//! What is known of one order.

use jarvis_nodeclient::Address;

use crate::journal::{Place, Started};

/// An order that is in the journal, and where.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) root: Address,
    /// A legacy root gave it, and has had its answer: no session asks for it.
    pub(super) legacy: bool,
    /// Tells the same order from another one under its id.
    pub(super) digest: blake3::Hash,
    pub(super) expires_ms: i64,
    pub(super) accepted: Place,
    pub(super) accepted_ms: i64,
    pub(super) started: Option<(Place, Started)>,
    pub(super) ended: Option<(Place, i64)>,
    pub(super) acknowledged: Option<Place>,
}

impl Known {
    /// Where its records stand.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let started = self.started.as_ref().map(|(place, _)| *place);
        let ended = self.ended.map(|(place, _)| place);
        [Some(self.accepted), started, ended, self.acknowledged]
            .into_iter()
            .flatten()
    }

    /// Bytes of the file that it takes.
    pub(super) fn bytes(&self) -> u64 {
        self.places().map(Place::bytes).sum()
    }
}
