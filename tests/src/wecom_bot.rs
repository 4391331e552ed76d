//! A strict fake of WeCom's platform for robots (智能机器人): one robot, as many people and groups as a
//! story needs, over the long connection or by callbacks.
//!
//! It refuses what the platform would refuse: wrong credentials, answers to what cannot be answered or
//! no longer, bubbles beyond their time, messages beyond the limits, cards and files of a wrong shape,
//! pushes to who has never written; and a second login takes the robot from the first. `tests/node`
//! checks it with Tencent's own clients.
//!
//! A story talks to it from the other side: [`FakeWecom::person`], [`FakeWecom::group`].

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

mod callback;
mod commands;
mod crypto;
mod fault;
mod people;
mod server;
mod state;

pub use callback::Signed;
pub use fault::Fault;
pub use people::{Group, Person};
pub use state::{Call, Entry};

use callback::Address;
use state::{Push, State};

/// What the platform allows.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Messages to one room in a minute.
    pub per_minute: usize,
    /// The same in an hour.
    pub per_hour: usize,
    /// Longest text, in bytes.
    pub text: usize,
    /// How long a message may be answered.
    pub answer_window: Duration,
    /// A bubble ends so long after its first state.
    pub stream_life: Duration,
    /// A bubble ends so long after its last state.
    pub stream_still: Duration,
    /// A bubble may not be refreshed faster.
    pub stream_gap: Duration,
    /// How long a file can be fetched.
    pub link_life: Duration,
    /// A connection is closed after so long without a frame.
    pub silence: Duration,
}

/// How the fake is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The robot's `BotID`.
    pub bot_id: String,
    /// The robot's secret.
    pub secret: String,
    /// What groups call the robot.
    pub name: String,
    /// What the platform allows.
    pub rules: Rules,
    /// How long [`Person::sees`] and its like wait.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            bot_id: "aib4kcb6T0eXxXxXxXxXxXxX".to_owned(),
            secret: "fake-wecom-secret-4kcb6T0e".to_owned(),
            name: "RobotA".to_owned(),
            rules: Rules {
                per_minute: 30,
                per_hour: 1000,
                text: 20_480,
                answer_window: Duration::from_secs(24 * 3600),
                stream_life: Duration::from_secs(600),
                stream_still: Duration::from_secs(360),
                stream_gap: Duration::from_secs(2),
                link_life: Duration::from_secs(300),
                silence: Duration::from_secs(60),
            },
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

    fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bytes of a file that the robot has put up.
    fn file(&self, name: &str) -> Option<bytes::Bytes> {
        self.quietly(|state| {
            let mut media = state.media.values();
            media
                .find(|media| media.name == name)
                .map(|media| media.bytes.clone())
        })
    }

    /// Waits until `look` finds something; `None` when the patience is used up.
    async fn wait_for<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut changes = self.version.subscribe();
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
pub struct FakeWecom {
    shared: Arc<Shared>,
    line: SocketAddr,
    _tasks: JoinSet<()>,
}

impl FakeWecom {
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
        let line = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            patience: settings.patience,
            state: Mutex::new(State::new(settings)),
            version: watch::Sender::new(0),
        });
        let line_address = line.local_addr()?;
        let mut tasks = JoinSet::new();
        let router = server::router(shared.clone());
        tasks.spawn(async move {
            // Serving ends with the task; it has no other way to fail once the port is bound.
            let _ = axum::serve(listener, router).await;
        });
        tasks.spawn(server::serve(shared.clone(), line));
        tasks.spawn(callback::deliver(Arc::downgrade(&shared)));
        Ok(Self {
            shared,
            line: line_address,
            _tasks: tasks,
        })
    }

    /// Where the long connection is.
    pub fn url(&self) -> String {
        format!("ws://{}/", self.line)
    }

    /// Bot id and secret.
    pub fn credentials(&self) -> (String, String) {
        self.shared.quietly(|state| {
            let settings = &state.settings;
            (settings.bot_id.clone(), settings.secret.clone())
        })
    }

    /// What groups call the robot.
    pub fn name(&self) -> String {
        self.shared.quietly(|state| state.settings.name.clone())
    }

    /// A new member of the company.
    pub fn person(&self, name: &str) -> Person {
        Person::new(&self.shared, name)
    }

    /// A new group with the robot in it.
    pub fn group(&self, name: &str) -> Group {
        Group::new(&self.shared, name)
    }

    /// The next `times` frames of a kind go wrong (`response_url`: messages by it).
    pub fn fail(&self, cmd: &str, times: usize, fault: Fault) {
        self.shared
            .with(|state| state.faults.add(cmd, times, fault));
    }

    /// Faults that have not hit yet.
    pub fn faults_waiting(&self) -> usize {
        self.shared.quietly(|state| state.faults.waiting())
    }

    /// Every frame so far, oldest first; heartbeats left out.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.quietly(|state| state.calls.clone())
    }

    /// Frames of a kind that were answered with this code.
    pub fn count_calls(&self, cmd: &str, code: i64) -> usize {
        let calls = self.calls();
        let calls = calls.iter();
        calls
            .filter(|call| call.cmd == cmd && call.code == code)
            .count()
    }

    /// Waits until a frame of a kind was answered with this code more than `after` times.
    ///
    /// # Panics
    /// When it was not in time.
    pub async fn has_answered(&self, cmd: &str, code: i64, after: usize) {
        let answered = self
            .shared
            .wait_for(|state| {
                let calls = state.calls.iter();
                let fitting = calls.filter(|call| call.cmd == cmd && call.code == code);
                (fitting.count() > after).then_some(())
            })
            .await;
        assert!(answered.is_some(), "{cmd} is not answered with {code}");
    }

    /// What the robot did that is forbidden, though nothing was refused.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.quietly(|state| state.complaints.clone())
    }

    /// How often somebody has logged in.
    pub fn logins(&self) -> usize {
        self.shared.quietly(|state| state.logins)
    }

    /// How often a login was refused.
    pub fn refused_logins(&self) -> usize {
        self.shared.quietly(|state| state.refused_logins)
    }

    /// How often the robot was taken from somebody.
    pub fn takeovers(&self) -> usize {
        self.shared.quietly(|state| state.takeovers)
    }

    /// Waits until somebody has logged in more than `after` times, and is there.
    ///
    /// # Panics
    /// When nobody has in time.
    pub async fn is_connected(&self, after: usize) {
        let connected = self
            .shared
            .wait_for(|state| (state.logins > after && state.live.is_some()).then_some(()))
            .await;
        assert!(connected.is_some(), "the robot does not connect");
    }

    /// Waits until the robot has sent more than `after` heartbeats.
    ///
    /// # Panics
    /// When it has not in time.
    pub async fn beats(&self, after: usize) {
        let beaten = self
            .shared
            .wait_for(|state| (state.pings > after).then_some(()))
            .await;
        assert!(beaten.is_some(), "the robot sends no heartbeats");
    }

    /// How many heartbeats there were.
    pub fn beaten(&self) -> usize {
        self.shared.quietly(|state| state.pings)
    }

    /// The line is cut.
    pub fn cut_line(&self) {
        self.shared.with(|state| {
            if let Some((_, live)) = state.live.take() {
                // A connection that has just gone needs nothing more.
                let _ = live.send(Push::Cut);
            }
        });
    }

    /// The platform sends a text of the story.
    pub fn send_raw(&self, text: &str) {
        self.shared.with(|state| {
            if let Some((_, live)) = &state.live {
                let _ = live.send(Push::Text(text.to_owned()));
            }
        });
    }

    /// A callback of the story's own.
    pub fn call_back(&self, body: &Value) {
        self.shared
            .with(|state| state.deliver("REQstory", body.clone()));
    }

    /// The newest callback comes once more.
    ///
    /// # Panics
    /// When there was none.
    pub fn replay_last_event(&self) {
        self.shared.with(|state| {
            let (req_id, body) = state.last.clone().expect("there was an event");
            state.deliver(&req_id, body);
        });
    }

    /// The whole platform is away, or back.
    pub fn is_down(&self, down: bool) {
        self.shared.with(|state| {
            state.is_down = down;
            if down && let Some((_, live)) = state.live.take() {
                let _ = live.send(Push::Cut);
            }
        });
    }

    /// The bytes of a file that the robot has put up.
    pub fn file(&self, name: &str) -> Option<bytes::Bytes> {
        self.shared.file(name)
    }

    /// Every file that people have sent can be fetched no longer.
    pub fn end_links(&self) {
        self.shared
            .with(|state| state.settings.rules.link_life = Duration::ZERO);
    }

    /// Sets the robot's address, as on its page: with a check. Whoever has the long connection loses it.
    ///
    /// # Errors
    /// When the robot does not pass the check.
    pub async fn set_address(&self, url: &str, token: &str, aes_key: &str) -> Result<()> {
        let address = Address {
            url: url.to_owned(),
            token: token.to_owned(),
            aes_key: aes_key.to_owned(),
        };
        callback::check(&address).await?;
        self.cut_line();
        self.shared.with(|state| state.address = Some(address));
        Ok(())
    }

    /// A call as WeCom would sign it, with the time of the story (`off` seconds from now) and a receiver.
    ///
    /// # Errors
    /// When no address is set.
    pub fn signed(&self, body: &Value, receiver: &str, off: i64) -> Result<Signed> {
        let address = self.shared.quietly(|state| state.address.clone());
        let address = address.context("no address")?;
        let time = people::seconds().saturating_add_signed(off);
        Ok(address.signed(body.to_string().as_bytes(), receiver, time))
    }

    /// Posts a call; status of the answer.
    ///
    /// # Errors
    /// When there is no address or no answer.
    pub async fn post(&self, signed: &Signed) -> Result<u16> {
        let address = self.shared.quietly(|state| state.address.clone());
        Ok(address.context("no address")?.post(signed).await?.0)
    }

    /// Events that were not taken yet.
    pub fn events_waiting(&self) -> usize {
        self.shared.quietly(|state| state.to_call.len())
    }

    /// What a quoted text looks like.
    pub fn quote(text: &str) -> Value {
        json!({"msgtype": "text", "text": {"content": text}})
    }
}
