//! Whom this node obeys.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jarvis_nodeclient::Address;
use thiserror::Error;
use toml_edit::{Array, DocumentMut, Item, Value};

use crate::config::TrustSource;

/// The trust list. What stands in the file counts, from the moment that the file changes: there is no
/// second copy that could say otherwise.
#[derive(Debug)]
pub(crate) struct Trust {
    /// `None`: the list is fixed.
    file: Option<PathBuf>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    stamp: Option<Stamp>,
    trusted: BTreeSet<Address>,
}

/// Changes whenever the file does.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

/// Why the list could not be changed.
#[derive(Debug, Error)]
pub(crate) enum TrustError {
    /// The list stands in no file.
    #[error("this node's trust list is set by the program that runs it")]
    Fixed,
    /// The file is not as it should be.
    #[error("cannot change `{}`: {message}", path.display())]
    Malformed { path: PathBuf, message: String },
    /// The file cannot be read or written.
    #[error("cannot change `{}`: {source}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Trust {
    /// The list that stands in `source`.
    pub(crate) fn new(source: TrustSource) -> Self {
        match source {
            TrustSource::Fixed(trusted) => Self {
                file: None,
                known: Mutex::new(Known {
                    stamp: None,
                    trusted: trusted.into_iter().collect(),
                }),
            },
            TrustSource::File(path) => Self {
                file: Some(path),
                known: Mutex::default(),
            },
        }
    }

    /// Whether `root` may give orders now.
    ///
    /// A file that cannot be understood (somebody is just writing it) leaves the list as it was; one
    /// that is gone, or cannot be read, trusts nobody.
    pub(crate) fn is_trusted(&self, root: &Address) -> bool {
        let mut known = self
            .known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(path) = &self.file {
            known.refresh(path);
        }
        known.trusted.contains(root)
    }

    /// Writes into the file that `root` is trusted, or not. Returns whether that changed anything.
    ///
    /// # Errors
    ///
    /// When the list is fixed, or the file cannot be changed; then it is as before.
    pub(crate) fn set(&self, root: &Address, is_trusted: bool) -> Result<bool, TrustError> {
        let path = self.file.as_ref().ok_or(TrustError::Fixed)?;
        // One change at a time.
        let _known = self
            .known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let io = |source| TrustError::Io {
            path: path.clone(),
            source,
        };
        let real = fs::canonicalize(path).map_err(io)?;
        let text = fs::read_to_string(&real).map_err(io)?;
        let malformed = |message: String| TrustError::Malformed {
            path: path.clone(),
            message,
        };
        let mut document: DocumentMut = text
            .parse()
            .map_err(|error: toml_edit::TomlError| malformed(error.to_string()))?;
        let list = document
            .entry("trust")
            .or_insert_with(|| Item::Value(Value::Array(Array::new())))
            .as_array_mut()
            .ok_or_else(|| malformed("`trust` is no array".to_owned()))?;
        let address = root.to_string();
        let before = list.len();
        if !is_trusted {
            list.retain(|item| item.as_str() != Some(&address));
        } else if !list.iter().any(|item| item.as_str() == Some(&address)) {
            list.push(address);
        }
        if list.len() == before {
            return Ok(false);
        }
        replace(&real, &document.to_string()).map_err(io)?;
        Ok(true)
    }
}

impl Known {
    fn refresh(&mut self, path: &Path) {
        let stamp = fs::metadata(path).map(|metadata| Stamp {
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        });
        let stamp = match stamp {
            Ok(stamp) if self.stamp == Some(stamp) => return,
            Ok(stamp) => stamp,
            Err(error) => return self.trust_nobody(path, &error),
        };
        match fs::read_to_string(path) {
            Ok(text) => match read_list(&text) {
                Ok(trusted) => self.trusted = trusted,
                Err(error) => {
                    tracing::error!(file = %path.display(), error, "the trust list is unreadable; the last one stays");
                }
            },
            Err(error) => return self.trust_nobody(path, &error),
        }
        self.stamp = Some(stamp);
    }

    fn trust_nobody(&mut self, path: &Path, error: &io::Error) {
        if !self.trusted.is_empty() {
            tracing::error!(file = %path.display(), %error, "the trust list is gone; nobody is trusted");
        }
        *self = Self::default();
    }
}

fn read_list(text: &str) -> Result<BTreeSet<Address>, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let Some(list) = table.get("trust") else {
        return Ok(BTreeSet::new());
    };
    let list = list.as_array().ok_or("`trust` is no array")?;
    list.iter()
        .map(|item| {
            Address::parse(item.as_str().unwrap_or_default()).map_err(|error| error.to_string())
        })
        .collect()
}

/// Exchanges the whole file at once, keeping its permissions.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mode = fs::metadata(path)?.mode();
    let new = path.with_extension("toml.new");
    let _ = fs::remove_file(&new);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use jarvis_nodeclient::Identity;

    fn address() -> Address {
        Identity::generate().address().clone()
    }

    fn write(path: &Path, trusted: &[&Address]) {
        let list: Vec<String> = trusted
            .iter()
            .map(|address| format!("\"{address}\""))
            .collect();
        let new = path.with_extension("editor");
        fs::write(
            &new,
            format!(
                "# whom we obey\ntrust = [{}]\nname = 'x' # mine\n",
                list.join(", ")
            ),
        )
        .unwrap();
        fs::rename(new, path).unwrap();
    }

    #[test]
    fn the_file_counts_from_the_moment_that_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let (a, b) = (address(), address());
        write(&path, &[&a]);
        let trust = Trust::new(TrustSource::File(path.clone()));
        assert!(trust.is_trusted(&a) && !trust.is_trusted(&b));
        write(&path, &[&b]);
        assert!(!trust.is_trusted(&a) && trust.is_trusted(&b));
        fs::write(&path, "trust = [").unwrap();
        assert!(trust.is_trusted(&b), "half a file changes nothing");
        fs::remove_file(&path).unwrap();
        assert!(!trust.is_trusted(&b), "no file, no trust");
    }

    #[test]
    fn changing_keeps_the_rest_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let (a, b) = (address(), address());
        write(&path, &[&a]);
        let trust = Trust::new(TrustSource::File(path.clone()));
        assert!(trust.set(&b, true).unwrap());
        assert!(!trust.set(&b, true).unwrap());
        assert!(trust.is_trusted(&a) && trust.is_trusted(&b));
        assert!(trust.set(&a, false).unwrap());
        assert!(!trust.is_trusted(&a) && trust.is_trusted(&b));
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("# whom we obey") && text.contains("name = 'x' # mine"),
            "{text}"
        );
    }

    #[test]
    fn a_fixed_list_stays() {
        let a = address();
        let trust = Trust::new(TrustSource::Fixed(vec![a.clone()]));
        assert!(trust.is_trusted(&a));
        assert!(matches!(trust.set(&a, false), Err(TrustError::Fixed)));
    }
}
