//! Calls by HTTP.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::account::CallError;
use crate::look::time_of;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Largest answer, in bytes.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// Makes calls.
#[derive(Debug)]
pub(super) struct Caller {
    client: reqwest::Client,
    url: Url,
    token: Option<SecretString>,
}

impl Caller {
    /// Calls what is below `path` of an address.
    pub(super) fn new(
        url: &Url,
        path: &[&str],
        token: Option<SecretString>,
    ) -> reqwest::Result<Self> {
        let mut url = url.clone();
        if let Ok(mut below) = url.path_segments_mut() {
            below.pop_if_empty().extend(path);
        }
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client, url, token })
    }

    /// The time that the program's server tells, in Unix milliseconds.
    pub(super) async fn time_ms(&self) -> Option<i64> {
        time_of(&self.client, &self.url).await.ok().flatten()
    }

    /// Makes a call; returns the whole answer.
    ///
    /// # Errors
    /// When the program cannot be reached, or there is no answer within `limit`.
    pub(super) async fn call(
        &self,
        action: &'static str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(action);
        }
        let mut request = self.client.post(url).json(params).timeout(limit);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let mut answer = request.send().await.map_err(|failed| error(&failed))?;
        match answer.status().as_u16() {
            200..300 => {}
            401 | 403 => return Err(CallError::Token),
            404 => return Err(CallError::Unknown(action)),
            // A proxy before a program that is down.
            status @ 502..=504 => return Err(CallError::Away(format!("status {status}"))),
            status => return Err(CallError::Refused(format!("`{action}`: status {status}"))),
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|failed| error(&failed))? {
            if body.len() + piece.len() > LARGEST_ANSWER {
                return Err(CallError::Unreadable("it is too large".to_owned()));
            }
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body).map_err(|error| CallError::Unreadable(error.to_string()))
    }
}

fn error(error: &reqwest::Error) -> CallError {
    if error.is_connect() {
        return CallError::Away("it takes no connection".to_owned());
    }
    if error.is_timeout() {
        return CallError::Silent;
    }
    CallError::Lost
}
