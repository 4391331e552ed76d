//! A package on its way to a node: once, and only what is missing of it.

use std::path::Path;
use std::time::Duration;

use jarvis_nodeclient::{Address, FileSource, Meter, NodeName};
use jarvis_proto::node::{PutFile, RefusedReason, ended, order};

use crate::blob::StoredBlob;
use crate::brain::Brain;
use crate::job::PutSpec;
use crate::job::orders::{Ending, errand, make};

/// How often it is tried again after a cut.
const MOST_TRIES: u32 = 5;
/// How long a node may stay away meanwhile.
const RETURN_LIMIT: Duration = Duration::from_secs(60);
/// Longest try.
const TRY_LIMIT: Duration = Duration::from_secs(3600);
/// Packages are nobody's business but the node's user.
const MODE: u32 = 0o600;

/// Where a package lies on a node.
pub(super) fn place(folder: &str, package: &PutSpec) -> String {
    let hash: String = package.blob.chars().take(16).collect();
    Path::new(folder)
        .join(format!("{hash}-{}", package.name))
        .to_string_lossy()
        .into_owned()
}

/// Puts the package into the node's folder; `meter` shows how far it is.
///
/// # Errors
/// Why it did not arrive, in words.
pub(super) async fn send(
    brain: &Brain,
    node: &NodeName,
    address: &Address,
    folder: &str,
    package: &PutSpec,
    meter: impl Fn(Meter),
) -> Result<(), String> {
    let blob = StoredBlob {
        hash: package.blob.clone(),
        size: package.size,
    };
    let path = brain
        .blobs()
        .path(&blob.hash)
        .ok_or_else(|| format!("`{}` is no blob", blob.hash))?;
    let put = PutFile {
        path: place(folder, package),
        size: blob.size,
        blake3: bytes::Bytes::copy_from_slice(&blob.digest()),
        mode: MODE,
        ..PutFile::default()
    };
    let mut trouble = String::new();
    for attempt in 0..MOST_TRIES {
        if attempt > 0 {
            tokio::time::timeout(RETURN_LIMIT, brain.fleet().wait_online(brain, node))
                .await
                .map_err(|_| trouble.clone())?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let id = uuid::Uuid::now_v7().to_string();
        let source = FileSource {
            path: path.clone(),
            size: blob.size,
            blake3: blob.digest(),
        };
        let offer = brain.root().offer(address, &id, source);
        meter(offer.meter().clone());
        let signed = make(brain, address, &id, order::Body::Put(put.clone()));
        let refused = match errand(brain, node, &signed, &id, TRY_LIMIT).await {
            Ok(Ending::Refused(refused)) => refused,
            Ok(Ending::Ended(ended)) => match ended.outcome {
                Some(ended::Outcome::Transfer(_)) => return Ok(()),
                Some(ended::Outcome::Failed(refused)) => refused,
                _ => {
                    "the transfer broke off".clone_into(&mut trouble);
                    continue;
                }
            },
            Err(error) => {
                trouble = error.to_string();
                continue;
            }
        };
        trouble.clone_from(&refused.detail);
        if !matches!(refused.reason(), RefusedReason::Io | RefusedReason::Busy) {
            break;
        }
    }
    Err(trouble)
}
