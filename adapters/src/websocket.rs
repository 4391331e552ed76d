//! Client side of a WebSocket: dialled with a time limit, TLS where the address says so, messages of
//! a limited size.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};
use url::Url;

/// Longest time from the first packet to the end of the handshake.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// Largest message that is taken, in bytes.
pub(crate) const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// What a WebSocket runs on.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// A WebSocket over any wire.
pub(crate) type Socket = WebSocketStream<Box<dyn Wire>>;

/// Why there is no WebSocket. Its text never holds the address, which may have a token in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("no connection in time")]
    Silent,
    #[error("no connection: {0}")]
    Network(#[from] io::Error),
    /// The server answered the handshake with another status than 101.
    #[error("the server answered with status {0}")]
    Status(u16),
    #[error("the handshake failed: {0}")]
    Handshake(String),
}

/// How large messages may be, and how much is kept ready for them.
pub(crate) fn limits() -> WebSocketConfig {
    let mut config = WebSocketConfig::default();
    config.read_buffer_size = 16 * 1024;
    config.max_message_size = Some(LARGEST_MESSAGE);
    config.max_frame_size = Some(LARGEST_MESSAGE);
    config
}

/// Connects to a `ws:` or `wss:` address, with these headers.
///
/// # Errors
/// See [`DialError`].
pub(crate) async fn dial(url: &Url, headers: &[(&str, String)]) -> Result<Socket, DialError> {
    timeout(CONNECT_LIMIT, open(url, headers))
        .await
        .map_err(|_| DialError::Silent)?
}

async fn open(url: &Url, headers: &[(&str, String)]) -> Result<Socket, DialError> {
    let bad = |detail: &str| DialError::Handshake(detail.to_owned());
    let host = url
        .host_str()
        .ok_or_else(|| bad("the address has no host"))?;
    let port = url
        .port_or_known_default()
        .ok_or_else(|| bad("the address has no port"))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await?;
    stream.set_nodelay(true)?;
    let wire: Box<dyn Wire> = if matches!(url.scheme(), "wss" | "https") {
        let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
        Box::new(tls()?.connect(name, stream).await?)
    } else {
        Box::new(stream)
    };
    let mut request = Request::builder()
        .uri(url.as_str())
        .header("Host", format!("{host}:{port}"))
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header(
            "Sec-WebSocket-Key",
            tungstenite::handshake::client::generate_key(),
        );
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request
        .body(())
        .map_err(|_| bad("a header cannot be sent"))?;
    match client_async_with_config(request, wire, Some(limits())).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => Err(DialError::Status(answer.status().as_u16())),
        Err(tungstenite::Error::Io(error)) => Err(error.into()),
        Err(error) => Err(DialError::Handshake(error.to_string())),
    }
}

fn tls() -> io::Result<TlsConnector> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
