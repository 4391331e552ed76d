//! What the brain has to be told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jarvis_nodeclient::RootOptions;
use secrecy::SecretString;

/// A token with which adapters of one kind may connect over a network.
#[derive(Debug, Clone)]
pub struct AdapterToken {
    /// Adapter kind.
    pub kind: String,
    /// Only this bot; `None` = every bot of the kind.
    pub bot: Option<String>,
    /// The token.
    pub token: SecretString,
}

/// A node that the configuration names.
#[derive(Debug, Clone)]
pub struct NodeEntry {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// `host:port` where the brain dials it; `None` = it dials in.
    pub dial: Option<String>,
}

/// What the brain has to be told.
#[derive(Debug, Clone)]
pub struct BrainConfig {
    /// Folder of its files.
    pub data: PathBuf,
    /// `sqlite:PATH` or `postgres://…`.
    pub database: SecretString,
    /// Who may connect over a network.
    pub adapters: Vec<AdapterToken>,
    /// Nodes of the configuration; they are known beside the enrolled ones.
    pub nodes: Vec<NodeEntry>,
    /// Where nodes dial in; `None` = nowhere.
    pub node_listen: Option<SocketAddr>,
    /// `HOST:PORT` under which servers reach that; `None` = as it listens.
    pub node_public: Option<String>,
    /// The `jarvis-node` programs that servers may download, by architecture (`x86_64`, `aarch64`, …).
    pub node_programs: BTreeMap<String, PathBuf>,
    /// How long the old key of a root or node stays good after a change.
    pub key_overlap: Duration,
    /// How often nodes say that they are alive.
    pub heartbeat: Duration,
    /// Commands older than this are not run.
    pub too_old: Duration,
    /// Messages that one account may send in a minute; the owner's terminal has no limit.
    pub messages_per_minute: u32,
    /// Largest file taken from a chat, in bytes.
    pub attachment_limit: u64,
    /// What happened before this start and the owner should know (crash reports).
    pub notices: Vec<String>,
    /// Values that must never be shown, wherever they turn up.
    pub secrets: Vec<SecretString>,
}

impl BrainConfig {
    /// The defaults for a data folder.
    pub fn new(data: PathBuf) -> Self {
        let database = format!("sqlite:{}", data.join("jarvis.db").display());
        Self {
            data,
            database: database.into(),
            adapters: Vec::new(),
            nodes: Vec::new(),
            node_listen: None,
            node_public: None,
            node_programs: BTreeMap::new(),
            key_overlap: Duration::from_secs(24 * 3600),
            heartbeat: RootOptions::default().heartbeat,
            too_old: Duration::from_secs(600),
            messages_per_minute: 120,
            attachment_limit: 4 << 30,
            notices: Vec::new(),
            secrets: Vec::new(),
        }
    }
}
