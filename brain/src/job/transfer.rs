//! Files between nodes and the blob store, over cut lines: a transfer goes on where it stopped.

use std::time::Duration;

use jarvis_nodeclient::transfer::ReceiveError;
use jarvis_nodeclient::{Address, FileSink, FileSource, NodeName, SendError};
use jarvis_proto::node::{
    GetFile, PutFile, Refused, RefusedReason, TransferEnded, ended, get_file, order,
};
use tracing::debug;

use super::orders::{Ending, ErrandError, errand, make};
use crate::blob::StoredBlob;
use crate::brain::Brain;

/// How often a cut transfer is taken up again.
const MOST_TRIES: u32 = 8;
/// How long a transfer waits for its node to come back.
const RETURN_LIMIT: Duration = Duration::from_secs(120);
/// How long to wait for word of what came before a cut.
const CUT_LIMIT: Duration = Duration::from_secs(1);
/// Upper bound of one try.
const TRY_LIMIT: Duration = Duration::from_secs(6 * 3600);

/// Why a file did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// The node said no.
    #[error("the node refused: {}", .0.detail)]
    Refused(Refused),
    /// The node is not connected.
    #[error("the node is offline")]
    Offline,
    /// The line was cut too often.
    #[error("the line was cut too often")]
    Cut,
    /// The bytes cannot be kept here.
    #[error("the bytes cannot be kept: {0}")]
    Store(String),
}

/// A file that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    /// The bytes.
    pub blob: StoredBlob,
    /// The file's own name on the node.
    pub name: String,
}

/// Fetches a file from a node. `key` names the transfer, so that one that was cut goes on.
pub(crate) async fn fetch(
    brain: &Brain,
    node: &NodeName,
    address: &Address,
    mut get: GetFile,
    key: &str,
) -> Result<Fetched, TransferError> {
    let partial = brain.blobs().partial(key);
    for attempt in 0..MOST_TRIES {
        let id = uuid::Uuid::now_v7().to_string();
        let most_bytes = match get.most_bytes {
            0 => u64::MAX,
            most => most,
        };
        let sink = FileSink::new(partial.clone(), most_bytes);
        let mut expectation = brain.root().expect(address, &id, sink);
        let signed = make(brain, address, &id, order::Body::Get(get.clone()));
        match errand(brain, node, &signed, &id, TRY_LIMIT).await {
            Ok(Ending::Refused(refused)) => return Err(TransferError::Refused(refused)),
            Ok(Ending::Ended(ended)) => match ended.outcome {
                Some(ended::Outcome::Transfer(moved)) => match expectation.finished().await {
                    Ok(received) => return keep(brain, &partial, &received, &moved, &get).await,
                    Err(error) => go_on_from(&mut get, error)?,
                },
                Some(ended::Outcome::Failed(refused)) if !is_passing(&refused) => {
                    return Err(TransferError::Refused(refused));
                }
                other => debug!(?other, attempt, "the transfer broke off"),
            },
            Err(error) => {
                debug!(%error, attempt, "the transfer broke off");
                // What came before the cut is kept, if anything came.
                let cut = tokio::time::timeout(CUT_LIMIT, expectation.finished()).await;
                if let Ok(Err(error)) = cut {
                    go_on_from(&mut get, error)?;
                }
            }
        }
        wait_for_return(brain, node).await?;
    }
    Err(TransferError::Cut)
}

/// Asks the next time only for what is missing.
fn go_on_from(get: &mut GetFile, error: ReceiveError) -> Result<(), TransferError> {
    match error {
        ReceiveError::Cut {
            resume: Some(resume),
            ..
        } => resume.apply(get),
        ReceiveError::Cut { resume: None, .. } | ReceiveError::HashMismatch => get.offset = 0,
        other => return Err(TransferError::Store(other.to_string())),
    }
    Ok(())
}

async fn keep(
    brain: &Brain,
    partial: &std::path::Path,
    received: &jarvis_nodeclient::transfer::Received,
    moved: &TransferEnded,
    get: &GetFile,
) -> Result<Fetched, TransferError> {
    let hash = hex::encode(received.blake3);
    brain
        .blobs()
        .adopt(partial, &hash)
        .await
        .map_err(|error| TransferError::Store(error.to_string()))?;
    let path = match &get.source {
        Some(get_file::Source::Path(path)) if moved.path.is_empty() => path,
        _ => &moved.path,
    };
    Ok(Fetched {
        blob: StoredBlob {
            hash,
            size: received.size,
        },
        name: crate::blob::clean_file_name(path),
    })
}

/// Puts a blob on a node.
pub(super) async fn put(
    brain: &Brain,
    node: &NodeName,
    address: &Address,
    put: PutFile,
    blob: &StoredBlob,
) -> Result<TransferEnded, TransferError> {
    let path = brain
        .blobs()
        .path(&blob.hash)
        .ok_or_else(|| TransferError::Store(format!("`{}` is no blob", blob.hash)))?;
    for attempt in 0..MOST_TRIES {
        let id = uuid::Uuid::now_v7().to_string();
        let source = FileSource {
            path: path.clone(),
            size: blob.size,
            blake3: blob.digest(),
        };
        let _offer = brain.root().offer(address, &id, source);
        let signed = make(brain, address, &id, order::Body::Put(put.clone()));
        match errand(brain, node, &signed, &id, TRY_LIMIT).await {
            Ok(Ending::Refused(refused)) => return Err(TransferError::Refused(refused)),
            Ok(Ending::Ended(ended)) => match ended.outcome {
                Some(ended::Outcome::Transfer(moved)) => return Ok(moved),
                Some(ended::Outcome::Failed(refused)) if !is_passing(&refused) => {
                    return Err(TransferError::Refused(refused));
                }
                other => debug!(?other, attempt, "the transfer broke off"),
            },
            Err(ErrandError::Send(SendError::Offline { .. })) if attempt == 0 => {
                return Err(TransferError::Offline);
            }
            Err(error) => debug!(%error, attempt, "the transfer broke off"),
        }
        wait_for_return(brain, node).await?;
    }
    Err(TransferError::Cut)
}

/// Whether another try may go better.
fn is_passing(refused: &Refused) -> bool {
    matches!(
        refused.reason(),
        RefusedReason::Io | RefusedReason::Busy | RefusedReason::Unspecified
    )
}

async fn wait_for_return(brain: &Brain, node: &NodeName) -> Result<(), TransferError> {
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::timeout(RETURN_LIMIT, brain.fleet().wait_online(brain, node))
        .await
        .map_err(|_| TransferError::Offline)
}
