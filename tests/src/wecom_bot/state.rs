//! What the fake platform knows.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Settings;
use super::callback::Address;
use super::fault::Faults;

/// A refusal: the platform's code and its words.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) words: String,
}

impl Refusal {
    pub(super) fn new(code: i64, words: &str) -> Self {
        Self {
            code,
            words: words.to_owned(),
        }
    }
}

/// The platform does not document what it says to a frame of a wrong shape.
pub(super) fn bad(words: &str) -> Refusal {
    Refusal::new(40_058, words)
}

/// What the robot did in a room, or a person.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Id of the message.
    pub id: String,
    /// Who: empty for the robot.
    pub from: String,
    /// What it says.
    pub text: String,
    /// Labels and keys of its buttons.
    pub buttons: Vec<(String, String)>,
    /// Name of its file.
    pub file: Option<String>,
    /// The callback that it answers; `None` for a push.
    pub answers: Option<String>,
    /// A further state of a bubble or a card.
    pub is_change: bool,
    /// A bubble that will not change any more, or any other message.
    pub is_finished: bool,
}

/// A frame of the robot, or a message by `response_url`.
#[derive(Clone, Debug)]
pub struct Call {
    /// What for.
    pub cmd: String,
    /// What was sent.
    pub body: Value,
    /// The platform's code; 0 for success.
    pub code: i64,
    /// When it came.
    pub at: Instant,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) is_group: bool,
    pub(super) log: Vec<Entry>,
    /// Somebody has written to the robot here.
    pub(super) has_spoken: bool,
    /// When the robot has sent something.
    pub(super) sent: VecDeque<Instant>,
}

/// What was called back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Message,
    Entered,
    Press(String),
}

#[derive(Debug)]
pub(super) struct Callback {
    pub(super) room: String,
    pub(super) asked: Asked,
    pub(super) at: Instant,
    /// Greeted, or its card updated.
    pub(super) is_used: bool,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) req_id: String,
    pub(super) since: Instant,
    pub(super) at: Instant,
    pub(super) is_done: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Media {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

#[derive(Debug)]
pub(super) struct Upload {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) size: usize,
    pub(super) pieces: usize,
    pub(super) md5: Option<String>,
    pub(super) got: BTreeMap<usize, Vec<u8>>,
    pub(super) at: Instant,
}

/// A file of a person, as it is fetched.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) sealed: Bytes,
    pub(super) name: String,
    pub(super) at: Instant,
}

/// What the connection that lives is told.
#[derive(Clone, Debug)]
pub(super) enum Push {
    Text(String),
    Close,
    Cut,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) rooms: HashMap<String, Room>,
    pub(super) callbacks: HashMap<String, Callback>,
    pub(super) streams: HashMap<String, Stream>,
    /// Tasks of cards, and the room of each.
    pub(super) cards: HashMap<String, String>,
    pub(super) uploads: HashMap<String, Upload>,
    pub(super) media: HashMap<String, Media>,
    pub(super) downloads: HashMap<String, Download>,
    /// Codes of `response_url`, and what they answer.
    pub(super) response_urls: HashMap<String, (String, Instant)>,
    pub(super) used_urls: HashSet<String>,
    pub(super) live: Option<(u64, mpsc::UnboundedSender<Push>)>,
    pub(super) logins: usize,
    pub(super) refused_logins: usize,
    pub(super) takeovers: usize,
    pub(super) pings: usize,
    pub(super) calls: Vec<Call>,
    /// What the robot did that the platform's pages forbid without a code for it.
    pub(super) complaints: Vec<String>,
    pub(super) faults: Faults,
    pub(super) is_down: bool,
    pub(super) address: Option<Address>,
    pub(super) to_call: VecDeque<(String, Value)>,
    pub(super) last: Option<(String, Value)>,
    next: u64,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            rooms: HashMap::new(),
            callbacks: HashMap::new(),
            streams: HashMap::new(),
            cards: HashMap::new(),
            uploads: HashMap::new(),
            media: HashMap::new(),
            downloads: HashMap::new(),
            response_urls: HashMap::new(),
            used_urls: HashSet::new(),
            live: None,
            logins: 0,
            refused_logins: 0,
            takeovers: 0,
            pings: 0,
            calls: Vec::new(),
            complaints: Vec::new(),
            faults: Faults::default(),
            is_down: false,
            address: None,
            to_call: VecDeque::new(),
            last: None,
            next: 0,
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn complain(&mut self, words: impl Into<String>) {
        self.complaints.push(words.into());
    }

    pub(super) fn add_room(&mut self, id: &str, is_group: bool) {
        let room = Room {
            is_group,
            log: Vec::new(),
            has_spoken: false,
            sent: VecDeque::new(),
        };
        self.rooms.insert(id.to_owned(), room);
    }

    /// Something happened: it goes to the robot, by whichever way it has chosen. Nobody keeps it for one
    /// who is away.
    pub(super) fn call_back(&mut self, room: &str, asked: Asked, body: Value) -> String {
        let req_id = format!("REQ{:08x}", self.next_id());
        let callback = Callback {
            room: room.to_owned(),
            asked,
            at: Instant::now(),
            is_used: false,
        };
        self.callbacks.insert(req_id.clone(), callback);
        self.last = Some((req_id.clone(), body.clone()));
        self.deliver(&req_id, body);
        req_id
    }

    pub(super) fn deliver(&mut self, req_id: &str, body: Value) {
        if self.address.is_some() {
            self.to_call.push_back((req_id.to_owned(), body));
            return;
        }
        let cmd = match body["msgtype"].as_str() {
            Some("event") => "aibot_event_callback",
            _ => "aibot_msg_callback",
        };
        let frame = json!({"cmd": cmd, "headers": {"req_id": req_id}, "body": body});
        if let Some((_, live)) = &self.live {
            // One that has just gone does not hear it.
            let _ = live.send(Push::Text(frame.to_string()));
        }
    }

    /// Counts a message of the robot, of whichever kind.
    pub(super) fn spend(&mut self, room: &str) -> Result<(), Refusal> {
        let now = Instant::now();
        let rules = &self.settings.rules;
        let (per_minute, per_hour) = (rules.per_minute, rules.per_hour);
        let sent = &mut self.rooms.get_mut(room).expect("the caller looked").sent;
        while sent.front().is_some_and(|at| now - *at >= HOUR) {
            sent.pop_front();
        }
        let in_minute = sent.iter().rev().take_while(|at| now - **at < MINUTE);
        if in_minute.count() >= per_minute || sent.len() >= per_hour {
            return Err(Refusal::new(45_009, "api freq out of limit"));
        }
        sent.push_back(now);
        Ok(())
    }
}
