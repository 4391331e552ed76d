//! Would this robot work? The platform is asked.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::DATE;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::callback::Door;
use super::config::{Callback, Config, Mode};
use super::core::Core;
use super::inbound::now_ms;
use super::media::{client, is_here};
use crate::cause::innermost;
use crate::websocket::dial;
use crate::wechat::crypto::Envelope;

const LIMIT: Duration = Duration::from_secs(10);
/// A clock that is off by more confuses windows and signatures, in milliseconds.
const MOST_OFF_MS: u64 = 60_000;

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// What.
    pub subject: &'static str,
    /// What was found.
    pub detail: String,
    /// What to do; `None` when it is as it should be.
    pub remedy: Option<&'static str>,
}

impl Finding {
    fn good(subject: &'static str, detail: impl Into<String>) -> Self {
        Self {
            subject,
            detail: detail.into(),
            remedy: None,
        }
    }

    fn bad(subject: &'static str, detail: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            subject,
            detail: detail.into(),
            remedy: Some(remedy),
        }
    }
}

/// Looks at the way to the platform, or back, and at the clock. `address` is what WeCom calls.
pub async fn look(config: &Config, address: Option<&Url>) -> Vec<Finding> {
    match &config.mode {
        Mode::Connection(to) => {
            let reached = match dial(&to.url, &[]).await {
                Ok(_) => Finding::good("wecom.url", format!("{} takes connections", to.url)),
                Err(error) => Finding::bad(
                    "wecom.url",
                    format!("{}: {error}", to.url),
                    "look whether this machine reaches it; a firewall may stop WebSockets",
                ),
            };
            vec![reached, clock(&to.url).await]
        }
        Mode::Callback(to) => match address {
            Some(address) => vec![public(config, to, address).await],
            None => Vec::new(),
        },
    }
}

/// The platform's clock beside ours.
async fn clock(url: &Url) -> Finding {
    let subject = "clock";
    let untold = || Finding::good(subject, "WeCom does not tell the time");
    let mut url = url.clone();
    let scheme = if url.scheme() == "wss" {
        "https"
    } else {
        "http"
    };
    // A scheme for another special one is always taken.
    if url.set_scheme(scheme).is_err() {
        return untold();
    }
    let Ok(http) = client(is_here(&url)) else {
        return untold();
    };
    let answer = http.get(url).timeout(LIMIT).send().await;
    let date = answer.ok().and_then(|answer| {
        let date = answer.headers().get(DATE)?.to_str().ok()?.to_owned();
        jiff::fmt::rfc2822::parse(&date).ok()
    });
    let Some(date) = date else {
        return untold();
    };
    let off = now_ms().abs_diff(date.timestamp().as_millisecond());
    let detail = format!("{} s off WeCom's", off / 1000);
    if off > MOST_OFF_MS {
        let remedy = "set this machine's clock, for example with NTP";
        Finding::bad(subject, detail, remedy)
    } else {
        Finding::good(subject, detail)
    }
}

/// Calls our own address as WeCom does when it is set in the console. When nobody listens there yet, we
/// do for as long as that takes.
async fn public(config: &Config, to: &Callback, address: &Url) -> Finding {
    let subject = "wecom.callback.url";
    let remedy = "lead it to `wecom.callback.listen` with a reverse proxy that speaks TLS";
    let Ok(core) = super::core(config.clone()) else {
        return Finding::bad(subject, "the keys cannot be used", "correct the setting");
    };
    let core = Arc::new(core);
    let Some(envelope) = core.envelope.clone() else {
        return Finding::bad(subject, "there are no keys", "correct the setting");
    };
    let _answering = answer(core, envelope.clone(), to).await;
    let now = now_ms() / 1000;
    let (time, nonce) = (now.to_string(), rand::random::<u64>().to_string());
    let echo = rand::random::<u64>().to_string();
    let sealed = envelope.seal(rand::random(), &time, &nonce, echo.as_bytes());
    let mut url = address.clone();
    url.query_pairs_mut()
        .append_pair("msg_signature", &sealed.signature)
        .append_pair("timestamp", &time)
        .append_pair("nonce", &nonce)
        .append_pair("echostr", &sealed.encrypt);
    let http = match client(is_here(address)) {
        Ok(http) => http,
        Err(error) => return Finding::bad(subject, innermost(&error), remedy),
    };
    let answer = match http.get(url).timeout(LIMIT).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let detail = format!("{address}: {}", innermost(&error.without_url()));
            return Finding::bad(subject, detail, remedy);
        }
    };
    let status = answer.status();
    match answer.text().await {
        Ok(text) if status.is_success() && text == echo => Finding::good(
            subject,
            format!("{address} leads here, and token and key agree"),
        ),
        _ if status.as_u16() == 403 => Finding::bad(
            subject,
            format!("{address} leads to a robot with another token or key"),
            "compare `wecom.callback.token` and `wecom.callback.aes_key` with those of the running Jarvis",
        ),
        _ => Finding::bad(
            subject,
            format!("{address} answers with status {}", status.as_u16()),
            remedy,
        ),
    }
}

/// Answers where nobody does yet.
async fn answer(
    core: Arc<Core>,
    envelope: Arc<Envelope>,
    to: &Callback,
) -> Option<AbortOnDropHandle<()>> {
    let listener = TcpListener::bind(to.listen).await.ok()?;
    let router = Door::new(core, envelope, None).router(&to.path);
    Some(AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::debug!(%error, "the address could not be tried out");
        }
    })))
}
