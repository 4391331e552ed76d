//! Files as streams of chunks: one head, any number of data, one end with size and BLAKE3.
//!
//! Reading, hashing and writing run in blocking threads that are four chunks ahead at most, so that a
//! file of any size takes the same small memory. A stream without its end was cut.

mod buffer;
mod receive;
mod send;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Bytes done.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }
}
