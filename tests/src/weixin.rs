//! What WeCom and Official Accounts have in common as platforms: they post what people write to an address
//! of the app, signed and encrypted, wait for five seconds and come again; and they take calls with an access
//! token. [`crate::wecom_app`] and [`crate::wechat_official`] say the rest.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

mod fault;
pub(crate) mod files;
mod people;
pub(crate) mod post;
pub(crate) mod sealing;
pub(crate) mod server;
mod state;

pub use fault::Fault;
pub use people::Person;
pub use sealing::Sealing;
pub use state::{Answer, Called, Entry, Way};

pub(crate) use state::{Refusal, Shown, State};

use post::Posting;
use server::{Incoming, Reply};

/// Query and body of a call.
pub(crate) type Wrapped = (Vec<(String, String)>, String);

/// What one of the two platforms is like.
pub(crate) trait Dialect: std::fmt::Debug + Send + Sync {
    /// Wraps the fields of a message for the app.
    fn wrap(&self, fields: &str) -> Wrapped;

    /// Reads the app's answer to a message: what it says to the person, if anything.
    fn answer(&self, posting: &Posting, body: &str) -> Result<Option<String>>;

    /// Whether it is a call for a token.
    fn is_login(&self, call: &Incoming) -> bool;

    /// A call for a token.
    fn token(&self, state: &mut State, call: &Incoming) -> Result<Value, Refusal>;

    /// Whether a call needs no token.
    fn is_open(&self, _: &Incoming) -> bool {
        false
    }

    /// The code for a server that is not on the list.
    fn stranger(&self) -> i64;

    /// Any other call.
    fn run(&self, state: &mut State, call: &Incoming) -> Result<Reply, Refusal>;
}

/// State and its change signal; what the server and the story's people share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    version: watch::Sender<u64>,
    pub(crate) address: SocketAddr,
    patience: Duration,
    pub(crate) dialect: Arc<dyn Dialect>,
}

impl Shared {
    /// Works on the state and wakes everyone who waits for a change.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let result = self.quietly(work);
        self.version.send_modify(|version| *version += 1);
        result
    }

    /// Works on the state without waking anyone.
    pub(crate) fn quietly<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().expect("no holder panics");
        work(&mut state)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Waits until `look` finds something; `None` when the patience is used up.
    pub(crate) async fn wait_for<T>(
        &self,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.changes();
        let until = tokio::time::Instant::now() + self.patience;
        loop {
            changes.borrow_and_update();
            if let Some(found) = self.quietly(&mut look) {
                return Some(found);
            }
            let changed = tokio::time::timeout_at(until, changes.changed());
            if changed.await.is_err() {
                return None;
            }
        }
    }
}

/// A running platform. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl Running {
    /// # Errors
    /// When no loopback port can be had.
    pub(crate) async fn start(dialect: Arc<dyn Dialect>, patience: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            patience,
            state: Mutex::default(),
            version: watch::Sender::new(0),
            dialect,
        });
        let mut tasks = JoinSet::new();
        let router = server::router(shared.clone());
        tasks.spawn(async move {
            // Serving ends with the task; it has no other way to fail once the port is bound.
            let _ = axum::serve(listener, router).await;
        });
        tasks.spawn(post::deliver(Arc::downgrade(&shared)));
        Ok(Self {
            shared,
            _tasks: tasks,
        })
    }

    /// Where the app finds the API.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/cgi-bin", self.shared.address)
    }
}

/// What stories ask of both platforms.
macro_rules! common {
    ($name:ident) => {
        impl $name {
            /// Where the app finds the API.
            pub fn url(&self) -> String {
                self.running.url()
            }

            /// A new person who has the app.
            pub fn person(&self, name: &str) -> $crate::weixin::Person {
                $crate::weixin::Person::new(&self.running.shared, name)
            }

            /// The next `times` calls of a kind (`*` for any), such as `message/send`, go wrong.
            pub fn fail(&self, call: &str, times: usize, fault: &$crate::weixin::Fault) {
                let shared = &self.running.shared;
                shared.with(|state| state.faults.add(call, times, fault));
            }

            /// Faults that have not hit yet.
            pub fn faults_waiting(&self) -> usize {
                let shared = &self.running.shared;
                shared.quietly(|state| state.faults.waiting())
            }

            /// Every call so far, oldest first.
            pub fn calls(&self) -> Vec<$crate::weixin::Called> {
                self.running.shared.quietly(|state| state.calls.clone())
            }

            /// Calls of a kind that were answered with this code.
            pub fn count_calls(&self, what: &str, code: i64) -> usize {
                let calls = self.calls();
                let is_it = |call: &&$crate::weixin::Called| call.what == what && call.code == code;
                calls.iter().filter(is_it).count()
            }

            /// Waits until something was answered with this code.
            ///
            /// # Panics
            /// When nothing is in time.
            pub async fn refuses(&self, code: i64) {
                let shared = &self.running.shared;
                let found = shared.wait_for(|state| {
                    state
                        .calls
                        .iter()
                        .any(|call| call.code == code)
                        .then_some(())
                });
                assert!(found.await.is_some(), "nothing was refused with {code}");
            }

            /// How many tokens were made, and how often one was asked for.
            pub fn tokens(&self) -> (usize, usize) {
                let shared = &self.running.shared;
                shared.quietly(|state| (state.tokens_made, state.tokens_asked))
            }

            /// The token ends now.
            pub fn end_token(&self) {
                self.running.shared.with(|state| state.token = None);
            }

            /// The platform is away, or back.
            pub fn is_down(&self, down: bool) {
                self.running.shared.with(|state| state.is_down = down);
            }

            /// The server's address is taken from the list, or put on it.
            pub fn is_stranger(&self, stranger: bool) {
                let shared = &self.running.shared;
                shared.with(|state| state.is_stranger = stranger);
            }

            /// What was done that the platform does not complain about, but somebody would miss.
            pub fn mistakes(&self) -> Vec<String> {
                self.running.shared.quietly(|state| state.mistakes.clone())
            }

            /// How the app has answered so far.
            pub fn answers(&self) -> Vec<$crate::weixin::Answer> {
                self.running.shared.quietly(|state| state.answers.clone())
            }

            /// Waits until the app has answered a message so often.
            ///
            /// # Panics
            /// When it has not in time.
            pub async fn is_answered(&self, message: &str, times: usize) {
                let shared = &self.running.shared;
                let found = shared.wait_for(|state| {
                    let answers = state.answers.iter();
                    let to_it = answers.filter(|answer| answer.message == message);
                    (to_it.count() >= times).then_some(())
                });
                assert!(
                    found.await.is_some(),
                    "{message} was not answered {times} times"
                );
            }

            /// What people say goes to this address from now on, unchecked.
            pub fn posts_to(&self, url: &str) {
                let url = url.to_owned();
                self.running.shared.with(|state| state.callback = Some(url));
            }

            /// Posts anything; the status and body of the answer.
            ///
            /// # Errors
            /// When there is no answer.
            pub async fn posts(
                &self,
                query: &[(String, String)],
                body: String,
            ) -> anyhow::Result<(u16, String)> {
                let shared = &self.running.shared;
                let url = shared.quietly(|state| state.callback.clone());
                let url = url.ok_or_else(|| anyhow::anyhow!("no address is set"))?;
                $crate::weixin::post::post(&$crate::weixin::post::client(), &url, query, body).await
            }

            /// Query and body of a message with these fields, as the platform posts it.
            pub fn wrapped(&self, fields: &str) -> (Vec<(String, String)>, String) {
                self.running.shared.dialect.wrap(fields)
            }

            /// The newest message comes once more, word for word.
            ///
            /// # Panics
            /// When there was none.
            pub fn repeats_last(&self) {
                self.running.shared.with(|state| {
                    let last = state.last.clone().expect("there was a message");
                    state.to_post.push_back(last);
                });
            }

            /// The newest message comes once more in a call of its own.
            ///
            /// # Panics
            /// When there was none.
            pub fn repeats_last_anew(&self) {
                let shared = &self.running.shared;
                shared.with(|state| {
                    let mut last = state.last.clone().expect("there was a message");
                    (last.query, last.body) = shared.dialect.wrap(&last.fields);
                    state.to_post.push_back(last);
                });
            }
        }
    };
}
pub(crate) use common;
