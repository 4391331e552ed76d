//! People and groups: what they write, press and send, and what they wait to see.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Shared;
use super::state::{Answerable, Entry, Room, State};

/// A person with QQ. Reading goes forward: each `sees` looks only at what came after the last one.
#[derive(Clone, Debug)]
pub struct Person {
    shared: Arc<Shared>,
    name: String,
    /// How far the person has read, by room.
    read: Arc<Mutex<HashMap<String, usize>>>,
}

/// A group with the bot in it.
#[derive(Clone, Debug)]
pub struct Group {
    shared: Arc<Shared>,
    openid: String,
}

impl Group {
    pub(super) fn new(shared: &Arc<Shared>, name: &str) -> Self {
        let openid = format!("G-{name}");
        shared.with(|state| state.rooms.insert(openid.clone(), Room::new(true)));
        Self {
            shared: shared.clone(),
            openid,
        }
    }

    /// The group's openid.
    pub fn openid(&self) -> &str {
        &self.openid
    }

    /// The owner lets the bot read everything.
    pub fn lets_bot_hear_all(&self) {
        self.change(|room| room.hears_all = true);
    }

    /// The owner switches unasked messages on or off; the bot is told.
    pub fn takes_unasked(&self, allowed: bool) {
        self.change(|room| room.takes_unasked = allowed);
        let kind = if allowed {
            "GROUP_MSG_RECEIVE"
        } else {
            "GROUP_MSG_REJECT"
        };
        let d = json!({"group_openid": self.openid, "op_member_openid": "M-owner", "timestamp": 0});
        self.shared.with(|state| state.dispatch(kind, &d));
    }

    /// The bot is muted, or may speak again.
    pub fn mutes_bot(&self, muted: bool) {
        self.change(|room| room.is_muted = muted);
    }

    /// The bot is removed.
    pub fn removes_bot(&self) {
        self.change(|room| room.is_open = false);
    }

    /// What was written here.
    pub fn log(&self) -> Vec<Entry> {
        log(&self.shared, &self.openid)
    }

    fn change(&self, work: impl FnOnce(&mut Room)) {
        self.shared
            .with(|state| work(state.rooms.get_mut(&self.openid).expect("groups stay")));
    }
}

impl Person {
    pub(super) fn new(shared: &Arc<Shared>, name: &str) -> Self {
        let person = Self {
            shared: shared.clone(),
            name: name.to_owned(),
            read: Arc::default(),
        };
        let room = Room::new(false);
        shared.with(|state| state.rooms.insert(person.openid(), room));
        person
    }

    /// The openid in private.
    pub fn openid(&self) -> String {
        format!("U-{}", self.name)
    }

    /// The openid in groups.
    pub fn member_openid(&self) -> String {
        if self.shared.quietly(|state| state.settings.one_openid) {
            self.openid()
        } else {
            format!("M-{}", self.name)
        }
    }

    /// Writes to the bot in private.
    pub fn says(&self, text: &str) -> String {
        self.sends(text, &[])
    }

    /// Sends a file to the bot in private.
    pub fn sends_file(&self, name: &str, bytes: impl Into<Bytes>, caption: &str) -> String {
        self.sends(caption, &[(name, bytes.into())])
    }

    fn sends(&self, text: &str, files: &[(&str, Bytes)]) -> String {
        let openid = self.openid();
        self.shared.with(|state| {
            let attachments = attach(state, &self.shared.base(), files);
            let author = json!({"id": openid, "user_openid": openid, "union_openid": ""});
            let message = Said {
                room: openid.clone(),
                from: self.name.clone(),
                text,
                fields: json!({"author": author, "attachments": attachments}),
                kinds: &["C2C_MESSAGE_CREATE"],
                content: text.to_owned(),
            };
            message.goes(state)
        })
    }

    /// Becomes the bot's friend.
    pub fn adds_bot(&self) {
        let openid = self.openid();
        self.shared.with(|state| {
            let d = json!({"openid": openid, "timestamp": seconds()});
            let id = state.dispatch("FRIEND_ADD", &d);
            answerable(state, &id, &id, &openid);
        });
    }

    /// Ends the friendship.
    pub fn removes_bot(&self) {
        let openid = self.openid();
        self.shared.with(|state| {
            state.rooms.get_mut(&openid).expect("people stay").is_open = false;
        });
    }

    /// Writes in a group without meaning the bot.
    pub fn says_in(&self, group: &Group, text: &str) -> String {
        self.writes_in(group, text, false)
    }

    /// Mentions the bot in a group and writes.
    pub fn asks_in(&self, group: &Group, text: &str) -> String {
        self.writes_in(group, text, true)
    }

    fn writes_in(&self, group: &Group, text: &str, mentions: bool) -> String {
        let openid = self.member_openid();
        self.shared.with(|state| {
            let hears_all = state.rooms[&group.openid].hears_all;
            let mut fields = json!({
                "group_openid": group.openid,
                "author": {"id": openid, "member_openid": openid},
            });
            let content = if mentions && hears_all {
                fields["mentions"] = json!([{"id": "BOT", "is_you": true, "username": "jarvis"}]);
                format!("<@BOT> {text}")
            } else if mentions {
                format!(" {text}")
            } else {
                text.to_owned()
            };
            // A group that lets the bot hear all tells of a mention twice.
            let kinds: &[&str] = match (hears_all, mentions) {
                (true, true) => &["GROUP_MESSAGE_CREATE", "GROUP_AT_MESSAGE_CREATE"],
                (true, false) => &["GROUP_MESSAGE_CREATE"],
                (false, true) => &["GROUP_AT_MESSAGE_CREATE"],
                (false, false) => &[],
            };
            let message = Said {
                room: group.openid.clone(),
                from: self.name.clone(),
                text,
                fields,
                kinds,
                content,
            };
            message.goes(state)
        })
    }

    /// Presses the newest button in the private room whose label contains `label`; returns the id of
    /// the press.
    pub fn presses(&self, label: &str) -> String {
        let openid = self.openid();
        let who = json!({"chat_type": 2, "user_openid": openid});
        self.press(&openid, label, who)
    }

    /// The same in a group.
    pub fn presses_in(&self, group: &Group, label: &str) -> String {
        let who = json!({
            "chat_type": 1,
            "group_openid": group.openid,
            "group_member_openid": self.member_openid(),
        });
        self.press(&group.openid, label, who)
    }

    fn press(&self, room: &str, label: &str, mut d: Value) -> String {
        let pressed = self.shared.with(|state| {
            let mut newest = state.rooms[room].log.iter().rev();
            let data = newest.find_map(|entry| {
                let mut buttons = entry.buttons.iter();
                buttons
                    .find(|(text, _)| text.contains(label))
                    .map(|(_, data)| data.clone())
            })?;
            let id = format!("I{}", state.next_id());
            d["id"] = json!(id);
            d["type"] = json!(11);
            d["data"] = json!({"resolved": {"button_data": data, "button_id": "0-0"}});
            state.interactions.insert(id.clone(), None);
            let frame = state.dispatch("INTERACTION_CREATE", &d);
            answerable(state, &frame, &frame, room);
            Some(id)
        });
        match pressed {
            Some(id) => id,
            None => panic!("no button {label:?} in\n{}", transcript(&self.shared, room)),
        }
    }

    /// Waits until the bot has stopped the spinner of a press.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn press_is_acknowledged(&self, press: &str) {
        let done = self
            .shared
            .wait_for(|state| state.interactions[press])
            .await;
        assert_eq!(done, Some(0), "the press is acknowledged");
    }

    /// Waits in private for a message or a bubble of the bot that contains `text`.
    pub async fn sees(&self, text: &str) -> Entry {
        let openid = self.openid();
        self.finds(&openid, &format!("{text:?}"), |entry| {
            entry.text.contains(text)
        })
        .await
    }

    /// The same in a group.
    pub async fn sees_in(&self, group: &Group, text: &str) -> Entry {
        self.finds(&group.openid, &format!("{text:?}"), |entry| {
            entry.text.contains(text)
        })
        .await
    }

    /// Waits in private for something that `fits`.
    pub async fn sees_where(&self, what: &str, fits: impl Fn(&Entry) -> bool) -> Entry {
        self.finds(&self.openid(), what, fits).await
    }

    /// Waits in private for a file of this name.
    pub async fn gets_file(&self, name: &str) -> Bytes {
        self.gets_file_in(&self.openid(), name).await
    }

    /// Waits in the room with this openid for a file of this name.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn gets_file_in(&self, room: &str, name: &str) -> Bytes {
        self.finds(room, &format!("file {name:?}"), |entry| {
            entry.file.as_deref() == Some(name)
        })
        .await;
        let found = self.shared.quietly(|state| {
            let mut files = state.files.values();
            files
                .find(|file| file.name == name)
                .map(|file| file.bytes.clone())
        });
        found.expect("a file that was sent is up")
    }

    async fn finds(&self, room: &str, what: &str, fits: impl Fn(&Entry) -> bool) -> Entry {
        let from = {
            let read = self.read.lock().expect("no holder panics");
            read.get(room).copied().unwrap_or(0)
        };
        let found = self
            .shared
            .wait_for(|state| {
                let log = state.rooms[room].log.iter().enumerate().skip(from);
                log.filter(|(_, entry)| entry.from.is_empty())
                    .find(|(_, entry)| fits(entry))
                    .map(|(place, entry)| (place, entry.clone()))
            })
            .await;
        let Some((place, entry)) = found else {
            panic!(
                "nobody wrote {what} in time:\n{}",
                transcript(&self.shared, room)
            );
        };
        let mut read = self.read.lock().expect("no holder panics");
        read.insert(room.to_owned(), place + 1);
        entry
    }

    /// What was written in private.
    pub fn log(&self) -> Vec<Entry> {
        log(&self.shared, &self.openid())
    }

    /// How many messages of the bot in private contain `text`, states of bubbles not counted.
    pub fn count(&self, text: &str) -> usize {
        let log = self.log();
        let of_bot = log.iter().filter(|entry| entry.from.is_empty());
        of_bot
            .filter(|entry| !entry.is_change && entry.text.contains(text))
            .count()
    }
}

/// Something that a person wrote.
struct Said<'a> {
    room: String,
    from: String,
    text: &'a str,
    fields: Value,
    kinds: &'a [&'a str],
    content: String,
}

impl Said<'_> {
    fn goes(self, state: &mut State) -> String {
        let id = format!("ROBOT1.0_in{}", state.next_id());
        let mut d = self.fields;
        d["id"] = json!(id);
        d["content"] = json!(self.content);
        d["timestamp"] = json!((seconds() * 1000).to_string());
        d["message_scene"] = json!({"source": "default", "ext": [format!("msg_idx={id}")]});
        for kind in self.kinds {
            let frame = format!("{kind}:{id}");
            if !state.answerable.contains_key(&id) {
                answerable(state, &id, &frame, &self.room);
            }
            state.dispatch_as(&frame, kind, &d);
        }
        let entry = Entry {
            id: id.clone(),
            from: self.from,
            text: self.text.to_owned(),
            markdown: false,
            buttons: Vec::new(),
            file: None,
            answers: None,
            is_change: false,
        };
        state
            .rooms
            .get_mut(&self.room)
            .expect("rooms stay")
            .log
            .push(entry);
        id
    }
}

fn answerable(state: &mut State, id: &str, frame: &str, room: &str) {
    let answerable = Answerable {
        room: room.to_owned(),
        frame: frame.to_owned(),
        at: Instant::now(),
        numbers: Vec::new(),
    };
    state.answerable.insert(id.to_owned(), answerable);
}

fn attach(state: &mut State, base: &str, files: &[(&str, Bytes)]) -> Value {
    files
        .iter()
        .map(|(name, bytes)| {
            let key = format!("a{}", state.next_id());
            state.attachments.insert(key.clone(), bytes.clone());
            json!({
                "url": format!("{base}/attachments/{key}"),
                "filename": name,
                "content_type": "file",
                "size": bytes.len(),
            })
        })
        .collect()
}

fn seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn log(shared: &Shared, room: &str) -> Vec<Entry> {
    shared.quietly(|state| state.rooms[room].log.clone())
}

fn transcript(shared: &Shared, room: &str) -> String {
    let lines = log(shared, room).into_iter().map(|entry| {
        let from = if entry.from.is_empty() {
            "bot".to_owned()
        } else {
            entry.from
        };
        let file = entry
            .file
            .map(|name| format!(" [file {name}]"))
            .unwrap_or_default();
        format!("  {from}: {}{file} {:?}\n", entry.text, entry.buttons)
    });
    let calls = shared.quietly(|state| {
        let refused = state.calls.iter().filter(|call| call.status != 200);
        refused
            .map(|call| format!("  refused {} {} {}\n", call.what, call.code, call.body))
            .collect::<String>()
    });
    lines.collect::<String>() + &calls
}
