//! What comes back from the platform's HTTP servers.

use bytes::BytesMut;
use futures::StreamExt;
use serde_json::Value;

/// Largest answer that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// The body as JSON; null when it is none.
pub(super) async fn body(response: reqwest::Response) -> Result<Value, String> {
    let mut bytes = BytesMut::new();
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(network)?;
        if bytes.len() + piece.len() > LARGEST {
            return Err(format!("an answer has more than {LARGEST} bytes"));
        }
        bytes.extend_from_slice(&piece);
    }
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

/// What went wrong on the way, without the address.
pub(super) fn network(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
