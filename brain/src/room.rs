//! Rooms: where a message is.

mod choices;
mod lane;

pub use choices::Choices;
pub use lane::{Inbound, Lanes};

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Names one bot of ours: the adapter kind and the bot's id on its platform. One bot has at most one
/// live session.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BotKey {
    /// Adapter kind, e.g. `console`.
    pub kind: String,
    /// The bot's id on its platform.
    pub bot: String,
}

/// Names a room: the bot that sits in it, the platform's id, and the thread inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RoomKey {
    /// Our bot in that room.
    pub bot: BotKey,
    /// The platform's id of the room.
    pub room: String,
    /// Thread or topic; empty for none.
    pub thread: String,
}

/// What sort of room it is. The numbers are those of the chat contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoomKind {
    /// One person and the bot.
    Private,
    /// Several people.
    Group,
    /// One-to-many.
    Channel,
}

impl RoomKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Private, Self::Group, Self::Channel];

    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Group => "group",
            Self::Channel => "channel",
        }
    }
}

/// The text names no kind of room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of room")]
pub struct UnknownRoomKind(pub String);

impl FromStr for RoomKind {
    type Err = UnknownRoomKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownRoomKind(text.to_owned()))
    }
}

/// A room as we know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Which room.
    pub key: RoomKey,
    /// What sort of room.
    pub kind: RoomKind,
    /// Title as last seen; may be empty.
    pub title: String,
    /// The language set for the room; `None` for each person's own.
    pub language: Option<String>,
    /// When somebody last wrote in it, Unix milliseconds.
    pub last_message_ms: i64,
}
