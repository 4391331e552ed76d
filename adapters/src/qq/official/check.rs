//! Would this bot work? The platform is asked.

use reqwest::Method;
use url::Url;

use super::answer;
use super::api::{Api, CALL_LIMIT};
use super::config::Mode;
use super::core::Core;
use crate::look::{Finding, time_of};
use crate::websocket::dial;

/// Looks at the clock and the gateway of a bot whose credentials are good.
pub(super) async fn look(core: &Core) -> Vec<Finding> {
    let Core { config, api, .. } = core;
    let mut findings = vec![clock(&api.http, &config.api_url).await];
    if let Mode::WebSocket = config.mode {
        findings.push(gateway(api, config.gateway_url.as_ref()).await);
    }
    findings
}

/// The platform's clock beside ours.
async fn clock(http: &reqwest::Client, url: &Url) -> Finding {
    let subject = "clock";
    match time_of(http, url).await {
        Ok(Some(theirs)) => Finding::of_clock(theirs),
        Ok(None) => Finding::new(subject, "QQ does not tell the time".to_owned(), None),
        Err(error) => {
            let detail = format!("{url} cannot be asked: {}", answer::network(error));
            let remedy = Some("look whether this machine reaches `qq.api_url`");
            Finding::new(subject, detail, remedy)
        }
    }
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
