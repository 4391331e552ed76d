//! The address of a root or a node: its public key, as short text.

use std::fmt;
use std::str::FromStr;

use ripemd::Ripemd160;
use secp256k1::PublicKey;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Version byte of a Bitcoin P2PKH address.
const VERSION: u8 = 0;

/// A Bitcoin P2PKH address (`1…`): RIPEMD-160 of SHA-256 of a compressed secp256k1 public key, with
/// version and checksum in base58.
///
/// As text it is what people read, type and keep in trust lists; it names exactly one key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 20]);

/// A text that is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {why}")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl Address {
    /// The longest text that can be an address.
    const MOST_CHARS: usize = 34;

    /// The address of a public key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        Self(Ripemd160::digest(Sha256::digest(key.serialize())).into())
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When the text is too long, has a character that base58 has not, a wrong checksum, or another
    /// version than P2PKH.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let fail = |why| AddressError {
            text: text.chars().take(64).collect(),
            why,
        };
        if text.len() > Self::MOST_CHARS {
            return Err(fail("it is too long"));
        }
        let bytes = bs58::decode(text)
            .with_check(Some(VERSION))
            .into_vec()
            .map_err(|error| fail(base58_fault(&error)))?;
        match bytes.get(1..).and_then(|hash| hash.try_into().ok()) {
            Some(hash) => Ok(Self(hash)),
            None => Err(fail("it has the wrong length")),
        }
    }
}

/// What is wrong with a base58check text, in words.
fn base58_fault(error: &bs58::decode::Error) -> &'static str {
    use bs58::decode::Error;
    match error {
        Error::InvalidCharacter { .. } | Error::NonAsciiCharacter { .. } => {
            "it has a character that addresses never have"
        }
        Error::InvalidChecksum { .. } => "its checksum is wrong (a typing mistake?)",
        Error::InvalidVersion { .. } => "it does not begin with `1`",
        _ => "it has the wrong length",
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            &bs58::encode(&self.0)
                .with_check_version(VERSION)
                .into_string(),
        )
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let said = |text: &str| Address::parse(text).unwrap_err().to_string();
        assert!(said("1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAt").contains("checksum"));
        assert!(said("0PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs").contains("character"));
        assert!(said("3VWxFDyo").contains("begin with `1`"));
        assert!(said("1Wh4bh").contains("length"));
        assert!(said("").contains("length"));
        assert!(said(&"1".repeat(4000)).contains("too long"));
    }

    #[test]
    fn serde_keeps_the_text() {
        let text = "\"1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs\"";
        let address: Address = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&address).unwrap(), text);
        assert!(serde_json::from_str::<Address>("\"root\"").is_err());
    }

    proptest! {
        #[test]
        fn text_round_trips(hash: [u8; 20]) {
            let address = Address(hash);
            prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = Address::parse(&text);
        }
    }
}
