//! Where the brain is, and how a connection to it is made.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use url::{Host, Url};

use crate::cause::innermost;

/// Longest time for a connection to stand, TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Buffer of one in-memory connection, in bytes.
const MEMORY_BUFFER: usize = 256 * 1024;

/// The address of a brain: `unix:PATH`, `http://HOST:PORT`, `https://HOST:PORT` or `HOST:PORT`, which
/// means TLS unless the host is this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrainAddress {
    /// A Unix socket on this machine.
    Unix(PathBuf),
    /// A TCP port.
    Tcp {
        /// Name or address of the host; IPv6 addresses without brackets.
        host: String,
        /// The port.
        port: u16,
        /// Whether TLS is spoken.
        tls: bool,
    },
}

/// A text that is no address of a brain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no address of a brain: write unix:PATH, HOST:PORT, https://HOST:PORT or http://HOST:PORT"
)]
pub struct BadBrainAddress(String);

impl FromStr for BrainAddress {
    type Err = BadBrainAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadBrainAddress(text.to_owned());
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() {
                Err(bad())
            } else {
                Ok(Self::Unix(path.into()))
            };
        }
        let (given, rest) = match text.split_once("://") {
            Some(("http", rest)) => (Some(false), rest),
            Some(("https", rest)) => (Some(true), rest),
            Some(_) => return Err(bad()),
            None => (None, text),
        };
        // `https` only carries the host and port through the parser; its default port is not ours.
        let url = Url::parse(&format!("https://{rest}")).map_err(|_| bad())?;
        let has_more = url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty();
        let port = match (url.port(), given) {
            (Some(port), _) => port,
            (None, Some(true)) => 443,
            (None, Some(false)) => 80,
            // The parser drops the default port 443.
            (None, None) if rest.trim_end_matches('/').ends_with(":443") => 443,
            (None, None) => return Err(bad()),
        };
        let host = url
            .host()
            .filter(|_| !has_more && port != 0)
            .ok_or_else(bad)?;
        let is_here = match &host {
            Host::Domain(name) => *name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let host = match host {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        Ok(Self::Tcp {
            host,
            port,
            tls: given.unwrap_or(!is_here),
        })
    }
}

impl fmt::Display for BrainAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp { host, port, tls } => {
                let scheme = if *tls { "https" } else { "http" };
                if host.contains(':') {
                    write!(f, "{scheme}://[{host}]:{port}")
                } else {
                    write!(f, "{scheme}://{host}:{port}")
                }
            }
        }
    }
}

/// How the brain is reached.
#[derive(Debug, Clone)]
pub struct Brain {
    place: Place,
    authority: Option<PathBuf>,
}

#[derive(Debug, Clone)]
enum Place {
    Memory(mpsc::Sender<DuplexStream>),
    Address(BrainAddress),
}

impl From<BrainAddress> for Brain {
    fn from(address: BrainAddress) -> Self {
        Self {
            place: Place::Address(address),
            authority: None,
        }
    }
}

impl Brain {
    /// A brain in this process. Its server takes every connection from the receiver.
    #[must_use]
    pub fn in_memory() -> (Self, mpsc::Receiver<DuplexStream>) {
        let (sender, receiver) = mpsc::channel(4);
        (
            Self {
                place: Place::Memory(sender),
                authority: None,
            },
            receiver,
        )
    }

    /// Trusts the certificates in this PEM file, and no others, when TLS is spoken.
    #[must_use]
    pub fn with_authority(mut self, pem: impl Into<PathBuf>) -> Self {
        self.authority = Some(pem.into());
        self
    }

    /// Makes one connection.
    pub(crate) async fn connect(&self) -> io::Result<Channel> {
        let endpoint = Endpoint::from_static("http://brain")
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10))
            .keep_alive_while_idle(true);
        let brain = self.clone();
        let connector = tower::service_fn(move |_: http::Uri| {
            let brain = brain.clone();
            async move { brain.dial().await.map(TokioIo::new) }
        });
        tokio::time::timeout(CONNECT_LIMIT, endpoint.connect_with_connector(connector))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time"))?
            .map_err(|error| io::Error::other(innermost(&error)))
    }

    async fn dial(&self) -> io::Result<Box<dyn Line>> {
        match &self.place {
            Place::Memory(connections) => {
                let (ours, theirs) = tokio::io::duplex(MEMORY_BUFFER);
                connections
                    .send(theirs)
                    .await
                    .map_err(|_| io::ErrorKind::ConnectionRefused)?;
                Ok(Box::new(ours))
            }
            Place::Address(BrainAddress::Unix(path)) => {
                Ok(Box::new(UnixStream::connect(path).await?))
            }
            Place::Address(BrainAddress::Tcp { host, port, tls }) => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                if !tls {
                    return Ok(Box::new(stream));
                }
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                let connector = tls_connector(self.authority.as_deref())?;
                Ok(Box::new(connector.connect(name, stream).await?))
            }
        }
    }
}

impl fmt::Display for Brain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Memory(_) => f.write_str("this process"),
            Place::Address(address) => address.fmt(f),
        }
    }
}

/// A byte stream to the brain.
trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// TLS 1.3 with HTTP/2, for who trusts the certificates in a PEM file, or the public authorities.
///
/// # Errors
/// The file cannot be read, or what is in it is no certificate.
pub(crate) fn tls_connector(authority: Option<&Path>) -> io::Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    match authority {
        Some(path) => {
            for certificate in CertificateDer::pem_file_iter(path).map_err(io::Error::other)? {
                let certificate = certificate.map_err(io::Error::other)?;
                roots.add(certificate).map_err(io::Error::other)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::BrainAddress;

    fn tcp(host: &str, port: u16, tls: bool) -> BrainAddress {
        BrainAddress::Tcp {
            host: host.into(),
            port,
            tls,
        }
    }

    #[test]
    fn every_way_to_write_an_address() {
        for (text, address) in [
            (
                "unix:/run/jarvis.sock",
                BrainAddress::Unix("/run/jarvis.sock".into()),
            ),
            (
                "unix:///run/jarvis.sock",
                BrainAddress::Unix("/run/jarvis.sock".into()),
            ),
            ("brain.example:7700", tcp("brain.example", 7700, true)),
            ("brain.example:443", tcp("brain.example", 443, true)),
            ("localhost:7700", tcp("localhost", 7700, false)),
            ("127.0.0.1:7700", tcp("127.0.0.1", 7700, false)),
            ("[::1]:7700", tcp("::1", 7700, false)),
            ("https://127.0.0.1:7700", tcp("127.0.0.1", 7700, true)),
            (
                "http://brain.example:7700/",
                tcp("brain.example", 7700, false),
            ),
            ("https://brain.example", tcp("brain.example", 443, true)),
        ] {
            assert_eq!(text.parse(), Ok(address), "{text}");
        }
        for text in [
            "",
            "unix:",
            "brain",
            "ftp://a:1",
            "a:0",
            "a:1/x",
            "a:99999",
            "u@a:1",
            ":7700",
        ] {
            assert!(text.parse::<BrainAddress>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_shown_reads_back(text in "\\PC{0,40}") {
            if let Ok(address) = text.parse::<BrainAddress>() {
                prop_assert_eq!(address.to_string().parse::<BrainAddress>().unwrap(), address);
            }
        }
    }
}
