//! Faults that a story asks for: the next calls of a method go wrong in a chosen way.

use std::collections::VecDeque;
use std::time::Duration;

/// How a call goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// 429 with this `retry_after` in seconds; nothing is done.
    TooMany(u64),
    /// This HTTP status with a plain error; nothing is done.
    Status(u16),
    /// The line is cut before anything is done.
    CutBefore,
    /// The work is done and the line is cut before the answer is through.
    CutAfter,
    /// The work is done after this time.
    Slow(Duration),
}

/// Faults that wait for their call.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    pub(crate) fn add(&mut self, method: &str, times: usize, fault: &Fault) {
        for _ in 0..times {
            self.0
                .push_back((method.to_ascii_lowercase(), fault.clone()));
        }
    }

    /// The fault of this call, used up.
    pub(crate) fn take(&mut self, method: &str) -> Option<Fault> {
        let at = self
            .0
            .iter()
            .position(|(wanted, _)| wanted == method || wanted == "*")?;
        self.0.remove(at).map(|(_, fault)| fault)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_hits_once_and_only_its_method() {
        let mut faults = Faults::default();
        faults.add("sendMessage", 2, &Fault::TooMany(1));
        faults.add("*", 1, &Fault::Status(500));
        assert_eq!(faults.take("getme"), Some(Fault::Status(500)));
        assert_eq!(faults.take("getme"), None);
        assert_eq!(faults.take("sendmessage"), Some(Fault::TooMany(1)));
        assert_eq!(faults.waiting(), 1);
    }
}
