//! Where a file that somebody sent is.

use serde::{Deserialize, Serialize};

/// How a file is found again. It is written into the attachment's handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Handle {
    #[serde(rename = "u")]
    pub(super) url: String,
    /// Key of this file alone; without it the key of all callbacks.
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// When the address came.
    #[serde(rename = "t")]
    pub(super) at_ms: i64,
}

impl Handle {
    pub(super) fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
