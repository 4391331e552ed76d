//! Updates that go through the fleet in waves: a canary first, then batch after batch.
//!
//! A node's part is a task of the job, and beside the task's row its [`Part`] is stored before anything
//! is sent, so that a brain that was killed goes on where it was. What a node says does not decide: it is
//! updated when a **new incarnation reports the wanted version** in time. What it says gives the reason
//! when it is not.

mod actor;
mod judge;
mod package;
mod plan;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) use self::actor::Rollout;
pub(crate) use self::plan::{plan, way_back};
pub(crate) use self::words::{restart_or_version, status_reply};

use super::{JobId, PutSpec};

/// An update of several nodes. Stored as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UpdateSpec {
    /// The nodes' type.
    pub node_type: String,
    /// What is to happen.
    // `kind` tells the sorts of jobs apart.
    #[serde(rename = "way")]
    pub kind: UpdateKind,
    /// The wanted version; empty otherwise than with [`UpdateKind::Version`].
    pub version: String,
    /// With [`UpdateKind::Rollback`]: the version of each node, by name.
    pub versions: BTreeMap<String, String>,
    /// So many nodes at a time.
    pub batch: usize,
    /// So many nodes first, and alone.
    pub canary: usize,
    /// After so many failures no further node is begun.
    pub max_fail: usize,
    /// How long a node may take to be back, in milliseconds.
    pub timeout_ms: u64,
    /// A node on which it failed is brought back to its old version.
    pub roll_back: bool,
    /// What is sent to each node beforehand; its path is empty.
    pub package: Option<PutSpec>,
}

/// What an update does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateKind {
    /// Brings nodes to a version.
    #[default]
    Version,
    /// Only restarts them.
    Restart,
    /// Brings each back to the version before an earlier update.
    Rollback,
}

impl UpdateSpec {
    /// The version that a node is to have; empty when any will do.
    pub fn wanted(&self, node: &str) -> &str {
        match self.kind {
            UpdateKind::Version => &self.version,
            UpdateKind::Restart => "",
            UpdateKind::Rollback => self.versions.get(node).map_or("", String::as_str),
        }
    }
}

/// One node's part in an update, beside its task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The task.
    pub order: String,
    /// The job.
    pub job: JobId,
    /// The node.
    pub address: String,
    /// Where it stands.
    pub phase: Phase,
    /// The wave in which it was begun, from 1; 0 before.
    pub wave: usize,
    /// Its version before.
    pub old_version: String,
    /// Its process before.
    pub old_incarnation: String,
    /// When the order went out, Unix milliseconds.
    pub sent_ms: i64,
    /// How it came out; `None` until it is over, or is being rolled back.
    pub outcome: Option<Outcome>,
    /// Going back after a failure.
    pub way_back: Option<WayBack>,
}

/// Where a node's part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its turn has not come.
    Waiting,
    /// The package is on its way.
    Sending,
    /// The order was given.
    Working,
    /// It failed, and goes back to its old version.
    GoingBack,
    /// Nothing more happens.
    Over,
}

/// How a node's part came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Outcome {
    /// A new process reports what was wanted.
    Back {
        /// Its version.
        version: String,
        /// How long it took, in milliseconds.
        after_ms: i64,
    },
    /// It had the version already.
    Unchanged,
    /// It was not connected when its turn came.
    Unreachable,
    /// A new process came with another version.
    CameBack {
        /// Its version.
        version: String,
    },
    /// It failed without a restart.
    Still {
        /// Its version.
        version: String,
    },
    /// It is there, and was not restarted in time.
    NotRestarted {
        /// Its version.
        version: String,
    },
    /// It went away and did not come back in time.
    NotBack,
    /// It did not take the order.
    Refused,
    /// The package did not reach it.
    NotSent {
        /// Why.
        why: String,
    },
    /// Not begun, because too many others failed.
    Stopped,
    /// Not begun, because a person stopped it.
    Cancelled,
}

impl Outcome {
    /// Whether it counts as a failure of the update.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::CameBack { .. }
            | Self::Still { .. }
            | Self::NotRestarted { .. }
            | Self::NotBack
            | Self::Refused
            | Self::NotSent { .. } => true,
            Self::Back { .. }
            | Self::Unchanged
            | Self::Unreachable
            | Self::Stopped
            | Self::Cancelled => false,
        }
    }
}

/// A node's way back to its old version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WayBack {
    /// Id of the order.
    pub order: String,
    /// The encoded `SignedOrder`.
    pub signed: Vec<u8>,
    /// The node's process when it was given.
    pub incarnation: String,
    /// When it went out, Unix milliseconds.
    pub sent_ms: i64,
    /// Whether it worked.
    pub worked: Option<bool>,
    /// Why not.
    pub why: String,
}

impl Part {
    /// A part that has not begun.
    pub fn new(order: &str, job: &JobId, address: &str) -> Self {
        Self {
            order: order.to_owned(),
            job: job.clone(),
            address: address.to_owned(),
            phase: Phase::Waiting,
            wave: 0,
            old_version: String::new(),
            old_incarnation: String::new(),
            sent_ms: 0,
            outcome: None,
            way_back: None,
        }
    }

    /// Whether nothing more happens.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether it was begun and is not over.
    pub fn is_under_way(&self) -> bool {
        matches!(
            self.phase,
            Phase::Sending | Phase::Working | Phase::GoingBack
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobSpec;

    #[test]
    fn the_stored_form_reads_back() {
        let spec = JobSpec::Update(Box::new(UpdateSpec {
            node_type: "web".to_owned(),
            kind: UpdateKind::Rollback,
            versions: BTreeMap::from([("web-1".to_owned(), "1.0".to_owned())]),
            package: Some(PutSpec::default()),
            ..UpdateSpec::default()
        }));
        let text = serde_json::to_string(&spec).expect("it has a JSON form");
        let read: JobSpec = serde_json::from_str(&text).expect("it reads back");
        assert_eq!(read, spec);
    }
}
