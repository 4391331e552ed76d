//! Files: out as text inside a call, or in pieces; in by their address.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use jarvis_proto::chat::Attachment;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::abilities::Abilities;
use super::download;
use super::inbound::number;
use super::{OneBot, segments};
use crate::adapter::{AdapterError, ByteStream};
use crate::qq::account::{CallError, File, limit_for, whole};
use crate::qq::place::Place;

/// Largest file that travels whole inside a call, in bytes, and the largest where there is no other way.
const WHOLE: u64 = 4 * 1024 * 1024;
const MOST_WHOLE: u64 = 20_000_000;
/// Bytes of a piece of a larger one.
const PIECE: usize = 512 * 1024;
/// How long the implementation keeps what was sent in pieces, in milliseconds.
const KEPT_MS: u64 = 10 * 60 * 1000;

/// Largest file that the implementation takes.
pub(super) fn largest(abilities: &Abilities, wanted: u64) -> u64 {
    if abilities.has_stream_upload {
        return wanted;
    }
    match wanted {
        0 => MOST_WHOLE,
        wanted => wanted.min(MOST_WHOLE),
    }
}

pub(super) async fn send(
    account: &OneBot,
    place: &Place,
    file: &File<'_>,
) -> Result<String, CallError> {
    if file.is_picture {
        let picture = format!(
            "base64://{}",
            STANDARD.encode(whole(file, MOST_WHOLE).await?)
        );
        let mut message = segments(&file.caption);
        message.push(json!({"type": "image", "data": {"file": picture}}));
        return account.send_segments(place, Value::from(message)).await;
    }
    let source = if file.size > WHOLE && account.abilities.has_stream_upload {
        in_pieces(account, file).await?
    } else {
        format!(
            "base64://{}",
            STANDARD.encode(whole(file, MOST_WHOLE).await?)
        )
    };
    let (action, mut params) = match place {
        Place::Group(group) => ("upload_group_file", json!({"group_id": group})),
        Place::Private(user) | Place::Member { user, .. } => {
            ("upload_private_file", json!({"user_id": user}))
        }
    };
    params["file"] = Value::from(source);
    params["name"] = Value::from(file.name.as_str());
    // The answer names the file, not the message that shows it.
    let limit = limit_for(file.size.saturating_mul(2));
    account.call_within(action, &params, limit).await?;
    Ok(String::new())
}

/// Sends a file in pieces; returns its path on the implementation's machine. Read twice: the hash of
/// the whole goes with each piece.
async fn in_pieces(account: &OneBot, file: &File<'_>) -> Result<String, CallError> {
    let failed = |error: std::io::Error| CallError::file(&file.name, &error);
    let mut hasher = Sha256::new();
    let mut bytes = file.bytes.open().await?;
    while let Some(piece) = bytes.next().await {
        hasher.update(piece.map_err(failed)?);
    }
    let hash = format!("{:x}", hasher.finalize());
    let stream = Uuid::now_v7().to_string();
    let total = file.size.div_ceil(PIECE as u64);
    let mut index = 0_u64;
    let mut ready = Vec::with_capacity(PIECE);
    let mut bytes = file.bytes.open().await?;
    let mut is_over = false;
    while !is_over {
        match bytes.next().await {
            Some(piece) => ready.extend_from_slice(&piece.map_err(failed)?),
            None => is_over = true,
        }
        while ready.len() >= PIECE || (is_over && !ready.is_empty()) {
            let rest = ready.split_off(ready.len().min(PIECE));
            let params = json!({
                "stream_id": stream,
                "chunk_data": STANDARD.encode(&ready),
                "chunk_index": index,
                "total_chunks": total,
                "file_size": file.size,
                "expected_sha256": hash,
                "filename": file.name,
                "file_retention": KEPT_MS,
            });
            account
                .call_within("upload_file_stream", &params, limit_for(PIECE as u64))
                .await?;
            index += 1;
            ready = rest;
        }
    }
    let params = json!({"stream_id": stream, "is_complete": true});
    let done = account
        .call_within("upload_file_stream", &params, limit_for(file.size))
        .await?;
    let theirs = done["sha256"].as_str().unwrap_or_default();
    if !theirs.is_empty() && !theirs.eq_ignore_ascii_case(&hash) {
        return Err(CallError::Passing(format!(
            "`{}` arrived damaged",
            file.name
        )));
    }
    match done["file_path"].as_str() {
        Some(path) if !path.is_empty() => Ok(path.to_owned()),
        _ => Err(CallError::Unreadable(
            "a file that was sent in pieces has no path".to_owned(),
        )),
    }
}

pub(super) async fn open(
    account: &OneBot,
    attachment: &Attachment,
) -> Result<ByteStream, AdapterError> {
    let failed = |detail: String| AdapterError::Attachment {
        name: attachment.name.clone(),
        detail,
    };
    let handle: Value = serde_json::from_str(&attachment.handle)
        .map_err(|_| failed("its handle cannot be read".to_owned()))?;
    let text = |key: &str| handle[key].as_str().unwrap_or_default();
    let mut why = "it came without an address".to_owned();
    let id = Some(text("id")).filter(|id| handle["kind"] == "file" && !id.is_empty());
    // The program's newest address, then the one that came with the message, which may have expired.
    let mut addresses = Vec::new();
    if let Some(id) = id {
        match address(account, id, &handle).await {
            Ok(url) => addresses.push(url),
            Err(error) => why = error.to_string(),
        }
    }
    let own = [text("url"), text("file")].map(ToOwned::to_owned);
    addresses.extend(own.into_iter().find(|text| is_address(text)));
    for url in addresses {
        match account.fetcher.fetch(&url).await {
            Ok(bytes) => return Ok(bytes),
            Err(error) => why = error,
        }
    }
    let Some(id) = id else {
        return Err(failed(why));
    };
    if !account.fetcher.allows(attachment.size) {
        return Err(failed("it is too large".to_owned()));
    }
    if account.abilities.has_stream_download {
        match download::fetch(account, id, attachment.size).await {
            // One that is too old for it.
            Err(CallError::Unknown(_)) => {}
            Err(error) => return Err(failed(error.to_string())),
            Ok(bytes) => return Ok(bytes),
        }
    }
    // What is too large for one answer would cost the connection.
    if attachment.size > account.most_at_once() {
        return Err(failed(format!(
            "{why}; and its program cannot give so large a file in pieces"
        )));
    }
    match at_once(account, id).await {
        Ok(Found::Bytes(bytes)) if account.fetcher.allows(bytes.len() as u64) => {
            Ok(futures::stream::iter([Ok(bytes.into())]).boxed())
        }
        Ok(Found::Bytes(_)) => Err(failed("it is too large".to_owned())),
        Ok(Found::Url(url)) => account.fetcher.fetch(&url).await.map_err(failed),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Asks where a file is.
async fn address(account: &OneBot, id: &str, handle: &Value) -> Result<String, CallError> {
    let place: Option<Place> = handle["place"]
        .as_str()
        .and_then(|place| place.parse().ok());
    let answer = match place {
        Some(Place::Group(group)) => {
            let mut params = json!({"group_id": group, "file_id": id});
            if let Some(bus) = number(&handle["busid"]) {
                params["busid"] = Value::from(bus);
            }
            account.call("get_group_file_url", params).await?
        }
        _ if account.abilities.has_private_file_url => {
            let params = json!({"file_id": id});
            account.call("get_private_file_url", params).await?
        }
        _ => return Err(CallError::Unknown("get_private_file_url")),
    };
    match answer["url"].as_str() {
        Some(url) if is_address(url) => Ok(url.to_owned()),
        _ => Err(on_its_machine()),
    }
}

enum Found {
    Url(String),
    Bytes(Vec<u8>),
}

/// Asks for the file itself, or for yet another address.
async fn at_once(account: &OneBot, id: &str) -> Result<Found, CallError> {
    let answer = account.call("get_file", json!({"file_id": id})).await?;
    if let Some(text) = answer["base64"].as_str().filter(|text| !text.is_empty()) {
        let bytes = STANDARD
            .decode(text)
            .map_err(|error| CallError::Unreadable(error.to_string()))?;
        return Ok(Found::Bytes(bytes));
    }
    match answer["url"].as_str() {
        Some(url) if is_address(url) => Ok(Found::Url(url.to_owned())),
        _ => Err(on_its_machine()),
    }
}

/// An address, and not a path or a name: a file may be called `httpd.conf`.
fn is_address(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn on_its_machine() -> CallError {
    CallError::Refused("it keeps the file on its own machine only".to_owned())
}
