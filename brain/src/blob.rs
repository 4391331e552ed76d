//! Files of the chat, stored once under their BLAKE3 hash. The database only maps names to them.

use std::io;
use std::path::{Path, PathBuf};

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

/// The folder of blobs: `<dir>/<first two hex digits>/<hash>`, and `<dir>/part/` for what arrives.
#[derive(Debug, Clone)]
pub struct Blobs {
    dir: PathBuf,
}

impl Blobs {
    /// Opens the folder, making it when it is missing and removing what never became whole.
    ///
    /// # Errors
    /// When the folder cannot be made or cleaned.
    pub async fn open(dir: PathBuf) -> io::Result<Self> {
        let part = dir.join("part");
        match fs::remove_dir_all(&part).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(&part).await?;
        Ok(Self { dir })
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
        fs::rename(file, path).await
    }
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
