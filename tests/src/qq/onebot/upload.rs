//! NapCat's upload in pieces.

use std::collections::BTreeMap;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::calls::{Failure, bad};

/// Largest piece, in bytes of the file.
const LARGEST_PIECE: usize = 1024 * 1024;

/// Files that come in pieces, and those that are whole.
#[derive(Debug, Default)]
pub(super) struct Uploads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<String, Upload>,
    /// By their paths.
    finished: BTreeMap<String, Bytes>,
}

#[derive(Debug)]
struct Upload {
    name: String,
    total: u64,
    size: u64,
    hash: String,
    pieces: BTreeMap<u64, Vec<u8>>,
}

impl Uploads {
    /// The file at a path that an upload has given.
    pub(super) fn finished(&self, path: &str) -> Option<Bytes> {
        let state = self.0.lock().expect("no holder panics");
        state.finished.get(path).cloned()
    }

    /// `upload_file_stream`.
    pub(super) fn call(&self, params: &Value) -> Result<Value, Failure> {
        let mut state = self.0.lock().expect("no holder panics");
        let id = params["stream_id"].as_str();
        let id = id.ok_or_else(|| bad("stream_id: Required"))?.to_owned();
        if params["is_complete"] == true {
            let upload = state.open.remove(&id);
            let upload = upload.ok_or_else(|| Failure(1200, "流不存在".to_owned()))?;
            let bytes = upload.finish()?;
            let hash = format!("{:x}", Sha256::digest(&bytes));
            let path = format!("/tmp/napcat-stream/{id}/{}", upload.name);
            let size = bytes.len();
            state.finished.insert(path.clone(), bytes.into());
            return Ok(
                json!({"type": "response", "stream_id": id, "status": "file_complete",
                "received_chunks": upload.pieces.len(), "total_chunks": upload.total,
                "file_path": path, "file_size": size, "sha256": hash}),
            );
        }
        let number = |key: &str| {
            params[key]
                .as_u64()
                .ok_or_else(|| bad(format!("{key}: Required")))
        };
        let (index, total, size) = (
            number("chunk_index")?,
            number("total_chunks")?,
            number("file_size")?,
        );
        let data = params["chunk_data"]
            .as_str()
            .ok_or_else(|| bad("chunk_data: Required"))?;
        let piece = STANDARD
            .decode(data)
            .map_err(|_| bad("chunk_data: no base64"))?;
        if piece.is_empty() || piece.len() > LARGEST_PIECE || index >= total {
            return Err(bad("chunk: out of bounds"));
        }
        let upload = state.open.entry(id.clone()).or_insert_with(|| Upload {
            name: params["filename"].as_str().unwrap_or("upload").to_owned(),
            total,
            size,
            hash: params["expected_sha256"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            pieces: BTreeMap::new(),
        });
        if (upload.total, upload.size) != (total, size) {
            return Err(bad("chunk: another file"));
        }
        upload.pieces.insert(index, piece);
        Ok(
            json!({"type": "stream", "stream_id": id, "status": "chunk_received",
            "received_chunks": upload.pieces.len(), "total_chunks": total}),
        )
    }
}

impl Upload {
    fn finish(&self) -> Result<Vec<u8>, Failure> {
        if self.pieces.len() as u64 != self.total {
            return Err(Failure(1200, "分片不完整".to_owned()));
        }
        let bytes: Vec<u8> = self.pieces.values().flatten().copied().collect();
        let hash = format!("{:x}", Sha256::digest(&bytes));
        if bytes.len() as u64 != self.size || (!self.hash.is_empty() && self.hash != hash) {
            return Err(Failure(1200, "SHA256校验失败".to_owned()));
        }
        Ok(bytes)
    }
}
