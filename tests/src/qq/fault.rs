//! Faults that a story asks for: the next calls of an action go wrong in a chosen way.

use std::collections::VecDeque;
use std::time::Duration;

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Success is said, the message's id is 0, and nobody sees the message.
    Swallow,
    /// Success is said without any id, and nobody sees the message.
    SwallowWithoutId,
    /// Refused with this code and these words.
    Failed(i64, String),
    /// Nothing is done, and no answer comes.
    Silent,
    /// It is done, and the line is cut before the answer.
    CutAfter,
    /// Nothing is done, and the line is cut.
    CutBefore,
    /// It is done after this time.
    Slow(Duration),
    /// Of an answer in parts one is lost. Other calls know no parts: it does nothing to them.
    LosePart,
}

/// Faults that wait for their call.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    pub(crate) fn add(&mut self, action: &str, times: usize, fault: &Fault) {
        for _ in 0..times {
            self.0.push_back((action.to_owned(), fault.clone()));
        }
    }

    /// The fault of this call, used up.
    pub(crate) fn take(&mut self, action: &str) -> Option<Fault> {
        let wanted = |(wanted, _): &(String, Fault)| wanted == action || wanted == "*";
        let at = self.0.iter().position(wanted)?;
        self.0.remove(at).map(|(_, fault)| fault)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.0.len()
    }
}
