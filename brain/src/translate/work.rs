//! One translation that is to be made and shown: stored from its event until it was said.

use jarvis_proto::chat::{self, Attachment};
use serde::{Deserialize, Serialize};

use super::settings::{Goal, room_mark};
use crate::account::AccountId;
use crate::room::{RoomKey, RoomKind};
use crate::text::Language;

/// How every key of a shown translation begins.
const KEY: &str = "tr";

/// One message of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Where it was written.
    pub room: RoomKey,
    /// The platform's id of it.
    pub message: String,
}

impl Origin {
    /// Names the message among those of all rooms.
    pub fn mark(&self) -> String {
        format!("{}:{}", room_mark(&self.room), self.message)
    }

    /// Names the message that shows a translation of it in a room.
    pub fn key_in(&self, room: &RoomKey) -> String {
        format!("{}{}", key_prefix(room), self.mark())
    }
}

/// How the keys of all translations that are shown in a room begin.
pub(crate) fn key_prefix(room: &RoomKey) -> String {
    format!("{KEY}:{}:", room_mark(room))
}

/// Room mark and message of the origin whose translation has this key in the room.
pub(crate) fn origin_of_key<'k>(key: &'k str, room: &RoomKey) -> Option<(&'k str, &'k str)> {
    key.strip_prefix(key_prefix(room).as_str())?.split_once(':')
}

/// In which way a translation is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Style {
    /// Under the message, in its own room.
    Here,
    /// As what a person asked for with `tr`.
    Asked,
    /// As a message of a person in another room.
    Copy {
        /// What that person answered: message and text.
        reply_to: String,
        /// The text of it, where the platform gives it.
        reply_text: String,
        /// Whether that message is one of ours.
        is_reply_to_us: bool,
        /// What people are told of where it comes from.
        from: String,
        /// Files that came with it.
        files: Vec<FileHandle>,
    },
}

/// A file of a message, as an adapter finds it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHandle {
    handle: String,
    /// Its name.
    pub name: String,
    mime: String,
    /// Bytes.
    pub size: u64,
    kind: i32,
}

impl From<&Attachment> for FileHandle {
    fn from(attachment: &Attachment) -> Self {
        Self {
            handle: attachment.handle.clone(),
            name: attachment.name.clone(),
            mime: attachment.mime.clone(),
            size: attachment.size,
            kind: attachment.kind,
        }
    }
}

impl From<&FileHandle> for Attachment {
    fn from(file: &FileHandle) -> Self {
        Self {
            handle: file.handle.clone(),
            name: file.name.clone(),
            mime: file.mime.clone(),
            size: file.size,
            kind: file.kind,
        }
    }
}

impl FileHandle {
    /// The MIME type.
    pub(crate) fn mime(&self) -> &str {
        &self.mime
    }
}

/// One translation that is to be made and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// UUIDv7: also the order in a room.
    pub id: String,
    /// Where it is shown.
    pub room: RoomKey,
    /// What sort of room that is.
    pub kind: RoomKind,
    /// The message.
    pub origin: Origin,
    /// Who wrote it.
    pub author: String,
    /// Their id on the platform.
    pub person: String,
    /// Their account.
    pub account: AccountId,
    /// What they wrote.
    pub text: String,
    /// Into what.
    pub goals: Vec<Goal>,
    /// By no engine that is not on our own machines.
    pub local_only: bool,
    /// In which way it is shown.
    pub style: Style,
    /// In which language its author is spoken to.
    pub language: String,
    /// When it came, Unix milliseconds.
    pub received_ms: i64,
    /// What the platform wants to see in an answer, and when that lapses.
    pub context: Option<(String, i64)>,
    /// People were told that it takes long.
    #[serde(skip)]
    pub is_delayed: bool,
}

impl Work {
    /// The object that shows it.
    pub fn key(&self) -> String {
        self.origin.key_in(&self.room)
    }

    /// In which language its author is spoken to.
    pub(crate) fn ui(&self) -> Language {
        Language::from_tag(&self.language).unwrap_or(Language::En)
    }

    /// Whether somebody waits for an answer, even a bad one.
    pub(crate) fn is_asked(&self) -> bool {
        self.style == Style::Asked
    }

    pub(crate) fn reply_context(&self) -> Option<chat::ReplyContext> {
        let (token, expires_ms) = self.context.clone()?;
        Some(chat::ReplyContext { token, expires_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::BotKey;

    #[test]
    fn a_key_leads_back_to_its_message() {
        let room = |name: &str| RoomKey {
            bot: BotKey {
                kind: "console".to_owned(),
                bot: "b".to_owned(),
            },
            room: name.to_owned(),
            thread: String::new(),
        };
        let origin = Origin {
            room: room("one"),
            message: "12:a".to_owned(),
        };
        let key = origin.key_in(&room("two"));
        let mark = room_mark(&room("one"));
        assert_eq!(
            origin_of_key(&key, &room("two")),
            Some((mark.as_str(), "12:a"))
        );
        assert_eq!(origin_of_key(&key, &room("one")), None);
    }
}
