//! How these platforms sign and encrypt what they post. Written from the platform's description, without
//! the adapter's code; `tests/python` checks it with a client of the platform.

use aes::Aes256;
use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockDecryptMut as _, BlockEncryptMut as _, KeyIvInit as _};
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore as _;
use sha1::{Digest as _, Sha1};

/// Token and key of one app.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// Signs.
    pub token: String,
    /// `EncodingAESKey`, 43 characters.
    pub aes_key: String,
    /// Corporation or app id.
    pub receiver: String,
}

impl Sealing {
    /// The signature over these parts, whatever their order.
    pub fn sign(&self, parts: &[&str]) -> String {
        let mut sorted = vec![self.token.as_str()];
        sorted.extend_from_slice(parts);
        sorted.sort_unstable();
        hex::encode(Sha1::digest(sorted.concat()))
    }

    fn key(&self) -> [u8; 32] {
        let key = STANDARD.decode(format!("{}=", self.aes_key));
        let key = key.expect("a key of the platform's form");
        key.try_into().expect("32 bytes")
    }

    /// A message for this app.
    pub fn seal(&self, message: &str) -> String {
        self.seal_for(message, &self.receiver)
    }

    /// A message for any receiver.
    pub fn seal_for(&self, message: &str, receiver: &str) -> String {
        let mut plain = vec![0; 16];
        rand::rng().fill_bytes(&mut plain);
        let length = u32::try_from(message.len()).expect("a small message");
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(message.as_bytes());
        plain.extend_from_slice(receiver.as_bytes());
        let pad = 32 - plain.len() % 32;
        plain.extend(std::iter::repeat_n(u8::try_from(pad).unwrap_or(32), pad));
        self.encrypt(&plain)
    }

    /// Encrypts bytes as they are, the padding included.
    pub fn encrypt(&self, padded: &[u8]) -> String {
        let key = self.key();
        let start: [u8; 16] = std::array::from_fn(|at| key[at]);
        let bytes = cbc::Encryptor::<Aes256>::new(&key.into(), &start.into())
            .encrypt_padded_vec_mut::<NoPadding>(padded);
        STANDARD.encode(bytes)
    }

    /// What an answer says.
    ///
    /// # Errors
    /// When it is not what the platform would read.
    pub fn open(&self, encrypted: &str) -> Result<String> {
        let key = self.key();
        let start: [u8; 16] = std::array::from_fn(|at| key[at]);
        let bytes = STANDARD.decode(encrypted)?;
        ensure!(!bytes.is_empty() && bytes.len() % 32 == 0, "cut");
        let mut plain = cbc::Decryptor::<Aes256>::new(&key.into(), &start.into())
            .decrypt_padded_vec_mut::<NoPadding>(&bytes)
            .ok()
            .context("not decrypted")?;
        let pad = usize::from(*plain.last().context("empty")?);
        ensure!((1..=32).contains(&pad), "padding {pad}");
        ensure!(
            plain.ends_with(&vec![plain[plain.len() - 1]; pad]),
            "padding"
        );
        plain.truncate(plain.len() - pad);
        let length = plain.get(16..20).context("short")?;
        let length = u32::from_be_bytes(length.try_into()?) as usize;
        let message = plain.get(20..20 + length).context("length")?;
        ensure!(
            plain[20 + length..] == *self.receiver.as_bytes(),
            "receiver"
        );
        Ok(String::from_utf8(message.to_vec())?)
    }
}

/// What stands in a CDATA section or in the open below `name`.
pub(crate) fn field(xml: &str, name: &str) -> Option<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let (_, rest) = xml.split_once(&open)?;
    let (text, _) = rest.split_once(&close)?;
    let text = text.trim();
    let inner = text
        .strip_prefix("<![CDATA[")
        .and_then(|text| text.strip_suffix("]]>"));
    Some(match inner {
        Some(inner) => inner.replace("]]]]><![CDATA[>", "]]>"),
        None => text.to_owned(),
    })
}

/// A field as the platform writes it.
pub(crate) fn cdata(name: &str, text: &str) -> String {
    let text = text.replace("]]>", "]]]]><![CDATA[>");
    format!("<{name}><![CDATA[{text}]]></{name}>")
}
