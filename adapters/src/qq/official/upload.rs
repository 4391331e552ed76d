//! Putting files up: small ones in one call, larger ones in parts.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use jarvis_proto::chat::FileRef;
use jarvis_proto::chat::action_result::Outcome;
use md5::{Digest as _, Md5};
use reqwest::Method;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::answer;
use super::api::{CALL_LIMIT, CallError, SLOWEST};
use super::core::Core;
use super::place::Place;
use super::verdict::{Verdict, verdict};
use crate::adapter::ByteStream;
use crate::errand::Errand;

/// The platform's kinds of files.
const IMAGE: u8 = 1;
const FILE: u8 = 4;
/// Largest file that is sent as a picture, in bytes.
const MOST_PICTURE: u64 = 30 << 20;
/// The platform wants a hash of the beginning of this length.
const HEAD: u64 = 10_002_432;
/// Largest part that is held in memory, in bytes.
const LARGEST_PART: u64 = 64 << 20;
/// Tries of one part, and the pause between.
const PART_TRIES: u32 = 5;
const PART_PAUSE: Duration = Duration::from_millis(500);

/// Why a file is not up.
pub(super) enum Failure {
    Call(CallError),
    Outcome(Outcome),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// A file to be put up.
pub(super) struct Upload<'a> {
    name: String,
    kind: u8,
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
            kind: FILE,
            size: text.len() as u64,
            bytes: Source::Memory(Bytes::copy_from_slice(text.as_bytes())),
        }
    }

    /// A file of the brain.
    pub(super) fn file(errand: &'a Errand, file: &'a FileRef) -> Self {
        let is_picture = matches!(file.mime.as_str(), "image/png" | "image/jpeg");
        Self {
            name: file_name(&file.name),
            kind: if is_picture && file.size <= MOST_PICTURE {
                IMAGE
            } else {
                FILE
            },
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
            Source::Brain(errand, file) => errand
                .download(file)
                .await
                .map_err(|error| self.broken(&error)),
        }
    }

    fn broken(&self, error: &std::io::Error) -> Failure {
        let detail = format!("file `{}`: {error}", self.name);
        Failure::Outcome(match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                Outcome::Fatal(detail)
            }
            _ => Outcome::Transient(detail),
        })
    }
}

/// Puts a file up; returns what the platform calls it.
pub(super) async fn put(core: &Core, place: &Place, upload: Upload<'_>) -> Result<String, Failure> {
    if upload.size > core.config.upload_limit {
        return Err(Failure::Outcome(Outcome::Fatal(format!(
            "file `{}` has {} bytes; QQ takes {}",
            upload.name, upload.size, core.config.upload_limit
        ))));
    }
    let answer = if upload.size <= core.config.rules.single_upload {
        in_one(core, place, &upload).await?
    } else {
        in_parts(core, place, &upload).await?
    };
    match answer["file_info"].as_str() {
        Some(file_info) => Ok(file_info.to_owned()),
        None => Err(Failure::Outcome(Outcome::Transient(
            "the platform does not say what it calls the file".to_owned(),
        ))),
    }
}

async fn in_one(core: &Core, place: &Place, upload: &Upload<'_>) -> Result<Value, Failure> {
    let mut bytes = BytesMut::new();
    let mut pieces = upload.open().await?;
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| upload.broken(&error))?);
    }
    let body = json!({
        "file_type": upload.kind,
        "file_data": STANDARD.encode(&bytes),
        "file_name": upload.name,
        "srv_send_msg": false,
    });
    Ok(files(core, place, &body, upload.size).await?)
}

async fn files(core: &Core, place: &Place, body: &Value, size: u64) -> Result<Value, CallError> {
    let limit = CALL_LIMIT + Duration::from_secs(size / SLOWEST);
    let path = place.path("files");
    core.api.call(Method::POST, &path, Some(body), limit).await
}

async fn in_parts(core: &Core, place: &Place, upload: &Upload<'_>) -> Result<Value, Failure> {
    let hashes = Hashes::of(upload).await?;
    let body = json!({
        "file_type": upload.kind,
        "file_size": upload.size,
        "file_name": upload.name,
        "md5": hashes.md5,
        "sha1": hashes.sha1,
        "md5_10m": hashes.head,
    });
    let plan = core.api.post(&place.path("upload_prepare"), &body).await?;
    let plan = Plan::read(&plan, upload.size)
        .map_err(|detail| Failure::Outcome(Outcome::Transient(detail)))?;
    let mut pieces = upload.open().await?;
    let mut waiting = BytesMut::new();
    for part in &plan.parts {
        while (waiting.len() as u64) < part.size {
            let Some(piece) = pieces.next().await else {
                break;
            };
            waiting.extend_from_slice(&piece.map_err(|error| upload.broken(&error))?);
        }
        let size = usize::try_from(part.size).unwrap_or(usize::MAX);
        let bytes = waiting.split_to(size.min(waiting.len())).freeze();
        put_part(core, part, bytes.clone()).await?;
        finish_part(core, place, &plan, part, &bytes).await?;
    }
    let body = json!({ "upload_id": plan.id });
    Ok(files(core, place, &body, upload.size).await?)
}

/// The hashes of a file.
struct Hashes {
    md5: String,
    sha1: String,
    head: String,
}

impl Hashes {
    async fn of(upload: &Upload<'_>) -> Result<Self, Failure> {
        let mut md5 = Md5::new();
        let mut head = Md5::new();
        let mut sha1 = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        let mut left = HEAD;
        let mut pieces = upload.open().await?;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| upload.broken(&error))?;
            md5.update(&piece);
            sha1.update(&piece);
            let of_head = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            head.update(&piece[..of_head]);
            left -= of_head as u64;
        }
        Ok(Self {
            md5: hex::encode(md5.finalize()),
            sha1: hex::encode(sha1.finish()),
            head: hex::encode(head.finalize()),
        })
    }
}

/// How the platform wants the file cut.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    id: String,
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
struct Part {
    index: u64,
    url: String,
    size: u64,
}

impl Plan {
    /// Reads a plan; whatever it says, its parts are the file and fit into memory.
    fn read(answer: &Value, size: u64) -> Result<Self, String> {
        let bad = |what: &str| format!("the platform's plan for a file in parts {what}");
        let id = answer["upload_id"].as_str().unwrap_or_default();
        if id.is_empty() {
            return Err(bad("has no id"));
        }
        let block = number(&answer["block_size"]).unwrap_or_default();
        let mut parts = Vec::new();
        let mut left = size;
        for part in answer["parts"].as_array().into_iter().flatten() {
            let own = number(&part["block_size"]).filter(|size| *size > 0);
            let part_size = own.unwrap_or(block).min(left);
            if !(1..=LARGEST_PART).contains(&part_size) {
                return Err(bad("has a part of an unusable size"));
            }
            let url = part["presigned_url"].as_str().unwrap_or_default();
            parts.push(Part {
                index: number(&part["index"]).unwrap_or(parts.len() as u64 + 1),
                url: url.to_owned(),
                size: part_size,
            });
            left -= part_size;
        }
        if left > 0 {
            return Err(bad("does not cover the file"));
        }
        Ok(Self {
            id: id.to_owned(),
            parts,
        })
    }
}

/// A number, in quotes or not.
fn number(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// The storage behind the platform knows the part by its address, and wants no token.
async fn put_part(core: &Core, part: &Part, bytes: Bytes) -> Result<(), Failure> {
    let limit = CALL_LIMIT + Duration::from_secs(part.size / SLOWEST);
    let mut last = String::new();
    for _ in 0..PART_TRIES {
        let request = core.api.http.put(&part.url).timeout(limit);
        match request.body(bytes.clone()).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => last = format!("status {}", answer.status().as_u16()),
            Err(error) => last = answer::network(error),
        }
        sleep(PART_PAUSE).await;
    }
    let detail = format!("part {} of a file could not be put up: {last}", part.index);
    Err(CallError::Away(detail).into())
}

async fn finish_part(
    core: &Core,
    place: &Place,
    plan: &Plan,
    part: &Part,
    bytes: &Bytes,
) -> Result<(), CallError> {
    let body = json!({
        "upload_id": plan.id,
        "part_index": part.index,
        "block_size": bytes.len(),
        "md5": hex::encode(Md5::digest(bytes)),
    });
    for _ in 1..PART_TRIES {
        match core
            .api
            .post(&place.path("upload_part_finish"), &body)
            .await
        {
            Err(error @ CallError::Refused { .. }) if verdict(&error) == Verdict::Again => {
                tracing::debug!(%error, "a part of a file is not there yet");
                sleep(PART_PAUSE).await;
            }
            answer => return answer.map(drop),
        }
    }
    core.api
        .post(&place.path("upload_part_finish"), &body)
        .await
        .map(drop)
}

/// The name that the receiver sees.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.is_empty() {
        "file".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_plan_covers_the_file_or_is_refused() {
        let part = |index: u64, size: Value| json!({"index": index, "presigned_url": "u", "block_size": size});
        let plan = |parts: Value| json!({"upload_id": "1", "block_size": "4", "parts": parts});
        let good = plan(json!([
            part(1, json!(4)),
            part(2, json!("4")),
            part(3, json!(0))
        ]));
        let sizes: Vec<u64> = Plan::read(&good, 10)
            .unwrap()
            .parts
            .iter()
            .map(|part| part.size)
            .collect();
        assert_eq!(sizes, [4, 4, 2]);
        assert!(Plan::read(&good, 13).is_err());
        assert!(Plan::read(&plan(json!([])), 1).is_err());
        assert!(Plan::read(&plan(json!([part(1, json!(1_u64 << 40))])), 1 << 41).is_err());
        assert!(Plan::read(&json!({"parts": []}), 0).is_err());
    }

    #[test]
    fn a_name_has_no_folder() {
        assert_eq!(file_name("a/b\\报告.pdf "), "报告.pdf");
        assert_eq!(file_name("x/"), "file");
    }
}
