//! One connection to a peer's server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jarvis_proto::legacy::jarvis_core_serv_client::JarvisCoreServClient;
use tokio_util::sync::CancellationToken;

use super::chunk::MESSAGE;
use crate::dial::{BoxedIo, Dialer, TcpDialer};
use crate::link::line::Line;

/// How long HTTP/2 may take to begin.
const BEGIN: Duration = Duration::from_secs(10);

/// The client of a peer.
pub(super) type Client = JarvisCoreServClient<Line>;

/// An open connection to a peer's server. Clones are the same connection.
#[derive(Clone)]
pub(super) struct Link {
    client: Client,
    over: Arc<Over>,
}

struct Over(CancellationToken);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Link {
    /// Dials `host:port`.
    ///
    /// # Errors
    /// When nobody answers there.
    pub(super) async fn dial(server_address: &str) -> io::Result<Self> {
        let io: BoxedIo = TcpDialer::new(server_address).dial().await?;
        let over = CancellationToken::new();
        let begun = tokio::time::timeout(BEGIN, Line::open_plain(io, over.clone()));
        let (line, connection) = begun
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
            .map_err(io::Error::other)?;
        let ended = over.clone();
        tokio::spawn(async move {
            let _ended = ended.clone().drop_guard();
            tokio::select! {
                _ = connection => {}
                () = ended.cancelled() => {}
            }
        });
        let origin = http::Uri::try_from(format!("http://{server_address}"))
            .unwrap_or_else(|_| http::Uri::from_static("http://jarvis"));
        // A message that is too large here is refused by the receiver, with an error on the call.
        let client = JarvisCoreServClient::with_origin(line, origin)
            .max_decoding_message_size(MESSAGE)
            .max_encoding_message_size(usize::MAX);
        Ok(Self {
            client,
            over: Arc::new(Over(over)),
        })
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.0.is_cancelled()
    }

    /// Cancelled when the connection is over; cancelling it ends the connection.
    pub(super) fn over(&self) -> CancellationToken {
        self.over.0.clone()
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link(over: {})", self.is_over())
    }
}
