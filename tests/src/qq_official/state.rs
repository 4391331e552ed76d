//! What the fake platform knows.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Settings;
use super::fault::Faults;

/// A refusal: HTTP status, the platform's code, its words.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: i64,
    pub(super) words: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: i64, words: &str) -> Self {
        Self {
            status,
            code,
            words: words.to_owned(),
        }
    }
}

/// What the bot did in a room, or a person.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Id of the message.
    pub id: String,
    /// Who: empty for the bot.
    pub from: String,
    /// What it says.
    pub text: String,
    /// Whether it was sent as markdown.
    pub markdown: bool,
    /// Labels and data of its buttons.
    pub buttons: Vec<(String, String)>,
    /// Name of its file.
    pub file: Option<String>,
    /// What it answers; `None` for an unasked message.
    pub answers: Option<String>,
    /// A further state of a bubble.
    pub is_change: bool,
}

/// A call of the bot.
#[derive(Clone, Debug)]
pub struct Call {
    /// Last part of the path, such as `messages`.
    pub what: String,
    /// The room's openid.
    pub openid: String,
    /// What was sent.
    pub body: Value,
    /// HTTP status of the answer.
    pub status: u16,
    /// The platform's code; 0 for success.
    pub code: i64,
    /// When it came.
    pub at: Instant,
}

/// What the bot may answer.
#[derive(Debug)]
pub(super) struct Answerable {
    pub(super) room: String,
    /// Id of the frame that told of it.
    pub(super) frame: String,
    pub(super) at: Instant,
    pub(super) numbers: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) is_group: bool,
    pub(super) log: Vec<Entry>,
    /// The bot is a friend, or a member.
    pub(super) is_open: bool,
    pub(super) takes_unasked: bool,
    pub(super) hears_all: bool,
    pub(super) is_muted: bool,
    pub(super) unasked: VecDeque<Instant>,
    pub(super) unasked_in_all: usize,
}

impl Room {
    pub(super) fn new(is_group: bool) -> Self {
        Self {
            is_group,
            log: Vec::new(),
            is_open: true,
            takes_unasked: !is_group,
            hears_all: false,
            is_muted: false,
            unasked: VecDeque::new(),
            unasked_in_all: 0,
        }
    }
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) room: String,
    pub(super) message: String,
    pub(super) number: u64,
    pub(super) index: u64,
    pub(super) at: Instant,
    pub(super) is_done: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) intents: u64,
    /// Everything that was dispatched, from number 2 on; READY is number 1.
    pub(super) frames: Vec<Value>,
}

#[derive(Clone, Debug)]
pub(super) struct StoredFile {
    pub(super) is_group: bool,
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

#[derive(Debug)]
pub(super) struct PartUpload {
    pub(super) is_group: bool,
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) hashes: [String; 3],
    pub(super) parts: BTreeMap<u64, Bytes>,
    pub(super) finished: Vec<u64>,
    pub(super) count: u64,
}

/// What the gateway tells the connection that lives.
#[derive(Clone, Debug)]
pub(super) enum Push {
    Frame(Value),
    Close(u16),
    Cut,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) gateway_url: String,
    pub(super) token: Option<String>,
    pub(super) tokens_made: usize,
    pub(super) rooms: HashMap<String, Room>,
    pub(super) answerable: HashMap<String, Answerable>,
    pub(super) streams: HashMap<String, Stream>,
    pub(super) session: Option<Session>,
    pub(super) live: Option<mpsc::UnboundedSender<Push>>,
    pub(super) identifies: usize,
    pub(super) resumes: usize,
    pub(super) heartbeats: usize,
    pub(super) gateway_asked: usize,
    pub(super) files: HashMap<String, StoredFile>,
    pub(super) uploads: HashMap<String, PartUpload>,
    /// Bytes that people have sent, by the last part of their address.
    pub(super) attachments: HashMap<String, Bytes>,
    pub(super) interactions: HashMap<String, Option<u64>>,
    pub(super) faults: Faults,
    pub(super) calls: Vec<Call>,
    pub(super) is_down: bool,
    /// Addresses in messages are refused.
    pub(super) refuses_links: bool,
    /// A word that moderation does not let through.
    pub(super) forbidden_word: Option<String>,
    pub(super) unasked_private: VecDeque<Instant>,
    pub(super) unasked_group: VecDeque<Instant>,
    /// Events that wait for the webhook.
    pub(super) to_call: VecDeque<Value>,
    pub(super) webhook: Option<String>,
    pub(super) last_frame: Option<Value>,
    pub(super) creation: Option<Creation>,
    next: u64,
}

/// A bot on its way to be made.
#[derive(Debug)]
pub(super) struct Creation {
    pub(super) task: String,
    pub(super) key: Vec<u8>,
    pub(super) is_scanned: bool,
}

const MINUTE: Duration = Duration::from_secs(60);

impl State {
    pub(super) fn new(settings: Settings, gateway_url: String) -> Self {
        Self {
            settings,
            gateway_url,
            token: None,
            tokens_made: 0,
            rooms: HashMap::new(),
            answerable: HashMap::new(),
            streams: HashMap::new(),
            session: None,
            live: None,
            identifies: 0,
            resumes: 0,
            heartbeats: 0,
            gateway_asked: 0,
            files: HashMap::new(),
            uploads: HashMap::new(),
            attachments: HashMap::new(),
            interactions: HashMap::new(),
            faults: Faults::default(),
            calls: Vec::new(),
            is_down: false,
            refuses_links: false,
            forbidden_word: None,
            unasked_private: VecDeque::new(),
            unasked_group: VecDeque::new(),
            to_call: VecDeque::new(),
            webhook: None,
            last_frame: None,
            creation: None,
            next: 0,
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Something happened: it goes to the bot, by whichever way it has chosen.
    pub(super) fn dispatch(&mut self, kind: &str, d: &Value) -> String {
        let id = format!("{kind}:{:08x}", self.next_id());
        self.dispatch_as(&id, kind, d);
        id
    }

    pub(super) fn dispatch_as(&mut self, id: &str, kind: &str, d: &Value) {
        let frame = json!({"op": 0, "t": kind, "id": id, "d": d});
        self.last_frame = Some(frame.clone());
        self.deliver(frame);
    }

    pub(super) fn deliver(&mut self, mut frame: Value) {
        if self.webhook.is_some() {
            self.to_call.push_back(frame);
            return;
        }
        // Without a session nobody is told, as on the real platform.
        let Some(session) = &mut self.session else {
            return;
        };
        let wanted = match frame["t"].as_str().unwrap_or_default() {
            "INTERACTION_CREATE" => 1 << 26,
            _ => 1 << 25,
        };
        if session.intents & wanted == 0 {
            return;
        }
        frame["s"] = json!(session.frames.len() as u64 + 2);
        session.frames.push(frame.clone());
        if let Some(live) = &self.live {
            // A connection that has just gone gets it when it goes on.
            let _ = live.send(Push::Frame(frame));
        }
    }

    /// Counts an unasked message.
    pub(super) fn spend_unasked(&mut self, openid: &str) -> Result<(), Refusal> {
        let now = Instant::now();
        let rules = self.settings.rules.clone();
        let room = self.rooms.get_mut(openid).expect("the caller looked");
        if !room.takes_unasked {
            return Err(Refusal::new(400, 40_034_105, "no right to send unasked"));
        }
        let bot = if room.is_group {
            &mut self.unasked_group
        } else {
            &mut self.unasked_private
        };
        let most_of_bot = if room.is_group {
            rules.group_per_minute
        } else {
            rules.private_per_minute
        };
        for window in [&mut room.unasked, &mut *bot] {
            while window.front().is_some_and(|at| now - *at >= MINUTE) {
                window.pop_front();
            }
        }
        if room.unasked.len() >= rules.room_per_minute
            || room.unasked_in_all >= rules.room_per_day
            || bot.len() >= most_of_bot
        {
            return Err(Refusal::new(400, 40_034_100, "over the quota"));
        }
        room.unasked.push_back(now);
        room.unasked_in_all += 1;
        bot.push_back(now);
        Ok(())
    }

    /// Counts an answer.
    pub(super) fn spend_answer(
        &mut self,
        openid: &str,
        to: &str,
        number: u64,
    ) -> Result<(), Refusal> {
        let is_group = self.rooms[openid].is_group;
        let rules = self.settings.rules.clone();
        let Some(answerable) = self.answerable.get_mut(to) else {
            return Err(Refusal::new(400, 40_034_024, "unknown msg_id"));
        };
        if answerable.room != openid {
            return Err(Refusal::new(400, 40_034_025, "msg_id of another room"));
        }
        let window = if is_group {
            rules.group_window
        } else {
            rules.private_window
        };
        if answerable.numbers.contains(&number) {
            return Err(Refusal::new(400, 40_054_005, "deduplicated, see msg_seq"));
        }
        if answerable.at.elapsed() > window || answerable.numbers.len() >= rules.replies {
            return Err(Refusal::new(400, 40_034_128, "the reply window is over"));
        }
        answerable.numbers.push(number);
        Ok(())
    }
}
