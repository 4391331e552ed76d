//! Would this app work? The platform is asked.

use super::config::Config;
use crate::wechat::api::{Api, CallError, client};
use crate::wechat::check::{Finding, address, clock};
use crate::wechat::crypto::Envelope;
use crate::wechat::token::{Login, TokenError};

/// Looks at the clock, the keys, and what the platform says of the app.
pub async fn look(config: &Config) -> Vec<Finding> {
    let http = match client(&config.api_url, "wecom_app.api_url") {
        Ok(http) => http,
        Err(error) => {
            let remedy = Some("correct the setting");
            return vec![Finding::new("wecom app", error.to_string(), remedy)];
        }
    };
    let mut findings = vec![clock(&http, &config.api_url, "wecom_app.api_url").await];
    findings.push(
        match Envelope::new(config.token.clone(), &config.aes_key, &config.corp_id) {
            Ok(_) => Finding::new("callback keys", "have the right form".to_owned(), None),
            Err(error) => Finding::new(
                "callback keys",
                error.to_string(),
                Some("copy Token and EncodingAESKey from the app's page, under receiving messages"),
            ),
        },
    );
    findings.push(address("wecom_app.listen", &config.callback).await);
    let login = Login::WeCom {
        corporation: config.corp_id.clone(),
        secret: config.secret.clone(),
    };
    let api = Api::new(http, config.api_url.clone(), login);
    findings.push(app(config, &api).await);
    findings
}

async fn app(config: &Config, api: &Api) -> Finding {
    let subject = "wecom app";
    let agent = config.agent_id.to_string();
    match api.get(&["agent", "get"], &[("agentid", &agent)]).await {
        Ok(answer) => {
            let name = answer["name"].as_str().unwrap_or_default();
            let close = answer["close"].as_i64().unwrap_or_default();
            let remedy =
                (close == 1).then_some("the app is switched off: switch it on at its page");
            Finding::new(subject, format!("{agent} is `{name}`"), remedy)
        }
        Err(error) => {
            let remedy = match &error {
                CallError::Token(TokenError::Address { .. })
                | CallError::Refused { code: 60_020, .. } => {
                    "add this server's address, which stands above, to the app's trusted IP addresses"
                }
                CallError::Token(TokenError::Refused { .. }) => {
                    "compare `wecom_app.corp_id` and `wecom_app.secret` with the app's page"
                }
                CallError::Refused { .. } => {
                    "compare `wecom_app.agent_id` with the app's page: the secret must be that app's"
                }
                CallError::Away(_) | CallError::Token(_) => {
                    "look whether this machine reaches `wecom_app.api_url`"
                }
            };
            Finding::new(subject, error.to_string(), Some(remedy))
        }
    }
}
