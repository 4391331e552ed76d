//! Whom this node obeys.

mod lineage;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jarvis_nodeclient::{Address, Proven};
use thiserror::Error;
use toml_edit::{Array, DocumentMut, Item, Value};

use self::lineage::Lineage;
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
    lineage: Lineage,
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
    /// Nobody would be left who could give orders.
    #[error("it is the last root that this node trusts, and stays")]
    Last,
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
    /// The list that stands in `source`; changes of roots' keys are kept in the file `lineage`.
    pub(crate) fn new(source: TrustSource, lineage: Option<PathBuf>) -> Self {
        let lineage = Lineage::open(lineage);
        match source {
            TrustSource::Fixed(trusted) => Self {
                file: None,
                known: Mutex::new(Known {
                    stamp: None,
                    trusted: trusted.into_iter().collect(),
                    lineage,
                }),
            },
            TrustSource::File(path) => Self {
                file: Some(path),
                known: Mutex::new(Known {
                    lineage,
                    ..Known::default()
                }),
            },
        }
    }

    /// Whether `root` may give orders now.
    ///
    /// A file that cannot be understood (somebody is just writing it) leaves the list as it was; one
    /// that is gone, or cannot be read, trusts nobody.
    pub(crate) fn is_trusted(&self, root: &Address) -> bool {
        let mut known = self.lock();
        if let Some(path) = &self.file {
            known.refresh(path);
        }
        known.trusted.contains(root)
    }

    /// Writes into the file that `root` is trusted, or not: then under none of the addresses that it has
    /// had. Returns whether that changed anything.
    ///
    /// # Errors
    ///
    /// When the list is fixed, or the file cannot be changed; then it is as before.
    pub(crate) fn set(&self, root: &Address, is_trusted: bool) -> Result<bool, TrustError> {
        let path = self.file.as_ref().ok_or(TrustError::Fixed)?;
        // One change at a time.
        let known = self.lock();
        if is_trusted {
            return change(path, |document| {
                let list = trust_array(document)?;
                let address = root.to_string();
                let is_new = !list.iter().any(|item| item.as_str() == Some(&address));
                if is_new {
                    list.push(address);
                }
                Ok(is_new)
            });
        }
        let origin = known.lineage.origin(root).clone();
        remove(path, |address| *known.lineage.origin(address) == origin)
    }

    /// Everybody who may give orders now.
    pub(crate) fn list(&self) -> Vec<Address> {
        let mut known = self.lock();
        if let Some(path) = &self.file {
            known.refresh(path);
        }
        known.trusted.iter().cloned().collect()
    }

    /// The first address of this root: what is kept for it is kept under that one.
    pub(crate) fn origin(&self, root: &Address) -> Address {
        self.lock().lineage.origin(root).clone()
    }

    /// The address that this root has now, as far as this node knows.
    pub(crate) fn latest(&self, root: &Address) -> Address {
        self.lock().lineage.latest(root).clone()
    }

    /// Takes a root's new key for one of its old ones, if an old one is trusted and has no other
    /// successor. Written down before anybody relies on it.
    pub(crate) fn succeed(&self, proven: &Proven) {
        let mut known = self.lock();
        if let Some(path) = &self.file {
            known.refresh(path);
        }
        if proven.successions.is_empty() || known.trusted.contains(&proven.root) {
            return;
        }
        // The newest old address that is trusted: what came after it is new here.
        let trusted = &known.trusted;
        let Some(place) = proven
            .successions
            .iter()
            .position(|step| trusted.contains(&step.old))
        else {
            return;
        };
        let fresh = &proven.successions[..=place];
        let old = &fresh[place].old;
        if known.lineage.is_known(&proven.root) {
            // Killed between writing down and taking over; whoever removes a root removes all its keys.
            if *known.lineage.latest(old) != proven.root {
                return;
            }
        } else if fresh
            .iter()
            .any(|step| known.lineage.has_successor(&step.old))
        {
            tracing::error!(root = %proven.root, "a root with an old key claims another successor than the one known here");
            return;
        } else if let Err(error) = known.lineage.add(fresh.iter().rev().cloned()) {
            tracing::error!(%error, "the new key of a root cannot be written down; it is not taken");
            return;
        }
        tracing::info!(%old, new = %proven.root, "a root has a new key, proven by its old one");
        let Some(path) = &self.file else {
            known.trusted.insert(proven.root.clone());
            return;
        };
        let (old, new) = (old.to_string(), proven.root.to_string());
        let changed = change(path, |document| {
            trust_array(document)?.push(new.as_str());
            let roots = document
                .get_mut("root")
                .and_then(Item::as_array_of_tables_mut);
            for root in roots.into_iter().flat_map(|roots| roots.iter_mut()) {
                if root.get("address").and_then(Item::as_str) == Some(old.as_str()) {
                    root.insert("address", toml_edit::value(new.as_str()));
                }
            }
            Ok(true)
        });
        if let Err(error) = changed {
            tracing::error!(%error, "the new key of a root cannot be written into the configuration");
        }
    }

    /// Trusts old keys no more whose time is over.
    pub(crate) fn retire(&self, now_ms: i64) {
        let due: Vec<Address> = {
            let known = self.lock();
            let due = known.lineage.retired(now_ms);
            due.filter(|old| known.trusted.contains(old))
                .cloned()
                .collect()
        };
        for old in due {
            if self.file.is_none() {
                self.lock().trusted.remove(&old);
            } else if let Err(error) = self.remove_only(&old) {
                tracing::error!(%error, root = %old, "the old key of a root stays trusted");
            }
        }
    }

    fn remove_only(&self, old: &Address) -> Result<bool, TrustError> {
        let path = self.file.as_ref().ok_or(TrustError::Fixed)?;
        let _known = self.lock();
        remove(path, |address| address == old)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Why a change is not made.
enum Change {
    Last,
    Malformed(String),
}

fn trust_array(document: &mut DocumentMut) -> Result<&mut Array, Change> {
    document
        .entry("trust")
        .or_insert_with(|| Item::Value(Value::Array(Array::new())))
        .as_array_mut()
        .ok_or_else(|| Change::Malformed("`trust` is no array".to_owned()))
}

/// Takes addresses off the list, unless nobody would be left. Whether that changed anything.
fn remove(path: &Path, is_meant: impl Fn(&Address) -> bool) -> Result<bool, TrustError> {
    change(path, |document| {
        let list = trust_array(document)?;
        let is_meant = |item: &Value| {
            let address = item.as_str().map(Address::parse);
            address.is_some_and(|address| address.is_ok_and(|address| is_meant(&address)))
        };
        let meant = list.iter().filter(|item| is_meant(item)).count();
        if meant > 0 && meant == list.len() {
            return Err(Change::Last);
        }
        list.retain(|item| !is_meant(item));
        Ok(meant > 0)
    })
}

/// Edits the configuration file. Whether that changed anything.
fn change(
    path: &Path,
    edit: impl FnOnce(&mut DocumentMut) -> Result<bool, Change>,
) -> Result<bool, TrustError> {
    let io = |source| TrustError::Io {
        path: path.to_owned(),
        source,
    };
    let malformed = |message: String| TrustError::Malformed {
        path: path.to_owned(),
        message,
    };
    let real = fs::canonicalize(path).map_err(io)?;
    let text = fs::read_to_string(&real).map_err(io)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| malformed(error.to_string()))?;
    let has_changed = edit(&mut document).map_err(|change| match change {
        Change::Last => TrustError::Last,
        Change::Malformed(message) => malformed(message),
    })?;
    if has_changed {
        replace(&real, &document.to_string()).map_err(io)?;
    }
    Ok(has_changed)
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
        self.stamp = None;
        self.trusted.clear();
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
        let trust = Trust::new(TrustSource::File(path.clone()), None);
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
        let trust = Trust::new(TrustSource::File(path.clone()), None);
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
    fn the_last_trusted_root_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let (a, b) = (address(), address());
        write(&path, &[&a, &b]);
        let trust = Trust::new(TrustSource::File(path), None);
        assert!(trust.set(&b, false).unwrap());
        assert!(matches!(trust.set(&a, false), Err(TrustError::Last)));
        assert_eq!(trust.list(), [a]);
    }

    /// A root that changed its key, as it proves itself.
    fn changed(old: &Address, new: &Address, overlap: std::time::Duration) -> Proven {
        Proven {
            root: new.clone(),
            successions: vec![jarvis_nodeclient::Succession {
                old: old.clone(),
                new: new.clone(),
                time_ms: 1_000,
                overlap,
            }],
        }
    }

    #[test]
    fn a_root_with_a_new_key_is_the_same_root() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let (a, b, thief) = (address(), address(), address());
        fs::write(
            &path,
            format!("trust = [\"{a}\"]\n[[root]]\naddress = \"{a}\" # ours\nconnect = 'h:1'\n"),
        )
        .unwrap();
        let lineage = folder.path().join("roots");
        let open = || Trust::new(TrustSource::File(path.clone()), Some(lineage.clone()));
        let trust = open();
        let minute = std::time::Duration::from_secs(60);
        trust.succeed(&changed(&a, &b, minute));
        for trust in [trust, open()] {
            assert!(
                trust.is_trusted(&a) && trust.is_trusted(&b),
                "both are valid"
            );
            assert_eq!((trust.origin(&b), trust.latest(&a)), (a.clone(), b.clone()));
            // Whoever has stolen the old key meanwhile cannot name another successor.
            trust.succeed(&changed(&a, &thief, minute));
            assert!(!trust.is_trusted(&thief));
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("address = \"{b}\"")), "{text}");
        let trust = open();
        trust.is_trusted(&a);
        trust.retire(61_000);
        assert!(trust.is_trusted(&a), "the time is not over");
        trust.retire(61_001);
        assert!(!trust.is_trusted(&a) && trust.is_trusted(&b));
    }

    #[test]
    fn a_stranger_cannot_succeed_anybody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        let (a, b, c) = (address(), address(), address());
        write(&path, &[&a]);
        let trust = Trust::new(TrustSource::File(path), Some(folder.path().join("roots")));
        trust.succeed(&changed(&b, &c, std::time::Duration::from_secs(60)));
        assert!(!trust.is_trusted(&c) && !trust.is_trusted(&b));
    }

    #[test]
    fn a_fixed_list_stays() {
        let a = address();
        let trust = Trust::new(TrustSource::Fixed(vec![a.clone()]), None);
        assert!(trust.is_trusted(&a));
        assert!(matches!(trust.set(&a, false), Err(TrustError::Fixed)));
    }
}
