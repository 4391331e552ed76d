//! What an adapter was asked for, and why it may not come.

use std::time::Duration;

use jarvis_proto::chat::action_result::Outcome;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// The adapter went away; what was asked of it is asked again of its next session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the adapter's session has ended")]
pub struct SessionEnded;

/// Why an attachment did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The session ended.
    #[error(transparent)]
    Ended(#[from] SessionEnded),
    /// The adapter said why.
    #[error("the adapter could not fetch it: {0}")]
    Failed(String),
    /// Nothing came for too long.
    #[error("it did not arrive within {0:?}")]
    TimedOut(Duration),
}

/// An action that the adapter was asked to perform.
#[derive(Debug)]
pub struct Performing {
    pub(super) result: oneshot::Receiver<Outcome>,
    pub(super) ended: CancellationToken,
}

impl Performing {
    /// Waits for its result.
    ///
    /// # Errors
    /// When the session ends before.
    pub async fn outcome(self) -> Result<Outcome, SessionEnded> {
        tokio::select! {
            outcome = self.result => outcome.map_err(|_| SessionEnded),
            () = self.ended.cancelled() => Err(SessionEnded),
        }
    }
}
