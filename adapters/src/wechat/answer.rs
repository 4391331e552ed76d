//! What comes back from the HTTP servers of WeCom and WeChat.

use bytes::BytesMut;
use futures::StreamExt as _;
use serde_json::Value;
use url::Url;

use crate::cause::innermost;

/// Largest answer that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// An address below another one; the segments may hold anything.
pub(super) fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

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

/// The platform's code; 0 when there is none or all is well.
pub(super) fn code(body: &Value) -> i64 {
    match &body["errcode"] {
        Value::Number(number) => number.as_i64().unwrap_or_default(),
        Value::String(text) => text.parse().unwrap_or_default(),
        _ => 0,
    }
}

/// The platform's words, cut to what a log line takes.
pub(super) fn message(body: &Value) -> String {
    let words = body["errmsg"].as_str().unwrap_or_default();
    words.chars().take(200).collect()
}

/// What went wrong on the way, without the address, which has a token in it.
pub(super) fn network(error: reqwest::Error) -> String {
    innermost(&error.without_url())
}
