//! One action on its way to the platform.

use std::sync::{Arc, Mutex, PoisonError};

use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{Action, FileRef, RateLimited};

use crate::adapter::ByteStream;
use crate::host::flood::{Flood, Turn};
use crate::host::transfer::Files;

/// The platform's ids of the parts of one action that were sent already. The host keeps them between
/// two tries, so that a long text whose third part met a limit goes on with the third part.
pub(crate) type SentParts = Arc<Mutex<Vec<String>>>;

/// An action to be performed, with what an adapter needs to do so.
#[derive(Debug)]
pub struct Errand {
    action: Action,
    files: Files,
    flood: Arc<Flood>,
    parts: SentParts,
}

impl Errand {
    pub(crate) fn new(action: Action, files: Files, flood: Arc<Flood>, parts: SentParts) -> Self {
        Self {
            action,
            files,
            flood,
            parts,
        }
    }

    /// What the brain asked for. A progress object carries the newest message id that the host knows.
    #[must_use]
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Waits until the platform's limits allow one more call.
    ///
    /// # Errors
    /// The outcome to report when the wait would be long: the brain then asks again later.
    pub async fn turn(&self, turn: Turn) -> Result<(), Outcome> {
        self.flood
            .wait(turn, self.action.room.as_ref())
            .await
            .map_err(|wait| {
                let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                Outcome::RateLimited(RateLimited { retry_after_ms })
            })
    }

    /// Opens the bytes of a file of the brain. The stream fails when the line breaks before the end.
    ///
    /// # Errors
    /// When the brain cannot be reached or does not have the file.
    pub async fn download(&self, file: &FileRef) -> std::io::Result<ByteStream> {
        self.files.download(file).await
    }

    /// The platform's ids of the parts that an earlier try has sent, in order.
    #[must_use]
    pub fn parts_sent(&self) -> Vec<String> {
        self.parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Remembers that one more part was sent.
    pub fn part_sent(&self, message_id: impl Into<String>) {
        self.parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message_id.into());
    }
}
