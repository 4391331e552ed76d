//! Peers in a file, for a participant without a database.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jarvis_proto::legacy::{PeerRecord, PeerRecords};
use prost::Message as _;

use super::peers::PeerStore;

/// All peers in one small file, which is exchanged as a whole.
#[derive(Debug)]
pub struct FilePeers {
    path: PathBuf,
    peers: Mutex<BTreeMap<String, PeerRecord>>,
}

impl FilePeers {
    /// Peers in the file `path`, which need not exist.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            peers: Mutex::default(),
        }
    }

    fn write(&self, records: &PeerRecords) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(&records.encode_to_vec())?;
        fs::rename(&new, &self.path)
    }
}

#[async_trait]
impl PeerStore for FilePeers {
    async fn load(&self) -> io::Result<Vec<PeerRecord>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let records = PeerRecords::decode(bytes.as_slice())?.peers;
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        *peers = records
            .iter()
            .map(|record| (record.address.clone(), record.clone()))
            .collect();
        Ok(records)
    }

    async fn save(&self, peer: PeerRecord) -> io::Result<()> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        peers.insert(peer.address.clone(), peer);
        let records = PeerRecords {
            peers: peers.values().cloned().collect(),
        };
        self.write(&records)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_saved_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("peers");
        let store = FilePeers::new(path.clone());
        assert!(store.load().await.unwrap().is_empty());
        for (address, last_sent) in [("a", 1), ("b", 5), ("a", 2)] {
            let address = address.to_owned();
            let peer = PeerRecord {
                address,
                last_sent,
                ..PeerRecord::default()
            };
            store.save(peer).await.unwrap();
        }
        let again = FilePeers::new(path.clone()).load().await.unwrap();
        let numbers: Vec<_> = again.iter().map(|peer| peer.last_sent).collect();
        assert_eq!(numbers, [2, 5]);
        fs::write(&path, b"\xff\xff").unwrap();
        assert!(FilePeers::new(path).load().await.is_err());
    }
}
