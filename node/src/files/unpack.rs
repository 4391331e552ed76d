//! An archive from outside, unpacked so that it can do no harm, and whole or not at all.
//!
//! It is unpacked into a folder of its own beside its place, where nothing else is. Only when all of it
//! is there and nothing of it is in the way of what is in its place already, it is moved in, file by
//! file. Every folder is opened from the one above it and never through a link.

mod bounds;

use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{File, FileTimes, Permissions};
use std::io::{self, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use flate2::read::MultiGzDecoder;
use jarvis_proto::node::RefusedReason;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use tar::{Archive, EntryType, PaxExtensions};

use self::bounds::{Bounded, Counted, told_apart};
use super::pack::Summary;
use super::tree::{MOST_DEPTH, MOST_ENTRIES, folder_flags, shown, stays_inside};
use crate::refusal::Refusal;

/// Limits of one archive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) entries: u64,
    /// Bytes that it may grow to.
    pub(crate) bytes: u64,
    /// How many times its own size it may grow to,
    pub(crate) ratio: u64,
    /// once it is larger than this.
    pub(crate) ratio_from: u64,
    /// Folders inside each other.
    pub(crate) depth: usize,
    /// Bytes of a name, and of what else stands before an entry.
    pub(crate) name: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: MOST_ENTRIES,
            bytes: 64 << 30,
            ratio: 200,
            ratio_from: 64 << 20,
            depth: MOST_DEPTH,
            name: 64 << 10,
        }
    }
}

/// Unpacks an archive into `folder`. `scratch` is a name in it for the time of unpacking; what is left
/// there of an earlier time is removed. When `abandoned` becomes true before anything was moved in,
/// it ends without having done anything.
///
/// # Errors
///
/// When the archive is none, is dangerous or too large, does not fit to what is there, or the disk is
/// full. Then nothing has changed.
pub(crate) fn unpack(
    archive: File,
    folder: &File,
    scratch: &OsStr,
    limits: &Limits,
    abandoned: &AtomicBool,
) -> Result<Summary, Refusal> {
    remove(folder, scratch)?;
    rustix::fs::mkdirat(folder, scratch, Mode::RWXU).map_err(io::Error::from)?;
    let scratch = Scratch {
        folder,
        name: scratch,
    };
    let inner = open_folder(folder, scratch.name)?;
    let mut unpacker = Unpacker {
        limits,
        abandoned,
        root: inner,
        open: None,
        summary: Summary::default(),
    };
    unpacker.run(archive)?;
    let into = open_folder(folder, OsStr::new("."))?;
    let inner = unpacker.root;
    move_in(&inner, &into, Path::new(""), Doing::Looking)?;
    move_in(&inner, &into, Path::new(""), Doing::Moving)?;
    Ok(unpacker.summary)
}

/// Removes what was unpacked and not moved in.
struct Scratch<'a> {
    folder: &'a File,
    name: &'a OsStr,
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        if let Err(error) = remove(self.folder, self.name) {
            tracing::warn!(%error, folder = %shown(Path::new(self.name)), "cannot be removed");
        }
    }
}

/// Removes a folder of ours with all that is in it.
fn remove(folder: &File, name: &OsStr) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
    match std::fs::remove_dir_all(Path::new(&path).join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

struct Unpacker<'a> {
    limits: &'a Limits,
    abandoned: &'a AtomicBool,
    root: OwnedFd,
    /// The folder that the last entry was put in.
    open: Option<(PathBuf, OwnedFd)>,
    summary: Summary,
}

/// What stands before an entry and belongs to it.
#[derive(Default)]
struct Before {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Unpacker<'_> {
    fn run(&mut self, archive: File) -> Result<(), Refusal> {
        let read = Cell::new(0);
        let packed = Counted {
            reader: BufReader::with_capacity(128 << 10, archive),
            read: &read,
        };
        let (packed, is_gzip) = told_apart(packed)?;
        let plain: Box<dyn Read + '_> = if is_gzip {
            Box::new(MultiGzDecoder::new(packed))
        } else {
            Box::new(packed)
        };
        let bounded = Bounded {
            reader: plain,
            packed: &read,
            grown: 0,
            limits: self.limits,
        };
        let mut archive = Archive::new(bounded);
        let mut before = Before::default();
        let mut is_empty = true;
        // Raw: names that stand in entries of their own are read here, with a limit.
        for entry in archive.entries().map_err(broken)?.raw(true) {
            let mut entry = entry.map_err(broken)?;
            if self.abandoned.load(Ordering::Relaxed) {
                return Err(Refusal::new(RefusedReason::Io, "it was cancelled"));
            }
            is_empty = false;
            match entry.header().entry_type() {
                EntryType::GNULongName => before.name = Some(self.text(&mut entry)?),
                EntryType::GNULongLink => before.link = Some(self.text(&mut entry)?),
                EntryType::XHeader => self.extensions(&mut entry, &mut before)?,
                EntryType::XGlobalHeader => {}
                _ => self.entry(&mut entry, std::mem::take(&mut before))?,
            }
        }
        if is_empty {
            return Err(refused("it is no tar archive, or an empty one"));
        }
        Ok(())
    }

    fn text<R: Read>(&self, entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, Refusal> {
        if entry.size() > self.limits.name {
            return Err(refused("a name in it is too long"));
        }
        let mut text = Vec::new();
        entry.read_to_end(&mut text).map_err(broken)?;
        while text.last() == Some(&0) {
            text.pop();
        }
        Ok(text)
    }

    fn extensions<R: Read>(
        &self,
        entry: &mut tar::Entry<'_, R>,
        before: &mut Before,
    ) -> Result<(), Refusal> {
        let text = self.text(entry)?;
        for extension in PaxExtensions::new(&text) {
            let extension = extension.map_err(broken)?;
            match extension.key_bytes() {
                b"path" => before.name = Some(extension.value_bytes().to_owned()),
                b"linkpath" => before.link = Some(extension.value_bytes().to_owned()),
                b"size" => return Err(refused("a file in it is larger than 8 GB")),
                key if key.starts_with(b"GNU.sparse") => {
                    return Err(refused("it has sparse files, which are not supported"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn entry<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        before: Before,
    ) -> Result<(), Refusal> {
        let path = before
            .name
            .unwrap_or_else(|| entry.header().path_bytes().into_owned());
        let path = self.checked(path)?;
        let link = before
            .link
            .or_else(|| {
                entry
                    .header()
                    .link_name_bytes()
                    .map(std::borrow::Cow::into_owned)
            })
            .map(|link| PathBuf::from(std::ffi::OsString::from_vec(link)));
        let kind = entry.header().entry_type();
        let (Some(name), parent) = (path.file_name(), path.parent().unwrap_or(Path::new("")))
        else {
            // The folder itself.
            return Ok(());
        };
        self.summary.entries += 1;
        if self.summary.entries > self.limits.entries {
            return Err(refused(&format!(
                "it has more than {} entries",
                self.limits.entries
            )));
        }
        self.enter(parent)?;
        let Some((_, folder)) = &self.open else {
            return Ok(());
        };
        let result = match kind {
            EntryType::Directory => make_folder(folder, name),
            EntryType::Regular | EntryType::Continuous => {
                self.summary.bytes += write_file(folder, name, entry)?;
                Ok(())
            }
            EntryType::Symlink => {
                let target = link.unwrap_or_default();
                if !stays_inside(&path, &target) {
                    let (path, target) = (shown(&path), shown(&target));
                    return Err(refused(&format!(
                        "`{path}` is a link out of it, to `{target}`"
                    )));
                }
                unlink(folder, name)?;
                rustix::fs::symlinkat(&target, folder, name).map_err(io::Error::from)
            }
            EntryType::Link => {
                let target = self.checked(link.unwrap_or_default().into_os_string().into_vec())?;
                self.hard_link(&target, folder, name)
            }
            _ => {
                let path = shown(&path);
                return Err(refused(&format!("`{path}` is no file, folder or link")));
            }
        };
        result.map_err(|error| trouble(&path, error))
    }

    /// The path of an entry, if it leads nowhere but into the archive's own folder.
    fn checked(&self, path: Vec<u8>) -> Result<PathBuf, Refusal> {
        let path = PathBuf::from(std::ffi::OsString::from_vec(path));
        let mut inside = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(part) if !part.as_bytes().contains(&0) => inside.push(part),
                Component::CurDir => {}
                _ => {
                    let path = shown(&path);
                    return Err(refused(&format!("`{path}` leads out of it")));
                }
            }
        }
        if inside.components().count() > self.limits.depth {
            return Err(refused(&format!(
                "it is more than {} folders deep",
                self.limits.depth
            )));
        }
        Ok(inside)
    }

    /// Opens the folder that an entry goes into; makes it where it is not there.
    fn enter(&mut self, parent: &Path) -> Result<(), Refusal> {
        if self.open.as_ref().is_some_and(|(path, _)| path == parent) {
            return Ok(());
        }
        let mut folder = open_folder(&self.root, OsStr::new("."))?;
        for part in parent.components() {
            let name = part.as_os_str();
            folder = match open_folder(&folder, name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => make_folder(&folder, name)
                    .and_then(|()| open_folder(&folder, name))
                    .map_err(|error| trouble(parent, error))?,
                Err(error) => return Err(trouble(parent, error)),
                Ok(folder) => folder,
            };
        }
        self.open = Some((parent.to_owned(), folder));
        Ok(())
    }

    fn hard_link(&self, target: &Path, folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let Some(target_name) = target.file_name() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut from = open_folder(&self.root, OsStr::new("."))?;
        for part in target.parent().into_iter().flat_map(Path::components) {
            from = open_folder(&from, part.as_os_str())?;
        }
        unlink(folder, name)?;
        Ok(rustix::fs::linkat(
            &from,
            target_name,
            folder,
            name,
            AtFlags::empty(),
        )?)
    }
}

fn make_folder(folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
    let mode = Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
    match rustix::fs::mkdirat(folder, name, mode) {
        // An archive may name a folder twice.
        Err(Errno::EXIST) => open_folder(folder, name).map(drop),
        made => Ok(made?),
    }
}

fn write_file<R: Read>(
    folder: &OwnedFd,
    name: &OsStr,
    entry: &mut tar::Entry<'_, R>,
) -> Result<u64, Refusal> {
    // The last one of a name counts.
    unlink(folder, name)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR);
    let mut file = File::from(file.map_err(|error| trouble(Path::new(name), error.into()))?);
    let (mode, modified) = (entry.header().mode(), entry.header().mtime());
    let (mode, modified) = (mode.map_err(broken)?, modified.unwrap_or_default());
    let wanted = entry.size();
    let bytes = io::copy(entry, &mut file).map_err(broken)?;
    if bytes != wanted {
        return Err(refused("it is cut off"));
    }
    // Set-user-id and the like are nothing that a file gets from a chat.
    file.set_permissions(Permissions::from_mode(mode & 0o777))?;
    if let Some(time) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(modified)) {
        // A time that the file system cannot keep is no reason to refuse the file.
        let _ = file.set_times(FileTimes::new().set_modified(time));
    }
    Ok(bytes)
}

fn unlink(folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn open_folder(folder: impl std::os::fd::AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(
        folder,
        name,
        folder_flags(),
        Mode::empty(),
    )?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Is anything in the way?
    Looking,
    Moving,
}

/// Moves what is in one folder into another one, over files that are there.
fn move_in(from: &OwnedFd, into: &OwnedFd, path: &Path, doing: Doing) -> Result<(), Refusal> {
    let mut names = Vec::new();
    for entry in Dir::read_from(from).map_err(io::Error::from)? {
        let name = entry
            .map_err(io::Error::from)?
            .file_name()
            .to_bytes()
            .to_owned();
        if !matches!(&name[..], b"." | b"..") {
            names.push(std::ffi::OsString::from_vec(name));
        }
    }
    for name in names {
        let path = path.join(&name);
        let ours = kind_of(from, &name).map_err(|error| trouble(&path, error))?;
        let theirs = kind_of(into, &name).map_err(|error| trouble(&path, error))?;
        let is_folder = |kind| kind == Some(FileType::Directory);
        if is_folder(ours) && is_folder(theirs) {
            let below = |folder| open_folder(folder, &name).map_err(|error| trouble(&path, error));
            move_in(&below(from)?, &below(into)?, &path, doing)?;
            continue;
        }
        if theirs.is_some() && is_folder(ours) != is_folder(theirs) {
            let what = if is_folder(ours) {
                "a folder"
            } else {
                "a file"
            };
            let detail = format!(
                "`{}` is {what} in it and something else on the node",
                shown(&path)
            );
            return Err(refused(&detail));
        }
        if doing == Doing::Moving {
            rustix::fs::renameat(from, &name, into, &name)
                .map_err(|error| trouble(&path, error.into()))?;
        }
    }
    Ok(())
}

fn kind_of(folder: &OwnedFd, name: &OsStr) -> io::Result<Option<FileType>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(about) => Ok(Some(FileType::from_raw_mode(about.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The archive itself is the reason.
fn refused(detail: &str) -> Refusal {
    Refusal::new(RefusedReason::Malformed, detail)
}

/// Reading the archive failed: what is wrong stands in the error, unless it is the disk.
fn broken(error: io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => error.into(),
        _ => refused(&error.to_string()),
    }
}

/// Something of the archive cannot be put in its place.
fn trouble(path: &Path, error: io::Error) -> Refusal {
    let path = shown(path);
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT) => error.into(),
        Some(Errno::LOOP | Errno::NOTDIR) => refused(&format!(
            "`{path}` passes through something that is no folder"
        )),
        Some(Errno::NAMETOOLONG) => refused(&format!("`{path}` is too long")),
        _ => Refusal {
            detail: format!("`{path}`: {error}"),
            ..error.into()
        },
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
