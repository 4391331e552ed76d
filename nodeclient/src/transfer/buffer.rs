//! Read buffers that come back when the chunk made of them has been sent.

use std::sync::mpsc::{Receiver, Sender, channel};

use bytes::Bytes;

use super::CHUNK;

/// Buffers of one transfer. There are never more than chunks are under way.
pub(super) struct Buffers {
    back: Sender<Vec<u8>>,
    free: Receiver<Vec<u8>>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        let (back, free) = channel();
        Self { back, free }
    }

    /// A buffer of [`CHUNK`] bytes with any content.
    pub(super) fn take(&self) -> Vec<u8> {
        self.free.try_recv().unwrap_or_else(|_| vec![0; CHUNK])
    }

    /// The first `length` bytes of a buffer as a chunk; the buffer returns when the chunk is dropped.
    pub(super) fn chunk(&self, buffer: Vec<u8>, length: usize) -> Bytes {
        Bytes::from_owner(Lent {
            buffer,
            back: self.back.clone(),
        })
        .slice(..length)
    }
}

/// A buffer on its way.
struct Lent {
    buffer: Vec<u8>,
    back: Sender<Vec<u8>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Fails when the transfer is over: then the buffer goes too.
        let _ = self.back.send(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_after_its_chunk_is_gone() {
        let buffers = Buffers::new();
        let mut first = buffers.take();
        first[0] = 7;
        let chunk = buffers.chunk(first, 10);
        assert_eq!(chunk.len(), 10);
        assert_eq!(buffers.take()[0], 0, "the first one is still lent");
        drop(chunk);
        assert_eq!(buffers.take()[0], 7);
    }
}
