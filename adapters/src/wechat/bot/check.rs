//! Would this robot work? The platform is asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use super::callback::Door;
use super::config::{Callback, Config, Mode};
use super::core::Core;
use super::media::{client, is_here};
use crate::cause::innermost;
use crate::look::{Finding, time_of};
use crate::now_ms;
use crate::websocket::dial;
use crate::wechat::crypto::Envelope;

const LIMIT: Duration = Duration::from_secs(10);
fn good(subject: &'static str, detail: impl Into<String>) -> Finding {
    Finding::new(subject, detail.into(), None)
}

fn bad(subject: &'static str, detail: impl Into<String>, remedy: &'static str) -> Finding {
    Finding::new(subject, detail.into(), Some(remedy))
}

/// Looks at the way to the platform, or back, and at the clock.
pub async fn look(config: &Config) -> Vec<Finding> {
    match &config.mode {
        Mode::Connection(to) => {
            let reached = match dial(&to.url, &[]).await {
                Ok(_) => good("wecom.url", format!("{} takes connections", to.url)),
                Err(error) => bad(
                    "wecom.url",
                    format!("{}: {error}", to.url),
                    "look whether this machine reaches it; a firewall may stop WebSockets",
                ),
            };
            vec![reached, clock(&to.url).await]
        }
        Mode::Callback(to) => vec![public(config, to).await],
    }
}

/// The platform's clock beside ours.
async fn clock(url: &Url) -> Finding {
    let subject = "clock";
    let untold = || good(subject, "WeCom does not tell the time");
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
    match time_of(&http, &url).await {
        Ok(Some(theirs)) => Finding::of_clock(theirs),
        Ok(None) | Err(_) => untold(),
    }
}

/// Calls our own address as WeCom does when it is set in the console. When nobody listens there yet, we
/// do for as long as that takes.
async fn public(config: &Config, to: &Callback) -> Finding {
    let address = &to.address;
    let subject = "wecom.callback.url";
    let remedy = "lead it to `wecom.callback.listen` with a reverse proxy that speaks TLS";
    let Ok(core) = super::core(config.clone()) else {
        return bad(subject, "the keys cannot be used", "correct the setting");
    };
    let core = Arc::new(core);
    let Some(envelope) = core.envelope.clone() else {
        return bad(subject, "there are no keys", "correct the setting");
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
        Err(error) => return bad(subject, innermost(&error), remedy),
    };
    let answer = match http.get(url).timeout(LIMIT).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let detail = format!("{address}: {}", innermost(&error.without_url()));
            return bad(subject, detail, remedy);
        }
    };
    let status = answer.status();
    match answer.text().await {
        Ok(text) if status.is_success() && text == echo => good(
            subject,
            format!("{address} leads here, and token and key agree"),
        ),
        _ if status.as_u16() == 403 => bad(
            subject,
            format!("{address} leads to a robot with another token or key"),
            "compare `wecom.callback.token` and `wecom.callback.aes_key` with those of the running Jarvis",
        ),
        _ => bad(
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
    let router = Door::new(core, envelope, None).router(to.address.path());
    Some(AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::debug!(%error, "the address could not be tried out");
        }
    })))
}
