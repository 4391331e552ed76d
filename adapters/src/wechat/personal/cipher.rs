//! How files are encrypted: AES-128-ECB with PKCS#7 padding, piece by piece.

use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt as _, BlockEncrypt as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Bytes of a key, and of a block.
pub(super) const KEY: usize = 16;
const BLOCK: usize = 16;

/// The key of one file.
pub(super) type Key = [u8; KEY];

/// A key as messages hold it: 16 bytes or 32 hex digits, either of them in base64 or as it is.
pub(super) fn read_key(text: &str) -> Option<Key> {
    let plain = |bytes: &[u8]| match bytes.len() {
        KEY => bytes.try_into().ok(),
        32 => hex::decode(bytes).ok()?.try_into().ok(),
        _ => None,
    };
    // 32 hex digits are base64 too, of something else.
    if text.len() == 2 * KEY && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return plain(text.as_bytes());
    }
    plain(&STANDARD.decode(text).ok()?)
}

/// A key as it goes out: its hex digits, in base64.
pub(super) fn written_key(key: &Key) -> String {
    STANDARD.encode(hex::encode(key))
}

/// The length of a file when it is encrypted.
pub(super) fn sealed_size(size: u64) -> u64 {
    (size / BLOCK as u64 + 1) * BLOCK as u64
}

/// Encrypts a file piece by piece.
pub(super) struct Sealer {
    cipher: Aes128,
    rest: Vec<u8>,
}

impl Sealer {
    pub(super) fn new(key: &Key) -> Self {
        Self {
            cipher: Aes128::new(GenericArray::from_slice(key)),
            rest: Vec::new(),
        }
    }

    /// The blocks that are full with this piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Bytes {
        self.rest.extend_from_slice(piece);
        let whole = self.rest.len() / BLOCK * BLOCK;
        let mut blocks: Vec<u8> = self.rest.drain(..whole).collect();
        for block in blocks.chunks_exact_mut(BLOCK) {
            self.cipher
                .encrypt_block(GenericArray::from_mut_slice(block));
        }
        blocks.into()
    }

    /// The last block.
    pub(super) fn finish(mut self) -> Bytes {
        let padding = BLOCK - self.rest.len();
        let filled = self.rest.len() + padding;
        self.rest
            .resize(filled, u8::try_from(padding).unwrap_or_default());
        self.cipher
            .encrypt_block(GenericArray::from_mut_slice(&mut self.rest));
        self.rest.into()
    }
}

/// Decrypts a file piece by piece.
pub(super) struct Opener {
    cipher: Aes128,
    /// At least the last block is kept, for its padding.
    rest: Vec<u8>,
}

impl Opener {
    pub(super) fn new(key: &Key) -> Self {
        Self {
            cipher: Aes128::new(GenericArray::from_slice(key)),
            rest: Vec::new(),
        }
    }

    /// What is certain to be no padding.
    pub(super) fn push(&mut self, piece: &[u8]) -> Bytes {
        self.rest.extend_from_slice(piece);
        let whole = self.rest.len().saturating_sub(1) / BLOCK * BLOCK;
        let mut blocks: Vec<u8> = self.rest.drain(..whole).collect();
        self.decrypt(&mut blocks);
        blocks.into()
    }

    /// The end without its padding; `None` when key and file do not belong together.
    pub(super) fn finish(mut self) -> Option<Bytes> {
        if self.rest.len() != BLOCK {
            return None;
        }
        let mut last = std::mem::take(&mut self.rest);
        self.decrypt(&mut last);
        let padding = usize::from(*last.last()?);
        let text = BLOCK.checked_sub(padding).filter(|text| *text < BLOCK)?;
        let is_padded = last[text..]
            .iter()
            .all(|byte| usize::from(*byte) == padding);
        last.truncate(text);
        is_padded.then(|| last.into())
    }

    fn decrypt(&self, blocks: &mut [u8]) {
        for block in blocks.chunks_exact_mut(BLOCK) {
            self.cipher
                .decrypt_block(GenericArray::from_mut_slice(block));
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use aes::cipher::block_padding::Pkcs7;
    use aes::cipher::{BlockDecryptMut as _, KeyInit as _};
    use proptest::prelude::*;

    use super::*;

    const A: Key = [7; KEY];

    fn sealed(text: &[u8], piece: usize) -> Vec<u8> {
        let mut sealer = Sealer::new(&A);
        let mut out = Vec::new();
        for piece in text.chunks(piece) {
            out.extend_from_slice(&sealer.push(piece));
        }
        out.extend_from_slice(&sealer.finish());
        out
    }

    fn opened(sealed: &[u8], piece: usize, key: &Key) -> Option<Vec<u8>> {
        let mut opener = Opener::new(key);
        let mut out = Vec::new();
        for piece in sealed.chunks(piece) {
            out.extend_from_slice(&opener.push(piece));
        }
        out.extend_from_slice(&opener.finish()?);
        Some(out)
    }

    proptest! {
        #[test]
        fn a_file_comes_back_whatever_its_pieces_are(
            text in prop::collection::vec(any::<u8>(), 0..200), one in 1_usize..70, two in 1_usize..70,
        ) {
            let sealed = sealed(&text, one);
            prop_assert_eq!(sealed.len() as u64, sealed_size(text.len() as u64));
            prop_assert_eq!(opened(&sealed, two, &A), Some(text.clone()));
            // The same as somebody else's implementation.
            let theirs = ecb::Decryptor::<Aes128>::new(&A.into())
                .decrypt_padded_vec_mut::<Pkcs7>(&sealed)
                .unwrap();
            prop_assert_eq!(theirs, text);
        }
    }

    #[test]
    fn another_key_or_a_cut_file_is_noticed() {
        let whole = sealed(b"some text that is a little longer", 8);
        assert_eq!(opened(&whole, 8, &[8; KEY]), None);
        assert_eq!(opened(&whole[..whole.len() - 1], 8, &A), None);
        assert_eq!(opened(&[], 8, &A), None);
    }

    #[test]
    fn a_key_is_read_in_every_form() {
        let digits = hex::encode(A);
        for form in [digits.clone(), STANDARD.encode(A), STANDARD.encode(&digits)] {
            assert_eq!(read_key(&form), Some(A), "{form}");
        }
        assert_eq!(read_key(&written_key(&A)), Some(A));
        for form in ["", "x", "!!!!", &STANDARD.encode([1; 15])] {
            assert_eq!(read_key(form), None, "{form}");
        }
    }
}
