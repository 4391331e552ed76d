//! What the fake platform knows.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use super::fault::Faults;
use super::login::Code;

/// A refusal: the platform's code and words.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) words: String,
}

impl Refusal {
    /// What no bot may do: it is complained of.
    pub(super) fn wrong(words: impl Into<String>) -> Self {
        Self {
            code: -1,
            words: words.into(),
        }
    }

    /// The token has ended.
    pub(super) fn stale() -> Self {
        Self {
            code: -14,
            words: "session timeout".to_owned(),
        }
    }

    /// Too many messages, or too late.
    pub(super) fn limited() -> Self {
        Self {
            code: -2,
            words: "prepare failed".to_owned(),
        }
    }
}

/// Something that stands in a chat.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Id of the message.
    pub id: u64,
    /// The bot wrote it.
    pub is_bot: bool,
    /// What it says.
    pub text: String,
    /// Name of its file; a picture has none and is `picture`.
    pub file: Option<String>,
    /// The bytes of its file.
    pub bytes: Bytes,
}

/// A call of a bot.
#[derive(Clone, Debug)]
pub struct Call {
    /// Last part of the path, such as `sendmessage`.
    pub what: String,
    /// Whose line; empty where there is no token.
    pub person: String,
    /// What was sent.
    pub body: Value,
    /// The platform's code; 0 for success.
    pub code: i64,
    /// When it came.
    pub at: Instant,
}

/// One person's chat with their bot, and the line to it.
#[derive(Debug, Default)]
pub(super) struct Chat {
    pub(super) log: Vec<Entry>,
    /// The token of the one live line; `None`: nobody is connected.
    pub(super) token: Option<String>,
    pub(super) bot: String,
    /// Everything that the person wrote on this line; a cursor is a place in it.
    pub(super) messages: Vec<Value>,
    /// Place up to which the bot has shown that it knows.
    pub(super) known: usize,
    /// What was given to be shown in answers.
    pub(super) contexts: Vec<String>,
    pub(super) typing_ticket: Option<String>,
    pub(super) is_typing: bool,
    /// How often it was.
    pub(super) typed: usize,
    /// When the person last wrote.
    pub(super) heard: Option<Instant>,
    /// Messages of the bot since then.
    pub(super) answers: usize,
    pub(super) sent: VecDeque<Instant>,
    pub(super) refuses_until: Option<Instant>,
    /// Client id → message.
    pub(super) client_ids: HashMap<String, u64>,
    /// Questions for news on this line so far, and how many are held now.
    pub(super) polls: usize,
    pub(super) held: usize,
    pub(super) is_started: bool,
}

/// Bytes on the servers for files, encrypted.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) sealed: Bytes,
    /// What was announced of them; `None` for a person's file.
    pub(super) announced: Option<Announced>,
}

/// A file that a bot will put up.
#[derive(Clone, Debug)]
pub(super) struct Announced {
    pub(super) person: String,
    pub(super) file_key: String,
    pub(super) kind: u64,
    pub(super) size: u64,
    pub(super) md5: String,
    pub(super) sealed: u64,
    pub(super) key: [u8; 16],
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) chats: HashMap<String, Chat>,
    pub(super) codes: Vec<Code>,
    /// Tickets to put a file up.
    pub(super) uploads: HashMap<String, Announced>,
    pub(super) stored: HashMap<String, Stored>,
    pub(super) faults: Faults,
    pub(super) calls: Vec<Call>,
    pub(super) complaints: Vec<String>,
    pub(super) is_down: bool,
    /// Counts cuts: what was held before one breaks off.
    pub(super) cuts: usize,
    pub(super) last_uin: String,
    ids: u64,
}

impl State {
    /// Ids are beyond what a float can hold, as the platform's are.
    pub(super) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        7_463_524_564_243_524_000 + self.ids
    }

    /// Whose line this token is.
    pub(super) fn person_of(&self, token: &str) -> Option<String> {
        let mut chats = self.chats.iter();
        chats
            .find(|(_, chat)| chat.token.as_deref() == Some(token))
            .map(|(person, _)| person.clone())
    }

    pub(super) fn chat(&mut self, person: &str) -> &mut Chat {
        self.chats.entry(person.to_owned()).or_default()
    }
}
