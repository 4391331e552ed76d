//! The errors of the Bot API, with the words the real one uses.

use serde_json::{Value, json};

/// A refusal: what goes to the client as `{"ok":false,…}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    /// HTTP status, repeated in the body as `error_code`.
    pub(crate) status: u16,
    pub(crate) description: String,
    parameters: Option<Value>,
}

impl ApiError {
    pub(crate) fn new(status: u16, description: impl Into<String>) -> Self {
        Self {
            status,
            description: description.into(),
            parameters: None,
        }
    }

    /// 400 with the usual prefix.
    pub(crate) fn bad(reason: impl std::fmt::Display) -> Self {
        Self::new(400, format!("Bad Request: {reason}"))
    }

    /// 403 with the usual prefix.
    pub(crate) fn forbidden(reason: &str) -> Self {
        Self::new(403, format!("Forbidden: {reason}"))
    }

    /// 409 with the usual prefix.
    pub(crate) fn conflict(reason: &str) -> Self {
        Self::new(409, format!("Conflict: {reason}"))
    }

    /// 404 as for a malformed token.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    /// 429 with the whole seconds to wait.
    pub(crate) fn too_many(seconds: u64) -> Self {
        Self {
            status: 429,
            description: format!("Too Many Requests: retry after {seconds}"),
            parameters: Some(json!({ "retry_after": seconds })),
        }
    }

    /// 400 for a group that has become the supergroup `chat`.
    pub(crate) fn migrated(chat: i64) -> Self {
        Self {
            status: 400,
            description: "Bad Request: group chat was upgraded to a supergroup chat".to_owned(),
            parameters: Some(json!({ "migrate_to_chat_id": chat })),
        }
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "ok": false,
            "error_code": self.status,
            "description": self.description,
        });
        if let Some(parameters) = &self.parameters {
            body["parameters"] = parameters.clone();
        }
        body
    }
}
