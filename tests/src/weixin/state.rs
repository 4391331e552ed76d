//! What the fake platform knows.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;

use super::fault::Faults;
use super::post::Posting;

/// A refusal: the platform's code and its words.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) words: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, words: &str) -> Self {
        Self {
            code,
            words: words.to_owned(),
        }
    }
}

/// How something came to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The person said it.
    Said,
    /// The app sent it by the API.
    Sent,
    /// The app said it in the answer to a call.
    Answered,
    /// The platform says that the app does not answer.
    Trouble,
}

/// Something in a chat.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Id of the message.
    pub id: String,
    /// How it came.
    pub way: Way,
    /// What it says.
    pub text: String,
    /// Its kind, such as `text`, `markdown`, `template_card`.
    pub kind: String,
    /// Labels and keys of its buttons.
    pub buttons: Vec<(String, String)>,
    /// Name of its file.
    pub file: Option<String>,
    /// What the app has put in place of its buttons.
    pub settled: Option<String>,
    /// It was taken back.
    pub is_recalled: bool,
}

/// A call of the app.
#[derive(Clone, Debug)]
pub struct Called {
    /// The path, such as `message/send`.
    pub what: String,
    /// What was sent.
    pub body: Value,
    /// The platform's code; 0 for success.
    pub code: i64,
    /// When it came.
    pub at: Instant,
}

/// A file that is up.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// A person's chat with the app.
#[derive(Debug, Default)]
pub(crate) struct Chat {
    pub(crate) log: Vec<Entry>,
    /// When messages were sent by the API.
    pub(crate) sent: VecDeque<Instant>,
    /// When the person has spoken last, and how often it was written to since.
    pub(crate) spoke: Option<Instant>,
    pub(crate) since: usize,
    /// The person has left, or may not see the app.
    pub(crate) is_gone: bool,
    pub(crate) is_out_of_range: bool,
}

/// How a call of ours was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status; 0 when there was none in time.
    pub status: u16,
    /// Its body.
    pub body: String,
    /// The id of the message that it belongs to.
    pub message: String,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) faults: Faults,
    pub(crate) calls: Vec<Called>,
    pub(crate) is_down: bool,
    /// The server's address is not on the list.
    pub(crate) is_stranger: bool,
    pub(crate) token: Option<String>,
    /// The token that was given last, good or not.
    pub(crate) given: Option<String>,
    pub(crate) tokens_made: usize,
    pub(crate) tokens_asked: usize,
    pub(crate) chats: HashMap<String, Chat>,
    pub(crate) media: HashMap<String, Media>,
    pub(crate) callback: Option<String>,
    pub(crate) to_post: VecDeque<Posting>,
    pub(crate) last: Option<Posting>,
    pub(crate) answers: Vec<Answer>,
    /// What was said in the answer to a message.
    pub(crate) said: HashMap<String, String>,
    /// What the platform would not complain about, but somebody would miss.
    pub(crate) mistakes: Vec<String>,
    /// Cards by what allows their change: person, message.
    pub(crate) cards: HashMap<String, (String, String)>,
    pub(crate) tasks: HashMap<String, String>,
    /// What was sent with a check for repetitions.
    pub(crate) checked: Vec<(String, Instant)>,
    next: u64,
}

impl State {
    pub(crate) fn next_id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn chat(&mut self, user: &str) -> &mut Chat {
        self.chats.entry(user.to_owned()).or_default()
    }

    pub(crate) fn complain(&mut self, what: impl Into<String>) {
        self.mistakes.push(what.into());
    }

    /// Shows something to a person; its id.
    pub(crate) fn show(&mut self, user: &str, entry: Shown) -> String {
        let id = format!("msg{}", self.next_id());
        self.chat(user).log.push(Entry {
            id: id.clone(),
            way: entry.way,
            text: entry.text,
            kind: entry.kind,
            buttons: entry.buttons,
            file: entry.file,
            settled: None,
            is_recalled: false,
        });
        id
    }
}

/// What is shown to a person.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) way: Way,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) buttons: Vec<(String, String)>,
    pub(crate) file: Option<String>,
}

impl Shown {
    pub(crate) fn text(way: Way, kind: &str, text: &str) -> Self {
        Self {
            way,
            kind: kind.to_owned(),
            text: text.to_owned(),
            buttons: Vec::new(),
            file: None,
        }
    }
}
