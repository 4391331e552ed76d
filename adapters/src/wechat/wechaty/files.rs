//! Files: small ones inside a call, larger ones on a stream beside it.

use std::time::Duration;

use futures::StreamExt;
use jarvis_proto::chat::{Attachment, FileRef};
use jarvis_proto::wechaty::puppet::{DownloadRequest, UploadRequest};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

use super::failure::CallError;
use super::file_box;
use super::gateway::Gateway;
use super::place::Place;
use crate::adapter::{AdapterError, ByteStream};
use crate::errand::Errand;
use crate::remote_file::Fetcher;

/// Bytes of a piece of a stream.
const PIECE: usize = 64 * 1024;
/// A file must move at least this fast, in bytes a second.
const SLOWEST: u64 = 32 * 1024;
/// Longest time for a call with a small file.
const CALL_LIMIT: Duration = Duration::from_secs(60);
/// Longest silence inside a stream.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// The bytes of a file to be sent.
#[derive(Debug)]
pub(super) enum Source<'a> {
    /// In memory.
    Here(bytes::Bytes),
    /// At the brain.
    There {
        /// Who can fetch them.
        errand: &'a Errand,
        /// Which.
        file: &'a FileRef,
    },
}

/// A file to be sent.
#[derive(Debug)]
pub(super) struct File<'a> {
    /// The name that the receiver sees.
    pub(super) name: String,
    /// Bytes.
    pub(super) size: u64,
    /// Where they are.
    pub(super) source: Source<'a>,
}

impl File<'_> {
    async fn open(&self) -> Result<ByteStream, CallError> {
        match &self.source {
            Source::Here(bytes) => Ok(futures::stream::iter([Ok(bytes.clone())]).boxed()),
            Source::There { errand, file } => errand
                .download(file)
                .await
                .map_err(|error| CallError::file(&self.name, &error)),
        }
    }

    /// All bytes of a file that may be so large.
    async fn whole(&self, most: u64) -> Result<Vec<u8>, CallError> {
        let mut whole = Vec::new();
        let mut pieces = self.open().await?;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| CallError::file(&self.name, &error))?;
            if (whole.len() + piece.len()) as u64 > most {
                return Err(CallError::Refused(format!(
                    "`{}` is larger than it was said to be",
                    self.name
                )));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }
}

/// Sends a file; the id of its message, empty where the gateway does not know it.
pub(super) async fn send(
    gateway: &Gateway,
    place: &Place,
    file: &File<'_>,
    inside_most: u64,
) -> Result<String, CallError> {
    if file.size == 0 {
        let detail = format!("WeChat takes no empty file (`{}`)", file.name);
        return Err(CallError::Refused(detail));
    }
    let file_box = if file.size <= inside_most {
        file_box::inside(&file.name, &file.whole(inside_most).await?)
    } else {
        let id = upload(gateway, file).await?;
        file_box::at_gateway(&file.name, &id, file.size)
    };
    // The gateway hands it to WeChat before it answers.
    let limit = CALL_LIMIT + Duration::from_secs(file.size / SLOWEST);
    gateway
        .send_file(place.conversation(), file_box, limit)
        .await
}

/// Puts a file at the gateway; its id there. When its bytes end too soon the call is broken off: the
/// gateway must not take what there is for the whole.
async fn upload(gateway: &Gateway, file: &File<'_>) -> Result<String, CallError> {
    let mut client = gateway.client()?;
    let mut pieces = file.open().await?;
    let (sender, receiver) = mpsc::channel(4);
    let mut calling = Box::pin(client.upload(ReceiverStream::new(receiver)));
    let feeding = async {
        let mut sent = 0_u64;
        while let Some(piece) = pieces.next().await {
            let mut piece = piece.map_err(|error| CallError::file(&file.name, &error))?;
            while !piece.is_empty() {
                let chunk = piece.split_to(piece.len().min(PIECE));
                sent += chunk.len() as u64;
                let sending = sender.send(UploadRequest { chunk });
                match timeout(SILENCE_LIMIT, sending).await {
                    Ok(Ok(())) => {}
                    // It ended the call; its answer says why.
                    Ok(Err(_)) => return std::future::pending().await,
                    Err(_) => return Err(CallError::Silent),
                }
            }
        }
        if sent == file.size {
            Ok(())
        } else {
            let short = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            Err(CallError::file(&file.name, &short))
        }
    };
    let answered = tokio::select! {
        answered = &mut calling => answered,
        fed = feeding => {
            fed?;
            drop(sender);
            timeout(SILENCE_LIMIT, calling).await.map_err(|_| CallError::Silent)?
        }
    };
    let answer = answered.map_err(|status| gateway.failed("Upload", &status))?;
    match answer.into_inner().id {
        id if id.is_empty() => Err(CallError::Passing(format!(
            "`{}` was taken without an id",
            file.name
        ))),
        id => Ok(id),
    }
}

/// The bytes of an attachment.
pub(super) async fn open(
    gateway: &Gateway,
    fetcher: &Fetcher,
    attachment: &Attachment,
    most: u64,
) -> Result<ByteStream, AdapterError> {
    let failed = |detail: String| AdapterError::Attachment {
        name: attachment.name.clone(),
        detail,
    };
    let handle: Value = serde_json::from_str(&attachment.handle).unwrap_or_default();
    let message = handle["message"].as_str().unwrap_or_default();
    if message.is_empty() {
        return Err(failed("its handle cannot be read".to_owned()));
    }
    let text = gateway.file_of(message).await;
    let text = text.map_err(|error| failed(error.to_string()))?;
    let file = file_box::read(&text, most).map_err(failed)?;
    if most != 0 && file.size > most {
        return Err(failed("it is too large".to_owned()));
    }
    match file.place {
        file_box::Place::Here(bytes) => Ok(futures::stream::iter([Ok(bytes.into())]).boxed()),
        file_box::Place::There { url, headers } => {
            fetcher.fetch_with(&url, headers).await.map_err(failed)
        }
        file_box::Place::AtGateway(id) => {
            let mut client = gateway
                .client()
                .map_err(|error| failed(error.to_string()))?;
            let asked = timeout(SILENCE_LIMIT, client.download(DownloadRequest { id })).await;
            let chunks = asked
                .map_err(|_| failed(CallError::Silent.to_string()))?
                .map_err(|status| failed(gateway.failed("Download", &status).to_string()))?
                .into_inner();
            Ok(bounded(chunks, file.size, most).boxed())
        }
    }
}

/// The pieces of a stream: no more than `most` bytes, and as many as were promised.
fn bounded(
    chunks: tonic::Streaming<jarvis_proto::wechaty::puppet::DownloadResponse>,
    promised: u64,
    most: u64,
) -> impl futures::Stream<Item = std::io::Result<bytes::Bytes>> + Send {
    futures::stream::try_unfold((chunks, 0_u64), move |(mut chunks, seen)| async move {
        // The status is not shown: a gateway may repeat the token in it.
        let broke = || std::io::Error::other("the Wechaty gateway broke off the file");
        let Some(chunk) = chunks.message().await.map_err(|_| broke())? else {
            if seen == 0 || promised != 0 && seen < promised {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::UnexpectedEof,
                    "the Wechaty gateway does not have the whole file",
                ));
            }
            return Ok(None);
        };
        let seen = seen + chunk.chunk.len() as u64;
        if most != 0 && seen > most {
            return Err(std::io::Error::other("the file is too large"));
        }
        Ok(Some((chunk.chunk, (chunks, seen))))
    })
}
