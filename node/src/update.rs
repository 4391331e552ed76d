//! Updates: by the node's own scripts, or of its own program.
//!
//! An update order is open in the journal until it is known how it came out, and that is usually in the
//! next life of the node: a script restarts it, or the node starts itself again when its scripts are
//! through. Scripts therefore run in a session of their own with their output in files, and outlive the
//! node. A new program of the node itself is on probation: see [`Guard`].

mod guard;
mod package;
mod program;
mod resume;
mod script;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jarvis_nodeclient::Address;
use jarvis_proto::node::{Progress, RefusedReason, UpdatePhase, ended};
use tokio::sync::watch;

pub use self::guard::Guard;
pub use self::program::Restart;
pub(crate) use self::resume::{resume, split};

use self::program::Swap;
use self::script::{Scripts, Step};
use crate::config::DEFAULT_TYPE;
use crate::core::Core;
use crate::refusal::Refusal;

/// How long a root waits that does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);
/// A new program of the node has at most so long to reach its root.
const PROBATION: Duration = Duration::from_secs(60);
/// Longest version.
const MOST_VERSION: usize = 64;

/// The one update that is under way, and what the process is to do about it.
#[derive(Debug, Default)]
pub(crate) struct Updates {
    is_under_way: Arc<AtomicBool>,
    restart: watch::Sender<Option<Restart>>,
    /// Roots with which this process has had a session.
    met: watch::Sender<Vec<Address>>,
}

/// The right to update this node; given back when dropped.
#[derive(Debug)]
struct Claim(Arc<AtomicBool>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Updates {
    /// A session with `root` came about.
    pub(crate) fn session_with(&self, root: &Address) {
        self.met.send_if_modified(|met| {
            let is_new = !met.contains(root);
            if is_new {
                met.push(root.clone());
            }
            is_new
        });
    }

    /// Waits until this process has had a session with `root`. Cancel-safe.
    async fn has_met(&self, root: &Address) {
        let mut met = self.met.subscribe();
        // The sender lives as long as `self`.
        let _ = met.wait_for(|met| met.contains(root)).await;
    }

    /// Waits until the program is to be started again. Cancel-safe.
    pub(crate) async fn restart_asked(&self) -> Restart {
        let mut asked = self.restart.subscribe();
        match asked
            .wait_for(Option::is_some)
            .await
            .map(|asked| asked.clone())
        {
            Ok(Some(restart)) => restart,
            _ => std::future::pending().await,
        }
    }

    fn ask_restart(&self, restart: Restart) {
        self.restart.send_replace(Some(restart));
    }

    fn claim(&self) -> Option<Claim> {
        (!self.is_under_way.swap(true, Ordering::AcqRel))
            .then(|| Claim(Arc::clone(&self.is_under_way)))
    }
}

/// A checked update order.
#[derive(Debug)]
pub(crate) struct Update {
    order: jarvis_proto::node::Update,
    way: Way,
    timeout: Duration,
    claim: Claim,
}

/// How it is done.
#[derive(Debug)]
enum Way {
    /// By the node's own scripts, one after the other.
    Scripts(Vec<Step>),
    /// The program of this node is replaced by the one in the package.
    Program(PathBuf),
    /// The program before this one comes back.
    Previous,
    /// The program starts again.
    Restart,
}

impl Update {
    /// Checks an order.
    ///
    /// # Errors
    ///
    /// When this node cannot do it, or is being updated already.
    pub(crate) fn prepare(core: &Core, order: jarvis_proto::node::Update) -> Result<Self, Refusal> {
        let refuse = |reason, detail: &str| Err(Refusal::new(reason, detail));
        if core.config.program.is_none() {
            return refuse(
                RefusedReason::NotSupported,
                "this node is part of another program and is updated with it",
            );
        }
        let is_version = |c: char| c.is_ascii_alphanumeric() || "._+~:-".contains(c);
        if order.version.len() > MOST_VERSION
            || order.version.starts_with('-')
            || !order.version.chars().all(is_version)
        {
            return refuse(RefusedReason::Malformed, "this is no version");
        }
        if order.version.is_empty() && !order.restart_only {
            return refuse(RefusedReason::Malformed, "it names no version");
        }
        let way = way(core, &order)?;
        let Some(claim) = core.updates.claim() else {
            return refuse(RefusedReason::Busy, "an update of this node is under way");
        };
        let timeout = match order.timeout_ms {
            0 => DEFAULT_TIMEOUT,
            ms => Duration::from_millis(ms),
        };
        Ok(Self {
            order,
            way,
            timeout,
            claim,
        })
    }

    /// Carries it out. `None` when the next life of this node ends the order.
    pub(crate) async fn run(
        self,
        core: &Arc<Core>,
        root: &Address,
        id: &str,
    ) -> Option<ended::Outcome> {
        let begun = Instant::now();
        let work = async {
            match &self.way {
                Way::Scripts(steps) => {
                    let scripts = Scripts {
                        core,
                        order: id,
                        update: &self.order,
                        limit: self.timeout * 3 / 4,
                    };
                    scripts.run(steps, root).await
                }
                Way::Program(path) => self.swap(core, id, Some(path)).await,
                Way::Previous => self.swap(core, id, None).await,
                Way::Restart => Ok(None),
            }
        };
        tell(core, root, id, begun, UpdatePhase::Working).await;
        let swap = tokio::select! {
            worked = work => match worked {
                Ok(swap) => swap,
                Err(outcome) => return Some(outcome),
            },
            // Most likely the script restarts the node by itself.
            () = core.stopping.cancelled() => return None,
        };
        tell(core, root, id, begun, UpdatePhase::Restarting).await;
        let program = core.config.program.clone()?;
        tracing::info!(order = id, program = %program.path.display(), "starting again for an update");
        core.updates.ask_restart(Restart { program, swap });
        core.stopping.cancelled().await;
        // Nobody begins another update in what is left of this life.
        std::mem::forget(self.claim);
        None
    }

    /// Gets the other program ready, in a file beside this one.
    async fn swap(
        &self,
        core: &Core,
        id: &str,
        package: Option<&PathBuf>,
    ) -> Result<Option<Swap>, ended::Outcome> {
        let folder = core.folder(id);
        let limit = PROBATION.min(self.timeout / 2);
        let staged = program::stage(core, &self.order, package, &folder, limit).await;
        staged
            .map(Some)
            .map_err(|refusal| ended::Outcome::Failed(refusal.of(id)))
    }
}

/// What an order means on this node.
fn way(core: &Core, order: &jarvis_proto::node::Update) -> Result<Way, Refusal> {
    let config = &core.config;
    let lacks = |what: &str| Err(Refusal::new(RefusedReason::NotSupported, what));
    let update = Step::new("update script", config.update_script.as_ref());
    let restart = Step::new("restart script", config.restart_script.as_ref());
    let is_own_program = config.node_type == DEFAULT_TYPE && config.update_script.is_none();
    if order.restart_only {
        return Ok(match restart {
            Some(step) => Way::Scripts(vec![step]),
            None => Way::Restart,
        });
    }
    if order.rollback {
        let rollback = Step::new("rollback script", config.rollback_script.as_ref());
        return match rollback {
            Some(step) => Ok(Way::Scripts(
                [Some(step), restart].into_iter().flatten().collect(),
            )),
            None if is_own_program => Ok(Way::Previous),
            None => lacks("its node.toml has no `rollback_script`"),
        };
    }
    let package = package::find(core, &order.package)?;
    match (update, package) {
        (Some(step), _) => Ok(Way::Scripts(
            [Some(step), restart].into_iter().flatten().collect(),
        )),
        (None, Some(package)) if is_own_program => Ok(Way::Program(package)),
        (None, None) if is_own_program => {
            lacks("its node.toml has no `update_script`; attach the new jarvis-node as a package")
        }
        (None, _) => lacks("its node.toml has no `update_script`"),
    }
}

async fn tell(core: &Core, root: &Address, order: &str, begun: Instant, phase: UpdatePhase) {
    let progress = Progress {
        order: order.to_owned(),
        elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        update_phase: phase.into(),
        ..Progress::default()
    };
    core.progress(root, progress).await;
}
