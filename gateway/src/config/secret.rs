//! A secret value: shown to nobody by accident, compared only in tests of equality.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};

/// A token, password or database address. `Debug` hides it; [`reveal`](Self::reveal) does not.
#[derive(Clone)]
pub(crate) struct Secret(SecretString);

impl Secret {
    /// The value itself.
    pub(crate) fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// For the crates that take secrets.
    pub(crate) fn to_secret_string(&self) -> SecretString {
        self.0.clone()
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                let text = text.trim();
                if text.is_empty() {
                    return Err(E::custom("a secret must not be empty"));
                }
                Ok(text.to_owned().into())
            }

            // A token of digits alone is a number to whoever reads the environment.
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Secret, E> {
                Ok(number.to_string().into())
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Secret, E> {
                Ok(number.to_string().into())
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
