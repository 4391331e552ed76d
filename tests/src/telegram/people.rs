//! People: what they write, press and send, and what they wait to see.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use serde_json::json;

use super::Shared;
use super::formatting::{self, Formatted};
use super::rooms::{Room, Seen};
use super::state::{Access, Body, Callback, Change, Chat, ChatKind, Entry, Message, State, User};

/// A person with a phone. Reading goes forward: each `sees` looks only at what came after the last one.
#[derive(Clone, Debug)]
pub struct Person {
    private: Room,
    id: i64,
    /// How far the person has read, per room.
    read: Arc<Mutex<HashMap<Place, usize>>>,
}

/// A chat and a topic in it.
type Place = (i64, Option<i64>);

/// A pressed button that waits for its answer.
#[derive(Debug)]
pub struct Press {
    shared: Arc<Shared>,
    id: String,
}

impl Press {
    /// Waits for the bot to stop the spinner; returns its short text, empty for none.
    ///
    /// # Panics
    /// When the bot does not answer in time.
    pub async fn answered(&self) -> String {
        self.shared
            .wait_for(|state| state.callbacks[&self.id].answer.clone())
            .await
            .expect("the bot answers a pressed button in time")
    }
}

impl Person {
    pub(super) fn new(shared: &Arc<Shared>, name: &str, language: &str) -> Self {
        let id = shared.with(|state| {
            let id = state.next_id();
            let handle: String = name
                .to_lowercase()
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            let user = User {
                id,
                first_name: name.to_owned(),
                handle: Some(format!("{handle}_{id}")),
                language: Some(language.to_owned()),
                is_bot: false,
            };
            let chat = Chat::new(id, ChatKind::Private, name, Access::NotStarted);
            state.chats.insert(id, chat);
            state.users.insert(id, user);
            id
        });
        Self {
            private: Room {
                shared: shared.clone(),
                chat: id,
                thread: None,
            },
            id,
            read: Arc::default(),
        }
    }

    /// The person's id.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The private chat with the bot.
    pub fn room(&self) -> &Room {
        &self.private
    }

    /// Writes to the bot in private.
    pub fn says(&self, text: &str) -> i64 {
        self.says_in(&self.private, text)
    }

    /// Writes in a room.
    pub fn says_in(&self, room: &Room, text: &str) -> i64 {
        self.writes(room, plain(text), None, SystemTime::now())
    }

    /// Wrote to the bot in private this long ago; it arrives only now.
    pub fn said_before(&self, ago: Duration, text: &str) -> i64 {
        self.writes(&self.private, plain(text), None, SystemTime::now() - ago)
    }

    /// Answers a message.
    pub fn replies_in(&self, room: &Room, to: i64, text: &str) -> i64 {
        self.writes(room, plain(text), Some(to), SystemTime::now())
    }

    /// Sends a file to the bot in private.
    pub fn sends_file(&self, name: &str, bytes: impl Into<Bytes>, caption: &str) -> i64 {
        self.sends_file_in(&self.private, name, bytes, caption)
    }

    /// Sends a file to a room.
    pub fn sends_file_in(
        &self,
        room: &Room,
        name: &str,
        bytes: impl Into<Bytes>,
        caption: &str,
    ) -> i64 {
        let bytes = bytes.into();
        let file = room
            .shared
            .with(|state| state.store(name, "application/octet-stream", bytes));
        let Body::Text(caption) = plain(caption) else {
            unreachable!("plain makes text");
        };
        self.writes(room, Body::Document(file, caption), None, SystemTime::now())
    }

    /// Sends a picture to the bot in private.
    pub fn sends_photo(&self, bytes: impl Into<Bytes>, caption: &str) -> i64 {
        let bytes = bytes.into();
        let room = &self.private;
        let file = room
            .shared
            .with(|state| state.store("photo.jpg", "image/jpeg", bytes));
        let Body::Text(caption) = plain(caption) else {
            unreachable!("plain makes text");
        };
        self.writes(room, Body::Photo(file, caption), None, SystemTime::now())
    }

    /// Passes somebody's message on to the bot in private.
    ///
    /// # Panics
    /// When there is no such message.
    pub fn forwards(&self, room: &Room, message: i64) -> i64 {
        let (body, origin) = room.shared.with(|state| {
            let original = &state.chats[&room.chat].messages[&message];
            let origin = original.forward_origin.clone().unwrap_or_else(|| {
                json!({"type": "user", "sender_user": original.from.json(),
                    "date": super::state::seconds(original.date)})
            });
            (original.body.clone(), origin)
        });
        self.passes_on(body, origin)
    }

    /// Passes on a message of somebody who hides who they are.
    pub fn forwards_of_hidden(&self, name: &str, text: &str) -> i64 {
        let origin = json!({"type": "hidden_user", "sender_user_name": name,
            "date": super::state::seconds(SystemTime::now())});
        self.passes_on(plain(text), origin)
    }

    fn passes_on(&self, body: Body, origin: serde_json::Value) -> i64 {
        self.writes_passing_on(&self.private, body, None, SystemTime::now(), Some(origin))
    }

    fn writes(&self, room: &Room, body: Body, reply_to: Option<i64>, date: SystemTime) -> i64 {
        self.writes_passing_on(room, body, reply_to, date, None)
    }

    fn writes_passing_on(
        &self,
        room: &Room,
        body: Body,
        reply_to: Option<i64>,
        date: SystemTime,
        forward_origin: Option<serde_json::Value>,
    ) -> i64 {
        room.shared.with(|state| {
            let from = state.users[&self.id].clone();
            let chat = state.chats.get_mut(&room.chat).expect("rooms stay");
            if chat.kind == ChatKind::Private && chat.access == Access::NotStarted {
                chat.access = Access::Open;
            }
            let message = Message {
                id: chat.next_message(),
                from,
                thread: room.thread,
                body,
                // In a topic every message hangs on the one that opened it.
                reply_to: reply_to.or(room.thread),
                keyboard: Vec::new(),
                date,
                edited: false,
                forward_origin,
            };
            let id = message.id;
            let visible = visible(state, room.chat, &message);
            let body = state.message_json(room.chat, &message);
            state.add(room.chat, message, Change::Said);
            if visible {
                state.updates.push("message", body);
            }
            id
        })
    }

    /// Changes a message of their own.
    ///
    /// # Panics
    /// When there is no such message.
    pub fn edits(&self, room: &Room, message: i64, text: &str) {
        room.shared.with(|state| {
            let chat = state.chats.get_mut(&room.chat).expect("rooms stay");
            let message = chat
                .messages
                .get_mut(&message)
                .expect("the message is there");
            message.body = plain(text);
            message.edited = true;
            let message = message.clone();
            let body = state.message_json(room.chat, &message);
            if visible(state, room.chat, &message) {
                state.updates.push("edited_message", body);
            }
        });
    }

    /// Presses the newest button in the private chat whose label contains `label`.
    pub fn presses(&self, label: &str) -> Press {
        self.presses_in(&self.private, label)
    }

    /// Presses the newest button in a room whose label contains `label`.
    ///
    /// # Panics
    /// When there is no such button.
    pub fn presses_in(&self, room: &Room, label: &str) -> Press {
        let shared = room.shared.clone();
        let pressed = shared.with(|state| {
            let from = state.users[&self.id].clone();
            let mut newest = state.chats[&room.chat].messages.values().rev();
            let (message, data) = newest.find_map(|message| {
                let mut buttons = message.keyboard.iter().flatten();
                let button = buttons.find(|button| button.label.contains(label))?;
                Some((message.clone(), button.data.clone()?))
            })?;
            let id = state.next_id().to_string();
            let body = json!({
                "id": id,
                "from": from.json(),
                "message": state.message_json(room.chat, &message),
                "chat_instance": format!("{}", room.chat.unsigned_abs() * 31),
                "data": data,
            });
            let callback = Callback {
                made: Instant::now(),
                answer: None,
            };
            state.callbacks.insert(id.clone(), callback);
            state.updates.push("callback_query", body);
            Some(id)
        });
        match pressed {
            Some(id) => Press { shared, id },
            None => panic!("no button {label:?} in:\n{}", room.transcript()),
        }
    }

    /// Waits in the private chat for a message or an edit of the bot that contains `text`.
    pub async fn sees(&self, text: &str) -> Seen {
        self.sees_in(&self.private, text).await
    }

    /// Waits in a room for a message or an edit of the bot that contains `text`.
    pub async fn sees_in(&self, room: &Room, text: &str) -> Seen {
        self.sees_where(room, &format!("{text:?}"), |entry| {
            entry.text.contains(text)
        })
        .await
    }

    /// Waits in the private chat for a file of the bot named `name`, and returns its bytes.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn gets_file(&self, name: &str) -> Bytes {
        self.sees_where(&self.private, &format!("file {name:?}"), |entry| {
            entry.file.as_deref() == Some(name)
        })
        .await;
        self.private.file(name).expect("the file was just seen")
    }

    /// Waits in a room for a message or an edit of the bot that `fits`.
    ///
    /// # Panics
    /// With the room's transcript when it does not come in time.
    pub async fn sees_where(&self, room: &Room, what: &str, fits: impl Fn(&Entry) -> bool) -> Seen {
        let key = (room.chat, room.thread);
        let from = {
            let read = self.read.lock().expect("no holder panics");
            read.get(&key).copied().unwrap_or(0)
        };
        let Some(seen) = room.next(from, fits).await else {
            panic!("nobody wrote {what} in time:\n{}", room.transcript());
        };
        let mut read = self.read.lock().expect("no holder panics");
        read.insert(key, seen.place + 1);
        seen
    }

    /// Blocks the bot.
    pub fn blocks_bot(&self) {
        self.private.bot_becomes("kicked", Access::Blocked, self);
    }

    /// Lets the bot write again.
    pub fn unblocks_bot(&self) {
        self.private.bot_becomes("member", Access::Open, self);
    }
}

fn plain(text: &str) -> Body {
    Body::Text(Formatted {
        text: text.to_owned(),
        entities: formatting::detect(text),
    })
}

/// Does the bot see the message? In privacy mode only what is meant for it.
fn visible(state: &State, chat: i64, message: &Message) -> bool {
    let room = &state.chats[&chat];
    if room.access != Access::Open {
        return false;
    }
    if !room.is_group() || !state.privacy {
        return true;
    }
    let name = state.bot.handle.as_deref().unwrap_or_default();
    let at_bot = format!("@{}", name.to_lowercase());
    let text = message.body.text().to_lowercase();
    let command_for_us = text
        .strip_prefix('/')
        .and_then(|rest| rest.split_whitespace().next())
        .is_some_and(|command| !command.contains('@') || command.ends_with(&at_bot));
    let answers_us = message
        .reply_to
        .and_then(|to| room.messages.get(&to))
        .is_some_and(|to| to.from.is_bot && !matches!(to.body, Body::Service(_)));
    command_for_us || answers_us || text.contains(&at_bot)
}
