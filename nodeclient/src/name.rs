//! The name under which people know a node.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A node's name: 1 to 63 of `a-z`, `0-9`, `.`, `_`, `-`, beginning with a letter or digit.
///
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Arc<str>);

/// A text that is no [`NodeName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a node name: it takes 1 to 63 of a-z, 0-9, `.`, `_` and `-`, a letter or digit first"
)]
pub struct NodeNameError(String);

impl NodeName {
    /// The most characters of a name.
    pub const MOST_CHARS: usize = 63;

    /// Checks a text.
    ///
    /// # Errors
    /// When the text breaks the rule for names.
    pub fn parse(text: &str) -> Result<Self, NodeNameError> {
        let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = text.len() <= Self::MOST_CHARS
            && text.bytes().next().is_some_and(letter)
            && text
                .bytes()
                .all(|c| letter(c) || matches!(c, b'.' | b'_' | b'-'));
        if good {
            Ok(Self(text.into()))
        } else {
            Err(NodeNameError(text.chars().take(80).collect()))
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeName({})", self.0)
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl AsRef<str> for NodeName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for NodeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NodeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_rule_holds() {
        for good in ["a", "web-1", "db.eu_2", "0", &"x".repeat(63)] {
            assert!(NodeName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            ".a",
            "Web",
            "a b",
            "a/b",
            "ä",
            "节点",
            &"x".repeat(64),
        ] {
            assert!(NodeName::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_is_kept_as_it_is(text in any::<String>()) {
            if let Ok(name) = NodeName::parse(&text) {
                prop_assert_eq!(name.as_str(), text);
            }
        }
    }
}
