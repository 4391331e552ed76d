//! The receiving end of a transfer.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use jarvis_proto::node::file_chunk::Part;
use jarvis_proto::node::{FileChunk, FileEnd, FileHead, GetFile};
use tokio::sync::mpsc;

use super::send::hash_prefix;
use super::{AHEAD, Meter};

/// A sender that is silent for so long has gone.
const SILENCE: Duration = Duration::from_secs(60);

/// What a receiver insists on.
#[derive(Debug, Clone)]
pub struct ReceiveOptions {
    /// The order that the bytes must belong to.
    pub order: String,
    /// The most bytes of the whole file.
    pub most_bytes: u64,
    /// BLAKE3 that the whole file must have, where it is known beforehand.
    pub blake3: Option<[u8; 32]>,
    /// Where to see how far it is.
    pub meter: Meter,
}

/// A file that arrived whole, with the hash that its sender gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Bytes of the whole file.
    pub size: u64,
    /// BLAKE3 of the whole file.
    pub blake3: [u8; 32],
    /// The name that the sender gave; it may be anything, so use no part of it as a path unchecked.
    pub name: String,
    /// When the file was changed, by the sender's clock in Unix milliseconds; 0 = unknown.
    pub modified_ms: i64,
}

/// Where a later try can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumePoint {
    /// Bytes from the start of the file that the partial file holds.
    pub offset: u64,
    /// Size of the whole file, as its sender gave it.
    pub size: u64,
    /// When it was changed, as its sender gave it.
    pub modified_ms: i64,
}

impl ResumePoint {
    /// Lets an order ask only for what is missing. The node begins from the start nevertheless when
    /// the file has changed since.
    pub fn apply(&self, get: &mut GetFile) {
        get.offset = self.offset;
        get.known_size = self.size;
        get.known_modified_ms = self.modified_ms;
    }
}

/// Why a file did not arrive. Except after [`ReceiveError::HashMismatch`] (it is removed) the partial
/// file stays, for a later try from where it ends.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// More bytes than wanted.
    #[error("the file has at least {size} bytes, and {most_bytes} are the limit")]
    TooLarge {
        /// Bytes that it has, as far as is known.
        size: u64,
        /// The limit.
        most_bytes: u64,
    },
    /// The stream stopped before its end.
    #[error("the file was cut: {detail}")]
    Cut {
        /// Where to go on; nothing when it was cut before its head, or its size is unknown (made on
        /// the way, it may come out otherwise).
        resume: Option<ResumePoint>,
        /// What is known about it.
        detail: String,
    },
    /// The bytes are not those that were announced.
    #[error("the file that arrived has another hash than the one announced")]
    HashMismatch,
    /// No space to write it.
    #[error("the disk is full")]
    DiskFull,
    /// Not a stream as it should be.
    #[error("the file stream is malformed: {0}")]
    Malformed(&'static str),
    /// Writing failed.
    #[error("cannot write `{}`: {source}", path.display())]
    Io {
        /// The partial file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Writes a stream of chunks to the file `partial`, hashing on the way. When the stream begins at an
/// offset, the partial file's first bytes are kept and hashed once; what lies beyond is cut off.
///
/// The file is left under the name `partial` and not synced to disk: renaming it is the caller's part.
/// When this future is dropped, the writing thread ends soon after, and the partial file stays.
///
/// # Errors
/// See [`ReceiveError`].
pub async fn receive_file<E: Display>(
    chunks: impl Stream<Item = Result<FileChunk, E>> + Send,
    partial: PathBuf,
    options: ReceiveOptions,
) -> Result<Received, ReceiveError> {
    let mut chunks = pin!(chunks);
    let ReceiveOptions {
        order,
        most_bytes,
        blake3,
        meter,
    } = options;
    let no_head = |detail| ReceiveError::Cut {
        resume: None,
        detail,
    };

    let head = match next(&mut chunks).await.map_err(no_head)? {
        Part::Head(head) if head.order == order => head,
        Part::Head(_) => return Err(ReceiveError::Malformed("it belongs to another order")),
        _ => return Err(ReceiveError::Malformed("it begins without a head")),
    };
    let FileHead {
        size,
        size_unknown,
        offset,
        modified_ms,
        name,
        ..
    } = head;
    let announced = size.max(offset);
    if announced > most_bytes {
        return Err(ReceiveError::TooLarge {
            size: announced,
            most_bytes,
        });
    }

    if offset > 0 {
        let there = tokio::fs::metadata(&partial)
            .await
            .map_or(0, |about| about.len());
        if offset > there {
            // Less has come to the disk than the sender was told: it goes on from there.
            let point = ResumePoint {
                offset: there,
                size,
                modified_ms,
            };
            return Err(ReceiveError::Cut {
                resume: (!size_unknown).then_some(point),
                detail: "it begins beyond what is here".to_owned(),
            });
        }
    }

    meter.announce((!size_unknown).then_some(ResumePoint {
        offset,
        size,
        modified_ms,
    }));
    let (line, incoming) = mpsc::channel(AHEAD);
    let writer = Writer {
        path: partial.clone(),
        offset,
        incoming,
        meter: meter.clone(),
    };
    let writer = tokio::task::spawn_blocking(move || writer.run());
    let mut done = offset;
    let end: Result<FileEnd, ReceiveError> = loop {
        match next(&mut chunks).await {
            Ok(Part::Data(data)) => {
                done += data.len() as u64;
                if done > most_bytes {
                    break Err(ReceiveError::TooLarge {
                        size: done,
                        most_bytes,
                    });
                }
                if !size_unknown && done > size {
                    break Err(ReceiveError::Malformed(
                        "it has more bytes than its head says",
                    ));
                }
                // Fails when the writer has failed, which tells why below.
                if line.send(data).await.is_err() {
                    break Err(ReceiveError::Malformed("its writer has gone"));
                }
            }
            Ok(Part::End(end)) if end.size == done => break Ok(end),
            Ok(Part::End(_)) => break Err(ReceiveError::Malformed("its end has another size")),
            Ok(Part::Head(_)) => break Err(ReceiveError::Malformed("it has two heads")),
            Err(detail) => {
                let point = ResumePoint {
                    offset: done,
                    size,
                    modified_ms,
                };
                let resume = (!size_unknown).then_some(point);
                break Err(ReceiveError::Cut { resume, detail });
            }
        }
    };
    drop(line);
    let written = writer
        .await
        .unwrap_or_else(|panic| Err(io::Error::other(panic)));
    let hash = written.map_err(|source| fault(&partial, source))?;
    let end = end?;
    if end.blake3 != hash.as_slice() || blake3.is_some_and(|expected| expected != hash) {
        // Nobody can tell which part is wrong: the next try begins from the start.
        let _ = tokio::fs::remove_file(&partial).await;
        return Err(ReceiveError::HashMismatch);
    }
    Ok(Received {
        size: done,
        blake3: hash,
        name,
        modified_ms,
    })
}

/// The next part, or in words why there is none.
async fn next<E: Display>(
    chunks: &mut (impl Stream<Item = Result<FileChunk, E>> + Unpin),
) -> Result<Part, String> {
    match tokio::time::timeout(SILENCE, chunks.next()).await {
        Ok(Some(Ok(FileChunk { part: Some(part) }))) => Ok(part),
        Ok(Some(Ok(_))) => Err("a chunk of an unknown kind came".into()),
        Ok(Some(Err(error))) => Err(error.to_string()),
        Ok(None) => Err("the sender stopped".into()),
        Err(_) => Err(format!("no byte came for {SILENCE:?}")),
    }
}

fn fault(path: &Path, source: io::Error) -> ReceiveError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ReceiveError::DiskFull,
        _ => ReceiveError::Io {
            path: path.into(),
            source,
        },
    }
}

/// The work of the writing thread.
struct Writer {
    path: PathBuf,
    offset: u64,
    incoming: mpsc::Receiver<Bytes>,
    meter: Meter,
}

impl Writer {
    /// Writes until the line ends; the hash of the whole file.
    fn run(mut self) -> io::Result<[u8; 32]> {
        let mut hasher = blake3::Hasher::new();
        let mut file = open(&self.path)?;
        if self.offset > 0 {
            hash_prefix(&mut file, self.offset, &mut hasher)?;
        }
        file.set_len(self.offset)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut done = self.offset;
        self.meter.set(done);
        while let Some(data) = self.incoming.blocking_recv() {
            hasher.update(&data);
            file.write_all(&data)?;
            done += data.len() as u64;
            self.meter.set(done);
        }
        Ok(hasher.finalize().into())
    }
}

/// Opens the partial file, which only its owner may read until somebody decides otherwise.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use proptest::prelude::*;
    use tokio::runtime::Runtime;

    use super::super::send::{SendOptions, send_reader};
    use super::*;

    fn options() -> ReceiveOptions {
        let (order, blake3) = ("x".into(), None);
        ReceiveOptions {
            order,
            most_bytes: 1000,
            blake3,
            meter: Meter::default(),
        }
    }

    /// Parts as a broken or hostile sender may make them.
    fn part() -> impl Strategy<Value = Option<Part>> {
        let head = (
            0_u64..40,
            any::<bool>(),
            prop_oneof![Just(0_u64), 0_u64..40, any::<u64>()],
        );
        let head = head.prop_map(|(size, size_unknown, offset)| {
            let order = "x".into();
            Part::Head(FileHead {
                order,
                size,
                size_unknown,
                offset,
                ..FileHead::default()
            })
        });
        let data =
            prop::collection::vec(any::<u8>(), 0..20).prop_map(|data| Part::Data(data.into()));
        let end = (0_u64..40, prop::collection::vec(any::<u8>(), 0..33));
        let end = end.prop_map(|(size, hash)| {
            Part::End(FileEnd {
                size,
                blake3: hash.into(),
            })
        });
        prop::option::weighted(0.95, prop_oneof![head, data.clone(), data, end])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_odd_stream_passes_for_a_file(
            parts in prop::collection::vec(part(), 0..8),
            before in prop::collection::vec(any::<u8>(), 0..30),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("partial");
            std::fs::write(&path, before).unwrap();
            let chunks = parts.into_iter().map(|part| Ok::<_, Infallible>(FileChunk { part }));
            let chunks = stream::iter(chunks.collect::<Vec<_>>());
            let received = Runtime::new().unwrap().block_on(receive_file(chunks, path.clone(), options()));
            if let Ok(received) = received {
                let written = std::fs::read(&path).unwrap();
                prop_assert_eq!(received.blake3, *blake3::hash(&written).as_bytes());
                prop_assert_eq!(received.size, written.len() as u64);
            }
        }

        #[test]
        fn what_is_sent_arrives(bytes in prop::collection::vec(any::<u8>(), 0..1000)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("partial");
            let received = Runtime::new().unwrap().block_on(async {
                let sending = SendOptions { order: "x".into(), ..SendOptions::default() };
                let (chunks, _) = send_reader(std::io::Cursor::new(bytes.clone()), sending);
                receive_file(chunks.map(Ok::<_, Infallible>), path.clone(), options()).await
            });
            prop_assert_eq!(received.unwrap().size, bytes.len() as u64);
            prop_assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }
}
