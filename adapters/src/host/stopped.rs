//! Why an adapter cannot go on, and its last word to the brain.

use std::time::Duration;

use jarvis_proto::chat::chat_brain_client::ChatBrainClient;
use jarvis_proto::chat::{AdapterStopped, RefusedReason, StopReason};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::Brain;
use crate::adapter::AdapterError;

/// How long the brain may take to hear it.
const LIMIT: Duration = Duration::from_secs(15);

/// Why the host ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The brain will not take this adapter: wrong token, wrong contract, bad hello.
    #[error("the brain refused this adapter ({}): {detail}", reason.as_str_name())]
    Refused {
        /// The brain's reason.
        reason: RefusedReason,
        /// The brain's words.
        detail: String,
    },
    /// The brain stayed out of reach for longer than the adapter waits.
    #[error("{0}")]
    Unreachable(String),
    /// The platform made going on impossible.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The adapter itself is faulty: its task panicked.
    #[error("crashed, see the crash report")]
    Crashed,
}

/// Tells the brain why an adapter has stopped, so that its owners hear of it elsewhere. `bot` is empty
/// when the platform was never reached. Best effort: a brain that cannot be reached is not waited for.
pub async fn report_stop(
    brain: &Brain,
    kind: &str,
    bot: &str,
    token: Option<&SecretString>,
    error: &HostError,
) {
    let Some(reason) = reason(error) else { return };
    let stopped = AdapterStopped {
        kind: kind.to_owned(),
        bot: bot.to_owned(),
        token: token.map_or_else(String::new, |token| token.expose_secret().to_owned()),
        reason: reason.into(),
        // Where the reason says it all, no more.
        detail: match reason {
            StopReason::TakenOver | StopReason::Credentials => String::new(),
            _ => error.to_string(),
        },
    };
    let telling = async {
        let channel = brain.connect().await.map_err(|error| error.to_string())?;
        let told = ChatBrainClient::new(channel).report_stop(stopped).await;
        told.map(drop).map_err(|status| status.message().to_owned())
    };
    let told = timeout(LIMIT, telling).await;
    if let Err(detail) = told.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
        tracing::warn!(detail, "the brain does not know why this adapter stops");
    }
}

/// `None` for what is no business of the platform's.
fn reason(error: &HostError) -> Option<StopReason> {
    let HostError::Adapter(error) = error else {
        return None;
    };
    Some(match error {
        AdapterError::TakenOver { .. } => StopReason::TakenOver,
        AdapterError::Token { .. } => StopReason::Credentials,
        AdapterError::Setting { .. } => StopReason::Setting,
        AdapterError::InUse { .. } => StopReason::InUse,
        AdapterError::Attachment { .. } | AdapterError::Call { .. } | AdapterError::Io(_) => {
            StopReason::Unspecified
        }
    })
}
