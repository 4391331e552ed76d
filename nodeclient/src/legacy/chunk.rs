//! Files in pieces that fit their messages.

use std::io::{self, Read};

use bytes::Bytes;
use jarvis_proto::legacy::FileData;
use md5::{Digest, Md5};

use super::names::md5_text;

/// Bytes of one piece: what a message may have, less room for all else in it.
pub const PIECE: usize = (4 << 20) - 1024;
/// The most bytes of one message.
pub const MESSAGE: usize = 4 << 20;

/// The pieces of a file, one after the other. The last one carries the MD5 of the whole; an empty file
/// is one empty piece.
pub struct Pieces<R> {
    reader: R,
    name: String,
    total: u64,
    done: u64,
    whole: Md5,
    is_over: bool,
}

impl<R: Read> Pieces<R> {
    /// The pieces of `total` bytes that a reader gives.
    pub fn new(reader: R, name: impl Into<String>, total: u64) -> Self {
        Self {
            reader,
            name: name.into(),
            total,
            done: 0,
            whole: Md5::new(),
            is_over: false,
        }
    }

    fn piece(&mut self) -> io::Result<FileData> {
        let left = self.total - self.done;
        let length = usize::try_from(left.min(PIECE as u64)).expect("at most a piece");
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        self.whole.update(&bytes);
        let start = self.done;
        self.done += length as u64;
        self.is_over = self.done == self.total;
        let file_md5_string = if self.is_over {
            hex::encode(self.whole.clone().finalize())
        } else {
            String::new()
        };
        Ok(FileData {
            md5_string: md5_text(&bytes),
            file: Bytes::from(bytes),
            filename: self.name.clone(),
            start: number(start),
            length: number(length as u64),
            total_length: number(self.total),
            file_md5_string,
            ..FileData::default()
        })
    }
}

impl<R: Read> Iterator for Pieces<R> {
    type Item = io::Result<FileData>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let piece = self.piece();
        self.is_over |= piece.is_err();
        Some(piece)
    }
}

/// One part of a file as an answer to a request for a part: exactly the bytes that there are.
#[must_use]
pub fn part(name: &str, start: u64, bytes: Bytes, total: u64) -> FileData {
    FileData {
        md5_string: md5_text(&bytes),
        filename: name.to_owned(),
        start: number(start),
        length: number(bytes.len() as u64),
        total_length: number(total),
        file: bytes,
        ..FileData::default()
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Why a piece is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PieceError {
    /// It has no MD5.
    #[error("filedata no md5tring")]
    NoMd5,
    /// Its MD5 is another.
    #[error("invalid filedata md5tring")]
    Md5,
    /// It does not follow the one before.
    #[error("invalid seekfile offset")]
    Order,
}

/// What a piece brings: its bytes without the padding that jarviscore adds to parts at a file's end.
///
/// # Errors
/// When its MD5 is missing or does not fit, or it claims more bytes than it has.
pub fn content(piece: &FileData) -> Result<Bytes, PieceError> {
    if piece.md5_string.is_empty() {
        return Err(PieceError::NoMd5);
    }
    if piece.md5_string != md5_text(&piece.file) {
        return Err(PieceError::Md5);
    }
    // A file that was sent in one message says nothing of its length.
    if piece.length == 0 && piece.total_length == 0 {
        return Ok(piece.file.clone());
    }
    match usize::try_from(piece.length) {
        Ok(length) if length <= piece.file.len() => Ok(piece.file.slice(..length)),
        _ => Err(PieceError::Order),
    }
}

/// Puts pieces together that come one after the other.
#[derive(Debug, Default)]
pub struct Assembly {
    done: u64,
    whole: Md5,
}

impl Assembly {
    /// Takes the next piece; its bytes, and whether the file is whole now.
    ///
    /// # Errors
    /// When the piece is damaged or not the next one, or the whole has another MD5 than announced.
    pub fn take(&mut self, piece: &FileData) -> Result<(Bytes, bool), PieceError> {
        let bytes = content(piece)?;
        if u64::try_from(piece.start) != Ok(self.done) {
            return Err(PieceError::Order);
        }
        self.whole.update(&bytes);
        self.done += bytes.len() as u64;
        if piece.file_md5_string.is_empty() {
            return Ok((bytes, false));
        }
        let whole = hex::encode(self.whole.clone().finalize());
        if piece.file_md5_string == whole {
            Ok((bytes, true))
        } else {
            Err(PieceError::Md5)
        }
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.done
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn pieces(size: usize) -> Vec<FileData> {
        let bytes = vec![7; size];
        Pieces::new(bytes.as_slice(), "f", size as u64)
            .collect::<io::Result<_>>()
            .unwrap()
    }

    #[test]
    fn what_is_cut_is_put_together_again() {
        for size in [0, 1, PIECE, PIECE + 1, 2 * PIECE] {
            let mut assembly = Assembly::default();
            let pieces = pieces(size);
            for (at, piece) in pieces.iter().enumerate() {
                let (_, is_whole) = assembly.take(piece).unwrap();
                assert_eq!(is_whole, at + 1 == pieces.len());
            }
            assert_eq!(assembly.bytes(), size as u64);
        }
    }

    #[test]
    fn pieces_out_of_order_and_damaged_ones_are_refused() {
        let pieces = pieces(PIECE + 5);
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(&pieces[1]), Err(PieceError::Order));
        assembly.take(&pieces[0]).unwrap();
        assert_eq!(assembly.take(&pieces[0]), Err(PieceError::Order));
        let mut damaged = pieces[1].clone();
        damaged.file = Bytes::from_static(b"other");
        assert_eq!(assembly.take(&damaged), Err(PieceError::Md5));
        let mut other = pieces[1].clone();
        other.file_md5_string = md5_text(b"");
        assert_eq!(assembly.take(&other), Err(PieceError::Md5));
    }

    #[test]
    fn the_padding_of_a_part_is_cut_off() {
        let mut padded = part("f", 10, Bytes::from_static(b"abc"), 13);
        padded.file = Bytes::from_static(b"abc\0\0\0\0");
        padded.md5_string = md5_text(&padded.file);
        assert_eq!(content(&padded).unwrap(), "abc");
        padded.length = 8;
        assert_eq!(content(&padded), Err(PieceError::Order));
        padded.length = -1;
        assert_eq!(content(&padded), Err(PieceError::Order));
        assert_eq!(content(&FileData::default()), Err(PieceError::NoMd5));
    }

    #[test]
    fn a_reader_that_ends_too_early_ends_the_pieces_with_an_error() {
        let mut pieces = Pieces::new(&b"abc"[..], "f", 5);
        assert!(pieces.next().unwrap().is_err());
        assert!(pieces.next().is_none());
    }
}
