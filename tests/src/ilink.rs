//! A strict fake of personal WeChat's interface for bots (iLink): as many people as a story needs, each
//! with a phone that scans codes and a line of their own, and the servers for files.
//!
//! It refuses what the platform would refuse: missing headers and fields, tokens that have ended, more
//! than so many messages after a word of the person, too late or too fast, files that are not what was
//! announced, keys that do not fit. A person has one live line: a new sign-in ends the one before. What a
//! bot does wrong is kept as a complaint. `tests/python` checks it with a client that was written
//! elsewhere.
//!
//! A story talks to it from the other side: [`FakeWeChat::person`].

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

mod fault;
mod files;
mod lines;
mod login;
mod messages;
mod people;
mod server;
mod state;

pub use fault::Fault;
pub use people::Person;
pub use state::{Call, Entry};

use state::State;

/// What the platform allows.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Messages of the bot after one of the person's.
    pub replies: usize,
    /// How long they may come.
    pub window: Duration,
    /// So many messages within a time are too fast.
    pub burst: (usize, Duration),
    /// How long nothing is taken then.
    pub cooldown: Duration,
    /// Longest text, in characters.
    pub text: usize,
    /// Wrong digits until a code is blocked.
    pub digits: usize,
}

/// How the fake is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the platform allows.
    pub rules: Rules,
    /// How long a question for news is held.
    pub hold: Duration,
    /// Calls must say which app they are of; older clients do not.
    pub app_headers: bool,
    /// Addresses of files are named in full.
    pub full_urls: bool,
    /// How long [`Person::sees`] and its like wait.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Rules {
                replies: 10,
                window: Duration::from_secs(24 * 3600),
                burst: (3, Duration::from_secs(1)),
                cooldown: Duration::from_secs(1),
                text: 4000,
                digits: 3,
            },
            hold: Duration::from_secs(2),
            app_headers: true,
            full_urls: false,
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
    /// A second address, to which phones of another region are sent.
    elsewhere: SocketAddr,
    settings: Settings,
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

    /// Waits until `look` finds something; `None` when the time is over.
    async fn wait_within<T>(
        &self,
        within: Duration,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.version.subscribe();
        let until = tokio::time::Instant::now() + within;
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

    /// The same for as long as a story waits.
    async fn wait_for<T>(&self, look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        self.wait_within(self.settings.patience, look).await
    }
}

/// A running fake. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeWeChat {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl FakeWeChat {
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
        let second = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            elsewhere: second.local_addr()?,
            state: Mutex::new(State::default()),
            version: watch::Sender::new(0),
            settings,
        });
        let mut tasks = JoinSet::new();
        for listener in [listener, second] {
            let router = server::router(shared.clone());
            tasks.spawn(async move {
                // Serving ends with the task; it has no other way to fail once the port is bound.
                let _ = axum::serve(listener, router).await;
            });
        }
        Ok(Self {
            shared,
            _tasks: tasks,
        })
    }

    /// Where codes are made.
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Where files go and come from.
    pub fn cdn_url(&self) -> String {
        format!("http://{}/c2c", self.shared.address)
    }

    /// A new person with a phone.
    pub fn person(&self, name: &str) -> Person {
        Person::new(&self.shared, name)
    }

    /// The next `times` calls of a kind (last part of the path, `*` for any) go wrong.
    pub fn fail(&self, call: &str, times: usize, fault: &Fault) {
        self.shared
            .with(|state| state.faults.add(call, times, fault));
    }

    /// Faults that have not hit yet.
    pub fn faults_waiting(&self) -> usize {
        self.shared.quietly(|state| state.faults.waiting())
    }

    /// Every call so far but questions for news, oldest first.
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

    /// Waits until more than `after` calls of a kind were answered with this code.
    ///
    /// # Panics
    /// When they were not in time.
    pub async fn is_called(&self, what: &str, code: i64, after: usize) {
        let called = self.shared.wait_for(|state| {
            let calls = state.calls.iter();
            let such = calls.filter(|call| call.what == what && call.code == code);
            (such.count() > after).then_some(())
        });
        assert!(
            called.await.is_some(),
            "{what} with {code}: {:#?}",
            self.calls()
        );
    }

    /// What a bot did that no bot may do.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.quietly(|state| state.complaints.clone())
    }

    /// The whole platform is away, or back.
    pub fn is_down(&self, down: bool) {
        self.shared.with(|state| state.is_down = down);
    }

    /// Every question for news that is held now breaks off.
    pub fn cut_lines(&self) {
        self.shared.with(|state| state.cuts += 1);
    }

    /// How many codes were made.
    pub fn codes(&self) -> usize {
        self.shared.quietly(|state| state.codes.len())
    }

    /// Waits for a code that nobody has scanned; what it says.
    ///
    /// # Panics
    /// When none is asked for in time.
    pub async fn shows_code(&self) -> String {
        let link = self.shared.wait_for(|state| {
            let code = state.codes.iter().rev().find(|code| code.is_fresh())?;
            Some(code.link.clone())
        });
        link.await.expect("a code is asked for")
    }

    /// The newest code is no longer good.
    pub fn expires_code(&self) {
        self.shared.with(|state| {
            if let Some(code) = state.codes.last_mut() {
                code.expire();
            }
        });
    }
}
