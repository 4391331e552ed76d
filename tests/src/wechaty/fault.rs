//! Faults that a story asks for: the next calls of a name go wrong in a chosen way.

use std::collections::VecDeque;
use std::time::Duration;

use tonic::Code;

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Refused with this code and these words.
    Failed(Code, String),
    /// Nothing is done, and no answer comes.
    Silent,
    /// It is done, and the line is cut before the answer.
    CutAfter,
    /// Nothing is done, and the line is cut.
    CutBefore,
    /// It is done after this time.
    Slow(Duration),
}

/// Faults that wait for their call.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    pub(crate) fn add(&mut self, call: &str, times: usize, fault: &Fault) {
        for _ in 0..times {
            self.0.push_back((call.to_owned(), fault.clone()));
        }
    }

    /// The fault of this call, used up.
    pub(crate) fn take(&mut self, call: &str) -> Option<Fault> {
        let wanted = |(wanted, _): &(String, Fault)| wanted == call || wanted == "*";
        let at = self.0.iter().position(wanted)?;
        self.0.remove(at).map(|(_, fault)| fault)
    }
}
