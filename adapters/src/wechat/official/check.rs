//! Would this account work? The platform is asked.

use super::config::{Config, Mode};
use crate::wechat::api::{Api, CallError, client};
use crate::wechat::check::{Finding, address, clock};
use crate::wechat::crypto::Envelope;
use crate::wechat::token::{Login, TokenError};
use crate::wechat::verdict::{Verdict, verdict};

/// Looks at the clock, the keys, and what the platform says of the account.
pub async fn look(config: &Config) -> Vec<Finding> {
    let http = match client(&config.api_url, "wechat_official.api_url") {
        Ok(http) => http,
        Err(error) => {
            let remedy = Some("correct the setting");
            return vec![Finding::new("official account", error.to_string(), remedy)];
        }
    };
    let mut findings = vec![clock(&http, &config.api_url, "wechat_official.api_url").await];
    if config.mode != Mode::Plain {
        let keys = Envelope::new(config.token.clone(), &config.aes_key, &config.app_id);
        findings.push(match keys {
            Ok(_) => Finding::new("callback keys", "have the right form".to_owned(), None),
            Err(error) => Finding::new(
                "callback keys",
                error.to_string(),
                Some("copy Token and EncodingAESKey from the account's page, or set the mode that is chosen there"),
            ),
        });
    }
    findings.push(address("wechat_official.listen", &config.callback).await);
    let login = Login::Official {
        app: config.app_id.clone(),
        secret: config.secret.clone(),
    };
    let api = Api::new(http, config.api_url.clone(), login);
    findings.push(account(&api).await);
    if config.customer {
        findings.push(customer(&api).await);
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
