//! A tree as a `.tar.gz`, made while it is sent.

use std::fs::File;
use std::io::{self, BufWriter, PipeReader, PipeWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::FileType;
use tar::{Builder, EntryType, Header};

use super::tree::{Entry, Found, Tree, WalkError, open_file, shown, stays_inside};

/// Bytes between the packer and the pipe.
const BUFFER: usize = 128 << 10;
/// Notes that are told one by one.
const MOST_NOTES: usize = 8;
/// Packing faster than most lines send.
const LEVEL: u32 = 3;

/// What was packed or unpacked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    pub(super) notes: Vec<String>,
    pub(super) more_notes: u64,
}

impl Summary {
    /// Adds what people should know; after the first few, only how many there are.
    pub(super) fn note(&mut self, path: &Path, why: &str) {
        if self.notes.len() < MOST_NOTES {
            let note = format!("`{}` is left out: {why}", shown(path));
            self.notes.push(crate::refusal::shortened(&note));
        } else {
            self.more_notes += 1;
        }
    }

    /// The notes in words.
    pub(super) fn notes(&self) -> Vec<String> {
        let more =
            (self.more_notes > 0).then(|| format!("and {} more like these", self.more_notes));
        self.notes.iter().cloned().chain(more).collect()
    }
}

/// The bytes of an archive, packed by a thread as they are read.
pub(super) struct Packed {
    pipe: PipeReader,
    packer: Option<JoinHandle<io::Result<()>>>,
}

/// Begins to pack. Dropping the reader ends it; `summary` is whole when the reader has ended.
///
/// # Errors
///
/// When there is no pipe or thread for it.
pub(super) fn pack(tree: Tree, summary: Arc<Mutex<Summary>>) -> io::Result<Packed> {
    let (pipe, into) = io::pipe()?;
    let packer = std::thread::Builder::new()
        .name("pack".to_owned())
        .spawn(move || {
            let mut packer = Packer::new(&tree, into);
            let done = packer.run(&tree);
            *summary.lock().unwrap_or_else(PoisonError::into_inner) = packer.summary.clone();
            done.and_then(|()| packer.finish())
        })?;
    Ok(Packed {
        pipe,
        packer: Some(packer),
    })
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.pipe.read(buffer)?;
        if length == 0
            && !buffer.is_empty()
            && let Some(packer) = self.packer.take()
        {
            // An archive that broke off must not look like one that has ended.
            packer
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("packing failed")))?;
        }
        Ok(length)
    }
}

struct Packer {
    builder: Builder<GzEncoder<BufWriter<PipeWriter>>>,
    /// What every path begins with.
    prefix: PathBuf,
    summary: Summary,
}

impl Packer {
    fn new(tree: &Tree, into: PipeWriter) -> Self {
        let into = BufWriter::with_capacity(BUFFER, into);
        Self {
            builder: Builder::new(GzEncoder::new(into, Compression::new(LEVEL))),
            prefix: PathBuf::from(tree.name()),
            summary: Summary::default(),
        }
    }

    fn run(&mut self, tree: &Tree) -> io::Result<()> {
        let walked = tree.walk(&mut |found| match found {
            Found::Entry(entry) => self.add(&entry),
            Found::Missed(path, why) => {
                self.summary.note(path, &why);
                Ok(())
            }
        });
        match walked {
            Ok(()) => Ok(()),
            Err(WalkError::Io(error)) => Err(error),
            Err(error @ WalkError::TooMany) => Err(io::Error::other(error)),
        }
    }

    fn add(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        match entry.kind {
            FileType::RegularFile => match open_file(entry.folder, entry.name) {
                Ok(file) => self.add_file(entry.path, file),
                Err(error) => {
                    self.summary.note(entry.path, &error.to_string());
                    Ok(())
                }
            },
            FileType::Directory => {
                let mut header = header(entry, EntryType::Directory);
                let path = self.prefix.join(entry.path);
                self.summary.entries += 1;
                self.builder.append_data(&mut header, path, io::empty())
            }
            FileType::Symlink => self.add_link(entry),
            other => {
                self.summary.note(entry.path, kind_name(other));
                Ok(())
            }
        }
    }

    fn add_file(&mut self, path: &Path, file: File) -> io::Result<()> {
        let about = file.metadata()?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(about.mode() & 0o7777);
        header.set_mtime(u64::try_from(about.mtime()).unwrap_or(0));
        header.set_uid(about.uid().into());
        header.set_gid(about.gid().into());
        header.set_size(about.len());
        let mut exactly = Exactly {
            file,
            left: about.len(),
            missing: 0,
            failed: None,
        };
        let in_archive = self.prefix.join(path);
        self.builder
            .append_data(&mut header, in_archive, &mut exactly)?;
        self.summary.entries += 1;
        self.summary.bytes += about.len() - exactly.missing;
        if exactly.missing > 0 {
            let why = exactly.failed.map_or_else(
                || "it became shorter while it was read".to_owned(),
                |error| error.to_string(),
            );
            let why = format!(
                "its last {} bytes, which are zeros here: {why}",
                exactly.missing
            );
            self.summary.note(path, &why);
        }
        Ok(())
    }

    fn add_link(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let target = match rustix::fs::readlinkat(entry.folder, entry.name, Vec::new()) {
            Ok(target) => target,
            Err(error) => {
                self.summary
                    .note(entry.path, &io::Error::from(error).to_string());
                return Ok(());
            }
        };
        let target = Path::new(std::ffi::OsStr::from_bytes(target.as_bytes()));
        if !stays_inside(entry.path, target) {
            let why = format!("it is a link out of the folder, to `{}`", shown(target));
            self.summary.note(entry.path, &why);
            return Ok(());
        }
        let mut header = header(entry, EntryType::Symlink);
        let path = self.prefix.join(entry.path);
        self.summary.entries += 1;
        self.builder.append_link(&mut header, path, target)
    }

    fn finish(self) -> io::Result<()> {
        self.builder.into_inner()?.finish()?.flush()
    }
}

fn header(entry: &Entry<'_>, kind: EntryType) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(u32::from(entry.about.stx_mode) & 0o7777);
    header.set_mtime(u64::try_from(entry.about.stx_mtime.tv_sec).unwrap_or(0));
    header.set_uid(entry.about.stx_uid.into());
    header.set_gid(entry.about.stx_gid.into());
    header.set_size(0);
    header
}

fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::Socket => "it is a socket",
        FileType::Fifo => "it is a pipe",
        FileType::CharacterDevice | FileType::BlockDevice => "it is a device",
        _ => "it is no file",
    }
}

/// As many bytes of a file as it had when it was opened: what grows is cut, what is missing is zero,
/// because the archive has already said how long it is.
struct Exactly {
    file: File,
    left: u64,
    missing: u64,
    failed: Option<io::Error>,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let buffer = &mut buffer[..most];
        if buffer.is_empty() {
            return Ok(0);
        }
        let length = match (self.missing, self.file.read(buffer)) {
            (0, Err(error)) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            (0, Ok(length @ 1..)) => length,
            (_, read) => {
                if let Err(error) = read {
                    self.failed = self.failed.take().or(Some(error));
                }
                buffer.fill(0);
                self.missing += buffer.len() as u64;
                buffer.len()
            }
        };
        self.left -= length as u64;
        Ok(length)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
