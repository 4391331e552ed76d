//! How much of an archive is read, and where it is enough.

use std::cell::Cell;
use std::io::{self, Read, Seek};

use super::Limits;

/// Whether it begins as gzip does.
pub(super) fn told_apart<R: Read + Seek>(
    mut reader: Counted<'_, R>,
) -> io::Result<(Counted<'_, R>, bool)> {
    let mut magic = [0; 2];
    let is_gzip = match reader.reader.read_exact(&mut magic) {
        Ok(()) => magic == [0x1f, 0x8b],
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
        Err(error) => return Err(error),
    };
    reader.reader.rewind()?;
    Ok((reader, is_gzip))
}

/// Counts what was read.
pub(super) struct Counted<'a, R> {
    pub(super) reader: R,
    pub(super) read: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.read.set(self.read.get() + length as u64);
        Ok(length)
    }
}

/// Ends where an archive grows beyond all measure.
pub(super) struct Bounded<'a, R> {
    pub(super) reader: R,
    /// Bytes of the archive that were read so far.
    pub(super) packed: &'a Cell<u64>,
    pub(super) grown: u64,
    pub(super) limits: &'a Limits,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.grown += length as u64;
        let limits = self.limits;
        if self.grown > limits.bytes {
            let detail = format!("it grows to more than {} bytes", limits.bytes);
            return Err(io::Error::other(detail));
        }
        let most = self.packed.get().saturating_mul(limits.ratio);
        if self.grown > limits.ratio_from && self.grown > most {
            let detail = format!("it grows to more than {} times its size", limits.ratio);
            return Err(io::Error::other(detail));
        }
        Ok(length)
    }
}
