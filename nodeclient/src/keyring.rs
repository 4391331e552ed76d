//! A key that can be changed: the identity in use, and the chain of changes that led to it.
//!
//! A [`KeyChange`] is signed by the old key and by the new one. Whoever still knows an old key takes the
//! new one for it, however long it was away, and nobody has to be reached for a change to be safe.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jarvis_proto::node::{KeyChange, KeyChanges};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::address::Address;
use crate::identity::{Identity, address_of, signer};
use crate::keyfile::KeyFileError;

/// Separates changes from everything else that a key signs.
const TAG: &[u8] = b"jarvis key change v1\0";
/// Changes that are kept and looked at; older ones are forgotten.
const MOST_CHANGES: usize = 8;

/// Why a key could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The key stands in no file.
    #[error("this key stands in no file and cannot be changed")]
    Fixed,
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A file beside it.
    #[error("cannot write `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// The identity in use, with the changes that led to it.
#[derive(Debug)]
pub struct KeyRing {
    path: Option<PathBuf>,
    identity: Identity,
    changes: Vec<KeyChange>,
}

impl From<Identity> for KeyRing {
    /// A key in no file: it stays as it is.
    fn from(identity: Identity) -> Self {
        Self {
            path: None,
            identity,
            changes: Vec::new(),
        }
    }
}

impl KeyRing {
    /// The key in `path`, with what is kept beside it. A change that was interrupted is finished, if it
    /// was so far that anybody could know of it.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no key.
    pub fn open(path: &Path) -> Result<Self, KeyRingError> {
        let mut identity = Identity::from_file(path)?;
        let mut changes = read_changes(&beside(path, "changes"));
        let next = beside(path, "next");
        let announced = changes.last().and_then(|last| address_of(&last.new_key));
        if let Some(announced) = announced
            && announced != *identity.address()
            && let Ok(coming) = Identity::from_file(&next)
            && *coming.address() == announced
        {
            take_over(path, &next)?;
            identity = coming;
        }
        // What does not lead to this key was kept for another one, e.g. from before a backup.
        while changes
            .last()
            .is_some_and(|last| address_of(&last.new_key).as_ref() != Some(identity.address()))
        {
            changes.pop();
        }
        Ok(Self {
            path: Some(path.to_owned()),
            identity,
            changes,
        })
    }

    /// The same; a new key when there is none.
    ///
    /// # Errors
    /// As [`KeyRing::open`], and when a new file cannot be written.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyRingError> {
        match Self::open(path) {
            Err(KeyRingError::Key(KeyFileError::Missing(_))) => {
                Identity::create_file(path)?;
                Self::open(path)
            }
            other => other,
        }
    }

    /// Makes a new key, which the old one vouches for and which is in the file from now on. The old one
    /// stays beside it as `.old`. Killed at any point, the next [`KeyRing::open`] finds the old key or
    /// the new one with its change, and nothing in between.
    ///
    /// # Errors
    /// When the key stands in no file, or a file cannot be written; the old key stays then.
    pub fn rotate(&self, now_ms: i64, overlap: Duration) -> Result<Self, KeyRingError> {
        let path = self.path.as_ref().ok_or(KeyRingError::Fixed)?;
        let next = beside(path, "next");
        // Left by a change that nobody can know of.
        let _ = fs::remove_file(&next);
        let identity = Identity::create_file(&next)?;
        let mut changes = self.changes.clone();
        changes.push(vouch(&self.identity, &identity, now_ms, overlap));
        let surplus = changes.len().saturating_sub(MOST_CHANGES);
        changes.drain(..surplus);
        let kept = KeyChanges { changes };
        let place = beside(path, "changes");
        write(&place, &kept.encode_to_vec()).map_err(io_fault(&place))?;
        // From here on the change counts.
        take_over(path, &next)?;
        Ok(Self {
            path: self.path.clone(),
            identity,
            changes: kept.changes,
        })
    }

    /// The identity in use.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> &Address {
        self.identity.address()
    }

    /// The changes that led to it, oldest first.
    #[must_use]
    pub fn changes(&self) -> &[KeyChange] {
        &self.changes
    }

    /// The address in use, and earlier ones that are still good at this time.
    pub fn still_good(&self, now_ms: i64) -> impl Iterator<Item = Address> + use<> {
        let earlier = successions(&self.changes, self.address())
            .into_iter()
            .filter(move |step| now_ms <= step.old_until_ms())
            .map(|step| step.old);
        std::iter::once(self.address().clone()).chain(earlier)
    }

    /// The changes that led to it, as they were proven, newest first.
    #[must_use]
    pub fn former(&self) -> Vec<Succession> {
        successions(&self.changes, self.address())
    }

    /// The last change, as it was proven.
    #[must_use]
    pub fn last_change(&self) -> Option<Succession> {
        succession(self.changes.last()?)
    }
}

/// One proven change of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    /// What the key was.
    pub old: Address,
    /// What it is.
    pub new: Address,
    /// When it changed, Unix milliseconds by the clock of its owner.
    pub time_ms: i64,
    /// How long after that the old key is still good.
    pub overlap: Duration,
}

impl Succession {
    /// Until when the old key is good, Unix milliseconds by the clock of its owner.
    #[must_use]
    pub fn old_until_ms(&self) -> i64 {
        let overlap_ms = i64::try_from(self.overlap.as_millis()).unwrap_or(i64::MAX);
        self.time_ms.saturating_add(overlap_ms)
    }
}

/// The proven changes that led to the key of `now`, newest first. What is not signed by both keys ends
/// the chain.
pub(crate) fn successions(changes: &[KeyChange], now: &Address) -> Vec<Succession> {
    let mut chain = Vec::new();
    let mut wanted = now.clone();
    for change in changes.iter().rev().take(MOST_CHANGES) {
        match succession(change) {
            Some(step) if step.new == wanted && step.old != step.new => {
                wanted = step.old.clone();
                chain.push(step);
            }
            _ => break,
        }
    }
    chain
}

fn succession(change: &KeyChange) -> Option<Succession> {
    let digest = digest(change);
    Some(Succession {
        old: signer(digest, &change.old_key, &change.old_signature)?,
        new: signer(digest, &change.new_key, &change.new_signature)?,
        time_ms: change.time_ms,
        overlap: Duration::from_millis(change.overlap_ms),
    })
}

fn vouch(old: &Identity, new: &Identity, time_ms: i64, overlap: Duration) -> KeyChange {
    let mut change = KeyChange {
        old_key: old.public_key().to_vec().into(),
        new_key: new.public_key().to_vec().into(),
        time_ms,
        overlap_ms: u64::try_from(overlap.as_millis()).unwrap_or(u64::MAX),
        ..KeyChange::default()
    };
    let digest = digest(&change);
    change.old_signature = old.sign(digest).to_vec().into();
    change.new_signature = new.sign(digest).to_vec().into();
    change
}

fn digest(change: &KeyChange) -> [u8; 32] {
    Sha256::new()
        .chain_update(TAG)
        .chain_update(&change.old_key)
        .chain_update(&change.new_key)
        .chain_update(change.time_ms.to_be_bytes())
        .chain_update(change.overlap_ms.to_be_bytes())
        .finalize()
        .into()
}

/// `node.key` → `node.key.next`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn read_changes(path: &Path) -> Vec<KeyChange> {
    fs::read(path)
        .ok()
        .and_then(|bytes| KeyChanges::decode(bytes.as_slice()).ok())
        .unwrap_or_default()
        .changes
}

/// Puts the next key into the key's place, and the key beside it.
fn take_over(path: &Path, next: &Path) -> Result<(), KeyRingError> {
    let old = beside(path, "old");
    let _ = fs::remove_file(&old);
    fs::hard_link(path, &old).map_err(io_fault(&old))?;
    fs::rename(next, path).map_err(io_fault(path))?;
    sync_folder(path).map_err(io_fault(path))
}

fn io_fault(path: &Path) -> impl Fn(io::Error) -> KeyRingError + use<> {
    let path = path.to_owned();
    move |source| KeyRingError::Io {
        path: path.clone(),
        source,
    }
}

/// Exchanges the whole file at once.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, "new");
    let _ = fs::remove_file(&new);
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn a_changed_key_is_vouched_for_by_all_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let first = KeyRing::open_or_create(&path).unwrap();
        let second = first.rotate(1, DAY).unwrap();
        let third = second.rotate(2, DAY).unwrap();
        let again = KeyRing::open(&path).unwrap();
        assert_eq!(again.address(), third.address());
        let chain = successions(again.changes(), again.address());
        let olds: Vec<_> = chain.iter().map(|step| &step.old).collect();
        assert_eq!(olds, [second.address(), first.address()]);
        assert_eq!(chain[1].old_until_ms(), 1 + 24 * 3600 * 1000);
        let stranger = Identity::generate();
        assert!(successions(again.changes(), stranger.address()).is_empty());
    }

    #[test]
    fn a_change_that_was_interrupted_is_done_or_never_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        let first = KeyRing::open_or_create(&path).unwrap();
        // Killed before anybody could know of it.
        Identity::create_file(&beside(&path, "next")).unwrap();
        assert_eq!(KeyRing::open(&path).unwrap().address(), first.address());
        // Killed after it was written down, before the new key was in its place.
        let second = first.rotate(1, DAY).unwrap();
        fs::rename(&path, beside(&path, "next")).unwrap();
        fs::rename(beside(&path, "old"), &path).unwrap();
        let found = KeyRing::open(&path).unwrap();
        assert_eq!(found.address(), second.address());
        assert_eq!(KeyRing::open(&path).unwrap().address(), second.address());
        assert_eq!(found.last_change().unwrap().old, *first.address());
    }

    #[test]
    fn a_restored_old_key_knows_nothing_of_later_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        let first = KeyRing::open_or_create(&path).unwrap();
        first.rotate(1, DAY).unwrap();
        fs::rename(beside(&path, "old"), &path).unwrap();
        let found = KeyRing::open(&path).unwrap();
        assert_eq!(found.address(), first.address());
        assert!(found.changes().is_empty());
    }

    #[test]
    fn a_change_without_both_signatures_proves_nothing() {
        let (old, new) = (Identity::generate(), Identity::generate());
        let good = vouch(&old, &new, 5, DAY);
        assert_eq!(
            successions(std::slice::from_ref(&good), new.address()).len(),
            1
        );
        let mut forged = good.clone();
        forged.old_signature = Identity::generate().sign(digest(&good)).to_vec().into();
        assert!(successions(&[forged], new.address()).is_empty());
        let mut longer = good;
        longer.overlap_ms += 1;
        assert!(successions(&[longer], new.address()).is_empty());
    }

    proptest! {
        #[test]
        fn garbage_is_no_succession(old: Vec<u8>, new: Vec<u8>, one: Vec<u8>, two: Vec<u8>, time_ms: i64) {
            let change = KeyChange {
                old_key: old.into(), new_key: new.into(), time_ms, overlap_ms: 1,
                old_signature: one.into(), new_signature: two.into(),
            };
            prop_assert!(successions(&[change], Identity::generate().address()).is_empty());
        }
    }
}
