//! Everything that QQ knows: people, groups, messages, files, and how our account behaved.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::Value;

use super::fault::Faults;

/// QQ takes no longer text.
const LONGEST_TEXT: usize = 4500;

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The chat of this person with our account.
    Private(i64),
    /// A group.
    Group(i64),
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Text.
    Text(String),
    /// A person is called, or everybody (0).
    At(i64),
    /// A picture by its file's id.
    Image(String),
    /// A file by its id.
    File(String),
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where.
    pub place: Place,
    /// Who wrote it.
    pub from: i64,
    /// Counts up in each room.
    pub seq: i64,
    /// Its id in OneBot: any 32-bit number but 0, negative ones too.
    pub id: i64,
    /// What it says.
    pub pieces: Vec<Piece>,
    /// Its text, with people called as `@NUMBER`.
    pub text: String,
    /// The name of its file.
    pub file: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<i64>,
    /// Unix seconds.
    pub time: u64,
    /// It was taken back.
    pub is_recalled: bool,
}

/// One call of our account.
#[derive(Clone, Debug)]
pub struct Call {
    /// What was called.
    pub action: String,
    /// With what; file contents are shortened.
    pub params: Value,
    /// When.
    pub at: Instant,
}

#[derive(Clone, Debug)]
pub(crate) struct Someone {
    pub(crate) name: String,
    pub(crate) is_friend: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) members: Vec<i64>,
    pub(crate) we_are_in: bool,
    pub(crate) is_muted: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// Why QQ does not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoSuchGroup,
    NotFriend,
    Muted,
    TooLong,
    Empty,
}

impl Refusal {
    /// As programs word it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NoSuchGroup => "群不存在或不在群内",
            Self::NotFriend => "对方不是好友",
            Self::Muted => "EventChecker Failed: {\"result\":120,\"errMsg\":\"你已被禁言\"}",
            Self::TooLong => "消息过长",
            Self::Empty => "消息体无法解析, 请检查是否发送了不支持的消息类型",
        }
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: i64,
    pub(crate) people: BTreeMap<i64, Someone>,
    pub(crate) groups: BTreeMap<i64, Group>,
    pub(crate) log: Vec<Entry>,
    pub(crate) files: BTreeMap<String, Stored>,
    pub(crate) faults: Faults,
    pub(crate) calls: Vec<Call>,
    pub(crate) complaints: Vec<String>,
    pub(crate) pace: Option<Duration>,
    /// Files cannot be fetched.
    pub(crate) loses_files: bool,
    last_sent: HashMap<Place, Instant>,
    next: i64,
    /// Programs that are connected now, and have ever been.
    pub(crate) connected: usize,
    pub(crate) connections: usize,
    /// Signs of life that were sent.
    pub(crate) heartbeats: usize,
    /// Events that were posted and taken.
    pub(crate) posted: usize,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            account: 1_000_000_001,
            people: BTreeMap::new(),
            groups: BTreeMap::new(),
            log: Vec::new(),
            files: BTreeMap::new(),
            faults: Faults::default(),
            calls: Vec::new(),
            complaints: Vec::new(),
            pace: None,
            loses_files: false,
            last_sent: HashMap::new(),
            next: 0,
            connected: 0,
            connections: 0,
            heartbeats: 0,
            posted: 0,
        }
    }

    fn count_up(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    pub(super) fn new_person(&mut self, name: &str, is_friend: bool) -> i64 {
        let id = 2_000_000_000 + self.count_up() * 7;
        let someone = Someone {
            name: name.to_owned(),
            is_friend,
        };
        self.people.insert(id, someone);
        id
    }

    pub(super) fn new_group(&mut self, name: &str) -> Place {
        // Numbers of groups and of people overlap.
        let id = 2_000_000_000 + self.count_up() * 7;
        let group = Group {
            name: name.to_owned(),
            members: Vec::new(),
            we_are_in: true,
            is_muted: false,
        };
        self.groups.insert(id, group);
        Place::Group(id)
    }

    pub(super) fn mute(&mut self, place: Place, is_muted: bool) {
        if let Place::Group(group) = place
            && let Some(group) = self.groups.get_mut(&group)
        {
            group.is_muted = is_muted;
        }
    }

    pub(super) fn leave(&mut self, place: Place) {
        if let Place::Group(group) = place
            && let Some(group) = self.groups.get_mut(&group)
        {
            group.we_are_in = false;
        }
    }

    /// Keeps bytes under a new id.
    pub(crate) fn store(&mut self, name: &str, bytes: Bytes) -> String {
        let id = format!("/f-{:08x}", self.count_up());
        let file = Stored {
            name: name.to_owned(),
            bytes,
        };
        self.files.insert(id.clone(), file);
        id
    }

    /// Writes a message down. Whoever writes must be allowed to.
    pub(crate) fn write(
        &mut self,
        place: Place,
        from: i64,
        pieces: Vec<Piece>,
        reply_to: Option<i64>,
    ) -> Entry {
        if let Place::Group(group) = place
            && let Some(group) = self.groups.get_mut(&group)
            && from != self.account
            && !group.members.contains(&from)
        {
            group.members.push(from);
        }
        let number = self.count_up();
        let text = pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::At(0) => "@all".to_owned(),
            Piece::At(person) => format!("@{person}"),
            Piece::Image(_) | Piece::File(_) => String::new(),
        });
        let text = text.collect();
        let file = pieces.iter().find_map(|piece| match piece {
            Piece::Image(id) | Piece::File(id) => self.files.get(id).map(|file| file.name.clone()),
            _ => None,
        });
        let seq = self.log.iter().filter(|entry| entry.place == place).count();
        let entry = Entry {
            place,
            from,
            seq: i64::try_from(seq).unwrap_or(i64::MAX) + 1,
            id: message_id(number),
            pieces,
            text,
            file,
            reply_to,
            time: now(),
            is_recalled: false,
        };
        self.log.push(entry.clone());
        entry
    }

    /// Our account wants to write here. `None`: it is swallowed without a word.
    pub(crate) fn send(
        &mut self,
        place: Place,
        by_way_of: Option<i64>,
        pieces: Vec<Piece>,
        reply_to: Option<i64>,
    ) -> Result<Option<Entry>, Refusal> {
        self.may_write(place, by_way_of)?;
        let length: usize = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.chars().count(),
                _ => 0,
            })
            .sum();
        if length > LONGEST_TEXT {
            return Err(Refusal::TooLong);
        }
        let shows = pieces.iter().any(|piece| match piece {
            Piece::Text(text) => !text.trim().is_empty(),
            _ => true,
        });
        if !shows {
            return Err(Refusal::Empty);
        }
        let last = self.last_sent.insert(place, Instant::now());
        if let (Some(pace), Some(last)) = (self.pace, last)
            && last.elapsed() < pace
        {
            return Ok(None);
        }
        let known = reply_to.filter(|id| {
            let mut room = self.log.iter().filter(|entry| entry.place == place);
            room.any(|entry| entry.id == *id || entry.seq == *id)
        });
        if reply_to.is_some() && known.is_none() {
            self.complaints.push(format!(
                "an answer to {reply_to:?}, which is not in {place:?}"
            ));
        }
        Ok(Some(self.write(place, self.account, pieces, known)))
    }

    /// Whether our account may write here.
    pub(crate) fn may_write(&self, place: Place, by_way_of: Option<i64>) -> Result<(), Refusal> {
        match place {
            Place::Group(group) => match self.groups.get(&group) {
                Some(group) if group.is_muted => Err(Refusal::Muted),
                Some(group) if group.we_are_in => Ok(()),
                _ => Err(Refusal::NoSuchGroup),
            },
            Place::Private(person) => {
                let is_friend = self.people.get(&person).is_some_and(|one| one.is_friend);
                let is_neighbour = by_way_of
                    .and_then(|group| self.groups.get(&group))
                    .is_some_and(|group| group.we_are_in && group.members.contains(&person));
                if is_friend || is_neighbour {
                    Ok(())
                } else {
                    Err(Refusal::NotFriend)
                }
            }
        }
    }

    pub(super) fn in_room(&self, place: Place) -> Vec<Entry> {
        let room = self.log.iter().filter(|entry| entry.place == place);
        room.cloned().collect()
    }

    pub(super) fn ours(&self, place: Place) -> Vec<Entry> {
        let room = self.log.iter().filter(|entry| entry.place == place);
        room.filter(|entry| entry.from == self.account)
            .cloned()
            .collect()
    }

    /// Notes a call, without the contents of files.
    pub(crate) fn note_call(&mut self, action: &str, params: &Value) {
        const LONGEST: usize = 20_000;
        let text = params.to_string();
        let params = if text.len() > LONGEST {
            Value::from(text.chars().take(200).collect::<String>())
        } else {
            params.clone()
        };
        self.calls.push(Call {
            action: action.to_owned(),
            params,
            at: Instant::now(),
        });
    }
}

/// The programs make their ids by hashing: they do not count up, and many are negative.
fn message_id(number: i64) -> i64 {
    let mixed = u32::try_from(number)
        .unwrap_or(u32::MAX)
        .wrapping_mul(2_654_435_761);
    i64::from(mixed.cast_signed())
}

pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
