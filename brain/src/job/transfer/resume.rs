//! Where a fetched file could be taken up again, noted beside its partial file.

use std::path::PathBuf;

use jarvis_nodeclient::transfer::ResumePoint;
use serde::{Deserialize, Serialize};
use tokio::fs;

use crate::brain::Brain;

/// The note about one transfer.
pub(super) struct Note {
    partial: PathBuf,
    path: PathBuf,
}

/// What the node had said of the file.
#[derive(Serialize, Deserialize)]
struct Stored {
    size: u64,
    modified_ms: i64,
}

impl Note {
    /// The note of the transfer with this key.
    pub(super) fn of(brain: &Brain, key: &str) -> Self {
        let partial = brain.blobs().resumable(key);
        let path = partial.with_extension("json");
        Self { partial, path }
    }

    /// Where the bytes are that came.
    pub(super) fn partial(&self) -> PathBuf {
        self.partial.clone()
    }

    /// Where an earlier try has come to; `None` where nothing can be taken up.
    pub(super) async fn read(&self) -> Option<ResumePoint> {
        let noted: Stored = serde_json::from_slice(&fs::read(&self.path).await.ok()?).ok()?;
        let offset = fs::metadata(&self.partial).await.ok()?.len();
        (offset > 0 && offset <= noted.size).then_some(ResumePoint {
            offset,
            size: noted.size,
            modified_ms: noted.modified_ms,
        })
    }

    /// Notes it. Without the note a stopped brain begins again, so a fault here costs only time.
    pub(super) async fn write(&self, point: ResumePoint) {
        let stored = Stored {
            size: point.size,
            modified_ms: point.modified_ms,
        };
        let written = match serde_json::to_vec(&stored) {
            Ok(text) => fs::write(&self.path, text).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = written {
            tracing::debug!(%error, "a transfer cannot be noted");
        }
    }

    /// The transfer is over, for better or worse.
    pub(super) async fn forget(&self) {
        let _ = fs::remove_file(&self.path).await;
        let _ = fs::remove_file(&self.partial).await;
    }
}
