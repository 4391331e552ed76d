//! The command line of `jarvis-node`.

mod join;
mod service;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use jarvis_node::Guard;
use jarvis_node::config::DEFAULT_TYPE;
use jarvis_nodeclient::{Address, Identity, KeyFileError, NodeName};
use thiserror::Error;

/// Name of the configuration file that `init` makes and `run` reads.
const CONFIG_FILE: &str = "node.toml";

/// Runs the signed orders of trusted roots on this server.
#[derive(Debug, Parser)]
#[command(name = "jarvis-node", version = crate::VERSION, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key and a configuration file, and print the node's address. Overwrites nothing.
    Init(Init),
    /// Serve until SIGTERM or SIGINT. Running jobs are ended then; their roots are told.
    Run {
        /// The configuration file.
        #[arg(
            long,
            value_name = "FILE",
            env = "JARVIS_NODE_CONFIG",
            default_value = CONFIG_FILE
        )]
        config: PathBuf,
    },
    /// Become a node of a Jarvis, with a one-time token that `/join` in its chat gives. Running it again
    /// is harmless.
    Join(join::Join),
    /// Undo that: the brain forgets this node; service, key and configuration are removed.
    Leave(join::Leave),
    /// Print the program's version.
    Version,
    /// Watch a new version of this program that is on probation; for the node itself.
    #[command(hide = true)]
    Guard(Guard),
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Folder for key, configuration and data; made if missing.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// The configuration file to make, in place of node.toml in --dir; the key goes beside it.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    config: Option<PathBuf>,
    /// The name under which chat will know the node; the host's name without one.
    #[arg(long)]
    name: Option<NodeName>,
    /// What kind of node it is, for `run type:…`.
    #[arg(long = "type", value_name = "TYPE", default_value = DEFAULT_TYPE)]
    node_type: String,
    /// Address of the root (brain) to trust: `keys` on its machine prints it.
    #[arg(long, value_name = "ADDRESS")]
    root: Option<Address>,
    /// Where to reach that root.
    #[arg(long, value_name = "HOST:PORT", requires = "root")]
    connect: Option<String>,
    /// Let the root get and put files below this absolute path; may be repeated.
    #[arg(long, value_name = "PATH")]
    allow: Vec<PathBuf>,
}

/// Why nothing, or not everything, was made.
#[derive(Debug, Error)]
pub(crate) enum InitError {
    #[error("`{}` is not an absolute path; --allow needs one", .0.display())]
    RelativeAllow(PathBuf),
    #[error("`{}` is there already and stays as it is; choose another --dir, or edit it", .0.display())]
    Exists(PathBuf),
    #[error("`{0}` is no host and port, such as brain.example:7789")]
    Connect(String),
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Key(#[from] KeyFileError),
}

impl Init {
    /// Makes the files; returns what to tell the person.
    ///
    /// # Errors
    ///
    /// When an argument is wrong, something is there already, or cannot be written.
    pub(crate) fn run(&self) -> Result<String, InitError> {
        if let Some(relative) = self.allow.iter().find(|path| !path.is_absolute()) {
            return Err(InitError::RelativeAllow(relative.clone()));
        }
        if let Some(connect) = self
            .connect
            .as_ref()
            .filter(|connect| !is_host_and_port(connect))
        {
            return Err(InitError::Connect(connect.clone()));
        }
        let config = self
            .config
            .clone()
            .unwrap_or_else(|| self.dir.join(CONFIG_FILE));
        let folder = config.parent().unwrap_or(Path::new(""));
        let key = folder.join("node.key");
        if let Some(there) = [&config, &key].into_iter().find(|path| path.exists()) {
            return Err(InitError::Exists(there.clone()));
        }
        std::fs::create_dir_all(folder).map_err(|source| InitError::Write {
            path: folder.to_owned(),
            source,
        })?;
        let identity = Identity::create_file(&key)?;
        write_new(&config, &self.text()).map_err(|source| InitError::Write {
            path: config.clone(),
            source,
        })?;
        Ok(self.next_steps(identity.address(), &config))
    }

    fn text(&self) -> String {
        let name = self.name.as_ref().map(ToString::to_string);
        let text = ConfigText {
            name: name.as_deref(),
            node_type: &self.node_type,
            allow: &self.allow,
        };
        let mut text = text.with_trust(self.root.as_ref());
        if let (Some(root), Some(connect)) = (&self.root, &self.connect) {
            let quoted = |text: &str| toml::Value::from(text).to_string();
            text.push_str(&format!(
                "\n# Roots that this node dials.\n[[root]]\naddress = {}\nconnect = {}\n",
                quoted(&root.to_string()),
                quoted(connect)
            ));
        }
        text
    }

    fn next_steps(&self, address: &Address, config: &Path) -> String {
        let name = self
            .name
            .as_ref()
            .map_or_else(host_name, ToString::to_string);
        let config = config.display();
        let mut text = format!("address  {address}\nconfig   {config}\n\n");
        let mut step = 1;
        let mut add = |what: String| {
            text.push_str(&format!("{step}. {what}\n"));
            step += 1;
        };
        if self.root.is_none() {
            add(format!(
                "Put the root's address into `trust` in {config}, and a [[root]] with address and connect."
            ));
        } else if self.connect.is_none() {
            add(format!(
                "Say in {config} how to meet: a [[root]] with address and connect, or listen = \"IP:PORT\"."
            ));
        }
        add(format!("In the chat:     enroll {name} {address}"));
        add(format!(
            "On this server:  jarvis-node run --config {config}"
        ));
        text
    }
}

/// What a new configuration file begins with.
struct ConfigText<'a> {
    name: Option<&'a str>,
    node_type: &'a str,
    allow: &'a [PathBuf],
}

impl std::fmt::Display for ConfigText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.with_trust(None))
    }
}

impl ConfigText<'_> {
    fn with_trust(&self, root: Option<&Address>) -> String {
        use std::fmt::Write;
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let list = |items: Vec<String>| toml::Value::from(items).to_string();
        let mut text = String::from(
            "# A Jarvis node. Paths are relative to this file; `#` lines show defaults.\n",
        );
        // Writing to a string cannot fail.
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name} = {value}");
        };
        if let Some(name) = self.name {
            line("name", &quoted(name));
        }
        line("type", &quoted(self.node_type));
        line("# data", "\"data\"");
        line("# key", "\"node.key\"");
        line("# max_jobs", "32");
        line("# job_timeout", "\"1day\"");
        text.push_str("\n# Whom this node obeys. Read again whenever this file changes.\n");
        let trust: Vec<String> = root.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "trust = {}", list(trust));
        text.push_str(
            "\n# Files may be sent to and fetched from these folders, and from data/files.\n",
        );
        let allow = self
            .allow
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        let _ = writeln!(text, "allow = {}", list(allow));
        text
    }
}

fn is_host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// The host's name as far as it is a node's name, too.
fn host_name() -> String {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let short = host.split('.').next().unwrap_or_default().to_lowercase();
    NodeName::parse(&short).map_or_else(|_| "NAME".to_owned(), |name| name.to_string())
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use jarvis_node::ConfigFile;
    use std::os::unix::fs::PermissionsExt;

    const ROOT: &str = "1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs";

    fn init(args: &[&str]) -> Result<String, InitError> {
        let all = ["jarvis-node", "init"].iter().chain(args);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Init(init) => init.run(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_init_writes_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new");
        let dir_text = dir.to_str().unwrap();
        let said = init(&[
            "--dir",
            dir_text,
            "--name",
            "web-1",
            "--root",
            ROOT,
            "--connect",
            "h:1",
            "--allow",
            "/srv",
        ])
        .unwrap();
        let config = ConfigFile::load(&dir.join("node.toml")).unwrap();
        let address = Identity::from_file(&config.key)
            .unwrap()
            .address()
            .to_string();
        assert!(said.contains(&format!("enroll web-1 {address}")), "{said}");
        assert_eq!(config.roots[0].connect, "h:1");
        assert_eq!(config.node.allow, [Path::new("/srv")]);
        for file in ["node.toml", "node.key"] {
            assert_eq!(
                dir.join(file).metadata().unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        assert!(matches!(
            init(&["--dir", dir_text]),
            Err(InitError::Exists(_))
        ));
    }

    #[test]
    fn without_a_root_the_next_step_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let said = init(&["--dir", folder.path().to_str().unwrap()]).unwrap();
        assert!(
            said.contains("1. Put the root's address into `trust`"),
            "{said}"
        );
        ConfigFile::load(&folder.path().join("node.toml")).unwrap();
    }

    #[test]
    fn wrong_arguments_make_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new");
        let dir = dir.to_str().unwrap();
        assert!(matches!(
            init(&["--dir", dir, "--allow", "srv"]),
            Err(InitError::RelativeAllow(_))
        ));
        let connect = init(&["--dir", dir, "--root", ROOT, "--connect", "nowhere"]);
        assert!(matches!(connect, Err(InitError::Connect(_))));
        assert!(!Path::new(dir).exists());
    }
}
