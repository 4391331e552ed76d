//! People: what they write and send, and what they wait to see.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::Shared;
use super::world::{Entry, Place, Stored};

/// A person with WeChat. Reading goes forward: each `sees` looks only at what came after the last one.
#[derive(Clone, Debug)]
pub struct Person {
    shared: Arc<Shared>,
    id: String,
    /// How much of each room was read.
    read: Arc<Mutex<HashMap<Place, usize>>>,
}

impl Person {
    pub(super) fn new(shared: &Arc<Shared>, name: &str, is_friend: bool) -> Self {
        Self {
            shared: shared.clone(),
            id: shared.with(|world| world.new_person(name, is_friend)),
            read: Arc::default(),
        }
    }

    /// The person's contact id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The chat with our account.
    pub fn chat(&self) -> Place {
        Place::Private(self.id.clone())
    }

    /// Writes to our account in private.
    pub fn says(&self, text: &str) -> Entry {
        self.says_in(&self.chat(), text)
    }

    /// Writes in a room, to nobody in particular.
    pub fn says_in(&self, place: &Place, text: &str) -> Entry {
        self.writes(place, text, Vec::new(), None)
    }

    /// Calls our account in a room, as a phone does: by the name that it has there.
    ///
    /// # Panics
    /// When it is no room.
    pub fn asks_in(&self, place: &Place, text: &str) -> Entry {
        let Place::Room(room) = place else {
            panic!("{place:?} is no room");
        };
        let (account, name) = self.shared.with(|world| {
            let account = world.account.clone();
            let name = world.name_in(room, &account);
            (account, name)
        });
        let text = format!("@{name}\u{2005}{text}");
        let mentions = if self.shared.settings.tells_mentions {
            vec![account]
        } else {
            Vec::new()
        };
        self.writes(place, &text, mentions, None)
    }

    /// Answers words of our account, as a phone does: with the words and a line above the answer.
    pub fn answers(&self, place: &Place, words: &str, text: &str) -> Entry {
        let name = self.shared.with(|world| {
            let account = world.account.clone();
            world.people[&account].name.clone()
        });
        let line = "- - - - - - - - - - - - - - -";
        self.says_in(place, &format!("「{name}：{words}」\n{line}\n{text}"))
    }

    /// Sends a file. WeChat has no room for words beside it.
    pub fn sends_file_in(&self, place: &Place, name: &str, bytes: impl Into<Bytes>) -> Entry {
        let file = Stored {
            name: name.to_owned(),
            bytes: bytes.into(),
        };
        self.writes(place, "", Vec::new(), Some(file))
    }

    /// Takes a message back.
    pub fn recalls(&self, entry: &Entry) -> bool {
        self.shared.with(|world| world.recall(&entry.id))
    }

    fn writes(
        &self,
        place: &Place,
        text: &str,
        mentions: Vec<String>,
        file: Option<Stored>,
    ) -> Entry {
        self.shared
            .with(|world| world.write(place, &self.id, text, mentions, file))
    }

    /// Waits in private for a message of our account that contains `text`.
    pub async fn sees(&self, text: &str) -> Entry {
        self.sees_in(&self.chat(), text).await
    }

    /// Waits in a room for a message of our account that contains `text`.
    pub async fn sees_in(&self, place: &Place, text: &str) -> Entry {
        self.sees_where(place, &format!("{text:?}"), |entry| {
            entry.text.contains(text)
        })
        .await
    }

    /// Waits for a message of our account that `fits`.
    ///
    /// # Panics
    /// With what was written when it does not come in time.
    pub async fn sees_where(
        &self,
        place: &Place,
        what: &str,
        fits: impl Fn(&Entry) -> bool,
    ) -> Entry {
        let from = {
            let read = self.read.lock().expect("no holder panics");
            read.get(place).copied().unwrap_or(0)
        };
        let found = self
            .shared
            .wait_for(|world| {
                let account = world.account.clone();
                let room = world.in_room(place).into_iter().enumerate().skip(from);
                let mut ours = room.filter(|(_, entry)| entry.from == account);
                ours.find(|(_, entry)| fits(entry))
            })
            .await;
        let Some((index, entry)) = found else {
            let room = self.shared.with(|world| world.in_room(place));
            let lines: String = room
                .iter()
                .map(|entry| {
                    let file = entry.file.as_ref().map(|file| &file.name);
                    format!("  {}: {} {file:?}\n", entry.from, entry.text)
                })
                .collect();
            panic!("nobody wrote {what} in time:\n{lines}");
        };
        let mut read = self.read.lock().expect("no holder panics");
        read.insert(place.clone(), index + 1);
        entry
    }

    /// Waits in private for a file of this name; returns its bytes.
    pub async fn gets_file(&self, name: &str) -> Bytes {
        let what = format!("file {name:?}");
        let entry = self
            .sees_where(&self.chat(), &what, |entry| {
                entry.file.as_ref().is_some_and(|file| file.name == name)
            })
            .await;
        entry.file.expect("the file was just seen").bytes
    }
}
