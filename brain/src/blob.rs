//! Files of the chat, stored once under their BLAKE3 hash. The database only maps names to them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::fs;
use tokio::io::AsyncWriteExt;

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// BLAKE3, hex.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

impl StoredBlob {
    /// The 32 bytes of the hash.
    pub fn digest(&self) -> [u8; 32] {
        blake3::Hash::from_hex(&self.hash).map_or([0; 32], Into::into)
    }
}

/// What the parts of transfers that go on after a restart begin with.
const RESUMABLE: &str = "get-";
/// How long such a part is kept when nobody goes on with it.
const RESUMABLE_LIFE: Duration = Duration::from_secs(2 * 86_400);
/// A blob that is younger may be about to be named by the store.
const YOUNG: Duration = Duration::from_secs(3600);

/// The folder of blobs: `<dir>/<first two hex digits>/<hash>`, and `<dir>/part/` for what arrives.
#[derive(Debug, Clone)]
pub struct Blobs {
    dir: PathBuf,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Bytes of all blobs, about.
    used: AtomicU64,
    /// Held while a blob is looked at and removed.
    pinned: Mutex<Pinned>,
}

#[derive(Debug, Default)]
struct Pinned {
    /// Blobs that somebody works with, and how many do.
    counts: HashMap<String, usize>,
    /// The sweeps that go on, each with the blobs that somebody worked with since it began.
    sweeps: HashMap<u64, HashSet<String>>,
    /// The number of the next sweep.
    next_sweep: u64,
}

impl Pinned {
    /// Whether somebody worked with the blob since that sweep began.
    fn is_touched(&self, sweep: u64, hash: &str) -> bool {
        self.sweeps
            .get(&sweep)
            .is_some_and(|touched| touched.contains(hash))
    }
}

/// Keeps a blob from being removed while it lives.
#[derive(Debug)]
pub struct Pin {
    shared: Arc<Shared>,
    hash: String,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pinned = lock(&self.shared.pinned);
        if let Some(count) = pinned.counts.get_mut(&self.hash) {
            *count -= 1;
            if *count == 0 {
                pinned.counts.remove(&self.hash);
            }
        }
    }
}

/// The pins of one event, held until its answer is committed.
#[derive(Debug, Default)]
pub struct Pins(Mutex<Vec<Pin>>);

impl Pins {
    /// Holds one more.
    pub fn add(&self, pin: Pin) {
        lock(&self.0).push(pin);
    }
}

/// Removes blobs. It has to begin before its owner asks what is needed: whatever was pinned at any time
/// since then stays, because whoever pinned it may have named it in the store after it was asked.
#[derive(Debug)]
pub struct Sweep {
    blobs: Blobs,
    number: u64,
}

impl Drop for Sweep {
    fn drop(&mut self) {
        lock(&self.blobs.shared.pinned).sweeps.remove(&self.number);
    }
}

impl Sweep {
    /// Whether somebody works with the blob, or did since this began.
    pub fn is_used(&self, hash: &str) -> bool {
        lock(&self.blobs.shared.pinned).is_touched(self.number, hash)
    }

    /// Removes a blob that nobody works with. False when somebody does; unless `also_young`, also when
    /// it came so lately that the store may be about to name it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, hash: &str, also_young: bool) -> io::Result<bool> {
        let Some(path) = self.blobs.path(hash) else {
            return Ok(false);
        };
        let pinned = lock(&self.blobs.shared.pinned);
        if pinned.is_touched(self.number, hash) {
            return Ok(false);
        }
        let about = match std::fs::metadata(&path) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        if !also_young && !is_older(about.modified()?, YOUNG) {
            return Ok(false);
        }
        std::fs::remove_file(path)?;
        let used = &self.blobs.shared.used;
        used.fetch_sub(about.len().min(self.blobs.used()), Ordering::Relaxed);
        Ok(true)
    }
}

/// A blob as it lies in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobFile {
    /// BLAKE3 hex.
    pub hash: String,
    /// Bytes.
    pub size: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Blobs {
    /// Opens the folder, making it when it is missing and removing what will never become whole.
    ///
    /// # Errors
    /// When the folder cannot be made or cleaned.
    pub async fn open(dir: PathBuf) -> io::Result<Self> {
        let part = dir.join("part");
        fs::create_dir_all(&part).await?;
        let mut entries = fs::read_dir(&part).await?;
        while let Some(entry) = entries.next_entry().await? {
            let modified = entry.metadata().await?.modified()?;
            let is_resumable = entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(RESUMABLE.as_bytes());
            if !is_resumable || is_older(modified, RESUMABLE_LIFE) {
                fs::remove_file(entry.path()).await?;
            }
        }
        let blobs = Self {
            dir,
            shared: Arc::default(),
        };
        let used = blobs.list().await?.iter().map(|blob| blob.size).sum();
        blobs.shared.used.store(used, Ordering::Relaxed);
        Ok(blobs)
    }

    /// Where a blob with this hash lies, or would lie. `None` when the text is no hash.
    pub fn path(&self, hash: &str) -> Option<PathBuf> {
        let is_hash = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then(|| self.dir.join(&hash[..2]).join(hash))
    }

    /// A place for bytes that arrive, on the same file system as the blobs.
    pub fn partial(&self, name: &str) -> PathBuf {
        self.dir.join("part").join(name)
    }

    /// A place for bytes of a transfer that goes on after a restart.
    pub fn resumable(&self, key: &str) -> PathBuf {
        self.partial(&format!("{RESUMABLE}{key}"))
    }

    /// Bytes of all blobs.
    pub fn used(&self) -> u64 {
        self.shared.used.load(Ordering::Relaxed)
    }

    /// Keeps a blob, whether it is there yet or not, while the pin lives.
    pub fn pin(&self, hash: &str) -> Pin {
        let mut pinned = lock(&self.shared.pinned);
        *pinned.counts.entry(hash.to_owned()).or_default() += 1;
        for touched in pinned.sweeps.values_mut() {
            touched.insert(hash.to_owned());
        }
        Pin {
            shared: Arc::clone(&self.shared),
            hash: hash.to_owned(),
        }
    }

    /// Begins to remove blobs.
    pub fn sweep(&self) -> Sweep {
        let mut pinned = lock(&self.shared.pinned);
        let number = pinned.next_sweep;
        pinned.next_sweep += 1;
        let worked_with = pinned.counts.keys().cloned().collect();
        pinned.sweeps.insert(number, worked_with);
        Sweep {
            blobs: self.clone(),
            number,
        }
    }

    /// All blobs, in no order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn list(&self) -> io::Result<Vec<BlobFile>> {
        let dir = self.dir.clone();
        let listing = tokio::task::spawn_blocking(move || {
            let mut blobs = Vec::new();
            for folder in std::fs::read_dir(dir)? {
                let folder = folder?;
                if folder.file_name().len() != 2 {
                    continue;
                }
                for entry in std::fs::read_dir(folder.path())? {
                    let entry = entry?;
                    if let (Ok(hash), Ok(about)) =
                        (entry.file_name().into_string(), entry.metadata())
                    {
                        blobs.push(BlobFile {
                            hash,
                            size: about.len(),
                        });
                    }
                }
            }
            Ok(blobs)
        });
        listing.await.map_err(io::Error::other)?
    }

    /// Begins a blob whose bytes come piece by piece.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub async fn begin(&self) -> io::Result<BlobWriter> {
        let path = self.partial(&uuid::Uuid::now_v7().to_string());
        let file = fs::File::create_new(&path).await?;
        Ok(BlobWriter {
            blobs: self.clone(),
            path,
            file,
            hash: blake3::Hasher::new(),
            size: 0,
        })
    }

    /// Stores bytes that are at hand.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn put(&self, bytes: &[u8]) -> io::Result<StoredBlob> {
        let mut writer = self.begin().await?;
        writer.write(bytes).await?;
        writer.finish().await
    }

    /// Takes over a whole, verified file.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub async fn adopt(&self, file: &Path, hash: &str) -> io::Result<()> {
        let path = self
            .path(hash)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a BLAKE3 hash"))?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).await?;
        }
        let size = fs::metadata(file).await?.len();
        let is_new = !fs::try_exists(&path).await?;
        fs::rename(file, path).await?;
        if is_new {
            self.shared.used.fetch_add(size, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn is_older(time: SystemTime, than: Duration) -> bool {
    time.elapsed().is_ok_and(|age| age > than)
}

/// A blob that is being written. Dropping it before [`BlobWriter::finish`] leaves a partial file that
/// the next start removes.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    path: PathBuf,
    file: fs::File,
    hash: blake3::Hasher,
    size: u64,
}

impl BlobWriter {
    /// Appends bytes.
    ///
    /// # Errors
    /// When they cannot be written (full disk).
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).await
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Gives the blob its name.
    ///
    /// # Errors
    /// When it cannot be flushed or moved.
    pub async fn finish(mut self) -> io::Result<StoredBlob> {
        self.file.flush().await?;
        let hash = self.hash.finalize().to_hex().to_string();
        self.blobs.adopt(&self.path, &hash).await?;
        Ok(StoredBlob {
            hash,
            size: self.size,
        })
    }

    /// Throws the bytes away.
    pub async fn discard(self) {
        let _ = fs::remove_file(&self.path).await;
    }
}

/// The name of a file from outside, made safe to show and to store: the last path part, no control
/// characters, at most 200 bytes, never empty.
pub fn clean_file_name(name: &str) -> String {
    let last = name
        .rsplit(['/', '\\'])
        .find(|part| !part.is_empty())
        .unwrap_or("");
    let mut clean = String::new();
    for c in last
        .chars()
        .filter(|c| !c.is_control() && !is_direction_mark(*c))
    {
        if clean.len() + c.len_utf8() > 200 {
            break;
        }
        clean.push(c);
    }
    let clean = clean.trim().to_owned();
    if clean.is_empty() || clean == "." || clean == ".." {
        "file".to_owned()
    } else {
        clean
    }
}

/// Marks that turn the reading direction and so can hide a file's true ending.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_bytes_are_stored_once() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().join("blobs")).await.unwrap();
        let first = blobs.put(b"hello").await.unwrap();
        let second = blobs.put(b"hello").await.unwrap();
        assert_eq!(first, second);
        assert_eq!(first.hash, blake3::hash(b"hello").to_hex().to_string());
        assert_eq!(
            fs::read(blobs.path(&first.hash).unwrap()).await.unwrap(),
            b"hello"
        );
        assert_eq!(blobs.path("../../etc/passwd"), None);
    }

    #[tokio::test]
    async fn only_blobs_that_nobody_works_with_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().to_owned()).await.unwrap();
        let blob = blobs.put(b"hello").await.unwrap();
        blobs.put(b"hello").await.unwrap();
        assert_eq!(blobs.used(), 5);
        let pin = blobs.pin(&blob.hash);
        assert!(!blobs.sweep().remove(&blob.hash, true).unwrap());
        drop(pin);
        let sweep = blobs.sweep();
        assert!(!sweep.remove(&blob.hash, false).unwrap(), "it is young");
        assert!(sweep.remove(&blob.hash, true).unwrap());
        assert_eq!((blobs.used(), blobs.list().await.unwrap()), (0, vec![]));
    }

    #[tokio::test]
    async fn a_blob_that_was_needed_since_a_sweep_began_outlives_it() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().to_owned()).await.unwrap();
        let [before, during] = [
            blobs.put(b"1").await.unwrap(),
            blobs.put(b"2").await.unwrap(),
        ];
        let pin = blobs.pin(&before.hash);
        let sweep = blobs.sweep();
        drop((pin, blobs.pin(&during.hash)));
        drop(blobs.sweep());
        for blob in [&before, &during] {
            assert!(sweep.is_used(&blob.hash));
            assert!(!sweep.remove(&blob.hash, true).unwrap());
        }
        // Another sweep, which begins when nobody works with them any more, is free to.
        assert!(blobs.sweep().remove(&before.hash, true).unwrap());
    }

    #[tokio::test]
    async fn parts_of_transfers_outlive_a_restart_and_other_parts_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().to_owned()).await.unwrap();
        fs::write(blobs.resumable("1"), "half").await.unwrap();
        fs::write(blobs.partial("1"), "half").await.unwrap();
        let blob = blobs.put(b"whole").await.unwrap();
        let blobs = Blobs::open(dir.path().to_owned()).await.unwrap();
        assert!(blobs.resumable("1").exists() && !blobs.partial("1").exists());
        assert_eq!(blobs.used(), blob.size);
    }

    #[test]
    fn hostile_names_become_plain_names() {
        assert_eq!(clean_file_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_file_name("..\\..\\boot.ini"), "boot.ini");
        assert_eq!(clean_file_name("a\u{202e}txt.exe\n"), "atxt.exe");
        assert_eq!(clean_file_name("/"), "file");
        assert_eq!(clean_file_name(".."), "file");
        assert_eq!(clean_file_name("日志.log"), "日志.log");
        assert!(clean_file_name(&"长".repeat(300)).len() <= 200);
    }
}
