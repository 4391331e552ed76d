//! Packages: files that a root has put into the package folder; archives are unpacked within limits.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use jarvis_proto::node::RefusedReason;

use crate::core::Core;
use crate::files::unpack::{Limits, unpack};
use crate::places::Places;
use crate::refusal::Refusal;

/// First bytes of a `.tar.gz`.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// An archive that holds more than this is not unpacked.
const MOST_ENTRIES: u64 = 20_000;
const MOST_BYTES: u64 = 4 << 30;
/// A name in the folder while it is filled.
const SCRATCH: &str = ".unpacking";

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
        unpack_into(file, &folder)?;
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

/// Unpacks a `.tar.gz` whole or not at all; nothing in it may lead out of `folder`.
fn unpack_into(archive: File, folder: &Path) -> Result<(), Refusal> {
    let limits = Limits {
        entries: MOST_ENTRIES,
        bytes: MOST_BYTES,
        ..Limits::default()
    };
    let into = File::open(folder)?;
    unpack(
        archive,
        &into,
        OsStr::new(SCRATCH),
        &limits,
        &AtomicBool::new(false),
    )
    .map(drop)
    .map_err(|refusal| Refusal {
        detail: format!("the package cannot be unpacked: {}", refusal.detail),
        ..refusal
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    /// A `.tar.gz` of one program.
    fn archive(folder: &Path, name: &str) -> File {
        let path = folder.join("package.tar.gz");
        let mut builder = Builder::new(GzEncoder::new(
            File::create(&path).unwrap(),
            Compression::fast(),
        ));
        let mut header = Header::new_gnu();
        // `set_path` would refuse what one of these tests is about.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(1);
        header.set_mode(0o755);
        header.set_cksum();
        builder.append(&header, &b"x"[..]).unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        File::open(path).unwrap()
    }

    #[test]
    fn an_archive_is_unpacked_with_its_programs() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        unpack_into(archive(folder.path(), "app/bin/run"), into.path()).unwrap();
        let program = fs::metadata(into.path().join("app/bin/run")).unwrap();
        assert_eq!(program.permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_dir(into.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_archive_that_leads_out_leaves_nothing() {
        let (folder, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let refusal = unpack_into(archive(folder.path(), "../x"), into.path()).unwrap_err();
        assert!(refusal.detail.contains("leads out"), "{}", refusal.detail);
        assert_eq!(fs::read_dir(into.path()).unwrap().count(), 0);
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
