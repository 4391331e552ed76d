//! Would this account work? The platform is asked.

use super::core::Core;
use crate::look::Finding;
use crate::wechat::api::{Api, CallError};
use crate::wechat::check::{address, clock};
use crate::wechat::token::TokenError;
use crate::wechat::verdict::{Verdict, verdict};

/// Looks at the clock, our address, and what the platform says of an account whose credentials are good.
pub(super) async fn look(core: &Core) -> Vec<Finding> {
    let Core { config, api, .. } = core;
    let mut findings = vec![
        clock(&api.http, &config.api_url, "wechat_official.api_url").await,
        address("wechat_official.listen", &config.callback).await,
        account(api).await,
    ];
    if config.customer {
        findings.push(customer(api).await);
    }
    findings
}

/// A call that every account may make.
async fn account(api: &Api) -> Finding {
    let subject = "official account";
    match api.get(&["get_api_domain_ip"], &[]).await {
        Ok(_) => Finding::new(subject, "its calls are answered".to_owned(), None),
        Err(error) => {
            let remedy = match &error {
                CallError::Token(TokenError::Address { .. })
                | CallError::Refused { code: 40_164, .. } => {
                    "add this server's address, which stands above, to the account's IP allow-list"
                }
                CallError::Token(TokenError::Refused { .. }) => {
                    "compare `wechat_official.app_id` and `wechat_official.secret` with the account's page"
                }
                CallError::Refused { .. } => {
                    "look at the account's page whether it is in good standing"
                }
                CallError::Away(_) | CallError::Token(_) => {
                    "look whether this machine reaches `wechat_official.api_url`"
                }
            };
            Finding::new(subject, error.to_string(), Some(remedy))
        }
    }
}

/// Whether messages may be sent later.
async fn customer(api: &Api) -> Finding {
    let subject = "later messages";
    match api.get(&["customservice", "getkflist"], &[]).await {
        Err(CallError::Refused { code, message }) if verdict(code) == Verdict::NoRight => {
            Finding::new(
                subject,
                format!("code {code}: {message}"),
                Some(
                    "this account is not verified: set `wechat_official.customer` to false; answers then go \
                     only within five seconds, and later ones wait for the next message",
                ),
            )
        }
        Err(error) => Finding::new(subject, format!("not known: {error}"), None),
        Ok(_) => Finding::new(subject, "may be sent".to_owned(), None),
    }
}
