//! `jarvis brain`, and the brain inside `jarvis up`.

use std::path::Path;

use anyhow::Context;
use jarvis_brain::legacy::LegacyConfig;
use jarvis_brain::{
    AdapterToken, Brain, BrainConfig, Clock, JobLimits, NodeEntry, ServeTls, WatchConfig,
};
use jarvis_nodeclient::{KeyRing, LEGACY_DIAL};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::crash;
use crate::data::{DataDir, DataLock};
use crate::lifecycle::{Outcome, STOP_LIMIT, Services, signals, unless_stopped};

/// A brain that has its data folder to itself and listens where the configuration says.
pub(crate) struct Running {
    pub(crate) brain: Brain,
    _lock: DataLock,
}

/// Runs a brain until it is stopped.
///
/// # Errors
/// It cannot start.
pub(crate) async fn run(config: &Config) -> anyhow::Result<Outcome> {
    allow_many_nodes();
    let mut signals = signals()?;
    let Some(running) = unless_stopped(&mut signals, start(config, Vec::new())).await? else {
        return Ok(Outcome::Stopped);
    };
    print_claim_code(&running.brain).await?;
    let mut services = Services::new();
    running.supervise(&mut services);
    Ok(services.run(signals).await)
}

/// Every node is an open file, and the usual limit is about a thousand. Raises it as far as the system
/// allows; a brain runs no commands that would inherit it.
fn allow_many_nodes() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Starts a brain that knows `nodes` beside those of the configuration.
///
/// # Errors
/// The data folder is in use, a key or the database cannot be opened, an address is taken.
pub(crate) async fn start(config: &Config, nodes: Vec<NodeEntry>) -> anyhow::Result<Running> {
    let data = DataDir::at(&config.data);
    data.create()?;
    let lock = data.lock()?;
    let root = KeyRing::open_or_create(&data.root_key())?;
    let crashes = crash::untold(&data.crashes());
    let mut brain_config = configuration(config, &data);
    brain_config.nodes.extend(nodes);
    brain_config.notices.extend(crash::notice(&crashes));
    let brain = Brain::start(brain_config, root, Clock::system())
        .await
        .context("the brain cannot start")?;
    if let Err(error) = listen(&brain, config, &data).await {
        brain.shutdown().await;
        return Err(error);
    }
    crash::mark_told(&crashes);
    Ok(Running { brain, _lock: lock })
}

impl Running {
    /// Lets `services` stop the brain in its turn.
    pub(crate) fn supervise(&self, services: &mut Services) {
        let brain = self.brain.clone();
        services.start("brain", STOP_LIMIT, |stop| async move {
            stop.cancelled().await;
            brain.shutdown().await;
            Ok(())
        });
    }
}

/// Prints the one-time code with which the first owner may come from a chat app, if nobody owns this
/// Jarvis yet. To standard error, and past the logger: it is for the person at the server only.
///
/// # Errors
/// The database refuses to keep the code.
pub(crate) async fn print_claim_code(brain: &Brain) -> anyhow::Result<()> {
    let code = brain
        .claim_code()
        .await
        .context("cannot make a claim code")?;
    if let Some(code) = code {
        eprintln!(
            "Nobody owns this Jarvis in a chat app yet. To be its owner, send there: /claim {code}"
        );
    }
    Ok(())
}

fn configuration(config: &Config, data: &DataDir) -> BrainConfig {
    let mut brain = BrainConfig::new(data.path().to_owned());
    brain.database = match &config.brain.database {
        Some(database) => database.to_secret_string(),
        None => format!("sqlite:{}", data.database().display()).into(),
    };
    brain.adapters = config
        .brain
        .adapters
        .iter()
        .filter_map(|adapter| {
            Some(AdapterToken {
                kind: adapter.kind.clone(),
                bot: (!adapter.bot.is_empty()).then(|| adapter.bot.clone()),
                token: adapter.token.as_ref()?.to_secret_string(),
            })
        })
        .collect();
    brain.nodes = config
        .node
        .iter()
        .map(|node| NodeEntry {
            name: node.name.clone(),
            address: node.address.clone(),
            tags: node.tags.0.clone(),
            dial: match &node.legacy {
                Some(server) => Some(format!("{LEGACY_DIAL}{server}")),
                None => node.dial.clone(),
            },
        })
        .collect();
    brain.node_listen = config.nodes.listen.0;
    brain.node_public.clone_from(&config.nodes.public);
    brain.node_programs = std::env::current_exe()
        .ok()
        .and_then(|executable| jarvis_brain::program_of(&executable))
        .into_iter()
        .chain(config.nodes.programs.clone())
        .collect();
    brain.file_reader = std::env::current_exe().ok();
    brain.key_overlap = config.nodes.key_overlap;
    brain.legacy = config.legacy.listen.0.map(|listen| LegacyConfig {
        listen,
        server_address: config.legacy.address.clone().unwrap_or_default(),
        name: config.legacy.name.clone(),
        key_file: config.legacy.key_file.clone(),
    });
    brain.heartbeat = config.nodes.heartbeat;
    brain.watch = WatchConfig {
        away_after: config.watch.away_after,
        flapping_changes: config.watch.flapping_changes as usize,
        flapping_within: config.watch.flapping_within,
    };
    brain.too_old = config.brain.too_old;
    brain.messages_per_minute = config.brain.messages_per_minute;
    brain.attachment_limit = config.brain.attachment_limit;
    brain.jobs = JobLimits {
        keep: config.jobs.keep,
        most_open: config.jobs.most_open,
        most_waiting: config.jobs.most_waiting,
    };
    brain.files_quota = config.files.quota;
    brain.files_keep = config.files.keep;
    brain.translate = config.translate.to_brain();
    brain.secrets = config.secrets().into_iter().map(Into::into).collect();
    brain
}

async fn listen(brain: &Brain, config: &Config, data: &DataDir) -> anyhow::Result<()> {
    brain.serve_unix(&data.brain_socket(config)).await?;
    let Some(address) = config.brain.listen.0 else {
        return Ok(());
    };
    let tls = match (&config.brain.tls_certificate, &config.brain.tls_key) {
        (Some(certificate), Some(key)) => Some(ServeTls {
            certificate: read(certificate)?,
            key: read(key)?.into(),
        }),
        _ => None,
    };
    brain.serve_tcp(address, tls).await?;
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
