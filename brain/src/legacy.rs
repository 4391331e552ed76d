//! The legacy network (jarviscore 0.7): how the brain takes part in it, and where its peers are kept.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jarvis_nodeclient::legacy::{NetOptions, PeerStore};
use jarvis_nodeclient::{Identity, LegacyOptions, Root};
use jarvis_proto::legacy::PeerRecord;
use prost::Message as _;
use tracing::warn;

use crate::brain::StartError;
use crate::store::{Op, Store, Unit};

/// How the brain takes part in a legacy network.
#[derive(Debug, Clone)]
pub struct LegacyConfig {
    /// Where legacy nodes dial.
    pub listen: SocketAddr,
    /// `HOST:PORT` that they are told to dial; empty: the address listened on.
    pub server_address: String,
    /// What the brain is called there.
    pub name: String,
    /// Key towards legacy nodes; none: the root's own.
    pub key_file: Option<PathBuf>,
}

/// Begins to take part.
///
/// # Errors
/// When the key cannot be read, or nobody can listen at the address.
pub(crate) async fn start(
    root: &Root,
    store: &Store,
    config: &LegacyConfig,
) -> Result<(), StartError> {
    let fault = |error: &dyn std::error::Error| StartError::Legacy(error.to_string());
    let mut net = NetOptions::new(config.listen);
    net.server_address.clone_from(&config.server_address);
    net.name.clone_from(&config.name);
    net.node_type = "jarvis".to_owned();
    let identity = match &config.key_file {
        None => None,
        Some(path) => Some(Identity::from_file(path).map_err(|error| fault(&error))?),
    };
    let options = LegacyOptions {
        identity,
        ..LegacyOptions::new(net)
    };
    let peers = Arc::new(StoredPeers(store.clone()));
    let net = root
        .serve_legacy(options, peers)
        .await
        .map_err(|error| fault(&error))?;
    tracing::info!(listen = %net.listening(), address = %net.address(), "taking part in the legacy network");
    Ok(())
}

/// Peers in the database.
struct StoredPeers(Store);

#[async_trait]
impl PeerStore for StoredPeers {
    async fn load(&self) -> io::Result<Vec<PeerRecord>> {
        let records = self.0.legacy_peers().await.map_err(io::Error::other)?;
        let read = |bytes: Vec<u8>| match PeerRecord::decode(bytes.as_slice()) {
            Ok(record) => Some(record),
            Err(error) => {
                warn!(%error, "a stored legacy peer cannot be read");
                None
            }
        };
        Ok(records.into_iter().filter_map(read).collect())
    }

    async fn save(&self, peer: PeerRecord) -> io::Result<()> {
        let op = Op::PutLegacyPeer {
            record: peer.encode_to_vec(),
            address: peer.address,
        };
        let committed = self.0.commit(Unit::of(vec![op])).await;
        committed.map(drop).map_err(io::Error::other)
    }
}
