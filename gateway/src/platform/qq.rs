//! The official QQ bot of the configuration.

use anyhow::{Context as _, bail};
use jarvis_adapters::qq::official::{self, Creation};
use secrecy::ExposeSecret as _;

use crate::check::Report;
use crate::config::{Config, QqMode};
use crate::data::{self, DataDir};

/// The ports that QQ calls.
const PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// Makes a bot: shows a code in the terminal, waits until a phone has scanned it, and keeps the secret.
///
/// # Errors
/// The code has expired, the portal cannot be reached, or there is a secret already.
pub(crate) async fn create(config: &Config) -> anyhow::Result<()> {
    let data = DataDir::at(&config.data);
    data.create()?;
    let file = data.path().join("qq.secret");
    if file.exists() {
        bail!(
            "{} is there already: it holds the secret of a bot. Move it away to make another",
            file.display()
        );
    }
    let creation = Creation::begin(config.qq.portal_url.clone()).await?;
    println!("{}\n", creation.drawn()?);
    println!(
        "Scan this with QQ on your phone, or open {}",
        creation.address()
    );
    println!("Waiting for five minutes ...");
    let bot = creation.finish().await?;
    data::write_private(&file, bot.secret.expose_secret())
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("\nThe bot is there. Put this into jarvis.toml:\n");
    println!("[qq]");
    println!("app_id = {:?}", bot.app_id);
    println!("secret_file = {:?}\n", file.display().to_string());
    println!("Then start Jarvis, write to the bot in QQ, and send it /whoami.");
    Ok(())
}

/// Looks at what the adapter does not know: the address that QQ calls.
pub(crate) fn look(config: &Config, report: &mut Report) {
    if let (QqMode::Webhook, Some(url)) = (config.qq.mode, &config.qq.webhook.url) {
        let port = url.port_or_known_default().unwrap_or_default();
        if url.scheme() == "https" && PORTS.contains(&port) {
            report.ok("qq.webhook.url", url.to_string());
        } else {
            report.fail(
                "qq.webhook.url",
                format!("QQ does not call {url}"),
                "it calls https on port 80, 443, 8080 or 8443: put a reverse proxy before `qq.webhook.listen`",
            );
        }
    }
}

/// What the adapter has to be told; `None` without an app id.
pub(super) fn configuration(config: &Config) -> anyhow::Result<Option<official::Config>> {
    let given = &config.qq;
    let (Some(app_id), Some(secret)) = (&given.app_id, &given.secret) else {
        return Ok(None);
    };
    let mut bot = official::Config::new(app_id, secret.to_secret_string());
    bot.api_url = given.api_url.clone();
    bot.token_url = given.token_url.clone();
    bot.gateway_url = given.gateway_url.clone();
    bot.language.clone_from(&given.language);
    bot.markdown = given.markdown;
    bot.buttons = given.buttons;
    bot.upload_limit = given.upload_limit;
    bot.download_limit = given.download_limit;
    // The gateway's session is kept in the data folder. An app id is a number; whatever it is, it names
    // no other folder.
    let name: String = app_id.chars().filter(char::is_ascii_alphanumeric).collect();
    let file = format!("qq-{name}.session");
    bot.state_file = Some(DataDir::at(&config.data).path().join(file));
    let limits = &given.limits;
    bot.rules = official::Rules {
        replies: limits.replies,
        private_window: limits.private_window,
        group_window: limits.group_window,
        text_limit: limits.text.max(100),
        unasked: limits.unasked,
        room_per_minute: limits.room_per_minute,
        room_per_day: limits.room_per_day,
        private_per_minute: limits.private_per_minute,
        group_per_minute: limits.group_per_minute,
        calls_per_second: limits.calls_per_second,
        single_upload: limits.single_upload,
        ..official::Rules::default()
    };
    bot.mode = match given.mode {
        QqMode::Websocket => official::Mode::WebSocket,
        QqMode::Webhook => {
            let url = given.webhook.url.as_ref();
            let url = url.context("`qq.webhook.url` is missing")?;
            official::Mode::Webhook(official::Webhook {
                listen: given.webhook.listen,
                path: url.path().to_owned(),
            })
        }
    };
    Ok(Some(bot))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_bot_needs_an_app_id_and_the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        assert!(configuration(&config).unwrap().is_none());
        config.qq.app_id = Some("102/../1".to_owned());
        config.qq.secret = Some("secret".to_owned().into());
        let mut ours = configuration(&config).unwrap().unwrap();
        let file = ours.state_file.take().unwrap();
        assert!(file.ends_with("qq-1021.session"), "{}", file.display());
        let theirs = official::Config::new("102/../1", "secret".to_owned().into());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
