//! People: what they write, press and send, and what they wait to see.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;

use super::Shared;
use super::post::{Posting, now};
use super::sealing::cdata;
use super::state::{Entry, Media, Shown, Way};

/// A person who has the app. Reading goes forward: each `sees` looks only at what came after the last one.
#[derive(Clone, Debug)]
pub struct Person {
    pub(super) shared: Arc<Shared>,
    pub(super) user: String,
    pub(super) read: Arc<Mutex<usize>>,
}

impl Person {
    pub(crate) fn new(shared: &Arc<Shared>, user: &str) -> Self {
        shared.with(|state| {
            state.chat(user);
        });
        Self {
            shared: shared.clone(),
            user: user.to_owned(),
            read: Arc::default(),
        }
    }

    /// The person's id.
    pub fn id(&self) -> &str {
        &self.user
    }

    /// Writes to the app; the message's id.
    pub fn says(&self, text: &str) -> String {
        self.sends("text", text, &cdata("Content", text))
    }

    /// Sends a picture.
    pub fn sends_picture(&self, bytes: impl Into<Bytes>) -> String {
        let media = self.shared.with(|state| {
            let id = format!("PIC{}", state.next_id());
            let media = Media {
                kind: "image".to_owned(),
                name: "p.jpg".to_owned(),
                bytes: bytes.into(),
            };
            state.media.insert(id.clone(), media);
            id
        });
        let fields = cdata("PicUrl", "http://p.qpic.cn/x") + &cdata("MediaId", &media);
        self.sends("image", "[picture]", &fields)
    }

    /// Sends a message of any kind.
    pub fn sends(&self, kind: &str, shown: &str, fields: &str) -> String {
        let id = self.shared.quietly(|state| {
            // As large as they are: beyond what a double holds.
            7_300_000_000_000_000_000 + state.next_id()
        });
        let fields = format!("{}{fields}<MsgId>{id}</MsgId>", cdata("MsgType", kind));
        self.posts(&id.to_string(), shown, &fields);
        id.to_string()
    }

    /// Does something that is no message, such as `subscribe`.
    pub fn does(&self, event: &str, fields: &str) {
        let fields = cdata("MsgType", "event") + &cdata("Event", event) + fields;
        self.posts("", &format!("[{event}]"), &fields);
    }

    fn posts(&self, message: &str, shown: &str, fields: &str) {
        let posting = self.posting(message, fields);
        self.shared.with(|state| {
            state.show(&self.user, Shown::text(Way::Said, "said", shown));
            let chat = state.chat(&self.user);
            chat.spoke = Some(Instant::now());
            chat.since = 0;
            state.last = Some(posting.clone());
            state.to_post.push_back(posting);
        });
    }

    /// A message as it will be posted.
    pub(crate) fn posting(&self, message: &str, fields: &str) -> Posting {
        let head =
            cdata("FromUserName", &self.user) + &format!("<CreateTime>{}</CreateTime>", now());
        let fields = format!("{head}{fields}");
        let (query, body) = self.shared.dialect.wrap(&fields);
        Posting {
            user: self.user.clone(),
            message: message.to_owned(),
            query,
            body,
            fields,
        }
    }

    /// Presses the newest button whose label contains `label`.
    ///
    /// # Panics
    /// When there is none.
    pub fn presses(&self, label: &str) {
        let pressed = self.shared.with(|state| {
            let chat = state.chat(&self.user);
            let newest = chat.log.iter().rev().find(|entry| {
                let has = |(text, _): &(String, String)| text.contains(label);
                entry.settled.is_none() && entry.buttons.iter().any(has)
            })?;
            let message = newest.id.clone();
            let (_, key) = newest
                .buttons
                .iter()
                .find(|(text, _)| text.contains(label))?;
            let key = key.clone();
            let task = state.tasks.iter().find(|(_, known)| **known == message);
            let task = task.map(|(task, _)| task.clone())?;
            let code = format!("RC{}", state.next_id());
            state
                .cards
                .insert(code.clone(), (self.user.clone(), message));
            Some((key, task, code))
        });
        let Some((key, task, code)) = pressed else {
            panic!("no button {label:?} in\n{}", self.transcript());
        };
        let fields = cdata("EventKey", &key)
            + &cdata("TaskId", &task)
            + &cdata("CardType", "button_interaction")
            + &cdata("ResponseCode", &code);
        self.does("template_card_event", &fields);
    }

    /// Waits until the app has put something in place of a card's buttons.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn sees_choice(&self, text: &str) {
        let found = self.shared.wait_for(|state| {
            let log = &state.chat(&self.user).log;
            let is_it = |entry: &&Entry| {
                entry
                    .settled
                    .as_ref()
                    .is_some_and(|settled| settled.contains(text))
            };
            log.iter().find(is_it).map(|_| ())
        });
        assert!(found.await.is_some(), "{}", self.transcript());
    }

    /// Waits for a message of the app that contains `text`.
    pub async fn sees(&self, text: &str) -> Entry {
        self.sees_where(&format!("{text:?}"), |entry| entry.text.contains(text))
            .await
    }

    /// Waits for a file of this name, or a picture where that has none.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn gets_file(&self, name: &str) -> Bytes {
        self.sees_where(&format!("file {name:?}"), |entry| {
            entry.file.as_deref() == Some(name)
        })
        .await;
        self.shared
            .quietly(|state| {
                let mut media = state.media.values();
                media
                    .find(|media| media.name == name)
                    .map(|media| media.bytes.clone())
            })
            .expect("a file that was sent is up")
    }

    /// Waits for something of the app that `fits`.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn sees_where(&self, what: &str, fits: impl Fn(&Entry) -> bool) -> Entry {
        let from = *self.read.lock().expect("no holder panics");
        let found = self.shared.wait_for(|state| {
            let log = state.chat(&self.user).log.iter().enumerate().skip(from);
            log.filter(|(_, entry)| entry.way != Way::Said)
                .find(|(_, entry)| fits(entry))
                .map(|(place, entry)| (place, entry.clone()))
        });
        let Some((place, entry)) = found.await else {
            panic!("nobody wrote {what} in time:\n{}", self.transcript());
        };
        *self.read.lock().expect("no holder panics") = place + 1;
        entry
    }

    /// Everything of the app so far.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.quietly(|state| {
            let log = state.chat(&self.user).log.iter();
            log.filter(|entry| entry.way != Way::Said)
                .cloned()
                .collect()
        })
    }

    /// How many messages of the app contain `text`.
    pub fn count(&self, text: &str) -> usize {
        let log = self.log();
        log.iter().filter(|entry| entry.text.contains(text)).count()
    }

    /// The person has left.
    pub fn leaves(&self) {
        self.shared
            .with(|state| state.chat(&self.user).is_gone = true);
    }

    /// The person may no longer see the app.
    pub fn loses_sight(&self) {
        self.shared
            .with(|state| state.chat(&self.user).is_out_of_range = true);
    }

    fn transcript(&self) -> String {
        let (log, calls, mistakes) = self.shared.quietly(|state| {
            let log = state.chat(&self.user).log.clone();
            (log, state.calls.clone(), state.mistakes.clone())
        });
        let lines = log.into_iter().map(|entry| {
            let (way, text) = (entry.way, entry.text);
            format!("  {way:?}: {text} {:?} {:?}\n", entry.file, entry.buttons)
        });
        let refused = calls.into_iter().filter(|call| call.code != 0);
        let refused =
            refused.map(|call| format!("  refused {} {} {}\n", call.what, call.code, call.body));
        let mistakes = mistakes.into_iter().map(|what| format!("  {what}\n"));
        lines.chain(refused).chain(mistakes).collect()
    }
}
