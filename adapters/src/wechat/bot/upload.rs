//! Putting files up, piece by piece.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use jarvis_proto::chat::FileRef;
use jarvis_proto::chat::action_result::Outcome;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::core::Core;
use super::frame::{cmd, req_id};
use super::line::{CallError, Verdict};
use super::outbound::Rendered;
use crate::adapter::ByteStream;
use crate::errand::Errand;
use crate::host::Turn;
use crate::markup::markdown::markdown;
use crate::markup::{Run, Style};

/// Smaller files are refused.
const SMALLEST: u64 = 5;
const MOST_PIECES: u64 = 100;
const LONGEST_NAME: usize = 256;
const LARGEST_PICTURE: u64 = 10 << 20;
const LARGEST_VIDEO: u64 = 10 << 20;
const LARGEST_VOICE: u64 = 2 << 20;
/// Tries of one piece: the platform keeps what it has over a reconnection.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);
/// A file must move at least this fast, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

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

/// What became of a file.
pub(super) enum Put {
    /// Its kind, and what the platform calls it.
    Media(&'static str, String),
    /// It is too small for the platform: it goes as text.
    Text(Rendered),
}

/// A file to be put up.
pub(super) struct Upload<'a> {
    name: String,
    kind: &'static str,
    size: u64,
    bytes: Source<'a>,
}

enum Source<'a> {
    Memory(Bytes),
    Brain(&'a Errand, FileRef),
}

impl<'a> Upload<'a> {
    /// A text as a file.
    pub(super) fn text(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: "file",
            size: text.len() as u64,
            bytes: Source::Memory(Bytes::copy_from_slice(text.as_bytes())),
        }
    }

    /// A file of the brain.
    pub(super) fn file(errand: &'a Errand, file: &FileRef) -> Self {
        Self {
            name: file_name(&file.name),
            kind: kind(&file.mime, file.size),
            size: file.size,
            bytes: Source::Brain(errand, file.clone()),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
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

/// Puts a file up.
pub(super) async fn put(core: &Core, errand: &Errand, upload: Upload<'_>) -> Result<Put, Failure> {
    let most = core
        .config
        .upload_limit
        .min(core.config.rules.piece as u64 * MOST_PIECES);
    if upload.size > most {
        return Err(Failure::Outcome(Outcome::Fatal(format!(
            "file `{}` has {} bytes; WeCom takes {most}",
            upload.name, upload.size
        ))));
    }
    if upload.size < SMALLEST {
        return tiny(&upload).await.map(Put::Text);
    }
    let piece = core.config.rules.piece.max(1);
    let begin = json!({
        "type": upload.kind,
        "filename": upload.name,
        "total_size": upload.size,
        "total_chunks": upload.size.div_ceil(piece as u64),
        "md5": hash(&upload).await?,
    });
    let answer = call(core, errand, cmd::UPLOAD_INIT, &begin).await?;
    let id = named(&answer, "upload_id")?;
    let mut pieces = upload.open().await?;
    let mut waiting = BytesMut::new();
    let mut index = 0_u64;
    loop {
        while waiting.len() < piece {
            let Some(more) = pieces.next().await else {
                break;
            };
            waiting.extend_from_slice(&more.map_err(|error| upload.broken(&error))?);
        }
        if waiting.is_empty() {
            break;
        }
        let now = waiting.split_to(piece.min(waiting.len()));
        let body = json!({
            "upload_id": id,
            "chunk_index": index,
            "base64_data": STANDARD.encode(&now),
        });
        call(core, errand, cmd::UPLOAD_PIECE, &body).await?;
        index += 1;
    }
    let answer = call(
        core,
        errand,
        cmd::UPLOAD_FINISH,
        &json!({ "upload_id": id }),
    )
    .await?;
    Ok(Put::Media(upload.kind, named(&answer, "media_id")?))
}

/// One step, again after a passing failure: a repeated piece changes nothing.
async fn call(
    core: &Core,
    errand: &Errand,
    cmd: &'static str,
    body: &Value,
) -> Result<Value, Failure> {
    let more = Duration::from_secs(core.config.rules.piece as u64 / SLOWEST);
    let mut pause = PAUSE;
    let mut tries = 1;
    loop {
        errand.turn(Turn::Call).await.map_err(Failure::Outcome)?;
        let answer = core.line.call(cmd, &req_id(cmd), body, more).await;
        let Err(error) = answer else {
            return Ok(answer?);
        };
        // A new beginning would leave the first one behind: only what has one goes on.
        let is_passing = match error.verdict() {
            None => cmd != cmd::UPLOAD_INIT,
            Some(verdict) => verdict == Verdict::Conflict,
        };
        if !is_passing || tries >= TRIES {
            return Err(error.into());
        }
        tracing::debug!(%error, cmd, "a step of a file is tried again");
        tries += 1;
        sleep(pause).await;
        pause *= 2;
    }
}

fn named(answer: &Value, key: &str) -> Result<String, Failure> {
    match answer[key].as_str() {
        Some(id) if !id.is_empty() => Ok(id.to_owned()),
        _ => Err(Failure::Outcome(Outcome::Transient(format!(
            "WeCom answers a file without `{key}`"
        )))),
    }
}

async fn hash(upload: &Upload<'_>) -> Result<String, Failure> {
    let mut md5 = Md5::new();
    let mut pieces = upload.open().await?;
    while let Some(piece) = pieces.next().await {
        md5.update(&piece.map_err(|error| upload.broken(&error))?);
    }
    Ok(hex::encode(md5.finalize()))
}

/// A file of a few bytes as a message.
async fn tiny(upload: &Upload<'_>) -> Result<Rendered, Failure> {
    let mut bytes = Vec::new();
    let mut pieces = upload.open().await?;
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| upload.broken(&error))?);
    }
    let said = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => hex::encode(error.into_bytes()),
    };
    let head = format!("{} ({} B)\n", upload.name, upload.size);
    let run = |style, text: &str| Run {
        style,
        text: text.to_owned(),
    };
    let mut runs = vec![run(Style::Plain, &head)];
    if !said.is_empty() {
        let language = String::new();
        runs.push(run(Style::Block { language }, &said));
    }
    Ok(Rendered {
        markdown: markdown(&runs),
        plain: format!("{head}{said}"),
    })
}

/// What the chat shows the file as.
fn kind(mime: &str, size: u64) -> &'static str {
    match mime {
        "image/png" | "image/jpeg" | "image/gif" if size <= LARGEST_PICTURE => "image",
        "video/mp4" if size <= LARGEST_VIDEO => "video",
        "audio/amr" if size <= LARGEST_VOICE => "voice",
        _ => "file",
    }
}

/// The name that the receiver sees: no folder, and its ending kept when it is too long.
fn file_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.is_empty() {
        return "file".to_owned();
    }
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let ending = name
        .rfind('.')
        .map(|dot| &name[dot..])
        .filter(|ending| ending.len() <= 16)
        .unwrap_or_default();
    let mut cut = LONGEST_NAME - ending.len();
    while !name.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}{ending}", &name[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_folder_and_fits() {
        assert_eq!(file_name("a/b\\报告.pdf "), "报告.pdf");
        assert_eq!(file_name("x/"), "file");
        let long = file_name(&format!("{}.tar.gz", "报".repeat(200)));
        assert!(long.len() <= LONGEST_NAME && long.ends_with(".gz"));
    }

    #[test]
    fn what_is_too_large_for_its_kind_is_a_file() {
        assert_eq!(kind("image/png", 10 << 20), "image");
        assert_eq!(kind("image/png", (10 << 20) + 1), "file");
        assert_eq!(kind("video/mp4", 1), "video");
        assert_eq!(kind("text/plain", 1), "file");
    }
}
