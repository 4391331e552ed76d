//! The first or last lines of a file, without reading more of it than needed.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use bytes::Bytes;

const BLOCK: usize = 64 * 1024;

/// Something that can be read at any place.
pub(super) trait ReadAt {
    /// Fills `block` with what stands at `offset`.
    fn read_all_at(&self, block: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn read_all_at(&self, block: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(block, offset)
    }
}

impl ReadAt for Bytes {
    fn read_all_at(&self, block: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = self
            .get(start..start.saturating_add(block.len()))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        block.copy_from_slice(there);
        Ok(())
    }
}

/// Where the last `lines` lines of the first `size` bytes begin. A line break at the very end ends the
/// last line and begins no new one.
///
/// # Errors
///
/// When the file cannot be read, or has become shorter than `size`.
pub(super) fn tail_offset(file: &impl ReadAt, size: u64, lines: u64) -> io::Result<u64> {
    let mut block = vec![0; BLOCK];
    let mut end = size;
    let mut left = lines;
    while end > 0 {
        let start = end.saturating_sub(BLOCK as u64);
        let length = usize::try_from(end - start).expect("at most a block");
        let block = &mut block[..length];
        file.read_all_at(block, start)?;
        for (index, _) in block
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'\n')
        {
            let after = start + index as u64 + 1;
            if after == size {
                continue;
            }
            if left <= 1 {
                return Ok(after);
            }
            left -= 1;
        }
        end = start;
    }
    Ok(0)
}

/// Reads up to and including the `lines`th line break.
pub(super) struct Head<R> {
    reader: R,
    lines: u64,
}

impl<R> Head<R> {
    /// The first `lines` lines of what `reader` gives.
    pub(super) fn new(reader: R, lines: u64) -> Self {
        Self { reader, lines }
    }
}

impl<R: Read> Read for Head<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.lines == 0 {
            return Ok(0);
        }
        let length = self.reader.read(buffer)?;
        for (index, _) in buffer[..length]
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
        {
            self.lines -= 1;
            if self.lines == 0 {
                return Ok(index + 1);
            }
        }
        Ok(length)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    proptest! {
        #[test]
        fn tail_and_head_are_lines_of_the_file(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'x')], 0..60), lines in 1u64..8, repeat in prop_oneof![Just(1usize), Just(3000)]) {
            let text = text.repeat(repeat);
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&text).unwrap();
            let offset = usize::try_from(tail_offset(&file, text.len() as u64, lines).unwrap()).unwrap();
            prop_assert_eq!(tail_offset(&Bytes::from(text.clone()), text.len() as u64, lines).unwrap(), offset as u64);
            let split: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
            let count = usize::try_from(lines).unwrap();
            let expected = split[split.len().saturating_sub(count)..].concat();
            prop_assert_eq!(&text[offset..], &expected[..]);

            let mut head = Vec::new();
            Head::new(&text[..], lines).read_to_end(&mut head).unwrap();
            prop_assert_eq!(head, split[..count.min(split.len())].concat());
        }
    }
}
