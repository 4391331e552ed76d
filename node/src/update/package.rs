//! Packages: files that a root has put into the package folder; archives are unpacked within limits.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use jarvis_proto::node::RefusedReason;
use tar::{Archive, EntryType};

use crate::core::Core;
use crate::places::Places;
use crate::refusal::Refusal;

/// First bytes of a `.tar.gz`.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// An archive that holds more than this is not unpacked.
const MOST_ENTRIES: usize = 20_000;
const MOST_BYTES: u64 = 4 << 30;

/// Where a package is, if the order names one.
///
/// # Errors
///
/// When it is not in the package folder.
pub(super) fn find(core: &Core, path: &str) -> Result<Option<PathBuf>, Refusal> {
    if path.is_empty() {
        return Ok(None);
    }
    let (_, real) = Places::new([core.config.packages()]).open(Path::new(path))?;
    Ok(Some(real))
}

/// Checks a package, and unpacks it into `folder` if it is an archive. Returns whether it was one.
///
/// # Errors
///
/// When it is not what the root has sent, or cannot be unpacked within the limits.
pub(super) async fn open(path: &Path, blake3: &[u8], folder: &Path) -> Result<Option<()>, Refusal> {
    let (path, wanted, folder) = (path.to_owned(), blake3.to_vec(), folder.to_owned());
    let work = move || -> Result<Option<()>, Refusal> {
        let mut file = verified(&path, &wanted)?;
        if !is_archive(&mut file)? {
            return Ok(None);
        }
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir_all(&folder)?,
        }
        unpack(file, &folder, MOST_ENTRIES, MOST_BYTES)?;
        Ok(Some(()))
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Refusal::new(RefusedReason::Io, error)))
}

/// Opens a package that is exactly the one that was meant.
fn verified(path: &Path, wanted: &[u8]) -> Result<File, Refusal> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&file)?;
    if hasher.finalize().as_bytes() != wanted {
        return Err(Refusal::new(
            RefusedReason::Malformed,
            "the package on the node is not the one that was meant: its hash differs",
        ));
    }
    file.rewind()?;
    Ok(file)
}

fn is_archive(file: &mut File) -> io::Result<bool> {
    let mut head = Vec::new();
    file.by_ref().take(2).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head == GZIP)
}

/// Unpacks a `.tar.gz`. Nothing in it may lead out of `folder`.
fn unpack(
    from: impl Read,
    folder: &Path,
    most_entries: usize,
    most_bytes: u64,
) -> Result<(), Refusal> {
    let wrong = |detail: String| Refusal::new(RefusedReason::Malformed, detail);
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::PermissionDenied => Refusal::from(error),
        _ => wrong(format!("the package cannot be unpacked: {error}")),
    };
    let mut left = most_bytes;
    let mut archive = Archive::new(GzDecoder::new(from));
    archive.set_preserve_mtime(false);
    for (number, entry) in archive.entries().map_err(broken)?.enumerate() {
        let mut entry = entry.map_err(broken)?;
        if number >= most_entries {
            return Err(wrong(format!(
                "the package holds more than {most_entries} files"
            )));
        }
        left = left.checked_sub(entry.size()).ok_or_else(|| {
            wrong(format!(
                "the package unpacks to more than {most_bytes} bytes"
            ))
        })?;
        let path = entry.path().map_err(broken)?.into_owned();
        let shown = path.display().to_string();
        if !stays_inside(Path::new(""), &path) {
            return Err(wrong(format!(
                "the package leads out of its folder: `{shown}`"
            )));
        }
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
            EntryType::Symlink => {
                let target = entry.link_name().map_err(broken)?.unwrap_or_default();
                let from = path.parent().unwrap_or(Path::new(""));
                if !stays_inside(from, &target) {
                    return Err(wrong(format!(
                        "a link in the package leads out of it: `{shown}`"
                    )));
                }
            }
            EntryType::Link => {
                let target = entry.link_name().map_err(broken)?.unwrap_or_default();
                if !stays_inside(Path::new(""), &target) {
                    return Err(wrong(format!(
                        "a link in the package leads out of it: `{shown}`"
                    )));
                }
            }
            EntryType::XGlobalHeader | EntryType::XHeader => continue,
            _ => {
                return Err(wrong(format!(
                    "the package holds something that is no file: `{shown}`"
                )));
            }
        }
        // Checks the folders on the way once more, as they are on the disk.
        if !entry.unpack_in(folder).map_err(broken)? {
            return Err(wrong(format!(
                "the package leads out of its folder: `{shown}`"
            )));
        }
    }
    Ok(())
}

/// Whether `path`, seen from the folder `from`, never climbs above the top.
fn stays_inside(from: &Path, path: &Path) -> bool {
    let mut depth = from.components().count();
    for component in path.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    fn archive(fill: impl FnOnce(&mut Builder<GzEncoder<Vec<u8>>>)) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        fill(&mut builder);
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn file(builder: &mut Builder<GzEncoder<Vec<u8>>>, path: &str, text: &[u8]) {
        let mut header = Header::new_gnu();
        // `set_path` would refuse what these tests are about.
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(text.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        builder.append(&header, text).unwrap();
    }

    fn link(builder: &mut Builder<GzEncoder<Vec<u8>>>, path: &str, to: &str, kind: EntryType) {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_mode(0o777);
        builder.append_link(&mut header, path, to).unwrap();
    }

    fn fault(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let refusal = unpack(bytes, &inside, 10, 1000).unwrap_err();
        let beside = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(beside, 1, "nothing lies beside the folder");
        refusal.detail
    }

    #[test]
    fn an_archive_is_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = archive(|builder| {
            file(builder, "app/bin/run", b"x");
            link(builder, "app/run", "bin/run", EntryType::Symlink);
        });
        unpack(&bytes[..], folder.path(), 10, 1000).unwrap();
        assert_eq!(fs::read(folder.path().join("app/run")).unwrap(), b"x");
    }

    #[test]
    fn nothing_leads_out() {
        assert!(fault(&archive(|b| file(b, "../x", b"x"))).contains("leads out"));
        assert!(fault(&archive(|b| file(b, "a/../../x", b"x"))).contains("leads out"));
        assert!(fault(&archive(|b| file(b, "/etc/x", b"x"))).contains("leads out"));
        for target in ["..", "../x", "/etc/passwd", "a/../../x"] {
            let bytes = archive(|b| link(b, "link", target, EntryType::Symlink));
            assert!(fault(&bytes).contains("leads out"), "{target}");
            let bytes = archive(|b| link(b, "link", target, EntryType::Link));
            assert!(fault(&bytes).contains("leads out"), "{target}");
        }
        let pipe = archive(|b| link(b, "pipe", "x", EntryType::Fifo));
        assert!(fault(&pipe).contains("no file"));
    }

    #[test]
    fn bombs_are_refused() {
        assert!(fault(&archive(|b| file(b, "big", &[0; 1001]))).contains("more than 1000 bytes"));
        let many = archive(|b| (0..11).for_each(|n| file(b, &format!("f{n}"), b"")));
        assert!(fault(&many).contains("more than 10 files"));
        let mut cut = archive(|b| file(b, "f", &[7; 900]));
        cut.truncate(cut.len() / 2);
        assert!(fault(&cut).contains("cannot be unpacked"));
    }

    #[test]
    fn only_the_package_that_was_meant_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        fs::write(&path, "right").unwrap();
        assert!(verified(&path, blake3::hash(b"right").as_bytes()).is_ok());
        let refusal = verified(&path, blake3::hash(b"other").as_bytes()).unwrap_err();
        assert!(refusal.detail.contains("hash differs"));
    }
}
