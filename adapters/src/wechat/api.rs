//! Calls of WeCom's and WeChat's API: each with a time limit and a token, which is renewed once when it was
//! refused.

use std::time::Duration;

use jarvis_proto::chat::action_result::Outcome;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use url::{Host, Url};

use super::answer;
use super::media::Upload;
use super::token::{Login, TokenError, Tokens};
use crate::adapter::AdapterError;

/// Longest time for a call that moves no file.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(20);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Longest silence inside a download.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// A file must move at least this fast, in bytes a second.
const SLOWEST: u64 = 32 * 1024;
/// Codes that mean a token which is not good.
const TOKEN_CODES: [i64; 4] = [40_001, 40_014, 41_001, 42_001];

/// Why a call failed. Its text holds neither tokens nor what users wrote.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum CallError {
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No answer, or one of a server that is down.
    #[error("{0}")]
    Away(String),
    #[error("code {code}: {message}")]
    Refused { code: i64, message: String },
}

/// Why a file is not up.
#[derive(Debug)]
pub(super) enum UploadError {
    Call(CallError),
    /// The file itself cannot be had, or cannot be sent.
    File(Outcome),
}

/// The API of one app.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) http: Client,
    pub(super) tokens: Tokens,
    base: Url,
}

impl Api {
    pub(super) fn new(http: Client, base: Url, login: Login) -> Self {
        Self {
            tokens: Tokens::new(http.clone(), base.clone(), login),
            http,
            base,
        }
    }

    /// A POST with a body. `path` is given in segments.
    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, CallError> {
        self.ask(path, &[], |http, url| http.post(url).json(body))
            .await
    }

    /// A GET.
    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, CallError> {
        self.ask(path, query, Client::get).await
    }

    async fn ask(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        make: impl Fn(&Client, Url) -> RequestBuilder,
    ) -> Result<Value, CallError> {
        let mut is_second = false;
        loop {
            let token = self.tokens.get().await?;
            let url = self.address(path, query, &token);
            let request = make(&self.http, url).timeout(CALL_LIMIT);
            match read(request.send().await).await {
                Err(error) if !is_second && is_about_token(&error) => {
                    self.tokens.refused(&token);
                    is_second = true;
                }
                answer => return answer,
            }
        }
    }

    /// Puts a file up; returns the platform's id of it.
    pub(super) async fn upload(
        &self,
        path: &[&str],
        kind: &str,
        upload: &Upload<'_>,
    ) -> Result<String, UploadError> {
        let mut is_second = false;
        let answer = loop {
            let token = self.tokens.get().await.map_err(CallError::from)?;
            let url = self.address(path, &[("type", kind)], &token);
            let form = form(upload).await?;
            let limit = CALL_LIMIT + Duration::from_secs(upload.size / SLOWEST);
            let request = self.http.post(url).multipart(form).timeout(limit);
            match read(request.send().await).await {
                Err(error) if !is_second && is_about_token(&error) => {
                    self.tokens.refused(&token);
                    is_second = true;
                }
                answer => break answer?,
            }
        };
        media_id(&answer)
    }

    /// A file of the platform: its answer once that is no error.
    pub(super) async fn fetch(&self, path: &[&str], media: &str) -> Result<Fetched, CallError> {
        let mut is_second = false;
        loop {
            let token = self.tokens.get().await?;
            let url = self.address(path, &[("media_id", media)], &token);
            let response = self.http.get(url).send().await;
            let response = response.map_err(|error| CallError::Away(answer::network(error)))?;
            if response.status().is_success() && !is_json(&response) {
                return Ok(Fetched::Bytes(response));
            }
            match read(Ok(response)).await {
                Err(error) if !is_second && is_about_token(&error) => {
                    self.tokens.refused(&token);
                    is_second = true;
                }
                answer => return answer.map(Fetched::Json),
            }
        }
    }

    fn address(&self, path: &[&str], query: &[(&str, &str)], token: &str) -> Url {
        let mut url = answer::below(&self.base, path);
        url.query_pairs_mut()
            .append_pair("access_token", token)
            .extend_pairs(query);
        url
    }
}

/// What the platform gives for a file.
#[derive(Debug)]
pub(super) enum Fetched {
    Bytes(Response),
    /// Something else, such as the address of a video.
    Json(Value),
}

impl From<CallError> for UploadError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

fn is_about_token(error: &CallError) -> bool {
    let is = matches!(error, CallError::Refused { code, .. } if TOKEN_CODES.contains(code));
    if is {
        tracing::info!("the access token has ended before its time; a new one is taken");
    }
    is
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    kind.starts_with("application/json") || kind.starts_with("text/plain")
}

/// The form of an upload; the file streams from the brain.
pub(super) async fn form(upload: &Upload<'_>) -> Result<Form, UploadError> {
    let body = upload.body().await.map_err(UploadError::File)?;
    let part = Part::stream_with_length(body, upload.size).file_name(upload.name.clone());
    let part = part
        .mime_str(upload.mime())
        .map_err(|error| UploadError::File(Outcome::Fatal(answer::network(error))))?;
    Ok(Form::new().part("media", part))
}

/// What an upload is called.
pub(super) fn media_id(answer: &Value) -> Result<String, UploadError> {
    match answer["media_id"].as_str() {
        Some(id) if !id.is_empty() => Ok(id.to_owned()),
        _ => Err(UploadError::File(Outcome::Transient(
            "the platform does not say what it calls the file".to_owned(),
        ))),
    }
}

pub(super) async fn read(response: reqwest::Result<Response>) -> Result<Value, CallError> {
    let response = response.map_err(|error| CallError::Away(answer::network(error)))?;
    let status = response.status();
    // An answer that breaks off says nothing about what was done.
    let body = answer::body(response).await.map_err(CallError::Away)?;
    match answer::code(&body) {
        0 if status.is_success() && body.is_object() => Ok(body),
        0 => Err(CallError::Away(format!("status {}", status.as_u16()))),
        code => Err(CallError::Refused {
            code,
            message: answer::message(&body),
        }),
    }
}

/// The HTTP client. It has no time limit of its own: each call has one that fits what it moves.
pub(super) fn client(base: &Url, setting: &'static str) -> Result<Client, AdapterError> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(SILENCE_LIMIT)
        // An address with a token in it is shown to nobody else.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("jarvis/", env!("CARGO_PKG_VERSION")))
        .tcp_nodelay(true);
    let is_here = match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if is_here {
        // A proxy of the environment does not lead to this machine.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| AdapterError::Setting {
        setting,
        detail: answer::network(error),
    })
}

/// Shows that the credentials are good; tries until there is an answer. Cancel-safe.
///
/// # Errors
/// When the platform refuses them.
pub(super) async fn log_in(api: &Api, platform: &'static str) -> Result<(), AdapterError> {
    let mut delays = crate::host::retry::delays();
    loop {
        match api.tokens.get().await {
            Ok(_) => return Ok(()),
            Err(error @ TokenError::Refused { .. }) => {
                tracing::error!(%error, "{platform} refuses this app");
                return Err(AdapterError::Token { platform });
            }
            Err(error @ TokenError::Address { .. }) => tracing::error!(%error, "{platform}"),
            Err(error) => tracing::warn!(%error, "{platform} cannot be reached, trying again"),
        }
        tokio::time::sleep(delays.next().unwrap_or(CALL_LIMIT)).await;
    }
}
