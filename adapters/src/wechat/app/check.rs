//! Would this app work? The platform is asked.

use super::config::Config;
use super::core::Core;
use crate::look::Finding;
use crate::wechat::api::{Api, CallError};
use crate::wechat::check::{address, clock};
use crate::wechat::token::TokenError;

/// Looks at the clock, our address, and what the platform says of an app whose credentials are good.
pub(super) async fn look(core: &Core) -> Vec<Finding> {
    let Core { config, api, .. } = core;
    vec![
        clock(&api.http, &config.api_url, "wecom_app.api_url").await,
        address("wecom_app.listen", &config.callback).await,
        app(config, api).await,
    ]
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
