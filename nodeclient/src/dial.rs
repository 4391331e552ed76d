//! Transports below a session: TCP, or memory.

use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Bytes both ways.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

/// Any transport.
pub type BoxedIo = Box<dyn Io>;

/// How long reaching an address may take.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// A way to reach the other side.
#[async_trait]
pub trait Dialer: Send + Sync {
    /// Opens one new transport; never waits longer than some seconds.
    ///
    /// # Errors
    /// When the other side cannot be reached.
    async fn dial(&self) -> io::Result<BoxedIo>;

    /// Where it leads to, for people.
    fn describe(&self) -> String;
}

/// Dials `host:port` over TCP.
#[derive(Debug, Clone)]
pub struct TcpDialer(String);

impl TcpDialer {
    /// A dialler of this `host:port`; the name is looked up at every dial.
    #[must_use]
    pub fn new(target: impl Into<String>) -> Self {
        Self(target.into())
    }
}

#[async_trait]
impl Dialer for TcpDialer {
    async fn dial(&self) -> io::Result<BoxedIo> {
        let tcp = limited(DIAL_TIMEOUT, TcpStream::connect(&self.0)).await?;
        ready(&tcp)?;
        Ok(Box::new(tcp))
    }

    fn describe(&self) -> String {
        self.0.clone()
    }
}

/// Sets what every TCP connection of the node network needs.
pub(crate) fn ready(tcp: &TcpStream) -> io::Result<()> {
    // Without it a frame that follows another waits for the peer's delayed acknowledgement.
    tcp.set_nodelay(true)
}

/// Waits for `io`, but not longer than `limit`.
pub(crate) async fn limited<T>(
    limit: Duration,
    io: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match tokio::time::timeout(limit, io).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer in {limit:?}"),
        )),
    }
}

/// The waits between attempts to reach the other side: from half a second to 30 seconds, doubling,
/// with up to as much again at random so that many nodes do not come back at the same moment.
pub struct Redial(ExponentialBackoff);

impl Redial {
    /// The wait before the next attempt.
    pub fn wait(&mut self) -> Duration {
        self.0.next().expect("the number of attempts has no limit")
    }

    /// Begins again with short waits, because a session came about.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Default for Redial {
    fn default() -> Self {
        let waits = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(30))
            .with_jitter()
            .without_max_times();
        Self(waits.build())
    }
}

impl fmt::Debug for Redial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redial")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_cap_and_never_end() {
        let mut redial = Redial::default();
        assert!(redial.wait() >= Duration::from_millis(500));
        for _ in 0..10_000 {
            assert!(redial.wait() <= Duration::from_secs(60));
        }
        assert!(redial.wait() >= Duration::from_secs(30));
        redial.reset();
        assert!(redial.wait() <= Duration::from_secs(1));
    }
}
