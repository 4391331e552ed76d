//! A request to stop that says why.

use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

/// Shared by those who may ask something to stop and the one who stops; the first reason counts.
#[derive(Debug)]
pub(crate) struct Stop<R> {
    asked: CancellationToken,
    reason: Arc<OnceLock<R>>,
}

impl<R: Clone> Stop<R> {
    pub(crate) fn new() -> Self {
        Self {
            asked: CancellationToken::new(),
            reason: Arc::new(OnceLock::new()),
        }
    }

    /// Asks to stop; later reasons are ignored.
    pub(crate) fn ask(&self, reason: R) {
        let _ = self.reason.set(reason);
        self.asked.cancel();
    }

    /// Waits until somebody asks; cancel-safe.
    pub(crate) async fn asked(&self) -> R {
        self.asked.cancelled().await;
        self.reason
            .get()
            .cloned()
            .expect("the reason is set before the token is cancelled")
    }

    /// Cancelled when somebody asks.
    pub(crate) fn token(&self) -> CancellationToken {
        self.asked.clone()
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }
}

impl<R> Clone for Stop<R> {
    fn clone(&self) -> Self {
        Self {
            asked: self.asked.clone(),
            reason: Arc::clone(&self.reason),
        }
    }
}
