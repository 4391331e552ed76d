//! Where a fetched file could be taken up again, noted beside its partial file.

use std::path::PathBuf;
use std::sync::Arc;

use jarvis_nodeclient::transfer::ResumePoint;
use jarvis_proto::node::TransferEnded;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tokio::fs;

use super::Fetched;
use crate::blob::StoredBlob;
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

/// A file that has come whole and is still to be put somewhere.
#[derive(Serialize, Deserialize)]
struct Came {
    hash: String,
    size: u64,
    name: String,
    /// What the node said of it, hex.
    moved: String,
}

/// The note that a file has come.
pub(super) struct CameNote<'a> {
    brain: &'a Brain,
    path: PathBuf,
}

impl<'a> CameNote<'a> {
    /// The note of the transfer with this key.
    pub(super) fn of(brain: &'a Brain, key: &str) -> Self {
        let path = brain.blobs().resumable(key).with_extension("came");
        Self { brain, path }
    }

    /// The file, if it has come before and is still here.
    pub(super) async fn read(&self) -> Option<Fetched> {
        let came: Came = serde_json::from_slice(&fs::read(&self.path).await.ok()?).ok()?;
        let moved = TransferEnded::decode(hex::decode(&came.moved).ok()?.as_slice()).ok()?;
        let pin = Arc::new(self.brain.blobs().pin(&came.hash));
        let about = fs::metadata(self.brain.blobs().path(&came.hash)?).await;
        (about.ok()?.len() == came.size).then_some(Fetched {
            blob: StoredBlob {
                hash: came.hash,
                size: came.size,
            },
            name: came.name,
            moved,
            began_again: false,
            pin,
        })
    }

    /// Notes it. Without the note a stopped brain fetches again, so a fault here costs only time.
    pub(super) async fn write(&self, fetched: &Fetched) {
        let came = Came {
            hash: fetched.blob.hash.clone(),
            size: fetched.blob.size,
            name: fetched.name.clone(),
            moved: hex::encode(fetched.moved.encode_to_vec()),
        };
        let written = match serde_json::to_vec(&came) {
            Ok(text) => fs::write(&self.path, text).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = written {
            tracing::debug!(%error, "a fetched file cannot be noted");
        }
    }

    /// It has been put everywhere.
    pub(super) async fn forget(&self) {
        let _ = fs::remove_file(&self.path).await;
    }
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
