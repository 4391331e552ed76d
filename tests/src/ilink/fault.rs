//! Faults that a story asks for: the next calls of a kind go wrong in a chosen way.

use std::collections::VecDeque;
use std::time::Duration;

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// This code of the platform; nothing is done.
    Code(i64),
    /// A status alone, as of a server between; nothing is done.
    Status(u16),
    /// The line is cut before anything is done.
    CutBefore,
    /// The work is done and the line is cut before the answer is through.
    CutAfter,
    /// The work is done after this time.
    Slow(Duration),
    /// An answer that is no JSON; nothing is done.
    Nonsense,
}

/// Faults that wait for their call.
#[derive(Debug, Default)]
pub(super) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    pub(super) fn add(&mut self, call: &str, times: usize, fault: &Fault) {
        for _ in 0..times {
            self.0.push_back((call.to_owned(), fault.clone()));
        }
    }

    /// The fault of this call, used up.
    pub(super) fn take(&mut self, call: &str) -> Option<Fault> {
        let at = self
            .0
            .iter()
            .position(|(wanted, _)| wanted == call || wanted == "*")?;
        self.0.remove(at).map(|(_, fault)| fault)
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.len()
    }
}
