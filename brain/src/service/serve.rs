//! Listeners of the chat contract: in memory, on a Unix socket, on TCP with TLS.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::Stream;
use jarvis_proto::chat::chat_brain_server::ChatBrainServer;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream, UnixListenerStream};
use tonic::transport::server::Connected;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tracing::{info, warn};

use super::{ChatService, FRAME_LIMIT, Transport};
use crate::brain::Brain;

/// A listener could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The Unix socket cannot be made.
    #[error("cannot listen on the socket `{path}`")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process answers on the Unix socket.
    #[error("another jarvis already listens on the socket `{0}`")]
    SocketInUse(PathBuf),
    /// The port cannot be opened (in use, not allowed).
    #[error("cannot listen on {address}")]
    Port {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Adapters from other machines need TLS.
    #[error("{0} is not a loopback address: adapters on a network need a certificate and a key")]
    TlsNeeded(SocketAddr),
    /// The certificate or the key is not usable.
    #[error("the certificate or its key is not usable")]
    Tls(#[source] tonic::transport::Error),
}

/// Certificate chain and key, PEM.
#[derive(Debug, Clone)]
pub struct ServeTls {
    /// PEM text of the certificate chain.
    pub certificate: String,
    /// PEM text of the private key.
    pub key: secrecy::SecretString,
}

impl Brain {
    /// Serves adapters in this process that make the connections themselves.
    pub fn serve_streams(&self, connections: mpsc::Receiver<DuplexStream>) {
        let connections = ReceiverStream::new(connections);
        let incoming = futures::StreamExt::map(connections, Ok::<_, io::Error>);
        self.serve(incoming, Transport::Local, Server::builder());
    }

    /// Serves adapters of this user on this machine; whoever may open the socket is the owner.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn serve_unix(&self, path: &Path) -> Result<(), ServeError> {
        let failed = |source| ServeError::Socket {
            path: path.to_owned(),
            source,
        };
        if UnixStream::connect(path).await.is_ok() {
            return Err(ServeError::SocketInUse(path.to_owned()));
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        info!(socket = %path.display(), "listening for adapters");
        self.serve(
            UnixListenerStream::new(listener),
            Transport::Local,
            Server::builder(),
        );
        Ok(())
    }

    /// Serves adapters that bring a token. Without TLS only loopback addresses are allowed. Returns
    /// the address with its true port.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub async fn serve_tcp(
        &self,
        address: SocketAddr,
        tls: Option<ServeTls>,
    ) -> Result<SocketAddr, ServeError> {
        let mut server = Server::builder();
        match tls {
            None if !address.ip().is_loopback() => return Err(ServeError::TlsNeeded(address)),
            None => {}
            Some(tls) => {
                use secrecy::ExposeSecret;
                let identity = Identity::from_pem(tls.certificate, tls.key.expose_secret());
                let config = ServerTlsConfig::new().identity(identity);
                server = server.tls_config(config).map_err(ServeError::Tls)?;
            }
        }
        let failed = |source| ServeError::Port { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        info!(%address, "listening for adapters");
        let incoming = futures::StreamExt::map(TcpListenerStream::new(listener), |tcp| {
            let tcp = tcp?;
            tcp.set_nodelay(true)?;
            Ok::<_, io::Error>(tcp)
        });
        self.serve(incoming, Transport::Network, server);
        Ok(address)
    }

    fn serve<I, IO>(&self, incoming: I, transport: Transport, server: Server)
    where
        I: Stream<Item = io::Result<IO>> + Send + 'static,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let service = ChatBrainServer::new(ChatService::new(self.clone(), transport))
            .max_decoding_message_size(FRAME_LIMIT);
        let stopping = self.stopping().clone();
        let serving = server
            .timeout(Duration::from_secs(3600))
            .http2_keepalive_interval(Some(Duration::from_secs(20)))
            .http2_keepalive_timeout(Some(Duration::from_secs(20)))
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(2 << 20)
            .serve_with_incoming_shutdown(service, incoming, async move {
                stopping.cancelled().await;
            });
        self.spawn(async move {
            if let Err(error) = serving.await {
                warn!(%error, "a listener for adapters failed");
            }
        });
    }
}
