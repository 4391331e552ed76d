//! Would this account work? The gateway is asked.

use std::sync::Arc;
use std::time::Duration;

use jarvis_proto::wechaty::puppet::{EventResponse, EventType};
use tokio::time::{Instant, timeout_at};

use super::config::Config;
use super::failure::CallError;
use super::gateway::{Gateway, Shared};
use crate::look::Finding;

const SUBJECT: &str = "wechaty";
/// How long the gateway has to say who is logged in.
const LIMIT: Duration = Duration::from_secs(8);

/// Looks at a gateway: whether it can be reached, takes the token, and is logged in.
pub async fn look(config: &Config) -> Vec<Finding> {
    let gateway = match Gateway::new(config) {
        Ok(gateway) => Arc::new(gateway),
        Err(error) => {
            let remedy = Some("correct the setting");
            return vec![Finding::new(SUBJECT, error.to_string(), remedy)];
        }
    };
    let client = match gateway.connect().await {
        Ok(client) => client,
        Err(error) => {
            let remedy = away(config, &error.to_string());
            return vec![Finding::new(SUBJECT, error.to_string(), Some(remedy))];
        }
    };
    let mut findings = Vec::new();
    match gateway.version().await {
        Ok(version) => {
            let detail = format!("the gateway takes our token (version {version})");
            findings.push(Finding::new(SUBJECT, detail, None));
        }
        Err(CallError::Unknown(_)) => {
            let detail = "the gateway takes our token".to_owned();
            findings.push(Finding::new(SUBJECT, detail, None));
        }
        Err(error) => {
            let remedy = match error {
                CallError::Token => {
                    "set the gateway's WECHATY_TOKEN as `wechaty.token`, with all before its `_`"
                }
                _ => away(config, &error.to_string()),
            };
            return vec![Finding::new(SUBJECT, error.to_string(), Some(remedy))];
        }
    }
    findings.push(login(&gateway, &client).await);
    findings
}

/// What to do when the gateway does not answer.
fn away(config: &Config, detail: &str) -> &'static str {
    if detail.contains("UnsupportedCertVersion") {
        "the gateway shows its built-in certificate, which is too old a kind: give it one of X.509 \
         version 3 (docs/wechaty.md), or use http:// where nobody can listen"
    } else if detail.contains("certificate") || detail.contains("BadSignature") {
        "set `wechaty.ca_file` to what signs the gateway's certificate, and `wechaty.server_name` to the \
         name in it"
    } else if config.endpoint.scheme() == "https" {
        "look whether the gateway runs at `wechaty.endpoint`, and whether it speaks TLS: without, the \
         endpoint begins with http://"
    } else {
        "look whether the gateway runs at `wechaty.endpoint`, and whether it speaks TLS: then the endpoint \
         begins with https://"
    }
}

/// Who is logged in. A gateway has one stream of events: an adapter that runs has it.
async fn login(gateway: &Shared, client: &super::gateway::Client) -> Finding {
    let subject = "wechaty login";
    let until = Instant::now() + LIMIT;
    let scan = Some(
        "start the adapter and scan the code that it shows with WeChat on the phone of the account",
    );
    let mut stream = match timeout_at(until, gateway.events(client)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(CallError::Taken)) => {
            let detail = "an adapter hears this gateway already".to_owned();
            return Finding::new(subject, detail, None);
        }
        Ok(Err(error)) => {
            let remedy = Some("look at the gateway's log");
            return Finding::new(subject, error.to_string(), remedy);
        }
        Err(_) => {
            let detail = "the gateway does not say who is logged in".to_owned();
            return Finding::new(subject, detail, scan);
        }
    };
    while let Ok(Ok(Some(EventResponse { r#type, payload }))) =
        timeout_at(until, stream.message()).await
    {
        let value: serde_json::Value = serde_json::from_str(&payload).unwrap_or_default();
        match EventType::try_from(r#type) {
            Ok(EventType::Login) => {
                let id = value["contactId"].as_str().unwrap_or_default();
                let name = gateway.contact(id).await.map(|contact| contact.name);
                let detail = match name {
                    Ok(name) if !name.is_empty() => format!("logged in as {id} ({name})"),
                    _ => format!("logged in as {id}"),
                };
                return Finding::new(subject, detail, None);
            }
            Ok(EventType::Scan) => {
                let detail = "the gateway waits for a login".to_owned();
                return Finding::new(subject, detail, scan);
            }
            _ => {}
        }
    }
    Finding::new(subject, "nobody is logged in".to_owned(), scan)
}
