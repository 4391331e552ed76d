//! A strict fake of QQ's platform for official bots: one bot, as many people and groups as a story
//! needs.
//!
//! It refuses what the platform would refuse: wrong and ended tokens, answers outside of their window
//! or beyond their count, numbers that were used, unasked messages over the quota or where they are not
//! wanted, missing heartbeats, wrong intents, parts that are not the file. `tests/python` checks it with
//! Tencent's own client.
//!
//! A story talks to it from the other side: [`FakeQq::person`], [`FakeQq::group`].

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

mod fault;
mod files;
mod gateway;
mod messages;
mod people;
mod server;
mod state;
mod webhook;

pub use fault::Fault;
pub use people::{Group, Person};
pub use state::{Call, Entry};

use state::{Push, State};

/// What the platform allows.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Answers to one message.
    pub replies: usize,
    /// How long a private message may be answered.
    pub private_window: Duration,
    /// The same in groups.
    pub group_window: Duration,
    /// Unasked messages to one room in a minute.
    pub room_per_minute: usize,
    /// The same in a day.
    pub room_per_day: usize,
    /// Unasked messages to people in a minute.
    pub private_per_minute: usize,
    /// Unasked messages to groups in a minute.
    pub group_per_minute: usize,
    /// Longest text, in characters.
    pub text: usize,
}

/// How the fake is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bot's `AppID`.
    pub app_id: String,
    /// The bot's `AppSecret`.
    pub secret: String,
    /// What the platform allows.
    pub rules: Rules,
    /// Intents that the bot may ask for.
    pub intents: u64,
    /// How often a heartbeat is wanted.
    pub heartbeat: Duration,
    /// A person has the same openid in groups as in private. Bots were seen both ways.
    pub one_openid: bool,
    /// The bot may send markdown.
    pub markdown: bool,
    /// The bot may show buttons.
    pub buttons: bool,
    /// How long [`Person::sees`] and its like wait.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            app_id: "102000001".to_owned(),
            secret: "DG5g3B4j9X2KOErG".to_owned(),
            rules: Rules {
                replies: 5,
                private_window: Duration::from_secs(3600),
                group_window: Duration::from_secs(300),
                room_per_minute: 20,
                room_per_day: 1000,
                private_per_minute: 30,
                group_per_minute: 30,
                text: 4000,
            },
            intents: 1 << 25 | 1 << 26 | 1 << 30 | 1 << 12,
            heartbeat: Duration::from_secs(2),
            one_openid: false,
            markdown: true,
            buttons: true,
            patience: Duration::from_secs(30),
        }
    }
}

/// State and its change signal; what the server and the story's people share.
#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    version: watch::Sender<u64>,
    address: SocketAddr,
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

    fn base(&self) -> String {
        format!("http://{}", self.address)
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
pub struct FakeQq {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl FakeQq {
    /// Starts with the usual settings.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start() -> Result<Self> {
        Self::start_with(Settings::default()).await
    }

    /// Starts with settings of one's own.
    ///
    /// # Errors
    /// When no loopback port can be had.
    pub async fn start_with(settings: Settings) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let gateway = TcpListener::bind("127.0.0.1:0").await?;
        let gateway_url = format!("ws://{}/websocket", gateway.local_addr()?);
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            patience: settings.patience,
            state: Mutex::new(State::new(settings, gateway_url)),
            version: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        let router = server::router(shared.clone());
        tasks.spawn(async move {
            // Serving ends with the task; it has no other way to fail once the port is bound.
            let _ = axum::serve(listener, router).await;
        });
        tasks.spawn(gateway::serve(shared.clone(), gateway));
        tasks.spawn(webhook::deliver(Arc::downgrade(&shared)));
        Ok(Self {
            shared,
            _tasks: tasks,
        })
    }

    /// Where the bot finds the API.
    pub fn url(&self) -> String {
        self.shared.base()
    }

    /// Where the bot finds its token.
    pub fn token_url(&self) -> String {
        format!("{}/app/getAppAccessToken", self.shared.base())
    }

    /// Where the gateway is.
    pub fn gateway_url(&self) -> String {
        self.shared.quietly(|state| state.gateway_url.clone())
    }

    /// What was written in the room with this openid.
    pub fn person_log(&self, openid: &str) -> Vec<Entry> {
        self.shared.quietly(|state| {
            let room = state.rooms.get(openid);
            room.map(|room| room.log.clone()).unwrap_or_default()
        })
    }

    /// App id and secret.
    pub fn credentials(&self) -> (String, String) {
        self.shared.quietly(|state| {
            let settings = &state.settings;
            (settings.app_id.clone(), settings.secret.clone())
        })
    }

    /// A new person who is the bot's friend.
    pub fn person(&self, name: &str) -> Person {
        Person::new(&self.shared, name)
    }

    /// A new group with the bot in it.
    pub fn group(&self, name: &str) -> Group {
        Group::new(&self.shared, name)
    }

    /// The next `times` calls of a kind (`*` for any of the API, `token`, `storage`) go wrong.
    pub fn fail(&self, call: &str, times: usize, fault: &Fault) {
        self.shared
            .with(|state| state.faults.add(call, times, fault));
    }

    /// Faults that have not hit yet.
    pub fn faults_waiting(&self) -> usize {
        self.shared.quietly(|state| state.faults.waiting())
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.quietly(|state| state.calls.clone())
    }

    /// Calls of a kind that were answered with this code.
    pub fn count_calls(&self, what: &str, code: i64) -> usize {
        let calls = self.calls();
        let calls = calls.iter();
        calls
            .filter(|call| call.what == what && call.code == code)
            .count()
    }

    /// How many tokens were made.
    pub fn tokens_made(&self) -> usize {
        self.shared.quietly(|state| state.tokens_made)
    }

    /// The token ends now.
    pub fn end_token(&self) {
        self.shared.with(|state| state.token = None);
    }

    /// Messages with addresses are refused from now on.
    pub fn refuse_links(&self) {
        self.shared.with(|state| state.refuses_links = true);
    }

    /// Messages with this word are refused from now on.
    pub fn forbid(&self, word: &str) {
        self.shared
            .with(|state| state.forbidden_word = Some(word.to_owned()));
    }

    /// How often a session was begun, and gone on with.
    pub fn sessions(&self) -> (usize, usize) {
        self.shared
            .quietly(|state| (state.identifies, state.resumes))
    }

    /// How often the gateway's address was asked for.
    pub fn gateway_asked(&self) -> usize {
        self.shared.quietly(|state| state.gateway_asked)
    }

    /// Waits until a session was begun or gone on with more than `after` times in all.
    ///
    /// # Panics
    /// When it was not in time.
    pub async fn is_connected(&self, after: usize) {
        let connected = self
            .shared
            .wait_for(|state| (state.identifies + state.resumes > after).then_some(()))
            .await;
        assert!(connected.is_some(), "the bot does not connect");
    }

    /// Waits until the bot has sent more than `after` heartbeats.
    ///
    /// # Panics
    /// When it has not in time.
    pub async fn beats(&self, after: usize) {
        let beaten = self
            .shared
            .wait_for(|state| (state.heartbeats > after).then_some(()))
            .await;
        assert!(beaten.is_some(), "the bot sends no heartbeats");
    }

    /// The gateway closes the connection with this code.
    pub fn close(&self, code: u16) {
        self.push(&Push::Close(code));
    }

    /// The line to the gateway is cut.
    pub fn cut_line(&self) {
        self.push(&Push::Cut);
    }

    /// The gateway sends a frame of the story.
    pub fn send_frame(&self, frame: Value) {
        self.push(&Push::Frame(frame));
    }

    /// The gateway asks for a new connection.
    pub fn ask_to_reconnect(&self) {
        self.send_frame(json!({"op": 7}));
    }

    /// The gateway forgets the session and says so.
    pub fn forget_session(&self) {
        self.shared.with(|state| state.session = None);
        self.send_frame(json!({"op": 9, "d": false}));
    }

    fn push(&self, push: &Push) {
        self.shared.with(|state| {
            if let Some(live) = &state.live {
                // A connection that has just gone needs nothing more.
                let _ = live.send(push.clone());
            }
        });
    }

    /// An event of the story's own.
    pub fn dispatch(&self, kind: &str, d: &Value) -> String {
        self.shared.with(|state| state.dispatch(kind, d))
    }

    /// The newest event comes once more.
    ///
    /// # Panics
    /// When there was none.
    pub fn replay_last_event(&self) {
        self.shared.with(|state| {
            let frame = state.last_frame.clone().expect("there was an event");
            state.deliver(frame);
        });
    }

    /// The whole platform is away, or back.
    pub fn is_down(&self, down: bool) {
        self.shared.with(|state| {
            state.is_down = down;
            if down && let Some(live) = state.live.take() {
                let _ = live.send(Push::Cut);
            }
        });
    }

    /// Sets the webhook's address, as at the portal: with a check.
    ///
    /// # Errors
    /// When the bot does not pass the check.
    pub async fn set_webhook(&self, url: &str) -> Result<()> {
        let (app_id, secret) = self.credentials();
        webhook::check(url, &app_id, &secret).await?;
        self.shared
            .with(|state| state.webhook = Some(url.to_owned()));
        Ok(())
    }

    /// Calls a webhook with any secret and body; status of the answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn call_webhook(&self, url: &str, secret: &str, body: String) -> Result<u16> {
        let (app_id, _) = self.credentials();
        Ok(webhook::call(url, &app_id, secret, body).await?.0)
    }

    /// Events that the webhook has not taken.
    pub fn events_waiting(&self) -> usize {
        self.shared.quietly(|state| state.to_call.len())
    }

    /// The bytes of a file that the bot has put up.
    pub fn file(&self, name: &str) -> Option<bytes::Bytes> {
        self.shared.quietly(|state| {
            let mut files = state.files.values();
            files
                .find(|file| file.name == name)
                .map(|file| file.bytes.clone())
        })
    }

    /// Somebody scans the code that makes a bot.
    ///
    /// # Panics
    /// When no code is asked for in time.
    pub async fn scan(&self) {
        let scanned = self
            .shared
            .wait_for(|state| {
                let creation = state.creation.as_mut()?;
                creation.is_scanned = true;
                Some(())
            })
            .await;
        assert!(scanned.is_some(), "no code is asked for");
    }
}
