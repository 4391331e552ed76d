//! The outbox: what has to be said, stored until the platform confirmed it.

mod flying;
mod sender;

pub use sender::Outbox;

use jarvis_proto::chat::Action;
use prost::Message;

use crate::room::RoomKey;

/// One stored action.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxItem {
    /// Id of the action, UUIDv7 text: sorts by time, so it is also the order inside a room.
    pub id: String,
    /// Where it goes.
    pub room: RoomKey,
    /// The encoded chat `Action`.
    pub action: Vec<u8>,
    /// The progress object that it shows, if it shows one.
    pub progress_key: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// Unix milliseconds before which it is not tried again.
    pub not_before_ms: i64,
    /// Unix milliseconds.
    pub created_ms: i64,
}

impl OutboxItem {
    /// Makes the stored form of an action for a room.
    pub fn new(room: &RoomKey, action: &Action, now_ms: i64) -> Self {
        use jarvis_proto::chat::action::Kind;
        let progress_key = match &action.kind {
            Some(Kind::Progress(progress)) => Some(progress.key.clone()),
            _ => None,
        };
        Self {
            id: action.id.clone(),
            room: room.clone(),
            action: action.encode_to_vec(),
            progress_key,
            attempts: 0,
            not_before_ms: 0,
            created_ms: now_ms,
        }
    }
}

/// The platform's message that shows a progress object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressObject {
    /// Names the object (`job:<id>`).
    pub key: String,
    /// The platform's id of the message.
    pub message_id: String,
}
