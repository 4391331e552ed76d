//! The adapters that this program has.

use std::sync::Arc;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::adapter::{Adapter, AdapterError};
use crate::console::{Console, ConsoleOptions};
use crate::host::{self, Brain, HostError};
use crate::qq::official::{self, QqBot};
use crate::qq::{self, Qq};
use crate::telegram::{self, Telegram};
use crate::wechat::app::{self, WeComApp};
use crate::wechat::bot::{self, WecomBot};
use crate::wechat::official::OfficialAccount;
use crate::wechat::personal::{self, Personal};
use crate::wechat::robot::{self, WeComRobot};
use crate::wechat::wechaty::{self, Wechaty};

/// Names of all adapters, as in `jarvis adapter KIND`.
pub const KINDS: [&str; 10] = [
    "console",
    "onebot",
    "qq",
    "telegram",
    "wechat",
    "wechat-official",
    "wechaty",
    "wecom",
    "wecom-app",
    "wecom-robot",
];

/// What one adapter has to be told.
#[derive(Debug)]
pub enum AdapterConfig {
    /// The console.
    Console(ConsoleOptions),
    /// A QQ account.
    OneBot(qq::Config),
    /// An official bot of QQ.
    Qq(Box<official::Config>),
    /// A Telegram bot.
    Telegram(telegram::Config),
    /// A robot of WeCom.
    Wecom(Box<bot::Config>),
    /// An Official Account of WeChat.
    WeChatOfficial(Box<crate::wechat::official::Config>),
    /// An app of WeCom.
    WeComApp(Box<app::Config>),
    /// The robot of a WeCom group.
    WeComRobot(robot::Config),
    /// The lines of people on personal WeChat.
    WeChat(Box<personal::Config>),
    /// A WeChat account behind a gateway.
    Wechaty(Box<wechaty::Config>),
}

/// Makes an adapter. Waits until its platform can be reached; cancel-safe.
///
/// # Errors
/// When waiting cannot help: a refused token, an unusable setting, no terminal.
pub async fn connect(config: AdapterConfig) -> Result<Arc<dyn Adapter>, AdapterError> {
    Ok(match config {
        AdapterConfig::Console(options) => Arc::new(Console::new(options)?),
        AdapterConfig::OneBot(config) => Arc::new(Qq::connect(config).await?),
        AdapterConfig::Qq(config) => Arc::new(QqBot::connect(*config).await?),
        AdapterConfig::Telegram(config) => Arc::new(Telegram::connect(config).await?),
        AdapterConfig::Wecom(config) => Arc::new(WecomBot::connect(*config).await?),
        AdapterConfig::WeChatOfficial(config) => Arc::new(OfficialAccount::connect(*config).await?),
        AdapterConfig::WeComRobot(config) => Arc::new(WeComRobot::connect(config).await?),
        AdapterConfig::WeComApp(config) => Arc::new(WeComApp::connect(*config).await?),
        AdapterConfig::WeChat(config) => Arc::new(Personal::connect(*config).await?),
        AdapterConfig::Wechaty(config) => Arc::new(Wechaty::connect(*config).await?),
    })
}

/// Makes an adapter and runs it until `stop`. What ends it for good is told to the brain, too.
///
/// # Errors
/// See [`HostError`].
pub async fn serve(
    kind: &str,
    config: AdapterConfig,
    brain: Brain,
    token: Option<SecretString>,
    stop: CancellationToken,
) -> Result<(), HostError> {
    let mut bot = String::new();
    let running = async {
        // It may wait long for the platform to answer the first time.
        let Some(adapter) = stop.run_until_cancelled(connect(config)).await else {
            return Ok(());
        };
        let adapter = adapter?;
        bot = adapter.profile().bot;
        host::run(adapter, brain.clone(), token.clone(), stop.clone()).await
    };
    let ended = running.await;
    if let Err(error) = &ended
        && !stop.is_cancelled()
    {
        let telling = host::report_stop(&brain, kind, &bot, token.as_ref(), error);
        stop.run_until_cancelled(telling).await;
    }
    ended
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jarvis_proto::chat::StopReason;

    use super::*;
    use crate::fake_brain::FakeBrain;

    #[tokio::test]
    async fn an_adapter_that_cannot_begin_says_why() {
        let brain = FakeBrain::start();
        let secret = SecretString::from("");
        let mode = bot::Mode::Connection(bot::Connection::public(secret));
        let config = AdapterConfig::Wecom(Box::new(bot::Config::new("aib1", mode)));
        let token = Some(SecretString::from("adapter-token"));
        let way = brain.brain.clone();
        let ended = serve("wecom", config, way, token, CancellationToken::new()).await;
        assert!(matches!(
            ended,
            Err(HostError::Adapter(AdapterError::Setting { .. }))
        ));
        let stops = brain.stops();
        let stop = stops.first().unwrap();
        assert_eq!(stops.len(), 1);
        assert_eq!((stop.kind.as_str(), stop.bot.as_str()), ("wecom", ""));
        assert_eq!(stop.token, "adapter-token");
        assert_eq!(stop.reason(), StopReason::Setting);
        assert!(stop.detail.contains("wecom.secret"), "{}", stop.detail);
    }
}
