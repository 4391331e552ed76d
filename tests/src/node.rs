//! A server with a `jarvis-node` on it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::console::word_after;
use crate::process::{Heard, PATIENCE, Process};

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
        // What is stopped in a story need not be given five seconds to think about it.
        let config = folder.path().join("node.toml");
        let text = std::fs::read_to_string(&config)?;
        std::fs::write(&config, format!("stop_grace = \"1s\"\n{text}"))?;
        Ok(Self {
            name: name.to_owned(),
            folder,
            address,
            process: None,
            heard: vec![init.out().clone(), init.err().clone()],
        })
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

    /// Starts the daemon.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self) -> Result<()> {
        let mut command = Process::command("jarvis-node", ["run", "--config"])?;
        command
            .arg(self.folder.path().join("node.toml"))
            .current_dir(self.folder.path());
        let process = Process::start(&format!("jarvis-node {}", self.name), &mut command)?;
        self.heard
            .extend([process.out().clone(), process.err().clone()]);
        self.process = Some(process);
        Ok(())
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
