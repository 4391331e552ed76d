//! Calls over HTTP: bounded in time and size, without secrets in errors.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;

use super::{EngineConfig, EngineError};

/// Largest answer that is read, in bytes.
const MOST_BYTES: usize = 4 << 20;
/// What is quoted of an engine's own words.
const QUOTED: usize = 200;

/// An answer in JSON, whatever its status.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    retry_after: Option<Duration>,
}

/// A client for an engine. A proxy of the environment is not for this machine's own engines.
pub(super) fn client(config: &EngineConfig) -> Result<Client, String> {
    let mut builder = Client::builder()
        .timeout(config.timeout)
        .connect_timeout(config.timeout.min(Duration::from_secs(10)))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("jarvis/", env!("CARGO_PKG_VERSION")));
    if config.stays_here() {
        builder = builder.no_proxy();
    }
    let url = config.address();
    let is_http = reqwest::Url::parse(url)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    if !is_http {
        return Err(format!(
            "translation engine `{}`: `{url}` is no http address",
            config.name
        ));
    }
    builder
        .build()
        .map_err(|error| error.without_url().to_string())
}

/// Sends a request and reads the answer.
pub(super) async fn ask(request: RequestBuilder) -> Result<Answer, EngineError> {
    let unreachable = |error: reqwest::Error| {
        // The address may carry a key.
        let error = error.without_url();
        let why = if error.is_timeout() {
            "no answer in time".to_owned()
        } else if error.is_connect() {
            "no connection".to_owned()
        } else {
            error.to_string()
        };
        EngineError::Unreachable(why)
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            return Err(EngineError::Nonsense("an answer without end".to_owned()));
        }
        bytes.extend_from_slice(&chunk);
    }
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Answer {
        status,
        body,
        retry_after,
    })
}

/// Seconds only: no engine says a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}

impl Answer {
    /// What statuses mean everywhere. `detail` is the engine's own word for it.
    pub(super) fn fault(&self, detail: &str) -> EngineError {
        let detail: String = detail
            .chars()
            .filter(|c| !c.is_control())
            .take(QUOTED)
            .collect();
        match self.status.as_u16() {
            429 => EngineError::Busy(self.retry_after),
            456 => EngineError::Quota,
            500..=599 => EngineError::Unreachable(format!("{} {detail}", self.status.as_u16())),
            status => EngineError::Refused(format!("{status} {detail}")),
        }
    }

    /// A text in the answer, by JSON pointer.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// One text of each element of a list, by JSON pointers.
    pub(super) fn texts(&self, list: &str, pointer: &str) -> Result<Vec<String>, EngineError> {
        let unreadable = || EngineError::Nonsense(format!("no `{list}` in it"));
        let list = self.body.pointer(list).and_then(Value::as_array);
        list.ok_or_else(unreadable)?
            .iter()
            .map(|element| element.pointer(pointer).and_then(Value::as_str))
            .map(|text| text.map(str::to_owned).ok_or_else(unreadable))
            .collect()
    }
}
