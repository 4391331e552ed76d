//! The WeCom app of the configuration.

use jarvis_adapters::wechat::app;

use crate::check::Report;
use crate::config::Config;
use crate::data::DataDir;

/// Looks at what the adapter does not know: the address that WeCom calls.
pub(crate) fn look(config: &Config, report: &mut Report) {
    super::https("wecom_app.url", config.wecom_app.url.as_ref(), report);
}

/// What the adapter has to be told; `None` when something is missing, which the configuration says when it
/// is read.
pub(super) fn configuration(config: &Config) -> Option<app::Config> {
    let given = &config.wecom_app;
    let secret = given.secret.as_ref()?.to_secret_string();
    let corp_id = given.corp_id.as_ref()?;
    let mut app = app::Config::new(corp_id, given.agent_id?, secret);
    app.token = given.token.as_ref()?.to_secret_string();
    app.aes_key = given.aes_key.as_ref()?.to_secret_string();
    app.callback = given.callback.at(given.listen, given.url.as_ref())?;
    app.api_url = given.api_url.clone();
    app.language.clone_from(&given.language);
    app.markdown = given.markdown;
    app.buttons = given.buttons;
    app.upload_limit = given.upload_limit;
    app.picture_limit = given.picture_limit;
    app.download_limit = given.download_limit;
    // Whatever the id is, it names no other folder.
    let name: String = corp_id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let file = format!("wecom-app-{name}-{}.said", app.agent_id);
    app.state_file = Some(DataDir::at(&config.data).path().join(file));
    let limits = &given.limits;
    app.rules = app::Rules {
        text_limit: limits.text.max(100),
        per_minute: limits.per_minute,
        per_hour: limits.per_hour,
        calls_per_second: limits.calls_per_second,
        card_buttons: limits.card_buttons,
        same_within: limits.same_within,
    };
    Some(app)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_app_needs_all_its_keys_and_the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        let given = &mut config.wecom_app;
        given.corp_id = Some("ww/../1".to_owned());
        given.agent_id = Some(1_000_002);
        given.secret = Some("secret".to_owned().into());
        given.token = Some("token".to_owned().into());
        given.url = Some(url::Url::parse("https://bot.example.org/wecom").unwrap());
        assert!(configuration(&config).is_none());
        config.wecom_app.aes_key = Some("key".to_owned().into());
        let mut ours = configuration(&config).unwrap();
        let file = ours.state_file.take().unwrap();
        assert!(
            file.ends_with("wecom-app-ww1-1000002.said"),
            "{}",
            file.display()
        );
        let theirs = app::Config::new("ww/../1", 1_000_002, "secret".to_owned().into());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
