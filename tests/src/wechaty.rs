//! A strict fake of a Wechaty gateway: one WeChat account of ours behind Wechaty's Puppet Service, and as
//! many people and rooms as a story needs.
//!
//! It refuses what gateways and WeChat refuse: a wrong token (and repeats it in the answer, as the real one
//! does), a second stream of events, calls while nobody is logged in, messages to strangers and to rooms
//! that we are not in, what is too long, too fast or too large, file boxes that cannot be read. It tells of
//! our own messages as the real one does, and keeps nothing for who does not listen.
//! A story talks to it from the other side: [`FakeWechaty::person`], [`FakeWechaty::room`].

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

mod fault;
mod file_box;
mod people;
mod server;
mod service;
mod world;

pub use fault::Fault;
pub use people::Person;
pub use world::{Call, Entry, Place};

use world::{EventKind, World};

/// How long [`Person::sees`] and its like wait.
const PATIENCE: Duration = Duration::from_secs(40);

/// What differs between gateways.
#[derive(Clone, Debug)]
pub struct Settings {
    /// It tells the ids of what we send.
    pub tells_ids: bool,
    /// It counts the kinds of messages as the contract's enum does.
    pub counts_by_contract: bool,
    /// Files of people are behind addresses.
    pub files_by_address: bool,
    /// It puts the ids of who is called into messages; else only the text says it.
    pub tells_mentions: bool,
    /// Somebody has to scan a code first.
    pub needs_scan: bool,
    /// It speaks TLS, with a certificate for this name.
    pub tls: Option<String>,
    /// The token.
    pub token: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tells_ids: false,
            counts_by_contract: false,
            files_by_address: false,
            tells_mentions: true,
            needs_scan: false,
            tls: None,
            token: "insecure_11111111-2222-3333-4444-555555555555".to_owned(),
        }
    }
}

/// What everything here shares.
#[derive(Debug)]
pub(crate) struct Shared {
    settings: Settings,
    world: Mutex<World>,
    version: watch::Sender<u64>,
    cuts: watch::Sender<u64>,
    is_down: AtomicBool,
    /// Where files behind addresses are.
    files: SocketAddr,
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

    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// A running gateway. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeWechaty {
    shared: Arc<Shared>,
    address: SocketAddr,
    certificate: Option<String>,
    _tasks: JoinSet<()>,
}

impl FakeWechaty {
    /// One with the usual ways.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// One with ways of its own.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start_with(settings: Settings) -> anyhow::Result<Self> {
        server::start(settings).await
    }

    /// Where it listens, as the configuration writes it.
    pub fn endpoint(&self) -> String {
        let scheme = match self.shared.settings.tls {
            Some(_) => "https",
            None => "http",
        };
        format!("{scheme}://{}", self.address)
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients have to show.
    pub fn token(&self) -> &str {
        &self.shared.settings.token
    }

    /// Its certificate (PEM), when it speaks TLS.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// The contact id of our account.
    pub fn account(&self) -> String {
        self.shared.with(|world| world.account.clone())
    }

    /// A new person who is a friend of our account.
    pub fn person(&self, name: &str) -> Person {
        Person::new(&self.shared, name, true)
    }

    /// A new person who is no friend: they share rooms with us at most.
    pub fn stranger(&self, name: &str) -> Person {
        Person::new(&self.shared, name, false)
    }

    /// An official account, which writes to thousands.
    pub fn official_account(&self, name: &str) -> Person {
        let person = Person::new(&self.shared, name, true);
        self.shared.with(|world| world.make_official(person.id()));
        person
    }

    /// A new room with our account in it.
    pub fn room(&self, topic: &str) -> Place {
        self.shared.with(|world| world.new_room(topic))
    }

    /// Our account has another name in a room.
    pub fn calls_us(&self, room: &Place, name: &str) {
        self.shared.with(|world| world.call_us(room, name));
    }

    /// Our account is thrown out of a room.
    pub fn throws_us_out(&self, room: &Place) {
        self.shared.with(|world| world.leave(room));
    }

    /// What comes sooner after the message before it in the same room is refused.
    pub fn set_pace(&self, pace: Option<Duration>) {
        self.shared.with(|world| world.pace = pace);
    }

    /// Files that people send from now on are gone at once, or are there again.
    pub fn lose_files(&self, are_lost: bool) {
        self.shared.with(|world| world.loses_files = are_lost);
    }

    /// Somebody scans the code and confirms.
    pub fn is_scanned(&self) {
        self.shared.with(World::log_in);
    }

    /// The phone ends the login.
    pub fn is_logged_out(&self) {
        self.shared.with(World::log_out);
    }

    /// Another account logs in.
    pub fn changes_account(&self) {
        self.shared.with(|world| {
            world.log_out();
            world.account = "wxid_another".to_owned();
            world.log_in();
        });
    }

    /// The gateway is reached and hears, but tells nothing any more; or tells again.
    pub fn set_mute(&self, is_mute: bool) {
        self.shared.with(|world| world.is_mute = is_mute);
    }

    /// The stream of events that is cut next stays taken for so many further tries.
    pub fn lingers(&self, tries: usize) {
        self.shared.with(|world| world.lingering = tries);
    }

    /// The next `times` calls of `call` (`*` for any) go wrong.
    pub fn fail(&self, call: &str, times: usize, fault: &Fault) {
        self.shared
            .with(|world| world.faults.add(call, times, fault));
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.with(|world| world.calls.clone())
    }

    /// How often `call` was called.
    pub fn count_calls(&self, call: &str) -> usize {
        let calls = self.calls();
        calls.iter().filter(|known| known.name == call).count()
    }

    /// Waits until `call` was called more than `after` times.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn hears(&self, call: &str, after: usize) {
        let heard = self.shared.wait_for(|world| {
            let calls = world.calls.iter();
            (calls.filter(|known| known.name == call).count() > after).then_some(())
        });
        assert!(heard.await.is_some(), "nobody called {call} in time");
    }

    /// What our account has done wrong, in words; a story ends without any.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.with(|world| world.complaints.clone())
    }

    /// How often the stream of events was opened.
    pub fn connections(&self) -> usize {
        self.shared.with(|world| world.streams)
    }

    /// Waits until somebody hears our events, for more than the `after`th time.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn is_connected(&self, after: usize) {
        let connected = self.shared.wait_for(|world| {
            (world.is_heard() && world.is_logged_in && world.streams > after).then_some(())
        });
        assert!(connected.await.is_some(), "nobody hears the gateway");
    }

    /// Cuts every line.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Takes no connections, or takes them again.
    pub fn set_down(&self, is_down: bool) {
        self.shared.is_down.store(is_down, Ordering::SeqCst);
        if is_down {
            self.cut();
        }
    }

    /// The newest message of a person is told once more.
    ///
    /// # Panics
    /// When nobody has written yet.
    pub fn repeat_last_event(&self) {
        self.shared.with(|world| {
            let account = world.account.clone();
            let mut newest = world.log.iter().rev();
            let last = newest.find(|entry| entry.from != account);
            let id = last.expect("somebody has written").id.clone();
            world.tell(EventKind::Message, &json!({"messageId": id}));
        });
    }

    /// An event with any number and payload.
    pub fn tells(&self, number: i32, payload: &str) {
        self.shared.with(|world| world.tell_raw(number, payload));
    }

    /// What was written in a room, oldest first.
    pub fn history(&self, place: &Place) -> Vec<Entry> {
        self.shared.with(|world| world.in_room(place))
    }

    /// Everything that our account says in a room, the contents of text files included.
    pub fn everything(&self, place: &Place) -> String {
        self.shared.with(|world| {
            let mut said = String::new();
            for entry in world.ours(place) {
                said.push_str(&entry.text);
                if let Some(file) = &entry.file
                    && file.name == "message.txt"
                {
                    said.push_str(&String::from_utf8_lossy(&file.bytes));
                }
                said.push('\n');
            }
            said
        })
    }

    /// How many messages of ours are in a room.
    pub fn sent(&self, place: &Place) -> usize {
        self.shared.with(|world| world.ours(place).len())
    }
}
