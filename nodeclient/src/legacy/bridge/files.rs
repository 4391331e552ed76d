//! Files to and from a legacy node.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, stream};
use jarvis_proto::legacy::FileData;
use jarvis_proto::node::file_chunk::Part;
use jarvis_proto::node::{
    FileChunk, FileEnd, FileHead, GetFile, OutputStream, PutFile, RefusedReason, TransferEnded,
    ended, get_file,
};
use md5::{Digest, Md5};
use tokio::sync::mpsc;

use super::ask::{Fault, Part as FilePart};
use super::wrapper::{folder, quoted, read_status};
use super::{Bridge, Outcome};
use crate::legacy::chunk::{PIECE, Pieces};
use crate::legacy::{Drafts, Outgoing, SendError, message};
use crate::root::transfers::FileSource;

/// Bytes of one chunk towards the receiver.
const CHUNK: usize = 256 << 10;
/// Bytes before a cut that are fetched once more, to see that it is still the same file.
const OVERLAP: u64 = 64 << 10;

fn refused(fault: &Fault) -> Outcome {
    Outcome::refused(fault.reason(), &fault.to_string())
}

/// Gets a file, or the output or a result of an earlier job.
pub(super) async fn get(bridge: &Arc<Bridge>, order: &str, get: GetFile) -> Outcome {
    let (path, name) = match source(bridge, &get).await {
        Ok(source) => source,
        Err(outcome) => return outcome,
    };
    let is_whole = !get.gzip && get.tail_lines == 0 && get.head_lines == 0;
    let mut fetch = Fetch {
        order,
        path: &path,
        shown: &path,
        name: &name,
        most_bytes: get.most_bytes,
        known: (get.offset, get.known_size),
    };
    if is_whole {
        return fetch.run(bridge).await;
    }
    let made = format!("/tmp/jarvis-{order}.get");
    let outcome = match make(bridge, &get, &path, &made).await {
        Ok(()) => {
            let packed = format!("{name}.gz");
            fetch.path = &made;
            fetch.name = if get.gzip { &packed } else { &name };
            // Made anew, it may come out otherwise.
            (fetch.most_bytes, fetch.known) = (0, (0, 0));
            fetch.run(bridge).await
        }
        Err(outcome) => outcome,
    };
    if let Err(fault) = bridge
        .asked
        .query(&format!("rm -f {}", quoted(&made)))
        .await
    {
        tracing::debug!(order, %fault, "a file stays on the legacy node");
    }
    outcome
}

/// Where the bytes are, and what the file is called.
async fn source(bridge: &Bridge, get: &GetFile) -> Result<(String, String), Outcome> {
    let malformed = |detail| Outcome::refused(RefusedReason::Malformed, detail);
    match &get.source {
        Some(get_file::Source::Path(path)) if path.contains('\0') || path.is_empty() => {
            Err(malformed("it names no file"))
        }
        Some(get_file::Source::Path(path)) => {
            let name = path.rsplit('/').next().unwrap_or(path).to_owned();
            Ok((path.clone(), name))
        }
        Some(get_file::Source::Output(output)) if is_order(&output.order) => {
            let (file, name) = match output.stream() {
                OutputStream::Stderr => ("err", "stderr.txt"),
                _ => ("out", "stdout.txt"),
            };
            let path = format!("{}/{file}", folder(&output.order));
            Ok((path, name.to_owned()))
        }
        Some(get_file::Source::Result(result)) if is_order(&result.order) => {
            let path = format!("{}/status", folder(&result.order));
            let status = bridge.asked.whole(&path).await;
            let status = status.map_err(|fault| refused(&fault))?;
            let index = usize::try_from(result.index).unwrap_or(usize::MAX);
            let file = read_status(&status, b"", b"")
                .and_then(|status| status.ended.files.into_iter().nth(index));
            let missing = || Outcome::refused(RefusedReason::NotFound, "there is no such result");
            let file = file.ok_or_else(missing)?;
            Ok((file.path, file.name))
        }
        _ => Err(malformed("it names no file")),
    }
}

/// Only what is an id becomes part of a path.
fn is_order(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text)
}

/// Makes the part or the packed form of a file on the node.
async fn make(bridge: &Bridge, get: &GetFile, path: &str, made: &str) -> Result<(), Outcome> {
    let mut command = match (get.tail_lines, get.head_lines) {
        (0, 0) => format!("cat -- {}", quoted(path)),
        (0, lines) => format!("head -n {lines} -- {}", quoted(path)),
        (lines, _) => format!("tail -n {lines} -- {}", quoted(path)),
    };
    if get.gzip {
        command.push_str(" | gzip -c");
    }
    let script = format!(
        "umask 077; p={path}\nif [ -d \"$p\" ]; then echo 'read: is a directory'; elif [ ! -e \"$p\" ]; then echo 'open: no such file or directory'; elif [ ! -r \"$p\" ]; then echo 'open: permission denied'; else {command} >{made}; echo made; fi",
        path = quoted(path),
        made = quoted(made),
    );
    match bridge.asked.query(&script).await {
        Ok(lines) if lines.last().is_some_and(|line| line == "made") => Ok(()),
        Ok(lines) => Err(refused(&Fault::Said(lines.join("; ")))),
        Err(fault) => Err(refused(&fault)),
    }
}

/// Brings a file, part by part, to whoever expects it.
struct Fetch<'a> {
    order: &'a str,
    path: &'a str,
    /// What the file is called in answers.
    shown: &'a str,
    name: &'a str,
    most_bytes: u64,
    /// So many of its first bytes are here already, if it still has this size.
    known: (u64, u64),
}

/// Where a file is begun.
struct Beginning {
    offset: u64,
    /// Of the bytes before the offset.
    hasher: blake3::Hasher,
    first: FilePart,
}

impl Fetch<'_> {
    async fn run(&self, bridge: &Arc<Bridge>) -> Outcome {
        let begun = match self.begin(bridge).await {
            Ok(begun) => begun,
            Err(fault) => return refused(&fault),
        };
        let size = begun.first.total;
        if self.most_bytes > 0 && size > self.most_bytes {
            let detail = format!(
                "`{}` has {size} bytes, and {} are the limit",
                self.shown, self.most_bytes
            );
            return Outcome::too_large(size, &detail);
        }
        bridge.accepted(self.order).await;
        let (line, chunks) = mpsc::channel(4);
        let head = FileHead {
            order: self.order.to_owned(),
            size,
            offset: begun.offset,
            name: self.name.to_owned(),
            ..FileHead::default()
        };
        let sending = send(bridge, self.path, begun, head, line);
        let address = &bridge.asked.address;
        let receiving = bridge
            .shared
            .transfers
            .take(address, self.order, stream_of(chunks));
        let (sent, received) = tokio::join!(sending, receiving);
        match (sent, received) {
            (Ok(blake3), Ok(_)) => Outcome::Ended(ended::Outcome::Transfer(TransferEnded {
                path: self.shown.to_owned(),
                size,
                blake3: blake3.to_vec().into(),
                ..TransferEnded::default()
            })),
            (Err(fault), _) => refused(&fault),
            (_, Err(text)) => Outcome::refused(RefusedReason::Io, &text),
        }
    }

    /// Goes on where an earlier try was cut, or begins from the start.
    async fn begin(&self, bridge: &Bridge) -> Result<Beginning, Fault> {
        if let Some(begun) = self.go_on(bridge).await? {
            return Ok(begun);
        }
        Ok(Beginning {
            offset: 0,
            hasher: blake3::Hasher::new(),
            first: bridge.asked.part(self.path, 0).await?,
        })
    }

    /// `None` when the file is another one by now. A legacy node tells neither a hash nor a time: the
    /// size must be the same, and the last bytes that are here.
    async fn go_on(&self, bridge: &Bridge) -> Result<Option<Beginning>, Fault> {
        let (offset, known_size) = self.known;
        let partial = bridge
            .shared
            .transfers
            .partial(&bridge.asked.address, self.order);
        let (Some(partial), true) = (partial, offset > 0 && offset <= known_size) else {
            return Ok(None);
        };
        let overlap = offset.min(OVERLAP);
        let mut first = bridge.asked.part(self.path, offset - overlap).await?;
        let kept = match kept(partial, offset).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::debug!(order = self.order, %error, "what came before cannot be read");
                return Ok(None);
            }
        };
        if first.total != known_size || !first.bytes.starts_with(&kept.end) {
            return Ok(None);
        }
        let _ = first.bytes.split_to(kept.end.len());
        Ok(Some(Beginning {
            offset,
            hasher: kept.hasher,
            first,
        }))
    }
}

/// The first bytes of a file, from an earlier try.
struct Kept {
    hasher: blake3::Hasher,
    /// The last of them.
    end: Vec<u8>,
}

async fn kept(partial: PathBuf, length: u64) -> io::Result<Kept> {
    let work = move || {
        let mut reader = io::BufReader::with_capacity(1 << 20, File::open(partial)?);
        let overlap = length.min(OVERLAP);
        let mut hasher = blake3::Hasher::new();
        let mut end = Vec::new();
        let before = io::copy(&mut (&mut reader).take(length - overlap), &mut hasher)?;
        let read = reader.take(overlap).read_to_end(&mut end)?;
        hasher.update(&end);
        if before.saturating_add(read as u64) < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Kept { hasher, end })
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn stream_of(chunks: mpsc::Receiver<Part>) -> impl Stream<Item = Result<FileChunk, String>> + Send {
    stream::unfold(chunks, |mut chunks| async move {
        let part = chunks.recv().await?;
        Some((Ok(FileChunk { part: Some(part) }), chunks))
    })
}

/// All parts as chunks; what is not there any more ends them early.
async fn send(
    bridge: &Bridge,
    path: &str,
    begun: Beginning,
    head: FileHead,
    line: mpsc::Sender<Part>,
) -> Result<[u8; 32], Fault> {
    let size = head.size;
    let over = bridge.line();
    let mut hasher = begun.hasher;
    let mut done = begun.offset;
    let mut part = begun.first.bytes;
    // Who takes no more says why.
    let _ = line.send(Part::Head(head)).await;
    loop {
        let left = usize::try_from(size - done).unwrap_or(usize::MAX);
        part.truncate(left);
        done += part.len() as u64;
        hasher.update(&part);
        while !part.is_empty() {
            let chunk: Bytes = part.split_to(part.len().min(CHUNK));
            if line.send(Part::Data(chunk)).await.is_err() {
                return Err(Fault::Said("nobody takes the file any more".to_owned()));
            }
        }
        if done == size {
            break;
        }
        let cut = || SendError::NotConnected("the line was cut".to_owned());
        part = tokio::select! {
            part = bridge.asked.part(path, done) => part?.bytes,
            () = over.cancelled() => return Err(cut().into()),
        };
        if part.is_empty() {
            return Err(Fault::Said(
                "the file became shorter while it was sent".to_owned(),
            ));
        }
    }
    let blake3: [u8; 32] = hasher.finalize().into();
    let end = FileEnd {
        size,
        blake3: blake3.to_vec().into(),
    };
    let _ = line.send(Part::End(end)).await;
    Ok(blake3)
}

/// Puts a file in its place, whole and at once.
pub(super) async fn put(bridge: &Arc<Bridge>, order: &str, put: PutFile) -> Outcome {
    let Some(source) = bridge
        .shared
        .transfers
        .offered(&bridge.asked.address, order)
    else {
        return Outcome::refused(RefusedReason::Io, "no file is offered for this order");
    };
    if put.path.contains('\0') || put.file_name.contains(['\0', '/']) || put.path.is_empty() {
        return Outcome::refused(RefusedReason::Malformed, "it names no place");
    }
    let md5 = match md5_of(source.path.clone()).await {
        Ok(md5) => md5,
        Err(error) => return Outcome::refused(RefusedReason::Io, &error.to_string()),
    };
    let place = match find_place(bridge, &put, &md5).await {
        Ok(place) => place,
        Err(fault) => return refused(&fault),
    };
    let finished = |already_there| {
        Outcome::Ended(ended::Outcome::Transfer(TransferEnded {
            path: place.target.clone(),
            size: source.size,
            blake3: source.blake3.to_vec().into(),
            already_there,
            ..TransferEnded::default()
        }))
    };
    bridge.accepted(order).await;
    if place.is_there {
        return finished(true);
    }
    let part = format!("{}/.jarvis-{order}.part", place.folder);
    let moved = match bridge.asked.ask(pieces(source.clone(), part.clone())).await {
        Ok(_) => move_in(bridge, &put, &part, &place.target, source.size).await,
        Err(fault) => Err(fault),
    };
    match moved {
        Ok(()) => finished(false),
        Err(fault) => {
            let remove = format!("rm -f -- {}", quoted(&part));
            if let Err(fault) = bridge.asked.query(&remove).await {
                tracing::debug!(order, %fault, "a part of a file stays on the legacy node");
            }
            refused(&fault)
        }
    }
}

async fn md5_of(path: PathBuf) -> io::Result<String> {
    let work = move || {
        let mut file = File::open(path)?;
        let mut hasher = Md5::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hex::encode(hasher.finalize())),
                length => hasher.update(&buffer[..length]),
            }
        }
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

struct Place {
    folder: String,
    target: String,
    is_there: bool,
}

async fn find_place(bridge: &Bridge, put: &PutFile, md5: &str) -> Result<Place, Fault> {
    let script = format!(
        "p={path}; n={name}\ncase \"$p\" in */) p=\"$p$n\" ;; *) [ -d \"$p\" ] && p=\"$p/$n\" ;; esac\nd=$(dirname -- \"$p\")\nif [ -d \"$p\" ]; then echo 'open: is a directory'; elif [ ! -d \"$d\" ]; then echo 'open: no such file or directory'; elif [ ! -w \"$d\" ]; then echo 'open: permission denied'; else echo \"folder $d\"; echo \"target $p\"; [ -f \"$p\" ] && md5sum <\"$p\" 2>/dev/null; fi",
        path = quoted(&put.path),
        name = quoted(&put.file_name),
    );
    let lines = bridge.asked.query(&script).await?;
    let find = |word: &str| lines.iter().find_map(|line| line.strip_prefix(word));
    match (find("folder "), find("target ")) {
        (Some(folder), Some(target)) => Ok(Place {
            folder: folder.to_owned(),
            target: target.to_owned(),
            is_there: lines.iter().any(|line| line.starts_with(md5)),
        }),
        _ => Err(Fault::Said(lines.join("; "))),
    }
}

async fn move_in(
    bridge: &Bridge,
    put: &PutFile,
    part: &str,
    target: &str,
    size: u64,
) -> Result<(), Fault> {
    let mode = match put.mode & 0o777 {
        0 => "$(stat -c %a \"$t\" 2>/dev/null || echo 644)".to_owned(),
        mode => format!("{mode:o}"),
    };
    // Said again when the first answer was lost: then the part is gone, and the file is there.
    let script = format!(
        "p={part}; t={target}\nif [ -e \"$p\" ]; then chmod {mode} \"$p\" && mv -f -- \"$p\" \"$t\"; fi\n[ ! -e \"$p\" ] && [ \"$(($(wc -c <\"$t\")))\" = {size} ] && echo moved",
        part = quoted(part),
        target = quoted(target),
    );
    let lines = bridge.asked.query(&script).await?;
    if lines.last().is_some_and(|line| line == "moved") {
        Ok(())
    } else {
        Err(Fault::Said(lines.join("; ")))
    }
}

/// A file as a stream of pieces, read as they are sent.
fn pieces(source: FileSource, to: String) -> Outgoing {
    Outgoing::Stream(Arc::new(move || {
        let (line, pieces) = mpsc::channel::<FileData>(1);
        let (path, size, name) = (source.path.clone(), source.size, to.clone());
        tokio::task::spawn_blocking(move || {
            let Ok(file) = File::open(&path) else {
                return tracing::warn!(path = %path.display(), "an offered file cannot be opened");
            };
            let reader = io::BufReader::with_capacity(PIECE, file);
            for piece in Pieces::new(reader, name, size) {
                let Ok(piece) = piece else {
                    return tracing::warn!("an offered file cannot be read");
                };
                if line.blocking_send(piece).is_err() {
                    return;
                }
            }
        });
        let drafts = stream::unfold(pieces, |mut pieces| async move {
            let piece = pieces.recv().await?;
            Some((message::transfer_piece(piece), pieces))
        });
        let drafts: Drafts = Box::pin(drafts);
        Some(drafts)
    }))
}
