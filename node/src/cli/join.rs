//! `jarvis-node join` and `jarvis-node leave`: becoming a node of a Jarvis in one step, and undoing it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use jarvis_node::{ConfigFile, RootEntry};
use jarvis_nodeclient::{
    Address, AttachError, Credentials, Dialer, Identity, KeyRing, KeyRingError, NodeName,
    TcpDialer, introduce,
};
use jarvis_proto::node::Welcome;
use thiserror::Error;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value, value};

use super::service::{Service, ServiceError};
use super::{CONFIG_FILE, ConfigText, host_name, is_host_and_port, write_new};

/// Where the files are of a node that was joined: for the system's administrator, and for others.
const SYSTEM_FOLDER: &str = "/var/lib/jarvis-node";
const OWN_FOLDER: &str = ".local/share/jarvis-node";

/// Where a joined node lives.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Folder for key, configuration and data [default: /var/lib/jarvis-node, or
    /// ~/.local/share/jarvis-node for other users than root]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Write the systemd unit into this folder and start nothing (for packages and images)
    #[arg(long, value_name = "DIR")]
    unit_dir: Option<PathBuf>,
}

impl Place {
    fn folder(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(|| {
            if rustix::process::geteuid().is_root() {
                return PathBuf::from(SYSTEM_FOLDER);
            }
            let home = std::env::var_os("HOME").unwrap_or_default();
            Path::new(&home).join(OWN_FOLDER)
        })
    }
}

/// Arguments of `join`.
#[derive(Debug, Args)]
pub(crate) struct Join {
    #[command(flatten)]
    place: Place,
    /// The name under which chat will know the node; the host's name without one
    #[arg(long)]
    name: Option<NodeName>,
    /// Trust these roots as well; they may then enrol the node, too
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_delimiter = ',')]
    roots: Vec<Address>,
    /// Let roots get and put files below this absolute path; may be repeated
    #[arg(long, value_name = "PATH")]
    allow: Vec<PathBuf>,
    /// The user as whom the service and all jobs run; root without one
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Install no service
    #[arg(long)]
    no_service: bool,
    /// Where the brain is
    #[arg(value_name = "HOST:PORT")]
    connect: String,
    /// The brain's address, which it has to prove
    #[arg(value_name = "ROOT")]
    root: Address,
    /// The one-time token; `/join` in the chat makes it
    #[arg(value_name = "TOKEN")]
    token: String,
}

/// Arguments of `leave`.
#[derive(Debug, Args)]
pub(crate) struct Leave {
    #[command(flatten)]
    place: Place,
    /// Leave only this root
    #[arg(long, value_name = "ADDRESS")]
    root: Option<Address>,
}

/// Why a server did not become a node.
#[derive(Debug, Error)]
pub(crate) enum JoinError {
    #[error("`{0}` is no host and port, such as brain.example:7788")]
    Connect(String),
    #[error("`{}` is not an absolute path; --allow needs one", .0.display())]
    RelativeAllow(PathBuf),
    #[error(
        "cannot reach the brain at {connect}: {source}. Is the address right, and is it reachable from here?"
    )]
    Unreachable {
        connect: String,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "another root ({found}) answered at {connect}, not {expected}: nothing was sent to it. Is the line from the right Jarvis?"
    )]
    WrongRoot {
        connect: String,
        expected: Address,
        found: Address,
    },
    #[error("not joined: {0}")]
    Refused(String),
    #[error("not joined: {0}")]
    Attach(AttachError),
    #[error(transparent)]
    Key(#[from] KeyRingError),
    #[error("`{}` cannot be used: {message}", path.display())]
    Config { path: PathBuf, message: String },
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the node has joined, but its service could not be installed: {0}")]
    Service(#[from] ServiceError),
    #[error("there is no node in `{}`; name its folder with --dir", .0.display())]
    NoNode(PathBuf),
}

impl Join {
    /// Joins; returns what to tell the person. Until the root has said welcome, nothing but the folder
    /// and a key are made, and those are taken back when it refuses.
    ///
    /// # Errors
    ///
    /// See [`JoinError`].
    pub(crate) async fn run(&self) -> Result<String, JoinError> {
        if !is_host_and_port(&self.connect) {
            return Err(JoinError::Connect(self.connect.clone()));
        }
        if let Some(relative) = self.allow.iter().find(|path| !path.is_absolute()) {
            return Err(JoinError::RelativeAllow(relative.clone()));
        }
        let folder = self.place.folder();
        let config = folder.join(CONFIG_FILE);
        // A file that cannot be understood is better found now than after the welcome.
        let before = config.exists().then(|| read_config(&config)).transpose()?;
        let key = match &before {
            Some(_) => load(&config)?.key,
            None => folder.join("node.key"),
        };
        let made = Made::make(&folder, &key)?;
        let keys = KeyRing::open(&key)?;
        let name = self
            .name
            .clone()
            .or_else(|| NodeName::parse(&host_name()).ok());
        let who = Credentials::new(&keys, name.as_ref().map(NodeName::as_str));
        let welcome = introduced(&self.connect, &self.root, who.with_token(&self.token)).await?;
        let document = before.unwrap_or_default();
        let text = self.configured(document, &config, &welcome)?;
        replace(&config, &text)?;
        made.keep();
        let mut said = format!(
            "{} has joined {} at {}.\naddress  {}\nconfig   {}\n",
            welcome.node_name,
            self.root,
            self.connect,
            keys.address(),
            config.display()
        );
        let service = Service::new(&self.place.unit_dir, &config, self.user.as_deref());
        match service {
            Some(service) if !self.no_service => said.push_str(&service.install(&folder).await?),
            _ => said.push_str(&format!(
                "Start it with:  jarvis-node run --config {}\n",
                config.display()
            )),
        }
        Ok(said)
    }

    /// The configuration with this root in it; what else stands there stays.
    fn configured(
        &self,
        mut document: DocumentMut,
        path: &Path,
        welcome: &Welcome,
    ) -> Result<String, JoinError> {
        let wrong = |what: &str| JoinError::Config {
            path: path.to_owned(),
            message: format!("`{what}` is not what it should be"),
        };
        if document.as_table().is_empty() {
            let text = ConfigText {
                name: Some(&welcome.node_name),
                node_type: jarvis_node::config::DEFAULT_TYPE,
                allow: &self.allow,
            };
            document = text.to_string().parse().map_err(|_| wrong("name"))?;
        }
        let trust = document
            .entry("trust")
            .or_insert_with(|| Item::Value(Value::Array(Array::new())))
            .as_array_mut()
            .ok_or_else(|| wrong("trust"))?;
        for address in std::iter::once(&self.root).chain(&self.roots) {
            let address = address.to_string();
            if !trust.iter().any(|item| item.as_str() == Some(&address)) {
                trust.push(address);
            }
        }
        let roots = document
            .entry("root")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()))
            .as_array_of_tables_mut()
            .ok_or_else(|| wrong("root"))?;
        let address = self.root.to_string();
        let known = roots
            .iter_mut()
            .find(|root| root.get("address").and_then(Item::as_str) == Some(&address));
        match known {
            Some(root) => root["connect"] = value(&self.connect),
            None => {
                let mut root = Table::new();
                root["address"] = value(address);
                root["connect"] = value(&self.connect);
                roots.push(root);
            }
        }
        Ok(document.to_string())
    }
}

/// Introduces a node to a root.
async fn introduced(
    connect: &str,
    root: &Address,
    who: Credentials<'_>,
) -> Result<Welcome, JoinError> {
    let dialer = TcpDialer::new(connect);
    let io = dialer
        .dial()
        .await
        .map_err(|source| JoinError::Unreachable {
            connect: connect.to_owned(),
            source,
        })?;
    introduce(io, who, |found| found == root)
        .await
        .map_err(|error| match error {
            AttachError::NotTrusted { root: found } => JoinError::WrongRoot {
                connect: connect.to_owned(),
                expected: root.clone(),
                found,
            },
            AttachError::Refused(said) => JoinError::Refused(said),
            AttachError::Io(source) => JoinError::Unreachable {
                connect: connect.to_owned(),
                source,
            },
            other => JoinError::Attach(other),
        })
}

/// What was made before the welcome; dropped, it is taken back.
struct Made {
    folder: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Made {
    fn make(folder: &Path, key: &Path) -> Result<Self, JoinError> {
        use std::os::unix::fs::DirBuilderExt;
        let mut made = Self {
            folder: (!folder.exists()).then(|| folder.to_owned()),
            key: None,
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(folder).map_err(|source| JoinError::Write {
            path: folder.to_owned(),
            source,
        })?;
        if !key.exists() {
            Identity::create_file(key).map_err(KeyRingError::from)?;
            made.key = Some(key.to_owned());
        }
        Ok(made)
    }

    fn keep(mut self) {
        self.folder = None;
        self.key = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(key) = &self.key {
            let _ = fs::remove_file(key);
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Leave {
    /// Leaves; returns what to tell the person.
    ///
    /// # Errors
    ///
    /// When there is no node, or its files cannot be changed.
    pub(crate) async fn run(&self) -> Result<String, JoinError> {
        let folder = self.place.folder();
        let config = folder.join(CONFIG_FILE);
        if !config.exists() {
            return Err(JoinError::NoNode(folder));
        }
        let mut document = read_config(&config)?;
        let loaded = load(&config)?;
        let keys = KeyRing::open(&loaded.key)?;
        let is_meant = |root: &&RootEntry| {
            self.root
                .as_ref()
                .is_none_or(|meant| *meant == root.address)
        };
        let (left, kept): (Vec<_>, Vec<_>) = loaded.roots.iter().partition(is_meant);
        let mut said = String::new();
        if kept.is_empty()
            && let Some(service) = Service::new(&self.place.unit_dir, &config, None)
        {
            said.push_str(&service.remove().await?);
        }
        for root in &left {
            let who = Credentials::new(&keys, loaded.node.name.as_deref()).leaving();
            said.push_str(&match introduced(&root.connect, &root.address, who).await {
                Ok(_) => format!(
                    "{} at {} has forgotten this node.\n",
                    root.address, root.connect
                ),
                Err(error) => format!(
                    "{} at {} was not told ({error}). Send there: forget {}\n",
                    root.address,
                    root.connect,
                    loaded.node.name.as_deref().unwrap_or("NAME")
                ),
            });
        }
        if kept.is_empty() {
            for name in ["", ".old", ".next", ".changes"] {
                let mut file = loaded.key.clone().into_os_string();
                file.push(name);
                let _ = fs::remove_file(file);
            }
            fs::remove_file(&config).map_err(|source| JoinError::Write {
                path: config.clone(),
                source,
            })?;
            said.push_str(&format!(
                "Key and configuration are gone. Output of its jobs stays in {} until you remove it.\n",
                loaded.node.data.display()
            ));
            return Ok(said);
        }
        let gone: Vec<String> = left.iter().map(|root| root.address.to_string()).collect();
        let is_gone =
            |item: Option<&str>| item.is_some_and(|text| gone.iter().any(|one| one == text));
        if let Some(trust) = document.get_mut("trust").and_then(Item::as_array_mut) {
            trust.retain(|item| !is_gone(item.as_str()));
        }
        if let Some(roots) = document
            .get_mut("root")
            .and_then(Item::as_array_of_tables_mut)
        {
            roots.retain(|root| !is_gone(root.get("address").and_then(Item::as_str)));
        }
        replace(&config, &document.to_string())?;
        Ok(said)
    }
}

fn read_config(path: &Path) -> Result<DocumentMut, JoinError> {
    let wrong = |message: String| JoinError::Config {
        path: path.to_owned(),
        message,
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    text.parse()
        .map_err(|error: toml_edit::TomlError| wrong(error.to_string()))
}

fn load(path: &Path) -> Result<ConfigFile, JoinError> {
    ConfigFile::load(path).map_err(|error| JoinError::Config {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

/// Writes the whole file at once.
fn replace(path: &Path, text: &str) -> Result<(), JoinError> {
    let new = path.with_extension("toml.new");
    let _ = fs::remove_file(&new);
    write_new(&new, text)
        .and_then(|()| fs::rename(&new, path))
        .map_err(|source| JoinError::Write {
            path: path.to_owned(),
            source,
        })
}
