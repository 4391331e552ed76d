//! Who a root or a node is: a secp256k1 key.

use std::fmt;
use std::path::Path;

use rand::TryRngCore;
use rand::rngs::OsRng;
use secp256k1::ecdsa::Signature;
use secp256k1::{Message, PublicKey, SecretKey};
use zeroize::Zeroizing;

use crate::address::Address;
use crate::keyfile::{self, KeyFileError};

/// A secret key with its public key and address.
///
/// The secret is wiped from memory when the identity is dropped, and `Debug` shows only the address.
pub struct Identity {
    secret: SecretKey,
    public: PublicKey,
    address: Address,
}

impl Identity {
    /// A new identity from the operating system's random numbers.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            OsRng
                .try_fill_bytes(bytes.as_mut())
                .expect("the operating system gives random numbers");
            // Fails for zero and for numbers beyond the curve's order: about once in 2^128 tries.
            if let Ok(secret) = SecretKey::from_secret_bytes(*bytes) {
                return Self::new(secret);
            }
        }
    }

    /// The identity whose key a file holds: 64 hex digits or WIF text.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no such key.
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        keyfile::read(path).map(Self::new)
    }

    /// Makes a new identity and writes its key to a new file that only its owner may read.
    ///
    /// # Errors
    /// When the file exists already (it is never overwritten), or cannot be written.
    pub fn create_file(path: &Path) -> Result<Self, KeyFileError> {
        let identity = Self::generate();
        keyfile::create(path, &identity.secret)?;
        Ok(identity)
    }

    pub(crate) fn new(secret: SecretKey) -> Self {
        let public = PublicKey::from_secret_key(&secret);
        Self {
            secret,
            public,
            address: Address::of(&public),
        }
    }

    /// The same identity once more, for somebody who keeps it through a change of keys.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::new(self.secret)
    }

    /// The address by which others know this identity.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The public key, compressed to 33 bytes.
    #[must_use]
    pub fn public_key(&self) -> [u8; 33] {
        self.public.serialize()
    }

    /// Signs a 32-byte digest: compact ECDSA with low S.
    #[must_use]
    pub fn sign(&self, digest: [u8; 32]) -> [u8; 64] {
        secp256k1::ecdsa::sign(Message::from_digest(digest), &self.secret).serialize_compact()
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.address)
    }
}

/// The address of a public key of 33 bytes, if it is one.
pub(crate) fn address_of(public_key: &[u8]) -> Option<Address> {
    let public_key: &[u8; 33] = public_key.try_into().ok()?;
    Some(Address::of(&PublicKey::from_slice(public_key).ok()?))
}

/// Checks a signature over a digest; the address of the key that made it, or nothing when the key,
/// the signature, or its fit is bad. A signature with high S is bad.
pub(crate) fn signer(digest: [u8; 32], public_key: &[u8], signature: &[u8]) -> Option<Address> {
    // `from_slice` would take 65-byte uncompressed keys as well: one key, one form.
    let public_key: &[u8; 33] = public_key.try_into().ok()?;
    let key = PublicKey::from_slice(public_key).ok()?;
    let signature = Signature::from_compact(signature).ok()?;
    signature.verify(Message::from_digest(digest), &key).ok()?;
    Some(Address::of(&key))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn signatures_belong_to_key_and_digest() {
        let identity = Identity::generate();
        let signature = identity.sign([7; 32]);
        let key = identity.public_key();
        assert_eq!(
            signer([7; 32], &key, &signature).as_ref(),
            Some(identity.address())
        );
        assert_eq!(signer([8; 32], &key, &signature), None);
        assert_eq!(
            signer([7; 32], &Identity::generate().public_key(), &signature),
            None
        );
        assert_eq!(signer([7; 32], &key, &signature[..63]), None);
        assert_eq!(
            signer(
                [7; 32],
                &identity.public.serialize_uncompressed(),
                &signature
            ),
            None
        );
    }

    #[test]
    fn high_s_is_refused() {
        // The curve's order, to turn s into n - s: the same signature's other form.
        let order = hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
        let identity = Identity::generate();
        let mut signature = identity.sign([7; 32]);
        let mut borrow = 0_i16;
        for (s, n) in signature[32..].iter_mut().zip(order.unwrap()).rev() {
            let difference = i16::from(n) - i16::from(*s) - borrow;
            borrow = i16::from(difference < 0);
            *s = u8::try_from(difference.rem_euclid(256)).unwrap();
        }
        assert_eq!(signer([7; 32], &identity.public_key(), &signature), None);
    }

    #[test]
    fn debug_shows_no_secret() {
        let identity = Identity::generate();
        assert_eq!(
            format!("{identity:?}"),
            format!("Identity({})", identity.address())
        );
    }

    proptest! {
        #[test]
        fn garbage_is_refused_without_panic(key: Vec<u8>, signature: Vec<u8>, digest: [u8; 32]) {
            prop_assert_eq!(signer(digest, &key, &signature), None);
        }
    }
}
