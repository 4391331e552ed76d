//! HTTP/2 settings of both ends of a session. Each end's settings limit what the other sends.

use std::time::Duration;

/// Bytes under way on one stream. Small windows keep control frames quick while files move; they
/// bound one file's speed to a window per round trip (20 MB/s at 50 ms).
pub(crate) const STREAM_WINDOW: u32 = 1 << 20;
/// Bytes under way on all streams together.
pub(crate) const CONNECTION_WINDOW: u32 = 2 << 20;
/// Bytes of one frame.
pub(crate) const FRAME: u32 = 64 << 10;
/// A peer that sends nothing for so long is asked whether it is there…
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// …and given up when it does not answer in this time.
pub(crate) const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Calls at once on one session: the control line and its transfers.
pub(crate) const STREAMS: u32 = 64;
/// The most bytes of one message.
pub(crate) const MESSAGE: usize = 4 << 20;
