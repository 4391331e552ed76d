//! How records stand in the journal file: length, checksum, bytes.

use std::io::{self, Read, Write};

/// Longest record; a longer length is damage.
pub(crate) const MOST_BYTES: u32 = 64 << 20;
/// Length and checksum, 4 bytes each, little endian.
const HEAD_BYTES: usize = 8;

/// What stands at one place of a journal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A whole record.
    Record(Vec<u8>),
    /// The file ends here, between two records.
    End,
    /// Half a record, or bytes that are not what was written.
    Damaged,
}

/// Bytes that a record of `length` bytes takes in the file.
pub(crate) fn framed_bytes(length: usize) -> u64 {
    (HEAD_BYTES + length) as u64
}

/// Writes one record with a single call, so that a crash cuts at most this one.
///
/// # Errors
///
/// When the record is longer than [`MOST_BYTES`], or what `to` says.
pub(crate) fn write(to: &mut impl Write, record: &[u8]) -> io::Result<()> {
    let length = u32::try_from(record.len())
        .ok()
        .filter(|length| *length <= MOST_BYTES);
    let length = length.ok_or(io::ErrorKind::InvalidInput)?.to_le_bytes();
    let mut framed = Vec::with_capacity(HEAD_BYTES + record.len());
    framed.extend_from_slice(&length);
    framed.extend_from_slice(&checksum(length, record).to_le_bytes());
    framed.extend_from_slice(record);
    to.write_all(&framed)
}

/// Reads what stands next.
///
/// # Errors
///
/// Only what `from` says; damage is a [`Frame`].
pub(crate) fn read(from: &mut impl Read) -> io::Result<Frame> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    from.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let (Some(length), Some(sum)) = (head.first_chunk::<4>(), head.last_chunk::<4>()) else {
        return Ok(if head.is_empty() {
            Frame::End
        } else {
            Frame::Damaged
        });
    };
    if head.len() < HEAD_BYTES || u32::from_le_bytes(*length) > MOST_BYTES {
        return Ok(Frame::Damaged);
    }
    let mut record = Vec::new();
    from.take(u64::from(u32::from_le_bytes(*length)))
        .read_to_end(&mut record)?;
    let is_whole = record.len() == u32::from_le_bytes(*length) as usize;
    if is_whole && checksum(*length, &record) == u32::from_le_bytes(*sum) {
        Ok(Frame::Record(record))
    } else {
        Ok(Frame::Damaged)
    }
}

/// Covers the length, too: a run of zero bytes, as a crashed file system leaves them, is no record.
fn checksum(length: [u8; 4], record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&length);
    sum.update(record);
    sum.finalize()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_are_damage_and_no_record() {
        assert_eq!(read(&mut &[0; 64][..]).unwrap(), Frame::Damaged);
    }

    proptest! {
        #[test]
        fn records_come_back(records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 0..10)) {
            let mut file = Vec::new();
            for record in &records {
                write(&mut file, record).unwrap();
            }
            let mut rest = &file[..];
            for record in records {
                prop_assert_eq!(read(&mut rest).unwrap(), Frame::Record(record));
            }
            prop_assert_eq!(read(&mut rest).unwrap(), Frame::End);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&mut &bytes[..]);
        }
    }
}
