//! Which faults happen when: the same for the same seed.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::proxy::Cut;

/// The longest time between two faults, in milliseconds.
const MOST_PAUSE: u64 = 360;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How long after the one before.
    pub after: Duration,
    /// What breaks.
    pub what: What,
    /// How long it stays broken.
    pub lasts: Duration,
}

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// `kill -9` of the brain.
    KillBrain,
    /// The brain stands still.
    FreezeBrain,
    /// The adapter dies, and what it remembers with it.
    KillAdapter,
    /// The line between adapter and brain is cut.
    CutChat(Cut),
    /// The line between adapter and brain lets nothing pass.
    StallChat,
    /// `kill -9` of a node.
    KillNode(usize),
    /// A node stands still.
    FreezeNode(usize),
    /// A node's line is cut.
    CutLine(usize, Cut),
    /// A node's line lets nothing pass, and goes on.
    StallLine(usize),
    /// A node's line lets nothing pass for so long that both ends give it up.
    HalfOpen(usize),
    /// The platform delivers an earlier event again; which one, counted back.
    RepeatEvent(usize),
}

impl What {
    /// What is broken, in two words.
    pub fn name(self) -> &'static str {
        match self {
            Self::KillBrain => "brain killed",
            Self::FreezeBrain => "brain frozen",
            Self::KillAdapter => "adapter killed",
            Self::CutChat(_) => "chat line cut",
            Self::StallChat => "chat line stalled",
            Self::KillNode(_) => "node killed",
            Self::FreezeNode(_) => "node frozen",
            Self::CutLine(_, Cut::Closed) => "node line closed",
            Self::CutLine(_, Cut::Reset) => "node line reset",
            Self::CutLine(_, Cut::After(_)) => "node line cut in mid-frame",
            Self::StallLine(_) => "node line stalled",
            Self::HalfOpen(_) => "node line half open",
            Self::RepeatEvent(_) => "event repeated",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} +{:?} for {:?}", self.what, self.after, self.lasts)
    }
}

/// So many faults on a site of so many nodes.
pub fn schedule(seed: u64, count: usize, nodes: usize) -> Vec<Fault> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count).map(|_| fault(&mut random, nodes)).collect()
}

fn fault(random: &mut StdRng, nodes: usize) -> Fault {
    let after = Duration::from_millis(random.random_range(0..MOST_PAUSE));
    let node = random.random_range(0..nodes);
    let cut = match random.random_range(0..4) {
        0 => Cut::Closed,
        1 => Cut::Reset,
        _ => Cut::After(random.random_range(0..2_000)),
    };
    let what = match random.random_range(0..100) {
        0..5 => What::KillBrain,
        5..7 => What::FreezeBrain,
        7..12 => What::KillAdapter,
        12..18 => What::CutChat(cut),
        18..20 => What::StallChat,
        20..38 => What::KillNode(node),
        38..46 => What::FreezeNode(node),
        46..76 => What::CutLine(node, cut),
        76..84 => What::StallLine(node),
        84..88 => What::HalfOpen(node),
        _ => What::RepeatEvent(random.random_range(0..200)),
    };
    let lasts = match what {
        What::HalfOpen(_) => 2_000..3_000,
        What::FreezeBrain | What::FreezeNode(_) | What::StallChat => 50..1_200,
        What::RepeatEvent(_) => 0..1,
        _ => 0..600,
    };
    Fault {
        after,
        what,
        lasts: Duration::from_millis(random.random_range(lasts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_faults_and_every_kind_of_them() {
        let faults = schedule(7, 2_000, 4);
        assert_eq!(faults, schedule(7, 2_000, 4));
        assert_ne!(faults, schedule(8, 2_000, 4));
        let kinds: std::collections::BTreeSet<_> =
            faults.iter().map(|fault| fault.what.name()).collect();
        assert_eq!(kinds.len(), 13, "{kinds:?}");
    }
}
