//! A root and its nodes, in this process or in one of their own.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use jarvis_node::{Node, NodeConfig, NodeHandle, RootDial, TrustSource};
use jarvis_nodeclient::{
    Address, Enrolment, Identity, NodeName, OrderSpec, Root, RootEvent, RootOptions, unix_ms,
};
use jarvis_proto::node::{Ended, RunJob, SignedOrder, order};
use jarvis_tests::node::Node as NodeProcess;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

/// Something that takes longer is broken.
const LIMIT: Duration = Duration::from_secs(120);

/// A root with nodes that are all connected.
pub(crate) struct Network {
    pub(crate) root: Root,
    pub(crate) nodes: Vec<(NodeName, Address)>,
    events: mpsc::Receiver<RootEvent>,
    in_process: Vec<NodeHandle>,
    process: Option<NodeProcess>,
    folder: TempDir,
}

impl Network {
    fn start() -> Result<Self> {
        let (root, events) = Root::start(Identity::generate(), RootOptions::default());
        Ok(Self {
            root,
            events,
            nodes: Vec::new(),
            in_process: Vec::new(),
            process: None,
            folder: TempDir::with_prefix("jarvis-bench.")?,
        })
    }

    /// So many nodes in this process, on connections in memory.
    pub(crate) async fn in_process(count: usize) -> Result<Self> {
        let mut network = Self::start()?;
        for number in 0..count {
            let identity = Identity::generate();
            let name = network.enroll(&format!("node-{number}"), identity.address().clone())?;
            let mut config = NodeConfig::new(network.folder.path().join(name.to_string()));
            config.trust = TrustSource::Fixed(vec![network.root.address()]);
            let dial = RootDial {
                address: network.root.address(),
                dialer: Arc::new(network.root.local_dialer()),
            };
            let node = Node::start(identity, config, vec![dial]).await?;
            network.in_process.push(node);
        }
        network.until_connected().await?;
        Ok(network)
    }

    /// One `jarvis-node` process that dials in over TCP.
    pub(crate) async fn process() -> Result<Self> {
        let mut network = Self::start()?;
        let listening = network.root.listen(([127, 0, 0, 1], 0).into()).await?;
        let root = network.root.address().to_string();
        let mut process = NodeProcess::new("web-1", &root, listening).await?;
        network.enroll("web-1", process.address().parse()?)?;
        process.start()?;
        network.process = Some(process);
        network.until_connected().await?;
        Ok(network)
    }

    fn enroll(&mut self, name: &str, address: Address) -> Result<NodeName> {
        let name: NodeName = name.parse()?;
        self.root
            .enroll(Enrolment::new(name.clone(), address.clone()));
        self.nodes.push((name.clone(), address));
        Ok(name)
    }

    async fn until_connected(&mut self) -> Result<()> {
        let mut missing = self.nodes.len();
        while missing > 0 {
            if matches!(self.event().await?, RootEvent::Connected { .. }) {
                missing -= 1;
            }
        }
        Ok(())
    }

    async fn event(&mut self) -> Result<RootEvent> {
        let event = timeout(LIMIT, self.events.recv()).await;
        event
            .context("nothing comes from the nodes")?
            .context("the root has stopped")
    }

    /// The folder of this network, for files of the root.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The node's process.
    pub(crate) fn node_process(&mut self) -> Result<&mut NodeProcess> {
        self.process
            .as_mut()
            .context("the nodes are in this process")
    }

    /// An order to a node, and its id.
    pub(crate) fn sign(&self, node: usize, body: order::Body) -> (String, SignedOrder) {
        let id = Uuid::now_v7().to_string();
        let now_ms = unix_ms();
        let spec = OrderSpec {
            id: id.clone(),
            issued_ms: now_ms,
            expires_ms: now_ms + 60_000,
            body,
        };
        (id, self.root.sign(&self.nodes[node].1, spec))
    }

    /// Signs and sends an order; its id.
    pub(crate) async fn send(&self, node: usize, body: order::Body) -> Result<String> {
        let (id, signed) = self.sign(node, body);
        self.root.send(&self.nodes[node].0, &signed).await?;
        Ok(id)
    }

    /// Waits for the ending of all of these orders.
    pub(crate) async fn ended(&mut self, mut orders: HashSet<String>) -> Result<Vec<Ended>> {
        let mut all = Vec::with_capacity(orders.len());
        while !orders.is_empty() {
            match self.event().await? {
                RootEvent::Ended { ended, .. } if orders.remove(&ended.order) => all.push(*ended),
                RootEvent::Refused { refused, .. } => bail!("refused: {refused:?}"),
                RootEvent::Disconnected { node, reason } => bail!("{node} went away: {reason}"),
                _ => {}
            }
        }
        Ok(all)
    }

    /// Tells the nodes that these endings are stored. They answer nothing.
    pub(crate) async fn acknowledge(&self, node: usize, ended: &Ended) -> Result<()> {
        let name = &self.nodes[node].0;
        Ok(self.root.acknowledge(name, &ended.order).await?)
    }

    /// Ends everything.
    pub(crate) async fn stop(mut self) -> Result<()> {
        futures::future::join_all(self.in_process.drain(..).map(NodeHandle::shutdown)).await;
        if let Some(process) = &mut self.process {
            process.kill().await?;
        }
        self.root.shutdown().await;
        Ok(())
    }
}

/// `echo hi`.
pub(crate) fn echo_hi() -> order::Body {
    order::Body::Run(RunJob {
        script: "echo hi".to_owned(),
        ..RunJob::default()
    })
}
