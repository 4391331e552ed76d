//! `jarvis up`: brain, the node `local`, the console and the chat platforms in one process.
//!
//! They speak over the same contracts as in many processes, on connections in memory.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jarvis_adapters::console::Console;
use jarvis_adapters::host;
use jarvis_brain::{Brain, NodeEntry};
use jarvis_node::config::{NodeConfig, TrustSource};
use jarvis_node::{Node, NodeHandle, RootDial};
use jarvis_nodeclient::{Identity, NodeName};

use crate::brain;
use crate::chat;
use crate::cli;
use crate::config::{Config, LocalNode};
use crate::data::{self, DataDir};
use crate::identity;
use crate::lifecycle::{Outcome, STOP_LIMIT, Services, signals, unless_stopped};
use crate::platform;

/// How long the local node may take to connect before the chat begins without it.
const FIRST_SESSION: Duration = Duration::from_secs(5);
/// How often the brain is asked whether it sees the local node. Its events belong to the brain.
const GLANCE: Duration = Duration::from_millis(2);

/// Runs everything until the console's input ends, or until it is stopped.
///
/// # Errors
/// A part cannot start.
pub(crate) async fn run(config: &Config, arguments: &cli::Up) -> anyhow::Result<Outcome> {
    let mut signals = signals()?;
    let data = DataDir::at(&config.data);
    data.create()?;
    let local = &config.local_node;
    let node_key = local.enabled.then(|| node_key(&data)).transpose()?;
    let entry = node_key.as_ref().map(|key| NodeEntry {
        name: local.name.clone(),
        address: key.address().to_string(),
        tags: local.tags.0.clone(),
        dial: None,
    });
    let start = brain::start(config, entry.into_iter().collect());
    let Some(running) = unless_stopped(&mut signals, start).await? else {
        return Ok(Outcome::Stopped);
    };

    // Stopped in the opposite order: adapters, node, brain.
    let mut services = Services::new();
    running.supervise(&mut services);
    if let Some(key) = node_key {
        let node = start_node(key, local, &data, &running.brain).await?;
        services.start("local node", STOP_LIMIT, |stop| async move {
            stop.cancelled().await;
            node.shutdown().await;
            Ok(())
        });
        until_online(&running.brain, &local.name).await;
    }
    let mut chats = false;
    for kind in cli::AdapterKind::ALL {
        let connection = connection(&running.brain);
        chats |= platform::start(config, kind, connection, &mut services)?;
    }
    if chats {
        brain::print_claim_code(&running.brain).await?;
    }
    if !arguments.no_console {
        let options = chat::options(&data, arguments.parallel);
        let console = Arc::new(Console::new(options).context("cannot use the terminal")?);
        let connection = connection(&running.brain);
        services.start_foreground("console", STOP_LIMIT, |stop| async move {
            Ok(host::run(console, connection, None, stop).await?)
        });
    }
    Ok(services.run(signals).await)
}

/// Waits until the brain sees the local node, so that the first command finds it.
async fn until_online(brain: &Brain, name: &str) {
    let Ok(name) = name.parse::<NodeName>() else {
        return;
    };
    let online = async {
        while !brain.root().node(&name).is_some_and(|node| node.online) {
            tokio::time::sleep(GLANCE).await;
        }
    };
    if tokio::time::timeout(FIRST_SESSION, online).await.is_err() {
        tracing::warn!(node.name = %name, "the local node is not connected yet");
    }
}

/// A way to the brain in this process.
fn connection(brain: &Brain) -> host::Brain {
    let (way, connections) = host::Brain::in_memory();
    brain.serve_streams(connections);
    way
}

fn node_key(data: &DataDir) -> anyhow::Result<Identity> {
    let folder = data.local_node();
    data::make_private(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(identity::open(&folder.join("key"))?)
}

/// Starts the node inside this process; it trusts this brain for ever.
async fn start_node(
    key: Identity,
    local: &LocalNode,
    data: &DataDir,
    brain: &Brain,
) -> anyhow::Result<NodeHandle> {
    let root = brain.root().address();
    let mut config = NodeConfig::new(data.local_node());
    config.name = Some(local.name.clone());
    config.trust = TrustSource::Fixed(vec![root.clone()]);
    config.allow = local.allow.clone();
    let dial = RootDial {
        address: root,
        dialer: Arc::new(brain.local_dialer()),
    };
    Node::start(key, config, vec![dial])
        .await
        .context("the local node cannot start")
}
