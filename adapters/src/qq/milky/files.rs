//! Files: out as text inside a call, in by their address.

use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{StreamExt, stream};
use jarvis_proto::chat::Attachment;
use reqwest::Body;
use serde_json::{Value, json};

use super::{Milky, read, segments};
use crate::adapter::{AdapterError, ByteStream};
use crate::base64_stream;
use crate::qq::account::{CallError, File, limit_for, whole};
use crate::qq::lock;
use crate::qq::place::Place;

/// Largest file that is sent, in bytes: .NET, in which Lagrange is written, reads no text in JSON that
/// is longer than 166 MB.
const LARGEST: u64 = 120_000_000;
/// Largest picture, which is a piece of a message.
const LARGEST_PICTURE: u64 = 20_000_000;

/// Largest file that can be sent when the setting allows so much.
pub(super) fn largest(wanted: u64) -> u64 {
    match wanted {
        0 => LARGEST,
        wanted => wanted.min(LARGEST),
    }
}

pub(super) async fn send(
    account: &Milky,
    place: &Place,
    file: &File<'_>,
) -> Result<String, CallError> {
    if file.is_picture {
        let picture = STANDARD.encode(whole(file, LARGEST_PICTURE).await?);
        let mut message = segments(&file.caption);
        message.push(
            json!({"type": "image", "data": {"uri": format!("base64://{picture}"),
            "sub_type": "normal", "summary": file.name}}),
        );
        return account.send_segments(place, Value::from(message)).await;
    }
    if file.size == 0 || file.size > LARGEST {
        let detail = format!("QQ takes no file of {} bytes (`{}`)", file.size, file.name);
        return Err(CallError::Refused(detail));
    }
    let (name, mut params) = match place {
        Place::Group(group) => (
            "upload_group_file",
            json!({"group_id": group, "parent_folder_id": "/"}),
        ),
        Place::Private(user) | Place::Member { user, .. } => {
            ("upload_private_file", json!({"user_id": user}))
        }
    };
    params["file_name"] = Value::from(file.name.as_str());
    let params = params.to_string();
    let (before, after) = (
        r#"{"file_uri":"base64://"#,
        format!(r#"",{}"#, params.trim_start_matches('{')),
    );
    let length = before.len() as u64 + base64_stream::length(file.size) + after.len() as u64;
    let broken = Broken::default();
    let bytes = exactly(file.bytes.open().await?, file.size, broken.clone());
    let body = stream::once(async { Ok(before.into()) })
        .chain(base64_stream::encode(bytes))
        .chain(stream::once(async { Ok(after.into()) }));
    // The answer names the file, not the message that shows it.
    let limit = limit_for(file.size.saturating_mul(2));
    let body = Body::wrap_stream(body);
    let answer = account.caller.call_with(name, body, length, limit).await;
    if let Some(error) = lock(&broken.0).take() {
        return Err(CallError::file(&file.name, &error));
    }
    read(name, answer?)?;
    Ok(String::new())
}

/// Why the bytes of a file that was being sent broke off.
#[derive(Debug, Clone, Default)]
struct Broken(Arc<Mutex<Option<io::Error>>>);

impl Broken {
    /// Keeps an error; gives one for the connection, which must not look whole.
    fn keep(&self, error: io::Error) -> io::Error {
        let other = io::Error::other(error.to_string());
        lock(&self.0).get_or_insert(error);
        other
    }
}

/// A stream that has so many bytes or fails.
fn exactly(bytes: ByteStream, size: u64, broken: Broken) -> ByteStream {
    let state = Some((bytes, size));
    stream::unfold(state, move |state| {
        let broken = broken.clone();
        async move {
            let (mut bytes, left) = state?;
            let wrong = || io::Error::other("it has another size than was said");
            let piece: io::Result<Bytes> = match bytes.next().await {
                Some(Ok(piece)) => match left.checked_sub(piece.len() as u64) {
                    Some(left) => return Some((Ok(piece), Some((bytes, left)))),
                    None => Err(wrong()),
                },
                Some(Err(error)) => Err(error),
                None if left == 0 => return None,
                None => Err(wrong()),
            };
            Some((piece.map_err(|error| broken.keep(error)), None))
        }
    })
    .boxed()
}

pub(super) async fn open(
    account: &Milky,
    attachment: &Attachment,
) -> Result<ByteStream, AdapterError> {
    let failed = |detail: String| AdapterError::Attachment {
        name: attachment.name.clone(),
        detail,
    };
    let handle: Value = serde_json::from_str(&attachment.handle)
        .map_err(|_| failed("its handle cannot be read".to_owned()))?;
    let url = match address(account, &handle).await {
        Ok(url) => url,
        Err(error) => match handle["url"].as_str() {
            Some(url) if !url.is_empty() => url.to_owned(),
            _ => return Err(failed(error.to_string())),
        },
    };
    account.fetcher.fetch(&url).await.map_err(failed)
}

/// Asks where an attachment is.
async fn address(account: &Milky, handle: &Value) -> Result<String, CallError> {
    let id = handle["id"].as_str().unwrap_or_default();
    let place: Option<Place> = handle["place"]
        .as_str()
        .and_then(|place| place.parse().ok());
    let (name, params, key) = match (handle["kind"].as_str(), place) {
        (Some("file"), Some(Place::Group(group))) => (
            "get_group_file_download_url",
            json!({"group_id": group, "file_id": id}),
            "download_url",
        ),
        (Some("file"), Some(Place::Private(user) | Place::Member { user, .. })) => (
            "get_private_file_download_url",
            json!({"user_id": user, "file_id": id, "file_hash": handle["hash"]}),
            "download_url",
        ),
        _ => ("get_resource_temp_url", json!({"resource_id": id}), "url"),
    };
    let answer = account.call(name, params).await?;
    let url = answer[key].as_str().filter(|url| !url.is_empty());
    url.map(ToOwned::to_owned)
        .ok_or_else(|| CallError::Unreadable(format!("`{name}` tells no address")))
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn what_is_said_to_be_so_long_is_so_long_or_fails() {
        let sent = async |pieces: Vec<io::Result<Bytes>>, size| {
            let broken = Broken::default();
            let bytes = exactly(stream::iter(pieces).boxed(), size, broken.clone());
            let all = bytes.try_collect::<Vec<_>>().await.map(|all| all.concat());
            (all.ok(), lock(&broken.0).take().map(|error| error.kind()))
        };
        let pieces = || vec![Ok("ab".into()), Ok("c".into())];
        assert_eq!(sent(pieces(), 3).await, (Some(b"abc".to_vec()), None));
        let wrong = (None, Some(io::ErrorKind::Other));
        assert_eq!(sent(pieces(), 2).await, wrong);
        assert_eq!(sent(pieces(), 4).await, wrong);
        let gone = vec![Ok("ab".into()), Err(io::ErrorKind::NotFound.into())];
        assert_eq!(sent(gone, 3).await, (None, Some(io::ErrorKind::NotFound)));
    }
}
