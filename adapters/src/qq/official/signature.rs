//! The webhook's signatures: Ed25519, with a key that is made of the bot's secret.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use secrecy::{ExposeSecret, SecretString};

/// Length of a key's seed, in bytes.
const SEED: usize = 32;

/// The bot's key.
pub(super) struct Key(Ed25519KeyPair);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key of a secret; `None` when the secret is empty.
    pub(super) fn new(secret: &SecretString) -> Option<Self> {
        let secret = secret.expose_secret().as_bytes();
        let seed: Vec<u8> = secret.iter().copied().cycle().take(SEED).collect();
        Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(Self)
    }

    /// Whether `signature`, in hex, is the platform's for a call with this timestamp and body.
    pub(super) fn is_signed(&self, timestamp: &str, body: &[u8], signature: &str) -> bool {
        let Ok(signature) = hex::decode(signature) else {
            return false;
        };
        let signed = [timestamp.as_bytes(), body].concat();
        UnparsedPublicKey::new(&ED25519, self.0.public_key().as_ref())
            .verify(&signed, &signature)
            .is_ok()
    }

    /// Signs what the platform wants to see signed when the address is set, in hex.
    pub(super) fn sign(&self, timestamp: &str, token: &str) -> String {
        let text = format!("{timestamp}{token}");
        hex::encode(self.0.sign(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// The example of the platform's documentation.
    fn example() -> Key {
        Key::new(&SecretString::from("DG5g3B4j9X2KOErG")).unwrap()
    }

    #[test]
    fn the_documented_check_of_an_address_is_signed() {
        assert_eq!(
            example().sign("1725442341", "Arq0D5A61EgUu4OxUvOp"),
            "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d01bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706"
        );
    }

    #[test]
    fn only_the_platforms_own_signature_counts() {
        let key = example();
        let signature = key.sign("1725442341", "{\"op\":0}");
        assert!(key.is_signed("1725442341", b"{\"op\":0}", &signature));
        assert!(!key.is_signed("1725442342", b"{\"op\":0}", &signature));
        assert!(!key.is_signed("1725442341", b"{\"op\":1}", &signature));
        assert!(!key.is_signed("1725442341", b"{\"op\":0}", ""));
        assert!(!key.is_signed("1725442341", b"{\"op\":0}", "zz"));
        // A number too large for the curve means the same to a careless reader.
        let mut high = hex::decode(&signature).unwrap();
        high[63] |= 0xe0;
        assert!(!key.is_signed("1725442341", b"{\"op\":0}", &hex::encode(high)));
        assert!(Key::new(&SecretString::from("")).is_none());
    }
}
