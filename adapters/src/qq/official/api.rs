//! Calls of the API: each with a time limit and a token, which is renewed once when it was refused.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, RETRY_AFTER};
use serde_json::Value;
use url::Url;

use super::answer;
use super::token::{TokenError, Tokens};

/// Longest time for a call that moves no file.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(20);
/// A file must move at least this fast, in bytes a second.
pub(super) const SLOWEST: u64 = 32 * 1024;
/// Codes that mean a token which has ended.
const TOKEN_CODES: [i64; 4] = [11_241, 11_242, 11_243, 11_244];
/// The message waits for a moderator: as good as sent.
const ACCEPTED_CODES: [i64; 2] = [304_023, 304_024];
/// Pause after a 429 that names none.
const USUAL_PAUSE: Duration = Duration::from_secs(3);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why a call failed. Its text holds neither tokens nor what users wrote.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No answer, or one of a server that is down.
    #[error("{0}")]
    Away(String),
    #[error("too many calls, {} s to wait", .0.as_secs())]
    Limited(Duration),
    #[error("status {status}, code {code}: {message} (trace {trace})")]
    Refused {
        status: u16,
        code: i64,
        message: String,
        trace: String,
    },
}

/// The API of one bot.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) http: reqwest::Client,
    pub(super) tokens: Tokens,
    base: Url,
}

impl Api {
    pub(super) fn new(http: reqwest::Client, tokens: Tokens, base: Url) -> Self {
        Self { http, tokens, base }
    }

    /// Makes a call. `path` is given in segments, which may hold anything.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut is_second = false;
        loop {
            let token = self.tokens.get().await?;
            let mut request = self
                .http
                .request(method.clone(), url.clone())
                .timeout(limit)
                .header(AUTHORIZATION, format!("QQBot {token}"));
            if let Some(body) = body {
                request = request.json(body);
            }
            match read(request.send().await).await {
                Err(CallError::Refused { status, code, .. })
                    if !is_second && (status == 401 || TOKEN_CODES.contains(&code)) =>
                {
                    tracing::info!(
                        "the access token has ended before its time; a new one is taken"
                    );
                    self.tokens.refused(&token);
                    is_second = true;
                }
                answer => return answer,
            }
        }
    }

    /// A POST with a body.
    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, CallError> {
        self.call(Method::POST, path, Some(body), CALL_LIMIT).await
    }
}

async fn read(response: reqwest::Result<reqwest::Response>) -> Result<Value, CallError> {
    let response = response.map_err(|error| CallError::Away(answer::network(error)))?;
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let trace = header("x-tps-trace-id").unwrap_or("-").to_owned();
    let pause = header(RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
    let pause = pause
        .map_or(USUAL_PAUSE, Duration::from_secs)
        .min(LONGEST_PAUSE);
    let body = match answer::body(response).await {
        Ok(body) => body,
        // An answer that breaks off says nothing about what was done.
        Err(detail) => return Err(CallError::Away(detail)),
    };
    let code = answer::code(&body);
    match (status, code) {
        (_, Some(code)) if ACCEPTED_CODES.contains(&code) => Ok(body),
        (200..=299, None) => Ok(body),
        (429, _) => Err(CallError::Limited(pause)),
        (500..=599, None) => Err(CallError::Away(format!("status {status}"))),
        (_, code) => Err(CallError::Refused {
            status,
            code: code.unwrap_or_default(),
            message: answer::message(&body),
            trace: match body["trace_id"].as_str() {
                Some(trace) => trace.chars().take(80).collect(),
                None => trace.chars().take(80).collect(),
            },
        }),
    }
}
