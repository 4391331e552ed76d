//! Faults that a story asks for: the next frames of a kind go wrong in a chosen way.

use std::collections::VecDeque;

/// How a frame goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused with this code; nothing is done.
    Code(i64),
    /// The work is done, and nobody says so.
    Silent,
    /// The line is cut before anything is done.
    CutBefore,
    /// The work is done and the line is cut before the answer is through.
    CutAfter,
}

/// Faults that wait for their frame.
#[derive(Debug, Default)]
pub(super) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    pub(super) fn add(&mut self, cmd: &str, times: usize, fault: Fault) {
        for _ in 0..times {
            self.0.push_back((cmd.to_owned(), fault));
        }
    }

    /// The fault of this frame, used up.
    pub(super) fn take(&mut self, cmd: &str) -> Option<Fault> {
        let at = self.0.iter().position(|(wanted, _)| wanted == cmd)?;
        self.0.remove(at).map(|(_, fault)| fault)
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.len()
    }
}
