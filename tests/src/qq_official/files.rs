//! Files of the bot: in one call, or in parts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest as _, Md5};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use super::messages;
use super::state::{PartUpload, Refusal, State, StoredFile};

/// Largest file in one call, and of each kind, in bytes.
const IN_ONE: usize = 10 << 20;
const LARGEST: [u64; 4] = [30 << 20, 100 << 20, 20 << 20, 100 << 20];
/// Length of a part, in bytes.
const BLOCK: u64 = 1 << 20;
const HEAD: usize = 10_002_432;

fn bad(words: &str) -> Refusal {
    Refusal::new(400, 40_093_000, words)
}

/// `POST …/files`
pub(super) fn put(
    state: &mut State,
    openid: &str,
    is_group: bool,
    body: &Value,
) -> Result<Value, Refusal> {
    messages::room(state, openid, is_group)?;
    if let Some(id) = body["upload_id"].as_str() {
        return complete(state, is_group, id);
    }
    let kind = body["file_type"].as_u64().unwrap_or_default();
    let largest = usize::try_from(kind)
        .ok()
        .and_then(|kind| LARGEST.get(kind.checked_sub(1)?));
    let largest = *largest.ok_or_else(|| bad("file_type"))?;
    let name = body["file_name"].as_str().unwrap_or_default();
    if name.is_empty() || name.contains(['/', '\\']) || body["srv_send_msg"] != false {
        return Err(bad("file_name, srv_send_msg"));
    }
    let data = body["file_data"].as_str().ok_or_else(|| bad("file_data"))?;
    let bytes = STANDARD.decode(data).map_err(|_| bad("file_data"))?;
    if bytes.is_empty() || bytes.len() > IN_ONE || bytes.len() as u64 > largest {
        return Err(bad("size"));
    }
    Ok(store(state, is_group, name, bytes.into()))
}

fn store(state: &mut State, is_group: bool, name: &str, bytes: Bytes) -> Value {
    let info = format!("file-info-{}", state.next_id());
    let file = StoredFile {
        is_group,
        name: name.to_owned(),
        bytes,
    };
    state.files.insert(info.clone(), file);
    json!({"file_uuid": format!("uuid-{info}"), "file_info": info, "ttl": 0})
}

/// `POST …/upload_prepare`
pub(super) fn prepare(
    state: &mut State,
    openid: &str,
    is_group: bool,
    body: &Value,
    base: &str,
) -> Result<Value, Refusal> {
    messages::room(state, openid, is_group)?;
    let size = match &body["file_size"] {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    };
    let size: u64 = size.ok_or_else(|| bad("file_size"))?;
    let hex = |key: &str, length: usize| {
        let text = body[key].as_str().unwrap_or_default();
        let is_hex = text.len() == length && text.chars().all(|c| c.is_ascii_hexdigit());
        is_hex.then(|| text.to_owned()).ok_or_else(|| bad(key))
    };
    let hashes = [hex("md5", 32)?, hex("sha1", 40)?, hex("md5_10m", 32)?];
    let name = body["file_name"].as_str().unwrap_or_default().to_owned();
    if size == 0 || size > LARGEST[3] || name.is_empty() || body["file_type"].as_u64().is_none() {
        return Err(bad("file_type, file_name, file_size"));
    }
    let id = format!("upload-{}", state.next_id());
    let count = size.div_ceil(BLOCK);
    let part = |index: u64| {
        json!({
            "index": index,
            "presigned_url": format!("{base}/storage/{id}/{index}"),
            "block_size": BLOCK.min(size - (index - 1) * BLOCK),
        })
    };
    let parts: Vec<Value> = (1..=count).map(part).collect();
    let upload = PartUpload {
        is_group,
        name,
        size,
        hashes,
        parts: BTreeMap::new(),
        finished: Vec::new(),
        count,
    };
    state.uploads.insert(id.clone(), upload);
    Ok(json!({
        "upload_id": id,
        "block_size": BLOCK.to_string(),
        "parts": parts,
        "upload_config": {"concurrency": 1, "retry_timeout": 60, "retry_delay": 1},
    }))
}

/// `PUT` of a part to the storage.
pub(super) fn put_part(state: &mut State, upload: &str, index: u64, bytes: Bytes) -> bool {
    match state.uploads.get_mut(upload) {
        Some(upload) if (1..=upload.count).contains(&index) => {
            upload.parts.insert(index, bytes);
            true
        }
        _ => false,
    }
}

/// `POST …/upload_part_finish`
pub(super) fn finish_part(state: &mut State, body: &Value) -> Result<Value, Refusal> {
    let id = body["upload_id"].as_str().unwrap_or_default();
    let upload = state.uploads.get_mut(id).ok_or_else(|| bad("upload_id"))?;
    let index = body["part_index"].as_u64().unwrap_or_default();
    let bytes = upload
        .parts
        .get(&index)
        .ok_or_else(|| Refusal::new(400, 40_093_001, "the part is not there yet"))?;
    if body["block_size"].as_u64() != Some(bytes.len() as u64)
        || body["md5"] != hex::encode(Md5::digest(bytes))
    {
        return Err(bad("block_size, md5"));
    }
    upload.finished.push(index);
    Ok(json!({}))
}

fn complete(state: &mut State, is_group: bool, id: &str) -> Result<Value, Refusal> {
    let upload = state.uploads.remove(id).ok_or_else(|| bad("upload_id"))?;
    let bytes: Vec<u8> = upload.parts.values().flatten().copied().collect();
    let hashes = [
        hex::encode(Md5::digest(&bytes)),
        hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &bytes)),
        hex::encode(Md5::digest(&bytes[..bytes.len().min(HEAD)])),
    ];
    let mut finished = upload.finished.clone();
    finished.sort_unstable();
    finished.dedup();
    if upload.is_group != is_group
        || finished.len() as u64 != upload.count
        || bytes.len() as u64 != upload.size
        || hashes != upload.hashes
    {
        return Err(bad("the parts are not the file"));
    }
    Ok(store(state, is_group, &upload.name, bytes.into()))
}
