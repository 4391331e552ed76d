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

/// The longest wait between two attempts, before chance is added.
const MOST_WAIT: Duration = Duration::from_secs(10);
/// The first wait, likewise.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A session that was cut is taken up again within this time, at random.
const AFTER_CUT: std::ops::Range<Duration> = Duration::from_millis(50)..Duration::from_millis(600);

/// The waits between attempts to reach the other side: doubling from half a second to ten seconds,
/// with up to as much again at random so that many nodes do not come back at the same moment.
pub struct Redial {
    waits: ExponentialBackoff,
    most: Duration,
}

impl Redial {
    /// Waits that grow to `most` before chance is added.
    #[must_use]
    pub fn up_to(most: Duration) -> Self {
        let waits = ExponentialBuilder::new()
            .with_min_delay(FIRST_WAIT.min(most))
            .with_max_delay(most)
            .with_jitter()
            .without_max_times();
        Self {
            waits: waits.build(),
            most,
        }
    }

    /// The wait before the next attempt.
    pub fn wait(&mut self) -> Duration {
        self.waits
            .next()
            .expect("the number of attempts has no limit")
    }

    /// The wait after a good session was cut: short, but not the same for all nodes of a root that
    /// was restarted. Later waits begin anew.
    pub fn wait_after_cut(&mut self) -> Duration {
        self.reset();
        rand::random_range(AFTER_CUT)
    }

    /// Begins again with short waits, because a session came about.
    pub fn reset(&mut self) {
        *self = Self::up_to(self.most);
    }
}

impl Default for Redial {
    fn default() -> Self {
        Self::up_to(MOST_WAIT)
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
            assert!(redial.wait() <= Duration::from_secs(20));
        }
        assert!(redial.wait() >= Duration::from_secs(10));
        redial.reset();
        assert!(redial.wait() <= Duration::from_secs(1));
    }

    #[test]
    fn nodes_of_a_restarted_root_do_not_come_back_at_the_same_moment() {
        let waits: std::collections::HashSet<_> = (0..100)
            .map(|_| Redial::default().wait_after_cut().as_millis())
            .collect();
        assert!(waits.len() > 30, "{waits:?}");
        assert!(waits.iter().all(|wait| *wait < 600), "{waits:?}");
    }
}
