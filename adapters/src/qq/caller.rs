//! Calls by HTTP.

use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::account::CallError;
use crate::look::time_of;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Largest answer, in bytes.
pub(super) const LARGEST_ANSWER: usize = 32 * 1024 * 1024;
/// Largest part of one that comes in parts, and what stands behind each.
const LARGEST_PART: usize = 4 * 1024 * 1024;
const END: &[u8] = b"\r\n\r\n";

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
        let request = self.post(action).json(params).timeout(limit);
        whole(accepted(action, request).await?).await
    }

    /// Makes a call with a body of this length that is made as it is sent; returns the whole answer.
    ///
    /// # Errors
    /// When the program cannot be reached, or there is no answer within `limit`.
    pub(super) async fn call_with(
        &self,
        action: &'static str,
        body: reqwest::Body,
        length: u64,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let request = self
            .post(action)
            .header(CONTENT_TYPE, "application/json")
            .header(CONTENT_LENGTH, length)
            .body(body)
            .timeout(limit);
        whole(accepted(action, request).await?).await
    }

    /// Makes a call whose answer comes in parts, each of them JSON with an empty line behind it; gives
    /// all of them, the last one too.
    ///
    /// # Errors
    /// When the program cannot be reached, or does not begin to answer within `limit`.
    pub(super) async fn call_for_parts(
        &self,
        action: &'static str,
        params: &Value,
        limit: Duration,
    ) -> Result<impl Stream<Item = Value> + Send + use<>, CallError> {
        let request = self.post(action).json(params);
        let answer = timeout(limit, accepted(action, request))
            .await
            .map_err(|_| CallError::Silent)??;
        let pieces = answer.bytes_stream().boxed();
        Ok(futures::stream::unfold(
            (pieces, Vec::new()),
            async |(mut pieces, mut kept): (BoxStream<'static, _>, Vec<u8>)| loop {
                if let Some(end) = kept.windows(END.len()).position(|bytes| bytes == END) {
                    let part = serde_json::from_slice(&kept[..end]).ok()?;
                    kept.drain(..end + END.len());
                    return Some((part, (pieces, kept)));
                }
                let piece: Bytes = pieces.next().await?.ok()?;
                if kept.len() + piece.len() > LARGEST_PART {
                    return None;
                }
                kept.extend_from_slice(&piece);
            },
        ))
    }

    fn post(&self, action: &str) -> reqwest::RequestBuilder {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(action);
        }
        let request = self.client.post(url);
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }
}

/// An answer with a good status.
async fn accepted(
    action: &'static str,
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, CallError> {
    let answer = request.send().await.map_err(|failed| error(&failed))?;
    match answer.status().as_u16() {
        200..300 => Ok(answer),
        401 | 403 => Err(CallError::Token),
        404 => Err(CallError::Unknown(action)),
        // A proxy before a program that is down.
        status @ 502..=504 => Err(CallError::Away(format!("status {status}"))),
        status => Err(CallError::Refused(format!("`{action}`: status {status}"))),
    }
}

async fn whole(mut answer: reqwest::Response) -> Result<Value, CallError> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|failed| error(&failed))? {
        if body.len() + piece.len() > LARGEST_ANSWER {
            return Err(CallError::Unreadable("it is too large".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    serde_json::from_slice(&body).map_err(|error| CallError::Unreadable(error.to_string()))
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
