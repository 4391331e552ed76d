//! Calls of the API, each with a time limit, and what comes back.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::config::Config;
use crate::adapter::AdapterError;
use crate::web;

/// Longest time for a call that moves no file and waits for nothing.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(15);
/// The same for what nobody misses.
pub(super) const SHORT_LIMIT: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const LARGEST: usize = 16 << 20;
/// What the platform calls a token that is worth nothing any more.
const STALE: i64 = -14;
/// Too many messages, or too long after the person's last.
const LIMITED: i64 = -2;
/// Longest name of ours, in bytes.
const LONGEST_AGENT: usize = 256;

/// Why a call failed. Its text holds neither tokens nor what users wrote.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// No answer, or one of a server that is down.
    #[error("{0}")]
    Away(String),
    /// No answer within the call's limit.
    #[error("no answer in time")]
    Silent,
    /// The token is worth nothing any more: a new code has to be scanned.
    #[error("WeChat has ended this line")]
    Stale,
    /// The platform takes no more messages now.
    #[error("WeChat takes no more messages now: {0}")]
    Limited(String),
    /// The platform refuses this call.
    #[error("code {code}: {message}")]
    Refused {
        /// The platform's code, or the HTTP status.
        code: i64,
        /// Its words.
        message: String,
    },
}

/// The API, for all accounts.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) http: reqwest::Client,
    /// What every body holds.
    base_info: Value,
    /// The client's version as the number that the header wants.
    version: String,
}

/// Where a call goes, and for whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) url: &'a Url,
    pub(super) token: Option<&'a SecretString>,
}

impl Api {
    /// # Errors
    /// A setting cannot be used.
    pub(super) fn new(config: &Config) -> Result<Self, AdapterError> {
        let wrong = |setting, detail: String| AdapterError::Setting { setting, detail };
        let agent = &config.agent;
        if agent.is_empty() || agent.len() > LONGEST_AGENT || !agent.is_ascii() {
            let detail = format!("1 to {LONGEST_AGENT} ASCII characters, such as Jarvis/1.0");
            return Err(wrong("wechat.agent", detail));
        }
        let version = version(&config.version)
            .ok_or_else(|| wrong("wechat.version", "three numbers such as 2.4.9".to_owned()))?;
        // Nothing that the platform answers may send a call elsewhere.
        let http = web::builder(&[&config.api_url, &config.cdn_url])
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| wrong("wechat", web::network(error)))?;
        Ok(Self {
            http,
            base_info: json!({ "channel_version": config.version, "bot_agent": agent }),
            version,
        })
    }

    /// A POST with a body.
    pub(super) async fn call(
        &self,
        line: Line<'_>,
        what: &str,
        mut body: Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        body["base_info"] = self.base_info.clone();
        self.call_with(line, what, &[], body, limit).await
    }

    /// The same with a query, and nothing but the body.
    pub(super) async fn call_with(
        &self,
        line: Line<'_>,
        what: &str,
        query: &[(&str, &str)],
        body: Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let uin = STANDARD.encode(rand::random::<u32>().to_string());
        let mut request = self
            .http
            .post(address(line.url, what))
            .query(query)
            .header("AuthorizationType", "ilink_bot_token")
            .header("X-WECHAT-UIN", uin)
            .json(&body);
        if let Some(token) = line.token {
            request = request.bearer_auth(token.expose_secret());
        }
        self.send(request, limit).await
    }

    /// A GET, which shows no token.
    pub(super) async fn get(
        &self,
        url: &Url,
        what: &str,
        query: &[(&str, &str)],
        limit: Duration,
    ) -> Result<Value, CallError> {
        let request = self.http.get(address(url, what)).query(query);
        self.send(request, limit).await
    }

    async fn send(&self, request: RequestBuilder, limit: Duration) -> Result<Value, CallError> {
        let request = request
            .header("iLink-App-Id", "bot")
            .header("iLink-App-ClientVersion", &self.version)
            .timeout(limit);
        let away = |error: reqwest::Error| {
            if error.is_timeout() && !error.is_connect() {
                return CallError::Silent;
            }
            CallError::Away(web::network(error))
        };
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        let body = web::body(response, LARGEST)
            .await
            .map_err(CallError::Away)?;
        // Success may have no body at all.
        let answer: Option<Value> = if body.is_empty() {
            Some(Value::Null)
        } else {
            serde_json::from_slice(&body).ok()
        };
        match (status.as_u16(), answer) {
            (200..=299, Some(answer)) => judge(answer),
            (200..=299, None) => Err(CallError::Away("an answer is no JSON".to_owned())),
            (status @ 400..=499, answer) if !matches!(status, 408 | 429) => {
                match judge(answer.unwrap_or_default()) {
                    Ok(answer) => Err(CallError::Refused {
                        code: i64::from(status),
                        message: message(&answer),
                    }),
                    Err(error) => Err(error),
                }
            }
            (status, _) => Err(CallError::Away(format!("status {status}"))),
        }
    }
}

/// Success is `ret` 0, or no `ret` at all.
fn judge(answer: Value) -> Result<Value, CallError> {
    let code = |key: &str| match &answer[key] {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let codes = [code("ret"), code("errcode")];
    let is = |wanted| codes.contains(&Some(wanted));
    if is(STALE) {
        return Err(CallError::Stale);
    }
    if is(LIMITED) {
        return Err(CallError::Limited(message(&answer)));
    }
    match codes.into_iter().flatten().find(|code| *code != 0) {
        None => Ok(answer),
        Some(code) => Err(CallError::Refused {
            code,
            message: message(&answer),
        }),
    }
}

/// The platform's words, cut to what a log line takes.
fn message(answer: &Value) -> String {
    let words = ["errmsg", "message", "msg"]
        .into_iter()
        .find_map(|key| answer[key].as_str());
    words.unwrap_or_default().chars().take(200).collect()
}

fn address(url: &Url, what: &str) -> Url {
    let mut url = url.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments
            .pop_if_empty()
            .extend(["ilink", "bot"])
            .extend(what.split('/'));
    }
    url
}

/// `2.4.9` as the number of the header.
fn version(text: &str) -> Option<String> {
    let mut parts = text.split('.').map(str::parse::<u8>);
    let mut next = || parts.next()?.ok().map(u32::from);
    let number = (next()? << 16) | (next()? << 8) | next()?;
    parts.next().is_none().then(|| number.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;
    use url::Url;

    use super::*;

    #[test]
    fn the_version_is_one_number() {
        assert_eq!(version("2.4.9").as_deref(), Some("132105"));
        for wrong in ["", "2.4", "2.4.9.1", "2.x.9", "2.4.900"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn success_may_say_nothing_of_itself() {
        for good in [
            json!(null),
            json!({}),
            json!({"ret": 0}),
            json!({"message_id": 7_463_524_564_243_524_565_u64}),
            json!({"ret": 0, "errcode": 0}),
        ] {
            assert!(judge(good.clone()).is_ok(), "{good}");
        }
        for stale in [json!({"ret": -14}), json!({"ret": 0, "errcode": -14})] {
            assert!(matches!(judge(stale), Err(CallError::Stale)));
        }
        let limited = judge(json!({"ret": -2, "errmsg": "prepare failed"})).unwrap_err();
        assert!(limited.to_string().ends_with("prepare failed"));
        let other = judge(json!({"ret": -1, "errmsg": "x"}));
        assert!(matches!(other, Err(CallError::Refused { code: -1, .. })));
    }

    #[test]
    fn a_call_is_below_the_address() {
        let url = Url::parse("https://h.example/base/").unwrap();
        assert_eq!(
            address(&url, "msg/notifystart").as_str(),
            "https://h.example/base/ilink/bot/msg/notifystart"
        );
    }
}
