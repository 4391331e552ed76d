//! `jarvis adapter KIND --check`: would this adapter work? The platform itself is asked.

use std::time::Duration;

use jarvis_adapters::{AdapterError, BrainAddress, registry};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::Report;
use crate::cli::{self, AdapterKind};
use crate::config::Config;
use crate::{adapter, platform};

/// How long brain and platform may take to answer.
const LIMIT: Duration = Duration::from_secs(15);

/// Looks whether the brain can be reached, and whether the platform lets us in.
pub(crate) async fn run(config: &Config, arguments: &cli::Adapter, report: &mut Report) {
    brain(config, arguments.brain.as_deref(), report).await;
    let kind = arguments.kind;
    let config = &adapter::asked_for(config, kind);
    let name = kind.name();
    let found = match platform::configuration(config, kind) {
        Ok(Some(found)) => found,
        Ok(None) if kind == AdapterKind::Console => {
            report.ok(name, "needs nothing");
            return;
        }
        Ok(None) => {
            let remedy = "`jarvis check --example` prints every key";
            report.fail(name, platform::missing(kind), remedy);
            return;
        }
        Err(error) => {
            let remedy = "`jarvis check --example` prints every key";
            report.fail(name, error.to_string(), remedy);
            return;
        }
    };
    if kind == AdapterKind::Wecom && platform::wecom::is_held(config) {
        report.ok(
            name,
            "a Jarvis of this data folder has the robot now; a second login would take it away",
        );
        platform::wecom::look_beside(config, report).await;
        return;
    }
    if kind == AdapterKind::Wecom && platform::wecom::logs_in(config) && !arguments.take_over {
        report.warn(
            name,
            "BotID and Secret are not tried: only a login shows whether they are right, and it takes the \
             robot from a program that has it",
            "`--check --take-over` logs in for a moment; do that when nothing else has the robot",
        );
        platform::wecom::look_beside(config, report).await;
        return;
    }
    if kind == AdapterKind::Wechaty {
        // Connecting would wait for a scan, and for the events that a running adapter has.
        platform::wechaty::look(config, report).await;
        return;
    }
    match timeout(LIMIT, registry::connect(found)).await {
        Ok(Ok(adapter)) => {
            let profile = adapter.profile();
            let who = match profile.bot_name.as_str() {
                "" => profile.bot.clone(),
                bot_name => format!("{} (@{bot_name})", profile.bot),
            };
            // WeChat lets people in, one by one.
            if kind != AdapterKind::Wechat {
                report.ok(name, format!("lets us in as {who}"));
            }
            for finding in adapter.look().await {
                match finding.remedy {
                    None => report.ok(finding.subject, finding.detail),
                    Some(remedy) => report.fail(finding.subject, finding.detail, remedy),
                }
            }
            match kind {
                AdapterKind::Qq => platform::qq::look(config, report),
                AdapterKind::WechatOfficial => platform::wechat_official::look(config, report),
                AdapterKind::Wecom => platform::wecom::look(config, report),
                AdapterKind::WecomApp => platform::wecom_app::look(config, report),
                AdapterKind::Console
                | AdapterKind::Onebot
                | AdapterKind::Wechat
                | AdapterKind::Wechaty
                | AdapterKind::Telegram
                | AdapterKind::WecomRobot => {}
            }
        }
        Ok(Err(error @ AdapterError::Token { .. })) => report.fail(
            name,
            error.to_string(),
            "set the same token here and there; a revoked one has to be made anew",
        ),
        Ok(Err(error)) => report.fail(name, error.to_string(), "correct the setting"),
        Err(_) => report.fail(
            name,
            format!("no answer within {} s", LIMIT.as_secs()),
            platform::unreachable(kind),
        ),
    }
}

async fn brain(config: &Config, address: Option<&str>, report: &mut Report) {
    let address = match adapter::address(config, address) {
        Ok(address) => address,
        Err(error) => {
            report.fail("brain", error.to_string(), "correct `adapter.brain`");
            return;
        }
    };
    let reached = timeout(LIMIT, async {
        match &address {
            BrainAddress::Unix(path) => UnixStream::connect(path).await.map(drop),
            BrainAddress::Tcp { host, port, .. } => {
                TcpStream::connect((host.as_str(), *port)).await.map(drop)
            }
        }
    });
    match reached.await {
        Ok(Ok(())) => report.ok("brain", format!("takes connections at {address}")),
        Ok(Err(error)) => report.warn(
            "brain",
            format!("{address}: {error}"),
            "start `jarvis brain`, or use `jarvis up`, which needs none",
        ),
        Err(_) => report.warn(
            "brain",
            format!("{address}: no answer within {} s", LIMIT.as_secs()),
            "look at the firewall between here and there",
        ),
    }
}
