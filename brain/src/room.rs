//! Rooms: where a message is.

mod choices;
mod lane;
mod pressure;

pub use choices::Choices;
pub use lane::{Inbound, Lanes};

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
