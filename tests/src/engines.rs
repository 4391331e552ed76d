//! Translation services, played here as strictly as the real ones: LibreTranslate, DeepL, Google, a
//! chat model, Apertium APy (all on one address) and jarviscrawlercore.
//!
//! They translate by a dictionary of whole phrases, and what is not in it word by word into words that
//! nobody speaks but that have the letters of the language.

mod crawler;
mod faces;
mod words;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::process::PATIENCE;

/// The key that services which need one accept.
pub const KEY: &str = "engine-key-7f31c2";

/// Translation services on one address.
#[derive(Clone, Debug)]
pub struct FakeEngines {
    shared: Arc<Shared>,
    address: SocketAddr,
    crawler: SocketAddr,
    _serving: Arc<[AbortOnDropHandle<()>; 2]>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// How many calls came so far.
    calls: watch::Sender<usize>,
    /// Calls that are held go on when this changes.
    released: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    phrases: HashMap<(String, String, String), String>,
    calls: Vec<Call>,
    faults: VecDeque<Fault>,
    is_dead: bool,
    is_held: bool,
}

/// A call that a service got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which service.
    pub service: &'static str,
    /// From, as our short code.
    pub from: String,
    /// To, as our short code.
    pub to: String,
    /// The texts.
    pub texts: Vec<String>,
}

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, with an error as the service words it.
    Status(u16),
    /// The text comes with entities of HTML.
    Entities,
    /// An empty text.
    Empty,
    /// What was asked of it, instead of an answer.
    Prompt,
    /// Marks are lost.
    LosesMarks,
    /// The text as it was.
    Untouched,
    /// It does what a text tells it to do.
    Obeys,
}

impl FakeEngines {
    /// Starts them.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            calls: watch::Sender::new(0),
            released: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = faces::router(Arc::clone(&shared));
        let http = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                eprintln!("the fake engines ended: {error}");
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let crawler = listener.local_addr()?;
        let grpc = tokio::spawn(crawler::serve(Arc::clone(&shared), listener));
        Ok(Self {
            shared,
            address,
            crawler,
            _serving: Arc::new([AbortOnDropHandle::new(http), AbortOnDropHandle::new(grpc)]),
        })
    }

    /// Where the services are that speak HTTP.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where jarviscrawlercore is.
    pub fn crawler_url(&self) -> String {
        format!("http://{}", self.crawler)
    }

    /// A phrase and its translation, both ways.
    pub fn knows(&self, one: (&str, &str), other: (&str, &str)) {
        let mut state = self.shared.lock();
        for ((from, text), (to, translation)) in [(one, other), (other, one)] {
            let key = (from.to_owned(), to.to_owned(), text.to_owned());
            state.phrases.insert(key, translation.to_owned());
        }
    }

    /// The next calls go wrong like this, one each.
    pub fn fail(&self, faults: &[Fault]) {
        self.shared.lock().faults.extend(faults);
    }

    /// Cuts every call from now on.
    pub fn dies(&self) {
        self.shared.lock().is_dead = true;
    }

    /// Answers again.
    pub fn lives(&self) {
        self.shared.lock().is_dead = false;
    }

    /// Holds every call from now on until they are released.
    pub fn holds(&self) {
        self.shared.lock().is_held = true;
    }

    /// Answers what was held.
    pub fn releases(&self) {
        self.shared.lock().is_held = false;
        self.shared.released.send_modify(|count| *count += 1);
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().calls.clone()
    }

    /// Waits until so many calls came.
    ///
    /// # Panics
    /// When they do not in time.
    pub async fn is_called(&self, times: usize) {
        let mut calls = self.shared.calls.subscribe();
        let waiting = calls.wait_for(|count| *count >= times);
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("not called {times} times: {:?}", self.calls());
        }
    }

    /// Faults that no call met so far.
    pub fn faults_waiting(&self) -> usize {
        self.shared.lock().faults.len()
    }
}

/// What a service does with a call.
enum Turn {
    /// Nobody is there.
    Dead,
    /// It goes wrong.
    Wrong(Fault),
    /// It answers.
    Answer(Vec<String>),
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call, and says what becomes of it.
    async fn turn(&self, call: Call) -> Turn {
        let (is_held, is_dead) = {
            let mut state = self.lock();
            state.calls.push(call.clone());
            (state.is_held, state.is_dead)
        };
        let mut released = self.released.subscribe();
        self.calls.send_modify(|count| *count += 1);
        if is_dead {
            return Turn::Dead;
        }
        if is_held {
            // The one who called may have gone; nothing is held for ever.
            let again = released.changed();
            let _ = tokio::time::timeout(Duration::from_secs(600), again).await;
        }
        let mut state = self.lock();
        let fault = state.faults.pop_front();
        let translated = || -> Vec<String> {
            call.texts
                .iter()
                .map(|text| words::translate(&state.phrases, &call.from, &call.to, text))
                .collect()
        };
        match fault {
            None => Turn::Answer(translated()),
            Some(Fault::Entities) => Turn::Answer(
                translated()
                    .iter()
                    .map(|text| text.replace('\'', "&#39;").replace('"', "&quot;"))
                    .collect(),
            ),
            Some(Fault::Empty) => Turn::Answer(vec![String::new(); call.texts.len()]),
            Some(Fault::LosesMarks) => Turn::Answer(
                translated()
                    .iter()
                    .map(|text| words::unmarked(text))
                    .collect(),
            ),
            Some(Fault::Untouched) => Turn::Answer(call.texts),
            Some(fault) => Turn::Wrong(fault),
        }
    }
}
