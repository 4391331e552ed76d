//! The Official Account of the configuration.

use jarvis_adapters::wechat::official;

use crate::check::Report;
use crate::config::{Config, WeChatMode};

/// Looks at what the adapter does not know: the address that WeChat calls.
pub(crate) fn look(config: &Config, report: &mut Report) {
    let given = &config.wechat_official;
    super::https("wechat_official.url", given.url.as_ref(), report);
    if given.mode == WeChatMode::Plain {
        report.warn(
            "wechat_official.mode",
            "messages come in the open, and their signature does not cover what they say",
            "choose the encrypted mode at the account's page, and here",
        );
    }
}

/// What the adapter has to be told; `None` when something is missing, which the configuration says when it
/// is read.
pub(super) fn configuration(config: &Config) -> Option<official::Config> {
    let given = &config.wechat_official;
    let secret = given.secret.as_ref()?.to_secret_string();
    let mut account = official::Config::new(given.app_id.as_ref()?, secret);
    account.token = given.token.as_ref()?.to_secret_string();
    account.callback = given.callback.at(given.listen, given.url.as_ref())?;
    account.mode = match given.mode {
        WeChatMode::Plain => official::Mode::Plain,
        WeChatMode::Compatible => official::Mode::Compatible,
        WeChatMode::Encrypted => official::Mode::Encrypted,
    };
    if let Some(key) = &given.aes_key {
        account.aes_key = key.to_secret_string();
    }
    account.api_url = given.api_url.clone();
    account.language.clone_from(&given.language);
    account.customer = given.customer;
    account.download_limit = given.download_limit;
    let limits = &given.limits;
    account.rules = official::Rules {
        text_limit: limits.text.max(100),
        window: limits.window,
        messages: limits.messages,
        calls_per_second: limits.calls_per_second,
    };
    Some(account)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        let given = &mut config.wechat_official;
        given.app_id = Some("wx1".to_owned());
        given.secret = Some("secret".to_owned().into());
        given.token = Some("token".to_owned().into());
        assert!(configuration(&config).is_none());
        let url = url::Url::parse("https://bot.example.org/wechat").unwrap();
        config.wechat_official.url = Some(url);
        let ours = configuration(&config).unwrap();
        let theirs = official::Config::new("wx1", "secret".to_owned().into());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
