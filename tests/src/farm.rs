//! Many nodes in one process: the real ones, with keys, journals and TCP sessions of their own.
//!
//! A program that uses this starts itself again as farms ([`Fields::start`]), so that the nodes share
//! neither descriptors nor a runtime with what is measured.

use std::net::{Shutdown, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use jarvis_node::{Node, NodeConfig, RootDial, TrustSource};
use jarvis_nodeclient::{Address, BoxedIo, Dialer, Identity};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::process::{PATIENCE, Process};
use crate::square::node_name;

/// The first argument of a process that is a farm.
const MARK: &str = "--be-a-farm-of-nodes";
/// Said when all nodes of a farm dial.
const DIALLING: &str = "dialling";
/// Makes a farm cut all its lines.
const CUT: &str = "cut";

/// Lets this process, and those that it starts, open as many files as the system allows.
pub fn raise_file_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).context("raise the limit of open files")
}

/// What one farm grows.
#[derive(Debug)]
pub struct Farm {
    folder: PathBuf,
    root: Address,
    connect: SocketAddr,
    first: usize,
    count: usize,
}

impl Farm {
    /// The farm that this process was started to be, if it was.
    ///
    /// # Errors
    /// When its arguments make no sense.
    pub fn asked_for(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>> {
        if arguments.next().as_deref() != Some(MARK) {
            return Ok(None);
        }
        let mut next = || {
            arguments
                .next()
                .context("an argument of the farm is missing")
        };
        Ok(Some(Self {
            folder: next()?.into(),
            root: next()?.parse()?,
            connect: next()?.parse()?,
            first: next()?.parse()?,
            count: next()?.parse()?,
        }))
    }

    /// Runs the nodes until standard input ends.
    ///
    /// # Errors
    /// When a node cannot start.
    pub fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        runtime.block_on(self.grow())
    }

    async fn grow(self) -> Result<()> {
        let lines = Arc::new(Lines {
            to: self.connect,
            open: Mutex::default(),
        });
        let mut nodes = Vec::new();
        for number in self.first..self.first + self.count {
            let folder = self.folder.join(node_name(number));
            let identity = Identity::from_file(&folder.join("key"))?;
            let mut config = NodeConfig::new(folder.join("data"));
            config.trust = TrustSource::Fixed(vec![self.root.clone()]);
            let dial = RootDial {
                address: self.root.clone(),
                dialer: Arc::clone(&lines) as Arc<dyn Dialer>,
            };
            nodes.push(Node::start(identity, config, vec![dial]).await?);
        }
        println!("{DIALLING}");
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        while let Some(order) = orders.next_line().await? {
            match order.as_str() {
                CUT => lines.cut(),
                other => bail!("a farm does not understand {other:?}"),
            }
        }
        Ok(())
    }
}

/// Dials, and remembers every line, to cut all at once.
struct Lines {
    to: SocketAddr,
    open: Mutex<Vec<std::net::TcpStream>>,
}

impl Lines {
    fn cut(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for line in open.drain(..) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }
}

#[async_trait]
impl Dialer for Lines {
    async fn dial(&self) -> std::io::Result<BoxedIo> {
        let line = TcpStream::connect(self.to).await?.into_std()?;
        let kept = line.try_clone()?;
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(kept);
        let line = TcpStream::from_std(line)?;
        line.set_nodelay(true)?;
        Ok(Box::new(line))
    }

    fn describe(&self) -> String {
        self.to.to_string()
    }
}

/// All farms of one bench. They end when this is dropped.
#[derive(Debug)]
pub struct Fields {
    farms: Vec<Process>,
}

impl Fields {
    /// Makes the keys of so many nodes below `folder`; gives their addresses.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn sow(folder: &Path, nodes: usize) -> Result<Vec<Address>> {
        let make = |number| {
            let folder = folder.join(node_name(number));
            std::fs::create_dir_all(&folder)?;
            let identity = Identity::create_file(&folder.join("key"))?;
            Ok(identity.address().clone())
        };
        (0..nodes).map(make).collect()
    }

    /// Starts this program again as farms of so many nodes together, and waits until all dial.
    ///
    /// # Errors
    /// When a farm does not start.
    pub async fn start(
        folder: &Path,
        root: &str,
        connect: SocketAddr,
        nodes: usize,
        each: usize,
    ) -> Result<Self> {
        let mut farms = Vec::new();
        for first in (0..nodes).step_by(each) {
            let mut command = Command::new(std::env::current_exe()?);
            command
                .arg(MARK)
                .arg(folder)
                .args([root, &connect.to_string(), &first.to_string()])
                .arg(each.min(nodes - first).to_string());
            farms.push(Process::start("a farm", &mut command)?);
        }
        for farm in &farms {
            let dials = |said: &str| said.contains(DIALLING).then_some(());
            let found = farm.out().find(0, PATIENCE, dials).await;
            found.with_context(|| format!("a farm does not start: {}", farm.everything()))?;
        }
        Ok(Self { farms })
    }

    /// Cuts all lines of all nodes.
    ///
    /// # Errors
    /// When a farm has ended.
    pub async fn cut(&mut self) -> Result<()> {
        for farm in &mut self.farms {
            farm.write_line(CUT).await?;
        }
        Ok(())
    }
}
