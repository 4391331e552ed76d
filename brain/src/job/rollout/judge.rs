//! What the facts say of a node that was told to update: pure, so that every case can be tested.

use super::Outcome;
use crate::job::TaskState;
use crate::job::ending::TaskEnding;

/// What is known of a node now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) is_online: bool,
    pub(super) incarnation: &'a str,
    pub(super) version: &'a str,
}

/// What was asked, and what was so before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Empty = any version.
    pub(super) wanted: &'a str,
    pub(super) old_incarnation: &'a str,
    pub(super) sent_ms: i64,
    pub(super) timeout_ms: i64,
}

/// How the update of one node came out; `None` while that is open.
pub(super) fn judge(
    asked: &Asked<'_>,
    facts: &Facts<'_>,
    ending: Option<&TaskEnding>,
    now_ms: i64,
) -> Option<Outcome> {
    let version = facts.version.to_owned();
    let is_new = facts.is_online && facts.incarnation != asked.old_incarnation;
    if is_new && (asked.wanted.is_empty() || asked.wanted == facts.version) {
        let after_ms = (now_ms - asked.sent_ms).max(0);
        return Some(Outcome::Back { version, after_ms });
    }
    match ending {
        Some(TaskEnding::Refused(_)) => return Some(Outcome::Refused),
        Some(_) if is_new => return Some(Outcome::CameBack { version }),
        // A good ending comes from the next life of the node, which will be here in a moment.
        Some(ending) if facts.is_online && !matches!(ending.state(), TaskState::Done) => {
            return Some(Outcome::Still { version });
        }
        _ => {}
    }
    if now_ms - asked.sent_ms < asked.timeout_ms {
        return None;
    }
    Some(match (facts.is_online, is_new) {
        (true, true) => Outcome::CameBack { version },
        (true, false) => Outcome::NotRestarted { version },
        (false, _) => Outcome::NotBack,
    })
}

#[cfg(test)]
mod tests {
    use jarvis_proto::node::{Done, Ended, RefusedReason, RunEnded, ended, run_ended};

    use super::*;

    const ASKED: Asked<'static> = Asked {
        wanted: "2",
        old_incarnation: "a",
        sent_ms: 1_000,
        timeout_ms: 60_000,
    };

    fn facts(is_online: bool, incarnation: &'static str, version: &'static str) -> Facts<'static> {
        Facts {
            is_online,
            incarnation,
            version,
        }
    }

    fn ending(outcome: ended::Outcome) -> TaskEnding {
        TaskEnding::Ended(Box::new(Ended {
            outcome: Some(outcome),
            ..Ended::default()
        }))
    }

    fn exit(code: i32) -> TaskEnding {
        ending(ended::Outcome::Run(RunEnded {
            how: Some(run_ended::How::ExitCode(code)),
            ..RunEnded::default()
        }))
    }

    fn at(facts: &Facts<'_>, ending: Option<&TaskEnding>, now_ms: i64) -> Option<Outcome> {
        judge(&ASKED, facts, ending, now_ms)
    }

    #[test]
    fn only_a_new_process_with_the_wanted_version_is_good() {
        let back = Outcome::Back {
            version: "2".to_owned(),
            after_ms: 4_000,
        };
        assert_eq!(at(&facts(true, "b", "2"), None, 5_000), Some(back.clone()));
        // Whatever the script said.
        assert_eq!(
            at(&facts(true, "b", "2"), Some(&exit(1)), 5_000),
            Some(back)
        );
        let waits = [
            facts(true, "a", "2"),
            facts(true, "b", "1"),
            facts(false, "b", "2"),
        ];
        for facts in waits {
            assert_eq!(at(&facts, None, 5_000), None, "{facts:?}");
        }
        let done = ending(ended::Outcome::Done(Done::default()));
        assert_eq!(at(&facts(true, "a", "2"), Some(&done), 5_000), None);
    }

    #[test]
    fn a_restart_wants_any_version() {
        let asked = Asked {
            wanted: "",
            ..ASKED
        };
        let outcome = judge(&asked, &facts(true, "b", "1"), None, 5_000);
        assert!(matches!(outcome, Some(Outcome::Back { .. })));
        assert_eq!(judge(&asked, &facts(true, "a", "1"), None, 5_000), None);
    }

    #[test]
    fn each_failure_has_its_own_reason() {
        let version = || "1".to_owned();
        let refused = TaskEnding::refused(RefusedReason::NotSupported, "no script");
        let cases = [
            (
                facts(true, "a", "1"),
                Some(refused),
                2_000,
                Outcome::Refused,
            ),
            (
                facts(true, "a", "1"),
                Some(exit(1)),
                2_000,
                Outcome::Still { version: version() },
            ),
            (
                facts(true, "b", "1"),
                Some(exit(0)),
                2_000,
                Outcome::CameBack { version: version() },
            ),
            (
                facts(true, "b", "1"),
                None,
                61_000,
                Outcome::CameBack { version: version() },
            ),
            (
                facts(true, "a", "1"),
                None,
                61_000,
                Outcome::NotRestarted { version: version() },
            ),
            (facts(false, "a", "1"), None, 61_000, Outcome::NotBack),
            (
                facts(false, "a", "1"),
                Some(exit(0)),
                61_000,
                Outcome::NotBack,
            ),
        ];
        for (facts, ending, now_ms, expected) in cases {
            assert_eq!(
                at(&facts, ending.as_ref(), now_ms),
                Some(expected),
                "{facts:?}"
            );
        }
    }
}
