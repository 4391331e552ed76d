//! The brain itself: what its parts share, how it starts, and how it stops in order.

mod claim;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use jarvis_nodeclient::{KeyRing, ListenError, LocalDialer, Root, RootClock, RootOptions};
use jarvis_proto::chat::{Action, CommandMenu, Segment, segment};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::activity::Activity;
use crate::blob::Blobs;
use crate::clock::Clock;
use crate::config::BrainConfig;
use crate::fleet::Fleet;
use crate::job::{self, Jobs, Orders};
use crate::note::service::Notes;
use crate::outbox::Outbox;
use crate::people::People;
use crate::room::{BotKey, Choices, Lanes, RoomKey};
use crate::service::{SessionHandle, Sessions};
use crate::sign_in::SignIns;
use crate::stopped::Stopped;
use crate::store::{Committed, Store, StoreError, StoreOptions, Unit};
use crate::text::{Language, Text, text};
use crate::translate::Translations;
use crate::watch::Watch;

/// How long an orderly stop may take before what still runs is dropped.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Unsent messages taken up at the start.
const RESUME_LIMIT: usize = 10_000;

/// Why the brain cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data folder.
    #[error("cannot use the data folder `{path}`")]
    Data {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The port for nodes.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The legacy network.
    #[error("cannot take part in the legacy network: {0}")]
    Legacy(String),
    /// A translation engine.
    #[error("{0}")]
    Translate(String),
    /// A node of the configuration is malformed.
    #[error("node `{name}` in the configuration: {detail}")]
    Node {
        /// Its name.
        name: String,
        /// What is wrong.
        detail: String,
    },
}

/// A running brain. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Brain(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: BrainConfig,
    clock: Clock,
    store: Store,
    root: Root,
    fleet: Fleet,
    sessions: Arc<Sessions>,
    activity: Activity,
    lanes: Lanes,
    choices: Choices,
    people: People,
    outbox: Outbox,
    orders: Orders,
    jobs: Jobs,
    blobs: Blobs,
    watch: Watch,
    notes: Notes,
    translations: Translations,
    sign_ins: SignIns,
    stopped: Stopped,
    started_ms: i64,
    /// Until when the brain before this one was seen alive, Unix milliseconds; 0 = never.
    alive_before_ms: i64,
    stopping: CancellationToken,
    tasks: TaskTracker,
    node_address: OnceLock<SocketAddr>,
}

/// A brain, if it is still there.
#[derive(Debug, Clone)]
pub(crate) struct WeakBrain(Weak<Inner>);

impl WeakBrain {
    pub(crate) fn upgrade(&self) -> Option<Brain> {
        self.0.upgrade().map(Brain)
    }
}

impl Brain {
    /// Opens the store, takes up what was open, and starts to listen for nodes. Adapters come in
    /// through the `serve_…` functions.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(
        config: BrainConfig,
        keys: impl Into<KeyRing>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        use secrecy::ExposeSecret;
        let store = Store::open(config.database.expose_secret(), StoreOptions::default()).await?;
        let blobs_dir = config.data.join("blobs");
        let blobs = Blobs::open(blobs_dir.clone())
            .await
            .map_err(|source| StartError::Data {
                path: blobs_dir,
                source,
            })?;
        let options = RootOptions {
            heartbeat: config.heartbeat,
            // Orders carry its times, and nodes judge them by it.
            clock: RootClock::from_fn({
                let clock = clock.clone();
                move || clock.now_ms()
            }),
            ..RootOptions::default()
        };
        let (root, events) = Root::start(keys, options);
        if let Some(legacy) = &config.legacy {
            // Before any node is known: legacy nodes are dialled from the moment they are.
            crate::legacy::start(&root, &store, legacy).await?;
        }
        let sessions = Arc::new(Sessions::default());
        let (notes, note_requests) = Notes::new(config.data.join("notes-index"));
        let brain = Self(Arc::new(Inner {
            started_ms: clock.now_ms(),
            alive_before_ms: crate::upkeep::last_alive(&store).await?,
            clock,
            store,
            root,
            fleet: Fleet::default(),
            activity: Activity::new(Arc::clone(&sessions)),
            sessions,
            lanes: Lanes::default(),
            choices: Choices::default(),
            people: People::new(config.messages_per_minute),
            outbox: Outbox::default(),
            orders: Orders::default(),
            jobs: Jobs::default(),
            blobs,
            watch: Watch::new(config.watch),
            notes,
            translations: Translations::new(&config.translate).map_err(StartError::Translate)?,
            sign_ins: SignIns::default(),
            stopped: Stopped::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            node_address: OnceLock::new(),
            config,
        }));
        brain.fleet().load(&brain).await?;
        brain.watch().load(&brain).await?;
        brain.enroll_configured().await?;
        brain
            .root()
            .set_gate(Arc::new(crate::join::BrainGate::of(&brain)));
        let unsent = brain.store().outbox_pending(RESUME_LIMIT).await?;
        brain.outbox().push(&brain, unsent);
        brain.jobs().resume(&brain).await?;
        // Only now may nodes be heard: before, the orders of open jobs would be taken for strays.
        brain.spawn(job::pump(brain.clone(), events));
        brain.spawn(crate::fleet::keep_seen(brain.clone()));
        if let Err(error) = brain.listen_for_nodes().await {
            brain.shutdown().await;
            return Err(error);
        }
        crate::upkeep::tell_owners(&brain).await?;
        brain.spawn(crate::upkeep::run(brain.clone()));
        brain.spawn(crate::watch::run(brain.clone()));
        crate::commands::load_drafts(&brain).await?;
        crate::note::import::run::resume(&brain).await?;
        brain.translations().load(&brain).await?;
        brain.spawn(crate::note::service::run(brain.clone(), note_requests));
        brain.spawn(crate::note::news::run(brain.clone()));
        info!(root.address = %brain.root().address(), "brain ready");
        Ok(brain)
    }

    async fn listen_for_nodes(&self) -> Result<(), StartError> {
        if let Some(address) = self.config().node_listen {
            let address = self.root().listen(address).await?;
            // It listens once.
            let _ = self.0.node_address.set(address);
        }
        Ok(())
    }

    async fn enroll_configured(&self) -> Result<(), StartError> {
        for entry in &self.config().nodes {
            let fault = |detail: String| StartError::Node {
                name: entry.name.clone(),
                detail,
            };
            crate::commands::nodes::run::enroll_entry(self, entry)
                .await
                .map_err(|error| fault(error.to_string()))?;
        }
        Ok(())
    }

    /// Stops in order: no new events, open work is parked in the store, nodes are told, the store is
    /// closed. Takes at most about ten seconds.
    pub async fn shutdown(&self) {
        for session in self.sessions().all() {
            session.close("the brain stops").await;
        }
        self.stopping().cancel();
        self.0.tasks.close();
        if tokio::time::timeout(STOP_LIMIT, self.0.tasks.wait())
            .await
            .is_err()
        {
            warn!(tasks = self.0.tasks.len(), "not everything ended in time");
        }
        self.root().shutdown().await;
        self.store().close().await;
        info!("brain stopped");
    }

    /// Runs a task that [`Self::shutdown`] waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(task);
    }

    /// Commits until the store takes it: for what must not get lost and has nobody to complain to.
    /// False when it was not applied: a condition did not hold, or the store refused it.
    pub(crate) async fn commit_patiently(&self, unit: Unit) -> bool {
        let mut pause = Duration::from_millis(50);
        loop {
            match self.store().commit(unit.clone()).await {
                Ok(committed) => return committed == Committed::Applied,
                Err(error) if error.is_passing() && !self.stopping().is_cancelled() => {
                    warn!(%error, "the store is busy; once more");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                Err(error) => {
                    error!(%error, "the store refused a change");
                    return false;
                }
            }
        }
    }

    /// A reference that does not keep it alive.
    pub(crate) fn downgrade(&self) -> WeakBrain {
        WeakBrain(Arc::downgrade(&self.0))
    }

    /// Dials this brain from a node in the same process.
    pub fn local_dialer(&self) -> LocalDialer {
        self.root().local_dialer()
    }

    /// Where nodes dial in, with the true port.
    pub fn node_address(&self) -> Option<SocketAddr> {
        self.0.node_address.get().copied()
    }

    /// The time zone of times that people read: the server's.
    pub(crate) fn zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::system()
    }

    /// Shapes an action for what the adapter can do: without buttons they become numbered choices.
    pub(crate) fn shape_for(
        &self,
        session: &SessionHandle,
        room: &RoomKey,
        mut action: Action,
    ) -> Action {
        use jarvis_proto::chat::action::Kind;
        if session.capabilities().buttons {
            return action;
        }
        let (text, buttons) = match &mut action.kind {
            Some(Kind::Say(say)) => (&mut say.text, &mut say.buttons),
            Some(Kind::Progress(progress)) if progress.r#final => {
                (&mut progress.text, &mut progress.buttons)
            }
            Some(Kind::Progress(progress)) => {
                progress.buttons.clear();
                return action;
            }
            _ => return action,
        };
        if !buttons.is_empty() {
            let line = self.choices().offer(room, buttons);
            text.push(Segment {
                kind: Some(segment::Kind::Text(format!("\n{line}"))),
            });
            buttons.clear();
        }
        action
    }

    /// What a bot says at its start: to the terminal, what can be typed; and what the owner should
    /// know of the time before.
    pub(crate) fn greeting(&self, session: &SessionHandle) -> Vec<Segment> {
        if !session.is_terminal() {
            return Vec::new();
        }
        // Nobody has spoken yet, so the language is that of the server's own surroundings.
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let language = Language::negotiate(None, &locale.unwrap_or_default());
        let nodes = self.fleet().all(self);
        let local = nodes.iter().find(|node| node.record.name == "local");
        let version = env!("CARGO_PKG_VERSION");
        let mut lines = match local {
            Some(local) => vec![
                text!(
                    language,
                    "greeting-local",
                    version = version,
                    node = local.record.name.as_str(),
                    address = local.record.address.as_str(),
                    data = self.config().data.display().to_string(),
                ),
                text!(language, "greeting-owner"),
            ],
            None => vec![
                text!(
                    language,
                    "greeting-ready",
                    version = version,
                    nodes = nodes.len()
                ),
                text!(language, "start-next"),
            ],
        };
        lines.extend(
            self.config()
                .notices
                .iter()
                .map(|notice| Text::plain(notice)),
        );
        Text::join(lines, "\n").segments()
    }

    /// The platforms' command menus, one per language. Permissions are checked when a command runs;
    /// a menu is the same for everybody in a bot.
    pub(crate) fn menu(&self) -> CommandMenu {
        let owner = crate::command::permission::Subject::new(crate::account::Role::Owner);
        crate::command::help::menus(crate::commands::registry(), &owner)
    }

    /// Largest file that the bot's platform takes, in bytes; 0 = no limit or not connected.
    pub(crate) fn file_limit(&self, bot: &BotKey) -> u64 {
        self.sessions()
            .get(bot)
            .map_or(0, |session| session.capabilities().file_out_limit)
    }

    /// Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.0.clock.now_ms()
    }

    /// When this brain started, Unix milliseconds.
    pub fn started_ms(&self) -> i64 {
        self.0.started_ms
    }

    /// The time between this brain and the one before, if there was one: from and to, Unix
    /// milliseconds.
    pub(crate) fn away(&self) -> Option<(i64, i64)> {
        (self.0.alive_before_ms > 0).then_some((self.0.alive_before_ms, self.0.started_ms))
    }

    /// Whether it started so recently that its nodes may still be on their way back.
    pub(crate) fn has_just_started(&self) -> bool {
        self.now_ms() - self.started_ms() < 10_000
    }

    /// What it was told.
    pub fn config(&self) -> &BrainConfig {
        &self.0.config
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The node network.
    pub fn root(&self) -> &Root {
        &self.0.root
    }

    /// The nodes it knows.
    pub fn fleet(&self) -> &Fleet {
        &self.0.fleet
    }

    /// The adapters that are connected.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The chat's files.
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// The open jobs.
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    /// What is watched, and for whom.
    pub fn watch(&self) -> &Watch {
        &self.0.watch
    }

    /// What has to be said.
    pub fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    /// Cancelled when the brain begins to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// The index of notes.
    pub(crate) fn notes(&self) -> &Notes {
        &self.0.notes
    }

    /// What rooms decided about translation, and the engines.
    pub(crate) fn translations(&self) -> &Translations {
        &self.0.translations
    }

    /// The adapters that cannot go on.
    pub(crate) fn stopped(&self) -> &Stopped {
        &self.0.stopped
    }

    pub(crate) fn sign_ins(&self) -> &SignIns {
        &self.0.sign_ins
    }

    pub(crate) fn activity(&self) -> &Activity {
        &self.0.activity
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.0.lanes
    }

    pub(crate) fn choices(&self) -> &Choices {
        &self.0.choices
    }

    pub(crate) fn people(&self) -> &People {
        &self.0.people
    }

    pub(crate) fn orders(&self) -> &Orders {
        &self.0.orders
    }
}
