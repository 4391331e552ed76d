//! Personal WeChat of the configuration.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, bail};
use jarvis_adapters::sign_in::{SignIn, State};
use jarvis_adapters::wechat::personal::{self, Rules};

use crate::config::Config;
use crate::data::DataDir;

/// Where the accounts of people are kept, in the data folder.
const FOLDER: &str = "wechat";

/// Signs one person in: shows a code in the terminal until it was scanned and confirmed.
///
/// # Errors
/// It was not, or WeChat cannot be reached.
pub(crate) async fn sign_in(config: &Config) -> anyhow::Result<()> {
    let data = DataDir::at(&config.data);
    data.create()?;
    let (sign_in, mut told, typing) = SignIn::channel();
    let signing_in = personal::sign_in(bot(config), sign_in);
    tokio::pin!(signing_in);
    let person = loop {
        tokio::select! {
            biased;
            Some(state) = told.recv() => match state {
                State::Code(code) => {
                    let drawn = personal::drawn(&code.link).context("the code is too long to draw")?;
                    println!("{drawn}\n");
                    println!("Scan this with WeChat on your phone, or open {} there.", code.link);
                }
                State::Scanned(_) => println!("Scanned. Now confirm on the phone."),
                State::Digits(digits) => {
                    if digits.again {
                        println!("Those digits were not right.");
                    }
                    println!("Type the digits that the phone shows:");
                    let typed = tokio::task::spawn_blocking(|| {
                        let mut line = String::new();
                        std::io::stdin().lock().read_line(&mut line).map(|_| line)
                    });
                    let line = typed.await.context("reading the digits")??;
                    if line.trim().is_empty() {
                        bail!("no digits were typed");
                    }
                    typing.send(line.trim().to_owned()).await.ok();
                }
                State::Connected(_) | State::Failed(_) => {}
            },
            person = &mut signing_in => break person?,
        }
    };
    println!(
        "\nSigned in as {}. The line is kept in {}.",
        person.id,
        data.path().join(FOLDER).display()
    );
    println!("`jarvis adapter wechat` serves it; `jarvis up` does with this in jarvis.toml:\n");
    println!("[wechat]\nenabled = true\n");
    println!("Then write to the bot in WeChat, and send it /whoami.");
    Ok(())
}

/// Signs somebody in before an adapter that nobody has signed in to starts, where a person looks on.
///
/// # Errors
/// See [`sign_in`].
pub(crate) async fn sign_in_first(config: &Config) -> anyhow::Result<()> {
    if !std::io::stdout().is_terminal() || personal::people(bot(config)).await? > 0 {
        return Ok(());
    }
    println!("Nobody has signed in to WeChat yet.\n");
    sign_in(config).await
}

/// What the adapter has to be told; `None` when it is not wanted.
pub(super) fn configuration(config: &Config) -> Option<personal::Config> {
    config.wechat.enabled.then(|| bot(config))
}

fn bot(config: &Config) -> personal::Config {
    let given = &config.wechat;
    let mut bot = personal::Config::new(DataDir::at(&config.data).path().join(FOLDER));
    bot.name.clone_from(&given.name);
    bot.api_url = given.api_url.clone();
    bot.cdn_url = given.cdn_url.clone();
    bot.hosts.clone_from(&given.hosts.0);
    bot.agent.clone_from(&given.agent);
    bot.version.clone_from(&given.version);
    bot.language.clone_from(&given.language);
    bot.markdown = given.markdown;
    bot.typing = given.typing;
    bot.upload_limit = given.upload_limit;
    bot.download_limit = given.download_limit;
    let limits = &given.limits;
    bot.rules = Rules {
        replies: limits.replies,
        window: limits.window,
        gap: limits.gap,
        pause: limits.pause,
        text_limit: limits.text.max(100),
        poll: limits.poll,
        sign_in: limits.sign_in,
        accounts: limits.accounts,
    };
    bot
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn it_is_off_until_it_is_wanted_and_the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        assert!(configuration(&config).is_none());
        config.wechat.enabled = true;
        let ours = configuration(&config).unwrap();
        let theirs = personal::Config::new(config.data.join(FOLDER));
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
