//! The outbox: what has to be said, stored until the platform confirmed it.

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
    /// The job whose status message it is; its message id is kept with the job's progress object.
    pub progress_key: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// Unix milliseconds before which it is not tried again.
    pub not_before_ms: i64,
    /// Unix milliseconds.
    pub created_ms: i64,
}

/// The platform's message that shows a progress object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressObject {
    /// Names the object (`job:<id>`).
    pub key: String,
    /// The platform's id of the message.
    pub message_id: String,
    /// When it was last drawn, Unix milliseconds.
    pub updated_ms: i64,
}
