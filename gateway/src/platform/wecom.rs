//! The robot of WeCom of the configuration.

use anyhow::Context as _;
use jarvis_adapters::wechat::bot;

use crate::check::Report;
use crate::config::{Config, WecomMode};
use crate::data::DataDir;

/// Whether a Jarvis on this machine has the robot now: a second login would take it away.
pub(crate) fn is_held(config: &Config) -> bool {
    matches!(configuration(config), Ok(Some(robot)) if bot::is_held(&robot))
}

/// Whether the robot is had by a login, which takes it from whoever has it.
pub(crate) fn logs_in(config: &Config) -> bool {
    config.wecom.mode == WecomMode::Connection
}

/// Asks the platform without a login.
pub(crate) async fn look_beside(config: &Config, report: &mut Report) {
    let Ok(Some(robot)) = configuration(config) else {
        return;
    };
    for finding in bot::look(&robot).await {
        match finding.remedy {
            None => report.ok(finding.subject, finding.detail),
            Some(remedy) => report.fail(finding.subject, finding.detail, remedy),
        }
    }
}

/// Looks at what the adapter does not mind: how WeCom calls.
pub(crate) fn look(config: &Config, report: &mut Report) {
    let address = config.wecom.callback.url.as_ref();
    if let (WecomMode::Callback, Some(url)) = (config.wecom.mode, address)
        && url.scheme() != "https"
    {
        report.warn(
            "wecom.callback.url",
            format!("{url} is not https: what is said is encrypted, when it is said is not hidden"),
            "put a reverse proxy with TLS before it",
        );
    }
}

/// What the adapter has to be told; `None` without a robot.
pub(super) fn configuration(config: &Config) -> anyhow::Result<Option<bot::Config>> {
    let given = &config.wecom;
    let Some(bot_id) = &given.bot_id else {
        return Ok(None);
    };
    let mode = match given.mode {
        WecomMode::Connection => {
            let secret = given.secret.as_ref();
            let secret = secret.context("`wecom.secret` is missing")?;
            bot::Mode::Connection(bot::Connection {
                url: given.url.clone(),
                secret: secret.to_secret_string(),
            })
        }
        WecomMode::Callback => {
            let callback = &given.callback;
            let url = callback.url.as_ref();
            let token = callback.token.as_ref();
            let key = callback.aes_key.as_ref();
            bot::Mode::Callback(bot::Callback {
                listen: callback.listen,
                address: url.context("`wecom.callback.url` is missing")?.clone(),
                token: token
                    .context("`wecom.callback.token` is missing")?
                    .to_secret_string(),
                aes_key: key
                    .context("`wecom.callback.aes_key` is missing")?
                    .to_secret_string(),
            })
        }
    };
    let mut robot = bot::Config::new(bot_id, mode);
    robot.name.clone_from(&given.name);
    robot.language.clone_from(&given.language);
    robot.buttons = given.buttons;
    robot.upload_limit = given.upload_limit;
    robot.download_limit = given.download_limit;
    // Whatever the id is, it names no other folder.
    let name: String = bot_id.chars().filter(char::is_ascii_alphanumeric).collect();
    let file = format!("wecom-{name}.lock");
    robot.lock_file = Some(DataDir::at(&config.data).path().join(file));
    let limits = &given.limits;
    robot.rules = bot::Rules {
        answers: limits.answers,
        answer_window: limits.answer_window,
        text_limit: limits.text.clamp(100, 1 << 20),
        card_text: limits.card_text,
        room_per_minute: limits.room_per_minute,
        room_per_hour: limits.room_per_hour,
        calls_per_second: limits.calls_per_second,
        stream_gap: limits.stream_gap,
        stream_refresh: limits.stream_refresh,
        stream_life: limits.stream_life,
        link_life: limits.link_life,
        ping: limits.ping,
        ack: limits.ack,
        logins: limits.logins.max(1),
        piece: limits.piece.clamp(1024, 4 << 20),
        clock: limits.clock,
    };
    Ok(Some(robot))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_robot_needs_an_id_and_the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        assert!(configuration(&config).unwrap().is_none());
        config.wecom.bot_id = Some("aib/../1".to_owned());
        assert!(configuration(&config).is_err());
        config.wecom.secret = Some("secret".to_owned().into());
        let mut ours = configuration(&config).unwrap().unwrap();
        let file = ours.lock_file.take().unwrap();
        assert!(file.ends_with("wecom-aib1.lock"), "{}", file.display());
        let secret = "secret".to_owned().into();
        let mode = bot::Mode::Connection(bot::Connection::public(secret));
        let theirs = bot::Config::new("aib/../1", mode);
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
