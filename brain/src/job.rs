//! Jobs: what a user asked for, on one or more nodes. A job's part on one node is a task, and a task
//! is one signed order.

mod actor;
mod ending;
mod engine;
mod follow;
pub(crate) mod inquiry;
mod instruction;
mod live;
mod news;
mod orders;
mod plan;
mod queue;
mod quota;
pub(crate) mod rollout;
mod service;
mod status;
mod transfer;

pub use ending::TaskEnding;
pub use engine::{Jobs, NewJob};
pub(crate) use follow::FOLLOW_FOR;
pub use follow::NewFollow;
pub(crate) use instruction::hidden;
pub use instruction::{DockerAction, Instruction};
pub use orders::Orders;
pub(crate) use orders::pump;
pub(crate) use plan::plan;
pub use rollout::{Outcome, Part, Phase, UpdateKind, UpdateSpec, WayBack};
pub(crate) use status::progress as progress_action;
pub(crate) use status::{mark, service_outcome, status_reply};
pub(crate) use transfer::fetch;

use std::collections::BTreeMap;
use std::fmt;

use jarvis_proto::node::order;
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, IdentityKey};
use crate::command::permission::Permission;
use crate::room::RoomKey;

/// Names a job inside the brain: UUIDv7 text. People use [`Job::number`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(String);

impl JobId {
    /// A new id.
    pub fn new() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    /// The id that the store kept.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The UUID text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a job does on each of its nodes. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSpec {
    /// Runs a script.
    Run(RunSpec),
    /// Fetches a file from one node into the chat.
    Get(GetSpec),
    /// Puts a file from the chat on nodes.
    Put(PutSpec),
    /// Copies a file of one node to others.
    Copy(CopySpec),
    /// Anything else that is one order.
    Instruct(Instruction),
    /// Updates nodes, wave after wave.
    Update(Box<UpdateSpec>),
}

impl JobSpec {
    /// The file of ours that it needs.
    pub fn file(&self) -> Option<&PutSpec> {
        match self {
            Self::Put(put) => Some(put),
            Self::Update(update) => update.package.as_ref(),
            Self::Run(_) | Self::Get(_) | Self::Copy(_) | Self::Instruct(_) => None,
        }
    }

    /// The body of the one order that carries the job out on each node; `None` for transfers, which
    /// take as many orders as the line is cut. Such an order is signed and stored with its task, kept in
    /// the node's journal, and asked about after a cut.
    pub fn order_body(&self) -> Option<order::Body> {
        match self {
            Self::Run(run) => Some(order::Body::Run(run.to_order())),
            Self::Instruct(instruction) => Some(instruction.body()),
            Self::Get(_) | Self::Put(_) | Self::Copy(_) | Self::Update(_) => None,
        }
    }

    /// Whether one order carries it out: [`JobSpec::order_body`] gives one.
    pub fn is_one_order(&self) -> bool {
        match self {
            Self::Run(_) | Self::Instruct(_) => true,
            Self::Get(_) | Self::Put(_) | Self::Copy(_) | Self::Update(_) => false,
        }
    }

    /// What its caller has to be, also for doing it again.
    pub fn permission(&self) -> Permission {
        match self {
            Self::Run(_) | Self::Get(_) | Self::Put(_) | Self::Copy(_) | Self::Update(_) => {
                Permission::Operator
            }
            Self::Instruct(instruction) => instruction.permission(),
        }
    }

    /// Whether people are asked before it is done, even on one node.
    pub fn asks_back(&self) -> bool {
        match self {
            Self::Run(_) | Self::Get(_) | Self::Put(_) | Self::Copy(_) => false,
            Self::Update(_) => true,
            Self::Instruct(instruction) => instruction.asks_back(),
        }
    }

    /// Whether its standard output and standard error are kept, for `log`.
    pub fn has_output(&self) -> bool {
        match self {
            Self::Run(_) | Self::Update(_) => true,
            Self::Instruct(instruction) => instruction.has_output(),
            Self::Get(_) | Self::Put(_) | Self::Copy(_) => false,
        }
    }
}

/// A script and how it runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Shell text, or a whole script with its `#!` line.
    pub script: String,
    /// What people see as the command: the typed text or the script's file name.
    pub title: String,
    /// `$1`, `$2`, …
    pub args: Vec<String>,
    /// Environment on top of the node's.
    pub env: BTreeMap<String, String>,
    /// Working directory; empty = the node's default.
    pub cwd: String,
    /// Time limit in milliseconds; 0 = the node's own.
    pub timeout_ms: u64,
    /// Result files wanted back.
    pub files: Vec<String>,
    /// Standard input.
    pub stdin: Vec<u8>,
}

impl RunSpec {
    /// The order that carries it out.
    pub fn to_order(&self) -> jarvis_proto::node::RunJob {
        jarvis_proto::node::RunJob {
            script: self.script.clone(),
            args: self.args.clone(),
            env: self.env.clone().into_iter().collect(),
            cwd: self.cwd.clone(),
            stdin: self.stdin.clone().into(),
            timeout_ms: self.timeout_ms,
            result_globs: self.files.clone(),
            name: self.title.chars().take(80).collect(),
        }
    }
}

/// A file on a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GetSpec {
    /// Where on the node.
    pub path: String,
    /// Only the last lines; 0 = all.
    pub tail_lines: u64,
    /// Only the first lines; 0 = all.
    pub head_lines: u64,
    /// Compress before sending.
    pub gzip: bool,
    /// Only into the store of files, whatever the chat takes.
    #[serde(default)]
    pub keep: bool,
}

/// A blob of ours and where it goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PutSpec {
    /// BLAKE3 hex of the blob.
    pub blob: String,
    /// The sender's file name, cleaned.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Where on the node; a directory keeps `name`.
    pub path: String,
    /// It is an archive to be unpacked there.
    #[serde(default)]
    pub extract: bool,
}

/// A file of one node and where it goes on others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CopySpec {
    /// Name of the node that has it.
    pub from: String,
    /// That node's address.
    pub from_address: String,
    /// Where on it: a file, a folder, or a pattern.
    pub source: String,
    /// Where on the others. A folder, or several files, are unpacked into it.
    pub path: String,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Some task has not ended.
    Open,
    /// Every task ended well.
    Done,
    /// Every task ended, some badly.
    Failed,
    /// Cancelled before it was through.
    Cancelled,
}

/// Where a task stands. Written once when final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Waits for its node to come back (`--wait`).
    Waiting,
    /// The order is made; the node has not said that it took it.
    Sent,
    /// The node has it in its journal and works.
    Running,
    /// Ended well: exit 0, file moved.
    Done,
    /// Ended badly: exit code, signal, time limit, not started, transfer failed.
    Failed,
    /// Stopped by a person.
    Cancelled,
    /// The node refused the order.
    Refused,
    /// The node was not connected and the job did not wait, or waited in vain.
    Offline,
    /// The node's process died while it ran, or the node forgot it.
    Lost,
}

impl TaskState {
    /// Whether nothing more will happen to the task.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Sent | Self::Running)
    }
}

/// What a user asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Inner id.
    pub id: JobId,
    /// What people call it, from 1.
    pub number: i64,
    /// Who asked.
    pub account: AccountId,
    /// From which identity.
    pub identity: IdentityKey,
    /// Where; the answers go there.
    pub room: RoomKey,
    /// The message that asked; answers reply to it. May be empty.
    pub reply_to: String,
    /// What is to be done.
    pub spec: JobSpec,
    /// Where it stands.
    pub state: JobState,
    /// Unix milliseconds.
    pub created_ms: i64,
    /// Unix milliseconds; `None` while open.
    pub ended_ms: Option<i64>,
    /// Until when tasks may wait for an offline node, Unix milliseconds; 0 = they do not wait.
    pub wait_until_ms: i64,
    /// The language of its texts (`en`, `zh`).
    pub language: String,
}

/// A job's part on one node.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Id of the order, and of the task.
    pub order: String,
    /// The job it belongs to.
    pub job: JobId,
    /// Position in the job's table, from 0.
    pub position: i64,
    /// The node's name when the job was made.
    pub node: String,
    /// The node's address.
    pub address: String,
    /// Where it stands.
    pub state: TaskState,
    /// The encoded `SignedOrder`; empty until it was made.
    pub signed_order: Vec<u8>,
    /// The encoded `Ended` or `Refused` frame of the node; empty until final, or when we ended it.
    pub ending: Vec<u8>,
    /// Unix milliseconds; 0 until the node accepted it.
    pub started_ms: i64,
    /// Unix milliseconds; 0 until final.
    pub ended_ms: i64,
}
