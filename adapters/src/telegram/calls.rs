//! Calls of the Bot API: each with a time limit, and errors as the host wants them.

use std::future::IntoFuture;
use std::time::Duration;

use jarvis_proto::chat::RateLimited;
use jarvis_proto::chat::action_result::Outcome;
use teloxide::types::ChatId;
use teloxide::{ApiError, RequestError};
use tokio::time::timeout;

use crate::cause::innermost;

/// Longest time for a call that moves no file. The client library itself waits ten seconds inside a
/// call when the server answers 5xx.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(25);

/// Why a call failed. Its text holds neither the token nor what users wrote.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("no answer in time")]
    Silent,
    #[error("telegram says: {0}")]
    Api(ApiError),
    #[error("limit met, {} s to wait", .0.as_secs())]
    Limited(Duration),
    #[error("the group has moved to {0}")]
    Moved(ChatId),
    #[error("unreadable answer: {0}")]
    Unreadable(String),
    #[error("network: {0}")]
    Network(String),
    #[error("file: {0}")]
    File(String),
}

/// Makes a call.
pub(super) async fn call<T>(
    limit: Duration,
    request: impl IntoFuture<Output = Result<T, RequestError>>,
) -> Result<T, CallError> {
    match timeout(limit, request.into_future()).await {
        Ok(answer) => answer.map_err(CallError::from),
        Err(_) => Err(CallError::Silent),
    }
}

impl From<RequestError> for CallError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Api(error) => Self::Api(error),
            RequestError::MigrateToChatId(chat) => Self::Moved(chat),
            RequestError::RetryAfter(wait) => Self::Limited(wait.duration()),
            RequestError::Network(error) => Self::Network(innermost(&*error)),
            // The raw answer may hold anything, a user's text included.
            RequestError::InvalidJson { source, .. } => Self::Unreadable(source.to_string()),
            RequestError::Io(error) => Self::File(error.to_string()),
        }
    }
}

impl CallError {
    /// The bot's token is wrong or was revoked.
    pub(super) fn is_bad_token(&self) -> bool {
        matches!(self, Self::Api(ApiError::InvalidToken))
    }

    /// What the brain is told about an action that met this error.
    pub(super) fn outcome(&self) -> Outcome {
        let detail = self.to_string();
        match self {
            Self::Limited(wait) => Outcome::RateLimited(RateLimited {
                retry_after_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            }),
            Self::Network(_) => Outcome::Unreachable(detail),
            Self::Silent | Self::Moved(_) | Self::Unreadable(_) | Self::File(_) => {
                Outcome::Transient(detail)
            }
            Self::Api(error) => match error {
                ApiError::BotBlocked
                | ApiError::BotKicked
                | ApiError::BotKickedFromSupergroup
                | ApiError::BotKickedFromChannel
                | ApiError::UserDeactivated
                | ApiError::CantInitiateConversation
                | ApiError::CantTalkWithBots
                | ApiError::NotEnoughRightsToPostMessages => Outcome::Forbidden(detail),
                ApiError::ChatNotFound | ApiError::UserNotFound | ApiError::GroupDeactivated => {
                    Outcome::Gone(detail)
                }
                ApiError::Unknown(text) => unknown(text, detail),
                _ => Outcome::Fatal(detail),
            },
        }
    }
}

/// Errors that the client library does not know by name.
fn unknown(text: &str, detail: String) -> Outcome {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["too many requests"]) {
        Outcome::RateLimited(RateLimited {
            retry_after_ms: 5000,
        })
    } else if says(&["bad gateway", "gateway timeout", "restart"]) {
        Outcome::Unreachable(detail)
    } else if says(&["internal server error"]) {
        Outcome::Transient(detail)
    } else if says(&[
        "forbidden",
        "not enough rights",
        "chat_write_forbidden",
        "topic_closed",
    ]) {
        Outcome::Forbidden(detail)
    } else if says(&["thread not found", "chat not found", "topic_deleted"]) {
        Outcome::Gone(detail)
    } else {
        Outcome::Fatal(detail)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn outcome(description: &str) -> Outcome {
        let error: ApiError = serde_json::from_value(description.into()).unwrap();
        CallError::Api(error).outcome()
    }

    #[test]
    fn errors_say_whether_to_try_again() {
        assert!(matches!(
            outcome("Forbidden: bot was blocked by the user"),
            Outcome::Forbidden(_)
        ));
        assert!(matches!(
            outcome("Forbidden: bot is not a member of the supergroup chat"),
            Outcome::Forbidden(_)
        ));
        assert!(matches!(
            outcome("Bad Request: chat not found"),
            Outcome::Gone(_)
        ));
        assert!(matches!(
            outcome("Bad Request: message thread not found"),
            Outcome::Gone(_)
        ));
        assert!(matches!(
            outcome("Internal Server Error"),
            Outcome::Transient(_)
        ));
        assert!(matches!(
            outcome("Bad Request: something new"),
            Outcome::Fatal(_)
        ));
        let wait = Duration::from_secs(7);
        assert_eq!(
            CallError::Limited(wait).outcome(),
            Outcome::RateLimited(RateLimited {
                retry_after_ms: 7000
            })
        );
    }

    #[test]
    fn an_unreadable_answer_is_not_repeated_in_the_error() {
        let source = serde_json::from_str::<u8>("secret").unwrap_err();
        let raw = "a user's words".into();
        let error = CallError::from(RequestError::InvalidJson {
            source: source.into(),
            raw,
        });
        assert!(!format!("{error} {error:?}").contains("words"));
    }
}
