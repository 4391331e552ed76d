//! The Telegram bot of the configuration.

use anyhow::Context;
use jarvis_adapters::telegram;

use crate::config::{Config, Secret, TelegramMode};

/// The bot; `None` without a token for it.
///
/// # Errors
/// The webhook's address is missing.
pub(super) fn configuration(config: &Config) -> anyhow::Result<Option<telegram::Config>> {
    let given = &config.telegram;
    let Some(token) = &given.token else {
        return Ok(None);
    };
    let mut bot = telegram::Config::new(token.to_secret_string());
    bot.api_url = given.api_url.clone();
    bot.upload_limit = given.upload_limit;
    bot.download_limit = given.download_limit;
    bot.mode = match given.mode {
        TelegramMode::Polling => telegram::Mode::Polling {
            timeout: given.poll_timeout,
        },
        TelegramMode::Webhook => telegram::Mode::Webhook(telegram::Webhook {
            listen: given.webhook.listen,
            url: given
                .webhook
                .url
                .clone()
                .context("`telegram.webhook.url` is missing")?,
            secret: given.webhook.secret.as_ref().map(Secret::to_secret_string),
        }),
    };
    Ok(Some(bot))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_bot_needs_a_token() {
        let mut config = Config::default();
        assert!(configuration(&config).unwrap().is_none());
        config.telegram.token = Some("1:token".to_owned().into());
        let bot = configuration(&config).unwrap().unwrap();
        assert!(matches!(bot.mode, telegram::Mode::Polling { .. }));
    }

    #[test]
    fn the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        config.telegram.token = Some("1:token".to_owned().into());
        let ours = configuration(&config).unwrap().unwrap();
        let theirs = telegram::Config::new("1:token".to_owned().into());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
