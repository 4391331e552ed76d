//! People: what they write and send, and what they wait to see.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::world::{Entry, Piece, Place};
use super::{Happened, Shared};

/// A person with QQ. Reading goes forward: each `sees` looks only at what came after the last one.
#[derive(Clone, Debug)]
pub struct Person {
    shared: Arc<Shared>,
    id: i64,
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

    /// The person's QQ number.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The chat with our account.
    pub fn room(&self) -> Place {
        Place::Private(self.id)
    }

    /// Writes to our account in private.
    pub fn says(&self, text: &str) -> i64 {
        self.writes(self.room(), vec![Piece::Text(text.to_owned())], None)
    }

    /// Writes in a group, to nobody in particular.
    pub fn says_in(&self, group: Place, text: &str) -> i64 {
        self.writes(group, vec![Piece::Text(text.to_owned())], None)
    }

    /// Calls our account in a group.
    pub fn asks_in(&self, group: Place, text: &str) -> i64 {
        let account = self.shared.with(|world| world.account);
        let pieces = vec![Piece::At(account), Piece::Text(format!(" {text}"))];
        self.writes(group, pieces, None)
    }

    /// Answers a message.
    pub fn replies_in(&self, place: Place, to: i64, text: &str) -> i64 {
        self.writes(place, vec![Piece::Text(text.to_owned())], Some(to))
    }

    /// Sends a file. QQ has no room for words beside it.
    pub fn sends_file_in(&self, place: Place, name: &str, bytes: impl Into<Bytes>) -> i64 {
        let bytes = bytes.into();
        let file = self.shared.with(|world| world.store(name, bytes));
        self.writes(place, vec![Piece::File(file)], None)
    }

    /// Sends a picture.
    pub fn sends_picture_in(&self, place: Place, name: &str, bytes: impl Into<Bytes>) -> i64 {
        let bytes = bytes.into();
        let file = self.shared.with(|world| world.store(name, bytes));
        self.writes(place, vec![Piece::Image(file)], None)
    }

    /// Writes whatever pieces.
    pub fn writes(&self, place: Place, pieces: Vec<Piece>, reply_to: Option<i64>) -> i64 {
        let entry = self
            .shared
            .with(|world| world.write(place, self.id, pieces, reply_to));
        let id = entry.id;
        // Without a program that is connected nobody is told, as with the real one.
        let _ = self.shared.happened.send(Happened::Message(entry));
        id
    }

    /// Waits in private for a message of our account that contains `text`.
    pub async fn sees(&self, text: &str) -> Entry {
        self.sees_in(self.room(), text).await
    }

    /// Waits in a room for a message of our account that contains `text`.
    pub async fn sees_in(&self, place: Place, text: &str) -> Entry {
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
        place: Place,
        what: &str,
        fits: impl Fn(&Entry) -> bool,
    ) -> Entry {
        let from = {
            let read = self.read.lock().expect("no holder panics");
            read.get(&place).copied().unwrap_or(0)
        };
        let found = self
            .shared
            .wait_for(|world| {
                let account = world.account;
                let room = world.in_room(place).into_iter().enumerate().skip(from);
                let mut ours = room.filter(|(_, entry)| entry.from == account);
                ours.find(|(_, entry)| fits(entry))
            })
            .await;
        let Some((index, entry)) = found else {
            let room = self.shared.with(|world| world.in_room(place));
            let lines: String = room
                .iter()
                .map(|entry| format!("  {}: {} {:?}\n", entry.from, entry.text, entry.file))
                .collect();
            panic!("nobody wrote {what} in time:\n{lines}");
        };
        let mut read = self.read.lock().expect("no holder panics");
        read.insert(place, index + 1);
        entry
    }

    /// Waits in private for a file of this name; returns its bytes.
    pub async fn gets_file(&self, name: &str) -> Bytes {
        self.gets_file_in(self.room(), name).await
    }

    /// The same in any room.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn gets_file_in(&self, place: Place, name: &str) -> Bytes {
        let entry = self
            .sees_where(place, &format!("file {name:?}"), |entry| {
                entry.file.as_deref() == Some(name)
            })
            .await;
        self.bytes_of(&entry).expect("the file was just seen")
    }

    /// The bytes of the newest file or picture of our account in a room.
    ///
    /// # Panics
    /// When there is none.
    pub fn gets_last_file_in(&self, place: Place) -> Bytes {
        let ours = self.shared.with(|world| world.ours(place));
        let last = ours.iter().rev().find_map(|entry| self.bytes_of(entry));
        last.expect("our account has sent no file")
    }

    fn bytes_of(&self, entry: &Entry) -> Option<Bytes> {
        let file = entry.pieces.iter().find_map(|piece| match piece {
            Piece::File(id) | Piece::Image(id) => Some(id.clone()),
            _ => None,
        })?;
        self.shared
            .with(|world| world.files.get(&file).map(|file| file.bytes.clone()))
    }
}
