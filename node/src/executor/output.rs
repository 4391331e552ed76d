//! One output stream of a job: counted, its end kept in memory, the whole kept in a file up to a limit.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use super::tail::Tail;

/// Bytes of each stream's end that travel with the ending of a job.
pub(crate) const TAIL_BYTES: usize = 16 * 1024;
/// Up to here a stream is written to its file directly; a longer one may meet a slow disk and is
/// written on a blocking thread.
const WRITTEN_DIRECTLY: u64 = 256 * 1024;

/// One stream and its file.
///
/// A short stream lives in its [`Tail`] alone, and reaches a file only when it outgrows that or when
/// [`StreamLog::store`] is called: the many jobs of a few lines never touch the disk for it.
#[derive(Debug)]
pub(crate) struct StreamLog {
    path: PathBuf,
    limit: u64,
    file: Option<File>,
    /// Bytes that are in the file.
    stored: u64,
    bytes: u64,
    newlines: u64,
    ends_in_line: bool,
    tail: Tail,
    trouble: Option<String>,
}

impl StreamLog {
    /// A stream to be kept in `path`, at most `limit` bytes of it.
    pub(crate) fn new(path: PathBuf, limit: u64) -> Self {
        Self {
            path,
            limit,
            file: None,
            stored: 0,
            bytes: 0,
            newlines: 0,
            ends_in_line: true,
            tail: Tail::new(TAIL_BYTES),
            trouble: None,
        }
    }

    /// Bytes that came.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Lines that came, an unfinished last one included.
    pub(crate) fn lines(&self) -> u64 {
        self.newlines + u64::from(!self.ends_in_line)
    }

    /// The end of the stream.
    pub(crate) fn tail(&self) -> Vec<u8> {
        self.tail.to_vec()
    }

    /// Whether the file lacks bytes because of the limit.
    pub(crate) fn is_truncated(&self) -> bool {
        self.bytes > self.limit
    }

    /// Why the file is not complete, if it could not be written. The job goes on without it.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Takes the next bytes of the stream.
    pub(crate) async fn push(&mut self, chunk: &[u8]) {
        let Some(last) = chunk.last() else { return };
        let before = self.bytes;
        self.bytes += chunk.len() as u64;
        self.newlines += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.ends_in_line = *last == b'\n';
        if self.bytes > TAIL_BYTES as u64 && self.file.is_none() {
            // What came so far is still in the tail as a whole.
            self.store();
        }
        self.tail.push(chunk);
        if self.file.is_some() && self.stored == before.min(self.limit) {
            let room = usize::try_from(self.limit - self.stored).unwrap_or(usize::MAX);
            self.write(&chunk[..chunk.len().min(room)]).await;
        }
    }

    /// Makes the file and writes to it what has come, unless that has been done.
    pub(crate) fn store(&mut self) {
        if self.file.is_some() || self.trouble.is_some() {
            return;
        }
        let kept = self.tail.to_vec();
        if kept.is_empty() && self.bytes == 0 {
            return;
        }
        let kept = &kept[..kept
            .len()
            .min(usize::try_from(self.limit).unwrap_or(usize::MAX))];
        match create(&self.path).and_then(|mut file| file.write_all(kept).map(|()| file)) {
            Ok(file) => {
                self.file = Some(file);
                self.stored = kept.len() as u64;
            }
            Err(error) => self.give_up(&error),
        }
    }

    /// Ends the file: where the middle was left out, says so and appends the end of the stream.
    pub(crate) fn finish(&mut self) {
        let Some(mut file) = self.file.take() else {
            return;
        };
        if !self.is_truncated() || self.trouble.is_some() {
            return;
        }
        let tail = self.tail.to_vec();
        let left = usize::try_from(self.bytes - self.limit).unwrap_or(usize::MAX);
        let tail = &tail[tail.len() - tail.len().min(left)..];
        let gap = left - tail.len();
        let written =
            write!(file, "\n[… {gap} bytes left out …]\n").and_then(|()| file.write_all(tail));
        if let Err(error) = written {
            self.give_up(&error);
        }
    }

    async fn write(&mut self, chunk: &[u8]) {
        let Some(mut file) = self.file.take() else {
            return;
        };
        if chunk.is_empty() {
            self.file = Some(file);
            return;
        }
        let length = chunk.len() as u64;
        let written = if self.stored < WRITTEN_DIRECTLY {
            file.write_all(chunk).map(|()| file)
        } else {
            let chunk = chunk.to_vec();
            tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file))
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error)))
        };
        match written {
            Ok(file) => {
                self.stored += length;
                self.file = Some(file);
            }
            Err(error) => self.give_up(&error),
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        self.trouble = Some(format!("{} is not complete: {error}", self.path.display()));
        self.file = None;
    }
}

fn create(path: &PathBuf) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_short_stream_needs_no_file_until_it_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job/stdout");
        let mut log = StreamLog::new(path.clone(), 1000);
        log.push(b"one\ntwo").await;
        assert!(!path.exists());
        assert_eq!((log.bytes(), log.lines()), (7, 2));
        log.store();
        log.push(b"!\n").await;
        log.finish();
        assert_eq!(fs::read(path).unwrap(), b"one\ntwo!\n");
        assert_eq!(log.lines(), 2);
    }

    #[tokio::test]
    async fn a_long_stream_keeps_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stdout");
        let mut log = StreamLog::new(path.clone(), u64::MAX);
        let all: Vec<u8> = (0..600_000u32).map(|n| (n % 251) as u8).collect();
        for chunk in all.chunks(9_999) {
            log.push(chunk).await;
        }
        log.finish();
        assert_eq!(fs::read(path).unwrap(), all);
        assert_eq!(log.tail(), &all[all.len() - TAIL_BYTES..]);
    }

    #[tokio::test]
    async fn beyond_the_limit_head_and_end_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stdout");
        let mut log = StreamLog::new(path.clone(), 20_000);
        log.push(&[b'a'; 15_000]).await;
        log.push(&[b'z'; 15_000]).await;
        log.push(&[b'c'; 15_000]).await;
        log.finish();
        let stored = fs::read(path).unwrap();
        assert!(log.is_truncated());
        assert_eq!(log.bytes(), 45_000);
        assert_eq!(
            stored.iter().filter(|byte| **byte == b'z').count(),
            5_000 + TAIL_BYTES - 15_000
        );
        assert!(stored.ends_with(b"ccc"));
        assert!(String::from_utf8_lossy(&stored).contains("8616 bytes left out"));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_noted_and_counting_goes_on() {
        let mut log = StreamLog::new(PathBuf::from("/dev/full/stdout"), 1_000_000);
        log.push(&[b'x'; 20_000]).await;
        log.push(&[b'x'; 20_000]).await;
        log.finish();
        assert_eq!(log.bytes(), 40_000);
        assert!(log.trouble().unwrap().contains("/dev/full/stdout"));
    }
}
