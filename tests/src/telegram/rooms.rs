//! Rooms as a story sees them: what was written there, and waiting for more.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::Shared;
use super::people::Person;
use super::state::{Access, Body, Change, Chat, ChatKind, Entry, Message, State, User};

/// A chat, or one topic of a forum.
#[derive(Clone, Debug)]
pub struct Room {
    pub(super) shared: Arc<Shared>,
    pub(super) chat: i64,
    pub(super) thread: Option<i64>,
}

/// A message that somebody saw, at the moment they saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its id in the chat.
    pub message: i64,
    /// The text then.
    pub text: String,
    /// The labels of its buttons then.
    pub buttons: Vec<String>,
    /// The name of its file.
    pub file: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<i64>,
    /// Where in the room's history it was found.
    pub(super) place: usize,
}

impl Room {
    pub(super) fn group(shared: &Arc<Shared>, title: &str) -> Self {
        Self::create(shared, title, ChatKind::Group)
    }

    pub(super) fn forum(shared: &Arc<Shared>, title: &str) -> Self {
        let room = Self::create(shared, title, ChatKind::Supergroup);
        room.change(|chat| chat.topics = Some(std::collections::BTreeMap::new()));
        room
    }

    fn create(shared: &Arc<Shared>, title: &str, kind: ChatKind) -> Self {
        let chat = shared.with(|state| {
            let number = state.next_id();
            let id = match kind {
                ChatKind::Supergroup => -1_000_000_000_000 - number,
                _ => -number,
            };
            let chat = Chat::new(id, kind, title, Access::Open);
            state.chats.insert(id, chat);
            id
        });
        Self {
            shared: shared.clone(),
            chat,
            thread: None,
        }
    }

    fn change<T>(&self, work: impl FnOnce(&mut Chat) -> T) -> T {
        self.shared
            .with(|state| work(state.chats.get_mut(&self.chat).expect("rooms stay")))
    }

    /// The chat's id.
    pub fn id(&self) -> i64 {
        self.chat
    }

    /// A new topic of this forum.
    ///
    /// # Panics
    /// When the room is no forum.
    pub fn topic(&self, title: &str) -> Self {
        let thread = self.change(|chat| {
            let thread = chat.next_message();
            chat.topics
                .as_mut()
                .expect("the room is a forum")
                .insert(thread, title.to_owned());
            thread
        });
        let created = json!({"forum_topic_created": {"name": title, "icon_color": 7_322_096}});
        self.shared.with(|state| {
            let message = Message {
                id: thread,
                from: state.bot.clone(),
                thread: Some(thread),
                body: Body::Service(created),
                reply_to: None,
                keyboard: Vec::new(),
                date: SystemTime::now(),
                edited: false,
                forward_origin: None,
            };
            let chat = state.chats.get_mut(&self.chat).expect("rooms stay");
            chat.messages.insert(thread, message);
        });
        Self {
            thread: Some(thread),
            ..self.clone()
        }
    }

    /// `by` removes the bot.
    pub fn removes_bot(&self, by: &Person) {
        self.bot_becomes("kicked", Access::Removed, by);
    }

    /// `by` adds the bot (again).
    pub fn adds_bot(&self, by: &Person) {
        self.bot_becomes("member", Access::Open, by);
    }

    pub(super) fn bot_becomes(&self, status: &str, access: Access, by: &Person) {
        self.shared.with(|state| {
            let before = state.chats[&self.chat].access;
            let old = match before {
                Access::Open => "member",
                Access::Removed => "left",
                Access::NotStarted | Access::Blocked => "kicked",
            };
            let member = |status: &str, bot: &User| {
                let mut member = json!({"status": status, "user": bot.json()});
                if status == "kicked" {
                    member["until_date"] = json!(0);
                }
                member
            };
            let chat = state.chats.get_mut(&self.chat).expect("rooms stay");
            chat.access = access;
            let body = json!({
                "chat": chat.json(),
                "from": state.users[&by.id()].json(),
                "date": super::state::seconds(SystemTime::now()),
                "old_chat_member": member(old, &state.bot),
                "new_chat_member": member(status, &state.bot),
            });
            state.updates.push("my_chat_member", body);
        });
    }

    /// The group becomes a supergroup: the returned room. Writing to the old one fails from now on.
    pub fn becomes_supergroup(&self, by: &Person) -> Self {
        let title = self.change(|chat| chat.title.clone());
        let new = Self::create(&self.shared, &title, ChatKind::Supergroup);
        self.shared.with(|state| {
            let from = state.users[&by.id()].clone();
            for (chat, fields) in [
                (self.chat, json!({"migrate_to_chat_id": new.chat})),
                (new.chat, json!({"migrate_from_chat_id": self.chat})),
            ] {
                service(state, chat, &from, fields);
            }
            let old = state.chats.get_mut(&self.chat).expect("rooms stay");
            old.moved_to = Some(new.chat);
        });
        new
    }

    /// The room's history, oldest first; in a topic only what is in it.
    pub fn history(&self) -> Vec<Entry> {
        self.shared.quietly(|state| {
            let log = state.chats[&self.chat].log.iter();
            log.filter(|entry| self.thread.is_none() || entry.thread == self.thread)
                .cloned()
                .collect()
        })
    }

    /// What the bot's messages say now, oldest first.
    pub fn bot_messages(&self) -> Vec<String> {
        self.shared.quietly(|state| {
            let bot = state.bot.id;
            let messages = state.chats[&self.chat].messages.values();
            messages
                .filter(|message| message.from.id == bot)
                .filter(|message| !matches!(message.body, Body::Service(_)))
                .filter(|message| self.thread.is_none() || message.thread == self.thread)
                .map(|message| message.body.text().to_owned())
                .collect()
        })
    }

    /// How many of the bot's messages contain `text` now.
    pub fn count(&self, text: &str) -> usize {
        let messages = self.bot_messages();
        messages.iter().filter(|said| said.contains(text)).count()
    }

    /// Waits until one of the bot's messages contains `text`, whenever it was written.
    ///
    /// # Panics
    /// With the transcript when none does in time.
    pub async fn shows(&self, text: &str) {
        let found = self.next(0, |entry| entry.text.contains(text)).await;
        assert!(
            found.is_some(),
            "no {text:?} in time:\n{}",
            self.transcript()
        );
    }

    /// How many messages the bot sent here, edits not counted.
    pub fn sent(&self) -> usize {
        let history = self.history();
        history
            .iter()
            .filter(|entry| entry.change == Change::Sent)
            .count()
    }

    /// The bytes of the newest file that the bot sent here under `name`.
    pub fn file(&self, name: &str) -> Option<bytes::Bytes> {
        self.shared.quietly(|state| {
            let bot = state.bot.id;
            let mut newest = state.chats[&self.chat].messages.values().rev();
            newest.find_map(|message| {
                let file = message.body.file()?;
                (message.from.id == bot && file.name == name).then(|| file.bytes.clone())
            })
        })
    }

    /// Waits for the first message, sent or edited by the bot at `from` or later, that `fits`.
    pub(super) async fn next(&self, from: usize, fits: impl Fn(&Entry) -> bool) -> Option<Seen> {
        self.shared
            .wait_for(|state| {
                let log = state.chats[&self.chat].log.iter();
                log.enumerate()
                    .skip(from)
                    .filter(|(_, entry)| matches!(entry.change, Change::Sent | Change::Edited))
                    .filter(|(_, entry)| self.thread.is_none() || entry.thread == self.thread)
                    .find(|(_, entry)| fits(entry))
                    .map(|(place, entry)| Seen {
                        message: entry.message,
                        text: entry.text.clone(),
                        buttons: entry.buttons.clone(),
                        file: entry.file.clone(),
                        reply_to: entry.reply_to,
                        place,
                    })
            })
            .await
    }

    /// The history as a transcript, for the message of a failed test.
    pub fn transcript(&self) -> String {
        let lines = self.history().into_iter().map(|entry| {
            let file = entry
                .file
                .map_or_else(String::new, |name| format!(" [file {name}]"));
            let buttons: String = entry.buttons.iter().map(|b| format!(" [{b}]")).collect();
            format!(
                "  {:?} #{}: {}{file}{buttons}\n",
                entry.change, entry.message, entry.text
            )
        });
        lines.collect()
    }
}

fn service(state: &mut State, chat: i64, from: &User, fields: Value) {
    let room = state.chats.get_mut(&chat).expect("rooms stay");
    let message = Message {
        id: room.next_message(),
        from: from.clone(),
        thread: None,
        body: Body::Service(fields),
        reply_to: None,
        keyboard: Vec::new(),
        date: SystemTime::now(),
        edited: false,
        forward_origin: None,
    };
    let body = state.message_json(chat, &message);
    state.add(chat, message, Change::Said);
    state.updates.push("message", body);
}
