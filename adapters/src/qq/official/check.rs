//! Would this bot work? The platform is asked.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::DATE;
use url::Url;

use super::answer;
use super::api::{Api, CALL_LIMIT};
use super::config::{Config, Mode};
use super::inbound::now_ms;
use super::token::Tokens;
use crate::finding::Finding;
use crate::websocket::dial;

const LIMIT: Duration = Duration::from_secs(10);
/// A clock that is off by more confuses windows and ages, in milliseconds.
const MOST_OFF_MS: u64 = 60_000;

/// Looks at the clock, the API and the gateway of a bot whose credentials are good.
pub async fn look(config: &Config) -> Vec<Finding> {
    let http = match super::client(&[&config.api_url, &config.token_url]) {
        Ok(http) => http,
        Err(error) => {
            let remedy = Some("correct the setting");
            return vec![Finding::new("qq", error.to_string(), remedy)];
        }
    };
    let mut findings = vec![clock(&http, &config.api_url).await];
    let tokens = Tokens::new(
        http.clone(),
        config.token_url.clone(),
        config.app_id.clone(),
        config.secret.clone(),
    );
    let api = Api::new(http, tokens, config.api_url.clone());
    if let Mode::WebSocket = config.mode {
        findings.push(gateway(&api, config.gateway_url.as_ref()).await);
    }
    findings
}

/// The platform's clock beside ours.
async fn clock(http: &reqwest::Client, url: &Url) -> Finding {
    let subject = "clock";
    let answer = match http.get(url.clone()).timeout(LIMIT).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let detail = format!("{url} cannot be asked: {}", answer::network(error));
            let remedy = Some("look whether this machine reaches `qq.api_url`");
            return Finding::new(subject, detail, remedy);
        }
    };
    let date = answer
        .headers()
        .get(DATE)
        .and_then(|date| date.to_str().ok());
    let theirs = date
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map(|date| date.timestamp().as_millisecond());
    let Some(theirs) = theirs else {
        return Finding::new(subject, "QQ does not tell the time".to_owned(), None);
    };
    let off = now_ms().abs_diff(theirs);
    let detail = format!("{} s off QQ's", off / 1000);
    let remedy = (off > MOST_OFF_MS).then_some("set this machine's clock, for example with NTP");
    Finding::new(subject, detail, remedy)
}

async fn gateway(api: &Api, set: Option<&Url>) -> Finding {
    let subject = "qq gateway";
    let asked = match set {
        Some(url) => Ok(url.clone()),
        None => match api.call(Method::GET, &["gateway"], None, CALL_LIMIT).await {
            Ok(answer) => answer["url"]
                .as_str()
                .and_then(|url| Url::parse(url).ok())
                .ok_or_else(|| "the API names none".to_owned()),
            Err(error) => Err(error.to_string()),
        },
    };
    let url = match asked {
        Ok(url) => url,
        Err(detail) => {
            let remedy = Some(
                "look at q.qq.com whether the bot is published and this server's address is allowed",
            );
            return Finding::new(subject, detail, remedy);
        }
    };
    match dial(&url, &[]).await {
        Ok(_) => Finding::new(subject, format!("{url} takes connections"), None),
        Err(error) => Finding::new(
            subject,
            format!("{url}: {error}"),
            Some("look whether this machine reaches it; a firewall may stop WebSockets"),
        ),
    }
}
