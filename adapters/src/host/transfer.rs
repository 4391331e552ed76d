//! File bytes between the platform and the brain, on streams of their own.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use jarvis_proto::chat::chat_brain_client::ChatBrainClient;
use jarvis_proto::chat::{Attachment, DownloadRequest, FetchAttachment, FileRef, UploadChunk};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::adapter::{Adapter, ByteStream};

/// Largest chunk in one message, in bytes.
const CHUNK: usize = 64 * 1024;
/// Longest silence inside a transfer.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// The live session, as transfers need it.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) client: ChatBrainClient<Channel>,
    /// `Welcome.session`, marked sensitive.
    pub(super) session: MetadataValue<Ascii>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// Opens files of the brain over whichever session is live.
#[derive(Debug, Clone)]
pub(crate) struct Files(pub(super) watch::Receiver<Option<Link>>);

impl Files {
    pub(crate) async fn download(&self, file: &FileRef) -> io::Result<ByteStream> {
        let mut live = self.0.clone();
        let link = timeout(SILENCE_LIMIT, live.wait_for(Option::is_some))
            .await
            .map_err(|_| silent("the brain is away"))?
            .map_err(|_| silent("the host has stopped"))?
            .clone();
        let Some(mut link) = link else {
            return Err(silent("the brain is away"));
        };
        let mut request = Request::new(DownloadRequest {
            blob: file.blob.clone(),
            offset: 0,
        });
        request
            .metadata_mut()
            .insert("jarvis-session", link.session);
        let chunks = timeout(SILENCE_LIMIT, link.client.download(request))
            .await
            .map_err(|_| silent("no answer to a download"))?
            .map_err(|status| failed(&status))?
            .into_inner();
        Ok(Box::pin(until_last(chunks, file.size)))
    }
}

/// The bytes of a download; an error unless the chunk marked as the last has come and the size is
/// the promised one.
fn until_last(
    chunks: tonic::Streaming<jarvis_proto::chat::DownloadChunk>,
    size: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures::stream::try_unfold(Some((chunks, 0_u64)), move |state| async move {
        let Some((mut chunks, mut seen)) = state else {
            return Ok(None);
        };
        let chunk = timeout(SILENCE_LIMIT, chunks.message())
            .await
            .map_err(|_| silent("a download went silent"))?
            .map_err(|status| failed(&status))?
            .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "a download broke off"))?;
        seen += chunk.data.len() as u64;
        if !chunk.last {
            return Ok(Some((chunk.data, Some((chunks, seen)))));
        }
        if size != 0 && seen != size {
            let detail = format!("a download has {seen} bytes instead of {size}");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, detail));
        }
        Ok(Some((chunk.data, None)))
    })
}

/// Sends the bytes of one attachment to the brain. Back-pressure reaches the platform: the next
/// piece is read when the one before has left.
///
/// # Errors
/// What to tell the brain in `AttachmentFailed`.
pub(super) async fn upload(
    adapter: Arc<dyn Adapter>,
    mut link: Link,
    fetch: FetchAttachment,
) -> Result<(), String> {
    let attachment: Attachment = fetch.attachment.unwrap_or_default();
    let mut bytes = timeout(SILENCE_LIMIT, adapter.open(&attachment))
        .await
        .map_err(|_| "the platform did not answer in time".to_owned())?
        .map_err(|error| error.to_string())?;
    let (sender, receiver) = mpsc::channel(4);
    let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(receiver));
    request
        .metadata_mut()
        .insert("jarvis-session", link.session);
    let sending = async move {
        let mut name = Some(fetch.fetch);
        loop {
            let piece = match timeout(SILENCE_LIMIT, bytes.next()).await {
                Ok(Some(Ok(piece))) => Ok(piece),
                Ok(None) => break,
                Ok(Some(Err(error))) => Err(error.to_string()),
                Err(_) => Err("the platform went silent".to_owned()),
            };
            let mut piece = match piece {
                Ok(piece) => piece,
                Err(failed) => {
                    let last = UploadChunk {
                        fetch: name.take().unwrap_or_default(),
                        failed: failed.clone(),
                        ..UploadChunk::default()
                    };
                    let _ = sender.send(last).await;
                    return Err(failed);
                }
            };
            while !piece.is_empty() {
                let data = piece.split_to(piece.len().min(CHUNK));
                let chunk = UploadChunk {
                    fetch: name.take().unwrap_or_default(),
                    data,
                    ..UploadChunk::default()
                };
                // A brain that ends the call says why in its answer.
                if sender.send(chunk).await.is_err() {
                    return Ok(());
                }
            }
        }
        let last = UploadChunk {
            fetch: name.take().unwrap_or_default(),
            last: true,
            ..UploadChunk::default()
        };
        let _ = sender.send(last).await;
        Ok::<(), String>(())
    };
    let (sent, answered) = tokio::join!(sending, link.client.upload(request));
    sent?;
    answered
        .map(drop)
        .map_err(|status| status.message().to_owned())
}

fn silent(detail: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, detail)
}

fn failed(status: &Status) -> io::Error {
    let kind = match status.code() {
        tonic::Code::NotFound => io::ErrorKind::NotFound,
        tonic::Code::PermissionDenied | tonic::Code::Unauthenticated => {
            io::ErrorKind::PermissionDenied
        }
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, status.message().to_owned())
}
