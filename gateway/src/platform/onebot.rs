//! The QQ account of the configuration.

use anyhow::Context;
use jarvis_adapters::qq::{self, MilkyEvents, Transport};

use crate::config::{Config, OneBotTransport, Secret};

/// The account; `None` when QQ is off.
///
/// # Errors
/// The address of the program with the login is missing.
pub(super) fn configuration(config: &Config) -> anyhow::Result<Option<qq::Config>> {
    let given = &config.onebot;
    let url = || given.url.clone().context("`onebot.url` is missing");
    let milky = |url, events| Transport::Milky { url, events };
    let transport = match given.transport {
        OneBotTransport::Off => return Ok(None),
        OneBotTransport::Websocket => Transport::WebSocket { url: url()? },
        OneBotTransport::Reverse => Transport::Reverse {
            listen: given.listen,
        },
        OneBotTransport::Http => Transport::Http {
            url: url()?,
            listen: given.listen,
            secret: given.secret.as_ref().map(Secret::to_secret_string),
        },
        OneBotTransport::Milky => milky(url()?, MilkyEvents::WebSocket),
        OneBotTransport::MilkySse => milky(url()?, MilkyEvents::Sse),
        OneBotTransport::MilkyWebhook => {
            let listen = given.listen;
            milky(url()?, MilkyEvents::Webhook { listen })
        }
    };
    let token = given.token.as_ref().map(Secret::to_secret_string);
    let mut account = qq::Config::new(transport, token);
    account.language.clone_from(&given.language);
    account.room_per_second = given.room_per_second;
    account.upload_limit = given.upload_limit;
    account.download_limit = given.download_limit;
    Ok(Some(account))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_adapter() {
        let mut config = Config::default();
        assert!(configuration(&config).unwrap().is_none());
        config.onebot.transport = OneBotTransport::Websocket;
        assert!(configuration(&config).is_err(), "an address is needed");
        let url: url::Url = "ws://127.0.0.1:3001".parse().unwrap();
        config.onebot.url = Some(url.clone());
        let ours = configuration(&config).unwrap().unwrap();
        let theirs = qq::Config::new(Transport::WebSocket { url }, None);
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }
}
