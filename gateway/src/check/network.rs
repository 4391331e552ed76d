//! Addresses to listen on: free, and fit for what they are for.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::Report;
use crate::config::{Config, TelegramMode};
use crate::data::DataDir;

/// A longer path is refused by the system (108 bytes with its end mark).
const LONGEST_SOCKET: usize = 107;

/// Where adapters connect.
pub(super) fn brain(config: &Config, data: &DataDir, running: bool, report: &mut Report) {
    let path = config.brain.socket.clone().unwrap_or_else(|| data.socket());
    let length = path.as_os_str().len();
    if length > LONGEST_SOCKET {
        report.fail(
            "brain socket",
            format!(
                "{} has {length} bytes; the system takes {LONGEST_SOCKET}",
                path.display()
            ),
            "set `brain.socket` to a shorter path",
        );
    } else {
        report.ok("brain socket", path.display().to_string());
    }
    listen("brain.listen", config.brain.listen.0, running, report);
    for file in [&config.brain.tls_certificate, &config.brain.tls_key]
        .into_iter()
        .flatten()
    {
        readable("brain TLS", file, report);
    }
}

/// Where nodes connect.
pub(super) fn nodes(config: &Config, running: bool, report: &mut Report) {
    listen("nodes.listen", config.nodes.listen.0, running, report);
}

/// Where Telegram's calls arrive.
pub(super) fn telegram(config: &Config, running: bool, report: &mut Report) {
    let telegram = &config.telegram;
    if telegram.token.is_none() || telegram.mode != TelegramMode::Webhook {
        return;
    }
    listen(
        "telegram.webhook.listen",
        Some(telegram.webhook.listen),
        running,
        report,
    );
    if let Some(url) = &telegram.webhook.url
        && url.scheme() != "https"
        && telegram.api_url.host_str() == Some("api.telegram.org")
    {
        report.fail(
            "telegram.webhook.url",
            format!("{url} is not https, and Telegram calls nothing else"),
            "put a reverse proxy with TLS before it",
        );
    }
}

fn listen(key: &str, address: Option<SocketAddr>, running: bool, report: &mut Report) {
    let Some(address) = address else {
        report.ok(key, "off");
        return;
    };
    match TcpListener::bind(address) {
        Ok(_) => report.ok(key, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && running => {
            report.ok(key, format!("{address} (Jarvis runs)"));
        }
        Err(error) => report.fail(
            key,
            format!("cannot listen on {address}: {error}"),
            format!("stop what uses it, or set `{key}` to another address"),
        ),
    }
}

fn readable(subject: &str, path: &Path, report: &mut Report) {
    match std::fs::read(path) {
        Ok(_) => report.ok(subject, path.display().to_string()),
        Err(error) => report.fail(
            subject,
            format!("cannot read {}: {error}", path.display()),
            "correct the path, or the file's rights",
        ),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::Listen;

    #[test]
    fn a_port_in_use_is_a_failure_unless_jarvis_has_it() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = Config::default();
        config.nodes.listen = Listen(Some(taken.local_addr().unwrap()));
        let mut report = Report::default();
        nodes(&config, true, &mut report);
        assert!(report.passed(), "{}", report.table());
        nodes(&config, false, &mut report);
        assert!(!report.passed(), "{}", report.table());
        assert!(report.table().contains("nodes.listen"));
    }

    #[test]
    fn a_socket_path_that_is_too_long_is_found() {
        let data = DataDir::at(Path::new(&"long/".repeat(30)));
        let mut report = Report::default();
        brain(&Config::default(), &data, false, &mut report);
        assert!(!report.passed(), "{}", report.table());
    }
}
