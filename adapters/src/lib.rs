//! Chat adapters: what lets Jarvis speak on a platform.
//!
//! An adapter turns a platform's updates into events and the brain's actions into the platform's
//! calls. It holds no user data and decides nothing. This crate depends on `proto` and on nothing
//! else of the workspace.
//!
//! * [`Adapter`] is what one platform has to bring; [`host::run`] is everything that all of them
//!   share: the session with the brain, reconnecting, repeated delivery until acknowledged, one
//!   lane per room, flood control, coalesced progress, file streams, stopping in order.
//! * [`markup`] and [`split`] render and split texts.
//! * [`few`] decides which states of a progress become messages where nothing can be edited.
//! * [`console`], [`qq`], [`telegram`] and [`wechat`] are the platforms; [`registry`] lists them.
//!
//! To add a platform: write `<platform>.rs` with its `config`, `inbound` and `outbound` beside it
//! (parsing and rendering as pure functions), implement [`Adapter`], and add one line to
//! [`registry`].

pub mod adapter;
mod base64_stream;
mod cause;
pub mod console;
pub mod errand;
mod event_stream;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod fake_brain;
pub mod few;
pub mod host;
mod look;
pub mod markup;
pub mod qq;
pub mod recent;
pub mod registry;
mod remote_file;
pub mod sign_in;
pub mod split;
pub mod telegram;
mod web;
mod websocket;
pub mod wechat;
mod window;

pub use adapter::{Adapter, AdapterError, ByteStream, Inbox, Notice, Profile};
pub use errand::Errand;
pub use host::{Brain, BrainAddress, HostError};
pub use look::Finding;

/// Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
