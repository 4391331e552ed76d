//! Columns that several tables share, and the way of words and JSON in and out of them.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Fault;
use crate::room::{BotKey, RoomKey};

/// The four columns that name a room.
#[derive(sqlx::FromRow)]
pub(super) struct RoomColumns {
    kind: String,
    bot: String,
    room: String,
    thread: String,
}

impl From<RoomColumns> for RoomKey {
    fn from(row: RoomColumns) -> Self {
        Self {
            bot: BotKey {
                kind: row.kind,
                bot: row.bot,
            },
            room: row.room,
            thread: row.thread,
        }
    }
}

/// A stored word as what it stands for.
pub(super) fn value<T>(word: &str) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: Display,
{
    word.parse()
        .map_err(|error: T::Err| Fault::Value(error.to_string()))
}

/// As it stands in a JSON column.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Value(error.to_string()))
}

/// What stands in a JSON column.
pub(super) fn from_json<T: DeserializeOwned>(json: &str) -> Result<T, Fault> {
    serde_json::from_str(json).map_err(|error| Fault::Value(format!("stored json: {error}")))
}
