//! Values as people write them: paths, durations, addresses, lists.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use figment::value::magic::RelativePathBuf;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, de};

/// A path; a relative one in a file starts at that file's folder.
pub(super) fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let path = RelativePathBuf::deserialize(deserializer)?;
    if path.original().as_os_str().is_empty() {
        return Err(D::Error::custom("a path must not be empty"));
    }
    Ok(path.relative())
}

/// A path that may be left out.
pub(super) fn optional_path<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
    path(deserializer).map(Some)
}

/// A time span such as "10m" or "1h 30m"; never zero.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Visitor;

    impl de::Visitor<'_> for Visitor {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time span with its unit, such as \"30s\", \"10m\" or \"1h 30m\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            match humantime::parse_duration(text) {
                Ok(span) if !span.is_zero() => Ok(span),
                _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
            }
        }
    }

    deserializer.deserialize_str(Visitor)
}

/// A TCP address to listen on, or "off".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen(pub(crate) Option<SocketAddr>);

impl Listen {
    /// No listening.
    pub(crate) const OFF: Self = Self(None);
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Listen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"off\", or an address with its port such as \"0.0.0.0:7788\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Listen, E> {
                if text.is_empty() || text == "off" {
                    return Ok(Listen::OFF);
                }
                text.parse()
                    .map(|address| Listen(Some(address)))
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<Listen, E> {
                if on {
                    return Err(E::invalid_value(de::Unexpected::Bool(on), &self));
                }
                Ok(Listen::OFF)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// A list of words; one word alone may stand without brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OneOrMany(pub(crate) Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of words such as [\"web\", \"eu\"]")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![text.to_owned()]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(OneOrMany(words))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
