//! A server with a `jarvis-node` on it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::process::Command;

use crate::console::word_after;
use crate::network::End;
use crate::process::{Heard, PATIENCE, Process, program};

/// A node with a key and a folder of its own.
#[derive(Debug)]
pub struct Node {
    name: String,
    folder: TempDir,
    address: String,
    process: Option<Process>,
    heard: Vec<Heard>,
}

impl Node {
    /// Makes a node that trusts `root` and dials it at `connect`. It does not run yet.
    ///
    /// # Errors
    /// When `jarvis-node init` fails.
    pub async fn new(name: &str, root: &str, connect: SocketAddr) -> Result<Self> {
        let folder = TempDir::with_prefix(format!("jarvis-{name}."))?;
        let files = folder.path().join("files");
        std::fs::create_dir(&files)?;
        let connect = connect.to_string();
        let mut init = Process::command("jarvis-node", ["init", "--name", name])?;
        init.args(["--root", root, "--connect", &connect, "--allow"])
            .arg(&files)
            .arg("--dir")
            .arg(folder.path());
        let mut init = Process::start("jarvis-node init", &mut init)?;
        let status = init.ends(PATIENCE).await?;
        let address = word_after(&init.out().text(), "address  ")
            .filter(|_| status.success())
            .with_context(|| format!("no address from jarvis-node init: {}", init.everything()))?;
        let node = Self {
            name: name.to_owned(),
            folder,
            address,
            process: None,
            heard: vec![init.out().clone(), init.err().clone()],
        };
        // What is stopped in a story need not be given five seconds to think about it.
        node.configure("stop_grace = \"1s\"")?;
        Ok(node)
    }

    /// The address to enrol.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The folder in which roots may get and put files.
    pub fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// The folder that holds everything of the node.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds keys to the configuration, before the node is started.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn configure(&self, keys: &str) -> Result<()> {
        let text = std::fs::read_to_string(self.config())?;
        // The tables of the file come last.
        std::fs::write(self.config(), format!("{keys}\n{text}"))?;
        Ok(())
    }

    /// Starts the daemon from a program of its own, so that it may replace it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_program(&mut self, program: &Path) -> Result<()> {
        let mut command = Process::command("jarvis-node", ["run"])?;
        let mut own = Command::new(program);
        own.args(["run", "--config"]).arg(self.config());
        for (name, value) in command.as_std_mut().get_envs() {
            match value {
                Some(value) => own.env(name, value),
                None => own.env_remove(name),
            };
        }
        self.start_by(own)
    }

    /// Starts the daemon.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self) -> Result<()> {
        let mut command = Process::command("jarvis-node", ["run", "--config"])?;
        command.arg(self.config());
        self.start_by(command)
    }

    /// Starts the daemon at one end of a network of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_at(&mut self, end: &End) -> Result<()> {
        let mut command = end.command("jarvis-node", &["run", "--config"])?;
        command.arg(self.config());
        self.start_by(command)
    }

    /// Starts the daemon with its data on a disk of this many megabytes, in a mount namespace of its
    /// own. `false` where the system does not let us make one.
    ///
    /// # Errors
    /// When the daemon cannot be started.
    pub fn start_on_small_disk(&mut self, megabytes: usize) -> Result<bool> {
        let data = self.folder.path().join("data");
        std::fs::create_dir_all(&data)?;
        let mount = format!("mount -t tmpfs -o size={megabytes}m none \"$0\"");
        let namespace = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-c", script]);
            command.arg(&data);
            command
        };
        let probe = namespace(&mount).as_std_mut().output();
        if !probe.is_ok_and(|output| output.status.success()) {
            return Ok(false);
        }
        let mut command = namespace(&format!("{mount} && exec \"$@\""));
        command
            .arg(program("jarvis-node")?)
            .args(["run", "--config"])
            .arg(self.config());
        self.start_by(command)?;
        Ok(true)
    }

    fn start_by(&mut self, mut command: Command) -> Result<()> {
        command.current_dir(self.folder.path());
        let process = Process::start(&format!("jarvis-node {}", self.name), &mut command)?;
        self.heard
            .extend([process.out().clone(), process.err().clone()]);
        self.process = Some(process);
        Ok(())
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("node.toml")
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&mut self) -> Result<()> {
        self.running()?.kill().await?;
        self.process = None;
        Ok(())
    }

    /// The running daemon.
    ///
    /// # Errors
    /// When it does not run.
    pub fn running(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the node does not run")
    }

    /// Everything that it said in all its lives.
    pub fn everything_said(&self) -> String {
        self.heard.iter().map(Heard::text).collect()
    }
}
