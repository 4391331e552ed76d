//! The chat platforms of the configuration. A new one is a file beside `telegram` and one line in each
//! function here.

use anyhow::bail;
use jarvis_adapters::host;
use jarvis_adapters::registry::{self, AdapterConfig};
use secrecy::SecretString;

use crate::cli::AdapterKind;
use crate::config::Config;
use crate::lifecycle::{STOP_LIMIT, Services};

mod onebot;
pub(crate) mod qq;
mod telegram;
pub(crate) mod wechaty;

/// What the configuration says of a platform; `None` when it is not used.
///
/// # Errors
/// Something that the platform needs is missing.
pub(crate) fn configuration(
    config: &Config,
    kind: AdapterKind,
) -> anyhow::Result<Option<AdapterConfig>> {
    match kind {
        AdapterKind::Console => Ok(None),
        AdapterKind::Onebot => Ok(onebot::configuration(config)?.map(AdapterConfig::OneBot)),
        AdapterKind::Qq => {
            Ok(qq::configuration(config)?.map(|bot| AdapterConfig::Qq(Box::new(bot))))
        }
        AdapterKind::Telegram => Ok(telegram::configuration(config)?.map(AdapterConfig::Telegram)),
        AdapterKind::Wechaty => {
            Ok(wechaty::configuration(config)
                .map(|account| AdapterConfig::Wechaty(Box::new(account))))
        }
    }
}

/// What has to be set for a platform to be used.
pub(crate) fn missing(kind: AdapterKind) -> &'static str {
    match kind {
        AdapterKind::Console => "the console is `jarvis chat`",
        AdapterKind::Onebot => "OneBot is off: set `onebot.transport`, and what belongs to it",
        AdapterKind::Qq => {
            "there is no QQ bot: set `qq.app_id` and `qq.secret_file`; `jarvis adapter qq --create` \
             makes one"
        }
        AdapterKind::Telegram => {
            "there is no bot token: set `telegram.token_file`, or JARVIS__TELEGRAM__TOKEN"
        }
        AdapterKind::Wechaty => {
            "there is no Wechaty gateway: set `wechaty.endpoint` and `wechaty.token_file`"
        }
    }
}

/// What to look at when a platform does not answer.
pub(crate) fn unreachable(kind: AdapterKind) -> &'static str {
    match kind {
        AdapterKind::Console => "a console is always there",
        AdapterKind::Onebot => {
            "look whether the QQ program runs and is logged in, whether `onebot.url` is where it listens, or \
             whether it connects to `onebot.listen`; the reason is on standard error"
        }
        AdapterKind::Qq => {
            "look whether this machine reaches `qq.token_url` and `qq.api_url`; the reason is on standard \
             error"
        }
        AdapterKind::Telegram => {
            "look whether this machine reaches `telegram.api_url`; the reason is on standard error"
        }
        AdapterKind::Wechaty => {
            "look whether the gateway runs at `wechaty.endpoint` and is logged in; the reason is on \
             standard error"
        }
    }
}

/// Starts an adapter among `services`, if the configuration has what it needs; says whether it does.
///
/// # Errors
/// Something that the platform needs is missing.
pub(crate) fn start(
    config: &Config,
    kind: AdapterKind,
    brain: host::Brain,
    adapter_token: Option<SecretString>,
    services: &mut Services,
) -> anyhow::Result<bool> {
    let Some(bot) = configuration(config, kind)? else {
        return Ok(false);
    };
    services.start(kind.name(), STOP_LIMIT, |stop| async move {
        // It may wait long for the platform to answer the first time.
        let Some(adapter) = stop.run_until_cancelled(registry::connect(bot)).await else {
            return Ok(());
        };
        Ok(host::run(adapter?, brain, adapter_token, stop).await?)
    });
    Ok(true)
}

/// The same for an adapter that was asked for by its name.
///
/// # Errors
/// The configuration does not have what it needs.
pub(crate) fn start_alone(
    config: &Config,
    kind: AdapterKind,
    brain: host::Brain,
    adapter_token: Option<SecretString>,
    services: &mut Services,
) -> anyhow::Result<()> {
    if !start(config, kind, brain, adapter_token, services)? {
        bail!(missing(kind));
    }
    Ok(())
}
