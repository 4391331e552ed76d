//! People and groups: what they write, press and send, and what they wait to see.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Shared;
use super::crypto;
use super::state::{Asked, Download, Entry, State};

/// A member of the company. Reading goes forward: each `sees` looks only at what came after the last one.
#[derive(Clone, Debug)]
pub struct Person {
    shared: Arc<Shared>,
    name: String,
    /// How far the person has read, by room.
    read: Arc<Mutex<HashMap<String, usize>>>,
}

/// A group with the robot in it.
#[derive(Clone, Debug)]
pub struct Group {
    shared: Arc<Shared>,
    id: String,
}

impl Group {
    pub(super) fn new(shared: &Arc<Shared>, name: &str) -> Self {
        let id = format!("wrK{name}AbC");
        shared.with(|state| state.add_room(&id, true));
        Self {
            shared: shared.clone(),
            id,
        }
    }

    /// The group's `chatid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What was written here.
    pub fn log(&self) -> Vec<Entry> {
        log(&self.shared, &self.id)
    }
}

impl Person {
    pub(super) fn new(shared: &Arc<Shared>, name: &str) -> Self {
        shared.with(|state| state.add_room(name, false));
        Self {
            shared: shared.clone(),
            name: name.to_owned(),
            read: Arc::default(),
        }
    }

    /// The person's `userid`.
    pub fn id(&self) -> &str {
        &self.name
    }

    /// Writes to the robot in private; the id of the callback.
    pub fn says(&self, text: &str) -> String {
        self.sends("text", json!({"content": text}), None)
    }

    /// Writes in answer to something that is quoted.
    pub fn says_quoting(&self, text: &str, quote: Value) -> String {
        self.sends("text", json!({"content": text}), Some(quote))
    }

    /// Sends a message of any kind in private.
    pub fn sends(&self, kind: &str, part: Value, quote: Option<Value>) -> String {
        let said = part["content"].as_str().unwrap_or_default().to_owned();
        self.shared
            .with(|state| post(state, &self.name, &self.name, (kind, part, quote), &said))
    }

    /// Sends a file in private; what it is when it is quoted.
    pub fn sends_file(&self, name: &str, bytes: &[u8]) -> Value {
        let file = self.stores(name, bytes);
        self.sends("file", file.clone(), None);
        json!({"msgtype": "file", "file": file})
    }

    /// Puts a file where the robot can fetch it: address and key.
    pub fn stores(&self, name: &str, bytes: &[u8]) -> Value {
        let base = self.shared.base();
        self.shared.with(|state| {
            let id = format!("f{}", state.next_id());
            // With callbacks there is one key for all.
            let (key, aeskey) = match &state.address {
                Some(address) => (crypto::key(&address.aes_key), None),
                None => {
                    let key: [u8; 32] = rand::random();
                    (key.to_vec(), Some(STANDARD.encode(key)))
                }
            };
            let download = Download {
                sealed: crypto::encrypt(&key, bytes).into(),
                name: name.to_owned(),
                at: Instant::now(),
            };
            state.downloads.insert(id.clone(), download);
            let mut file = json!({"url": format!("{base}/f/{id}?sig=a-secret-of-the-address")});
            if let Some(aeskey) = aeskey {
                file["aeskey"] = json!(aeskey);
            }
            file
        })
    }

    /// Calls the robot in a group and writes.
    pub fn asks_in(&self, group: &Group, text: &str) -> String {
        self.shared.with(|state| {
            let content = format!("@{} {text}", state.settings.name);
            let part = ("text", json!({"content": content}), None);
            post(state, &group.id, &self.name, part, text)
        })
    }

    /// Sends text and a picture in one message of a group, and calls the robot.
    pub fn asks_with_picture_in(&self, group: &Group, text: &str, bytes: &[u8]) -> String {
        let image = self.stores("picture.png", bytes);
        self.shared.with(|state| {
            let content = format!("@{} {text}", state.settings.name);
            let items = json!({"msg_item": [
                {"msgtype": "text", "text": {"content": content}},
                {"msgtype": "image", "image": image},
            ]});
            post(state, &group.id, &self.name, ("mixed", items, None), text)
        })
    }

    /// Writes in a group without calling the robot: it is not told.
    pub fn says_in(&self, group: &Group, text: &str) {
        self.shared.with(|state| {
            let entry = said(&self.name, text, "");
            let room = state.rooms.get_mut(&group.id).expect("groups stay");
            room.log.push(entry);
        });
    }

    /// Opens the chat with the robot for the first time today.
    pub fn enters(&self) -> String {
        self.shared.with(|state| {
            // Who comes in can be written to from then on.
            state
                .rooms
                .get_mut(&self.name)
                .expect("people stay")
                .has_spoken = true;
            let mut body = event(state, &self.name, &json!({"eventtype": "enter_chat"}));
            body["chattype"] = json!("single");
            state.call_back(&self.name, Asked::Entered, body)
        })
    }

    /// Presses the newest button in private whose label contains `label`; the id of the callback.
    pub fn presses(&self, label: &str) -> String {
        self.press(&self.name, label)
    }

    /// The same in a group.
    pub fn presses_in(&self, group: &Group, label: &str) -> String {
        self.press(&group.id, label)
    }

    fn press(&self, room: &str, label: &str) -> String {
        let pressed = self.shared.with(|state| {
            let newest = state.rooms[room].log.iter().rev();
            let (task, key) = newest.clone().find_map(|entry| {
                let mut buttons = entry.buttons.iter();
                let (_, key) = buttons.find(|(text, _)| text.contains(label))?;
                Some((entry.id.clone(), key.clone()))
            })?;
            let inner = json!({
                "card_type": "button_interaction", "event_key": key, "task_id": task,
            });
            let what = json!({"eventtype": "template_card_event", "template_card_event": inner});
            let mut body = event(state, &self.name, &what);
            if state.rooms[room].is_group {
                body["chatid"] = json!(room);
                body["chattype"] = json!("group");
            }
            Some(state.call_back(room, Asked::Press(task), body))
        });
        pressed
            .unwrap_or_else(|| panic!("no button {label:?} in\n{}", transcript(&self.shared, room)))
    }

    /// Waits until the card of a press shows what was chosen.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn press_is_shown(&self, press: &str) {
        let shown = self
            .shared
            .wait_for(|state| state.callbacks[press].is_used.then_some(()))
            .await;
        assert!(shown.is_some(), "a card shows what was chosen");
    }

    /// Waits in private for a message or a state of a bubble that contains `text`.
    pub async fn sees(&self, text: &str) -> Entry {
        let fits = |entry: &Entry| entry.text.contains(text);
        self.finds(&self.name, &format!("{text:?}"), fits).await
    }

    /// The same in a group.
    pub async fn sees_in(&self, group: &Group, text: &str) -> Entry {
        let fits = |entry: &Entry| entry.text.contains(text);
        self.finds(&group.id, &format!("{text:?}"), fits).await
    }

    /// Waits in private for something that `fits`.
    pub async fn sees_where(&self, what: &str, fits: impl Fn(&Entry) -> bool) -> Entry {
        self.finds(&self.name, what, fits).await
    }

    /// Waits in private for a file of this name.
    pub async fn gets_file(&self, name: &str) -> Bytes {
        let fits = |entry: &Entry| entry.file.as_deref() == Some(name);
        self.finds(&self.name, &format!("file {name:?}"), fits)
            .await;
        self.shared.file(name).expect("a file that was sent is up")
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
        log(&self.shared, &self.name)
    }

    /// How many messages of the robot in private contain `text`, further states not counted.
    pub fn count(&self, text: &str) -> usize {
        let log = self.log();
        let of_robot = log.iter().filter(|entry| entry.from.is_empty());
        of_robot
            .filter(|entry| !entry.is_change && entry.text.contains(text))
            .count()
    }
}

fn post(
    state: &mut State,
    room: &str,
    from: &str,
    (kind, part, quote): (&str, Value, Option<Value>),
    shown: &str,
) -> String {
    let msgid = format!("MSG{}", state.next_id());
    let is_group = state.rooms[room].is_group;
    let mut body = json!({
        "msgid": msgid,
        "aibotid": state.settings.bot_id,
        "chattype": if is_group { "group" } else { "single" },
        "from": {"userid": from},
        "msgtype": kind,
    });
    if is_group {
        body["chatid"] = json!(room);
    }
    body[kind] = part;
    if let Some(quote) = quote {
        body["quote"] = quote;
    }
    let there = state.rooms.get_mut(room).expect("rooms stay");
    there.has_spoken = true;
    there.log.push(said(from, shown, &msgid));
    state.call_back(room, Asked::Message, body)
}

fn event(state: &mut State, from: &str, what: &Value) -> Value {
    json!({
        "msgid": format!("EV{}", state.next_id()),
        "create_time": seconds(),
        "aibotid": state.settings.bot_id,
        "from": {"userid": from},
        "msgtype": "event",
        "event": what,
    })
}

fn said(from: &str, text: &str, id: &str) -> Entry {
    Entry {
        id: id.to_owned(),
        from: from.to_owned(),
        text: text.to_owned(),
        buttons: Vec::new(),
        file: None,
        answers: None,
        is_change: false,
        is_finished: true,
    }
}

pub(super) fn seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn log(shared: &Shared, room: &str) -> Vec<Entry> {
    shared.quietly(|state| state.rooms[room].log.clone())
}

fn transcript(shared: &Shared, room: &str) -> String {
    let lines = log(shared, room).into_iter().map(|entry| {
        let from = if entry.from.is_empty() {
            "robot".to_owned()
        } else {
            entry.from
        };
        let file = entry.file.map(|name| format!(" [file {name}]"));
        let file = file.unwrap_or_default();
        format!("  {from}: {}{file} {:?}\n", entry.text, entry.buttons)
    });
    let refused = shared.quietly(|state| {
        let calls = state.calls.iter().filter(|call| call.code != 0);
        calls
            .map(|call| format!("  refused {} {} {}\n", call.cmd, call.code, call.body))
            .chain(state.complaints.iter().map(|words| format!("  {words}\n")))
            .collect::<String>()
    });
    lines.collect::<String>() + &refused
}
