//! Everything the fake server knows: people, chats, messages, files, and how the bot behaved.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};

use super::error::ApiError;
use super::fault::Faults;
use super::flood::Flood;
use super::formatting::{Entity, Formatted};
use super::keyboard::{self, Keyboard};
use super::updates::Updates;

/// How long a pressed button waits for its answer.
const CALLBACK_LIFE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    pub(crate) handle: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) is_bot: bool,
}

impl User {
    pub(crate) fn json(&self) -> Value {
        let mut value = json!({
            "id": self.id, "is_bot": self.is_bot, "first_name": self.first_name,
        });
        if let Some(handle) = &self.handle {
            value["username"] = json!(handle);
        }
        if let Some(language) = &self.language {
            value["language_code"] = json!(language);
        }
        value
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ChatKind {
    Private,
    Group,
    Supergroup,
}

/// May the bot write to a chat?
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Access {
    Open,
    /// A person who has never written to the bot.
    NotStarted,
    /// A person who blocked the bot.
    Blocked,
    /// The bot was removed from the group, or left it.
    Removed,
}

#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) kind: ChatKind,
    pub(crate) title: String,
    pub(crate) access: Access,
    /// Topics by thread id; `None` when the chat is no forum.
    pub(crate) topics: Option<BTreeMap<i64, String>>,
    pub(crate) moved_to: Option<i64>,
    pub(crate) messages: BTreeMap<i64, Message>,
    last_message: i64,
    pub(crate) log: Vec<Entry>,
}

impl Chat {
    pub(crate) fn new(id: i64, kind: ChatKind, title: &str, access: Access) -> Self {
        Self {
            id,
            kind,
            title: title.to_owned(),
            access,
            topics: None,
            moved_to: None,
            messages: BTreeMap::new(),
            last_message: 0,
            log: Vec::new(),
        }
    }

    pub(crate) fn is_group(&self) -> bool {
        self.kind != ChatKind::Private
    }

    /// A new message id. Every chat counts for itself, so ids repeat from chat to chat.
    pub(crate) fn next_message(&mut self) -> i64 {
        self.last_message += 1;
        self.last_message
    }

    pub(crate) fn json(&self) -> Value {
        let mut value = match self.kind {
            ChatKind::Private => {
                json!({"id": self.id, "type": "private", "first_name": self.title})
            }
            ChatKind::Group => json!({"id": self.id, "type": "group", "title": self.title,
                "all_members_are_administrators": false}),
            ChatKind::Supergroup => {
                json!({"id": self.id, "type": "supergroup", "title": self.title})
            }
        };
        if self.topics.is_some() {
            value["is_forum"] = json!(true);
        }
        value
    }
}

/// A file that the server keeps.
#[derive(Clone, Debug)]
pub(crate) struct StoredFile {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) bytes: Bytes,
}

/// A message as it is now.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) from: User,
    pub(crate) thread: Option<i64>,
    pub(crate) body: Body,
    pub(crate) reply_to: Option<i64>,
    pub(crate) keyboard: Keyboard,
    pub(crate) date: SystemTime,
    pub(crate) edited: bool,
    /// Where a message that was passed on is from.
    pub(crate) forward_origin: Option<Value>,
}

/// What a message carries.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Text(Formatted),
    Document(StoredFile, Formatted),
    Photo(StoredFile, Formatted),
    /// A service message: the fields it adds.
    Service(Value),
}

impl Body {
    /// Text or caption.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Document(_, text) | Self::Photo(_, text) => &text.text,
            Self::Service(_) => "",
        }
    }

    pub(crate) fn entities(&self) -> &[Entity] {
        match self {
            Self::Text(text) | Self::Document(_, text) | Self::Photo(_, text) => &text.entities,
            Self::Service(_) => &[],
        }
    }

    pub(crate) fn file(&self) -> Option<&StoredFile> {
        match self {
            Self::Document(file, _) | Self::Photo(file, _) => Some(file),
            _ => None,
        }
    }
}

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A person wrote it.
    Said,
    /// The bot sent it.
    Sent,
    /// The bot changed its text or its buttons.
    Edited,
    /// The bot deleted it.
    Deleted,
}

/// One line of a chat's history: a message, or a change of one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What happened.
    pub change: Change,
    /// When, by the server's steady clock.
    pub at: Instant,
    /// Which message.
    pub message: i64,
    /// The topic it is in.
    pub thread: Option<i64>,
    /// Text or caption after the change.
    pub text: String,
    /// Stretches of the text with a meaning.
    pub entities: Vec<Entity>,
    /// Labels of the buttons after the change.
    pub buttons: Vec<String>,
    /// Name of the file it carries.
    pub file: Option<String>,
    /// The message that it answers.
    pub reply_to: Option<i64>,
}

/// One call that the bot made.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method in lower case.
    pub method: String,
    /// Its arguments without file contents.
    pub arguments: BTreeMap<String, String>,
    /// When it was answered.
    pub at: Instant,
    /// The HTTP status of the answer.
    pub status: u16,
}

#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) made: Instant,
    /// The text of the answer, empty for none.
    pub(crate) answer: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) max_connections: i64,
    pub(crate) last_error: Option<(SystemTime, String)>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) token: String,
    pub(crate) bot: User,
    pub(crate) privacy: bool,
    pub(crate) users: BTreeMap<i64, User>,
    pub(crate) chats: BTreeMap<i64, Chat>,
    pub(crate) updates: Updates,
    pub(crate) files: BTreeMap<String, StoredFile>,
    pub(crate) callbacks: HashMap<String, Callback>,
    /// Menus by scope (JSON text) and language.
    pub(crate) commands: BTreeMap<(String, String), Value>,
    pub(crate) webhook: Option<Webhook>,
    pub(crate) flood: Flood,
    pub(crate) faults: Faults,
    pub(crate) calls: Vec<Call>,
    /// Methods that were called and do not exist here.
    pub(crate) unknown_methods: BTreeSet<String>,
    last_id: i64,
}

impl State {
    pub(crate) fn new(token: &str, bot_name: &str, privacy: bool) -> Self {
        let id = token
            .split(':')
            .next()
            .and_then(|id| id.parse().ok())
            .unwrap_or(42);
        Self {
            token: token.to_owned(),
            bot: User {
                id,
                first_name: "Jarvis".to_owned(),
                handle: Some(bot_name.to_owned()),
                language: None,
                is_bot: true,
            },
            privacy,
            users: BTreeMap::new(),
            chats: BTreeMap::new(),
            updates: Updates::default(),
            files: BTreeMap::new(),
            callbacks: HashMap::new(),
            commands: BTreeMap::new(),
            webhook: None,
            flood: Flood::default(),
            faults: Faults::default(),
            calls: Vec::new(),
            unknown_methods: BTreeSet::new(),
            last_id: 700_000_000,
        }
    }

    /// An id that nothing else has.
    pub(crate) fn next_id(&mut self) -> i64 {
        self.last_id += 17;
        self.last_id
    }

    /// A chat that the bot may name, wherever it may write to it.
    pub(crate) fn known_chat(&mut self, id: i64) -> Result<&mut Chat, ApiError> {
        let chat = self
            .chats
            .get_mut(&id)
            .ok_or_else(|| ApiError::bad("chat not found"))?;
        match chat.moved_to {
            Some(to) => Err(ApiError::migrated(to)),
            None => Ok(chat),
        }
    }

    /// A chat that the bot may write to.
    pub(crate) fn open_chat(&mut self, id: i64) -> Result<&mut Chat, ApiError> {
        let chat = self.known_chat(id)?;
        match (chat.access, chat.kind) {
            (Access::Open, _) => Ok(chat),
            (Access::NotStarted, _) => Err(ApiError::forbidden(
                "bot can't initiate conversation with a user",
            )),
            (Access::Blocked, _) => Err(ApiError::forbidden("bot was blocked by the user")),
            (Access::Removed, ChatKind::Supergroup) => Err(ApiError::forbidden(
                "bot was kicked from the supergroup chat",
            )),
            (Access::Removed, _) => Err(ApiError::forbidden("bot was kicked from the group chat")),
        }
    }

    /// Keeps bytes under a new file id.
    pub(crate) fn store(&mut self, name: &str, mime: &str, bytes: Bytes) -> StoredFile {
        let number = self.next_id();
        // The real server makes its own paths too, with the sender's extension.
        let extension = name
            .rsplit_once('.')
            .map(|(_, extension)| extension)
            .filter(|extension| extension.chars().all(|c| c.is_ascii_alphanumeric()))
            .map_or_else(String::new, |extension| format!(".{extension}"));
        let file = StoredFile {
            id: format!("BQACAgIAAxkBAAI{number}"),
            path: format!("documents/file_{number}{extension}"),
            name: name.to_owned(),
            mime: mime.to_owned(),
            bytes,
        };
        self.files.insert(file.id.clone(), file.clone());
        file
    }

    /// Puts a message into its chat and into the chat's history.
    pub(crate) fn add(&mut self, chat: i64, message: Message, change: Change) {
        let chat = self.chats.get_mut(&chat).expect("the caller looked it up");
        chat.log.push(entry(&message, change));
        chat.messages.insert(message.id, message);
    }

    /// The message as the bot sees it.
    pub(crate) fn message_json(&self, chat: i64, message: &Message) -> Value {
        self.render(chat, message, true)
    }

    fn render(&self, chat: i64, message: &Message, with_reply: bool) -> Value {
        let chat = &self.chats[&chat];
        let mut value = json!({
            "message_id": message.id,
            "from": message.from.json(),
            "chat": chat.json(),
            "date": seconds(message.date),
        });
        if message.edited {
            value["edit_date"] = json!(seconds(SystemTime::now()));
        }
        if let Some(thread) = message.thread {
            value["message_thread_id"] = json!(thread);
            value["is_topic_message"] = json!(true);
        }
        let entities =
            |text: &Formatted| -> Value { text.entities.iter().map(Entity::json).collect() };
        match &message.body {
            Body::Text(text) => {
                value["text"] = json!(text.text);
                if !text.entities.is_empty() {
                    value["entities"] = entities(text);
                }
            }
            Body::Document(file, caption) | Body::Photo(file, caption) => {
                if matches!(message.body, Body::Photo(..)) {
                    value["photo"] = json!([{"file_id": file.id, "file_unique_id": unique(file),
                        "width": 90, "height": 90, "file_size": file.bytes.len()}]);
                } else {
                    value["document"] = json!({"file_id": file.id, "file_unique_id": unique(file),
                        "file_name": file.name, "mime_type": file.mime,
                        "file_size": file.bytes.len()});
                }
                if !caption.text.is_empty() {
                    value["caption"] = json!(caption.text);
                }
                if !caption.entities.is_empty() {
                    value["caption_entities"] = entities(caption);
                }
            }
            Body::Service(fields) => {
                if let (Some(value), Some(fields)) = (value.as_object_mut(), fields.as_object()) {
                    value.extend(fields.clone());
                }
            }
        }
        if let Some(origin) = &message.forward_origin {
            value["forward_origin"] = origin.clone();
        }
        if !message.keyboard.is_empty() {
            value["reply_markup"] = keyboard::json(&message.keyboard);
        }
        // A reply inside a reply is not shown.
        if let Some(to) = message
            .reply_to
            .filter(|_| with_reply)
            .and_then(|to| chat.messages.get(&to))
        {
            value["reply_to_message"] = self.render(chat.id, to, false);
        }
        value
    }

    /// The callback, if it can still be answered.
    pub(crate) fn open_callback(&mut self, id: &str) -> Option<&mut Callback> {
        self.callbacks
            .get_mut(id)
            .filter(|callback| callback.answer.is_none() && callback.made.elapsed() < CALLBACK_LIFE)
    }
}

pub(crate) fn entry(message: &Message, change: Change) -> Entry {
    Entry {
        change,
        at: Instant::now(),
        message: message.id,
        thread: message.thread,
        text: message.body.text().to_owned(),
        entities: message.body.entities().to_vec(),
        buttons: message
            .keyboard
            .iter()
            .flatten()
            .map(|button| button.label.clone())
            .collect(),
        file: message.body.file().map(|file| file.name.clone()),
        reply_to: message.reply_to,
    }
}

pub(crate) fn unique(file: &StoredFile) -> String {
    format!("AgAD{}", &file.id[file.id.len() - 9..])
}

pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
