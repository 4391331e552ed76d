//! Files: put up encrypted, and fetched.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use jarvis_proto::chat::FileRef;
use jarvis_proto::chat::action_result::Outcome;
use md5::{Digest as _, Md5};
use reqwest::Body;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::time::sleep;
use url::Url;

use super::account::Credentials;
use super::api::{CALL_LIMIT, CallError, Line};
use super::cipher::{self, Key, Opener, Sealer};
use super::core::Core;
use super::handle::Handle;
use crate::adapter::{AdapterError, ByteStream};
use crate::errand::Errand;
use crate::web;

/// The platform's kinds of files when they go up.
const IMAGE: u8 = 1;
const FILE: u8 = 3;
/// Largest file that is sent as a picture, in bytes.
const MOST_PICTURE: u64 = 20 << 20;
/// A file must move at least this fast, in bytes a second.
const SLOWEST: u64 = 32 * 1024;
/// Tries to put a file up, and the pause between.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// A file up to this size is looked at as a whole, in bytes.
const SMALL: u64 = 4 << 20;
/// Longest silence inside a download.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// Fetches a file and decrypts it on the way.
///
/// # Errors
/// See [`crate::Adapter::open`].
pub(super) async fn fetch(
    core: &Core,
    name: &str,
    handle: &str,
) -> Result<ByteStream, AdapterError> {
    let failed = |detail: String| AdapterError::Attachment {
        name: name.to_owned(),
        detail,
    };
    let handle: Handle = serde_json::from_str(handle)
        .map_err(|_| failed("its handle is not one of ours".to_owned()))?;
    let key = match &handle.key {
        None => None,
        Some(key) => {
            let key = cipher::read_key(key);
            Some(key.ok_or_else(|| failed("its key is none".to_owned()))?)
        }
    };
    let url = place(core, &handle.url, "download", &handle.param, &[])
        .ok_or_else(|| failed("WeChat gave no usable address for it".to_owned()))?;
    let response = core.api.http.get(url).send();
    let response = tokio::time::timeout(SILENCE_LIMIT, response)
        .await
        .map_err(|_| failed("WeChat's file server does not answer".to_owned()))?
        .map_err(|error| failed(web::network(error)))?;
    let status = response.status();
    if !status.is_success() {
        let status = status.as_u16();
        return Err(failed(format!("WeChat's file server answers {status}")));
    }
    let most = core.config.download_limit;
    let too_large = move || format!("it has more than {most} bytes");
    if response
        .content_length()
        .is_some_and(|size| size > cipher::sealed_size(most))
    {
        return Err(failed(too_large()));
    }
    let is_small = response.content_length().is_some_and(|size| size <= SMALL);
    let pieces = response
        .bytes_stream()
        .map(|piece| piece.map_err(|error| std::io::Error::other(web::network(error))))
        .boxed();
    let reading = Reading {
        pieces,
        opener: key.as_ref().map(Opener::new),
        seen: 0,
        most,
        wanted: handle.size,
    };
    let opened = futures::stream::try_unfold(Some(reading), |reading| async {
        match reading {
            Some(reading) => reading.next().await,
            None => Ok(None),
        }
    });
    let mut opened = opened.boxed();
    if !is_small {
        return Ok(opened);
    }
    // That key and file belong together shows at the end: of a small file, before anything is passed on,
    // so that its sender reads why it does not come.
    let mut pieces = Vec::new();
    while let Some(piece) = opened.next().await {
        pieces.push(Ok(piece.map_err(|error| failed(error.to_string()))?));
    }
    Ok(futures::stream::iter(pieces).boxed())
}

/// A file on its way in.
struct Reading {
    pieces: ByteStream,
    opener: Option<Opener>,
    seen: u64,
    most: u64,
    wanted: Option<u64>,
}

impl Reading {
    async fn next(mut self) -> std::io::Result<Option<(Bytes, Option<Self>)>> {
        let wrong = std::io::Error::other;
        match self.pieces.next().await {
            Some(piece) => {
                let piece = piece?;
                let piece = match &mut self.opener {
                    Some(opener) => opener.push(&piece),
                    None => piece,
                };
                self.count(&piece)?;
                Ok(Some((piece, Some(self))))
            }
            None => {
                let last = match self.opener.take() {
                    Some(opener) => opener
                        .finish()
                        .ok_or_else(|| wrong("key and file do not belong together"))?,
                    None => Bytes::new(),
                };
                self.count(&last)?;
                match self.wanted {
                    Some(wanted) if wanted != self.seen => Err(wrong(
                        "it is not as long as the message says: key and file do not belong together",
                    )),
                    _ => Ok(Some((last, None))),
                }
            }
        }
    }

    fn count(&mut self, piece: &Bytes) -> std::io::Result<()> {
        self.seen += piece.len() as u64;
        if self.seen > self.most {
            let most = self.most;
            return Err(std::io::Error::other(format!(
                "it has more than {most} bytes"
            )));
        }
        Ok(())
    }
}

/// The address that was named, if it leads to the platform; else where such files are.
fn place(core: &Core, named: &str, what: &str, param: &str, more: &[(&str, &str)]) -> Option<Url> {
    if let Some(url) = core.config.trusted(named) {
        return Some(url);
    }
    if !named.is_empty() {
        tracing::warn!("a file is said to be somewhere else than at WeChat; that is not followed");
    }
    if param.is_empty() {
        return None;
    }
    let mut url = core.config.cdn_url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(what);
    url.query_pairs_mut()
        .append_pair("encrypted_query_param", param)
        .extend_pairs(more);
    Some(url)
}

/// Why a file is not up.
pub(super) enum Failure {
    Call(CallError),
    Outcome(Outcome),
}

/// A file to be put up.
pub(super) struct Upload<'a> {
    name: String,
    is_picture: bool,
    size: u64,
    bytes: Source<'a>,
}

enum Source<'a> {
    Memory(Bytes),
    Brain(&'a Errand, &'a FileRef),
}

impl<'a> Upload<'a> {
    /// A text as a file.
    pub(super) fn text(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_picture: false,
            size: text.len() as u64,
            bytes: Source::Memory(Bytes::copy_from_slice(text.as_bytes())),
        }
    }

    /// A file of the brain.
    pub(super) fn file(errand: &'a Errand, file: &'a FileRef) -> Self {
        let is_picture = matches!(file.mime.as_str(), "image/png" | "image/jpeg");
        Self {
            name: file_name(&file.name),
            is_picture: is_picture && file.size <= MOST_PICTURE,
            size: file.size,
            bytes: Source::Brain(errand, file),
        }
    }

    async fn open(&self) -> Result<ByteStream, Failure> {
        match &self.bytes {
            Source::Memory(bytes) => {
                let bytes = bytes.clone();
                Ok(futures::stream::once(async { Ok(bytes) }).boxed())
            }
            Source::Brain(errand, file) => {
                let open = errand.download(file).await;
                open.map_err(|error| Failure::Outcome(self.broken(&error)))
            }
        }
    }

    fn broken(&self, error: &std::io::Error) -> Outcome {
        let detail = format!("file `{}`: {error}", self.name);
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                Outcome::Fatal(detail)
            }
            _ => Outcome::Transient(detail),
        }
    }

    /// Length and MD5, which the platform wants to know first.
    async fn measure(&self) -> Result<(u64, String), Failure> {
        let mut md5 = Md5::new();
        let mut size = 0;
        let mut pieces = self.open().await?;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| Failure::Outcome(self.broken(&error)))?;
            size += piece.len() as u64;
            md5.update(&piece);
        }
        Ok((size, hex::encode(md5.finalize())))
    }
}

/// Puts a file up; returns the item that shows it in a message.
pub(super) async fn put(
    core: &Core,
    credentials: &Credentials,
    person: &str,
    upload: Upload<'_>,
) -> Result<Value, Failure> {
    let limit = core.config.upload_limit;
    let too_large = |size: u64| {
        let name = &upload.name;
        let detail = format!("file `{name}` has {size} bytes; {limit} may be sent");
        Failure::Outcome(Outcome::Fatal(detail))
    };
    if upload.size > limit {
        return Err(too_large(upload.size));
    }
    let (size, md5) = upload.measure().await?;
    if size > limit {
        return Err(too_large(size));
    }
    let key: Key = rand::random();
    let file_key = hex::encode(rand::random::<[u8; 16]>());
    let sealed = cipher::sealed_size(size);
    let body = json!({
        "filekey": file_key,
        "media_type": if upload.is_picture { IMAGE } else { FILE },
        "to_user_id": person,
        "rawsize": size,
        "rawfilemd5": md5,
        "filesize": sealed,
        "no_need_thumb": true,
        "aeskey": hex::encode(key),
    });
    let line = Line {
        url: &credentials.url,
        token: Some(&credentials.token),
    };
    let told = core
        .api
        .call(line, "getuploadurl", body, CALL_LIMIT)
        .await
        .map_err(Failure::Call)?;
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    let param = text("upload_param");
    let more = [("filekey", file_key.as_str())];
    let url = place(core, &text("upload_full_url"), "upload", &param, &more).ok_or_else(|| {
        Failure::Outcome(Outcome::Transient(
            "WeChat does not say where the file goes".to_owned(),
        ))
    })?;
    let shown = send(core, &url, &upload, &key, sealed).await?;
    let media = json!({
        "encrypt_query_param": shown,
        "aes_key": cipher::written_key(&key),
        "encrypt_type": 1,
    });
    Ok(if upload.is_picture {
        json!({ "type": 2, "image_item": { "media": media, "mid_size": sealed } })
    } else {
        let file = json!({
            "media": media,
            "file_name": upload.name,
            "len": size.to_string(),
        });
        json!({ "type": 4, "file_item": file })
    })
}

/// Sends the encrypted bytes; returns what the file servers call them.
async fn send(
    core: &Core,
    url: &Url,
    upload: &Upload<'_>,
    key: &Key,
    sealed: u64,
) -> Result<String, Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        let pieces = upload.open().await?;
        let response = core
            .api
            .http
            .post(url.clone())
            .timeout(CALL_LIMIT + Duration::from_secs(sealed / SLOWEST))
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, sealed)
            .body(Body::wrap_stream(seal(pieces, key)))
            .send()
            .await;
        let detail = match response {
            Ok(response) => {
                let status = response.status().as_u16();
                let header = |name: &str| {
                    let value = response.headers().get(name)?.to_str().ok()?;
                    Some(value.chars().take(2000).collect::<String>())
                };
                match (status, header("x-encrypted-param")) {
                    (200..=299, Some(param)) => return Ok(param),
                    (400..=499, _) => {
                        let words = header("x-error-message").unwrap_or_default();
                        let words: String = words.chars().take(200).collect();
                        let detail = format!("the file server answers {status}: {words}");
                        return Err(Failure::Outcome(Outcome::Fatal(detail)));
                    }
                    _ => format!("the file server answers {status}"),
                }
            }
            Err(error) => web::network(error),
        };
        if tries == TRIES {
            return Err(Failure::Call(CallError::Away(detail)));
        }
        tracing::info!(detail, "a file could not be put up, trying again");
        sleep(PAUSE).await;
    }
}

/// The pieces of a file, encrypted.
fn seal(
    pieces: ByteStream,
    key: &Key,
) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send + use<> {
    let start = Some((pieces, Sealer::new(key)));
    futures::stream::try_unfold(start, |state| async {
        let Some((mut pieces, mut sealer)) = state else {
            return Ok(None);
        };
        match pieces.next().await {
            Some(piece) => {
                let piece = sealer.push(&piece?);
                Ok(Some((piece, Some((pieces, sealer)))))
            }
            None => Ok(Some((sealer.finish(), None))),
        }
    })
}

/// The name that the receiver sees.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.trim() {
        "" => "file".to_owned(),
        name => name.to_owned(),
    }
}
