//! The sending end of a transfer.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use jarvis_proto::node::file_chunk::Part;
use jarvis_proto::node::{FileChunk, FileEnd, FileHead};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::buffer::Buffers;
use super::{AHEAD, CHUNK, Meter};

/// What goes with the bytes of a file.
#[derive(Debug, Clone, Default)]
pub struct SendOptions {
    /// The order that the file belongs to.
    pub order: String,
    /// The file's name, for the receiver.
    pub name: String,
    /// Unix milliseconds; 0 = unknown.
    pub modified_ms: i64,
    /// Bytes that the receiver has already. Only for [`send_file`].
    pub offset: u64,
    /// The hash of the whole file where it is known; else it is computed on the way.
    pub blake3: Option<[u8; 32]>,
    /// Where to see how far it is.
    pub meter: Meter,
}

/// What was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Bytes of the whole file, a part that the receiver had already included.
    pub size: u64,
    /// BLAKE3 of the whole file.
    pub blake3: [u8; 32],
}

/// Why a file was not sent to its end.
#[derive(Debug, thiserror::Error)]
pub enum SendFileError {
    /// Somebody made it shorter meanwhile.
    #[error("the file became shorter while it was sent")]
    Changed,
    /// The receiver asked for a place beyond the end.
    #[error("the receiver has {offset} bytes of a file of {size}")]
    BeyondEnd {
        /// Bytes that the receiver says it has.
        offset: u64,
        /// Bytes that there are.
        size: u64,
    },
    /// The receiver went away, or wants no more.
    #[error("the receiver took no more")]
    NotTaken,
    /// Reading failed.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// The chunks of one file. After an error it ends without an end chunk, so that the receiver knows it
/// was cut; [`SendOutcome`] tells why.
#[derive(Debug)]
pub struct FileStream(mpsc::Receiver<FileChunk>);

impl Stream for FileStream {
    type Item = FileChunk;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FileChunk>> {
        self.0.poll_recv(cx)
    }
}

/// How the sending ended.
#[derive(Debug)]
pub struct SendOutcome(JoinHandle<Result<Sent, SendFileError>>);

impl SendOutcome {
    /// Waits until the last chunk was taken from the stream, or the stream was dropped.
    ///
    /// # Errors
    /// See [`SendFileError`].
    pub async fn wait(self) -> Result<Sent, SendFileError> {
        self.0
            .await
            .unwrap_or_else(|error| Err(SendFileError::Io(io::Error::other(error))))
    }
}

/// Sends an open file from `options.offset` to the end that it has now (what is appended meanwhile is
/// left out).
///
/// Must be called in a tokio runtime.
#[must_use]
pub fn send_file(file: File, options: SendOptions) -> (FileStream, SendOutcome) {
    start(move |line| {
        let size = file.metadata()?.len();
        Sender::new(options, line).run(file, Some(size))
    })
}

/// Sends whatever a reader gives, of unknown size and from its start.
///
/// Must be called in a tokio runtime.
#[must_use]
pub fn send_reader(
    reader: impl Read + Send + 'static,
    options: SendOptions,
) -> (FileStream, SendOutcome) {
    let options = SendOptions {
        offset: 0,
        ..options
    };
    start(move |line| Sender::new(options, line).run(Unseekable(reader), None))
}

fn start(
    work: impl FnOnce(mpsc::Sender<FileChunk>) -> Result<Sent, SendFileError> + Send + 'static,
) -> (FileStream, SendOutcome) {
    let (line, chunks) = mpsc::channel(AHEAD);
    let outcome = tokio::task::spawn_blocking(move || work(line));
    (FileStream(chunks), SendOutcome(outcome))
}

/// Lets a reader that is read from its start stand where a file could.
struct Unseekable<R>(R);

impl<R: Read> Read for Unseekable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R> Seek for Unseekable<R> {
    fn seek(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Ok(0)
    }
}

/// The work of the sending thread.
struct Sender {
    options: SendOptions,
    line: mpsc::Sender<FileChunk>,
    buffers: Buffers,
}

impl Sender {
    fn new(options: SendOptions, line: mpsc::Sender<FileChunk>) -> Self {
        Self {
            options,
            line,
            buffers: Buffers::new(),
        }
    }

    fn run(self, mut reader: impl Read + Seek, size: Option<u64>) -> Result<Sent, SendFileError> {
        let SendOptions { offset, blake3, .. } = self.options;
        if let Some(size) = size.filter(|size| offset > *size) {
            return Err(SendFileError::BeyondEnd { offset, size });
        }
        let mut hasher = blake3.is_none().then(blake3::Hasher::new);
        match &mut hasher {
            Some(hasher) if offset > 0 => hash_prefix(&mut reader, offset, hasher)?,
            _ => {
                reader.seek(SeekFrom::Start(offset))?;
            }
        }
        self.send(Part::Head(FileHead {
            order: self.options.order.clone(),
            size: size.unwrap_or(0),
            size_unknown: size.is_none(),
            offset,
            modified_ms: self.options.modified_ms,
            name: self.options.name.clone(),
        }))?;
        let mut done = offset;
        self.options.meter.set(done);
        loop {
            let wanted = size.map_or(CHUNK as u64, |size| (size - done).min(CHUNK as u64));
            let mut buffer = self.buffers.take();
            let wanted = usize::try_from(wanted).expect("at most a chunk");
            let length = fill(&mut reader, &mut buffer[..wanted])?;
            if length == 0 {
                break;
            }
            if let Some(hasher) = &mut hasher {
                hasher.update(&buffer[..length]);
            }
            self.send(Part::Data(self.buffers.chunk(buffer, length)))?;
            done += length as u64;
            self.options.meter.set(done);
        }
        if size.is_some_and(|size| size != done) {
            return Err(SendFileError::Changed);
        }
        let blake3 = match (blake3, hasher) {
            (Some(known), _) => known,
            (None, hasher) => hasher.unwrap_or_default().finalize().into(),
        };
        let end = FileEnd {
            size: done,
            blake3: Bytes::copy_from_slice(&blake3),
        };
        self.send(Part::End(end))?;
        Ok(Sent { size: done, blake3 })
    }

    fn send(&self, part: Part) -> Result<(), SendFileError> {
        let chunk = FileChunk { part: Some(part) };
        self.line
            .blocking_send(chunk)
            .map_err(|_| SendFileError::NotTaken)
    }
}

/// Hashes the first `length` bytes, and leaves the reader after them.
pub(super) fn hash_prefix(
    reader: &mut impl Read,
    length: u64,
    hasher: &mut blake3::Hasher,
) -> io::Result<()> {
    let hashed = io::copy(&mut reader.take(length), hasher)?;
    if hashed == length {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Reads until the buffer is full or the input ends.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
