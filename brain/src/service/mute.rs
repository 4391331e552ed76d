//! Rooms to which a bot writes although nobody in them can speak to it.

use jarvis_proto::chat::Room;

use crate::room::{BotKey, RoomKey};

/// Rooms of one bot, and the longest title in bytes.
const MOST: usize = 16;
const LONGEST_TITLE: usize = 128;

/// Such a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteRoom {
    /// Where it is.
    pub key: RoomKey,
    /// What it is called; something is directed to it by this.
    pub title: String,
}

/// The rooms that an adapter names, those with a title alone.
pub(super) fn rooms(bot: &BotKey, rooms: Vec<Room>) -> Vec<MuteRoom> {
    let is_named = |room: &Room| {
        let title = room.title.trim();
        !room.id.is_empty() && !title.is_empty() && title.len() <= LONGEST_TITLE
    };
    rooms
        .into_iter()
        .filter(is_named)
        .take(MOST)
        .map(|room| MuteRoom {
            key: RoomKey {
                bot: bot.clone(),
                room: room.id,
                thread: room.thread,
            },
            title: room.title.trim().to_owned(),
        })
        .collect()
}
