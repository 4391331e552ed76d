//! A strict fake of QQ: one account of ours, as many people and groups as a story needs, and the
//! programs through which the account is used ([`onebot`], [`milky`]).
//!
//! It refuses what QQ and those programs refuse: unknown calls, calls with the wrong arguments,
//! messages to strangers and to groups that we are not in, what is too long or too fast, empty files.
//! A story talks to it from the other side: [`FakeQq::person`], [`FakeQq::group`].

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

mod fault;
pub mod milky;
pub mod onebot;
mod people;
mod world;

pub use fault::Fault;
pub use people::Person;
pub use world::{Call, Entry, Piece, Place};

use world::World;

/// How long [`Person::sees`] and its like wait.
const PATIENCE: Duration = Duration::from_secs(40);

/// State and its change signal; what the programs and the story's people share.
#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    version: watch::Sender<u64>,
    /// What people do, for the programs that are connected.
    happened: broadcast::Sender<Happened>,
}

/// What a program tells us.
#[derive(Debug, Clone)]
pub(crate) enum Happened {
    /// Somebody wrote.
    Message(Entry),
    /// The same event once more.
    Again(Entry),
    /// Anything at all, as it is; only over connections.
    Raw(Arc<str>),
}

impl Shared {
    /// Works on the world and wakes everyone who waits for a change.
    fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        let result = work(&mut self.world.lock().expect("no holder panics"));
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// Waits until `look` finds something; `None` when the patience is used up.
    async fn wait_for<T>(&self, mut look: impl FnMut(&mut World) -> Option<T>) -> Option<T> {
        let mut changes = self.version.subscribe();
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            changes.borrow_and_update();
            {
                let mut world = self.world.lock().expect("no holder panics");
                if let Some(found) = look(&mut world) {
                    return Some(found);
                }
            }
            let changed = tokio::time::timeout_at(until, changes.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                return None;
            }
        }
    }
}

/// QQ, with one account of ours.
#[derive(Debug, Clone)]
pub struct FakeQq {
    shared: Arc<Shared>,
}

impl Default for FakeQq {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeQq {
    /// Without people, groups and programs.
    pub fn new() -> Self {
        let shared = Shared {
            world: Mutex::new(World::new()),
            version: watch::Sender::new(0),
            happened: broadcast::Sender::new(4096),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The number of our account.
    pub fn account(&self) -> i64 {
        self.shared.with(|world| world.account)
    }

    /// A new person who is a friend of our account.
    pub fn person(&self, name: &str) -> Person {
        Person::new(&self.shared, name, true)
    }

    /// A new person who is no friend: they share groups with us at most.
    pub fn stranger(&self, name: &str) -> Person {
        Person::new(&self.shared, name, false)
    }

    /// A new group with our account in it.
    pub fn group(&self, title: &str) -> Place {
        self.shared.with(|world| world.new_group(title))
    }

    /// An administrator silences our account in a group, or lets it speak again.
    pub fn mute(&self, group: Place, is_muted: bool) {
        self.shared.with(|world| world.mute(group, is_muted));
    }

    /// Our account is thrown out of a group.
    pub fn throws_us_out(&self, group: Place) {
        self.shared.with(|world| world.leave(group));
    }

    /// What comes sooner after the message before it in the same room is swallowed.
    pub fn set_pace(&self, pace: Option<Duration>) {
        self.shared.with(|world| world.pace = pace);
    }

    /// Files that people send from now on are gone at once, or are there again.
    pub fn lose_files(&self, are_lost: bool) {
        self.shared.with(|world| world.loses_files = are_lost);
    }

    /// The next `times` calls of `action` (`*` for any) go wrong.
    pub fn fail(&self, action: &str, times: usize, fault: &Fault) {
        self.shared
            .with(|world| world.faults.add(action, times, fault));
    }

    /// Faults that have not hit yet.
    pub fn faults_waiting(&self) -> usize {
        self.shared.with(|world| world.faults.waiting())
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.with(|world| world.calls.clone())
    }

    /// Waits until `action` was called more than `after` times.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn hears(&self, action: &str, after: usize) {
        let heard = self.shared.wait_for(|world| {
            let calls = world.calls.iter();
            (calls.filter(|call| call.action == action).count() > after).then_some(())
        });
        assert!(heard.await.is_some(), "nobody called {action} in time");
    }

    /// What our account has done wrong, in words; a story ends without any.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.with(|world| world.complaints.clone())
    }

    /// Waits for a complaint with these words.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn complains(&self, words: &str) {
        let complaint = self.shared.wait_for(|world| {
            let mut all = world.complaints.iter();
            all.any(|complaint| complaint.contains(words)).then_some(())
        });
        assert!(complaint.await.is_some(), "nobody complains of {words:?}");
    }

    /// The newest message of a person is told once more.
    ///
    /// # Panics
    /// When nobody has written yet.
    pub fn repeat_last_event(&self) {
        let last = self.shared.with(|world| {
            let account = world.account;
            let mut newest = world.log.iter().rev();
            newest.find(|entry| entry.from != account).cloned()
        });
        let last = last.expect("somebody has written");
        // Without a program that is connected nobody is told.
        let _ = self.shared.happened.send(Happened::Again(last));
    }

    /// Programs send this over their connections, whatever it is.
    pub fn tells_raw(&self, text: &str) {
        // Without a program that is connected nobody is told.
        let _ = self.shared.happened.send(Happened::Raw(text.into()));
    }

    /// What was written in a room, oldest first.
    pub fn history(&self, place: Place) -> Vec<Entry> {
        self.shared.with(|world| world.in_room(place))
    }

    /// How often `action` was called.
    pub fn count_calls(&self, action: &str) -> usize {
        let calls = self.calls();
        calls.iter().filter(|call| call.action == action).count()
    }

    /// Everything that our account says in a room, the contents of text files included.
    pub fn everything(&self, place: Place) -> String {
        self.shared.with(|world| {
            let mut said = String::new();
            for entry in world.ours(place) {
                said.push_str(&entry.text);
                for piece in &entry.pieces {
                    if let Piece::File(id) = piece
                        && let Some(file) = world.files.get(id)
                        && file.name == "message.txt"
                    {
                        said.push_str(&String::from_utf8_lossy(&file.bytes));
                    }
                }
                said.push('\n');
            }
            said
        })
    }

    /// How many messages of ours are in a room.
    pub fn sent(&self, place: Place) -> usize {
        self.shared.with(|world| world.ours(place).len())
    }

    /// How many of our messages in a room contain `text`.
    pub fn count(&self, place: Place, text: &str) -> usize {
        self.shared.with(|world| {
            let ours = world.ours(place);
            ours.iter()
                .filter(|entry| entry.text.contains(text))
                .count()
        })
    }
}
