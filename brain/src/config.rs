//! What the brain has to be told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jarvis_nodeclient::RootOptions;
use secrecy::SecretString;

use crate::translate::TranslateConfig;
use crate::watch::WatchConfig;

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
    /// `host:port` where the brain dials it, `legacy://host:port` for a legacy node; `None` = it dials
    /// in.
    pub dial: Option<String>,
}

/// How many jobs one person may have, and for how long ended ones are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLimits {
    /// Ended jobs and lines of the audit log are forgotten after this; zero keeps them for ever.
    pub keep: Duration,
    /// Jobs that one account may have open.
    pub most_open: usize,
    /// Jobs of one account that may wait for one node.
    pub most_waiting: usize,
}

impl Default for JobLimits {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(90 * 24 * 3600),
            most_open: 100,
            most_waiting: 20,
        }
    }
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
    /// How to take part in a legacy network; `None` = not at all.
    pub legacy: Option<crate::legacy::LegacyConfig>,
    /// How often nodes say that they are alive.
    pub heartbeat: Duration,
    /// When a node's coming and going is worth telling.
    pub watch: WatchConfig,
    /// Commands older than this are not run.
    pub too_old: Duration,
    /// Messages that one account may send in a minute; the owner's terminal has no limit.
    pub messages_per_minute: u32,
    /// Limits of jobs.
    pub jobs: JobLimits,
    /// Largest file taken from a chat, in bytes.
    pub attachment_limit: u64,
    /// Bytes that the store of files may hold.
    pub files_quota: u64,
    /// How long a file is kept.
    pub files_keep: Duration,
    /// Our own program, which reads files in processes of their own when it is started with
    /// [`crate::note::reader::READ_FILE`]; `None` = what files say is not searched.
    pub file_reader: Option<PathBuf>,
    /// Translation engines and their limits.
    pub translate: TranslateConfig,
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
            legacy: None,
            heartbeat: RootOptions::default().heartbeat,
            watch: WatchConfig::default(),
            too_old: Duration::from_secs(600),
            messages_per_minute: 120,
            jobs: JobLimits::default(),
            attachment_limit: 4 << 30,
            files_quota: 10 << 30,
            files_keep: Duration::from_secs(30 * 86_400),
            file_reader: None,
            translate: TranslateConfig::default(),
            notices: Vec::new(),
            secrets: Vec::new(),
        }
    }
}
