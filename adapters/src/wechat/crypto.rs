//! How WeCom and Official Accounts sign and encrypt what they post to us, and WeCom its files.
//!
//! `msg_signature` is the SHA-1 of token, timestamp, nonce and ciphertext, sorted by bytes and joined.
//! The ciphertext is AES-256-CBC with the first half of the key as its start, over
//! `16 random bytes | length, u32 big-endian | message | receiver`, padded to 32 bytes.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes to which a plaintext is padded; twice a block of AES.
const PADDING: usize = 32;
/// Random bytes in front of a message.
const SALT: usize = 16;

/// The last character of an `EncodingAESKey` may carry bits that mean nothing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why something that claims to come from the platform is not believed. Says nothing of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// The signature is not the one that our token makes.
    #[error("its signature is wrong: compare the token with the platform's page")]
    Signature,
    /// It is not base64, or its length is not one that encryption gives.
    #[error("it is cut or not base64")]
    Form,
    /// The padding is not right after decryption.
    #[error("it cannot be decrypted: compare the EncodingAESKey with the platform's page")]
    Padding,
    /// It was meant for somebody else.
    #[error("it is meant for another receiver")]
    Receiver,
}

/// A key of the platform's console that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an EncodingAESKey has 43 letters and digits")]
pub(super) struct NoKey;

/// What protects the callbacks of one app.
pub(super) struct Envelope {
    token: SecretString,
    key: Zeroizing<[u8; KEY]>,
    /// Corporation id, app id, or nothing for a robot.
    receiver: String,
}

/// A message as it is sent in the open.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    /// Base64.
    pub(super) encrypt: String,
    /// `msg_signature`, hex.
    pub(super) signature: String,
}

impl Envelope {
    /// `encoding_aes_key` as the platform's console shows it; `receiver` is compared with each message.
    pub(super) fn new(
        token: SecretString,
        encoding_aes_key: &SecretString,
        receiver: &str,
    ) -> Result<Self, NoKey> {
        let decoded = LENIENT
            .decode(encoding_aes_key.expose_secret())
            .map(Zeroizing::new)
            .map_err(|_| NoKey)?;
        Ok(Self {
            token,
            key: Zeroizing::new(decoded.as_slice().try_into().map_err(|_| NoKey)?),
            receiver: receiver.to_owned(),
        })
    }

    /// Checks and decrypts what was posted to us, `encrypted` as it stands in the body or in `echostr`.
    pub(super) fn open(
        &self,
        signature: &str,
        timestamp: &str,
        nonce: &str,
        encrypted: &str,
    ) -> Result<Vec<u8>, Refused> {
        let parts = [self.token.expose_secret(), timestamp, nonce, encrypted];
        if !is_signed(&parts, signature) {
            return Err(Refused::Signature);
        }
        let bytes = STANDARD.decode(encrypted).map_err(|_| Refused::Form)?;
        let plain = decrypt(&self.key, bytes)?;
        let (length, rest) = plain
            .get(SALT..)
            .and_then(|rest| rest.split_first_chunk::<4>())
            .ok_or(Refused::Form)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Refused::Form)?;
        let (message, receiver) = rest.split_at_checked(length).ok_or(Refused::Form)?;
        if !bool::from(receiver.ct_eq(self.receiver.as_bytes())) {
            return Err(Refused::Receiver);
        }
        Ok(message.to_vec())
    }

    /// Encrypts and signs an answer. `salt` must be random.
    pub(super) fn seal(
        &self,
        salt: [u8; SALT],
        timestamp: &str,
        nonce: &str,
        message: &[u8],
    ) -> Sealed {
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let mut plain = salt.to_vec();
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(message);
        plain.extend_from_slice(self.receiver.as_bytes());
        let encrypt = STANDARD.encode(encrypt(&self.key, plain));
        let signature = signature(&[self.token.expose_secret(), timestamp, nonce, &encrypt]);
        Sealed { encrypt, signature }
    }

    /// Decrypts a file that was encrypted with this key.
    pub(super) fn file(&self, bytes: Vec<u8>) -> Result<Vec<u8>, Refused> {
        decrypt(&self.key, bytes)
    }
}

/// SHA-1 of the parts, sorted and joined, as hex.
pub(super) fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    hex::encode(Sha1::digest(sorted.concat()))
}

/// Whether `signature` is that of the parts.
pub(super) fn is_signed(parts: &[&str], given: &str) -> bool {
    signature(parts).as_bytes().ct_eq(given.as_bytes()).into()
}

/// Decrypts a file of WeCom, whose key came with its address in base64.
pub(super) fn decrypt_file(key: &SecretString, bytes: Vec<u8>) -> Result<Vec<u8>, Refused> {
    let key = LENIENT
        .decode(key.expose_secret())
        .map(Zeroizing::new)
        .map_err(|_| Refused::Form)?;
    let key = key.as_slice().try_into().map_err(|_| Refused::Form)?;
    decrypt(key, bytes)
}

fn decrypt(key: &[u8; KEY], mut bytes: Vec<u8>) -> Result<Vec<u8>, Refused> {
    let (start, _) = key.split_first_chunk::<16>().ok_or(Refused::Form)?;
    if bytes.is_empty() || !bytes.len().is_multiple_of(PADDING) {
        return Err(Refused::Form);
    }
    cbc::Decryptor::<Aes256>::new(key.into(), start.into())
        .decrypt_padded_mut::<NoPadding>(&mut bytes)
        .map_err(|_| Refused::Form)?;
    let padding = usize::from(*bytes.last().ok_or(Refused::Form)?);
    let length = bytes.len().checked_sub(padding).ok_or(Refused::Padding)?;
    let is_right = (1..=PADDING).contains(&padding)
        && bytes[length..]
            .iter()
            .all(|byte| usize::from(*byte) == padding);
    if !is_right {
        return Err(Refused::Padding);
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn encrypt(key: &[u8; KEY], mut plain: Vec<u8>) -> Vec<u8> {
    let padding = PADDING - plain.len() % PADDING;
    plain.resize(plain.len() + padding, padding.to_le_bytes()[0]);
    let start: [u8; 16] = std::array::from_fn(|at| key[at]);
    cbc::Encryptor::<Aes256>::new(key.into(), &start.into())
        .encrypt_padded_vec_mut::<NoPadding>(&plain)
}

#[cfg(test)]
mod tests;
