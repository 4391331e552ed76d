//! Keys as jarviscore writes them: plain base58 as it stores them, WIF, and its error texts.

use secp256k1::{PublicKey, SecretKey};
use zeroize::Zeroizing;

use crate::identity::Identity;

/// Version byte of a secret key in WIF.
const WIF_VERSION: u8 = 0x80;
/// Version and checksum around a payload.
const CHECKED: usize = 5;

/// A text or bytes that are no key; the words are jarviscore's own, which it also puts on the wire.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A secret key has 32 bytes.
    #[error("Invalid private key bytes length {0}, expected 32")]
    SecretLength(usize),
    /// 32 bytes that are zero or beyond the curve's order.
    #[error("Invalid private key")]
    SecretRange,
    /// A public key has 33 bytes.
    #[error("Invalid public key bytes length {0}, expected at least 33")]
    PublicShort(usize),
    /// Only compressed keys are keys.
    #[error("Invalid public key prefix byte 0x{0:02x}, expected 0x02, 0x03")]
    PublicPrefix(u8),
    /// A public key has 33 bytes.
    #[error("Invalid public key bytes length {0}, expected 33")]
    PublicLong(usize),
    /// No point of the curve.
    #[error("Invalid compressed public key bytes, decompression error: invalid square root")]
    NotOnCurve,
    /// Not base58.
    #[error("Invalid base-58 character encountered: '{character}', index {index}")]
    Base58 {
        /// What stands there.
        character: char,
        /// Where, in characters.
        index: usize,
    },
    /// Too short for a checksum.
    #[error("Invalid base-58 check string: missing checksum")]
    NoChecksum,
    /// The checksum does not fit.
    #[error("Invalid base-58 check string: invalid checksum")]
    Checksum,
    /// WIF begins with another byte.
    #[error("Invalid WIF version 0x{0:02x}, expected 0x80")]
    WifVersion(u8),
    /// WIF of a compressed key has 33 bytes.
    #[error("Invalid private key, len fail")]
    WifLength,
    /// WIF of a compressed key ends in 1.
    #[error("Invalid private key, unknown suffix byte 0x{0:02x}")]
    WifSuffix(u8),
}

/// Plain base58: no version, no checksum, and leading zero bytes are lost.
#[must_use]
pub fn base58(bytes: &[u8]) -> String {
    let first = bytes.iter().position(|byte| *byte != 0);
    bs58::encode(&bytes[first.unwrap_or(bytes.len())..]).into_string()
}

/// Reads plain base58; leading `1`s give no zero bytes.
///
/// # Errors
/// When a character is none of base58's.
pub fn from_base58(text: &str) -> Result<Vec<u8>, KeyError> {
    const ALPHABET: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let odd = text
        .chars()
        .enumerate()
        .find(|(_, character)| !ALPHABET.contains(*character));
    if let Some((index, character)) = odd {
        return Err(KeyError::Base58 { character, index });
    }
    let bytes = bs58::decode(text.trim_start_matches('1'))
        .into_vec()
        .expect("all its characters are base58's");
    Ok(bytes)
}

/// Base58 with version and checksum.
#[must_use]
pub fn base58_check(version: u8, bytes: &[u8]) -> String {
    bs58::encode(bytes)
        .with_check_version(version)
        .into_string()
}

/// Reads base58 with version and checksum.
///
/// # Errors
/// When a character is none of base58's, or the checksum is missing or wrong.
pub fn from_base58_check(text: &str) -> Result<(u8, Vec<u8>), KeyError> {
    from_base58(text)?;
    let whole = bs58::decode(text)
        .into_vec()
        .map_err(|_| KeyError::Checksum)?;
    if whole.len() < CHECKED {
        return Err(KeyError::NoChecksum);
    }
    let checked = bs58::decode(text)
        .with_check(None)
        .into_vec()
        .map_err(|_| KeyError::Checksum)?;
    Ok((checked[0], checked[1..].to_vec()))
}

/// The identity of 32 secret bytes.
///
/// # Errors
/// When there are not 32, or they are no key.
pub fn from_secret(bytes: &[u8]) -> Result<Identity, KeyError> {
    let bytes: &[u8; 32] = bytes
        .try_into()
        .map_err(|_| KeyError::SecretLength(bytes.len()))?;
    let bytes = Zeroizing::new(*bytes);
    SecretKey::from_secret_bytes(*bytes)
        .map(Identity::new)
        .map_err(|_| KeyError::SecretRange)
}

/// The identity of a secret key in the form in which jarviscore stores it. Zero bytes that its encoder
/// dropped at the beginning are put back; jarviscore itself loses such an identity.
///
/// # Errors
/// When it is no base58, or no key.
pub fn from_stored(text: &str) -> Result<Identity, KeyError> {
    let bytes = Zeroizing::new(from_base58(text)?);
    let mut padded = Zeroizing::new([0; 32]);
    let Some(start) = padded.len().checked_sub(bytes.len()) else {
        return Err(KeyError::SecretLength(bytes.len()));
    };
    padded[start..].copy_from_slice(&bytes);
    from_secret(padded.as_ref())
}

/// The identity of a WIF text of a compressed key.
///
/// # Errors
/// When it is no WIF, or that of an uncompressed key.
pub fn from_wif(text: &str) -> Result<Identity, KeyError> {
    let (version, payload) = from_base58_check(text)?;
    let payload = Zeroizing::new(payload);
    if version != WIF_VERSION {
        return Err(KeyError::WifVersion(version));
    }
    let Some((suffix, secret)) = payload.split_last().filter(|_| payload.len() == 33) else {
        return Err(KeyError::WifLength);
    };
    if *suffix != 1 {
        return Err(KeyError::WifSuffix(*suffix));
    }
    from_secret(secret)
}

/// Reads a public key.
///
/// # Errors
/// When it is not a compressed point of the curve.
pub fn public_key(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let Some(first) = bytes.first().filter(|_| bytes.len() >= 33) else {
        return Err(KeyError::PublicShort(bytes.len()));
    };
    if !matches!(first, 2 | 3) {
        return Err(KeyError::PublicPrefix(*first));
    }
    if bytes.len() != 33 {
        return Err(KeyError::PublicLong(bytes.len()));
    }
    PublicKey::from_slice(bytes).map_err(|_| KeyError::NotOnCurve)
}
