//! A running node: its sessions, its listener, its orderly end.

use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jarvis_nodeclient::{
    Address, AttachError, BoxedIo, Credentials, Dialer, KeyRing, ListenError, NodeListener, Redial,
    attach_accepted, attach_dialled,
};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use jarvis_nodeclient::legacy::LegacyNet;

use crate::config::NodeConfig;
use crate::core::{Core, keep_house};
use crate::ledger::Ledger;
use crate::recovery::end_interrupted;
use crate::session::serve;
use crate::update::{self, Restart};

/// Peers that have proven nothing and are served at once.
const MOST_UNPROVEN: usize = 16;
/// A session that lasted so long was a good one.
const SHORT_SESSION: Duration = Duration::from_secs(5);
/// How long an untrusted root is left alone before the trust list is asked again.
const UNTRUSTED_PAUSE: Duration = Duration::from_secs(5);
/// How long a root is left alone that refuses this node, at least; up to as much again at random.
const REFUSED_PAUSE: Duration = Duration::from_secs(3);
/// How long orders may take to end on top of the grace for jobs.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A root to dial, and how.
#[derive(Clone)]
pub struct RootDial {
    /// Who must answer.
    pub address: Address,
    /// The way there.
    pub dialer: Arc<dyn Dialer>,
}

/// A node that cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A folder of the node cannot be made.
    #[error("cannot make folder `{}`: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The journal cannot be used.
    #[error("cannot open journal `{}`: {source}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: io::Error,
    },
    /// Nobody can be listened to.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Legacy roots cannot be served.
    #[error(transparent)]
    Legacy(#[from] jarvis_nodeclient::legacy::NetError),
}

/// Starts nodes.
#[derive(Debug)]
pub struct Node;

impl Node {
    /// Starts a node: ends what an earlier process left open, then dials each root, and listens if the
    /// configuration says so. Must be called in a tokio runtime, which may have a single thread.
    ///
    /// # Errors
    ///
    /// When a folder, the journal or the listener cannot be had. Roots that do not answer are no error:
    /// they are dialled for ever.
    pub async fn start(
        keys: impl Into<KeyRing>,
        config: NodeConfig,
        roots: Vec<RootDial>,
    ) -> Result<NodeHandle, StartError> {
        let config = prepare_folders(config)?;
        let path = config.data.join("journal");
        let fault = |source| StartError::Journal {
            path: path.clone(),
            source,
        };
        let (ledger, interrupted) = Ledger::open(&path).map_err(fault)?;
        let (updates, interrupted) = update::split(&ledger, interrupted);
        end_interrupted(&ledger, interrupted).await.map_err(fault)?;
        let listener = match config.listen {
            Some(address) => Some(NodeListener::bind(address).await?),
            None => None,
        };
        let listening = listener.as_ref().map(NodeListener::address);
        let core = Arc::new(Core::new(keys.into(), config, ledger));
        update::resume(&core, updates);
        let legacy = crate::legacy::start(&core).await?;
        let sessions = TaskTracker::new();
        for root in roots {
            sessions.spawn(keep_dialled(Arc::clone(&core), root));
        }
        if let Some(listener) = listener {
            sessions.spawn(accept(Arc::clone(&core), sessions.clone(), listener));
        }
        let house = tokio::spawn(keep_house(Arc::clone(&core)));
        Ok(NodeHandle {
            core,
            sessions,
            listening,
            legacy,
            house,
        })
    }
}

/// Makes the node's folders, and their paths absolute. Only its user may look into the data, which
/// holds every script and every output.
fn prepare_folders(mut config: NodeConfig) -> Result<NodeConfig, StartError> {
    for path in [&mut config.data, &mut config.work] {
        let made = std::path::absolute(&*path).and_then(|absolute| {
            *path = absolute;
            DirBuilder::new().recursive(true).mode(0o700).create(&*path)
        });
        made.map_err(|source| StartError::Folder {
            path: path.clone(),
            source,
        })?;
    }
    for path in [config.data.join("jobs"), config.packages()] {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|source| StartError::Folder { path, source })?;
    }
    Ok(config)
}

/// What a node has in hand and in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeCounts {
    /// Orders that are being carried out.
    pub running: usize,
    /// Orders that have not ended.
    pub open: usize,
    /// Orders whose ending no root has stored yet.
    pub unacknowledged: usize,
    /// Orders that are over, and that it still knows all about.
    pub settled: usize,
    /// Bytes of its journal.
    pub journal_bytes: u64,
}

/// A started node. Dropping the handle stops nothing: use [`NodeHandle::shutdown`].
pub struct NodeHandle {
    core: Arc<Core>,
    sessions: TaskTracker,
    listening: Option<SocketAddr>,
    legacy: Option<LegacyNet>,
    house: JoinHandle<()>,
}

impl NodeHandle {
    /// The node's address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.core.keys().address().clone()
    }

    /// Where roots may dial it; the port is the real one also where 0 was asked for.
    #[must_use]
    pub fn listening(&self) -> Option<SocketAddr> {
        self.listening
    }

    /// What it has in hand and in memory now.
    #[must_use]
    pub fn counts(&self) -> NodeCounts {
        let held = self.core.ledger.held();
        NodeCounts {
            running: self.core.running_orders(),
            open: held.open,
            unacknowledged: held.unacknowledged,
            settled: held.settled,
            journal_bytes: held.bytes,
        }
    }

    /// Waits until an update wants the program to be started again: then call
    /// [`NodeHandle::shutdown`], end the runtime, and [`Restart::carry_out`]. Cancel-safe.
    pub async fn restart_asked(&self) -> Restart {
        self.core.updates.restart_asked().await
    }

    /// Where legacy roots may dial it, if it serves them.
    #[must_use]
    pub fn legacy_listening(&self) -> Option<SocketAddr> {
        self.legacy.as_ref().map(LegacyNet::listening)
    }

    /// Stops in order: takes no more orders, ends running jobs (TERM, then KILL after the configured
    /// grace; their roots learn that they were lost), says goodbye, syncs the journal. Takes the grace
    /// and some seconds at most.
    pub async fn shutdown(self) {
        let grace = self.core.config.stop_grace;
        self.core.stopping.cancel();
        self.core.tasks.close();
        self.core.stop_all(grace);
        if let Some(legacy) = &self.legacy {
            legacy.shutdown().await;
        }
        self.sessions.close();
        let limit = grace + STOP_LIMIT;
        if timeout(limit, self.core.tasks.wait()).await.is_err() {
            tracing::warn!("some orders did not end in time");
        }
        if timeout(STOP_LIMIT, self.sessions.wait()).await.is_err() {
            tracing::warn!("some sessions did not end in time");
        }
        if timeout(STOP_LIMIT, self.house).await.is_err() {
            tracing::warn!("the journal could not be synced in time");
        }
    }
}

/// Keeps a session with one root, for ever.
async fn keep_dialled(core: Arc<Core>, root: RootDial) {
    let stopping = core.stopping.clone();
    let mut redial = Redial::up_to(core.config.redial_at_most);
    // One line per change: a root that is away for a week fills no log.
    let mut last_trouble = String::new();
    while !stopping.is_cancelled() {
        let wait = match dial(&core, &root).await {
            Ok(lasted) => {
                last_trouble.clear();
                if lasted < SHORT_SESSION {
                    // A root that throws us out each time is not to be dialled all the time.
                    redial.wait()
                } else {
                    redial.wait_after_cut()
                }
            }
            Err(trouble) => {
                if trouble.text != last_trouble {
                    tracing::warn!(root = %root.address, at = root.dialer.describe(), trouble = trouble.text, "no session");
                    last_trouble = trouble.text;
                }
                trouble.pause.unwrap_or_else(|| redial.wait())
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            () = stopping.cancelled() => {}
        }
    }
}

/// Why there is no session, and when to try again if not as usual.
struct Trouble {
    text: String,
    pause: Option<Duration>,
}

/// Dials once, and serves the session to its end; how long it lasted.
async fn dial(core: &Arc<Core>, root: &RootDial) -> Result<Duration, Trouble> {
    let expected = core.trust.latest(&root.address);
    if !core.trust.is_trusted(&expected) {
        let text = "it is configured but not in the trust list, so it is not dialled".to_owned();
        return Err(Trouble {
            text,
            pause: Some(UNTRUSTED_PAUSE),
        });
    }
    let is_expected = |address: &Address| *address == expected && core.trust.is_trusted(address);
    let attached = async {
        let io = root.dialer.dial().await?;
        let keys = core.keys();
        let who = Credentials::new(&keys, core.config.name.as_deref());
        let (link, inbox) = attach_dialled(io, who, is_expected, |root| core.hello(root)).await?;
        Ok::<_, AttachError>((link, inbox, keys.address().clone()))
    };
    let attached = tokio::select! {
        attached = attached => attached,
        () = core.stopping.cancelled() => return Ok(Duration::ZERO),
    };
    match attached {
        Ok((link, inbox, me)) => {
            let begun = Instant::now();
            serve(core, &me, link, inbox).await;
            Ok(begun.elapsed())
        }
        Err(error) => Err(Trouble {
            text: explain(&error, &expected),
            // Somebody is probably just about to enrol this node.
            pause: matches!(error, AttachError::Refused(_))
                .then(|| REFUSED_PAUSE.mul_f64(rand::random_range(1.0..2.0))),
        }),
    }
}

fn explain(error: &AttachError, expected: &Address) -> String {
    match error {
        AttachError::NotTrusted { root } if root != expected => {
            format!("root {root} answered there, and {expected} is configured")
        }
        other => other.to_string(),
    }
}

/// Takes sessions that roots begin. Those who have proven nothing are few at a time.
async fn accept(core: Arc<Core>, sessions: TaskTracker, listener: NodeListener) {
    tracing::info!(address = %listener.address(), "roots may dial here");
    let unproven = Arc::new(Semaphore::new(MOST_UNPROVEN));
    loop {
        let next = async {
            let permit = Arc::clone(&unproven)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            (permit, listener.accept().await)
        };
        let (permit, (io, peer)) = tokio::select! {
            next = next => next,
            () = core.stopping.cancelled() => return,
        };
        let core = Arc::clone(&core);
        sessions.spawn(async move {
            let attached = tokio::select! {
                attached = greet(&core, io) => attached,
                () = core.stopping.cancelled() => return,
            };
            drop(permit);
            match attached {
                Ok((link, inbox, me)) => serve(&core, &me, link, inbox).await,
                Err(error) => tracing::warn!(%peer, %error, "no session"),
            }
        });
    }
}

type Attached = (
    jarvis_nodeclient::NodeLink,
    tokio::sync::mpsc::Receiver<jarvis_nodeclient::RootMessage>,
    Address,
);

async fn greet(core: &Core, io: BoxedIo) -> Result<Attached, AttachError> {
    let is_trusted = |address: &Address| core.trust.is_trusted(address);
    let keys = core.keys();
    let who = Credentials::new(&keys, core.config.name.as_deref());
    let (link, inbox) = attach_accepted(io, who, is_trusted, |root| core.hello(root)).await?;
    Ok((link, inbox, keys.address().clone()))
}

#[cfg(test)]
mod tests;
