//! Sees every message that goes in or out, for transcripts.

use std::fmt;
use std::sync::Arc;

use jarvis_proto::legacy::JarvisMsg;

/// One of the two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `procMsg`.
    Message,
    /// `procMsgStream`.
    Stream,
}

/// One message that passed.
#[derive(Debug)]
pub struct Tapped<'a> {
    /// On which call.
    pub call: Call,
    /// This side opened the call.
    pub is_ours: bool,
    /// This side sent the message.
    pub is_sent: bool,
    /// The whole message.
    pub message: &'a JarvisMsg,
}

type See = dyn Fn(Tapped<'_>) + Send + Sync;

/// Sees every message. It must be quick.
#[derive(Clone, Default)]
pub struct Tap(Option<Arc<See>>);

impl Tap {
    /// Calls a function with each message.
    pub fn new(see: impl Fn(Tapped<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(see)))
    }

    pub(super) fn see(&self, call: Call, is_ours: bool, is_sent: bool, message: &JarvisMsg) {
        if let Some(see) = &self.0 {
            see(Tapped {
                call,
                is_ours,
                is_sent,
                message,
            });
        }
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tap({})", self.0.is_some())
    }
}
