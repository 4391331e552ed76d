//! The chat platforms of the configuration. A new one is a file beside `telegram` and one line in each
//! function here.

use anyhow::bail;
use jarvis_adapters::host;
use jarvis_adapters::registry::{self, AdapterConfig};
use secrecy::SecretString;

use crate::check::Report;
use crate::cli::AdapterKind;
use crate::config::Config;
use crate::lifecycle::{STOP_LIMIT, Services};

mod lasting;
mod onebot;
pub(crate) mod qq;
mod telegram;
pub(crate) mod wechat;
pub(crate) mod wechat_official;
pub(crate) mod wechaty;
pub(crate) mod wecom;
pub(crate) mod wecom_app;
mod wecom_robot;

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
        AdapterKind::Wecom => {
            Ok(wecom::configuration(config)?.map(|bot| AdapterConfig::Wecom(Box::new(bot))))
        }
        AdapterKind::WechatOfficial => {
            let account = wechat_official::configuration(config);
            Ok(account.map(|account| AdapterConfig::WeChatOfficial(Box::new(account))))
        }
        AdapterKind::WecomApp => {
            Ok(wecom_app::configuration(config).map(|app| AdapterConfig::WeComApp(Box::new(app))))
        }
        AdapterKind::WecomRobot => {
            Ok(wecom_robot::configuration(config).map(AdapterConfig::WeComRobot))
        }
        AdapterKind::Wechat => {
            Ok(wechat::configuration(config).map(|bot| AdapterConfig::WeChat(Box::new(bot))))
        }
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
        AdapterKind::Wecom => {
            "there is no robot of WeCom: set `wecom.bot_id` and `wecom.secret_file`; the robot's page shows both"
        }
        AdapterKind::WechatOfficial => {
            "there is no Official Account: set `wechat_official.app_id` and what belongs to it \
             (docs/wechat-official.md)"
        }
        AdapterKind::WecomApp => {
            "there is no WeCom app: set `wecom_app.corp_id` and what belongs to it (docs/wecom-app.md)"
        }
        AdapterKind::WecomRobot => {
            "there is no group robot: set `wecom_robot.key_file` (docs/wecom-robot.md)"
        }
        AdapterKind::Wechat => "personal WeChat is off: set `wechat.enabled`",
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
        AdapterKind::Wecom => {
            "look whether this machine reaches `wecom.url`; the reason is on standard error"
        }
        AdapterKind::WechatOfficial => {
            "look whether this machine reaches `wechat_official.api_url`, and whether its address is on the \
             account's IP allow-list; the reason is on standard error"
        }
        AdapterKind::WecomApp => {
            "look whether this machine reaches `wecom_app.api_url`, and whether its address is among the app's \
             trusted IP addresses; the reason is on standard error"
        }
        AdapterKind::Wechat => {
            "look whether the data folder can be read; the reason is on standard error"
        }
        AdapterKind::Wechaty => {
            "look whether the gateway runs at `wechaty.endpoint` and is logged in; the reason is on \
             standard error"
        }
        AdapterKind::WecomRobot => {
            "look whether this machine reaches `wecom_robot.api_url`; the reason is on standard error"
        }
    }
}

/// Whether a platform would call an address.
fn https(key: &str, url: Option<&url::Url>, report: &mut Report) {
    let Some(url) = url else { return };
    if url.scheme() == "https" || url.scheme() == "http" {
        report.ok(key, url.to_string());
    } else {
        report.fail(
            key,
            format!("the platform does not call {url}"),
            "it calls http and https: put a reverse proxy before the address that we listen on",
        );
    }
}

/// Starts an adapter beside others, if the configuration has what it needs; says whether it does. Its end
/// is not that of the others, and when it crashes, it is started again.
///
/// # Errors
/// Something that the platform needs is missing.
pub(crate) fn start(
    config: &Config,
    kind: AdapterKind,
    brain: host::Brain,
    services: &mut Services,
) -> anyhow::Result<bool> {
    if configuration(config, kind)?.is_none() {
        return Ok(false);
    }
    let config = config.clone();
    services.start_apart(kind.name(), STOP_LIMIT, |stop| {
        let asked = stop.clone();
        lasting::keep(kind.name(), lasting::Pauses::default(), stop, move || {
            let bot = configuration(&config, kind);
            let (brain, stop) = (brain.clone(), asked.clone());
            async move {
                // It was there a moment ago.
                let Some(bot) = bot? else { return Ok(()) };
                Ok(registry::serve(kind.name(), bot, brain, None, stop).await?)
            }
        })
    });
    Ok(true)
}

/// Starts an adapter that was asked for by its name; its end is the end.
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
    let Some(bot) = configuration(config, kind)? else {
        bail!(missing(kind));
    };
    services.start(kind.name(), STOP_LIMIT, |stop| async move {
        Ok(registry::serve(kind.name(), bot, brain, adapter_token, stop).await?)
    });
    Ok(())
}
