//! Translation: people without a common language talk in one room.
//!
//! A message becomes `work::Work`, stored in the unit of its event. The `desk` of the room where the
//! translation is to be read makes it, several at a time and shown in order: `pieces` takes the text
//! apart, `mask` hides what must stay, the `translator` finds an engine that can, and `show` says
//! it as an answer to the original, in a message that follows edits. Nothing here waits in a room's
//! lane. What a room decided is in `settings`; `take` decides what a message needs.

mod breaker;
mod check;
mod desk;
mod detect;
pub mod engine;
mod make;
mod mask;
mod pieces;
pub mod settings;
mod show;
pub(crate) mod take;
pub mod tongue;
pub(crate) mod translator;
pub mod work;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::brain::Brain;
use crate::room::RoomKey;
use crate::store::StoreError;
use desk::Desk;
use engine::EngineConfig;
use settings::RoomTranslation;
use translator::Translator;
use work::Work;

/// Names of recent speakers that are kept for a room.
const MOST_NAMES: usize = 32;
/// How often a room is told of the same trouble.
const TELL_EVERY_MS: i64 = 3_600_000;
/// Rooms and troubles that are remembered.
const MOST_TOLD: usize = 10_000;
/// Unfinished translations taken up at the start.
const MOST_RESUMED: usize = 20_000;

/// What the configuration says about translation.
#[derive(Debug, Clone)]
pub struct TranslateConfig {
    /// Engines, in the order in which they are tried.
    pub engines: Vec<EngineConfig>,
    /// Characters that one person may have translated in a month; 0 = no limit.
    pub person_budget: u64,
    /// Characters that may be translated for one room in a month; 0 = no limit.
    pub room_budget: u64,
    /// A translation that takes longer is announced as delayed.
    pub delayed_after: Duration,
    /// After this, a translation that no engine made is given up.
    pub give_up_after: Duration,
}

impl Default for TranslateConfig {
    fn default() -> Self {
        Self {
            engines: Vec::new(),
            person_budget: 0,
            room_budget: 0,
            delayed_after: Duration::from_secs(8),
            give_up_after: Duration::from_secs(600),
        }
    }
}

/// The brain's translations.
#[derive(Debug)]
pub(crate) struct Translations {
    translator: Translator,
    desk: Desk,
    rooms: RwLock<HashMap<RoomKey, Arc<RoomTranslation>>>,
    names: RwLock<HashMap<RoomKey, VecDeque<String>>>,
    /// When a room was last told of a sort of trouble, Unix milliseconds.
    told: Mutex<HashMap<(RoomKey, &'static str), i64>>,
}

impl Translations {
    /// With the engines of the configuration.
    ///
    /// # Errors
    /// What is wrong with an engine.
    pub(crate) fn new(config: &TranslateConfig) -> Result<Self, String> {
        Ok(Self {
            translator: Translator::new(&config.engines)?,
            desk: Desk::default(),
            rooms: RwLock::default(),
            names: RwLock::default(),
            told: Mutex::default(),
        })
    }

    /// Reads what rooms decided and what was spent, and takes up what was not finished.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(crate) async fn load(&self, brain: &Brain) -> Result<(), StoreError> {
        for (room, settings) in brain.store().translation_rooms().await? {
            self.keep_room(room, settings);
        }
        let month = month(brain);
        for (engine, characters) in brain.store().translation_spent(&month).await? {
            self.translator.remember_spent(&engine, &month, characters);
        }
        for work in brain.store().translations(MOST_RESUMED).await? {
            self.begin(brain, work);
        }
        Ok(())
    }

    /// What a room decided.
    pub(crate) fn room(&self, room: &RoomKey) -> Option<Arc<RoomTranslation>> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        rooms.get(room).cloned()
    }

    /// A room has decided something else; it is stored already.
    pub(crate) fn keep_room(&self, room: RoomKey, settings: RoomTranslation) {
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        if settings.is_empty() {
            rooms.remove(&room);
        } else {
            rooms.insert(room, Arc::new(settings));
        }
    }

    /// All rooms of a bundle, in a fixed order.
    pub(crate) fn bundle(&self, bundle: &str) -> Vec<(RoomKey, Arc<RoomTranslation>)> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let mut tied: Vec<_> = rooms
            .iter()
            .filter(|(_, settings)| {
                settings
                    .link
                    .as_ref()
                    .is_some_and(|link| link.bundle == bundle)
            })
            .map(|(room, settings)| (room.clone(), Arc::clone(settings)))
            .collect();
        tied.sort_by(|(one, _), (other, _)| one.cmp(other));
        tied
    }

    /// Another bot of ours that translates in the same room.
    pub(crate) fn other_bot_in(&self, room: &RoomKey) -> Option<RoomKey> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        rooms
            .iter()
            .find(|(other, settings)| {
                settings.is_on()
                    && other.bot.kind == room.bot.kind
                    && other.bot.bot != room.bot.bot
                    && other.room == room.room
                    && other.thread == room.thread
            })
            .map(|(other, _)| other.clone())
    }

    /// The engines.
    pub(crate) fn translator(&self) -> &Translator {
        &self.translator
    }

    /// Sets a stored work going.
    pub(crate) fn begin(&self, brain: &Brain, work: Work) {
        self.desk.take(brain, work);
    }

    /// Whether a room has so much waiting that no more is taken.
    pub(crate) fn is_full(&self, room: &RoomKey) -> bool {
        self.desk.is_full(room)
    }

    /// Whether a room may be told of this trouble: once an hour.
    fn may_tell(&self, room: &RoomKey, trouble: &'static str, now_ms: i64) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, time_ms| now_ms - *time_ms < TELL_EVERY_MS);
        let key = (room.clone(), trouble);
        let is_news = !told.contains_key(&key) && told.len() < MOST_TOLD;
        if is_news {
            told.insert(key, now_ms);
        }
        is_news
    }

    /// Remembers that somebody speaks here: names are not translated.
    fn note_name(&self, room: &RoomKey, name: &str) {
        if !is_tellable(name) {
            return;
        }
        let knows = |names: &VecDeque<String>| names.iter().any(|known| known == name);
        {
            let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
            if names.get(room).is_some_and(knows) {
                return;
            }
        }
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let names = names.entry(room.clone()).or_default();
        names.push_back(name.to_owned());
        if names.len() > MOST_NAMES {
            names.pop_front();
        }
    }

    fn names(&self, room: &RoomKey) -> Vec<String> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        names
            .get(room)
            .map(|names| names.iter().cloned().collect())
            .unwrap_or_default()
    }
}

/// Whether a name can be told from ordinary words: `Will` and `May` cannot.
fn is_tellable(name: &str) -> bool {
    let count = name.chars().count();
    let is_eastern = name.chars().all(|c| u32::from(c) >= 0x2E80);
    (is_eastern && (2..=8).contains(&count)) || (name.contains(' ') && count <= 40)
}

/// The calendar month, as `2026-11`.
pub(crate) fn month(brain: &Brain) -> String {
    jiff::Timestamp::from_millisecond(brain.now_ms())
        .map(|now| now.to_zoned(brain.zone()).strftime("%Y-%m").to_string())
        .unwrap_or_default()
}

/// The language that most of a text is in.
pub(crate) fn tongue_of(text: &str, among: &[tongue::Tongue]) -> Option<tongue::Tongue> {
    pieces::main_tongue(&pieces::pieces(text, among, None))
}

/// Whether a room may have one more translation waiting.
pub(crate) fn may_wait(brain: &Brain, room: &RoomKey) -> bool {
    !brain.translations().is_full(room)
}
