//! How orders end, in words: exit codes, signals, and what nodes refuse.

use std::fmt;

use jarvis_proto::node::{self, RefusedReason, run_ended};

use super::{Language, Text, format, text};

/// The sign before a line that tells how something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Ended well.
    Good,
    /// Ended badly.
    Bad,
    /// Not ended.
    Running,
    /// Waits for something.
    Waiting,
    /// Did not take place.
    Absent,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "✔",
            Self::Bad => "✖",
            Self::Running => "⏳",
            Self::Waiting => "…",
            Self::Absent => "–",
        })
    }
}

/// How a command ended: `exit 0`, `stopped at the time limit`.
pub fn run(language: Language, ended: &node::RunEnded) -> (Mark, Text) {
    if ended.cancelled {
        return (Mark::Bad, text!(language, "outcome-cancelled"));
    }
    if ended.timed_out {
        return (Mark::Bad, text!(language, "outcome-timeout"));
    }
    match &ended.how {
        Some(run_ended::How::ExitCode(0)) => {
            (Mark::Good, text!(language, "outcome-exit", code = 0))
        }
        Some(run_ended::How::ExitCode(code)) => {
            (Mark::Bad, text!(language, "outcome-exit", code = *code))
        }
        Some(run_ended::How::Signal(number)) => (Mark::Bad, signal(language, *number)),
        Some(run_ended::How::NotStarted(detail)) => (
            Mark::Bad,
            text!(language, "outcome-not-started", detail = detail),
        ),
        None => (Mark::Bad, text!(language, "outcome-unknown")),
    }
}

fn signal(language: Language, number: i32) -> Text {
    // The numbers that mean the same on every Linux architecture.
    let name = match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        8 => "FPE",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        _ => return text!(language, "outcome-signal", signal = number),
    };
    text!(language, "outcome-signal-named", name = name)
}

/// What a refusal is about, for its sentence.
#[derive(Debug, Clone, Copy)]
pub struct RefusedOrder<'a> {
    /// The node's name.
    pub node: &'a str,
    /// The brain's own address.
    pub root: &'a str,
    /// The path of a transfer; empty for other orders.
    pub path: &'a str,
}

/// Why a node did not carry out an order, and what to do.
pub fn refused(language: Language, refused: &node::Refused, order: RefusedOrder<'_>) -> Text {
    let RefusedOrder { node, root, path } = order;
    let detail = if refused.detail.is_empty() {
        "?"
    } else {
        &refused.detail
    };
    match refused.reason() {
        RefusedReason::UntrustedRoot => {
            text!(language, "refused-untrusted-root", node = node, root = root)
        }
        RefusedReason::BadSignature => text!(language, "refused-bad-signature", node = node),
        RefusedReason::WrongNode => text!(language, "refused-wrong-node", node = node),
        RefusedReason::Expired => text!(language, "refused-expired", node = node),
        RefusedReason::Replayed => text!(language, "refused-replayed", node = node),
        RefusedReason::Malformed => text!(language, "refused-malformed", node = node),
        RefusedReason::Busy => text!(language, "refused-node-busy", node = node),
        RefusedReason::DiskFull => text!(language, "refused-disk-full", node = node),
        RefusedReason::NotSupported => text!(language, "refused-not-supported", node = node),
        RefusedReason::Unspecified => {
            text!(language, "refused-other", node = node, detail = detail)
        }
        // The rest is about a path; without one there is only the node's own word.
        _ if path.is_empty() => text!(language, "refused-other", node = node, detail = detail),
        RefusedReason::PathNotAllowed => {
            text!(
                language,
                "refused-path",
                node = node,
                path = Text::code(path)
            )
        }
        RefusedReason::NotFound => {
            text!(
                language,
                "refused-not-found",
                node = node,
                path = Text::code(path)
            )
        }
        RefusedReason::IsDirectory => {
            text!(
                language,
                "refused-directory",
                node = node,
                path = Text::code(path)
            )
        }
        RefusedReason::TooLarge => text!(
            language,
            "refused-too-large",
            node = node,
            path = Text::code(path),
            size = format::bytes(refused.size),
        ),
        RefusedReason::Permission => {
            text!(
                language,
                "refused-permission",
                node = node,
                path = Text::code(path)
            )
        }
        RefusedReason::Io => {
            text!(
                language,
                "refused-io",
                node = node,
                path = Text::code(path),
                detail = detail
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_in_words() {
        let ended = |how| node::RunEnded {
            how: Some(how),
            ..Default::default()
        };
        let rows = [
            (ended(run_ended::How::ExitCode(0)), "✔ exit 0", "✔ 退出码 0"),
            (ended(run_ended::How::ExitCode(3)), "✖ exit 3", "✖ 退出码 3"),
            (
                ended(run_ended::How::Signal(9)),
                "✖ killed by KILL",
                "✖ 被 KILL 终止",
            ),
            (
                ended(run_ended::How::Signal(31)),
                "✖ killed by signal 31",
                "✖ 被信号 31 终止",
            ),
            (
                node::RunEnded {
                    timed_out: true,
                    ..ended(run_ended::How::Signal(9))
                },
                "✖ stopped at the time limit",
                "✖ 超时停止",
            ),
            (
                node::RunEnded {
                    cancelled: true,
                    ..ended(run_ended::How::Signal(15))
                },
                "✖ cancelled",
                "✖ 已取消",
            ),
        ];
        for (ended, en, zh) in rows {
            let say = |language| {
                let (mark, text) = run(language, &ended);
                format!("{mark} {text}")
            };
            assert_eq!(say(Language::En), en);
            assert_eq!(say(Language::Zh), zh);
        }
    }

    #[test]
    fn every_refusal_has_its_sentence() {
        let mut sentences = std::collections::HashSet::new();
        for number in 1..=16 {
            let order = RefusedOrder {
                node: "web-1",
                root: "1Root",
                path: "/etc/shadow",
            };
            let answer = node::Refused {
                reason: number,
                size: 5_000_000,
                ..Default::default()
            };
            for language in Language::ALL {
                let sentence = refused(language, &answer, order).to_string();
                assert!(sentence.contains("web-1"), "{number}: {sentence}");
                assert!(sentences.insert(sentence), "{number}");
                assert!(!refused(language, &answer, RefusedOrder { path: "", ..order }).is_empty());
            }
        }
    }
}
