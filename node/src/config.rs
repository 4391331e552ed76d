//! What a node is told before it starts: from a TOML file, or by the program that embeds it.

mod file;
mod service;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jarvis_nodeclient::Address;
use thiserror::Error;

pub use self::file::parse;
pub use self::service::{DockerConfig, ServiceConfig};

/// The type of a node that serves nothing but jobs.
pub const DEFAULT_TYPE: &str = "jarvisnode";

/// Settings of one node.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Where journal, job output and job files are kept. Made if missing.
    pub data: PathBuf,
    /// The name that the node would like to have; the root decides.
    pub name: Option<String>,
    /// What kind of node it is, for `run type:…` and updates.
    pub node_type: String,
    /// Version of what the node serves; the program's own by default.
    pub version: String,
    /// File whose first line is that version, read at each session; it wins when it can be read.
    pub version_file: Option<PathBuf>,
    /// Shell text that updates what the node serves; `{NewVersion}` in it is the wanted version.
    pub update_script: Option<String>,
    /// Shell text that restarts what the node serves.
    pub restart_script: Option<String>,
    /// Shell text that goes back to the version `{NewVersion}`.
    pub rollback_script: Option<String>,
    /// The program that is this node, if it may restart itself; without, the node takes no updates.
    pub program: Option<Program>,
    /// Whom it obeys.
    pub trust: TrustSource,
    /// Roots may get and put files below these, and below the jobs' working directory.
    pub allow: Vec<PathBuf>,
    /// Where roots may dial this node, if anywhere.
    pub listen: Option<SocketAddr>,
    /// Whether and how it serves legacy roots.
    pub legacy: Option<LegacyListen>,
    /// Working directory of jobs that name none; `files` in [`NodeConfig::data`] by default.
    pub work: PathBuf,
    /// Most jobs that run at once; more wait.
    pub max_jobs: usize,
    /// Time limit of jobs that have none of their own.
    pub job_timeout: Duration,
    /// Between TERM and KILL when a job is stopped.
    pub stop_grace: Duration,
    /// Most bytes kept of each output stream of a job.
    pub output_limit: u64,
    /// How long output and endings are kept after the root has acknowledged them.
    pub retention: Duration,
    /// Most bytes of kept output in all; beyond it the oldest goes.
    pub retention_size: u64,
    /// The shell that runs scripts without a `#!` line.
    pub shell: String,
    /// Programs that roots may call by name.
    pub services: Vec<ServiceConfig>,
    /// The Docker engine that roots may ask; `None` = they may not.
    pub docker: Option<DockerConfig>,
    /// The longest wait between two attempts to reach a root; up to as much again is added at random.
    pub redial_at_most: Duration,
}

/// The program that runs a node, and how to start it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The file, as it was when the process began.
    pub path: PathBuf,
    /// All arguments after the program's name.
    pub arguments: Vec<OsString>,
    /// Its version.
    pub version: String,
}

/// How a node serves legacy roots (jarviscore 0.7). Their signatures cover next to nothing of an order,
/// so it does so only where its owner says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyListen {
    /// Where legacy roots dial.
    pub listen: SocketAddr,
    /// `host:port` that they are told to dial; empty: `listen`.
    pub server_address: String,
    /// Server addresses of legacy roots to stay connected with.
    pub connect: Vec<String>,
}

/// Where the list of trusted roots stands.
#[derive(Debug, Clone)]
pub enum TrustSource {
    /// In the `trust` array of this TOML file, which is read again whenever it has changed.
    File(PathBuf),
    /// Here, for ever.
    Fixed(Vec<Address>),
}

/// A root that the node dials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootEntry {
    /// Who must answer there.
    pub address: Address,
    /// `host:port`.
    pub connect: String,
}

/// The whole content of a configuration file.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// File that holds the node's secret key.
    pub key: PathBuf,
    /// Roots to dial.
    pub roots: Vec<RootEntry>,
    /// All the rest.
    pub node: NodeConfig,
    /// The file says itself which version the node serves.
    pub has_version: bool,
}

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A key that does not exist.
    #[error("{}: unknown key `{key}`{}", path.display(), suggestion(nearest.as_deref()))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key as written.
        key: String,
        /// The existing key that looks most like it.
        nearest: Option<String>,
    },
    /// Not TOML, or a value of the wrong kind.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and key.
        message: String,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest
        .map(|nearest| format!(", did you mean `{nearest}`?"))
        .unwrap_or_default()
}

impl NodeConfig {
    /// The defaults: nobody is trusted, no files are allowed but those of the jobs.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Self {
            work: data.join("files"),
            data,
            name: None,
            node_type: DEFAULT_TYPE.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            version_file: None,
            update_script: None,
            restart_script: None,
            rollback_script: None,
            program: None,
            trust: TrustSource::Fixed(Vec::new()),
            allow: Vec::new(),
            listen: None,
            legacy: None,
            max_jobs: 32,
            job_timeout: Duration::from_secs(24 * 3600),
            stop_grace: Duration::from_secs(5),
            output_limit: 256 << 20,
            retention: Duration::from_secs(7 * 24 * 3600),
            retention_size: 4 << 30,
            shell: "/bin/sh".to_owned(),
            services: Vec::new(),
            docker: None,
            redial_at_most: Duration::from_secs(10),
        }
    }

    /// The version that the node reports now.
    #[must_use]
    pub fn current_version(&self) -> String {
        const MOST_CHARS: usize = 64;
        let read = self.version_file.as_ref().and_then(|path| {
            let text = std::fs::read_to_string(path).ok()?;
            let line: String = text
                .lines()
                .next()?
                .trim()
                .chars()
                .take(MOST_CHARS)
                .collect();
            (!line.is_empty()).then_some(line)
        });
        read.unwrap_or_else(|| self.version.clone())
    }

    /// The folder for packages that roots send.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.data.join("packages")
    }

    /// The version of the program that runs the node.
    #[must_use]
    pub fn program_version(&self) -> &str {
        self.program
            .as_ref()
            .map_or(env!("CARGO_PKG_VERSION"), |program| &program.version)
    }
}

impl ConfigFile {
    /// Reads a file; relative paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a key or value in it is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        parse(path, &text)
    }
}
