//! File bytes between adapters and the blob store.

use std::io::SeekFrom;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use jarvis_proto::chat::{DownloadChunk, DownloadRequest, UploadChunk, UploadDone};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};
use tracing::warn;

use super::SessionHandle;
use crate::blob::BlobWriter;
use crate::brain::Brain;

/// Metadata key that carries `Welcome.session`.
const SESSION_KEY: &str = "jarvis-session";
/// Bytes of one download chunk.
const CHUNK: usize = 256 << 10;
/// How long the other side may stay silent in mid-stream.
const STALL_LIMIT: Duration = Duration::from_secs(60);

/// Longest reason of an adapter that is passed on, in characters.
const LONGEST_WHY: usize = 300;

fn session<T>(brain: &Brain, request: &Request<T>) -> Result<SessionHandle, Status> {
    request
        .metadata()
        .get(SESSION_KEY)
        .and_then(|value| value.to_str().ok())
        .and_then(|secret| brain.sessions().by_secret(secret))
        .ok_or_else(|| Status::unauthenticated("no live session with this secret"))
}

/// Takes the bytes of one attachment and hands the blob to the one who asked for it.
pub(super) async fn upload(
    brain: &Brain,
    request: Request<Streaming<UploadChunk>>,
) -> Result<UploadDone, Status> {
    let session = session(brain, &request)?;
    let mut chunks = request.into_inner();
    let first = next(&mut chunks).await?;
    let waiting = session
        .take_fetch(&first.fetch)
        .ok_or_else(|| Status::not_found("nobody asked for this attachment"))?;
    let mut writer = brain.blobs().begin().await.map_err(|error| full(&error))?;
    match receive(brain, &mut chunks, first, &mut writer).await {
        Ok(()) => {
            let blob = writer.finish().await.map_err(|error| full(&error))?;
            let done = UploadDone {
                size: blob.size,
                blake3: Bytes::copy_from_slice(&blob.digest()),
            };
            drop(waiting.send(Ok(blob)));
            Ok(done)
        }
        Err(status) => {
            writer.discard().await;
            drop(waiting.send(Err(status.message().to_owned())));
            Err(status)
        }
    }
}

async fn receive(
    brain: &Brain,
    chunks: &mut Streaming<UploadChunk>,
    first: UploadChunk,
    writer: &mut BlobWriter,
) -> Result<(), Status> {
    let limit = brain.config().attachment_limit;
    let mut chunk = first;
    loop {
        if !chunk.failed.is_empty() {
            let why: String = chunk.failed.chars().take(LONGEST_WHY).collect();
            return Err(Status::aborted(why));
        }
        if writer.size() + chunk.data.len() as u64 > limit {
            return Err(Status::resource_exhausted(format!(
                "larger than {limit} bytes"
            )));
        }
        writer
            .write(&chunk.data)
            .await
            .map_err(|error| full(&error))?;
        if chunk.last {
            return Ok(());
        }
        chunk = next(chunks).await?;
    }
}

async fn next(chunks: &mut Streaming<UploadChunk>) -> Result<UploadChunk, Status> {
    match tokio::time::timeout(STALL_LIMIT, chunks.message()).await {
        Ok(Ok(Some(chunk))) => Ok(chunk),
        Ok(Ok(None)) => Err(Status::data_loss(
            "the stream was cut before its last chunk",
        )),
        Ok(Err(status)) => Err(status),
        Err(_) => Err(Status::deadline_exceeded(
            "the adapter fell silent in mid-stream",
        )),
    }
}

fn full(error: &std::io::Error) -> Status {
    warn!(%error, "cannot store an attachment");
    Status::resource_exhausted(format!("the brain cannot store it: {error}"))
}

/// Streams a blob to the adapter.
pub(super) async fn download(
    brain: &Brain,
    request: &Request<DownloadRequest>,
) -> Result<impl Stream<Item = Result<DownloadChunk, Status>> + Send + use<>, Status> {
    session(brain, request)?;
    let DownloadRequest { blob, offset } = request.get_ref();
    let path = brain
        .blobs()
        .path(blob)
        .ok_or_else(|| Status::invalid_argument("not a blob's name"))?;
    let mut file = tokio::fs::File::open(path)
        .await
        .map_err(|error| Status::not_found(format!("blob {blob}: {error}")))?;
    file.seek(SeekFrom::Start(*offset))
        .await
        .map_err(|error| Status::internal(error.to_string()))?;
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        loop {
            let mut data = BytesMut::with_capacity(CHUNK);
            while data.len() < CHUNK {
                match file.read_buf(&mut data).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        let _ = sender.send(Err(Status::data_loss(error.to_string()))).await;
                        return;
                    }
                }
            }
            let last = data.len() < CHUNK;
            let chunk = DownloadChunk {
                data: data.freeze(),
                last,
            };
            if sender.send(Ok(chunk)).await.is_err() || last {
                return;
            }
        }
    });
    Ok(ReceiverStream::new(receiver))
}
