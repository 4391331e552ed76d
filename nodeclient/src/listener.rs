//! TCP listeners, at roots for nodes that dial and at nodes for roots that dial.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::dial::{BoxedIo, ready};

/// How long to wait when the machine is out of something, e.g. file descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// An address on which nobody can listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the operating system says.
    pub source: io::Error,
}

/// Where a node waits for roots that dial it.
#[derive(Debug)]
pub struct NodeListener {
    tcp: TcpListener,
    address: SocketAddr,
}

impl NodeListener {
    /// Listens on an address; port 0 takes any free port.
    ///
    /// # Errors
    /// When the address is in use, or not this machine's.
    pub async fn bind(address: SocketAddr) -> Result<Self, ListenError> {
        let fault = |source| ListenError { address, source };
        let tcp = TcpListener::bind(address).await.map_err(fault)?;
        let address = tcp.local_addr().map_err(fault)?;
        Ok(Self { tcp, address })
    }

    /// The address in use.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next connection; cancel-safe. Its peer has proven nothing yet: give it to
    /// [`attach_accepted`](crate::attach_accepted) in a task of its own, and limit how many of those
    /// run at once.
    pub async fn accept(&self) -> (BoxedIo, SocketAddr) {
        let (tcp, peer) = self.accept_tcp().await;
        (Box::new(tcp), peer)
    }

    pub(crate) async fn accept_tcp(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.tcp.accept().await {
                Ok((tcp, peer)) if ready(&tcp).is_ok() => return (tcp, peer),
                // The peer was gone again at once.
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(address = %self.address, %error, "accepting a connection failed");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}
