//! How WeCom signs and encrypts. Written apart from Jarvis; `@wecom/crypto` agrees with it.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use anyhow::{Context as _, Result, ensure};
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

const BLOCK: usize = 32;

/// Encrypts with a key of 32 bytes, padded to 32 bytes.
pub(super) fn encrypt(key: &[u8], plain: &[u8]) -> Vec<u8> {
    let padding = BLOCK - plain.len() % BLOCK;
    let mut padded = plain.to_vec();
    padded.extend(std::iter::repeat_n(
        u8::try_from(padding).expect("at most 32"),
        padding,
    ));
    cbc::Encryptor::<Aes256>::new_from_slices(key, &key[..16])
        .expect("32 bytes, and 16 of them")
        .encrypt_padded_vec_mut::<NoPadding>(&padded)
}

fn decrypt(key: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
    let mut plain = cbc::Decryptor::<Aes256>::new_from_slices(key, &key[..16])
        .expect("32 bytes, and 16 of them")
        .decrypt_padded_vec_mut::<NoPadding>(sealed)
        .ok()
        .context("no whole blocks")?;
    let padding = usize::from(*plain.last().context("nothing in it")?);
    ensure!(
        (1..=BLOCK).contains(&padding) && plain.len() >= padding,
        "bad padding"
    );
    plain.truncate(plain.len() - padding);
    Ok(plain)
}

/// The key of 43 letters as bytes. The bits that the last one has too many may be any.
pub(super) fn key(encoded: &str) -> Vec<u8> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    GeneralPurpose::new(&alphabet::STANDARD, config)
        .decode(encoded)
        .expect("a key of 43 letters")
}

/// `msg_signature`.
pub(super) fn signature(token: &str, time: &str, nonce: &str, sealed: &str) -> String {
    let mut parts = [token, time, nonce, sealed];
    parts.sort_unstable();
    let whole = parts.concat();
    hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, whole.as_bytes()))
}

/// A message as it is posted.
pub(super) fn seal(encoded_key: &str, message: &[u8], receiver: &str) -> String {
    let mut plain: Vec<u8> = rand::random::<[u8; 16]>().to_vec();
    let length = u32::try_from(message.len()).expect("short");
    plain.extend(length.to_be_bytes());
    plain.extend(message);
    plain.extend(receiver.as_bytes());
    STANDARD.encode(encrypt(&key(encoded_key), &plain))
}

/// The message of a post.
pub(super) fn open(encoded_key: &str, sealed: &str) -> Result<Vec<u8>> {
    let plain = decrypt(&key(encoded_key), &STANDARD.decode(sealed)?)?;
    let length = plain.get(16..20).context("too short")?;
    let length = u32::from_be_bytes(length.try_into()?) as usize;
    let message = plain.get(20..20 + length).context("a wrong length")?;
    ensure!(plain.len() == 20 + length, "a receiver where there is none");
    Ok(message.to_vec())
}
