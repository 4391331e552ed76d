//! What a configuration says about tokens and nodes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jarvis_nodeclient::Address;

use super::Report;
use crate::config::{Config, Secret};

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 24;

/// Tokens: there, long enough, and in files of their owner alone.
pub(super) fn tokens(config: &Config, report: &mut Report) {
    let subject = "telegram";
    match &config.telegram.token {
        None => report.ok(subject, "no token: no Telegram bot here"),
        Some(token) if looks_like_bot_token(token.reveal()) => report.ok(subject, "token is there"),
        Some(_) => report.warn(
            subject,
            "the token does not look like 123456:LETTERS",
            "copy it again from @BotFather",
        ),
    }
    for adapter in &config.brain.adapters {
        let subject = format!("adapter {}", adapter.kind);
        match &adapter.token {
            Some(token) if token.reveal().len() < SHORTEST_TOKEN => report.warn(
                &subject,
                format!("the token has fewer than {SHORTEST_TOKEN} characters"),
                format!("`jarvis keys new {}` makes a good one", adapter.kind),
            ),
            Some(_) => report.ok(&subject, "token is there"),
            None => report.fail(
                &subject,
                "no token",
                format!("`jarvis keys new {}` makes one", adapter.kind),
            ),
        }
        private(
            "brain.adapters.token_file",
            adapter.token_file.as_deref(),
            report,
        );
    }
    private(
        "brain.database_file",
        config.brain.database_file.as_deref(),
        report,
    );
    private(
        "adapter.token_file",
        config.adapter.token_file.as_deref(),
        report,
    );
    private(
        "telegram.token_file",
        config.telegram.token_file.as_deref(),
        report,
    );
    private(
        "telegram.webhook.secret_file",
        config.telegram.webhook.secret_file.as_deref(),
        report,
    );
    if let Some(Err(problem)) = config.telegram.webhook.secret.as_ref().map(webhook_secret) {
        report.fail(
            "telegram webhook",
            problem,
            "use letters, digits, _ and - only",
        );
    }
}

/// Translation engines: whose they are, and keys in files of their owner alone.
pub(super) fn engines(config: &Config, report: &mut Report) {
    if config.translate.engines.is_empty() {
        report.ok("translate", "no engine: nothing can be translated");
    }
    for (name, engine) in &config.translate.engines {
        let subject = format!("translate {name}");
        let url = engine.url.as_ref();
        let is_open = url.is_some_and(|url| url.scheme() == "http")
            && engine.key.is_some()
            && !engine.local.unwrap_or(false)
            && !url.and_then(url::Url::host_str).is_some_and(is_here);
        if is_open {
            report.warn(
                &subject,
                "the key and all texts travel unencrypted",
                "use an https address, or set `local = true` on a network of your own",
            );
        } else {
            let place = url.map_or_else(|| "its usual address".to_owned(), ToString::to_string);
            report.ok(&subject, format!("at {place}"));
        }
        private(
            &format!("translate.engines.{name}.key_file"),
            engine.key_file.as_deref(),
            report,
        );
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The nodes that the configuration names.
pub(super) fn nodes(config: &Config, report: &mut Report) {
    for node in &config.node {
        let subject = format!("node {}", node.name);
        if let Err(error) = node.address.parse::<Address>() {
            report.fail(
                &subject,
                error.to_string(),
                "copy the address that `jarvis-node init` printed",
            );
            continue;
        }
        if config.nodes.listen.0.is_none() && node.dial.is_none() && node.legacy.is_none() {
            report.fail(
                &subject,
                "cannot connect: it dials, and nobody listens",
                "set `nodes.listen`, or `dial` for this node",
            );
        } else {
            let dial = node.dial.as_ref().or(node.legacy.as_ref());
            let way = dial.map_or_else(
                || "it dials".to_owned(),
                |dial| format!("dialled at {dial}"),
            );
            report.ok(&subject, way);
        }
    }
}

/// The folders of the node inside `up`.
pub(super) fn local_node(config: &Config, report: &mut Report) {
    let node = &config.local_node;
    let subject = format!("node {}", node.name);
    if !node.enabled {
        report.ok(&subject, "off: `jarvis up` runs nothing on this machine");
        return;
    }
    for folder in &node.allow {
        if !folder.is_dir() {
            report.warn(
                &subject,
                format!("the allowed folder {} is not there", folder.display()),
                "correct `local_node.allow`",
            );
            return;
        }
    }
    report.ok(&subject, "inside `jarvis up`, as the user who starts it");
}

fn private(key: &str, path: Option<&Path>, report: &mut Report) {
    let Some(path) = path else { return };
    let Ok(metadata) = path.metadata() else {
        return;
    };
    if metadata.permissions().mode() & 0o077 != 0 {
        report.warn(
            key,
            format!("others may read {}", path.display()),
            format!("chmod 600 {}", path.display()),
        );
    }
}

fn looks_like_bot_token(token: &str) -> bool {
    token.split_once(':').is_some_and(|(id, rest)| {
        !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_digit())
            && rest.len() >= 30
            && rest.bytes().all(is_word)
    })
}

fn webhook_secret(secret: &Secret) -> Result<(), &'static str> {
    let secret = secret.reveal();
    if secret.len() > 256 || !secret.bytes().all(is_word) {
        return Err("Telegram would refuse the secret");
    }
    Ok(())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::KnownNode;

    /// The address of the secret key 1.
    const ADDRESS: &str = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH";

    #[test]
    fn an_address_with_a_slip_is_a_failure() {
        let mut config = Config::default();
        config.node.push(KnownNode {
            name: "web-1".to_owned(),
            address: ADDRESS.replace('g', "h"),
            tags: crate::config::OneOrMany::default(),
            dial: Some("192.0.2.1:7789".to_owned()),
            legacy: None,
        });
        let mut report = Report::default();
        nodes(&config, &mut report);
        assert!(!report.passed(), "{}", report.table());
    }

    #[test]
    fn a_bot_token_is_recognised() {
        assert!(looks_like_bot_token(
            "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
        ));
        for token in ["", ":", "abc:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "1:short"] {
            assert!(!looks_like_bot_token(token), "{token}");
        }
    }

    #[test]
    fn a_token_file_that_others_may_read_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut report = Report::default();
        private("telegram.token_file", Some(&path), &mut report);
        assert!(report.table().contains("chmod 600"), "{}", report.table());
    }

    #[test]
    fn a_node_that_can_never_connect_is_a_failure() {
        let mut config = Config::default();
        config.node.push(KnownNode {
            name: "web-1".to_owned(),
            address: ADDRESS.to_owned(),
            tags: crate::config::OneOrMany::default(),
            dial: None,
            legacy: None,
        });
        let mut report = Report::default();
        nodes(&config, &mut report);
        assert!(!report.passed(), "{}", report.table());
        config.node[0].dial = Some("192.0.2.1:7789".to_owned());
        let mut report = Report::default();
        nodes(&config, &mut report);
        assert!(report.passed(), "{}", report.table());
    }
}
