//! Addresses to listen on: free, and fit for what they are for.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Report;
use crate::config::{Config, TelegramMode, WecomMode};
use crate::data::DataDir;

/// A longer path is refused by the system (108 bytes with its end mark).
const LONGEST_SOCKET: usize = 107;

/// Where adapters connect.
pub(super) fn brain(config: &Config, data: &DataDir, running: bool, report: &mut Report) {
    let path = data.brain_socket(config);
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
    if let Some(path) = &config.brain.tls_certificate {
        pem("brain.tls_certificate", path, certificates(path), report);
    }
    if let Some(path) = &config.brain.tls_key {
        let key = PrivateKeyDer::from_pem_file(path).map(|_| "a private key".to_owned());
        pem("brain.tls_key", path, key, report);
    }
    if let Some(path) = &config.adapter.ca_file {
        pem("adapter.ca_file", path, certificates(path), report);
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

/// Where the program with the QQ login connects, or posts its events.
pub(super) fn onebot(config: &Config, running: bool, report: &mut Report) {
    use crate::config::OneBotTransport::{Http, MilkyWebhook, Reverse};
    if matches!(config.onebot.transport, Http | Reverse | MilkyWebhook) {
        listen("onebot.listen", Some(config.onebot.listen), running, report);
    }
}

/// Where WeCom's calls arrive.
pub(super) fn wecom(config: &Config, running: bool, report: &mut Report) {
    let wecom = &config.wecom;
    if wecom.bot_id.is_some() && wecom.mode == WecomMode::Callback {
        listen(
            "wecom.callback.listen",
            Some(wecom.callback.listen),
            running,
            report,
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

fn certificates(path: &Path) -> Result<String, pem::Error> {
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(path)? {
        certificate?;
        count += 1;
    }
    match count {
        0 => Err(pem::Error::NoItemsFound),
        1 => Ok("one certificate".to_owned()),
        _ => Ok(format!("{count} certificates")),
    }
}

fn pem(key: &str, path: &Path, found: Result<String, pem::Error>, report: &mut Report) {
    match found {
        Ok(found) => report.ok(key, format!("{found} in {}", path.display())),
        Err(error) => report.fail(
            key,
            format!("{}: {error}", path.display()),
            "it must be a PEM file that this user may read",
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
    fn a_file_without_a_certificate_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("brain.pem");
        for text in [None, Some("no certificate")] {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let mut config = Config::default();
            config.brain.tls_certificate = Some(path.clone());
            let mut report = Report::default();
            brain(&config, &DataDir::at(dir.path()), false, &mut report);
            assert!(!report.passed(), "{}", report.table());
        }
    }

    #[test]
    fn a_socket_path_that_is_too_long_is_found() {
        let data = DataDir::at(Path::new(&"long/".repeat(30)));
        let mut report = Report::default();
        brain(&Config::default(), &data, false, &mut report);
        assert!(!report.passed(), "{}", report.table());
    }
}
