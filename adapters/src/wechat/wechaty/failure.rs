//! Why a call failed, and what a gateway's words mean.

use std::time::Duration;

use jarvis_proto::chat::RateLimited;
use jarvis_proto::chat::action_result::Outcome;
use tonic::{Code, Status};

use crate::cause::innermost;

/// Longest text of an error that is passed on, in characters.
const LONGEST: usize = 200;

/// Why a call failed. Its text holds neither the token nor what users wrote.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("the Wechaty gateway cannot be reached: {0}")]
    Away(String),
    #[error("the line to the Wechaty gateway broke before its answer: {0}")]
    Lost(String),
    #[error("no answer from the Wechaty gateway in time")]
    Silent,
    #[error("the Wechaty gateway refuses our token")]
    Token,
    #[error("nobody is logged in at the Wechaty gateway")]
    LoggedOut,
    #[error("another program hears this gateway, or our last connection is not over there")]
    Taken,
    #[error("the Wechaty gateway does not know `{0}`")]
    Unknown(&'static str),
    #[error("WeChat finds us too fast: {detail}")]
    TooFast {
        detail: String,
        /// When to ask again: WeChat does not say.
        pause: Duration,
    },
    #[error("WeChat refuses: {0}")]
    Forbidden(String),
    #[error("WeChat no longer knows it: {0}")]
    Gone(String),
    #[error("the Wechaty gateway failed: {0}")]
    Passing(String),
    #[error("the Wechaty gateway refuses: {0}")]
    Refused(String),
    #[error("file `{name}`: {detail}")]
    File {
        name: String,
        detail: String,
        /// Asking again cannot help.
        is_final: bool,
    },
}

impl CallError {
    /// What a status says. A gateway repeats the token in some, so their metadata is never looked at, and
    /// `token` is cut out of their words.
    pub(super) fn of(call: &'static str, status: &Status, token: &str, pause: Duration) -> Self {
        use std::error::Error as _;
        if status.code() == Code::Unauthenticated {
            return Self::Token;
        }
        if status.source().is_some() {
            return Self::Lost(clean(&innermost(status), token));
        }
        let detail = clean(status.message(), token);
        match status.code() {
            Code::Unimplemented => Self::Unknown(call),
            Code::AlreadyExists => Self::Taken,
            Code::DeadlineExceeded => Self::Silent,
            Code::Unavailable => Self::Away(detail),
            Code::Cancelled => Self::Lost(detail),
            Code::InvalidArgument | Code::OutOfRange => Self::Refused(detail),
            Code::NotFound => Self::Gone(detail),
            Code::PermissionDenied => Self::Forbidden(detail),
            // gRPC has the same code for a message that is too large.
            Code::ResourceExhausted if detail.contains("larger than max") => Self::Refused(detail),
            Code::ResourceExhausted => Self::TooFast { detail, pause },
            _ => meaning(detail, pause),
        }
    }

    /// The bytes of a file to be sent could not be had.
    pub(super) fn file(name: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{NotFound, PermissionDenied};
        Self::File {
            name: name.to_owned(),
            detail: error.to_string(),
            is_final: matches!(error.kind(), NotFound | PermissionDenied),
        }
    }

    /// Asking again may help.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Away(_) | Self::Lost(_) | Self::Silent | Self::LoggedOut | Self::Passing(_)
        )
    }
}

/// One short line of a gateway's words.
fn clean(words: &str, token: &str) -> String {
    let line = words.lines().map(str::trim).find(|line| !line.is_empty());
    let mut line = line.unwrap_or("no reason is given").to_owned();
    if !token.is_empty() {
        line = line.replace(token, "***");
    }
    line.chars()
        .filter(|sign| !sign.is_control())
        .take(LONGEST)
        .collect()
}

/// Gateways have one code for all that WeChat refuses; the words tell it apart.
fn meaning(detail: String, pause: Duration) -> CallError {
    let words = detail.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    if says(&[
        "not logged in",
        "not login",
        "no login",
        "logged out",
        "未登录",
    ]) {
        CallError::LoggedOut
    } else if says(&[
        "频繁",
        "过快",
        "too fast",
        "too many",
        "too frequent",
        "rate limit",
    ]) {
        CallError::TooFast { detail, pause }
    } else if says(&[
        "not a friend",
        "not friend",
        "非好友",
        "不是好友",
        "朋友验证",
        "拒收",
        "拉黑",
        "black list",
        "blacklist",
        "blocked",
        "forbidden",
    ]) {
        CallError::Forbidden(detail)
    } else if says(&[
        "not exist",
        "not found",
        "no such",
        "no payload",
        "不在群",
        "移出群",
        "群聊不存在",
        "not in the room",
    ]) {
        CallError::Gone(detail)
    } else if says(&[
        "too large",
        "too long",
        "invalid",
        "unknown filebox",
        "过长",
        "过大",
    ]) {
        CallError::Refused(detail)
    } else {
        CallError::Passing(detail)
    }
}

impl From<CallError> for Outcome {
    fn from(error: CallError) -> Self {
        let detail = error.to_string();
        match error {
            CallError::Away(_) | CallError::Token | CallError::LoggedOut => {
                Self::Unreachable(detail)
            }
            CallError::TooFast { pause, .. } => Self::RateLimited(RateLimited {
                retry_after_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            }),
            CallError::Lost(_)
            | CallError::Silent
            | CallError::Taken
            | CallError::Passing(_)
            | CallError::File {
                is_final: false, ..
            } => Self::Transient(detail),
            CallError::Forbidden(_) => Self::Forbidden(detail),
            CallError::Gone(_) => Self::Gone(detail),
            CallError::Unknown(_) | CallError::Refused(_) | CallError::File { .. } => {
                Self::Fatal(detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_to_try_again() {
        let of = |code: Code, words: &str| {
            CallError::of(
                "x",
                &Status::new(code, words),
                "insecure_secret",
                Duration::ZERO,
            )
        };
        assert!(matches!(
            of(
                Code::Unauthenticated,
                "Invalid Wechaty TOKEN \"insecure_secret\""
            ),
            CallError::Token
        ));
        assert!(matches!(of(Code::AlreadyExists, ""), CallError::Taken));
        assert!(matches!(
            of(Code::Unimplemented, ""),
            CallError::Unknown("x")
        ));
        assert!(matches!(
            of(Code::Unknown, "not logged in"),
            CallError::LoggedOut
        ));
        assert!(matches!(
            of(Code::Unknown, "操作过于频繁"),
            CallError::TooFast { .. }
        ));
        assert!(matches!(
            of(Code::Unknown, "MockContact.load(): x not exist."),
            CallError::Gone(_)
        ));
        assert!(matches!(
            of(Code::Internal, "对方开启了朋友验证"),
            CallError::Forbidden(_)
        ));
        assert!(matches!(
            of(
                Code::ResourceExhausted,
                "Received message larger than max (5 vs 4)"
            ),
            CallError::Refused(_)
        ));
        assert!(matches!(of(Code::Internal, "oops"), CallError::Passing(_)));
    }

    #[test]
    fn an_error_shows_no_token_and_is_one_line() {
        let status = Status::new(Code::Internal, "bad insecure_secret\n    at stack");
        let shown = CallError::of("x", &status, "insecure_secret", Duration::ZERO).to_string();
        assert_eq!(shown, "the Wechaty gateway failed: bad ***");
    }
}
