//! Where a file that came is.

use serde::{Deserialize, Serialize};

/// How a file that came can be fetched; the handle of its attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handle {
    /// The address that the message named; may be empty.
    #[serde(rename = "u", default)]
    pub(super) url: String,
    /// What the file servers call it; may be empty.
    #[serde(rename = "p", default)]
    pub(super) param: String,
    /// Hex; `None`: it is not encrypted.
    #[serde(rename = "k", default)]
    pub(super) key: Option<String>,
    /// Its length, where the message says it.
    #[serde(rename = "n", default)]
    pub(super) size: Option<u64>,
}
