//! The table of errors: what a refused call means for the next step.

use std::sync::Mutex;
use std::time::Duration;

use jarvis_proto::chat::RateLimited;
use jarvis_proto::chat::action_result::Outcome;
use tokio::time::Instant;

use super::api::CallError;
use super::token::TokenError;
use crate::now_ms;

/// How often the operator is told of the same trouble.
const REMIND: Duration = Duration::from_secs(60);
/// Limits of these platforms are counted by the minute.
const MINUTE_MS: i64 = 60_000;
/// Beyond the minute's end: clocks differ.
const MARGIN_MS: i64 = 500;

/// What to do about a refused call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Worth another try.
    Again,
    /// Too many calls: in the next minute.
    NextMinute,
    /// Too many at the same moment.
    Crowded,
    /// A file that was put up is not there any more.
    MediaGone,
    /// Nothing may be sent until the person speaks: too long ago, or too many.
    Closed,
    /// The account may not use this call at all.
    NoRight,
    /// This machine's address is not on the platform's list.
    Address,
    /// The app may not write to this person.
    Forbidden,
    /// There is no such person.
    Gone,
    /// Never worth another try.
    Fatal,
}

pub(super) fn verdict(code: i64) -> Verdict {
    match code {
        -1 | 40_001 | 40_014 | 41_001 | 42_001 | 50_001 | 301_024 => Verdict::Again,
        45_009 | 45_011 => Verdict::NextMinute,
        45_033 => Verdict::Crowded,
        40_007 | 301_021 => Verdict::MediaGone,
        45_015 | 45_047 => Verdict::Closed,
        48_001 | 48_002 => Verdict::NoRight,
        60_020 | 40_164 => Verdict::Address,
        60_011 | 81_013 | 82_001 | 301_002 => Verdict::Forbidden,
        40_003 | 40_031 | 43_004 | 46_004 | 60_111 => Verdict::Gone,
        _ => Verdict::Fatal,
    }
}

/// Says what the operator has to do, but not at every message.
#[derive(Debug, Default)]
pub(super) struct Reminder(Mutex<Option<Instant>>);

impl Reminder {
    fn is_due(&self) -> bool {
        let mut last = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_due = last.is_none_or(|at| at.elapsed() >= REMIND);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

/// What to report of a failed call.
pub(super) fn outcome(error: &CallError, reminder: &Reminder) -> Outcome {
    let detail = error.to_string();
    let code = match error {
        CallError::Away(_) => return Outcome::Unreachable(detail),
        CallError::Token(TokenError::Away(_)) => return Outcome::Unreachable(detail),
        CallError::Token(_) => {
            if reminder.is_due() {
                tracing::error!("nothing can be sent: {detail}");
            }
            return Outcome::Unreachable(detail);
        }
        CallError::Refused { code, .. } => *code,
    };
    match verdict(code) {
        Verdict::Again | Verdict::MediaGone => Outcome::Transient(detail),
        Verdict::NextMinute => wait_for(until_next_minute()),
        Verdict::Crowded => wait_for(Duration::from_secs(1)),
        Verdict::Closed => Outcome::Held(detail),
        Verdict::Address => {
            if reminder.is_due() {
                tracing::error!(
                    "nothing can be sent: {detail}; add this server's address to the list of allowed ones \
                     on the platform's page"
                );
            }
            Outcome::Unreachable(detail)
        }
        Verdict::Forbidden => Outcome::Forbidden(detail),
        Verdict::Gone => Outcome::Gone(detail),
        Verdict::NoRight | Verdict::Fatal => Outcome::Fatal(detail),
    }
}

/// The outcome of an action that has to wait.
pub(super) fn wait_for(wait: Duration) -> Outcome {
    let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Outcome::RateLimited(RateLimited { retry_after_ms })
}

fn until_next_minute() -> Duration {
    let left = MINUTE_MS - now_ms().rem_euclid(MINUTE_MS) + MARGIN_MS;
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do_next() {
        for (code, expected) in [
            (-1, Verdict::Again),
            (42_001, Verdict::Again),
            (45_009, Verdict::NextMinute),
            (45_033, Verdict::Crowded),
            (40_007, Verdict::MediaGone),
            (45_015, Verdict::Closed),
            (45_047, Verdict::Closed),
            (48_002, Verdict::NoRight),
            (60_020, Verdict::Address),
            (40_164, Verdict::Address),
            (81_013, Verdict::Forbidden),
            (60_011, Verdict::Forbidden),
            (40_003, Verdict::Gone),
            (40_056, Verdict::Fatal),
            (44_004, Verdict::Fatal),
            (45_002, Verdict::Fatal),
            (93_000, Verdict::Fatal),
            (12_345, Verdict::Fatal),
        ] {
            assert_eq!(verdict(code), expected, "{code}");
        }
    }

    #[test]
    fn what_waits_for_the_operator_is_kept_and_told_now_and_then() {
        let error = CallError::Refused {
            code: 60_020,
            message: "not allow to access from your ip, from ip: 1.2.3.4".to_owned(),
        };
        let reminder = Reminder::default();
        let held = outcome(&error, &reminder);
        assert!(matches!(&held, Outcome::Unreachable(text) if text.contains("1.2.3.4")));
        assert!(!reminder.is_due());
        let Outcome::RateLimited(limited) = outcome(
            &CallError::Refused {
                code: 45_009,
                message: String::new(),
            },
            &reminder,
        ) else {
            panic!("a limit is waited for");
        };
        assert!((500..=60_500).contains(&limited.retry_after_ms));
    }
}
