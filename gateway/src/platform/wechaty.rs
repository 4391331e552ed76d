//! The WeChat account of the configuration that is behind a gateway.

use jarvis_adapters::wechat::wechaty::{self, Numbering, Rules};

use crate::check::Report;
use crate::config::{Config, MessageTypes};

/// Asks the gateway, without taking its events from an adapter that runs.
pub(crate) async fn look(config: &Config, report: &mut Report) {
    let Some(account) = configuration(config) else {
        return;
    };
    for finding in wechaty::look(&account).await {
        match finding.remedy {
            None => report.ok(finding.subject, finding.detail),
            Some(remedy) => report.fail(finding.subject, finding.detail, remedy),
        }
    }
}

/// What the adapter has to be told; `None` without an endpoint.
pub(super) fn configuration(config: &Config) -> Option<wechaty::Config> {
    let given = &config.wechaty;
    let (endpoint, token) = (given.endpoint.clone()?, given.token.as_ref()?);
    let mut account = wechaty::Config::new(endpoint, token.to_secret_string());
    account.server_name.clone_from(&given.server_name);
    account.ca_file.clone_from(&given.ca_file);
    account.numbering = match given.message_types {
        MessageTypes::Puppet => Numbering::Puppet,
        MessageTypes::Proto => Numbering::Proto,
    };
    account.language.clone_from(&given.language);
    account.upload_limit = given.upload_limit;
    account.download_limit = given.download_limit;
    let limits = &given.limits;
    account.rules = Rules {
        text_limit: limits.text.max(100),
        overall_per_second: limits.calls_per_second,
        room_per_second: limits.room_per_second,
        group_per_minute: limits.group_per_minute,
        // A message of gRPC holds 4 MiB, and bytes grow by a third inside one.
        single_upload: limits.single_upload.min(3_000_000),
        liveness: limits.liveness,
        pause: limits.pause,
    };
    Some(account)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_account_needs_an_endpoint_and_the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        assert!(configuration(&config).is_none());
        let endpoint: url::Url = "https://127.0.0.1:8788".parse().unwrap();
        config.wechaty.endpoint = Some(endpoint.clone());
        assert!(config.wechaty.problem().unwrap().contains("wechaty.token"));
        config.wechaty.token = Some("insecure_1".to_owned().into());
        assert_eq!(config.wechaty.problem(), None);
        let ours = configuration(&config).unwrap();
        let theirs = wechaty::Config::new(endpoint, "insecure_1".to_owned().into());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
        for bad in ["ws://127.0.0.1:1", "https://127.0.0.1:1/path"] {
            config.wechaty.endpoint = Some(bad.parse().unwrap());
            assert!(config.wechaty.problem().is_some(), "{bad}");
        }
    }
}
