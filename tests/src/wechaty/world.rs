//! Everything that the gateway knows: people, rooms, messages, files, and how our account behaved.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use jarvis_proto::wechaty::puppet::EventResponse;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tonic::Status;

use super::fault::Faults;

/// WeChat takes no longer text.
const LONGEST_TEXT: usize = 4000;

/// Where a message is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The chat of this contact with our account.
    Private(String),
    /// A room.
    Room(String),
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub bytes: Bytes,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// Where.
    pub place: Place,
    /// Who wrote it.
    pub from: String,
    /// What it says.
    pub text: String,
    /// Who is called.
    pub mentions: Vec<String>,
    /// Its file.
    pub file: Option<Stored>,
    /// Unix milliseconds.
    pub time_ms: u64,
    /// It tells that this one was taken back.
    pub recalls: Option<String>,
    /// It was taken back.
    pub is_recalled: bool,
}

/// One call of our account.
#[derive(Clone, Debug)]
pub struct Call {
    /// What was called.
    pub name: String,
    /// Where to, for a message.
    pub conversation: String,
    /// What it says, or its file box, shortened.
    pub text: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Someone {
    pub(crate) name: String,
    pub(crate) is_friend: bool,
    pub(crate) is_official: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) topic: String,
    /// Contact ids, with the name that each has here; empty for its own.
    pub(crate) members: BTreeMap<String, String>,
    pub(crate) we_are_in: bool,
}

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    Heartbeat = 1,
    Message = 2,
    Dong = 3,
    RoomLeave = 20,
    Scan = 22,
    Ready = 23,
    Login = 25,
    Logout = 26,
    Dirty = 27,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: String,
    pub(crate) people: BTreeMap<String, Someone>,
    pub(crate) rooms: BTreeMap<String, Room>,
    pub(crate) log: Vec<Entry>,
    /// Files beside the calls, by id.
    pub(crate) boxes: BTreeMap<String, Bytes>,
    pub(crate) faults: Faults,
    pub(crate) calls: Vec<Call>,
    pub(crate) complaints: Vec<String>,
    pub(crate) pace: Option<Duration>,
    pub(crate) loses_files: bool,
    pub(crate) is_mute: bool,
    pub(crate) is_started: bool,
    pub(crate) is_logged_in: bool,
    pub(crate) needs_scan: bool,
    /// The one stream of events.
    pub(crate) stream: Option<mpsc::UnboundedSender<Result<EventResponse, Status>>>,
    pub(crate) streams: usize,
    pub(crate) lingering: usize,
    last_sent: HashMap<Place, Instant>,
    next: u64,
}

/// Why WeChat or the gateway does not take a message, as it is worded.
pub(crate) type Refusal = &'static str;

impl World {
    pub(super) fn new(needs_scan: bool) -> Self {
        let account = "wxid_jarvis0001".to_owned();
        let ours = Someone {
            name: "Jarvis".to_owned(),
            is_friend: false,
            is_official: false,
        };
        Self {
            people: BTreeMap::from([(account.clone(), ours)]),
            account,
            rooms: BTreeMap::new(),
            log: Vec::new(),
            boxes: BTreeMap::new(),
            faults: Faults::default(),
            calls: Vec::new(),
            complaints: Vec::new(),
            pace: None,
            loses_files: false,
            is_mute: false,
            is_started: false,
            is_logged_in: false,
            needs_scan,
            stream: None,
            streams: 0,
            lingering: 0,
            last_sent: HashMap::new(),
            next: 0,
        }
    }

    fn count_up(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn new_person(&mut self, name: &str, is_friend: bool) -> String {
        let id = format!("wxid_{:08x}", self.count_up() * 0x9e37);
        let someone = Someone {
            name: name.to_owned(),
            is_friend,
            is_official: false,
        };
        self.people.insert(id.clone(), someone);
        id
    }

    pub(super) fn make_official(&mut self, id: &str) {
        if let Some(someone) = self.people.get_mut(id) {
            someone.is_official = true;
        }
    }

    pub(super) fn new_room(&mut self, topic: &str) -> Place {
        let id = format!("{}@chatroom", 20_000_000_000 + self.count_up());
        let room = Room {
            topic: topic.to_owned(),
            members: BTreeMap::from([(self.account.clone(), String::new())]),
            we_are_in: true,
        };
        self.rooms.insert(id.clone(), room);
        Place::Room(id)
    }

    fn room_mut(&mut self, place: &Place) -> Option<&mut Room> {
        match place {
            Place::Room(id) => self.rooms.get_mut(id),
            Place::Private(_) => None,
        }
    }

    pub(super) fn call_us(&mut self, place: &Place, name: &str) {
        let account = self.account.clone();
        if let Some(room) = self.room_mut(place) {
            room.members.insert(account, name.to_owned());
        }
        if let Place::Room(id) = place {
            let payload = json!({"payloadType": 4, "payloadId": id});
            self.tell(EventKind::Dirty, &payload);
        }
    }

    pub(super) fn leave(&mut self, place: &Place) {
        let account = self.account.clone();
        if let Some(room) = self.room_mut(place) {
            room.we_are_in = false;
            room.members.remove(&account);
        }
        if let Place::Room(id) = place {
            let payload = json!({"removeeIdList": [account], "removerId": "wxid_boss", "roomId": id,
                "timestamp": now_ms()});
            self.tell(EventKind::RoomLeave, &payload);
        }
    }

    /// How somebody is called in a room.
    pub(crate) fn name_in(&self, room: &str, id: &str) -> String {
        let alias = self.rooms.get(room).and_then(|room| room.members.get(id));
        match alias {
            Some(alias) if !alias.is_empty() => alias.clone(),
            _ => self
                .people
                .get(id)
                .map_or_else(String::new, |one| one.name.clone()),
        }
    }

    /// Keeps bytes beside the calls.
    pub(crate) fn keep(&mut self, bytes: Bytes) -> String {
        let id = uuid::Uuid::now_v7().to_string();
        self.boxes.insert(id.clone(), bytes);
        id
    }

    /// Whether somebody hears our events.
    pub(crate) fn is_heard(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| !stream.is_closed())
    }

    /// Tells who listens. A gateway keeps nothing for who does not.
    pub(crate) fn tell(&mut self, kind: EventKind, payload: &Value) {
        self.tell_raw(kind as i32, &payload.to_string());
    }

    pub(crate) fn tell_raw(&mut self, kind: i32, payload: &str) {
        if self.is_mute {
            return;
        }
        if let Some(stream) = &self.stream {
            let event = EventResponse {
                r#type: kind,
                payload: payload.to_owned(),
            };
            // Who has gone hears nothing.
            let _ = stream.send(Ok(event));
        }
    }

    /// The login begins: at once, or with a code.
    pub(crate) fn start(&mut self) {
        self.is_started = true;
        if self.is_logged_in {
            return;
        }
        if self.needs_scan {
            let payload = json!({"status": 2, "qrcode": "https://login.weixin.qq.com/l/fakefake"});
            self.tell(EventKind::Scan, &payload);
        } else {
            self.log_in();
        }
    }

    pub(super) fn log_in(&mut self) {
        self.is_logged_in = true;
        let account = self.account.clone();
        self.tell(EventKind::Login, &json!({"contactId": account}));
        self.tell(EventKind::Ready, &json!({"data": "ready"}));
    }

    pub(super) fn log_out(&mut self) {
        self.is_logged_in = false;
        let payload = json!({"contactId": self.account, "data": "logged out on the phone"});
        self.tell(EventKind::Logout, &payload);
    }

    /// Writes a message down and tells of it. Whoever writes must be allowed to.
    pub(crate) fn write(
        &mut self,
        place: &Place,
        from: &str,
        text: &str,
        mentions: Vec<String>,
        file: Option<Stored>,
    ) -> Entry {
        let account = self.account.clone();
        if let Some(room) = self.room_mut(place)
            && from != account
        {
            room.members.entry(from.to_owned()).or_default();
        }
        let entry = Entry {
            id: format!("{}", 7_000_000_000_000_000_000 + self.count_up() * 7919),
            place: place.clone(),
            from: from.to_owned(),
            text: text.to_owned(),
            mentions,
            file,
            time_ms: now_ms(),
            recalls: None,
            is_recalled: false,
        };
        self.log.push(entry.clone());
        // Our own messages come back too.
        self.tell(EventKind::Message, &json!({"messageId": entry.id}));
        entry
    }

    /// Takes a message back: others see a message that says so.
    pub(crate) fn recall(&mut self, id: &str) -> bool {
        let Some(known) = self.log.iter_mut().find(|entry| entry.id == id) else {
            return false;
        };
        known.is_recalled = true;
        let (place, from) = (known.place.clone(), known.from.clone());
        let number = self.count_up();
        let entry = Entry {
            id: format!("recall-{number}"),
            place,
            from,
            text: id.to_owned(),
            mentions: Vec::new(),
            file: None,
            time_ms: now_ms(),
            recalls: Some(id.to_owned()),
            is_recalled: false,
        };
        let told = json!({"messageId": entry.id});
        self.log.push(entry);
        self.tell(EventKind::Message, &told);
        true
    }

    /// Where a conversation's id leads.
    pub(crate) fn place(&self, conversation: &str) -> Option<Place> {
        if self.rooms.contains_key(conversation) {
            return Some(Place::Room(conversation.to_owned()));
        }
        let is_known = self.people.contains_key(conversation) && conversation != self.account;
        is_known.then(|| Place::Private(conversation.to_owned()))
    }

    /// Our account wants to write here.
    pub(crate) fn may_write(&mut self, place: &Place) -> Result<(), Refusal> {
        match place {
            Place::Room(id) => match self.rooms.get(id) {
                Some(room) if room.we_are_in => {}
                _ => return Err("你已被移出群聊"),
            },
            Place::Private(id) => match self.people.get(id) {
                Some(someone) if someone.is_friend => {}
                _ => return Err("对方开启了朋友验证，你还不是他（她）朋友"),
            },
        }
        let last = self.last_sent.insert(place.clone(), Instant::now());
        if let (Some(pace), Some(last)) = (self.pace, last)
            && last.elapsed() < pace
        {
            self.complaints
                .push(format!("two messages in {place:?} within {pace:?}"));
            return Err("操作过于频繁，请稍后再试");
        }
        Ok(())
    }

    /// Our account says something.
    pub(crate) fn send(
        &mut self,
        place: &Place,
        text: &str,
        mentions: Vec<String>,
    ) -> Result<Entry, Refusal> {
        if text.trim().is_empty() {
            self.complaints
                .push(format!("an empty message in {place:?}"));
            return Err("text is empty");
        }
        if text.chars().count() > LONGEST_TEXT {
            self.complaints
                .push(format!("a message that is too long in {place:?}"));
            return Err("text is too long");
        }
        self.may_write(place)?;
        for person in &mentions {
            let Place::Room(room) = place else {
                self.complaints.push("a mention outside a room".to_owned());
                break;
            };
            let is_member = self.rooms[room].members.contains_key(person);
            let called = format!("@{}\u{2005}", self.name_in(room, person));
            if !is_member || !text.contains(&called) {
                self.complaints.push(format!(
                    "a mention of {person} that nobody sees: {called:?} in {text:?}"
                ));
            }
        }
        let account = self.account.clone();
        Ok(self.write(place, &account, text, mentions, None))
    }

    pub(super) fn in_room(&self, place: &Place) -> Vec<Entry> {
        let room = self.log.iter().filter(|entry| entry.place == *place);
        room.filter(|entry| entry.recalls.is_none())
            .cloned()
            .collect()
    }

    pub(super) fn ours(&self, place: &Place) -> Vec<Entry> {
        let mut room = self.in_room(place);
        room.retain(|entry| entry.from == self.account);
        room
    }
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    u64::try_from(millis).unwrap_or(u64::MAX)
}
