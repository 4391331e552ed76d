//! What comes back from the platform's HTTP servers.

use serde_json::Value;

pub(super) use crate::web::network;

use crate::web;

/// Largest answer that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// The body as JSON; null when it is none.
pub(super) async fn body(response: reqwest::Response) -> Result<Value, String> {
    let bytes = web::body(response, LARGEST).await?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

/// The platform's error code, `err_code` before `code`; `None` when there is none.
pub(super) fn code(body: &Value) -> Option<i64> {
    ["err_code", "code"]
        .into_iter()
        .find_map(|key| match &body[key] {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
        .filter(|code| *code != 0)
}

/// The platform's words, cut to what a log line takes.
pub(super) fn message(body: &Value) -> String {
    ["message", "msg"]
        .into_iter()
        .find_map(|key| body[key].as_str())
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect()
}
