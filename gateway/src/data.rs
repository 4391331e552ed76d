//! The data folder: what lies where, and who may use it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::config::Config;

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataError {
    /// It cannot be made.
    #[error("cannot make the folder {}: {source}", path.display())]
    Create {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file in it cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data folder {} is in use by another Jarvis{}; stop that one, speak to it with `jarvis \
         chat`, or take another folder with --data DIR",
        path.display(),
        pid.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Process id of the owner, when it is known.
        pid: Option<u32>,
    },
}

/// One data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// The folder at `path`, which need not exist.
    pub(crate) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Makes the folder, readable by its owner alone.
    ///
    /// # Errors
    /// [`DataError::Create`].
    pub(crate) fn create(&self) -> Result<(), DataError> {
        make_private(&self.path).map_err(|source| DataError::Create {
            path: self.path.clone(),
            source,
        })
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Unix socket of the brain: here, unless the configuration names another place.
    pub(crate) fn brain_socket(&self, config: &Config) -> PathBuf {
        let here = || self.path.join("jarvis.sock");
        config.brain.socket.clone().unwrap_or_else(here)
    }

    /// SQLite database of the brain.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("jarvis.db")
    }

    /// Private key of the brain, the root of its nodes.
    pub(crate) fn root_key(&self) -> PathBuf {
        self.path.join("root.key")
    }

    /// Everything of the node inside `jarvis up`.
    pub(crate) fn local_node(&self) -> PathBuf {
        self.path.join("node")
    }

    /// Crash reports.
    pub(crate) fn crashes(&self) -> PathBuf {
        self.path.join("crash")
    }

    /// Files that the console received.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.path.join("downloads")
    }

    /// What was typed on the terminal.
    pub(crate) fn history(&self) -> PathBuf {
        self.path.join("history")
    }

    /// Adapter tokens that `jarvis keys new` made.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.path.join("tokens")
    }

    /// Takes the folder for this process until the lock is dropped.
    ///
    /// # Errors
    /// [`DataError::InUse`] names the process that has it.
    pub(crate) fn lock(&self) -> Result<DataLock, DataError> {
        let path = self.path.join("lock");
        let wrong = |source| DataError::File {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = file.read_to_string(&mut text);
                return Err(DataError::InUse {
                    path: self.path.clone(),
                    pid: read.ok().and_then(|_| text.trim().parse().ok()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(wrong(source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(wrong)?;
        Ok(DataLock { _file: file })
    }
}

/// Holds a data folder. The system frees it when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct DataLock {
    _file: File,
}

/// Makes a folder and its parents; the last one for its owner alone.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a new file that only its owner may read.
///
/// # Errors
/// Also when the file is there already: nothing is overwritten.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::at(&dir.path().join("a/b"));
        data.create().unwrap();
        let held = data.lock().unwrap();
        let refused = data.lock().unwrap_err().to_string();
        let me = std::process::id();
        assert!(refused.contains(&format!("(process {me})")), "{refused}");
        assert!(refused.contains("--data DIR"), "{refused}");
        drop(held);
        data.lock().unwrap();
    }

    #[test]
    fn the_folder_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::at(&dir.path().join("data"));
        data.create().unwrap();
        let mode = data.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn private_files_are_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        write_private(&path, "one").unwrap();
        assert!(write_private(&path, "two").is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
