//! `jarvis adapter`: one platform in a process of its own, and the way from here to a brain.

use anyhow::bail;
use jarvis_adapters::{Brain, BrainAddress};
use secrecy::SecretString;

use crate::chat;
use crate::cli::{self, AdapterKind};
use crate::config::{Config, Secret};
use crate::data::DataDir;
use crate::lifecycle::{Outcome, Services, signals};
use crate::platform;

/// Runs one adapter until it is stopped.
///
/// # Errors
/// The address of the brain is no address, or the configuration lacks what the platform needs.
pub(crate) async fn run(config: &Config, arguments: &cli::Adapter) -> anyhow::Result<Outcome> {
    if arguments.create {
        if arguments.kind != AdapterKind::Qq {
            bail!("`--create` makes bots of QQ: `jarvis adapter qq --create`");
        }
        platform::qq::create(config).await?;
        return Ok(Outcome::Stopped);
    }
    if arguments.login {
        if arguments.kind != AdapterKind::Wechat {
            bail!("`--login` is for personal WeChat: `jarvis adapter wechat --login`");
        }
        platform::wechat::sign_in(config).await?;
        return Ok(Outcome::Stopped);
    }
    match arguments.kind {
        AdapterKind::Console => {
            let chat = cli::Chat {
                brain: arguments.brain.clone(),
                parallel: false,
            };
            chat::run(config, &chat).await
        }
        kind => {
            let config = &asked_for(config, kind);
            if kind == AdapterKind::Wechat {
                platform::wechat::sign_in_first(config).await?;
            }
            let signals = signals()?;
            let (brain, token) = reach(config, arguments.brain.as_deref())?;
            let mut services = Services::new();
            platform::start_alone(config, kind, brain, token, &mut services)?;
            Ok(services.run(signals).await)
        }
    }
}

/// The configuration of an adapter that was asked for by its name: nothing more has to switch it on.
pub(crate) fn asked_for(config: &Config, kind: AdapterKind) -> Config {
    let mut config = config.clone();
    config.wechat.enabled |= kind == AdapterKind::Wechat;
    config
}

/// The brain that the command line or the configuration names, else the socket in the data folder;
/// and the token to show there.
///
/// # Errors
/// The address is no address.
pub(crate) fn reach(
    config: &Config,
    address: Option<&str>,
) -> anyhow::Result<(Brain, Option<SecretString>)> {
    let address = self::address(config, address)?;
    let mut brain = Brain::from(address);
    if let Some(authority) = &config.adapter.ca_file {
        brain = brain.with_authority(authority);
    }
    let token = config.adapter.token.as_ref().map(Secret::to_secret_string);
    Ok((brain, token))
}

/// Where the brain is: what the command line or the configuration names, else the socket in the data
/// folder.
///
/// # Errors
/// The address is no address.
pub(crate) fn address(config: &Config, given: Option<&str>) -> anyhow::Result<BrainAddress> {
    Ok(match given.or(config.adapter.brain.as_deref()) {
        Some(text) => text.parse()?,
        None => BrainAddress::Unix(DataDir::at(&config.data).brain_socket(config)),
    })
}
