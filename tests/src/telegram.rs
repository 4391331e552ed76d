//! A strict fake of the Telegram Bot API: one bot, as many people, groups and forums as a story needs.
//!
//! It is as strict as the real server where a bot can notice: token, arguments, HTML, lengths, flood
//! control, offsets, conflicting pollers, edits that change nothing. `tests/python` checks it with
//! python-telegram-bot, a client that knows the real server.
//!
//! A story talks to it from the other side: [`FakeTelegram::person`], [`FakeTelegram::group`].

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

mod arguments;
mod error;
mod fault;
mod flood;
mod formatting;
mod keyboard;
mod methods;
mod people;
mod rooms;
mod server;
mod state;
mod updates;
mod webhook;

pub use fault::Fault;
pub use flood::{FloodRules, Rate};
pub use formatting::Entity;
pub use keyboard::Button;
pub use people::{Person, Press};
pub use rooms::{Room, Seen};
pub use state::{Call, Change, Entry};

use state::State;

/// How the fake is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bot's token.
    pub token: String,
    /// The bot's user name, without `@`.
    pub bot_name: String,
    /// The bot sees only what is meant for it in groups (Telegram's default).
    pub privacy: bool,
    /// Flood control; `None` switches it off.
    pub flood: Option<FloodRules>,
    /// How long [`Person::sees`] and its like wait.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token: "4242424242:AAFakeTokenForStoriesOnly-0123456789".to_owned(),
            bot_name: "jarvis_story_bot".to_owned(),
            privacy: true,
            flood: None,
            patience: Duration::from_secs(30),
        }
    }
}

/// State and its change signal; what the server and the story's people share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    version: watch::Sender<u64>,
    patience: Duration,
}

impl Shared {
    /// Works on the state and wakes everyone who waits for a change.
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let result = self.quietly(work);
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// Works on the state without waking anyone.
    fn quietly<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().expect("no holder panics");
        work(&mut state)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Waits until `look` finds something; `None` when the patience is used up.
    async fn wait_for<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut changes = self.changes();
        let until = tokio::time::Instant::now() + self.patience;
        loop {
            changes.borrow_and_update();
            if let Some(found) = self.quietly(&mut look) {
                return Some(found);
            }
            if tokio::time::timeout_at(until, changes.changed())
                .await
                .is_err()
            {
                return None;
            }
        }
    }
}

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeTelegram {
    shared: Arc<Shared>,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl FakeTelegram {
    /// Starts with the usual settings and no flood control.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start() -> std::io::Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// Starts with settings of one's own.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start_with(settings: Settings) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut state = State::new(&settings.token, &settings.bot_name, settings.privacy);
        state.flood.rules = settings.flood;
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            version: watch::Sender::new(0),
            patience: settings.patience,
        });
        let mut tasks = JoinSet::new();
        let router = server::router(shared.clone());
        tasks.spawn(async move {
            // Serving ends with the task; it has no other way to fail once the port is bound.
            let _ = axum::serve(listener, router).await;
        });
        tasks.spawn(webhook::deliver(Arc::downgrade(&shared)));
        Ok(Self {
            shared,
            address,
            _tasks: tasks,
        })
    }

    /// Where the bot finds the API.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address behind [`Self::url`], for a proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bot's token.
    pub fn token(&self) -> String {
        self.shared.quietly(|state| state.token.clone())
    }

    /// The bot's user name, without `@`.
    pub fn bot_name(&self) -> String {
        self.shared
            .quietly(|state| state.bot.handle.clone().unwrap_or_default())
    }

    /// A new person with a user name made of the name, whose phone speaks English.
    pub fn person(&self, name: &str) -> Person {
        Person::new(&self.shared, name, "en")
    }

    /// A new person with a phone in `language`.
    pub fn person_speaking(&self, name: &str, language: &str) -> Person {
        Person::new(&self.shared, name, language)
    }

    /// A new group with the bot in it.
    pub fn group(&self, title: &str) -> Room {
        Room::group(&self.shared, title)
    }

    /// A new supergroup with topics, and the bot in it.
    pub fn forum(&self, title: &str) -> Room {
        Room::forum(&self.shared, title)
    }

    /// Switches flood control to other rules, or off.
    pub fn set_flood(&self, rules: Option<FloodRules>) {
        self.shared.with(|state| state.flood.rules = rules);
    }

    /// How many messages flood control has refused.
    pub fn refused_by_flood(&self) -> usize {
        self.shared.quietly(|state| state.flood.refused)
    }

    /// How many messages came to a chat before the `retry_after` of that chat had passed.
    pub fn impatient_calls(&self) -> usize {
        self.shared.quietly(|state| state.flood.impatient)
    }

    /// The next `times` calls of `method` (`*` for any, `file` for a download) go wrong.
    pub fn fail(&self, method: &str, times: usize, fault: &Fault) {
        self.shared
            .with(|state| state.faults.add(method, times, fault));
    }

    /// Faults that have not hit yet.
    pub fn faults_waiting(&self) -> usize {
        self.shared.quietly(|state| state.faults.waiting())
    }

    /// No more faults.
    pub fn heal(&self) {
        self.shared.with(|state| state.faults.clear());
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.quietly(|state| state.calls.clone())
    }

    /// Waits until the bot has called `method` (lower case) successfully more than `after` times.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn hears(&self, method: &str, after: usize) {
        let heard = self
            .shared
            .wait_for(|state| {
                let calls = state.calls.iter();
                let count = calls
                    .filter(|call| call.method == method && call.status == 200)
                    .count();
                (count > after).then_some(())
            })
            .await;
        assert!(heard.is_some(), "the bot did not call {method} in time");
    }

    /// How many times the bot has begun to poll.
    pub fn polls(&self) -> u64 {
        self.shared.quietly(|state| state.updates.generation)
    }

    /// Waits until the bot has begun to poll more than `after` times.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn is_polled(&self, after: u64) {
        let polled = self
            .shared
            .wait_for(|state| (state.updates.generation > after).then_some(()))
            .await;
        assert!(polled.is_some(), "the bot does not poll");
    }

    /// Waits until every update was delivered and confirmed.
    ///
    /// # Panics
    /// When the bot does not confirm in time.
    pub async fn is_drained(&self) {
        let drained = self
            .shared
            .wait_for(|state| (state.updates.waiting() == 0).then_some(()))
            .await;
        assert!(
            drained.is_some(),
            "the bot did not confirm all updates in time"
        );
    }

    /// Delivers the newest update once more, as happens when its confirmation is lost.
    ///
    /// # Panics
    /// When there was none.
    pub fn replay_last_update(&self) {
        self.shared.with(|state| {
            let last = state.updates.last_id().expect("there was an update");
            assert!(state.updates.replay(last), "it was made here");
        });
    }

    /// Updates that the bot has not confirmed.
    pub fn updates_waiting(&self) -> usize {
        self.shared.quietly(|state| state.updates.waiting())
    }

    /// The menu set for `language` in the default scope ("" for the language-free one).
    pub fn menu(&self, language: &str) -> Option<Vec<String>> {
        let key = (r#"{"type":"default"}"#.to_owned(), language.to_owned());
        self.shared.quietly(|state| {
            let commands = state.commands.get(&key)?.as_array()?;
            let name = |command: &Value| command["command"].as_str().map(str::to_owned);
            commands.iter().map(name).collect()
        })
    }

    /// Whether a webhook is set.
    pub fn has_webhook(&self) -> bool {
        self.shared.quietly(|state| state.webhook.is_some())
    }

    /// Methods that the bot called and this fake does not know.
    pub fn unknown_methods(&self) -> Vec<String> {
        self.shared
            .quietly(|state| state.unknown_methods.iter().cloned().collect())
    }
}
