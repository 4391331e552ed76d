//! The frame that both transports carry.

use serde::Deserialize;
use serde_json::Value;

/// What a frame is for.
pub(super) mod op {
    pub(in super::super) const DISPATCH: u64 = 0;
    pub(in super::super) const HEARTBEAT: u64 = 1;
    pub(in super::super) const IDENTIFY: u64 = 2;
    pub(in super::super) const RESUME: u64 = 6;
    pub(in super::super) const RECONNECT: u64 = 7;
    pub(in super::super) const INVALID_SESSION: u64 = 9;
    pub(in super::super) const HELLO: u64 = 10;
    pub(in super::super) const HEARTBEAT_ACK: u64 = 11;
    pub(in super::super) const CALLBACK_ACK: u64 = 12;
    pub(in super::super) const CALLBACK_CHECK: u64 = 13;
}

/// One frame.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Frame {
    pub(super) op: u64,
    /// Number of an event on this session.
    pub(super) s: Option<u64>,
    /// Kind of an event.
    pub(super) t: Option<String>,
    /// Id of an event.
    pub(super) id: Option<String>,
    pub(super) d: Value,
}

impl Frame {
    /// The kind of event; empty for other frames.
    pub(super) fn kind(&self) -> &str {
        self.t.as_deref().unwrap_or_default()
    }
}
