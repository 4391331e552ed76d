//! Files as streams of chunks: one head, any number of data, one end with size and BLAKE3.
//!
//! Reading, hashing and writing run in blocking threads that are four chunks ahead at most, so that a
//! file of any size takes the same small memory. A stream without its end was cut.

mod buffer;
mod receive;
mod send;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use receive::{ReceiveError, ReceiveOptions, Received, ResumePoint, receive_file};
pub use send::{FileStream, SendFileError, SendOptions, SendOutcome, Sent, send_file, send_reader};

/// Bytes in a data chunk.
const CHUNK: usize = 256 << 10;
/// Chunks that may wait between a thread and the line.
const AHEAD: usize = 4;

/// How far a transfer is: bytes from the start of the file, a resumed part included.
///
/// Clones show the same transfer.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Shown>);

#[derive(Debug, Default)]
struct Shown {
    bytes: AtomicU64,
    announced: Mutex<Option<ResumePoint>>,
}

impl Meter {
    /// Bytes done.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// What a sender said of the file that it began to send last: its size, its age, and the offset at
    /// which it began. `None` before that, and where the size is not known beforehand.
    #[must_use]
    pub fn announced(&self) -> Option<ResumePoint> {
        *self.announcement()
    }

    fn set(&self, bytes: u64) {
        self.0.bytes.store(bytes, Ordering::Relaxed);
    }

    fn announce(&self, file: Option<ResumePoint>) {
        *self.announcement() = file;
    }

    fn announcement(&self) -> std::sync::MutexGuard<'_, Option<ResumePoint>> {
        // Each change is one step.
        self.0
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
