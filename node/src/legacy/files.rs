//! Files for legacy roots and from them, within the allowed places.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jarvis_nodeclient::legacy::chunk::{Assembly, PIECE, Pieces, part};
use jarvis_nodeclient::legacy::names::md5_text;
use jarvis_nodeclient::legacy::{Drafts, Piece, drafts, drafts_from, message};
use jarvis_proto::legacy::{FileData, JarvisMsg, RequestFile};
use tokio::sync::mpsc;

use super::Asked;
use crate::ledger::State;
use crate::orders::directory;
use crate::places::{PlaceError, Target};

/// What a place's error is in the words of a jarviscore node.
fn words(what: &str, path: &str, error: &PlaceError) -> String {
    match error {
        PlaceError::NotFound(_) => format!("open {path}: no such file or directory"),
        PlaceError::Permission(_) => format!("open {path}: permission denied"),
        PlaceError::IsDirectory(_) => format!("{what} {path}: is a directory"),
        other => format!("open {path}: {other}"),
    }
}

fn io_words(path: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("write {path}: no space left on device")
        }
        _ => format!("open {path}: {error}"),
    }
}

/// Runs what may wait for a disk on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(error.to_string()))
}

/// A file that is being written beside its place.
struct Partial {
    target: Target,
    file: File,
    suffix: String,
}

impl Partial {
    fn open(target: Target, path: &str) -> Result<Self, String> {
        let suffix = format!(".{}.jarvis-part", uuid::Uuid::now_v7().simple());
        let open = File::options()
            .write(true)
            .create_new(true)
            .open(target.held(Some(&suffix)));
        let file = open.map_err(|error| io_words(path, &error))?;
        Ok(Self {
            target,
            file,
            suffix,
        })
    }

    fn finish(self, path: &str) -> Result<(), String> {
        let moved = std::fs::rename(self.target.held(Some(&self.suffix)), self.target.held(None));
        moved.map_err(|error| {
            self.remove();
            io_words(path, &error)
        })
    }

    fn remove(&self) {
        let _ = std::fs::remove_file(self.target.held(Some(&self.suffix)));
    }
}

impl Asked<'_> {
    fn target(&self, name: &str) -> impl FnOnce() -> Result<Partial, String> + Send + 'static {
        let (core, name) = (std::sync::Arc::clone(self.core), name.to_owned());
        move || {
            let target = core
                .places
                .target(&directory(&core, &name), "")
                .map_err(|error| words("open", &name, &error))?;
            Partial::open(target, &name)
        }
    }

    /// Writes a small file whole.
    pub(super) async fn write(&self, name: &str, bytes: Bytes) -> Result<(), String> {
        tracing::info!(root = %self.root, file = name, bytes = bytes.len(), legacy = true, "put");
        let (open, name) = (self.target(name), name.to_owned());
        blocking(move || {
            let mut partial = open()?;
            if let Err(error) = partial.file.write_all(&bytes) {
                partial.remove();
                return Err(io_words(&name, &error));
            }
            partial.finish(&name)
        })
        .await
    }

    /// Takes a file that came in one message.
    pub(super) async fn take_file(&self, file: FileData) -> Drafts {
        let md5 = md5_text(&file.file);
        // A jarviscore node does not look; who says an MD5 means it.
        if !file.md5_string.is_empty() && file.md5_string != md5 {
            return drafts([message::error("invalid filedata md5tring")]);
        }
        match self.write(&file.filename, file.file).await {
            Ok(()) => drafts([message::transferred(md5)]),
            Err(text) => drafts([message::error(text)]),
        }
    }

    /// Takes a file that comes in pieces; it is in its place when it is whole, and not before.
    pub(super) async fn take_pieces(&self, mut pieces: mpsc::Receiver<Piece>) -> Drafts {
        let mut partial: Option<(Partial, String)> = None;
        let mut assembly = Assembly::default();
        let mut is_whole = false;
        let ended = loop {
            let piece = match pieces.recv().await {
                Some(Piece::Data(piece)) => piece,
                Some(Piece::Over) if is_whole => break Ok(()),
                Some(Piece::Over) => break Err("invalid filedata md5tring".to_owned()),
                None => break Err("EOF".to_owned()),
            };
            let (bytes, is_last) = match assembly.take(&piece) {
                Ok(taken) => taken,
                Err(error) => break Err(error.to_string()),
            };
            is_whole = is_last;
            let (open_partial, name) = match partial.take() {
                Some(open) => open,
                None => match blocking(self.target(&piece.filename)).await {
                    Ok(opened) => (opened, piece.filename),
                    Err(text) => break Err(text),
                },
            };
            let written = blocking(move || {
                let mut partial = open_partial;
                if let Err(error) = partial.file.write_all(&bytes) {
                    partial.remove();
                    return Err(io_words(&name, &error));
                }
                Ok((partial, name))
            });
            match written.await {
                Ok(open) => partial = Some(open),
                Err(text) => break Err(text),
            }
        };
        let ended = match (ended, partial) {
            (Ok(()), Some((partial, name))) => {
                let bytes = assembly.bytes();
                tracing::info!(root = %self.root, file = name, bytes, legacy = true, "put");
                blocking(move || partial.finish(&name)).await
            }
            (Ok(()), None) => Err("invalid filedata md5tring".to_owned()),
            (Err(text), open) => {
                if let Some((partial, _)) = open {
                    partial.remove();
                }
                Err(text)
            }
        };
        match ended {
            Ok(()) => drafts([]),
            Err(text) => drafts([message::error(text)]),
        }
    }

    /// Opens a file in an allowed place, or kept output of this root's jobs.
    async fn open(&self, name: &str) -> Result<(File, u64), String> {
        let (core, root, name) = (
            std::sync::Arc::clone(self.core),
            self.root.clone(),
            name.to_owned(),
        );
        blocking(move || {
            let jobs = core.data().join("jobs");
            let kept = Path::new(&name).strip_prefix(&jobs).ok();
            let order = kept.and_then(|rest| rest.to_str()?.split_once('/'));
            let file = match order {
                Some((order, "stdout" | "stderr"))
                    if uuid::Uuid::try_parse(order).is_ok()
                        && !matches!(core.ledger.state(&root, order), Ok(State::Unknown)) =>
                {
                    File::open(PathBuf::from(&name)).map_err(|error| io_words(&name, &error))?
                }
                _ => {
                    let opened = core.places.open(&directory(&core, &name));
                    opened.map_err(|error| words("read", &name, &error))?.0
                }
            };
            let metadata = file.metadata().map_err(|error| io_words(&name, &error))?;
            Ok((file, metadata.len()))
        })
        .await
    }

    /// Gives a file, or a part of one.
    pub(super) async fn give_file(&self, request: &RequestFile) -> Drafts {
        let name = request.filename.clone();
        tracing::info!(root = %self.root, file = name, legacy = true, "get");
        let (mut file, size) = match self.open(&name).await {
            Ok(opened) => opened,
            Err(text) => return drafts([message::error(text)]),
        };
        if request.length <= 0 {
            return pieces(file, name, size);
        }
        let Ok(start) = u64::try_from(request.start) else {
            return drafts([message::error(format!("seek {name}: invalid argument"))]);
        };
        if start >= size {
            return drafts([message::error("EOF")]);
        }
        let length = u64::try_from(request.length).unwrap_or(0);
        let length = length.min(PIECE as u64).min(size - start);
        let read = blocking(move || {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(start))
                .and_then(|_| file.take(length).read_to_end(&mut bytes))
                .map_err(|error| format!("read {name}: {error}"))?;
            Ok(message::file_piece(part(&name, start, bytes.into(), size)))
        });
        match read.await {
            Ok(piece) => drafts([piece]),
            Err(text) => drafts([message::error(text)]),
        }
    }

    /// The result of a script, and its files in their order, without their names.
    pub(super) async fn results(&self, first: JarvisMsg, names: Vec<String>) -> Drafts {
        let mut files = Vec::new();
        for name in names {
            files.push(
                self.open(&name)
                    .await
                    .map_err(|text| message::ctrl_result("", text.replacen("read ", "open ", 1))),
            );
        }
        drafts_from(move |line| {
            if line.blocking_send(first).is_err() {
                return;
            }
            for file in files {
                match file {
                    Ok((file, size)) => send(file, "", size, &line),
                    Err(missing) => drop(line.blocking_send(missing)),
                }
            }
        })
    }
}

fn pieces(file: File, name: String, size: u64) -> Drafts {
    drafts_from(move |line| send(file, &name, size, &line))
}

/// Sends a file as it is read.
fn send(file: File, name: &str, size: u64, line: &mpsc::Sender<JarvisMsg>) {
    for piece in Pieces::new(io::BufReader::new(file), name, size) {
        let message = match piece {
            Ok(piece) => message::file_piece(piece),
            Err(error) => message::error(format!("read {name}: {error}")),
        };
        if line.blocking_send(message).is_err() {
            return;
        }
    }
}
