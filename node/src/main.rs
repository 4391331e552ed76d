//! The `jarvis-node` program: command line, logging, signals.

mod cli;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use jarvis_node::{ConfigFile, Node, Program, Restart, RootDial};
use jarvis_nodeclient::{KeyRing, TcpDialer};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};

/// The version of this program. Packagers may set another one than the source's, at build time.
pub(crate) const VERSION: &str = match option_env!("JARVIS_NODE_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

fn main() -> ExitCode {
    // Wrong arguments end the program here with exit code 2.
    let result = match Cli::parse().command {
        Command::Init(init) => init.run().map(|said| print!("{said}")).map_err(Into::into),
        Command::Run { config } => run(&config),
        Command::Join(join) => {
            block_on(async { Ok(join.run().await?) }).map(|said| print!("{said}"))
        }
        Command::Leave(leave) => {
            block_on(async { Ok(leave.run().await?) }).map(|said| print!("{said}"))
        }
        Command::Version => {
            println!("jarvis-node {VERSION}");
            Ok(())
        }
        Command::Guard(guard) => {
            log();
            guard.run().map_err(Into::into)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jarvis-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log() {
    let filter = EnvFilter::try_from_env("JARVIS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

fn run(path: &Path) -> anyhow::Result<()> {
    log();
    let mut config = ConfigFile::load(path)?;
    // Before anything can put another file into its place.
    config.node.program = Some(Program {
        path: std::env::current_exe().context("cannot find this program")?,
        arguments: std::env::args_os().skip(1).collect(),
        version: VERSION.to_owned(),
    });
    if !config.has_version {
        VERSION.clone_into(&mut config.node.version);
    }
    let keys = KeyRing::open(&config.key)?;
    match block_on(serve(keys, config))? {
        Some(restart) => Err(restart.carry_out()).context("the program cannot be started again"),
        None => Ok(()),
    }
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    // One thread serves a node: less memory, and an order never waits for another core to wake up.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(work)
}

/// Serves until it is told to stop, or to start again.
async fn serve(keys: KeyRing, config: ConfigFile) -> anyhow::Result<Option<Restart>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // The trust list is read again whenever its file has changed, so this signal asks for nothing more;
    // without a handler it would end the program.
    let mut hangup = signal(SignalKind::hangup())?;
    if config.roots.is_empty() && config.node.listen.is_none() {
        tracing::warn!(
            "the configuration names neither a [[root]] nor `listen`: nobody can reach this node"
        );
    }
    let roots = config.roots.into_iter().map(|root| RootDial {
        address: root.address,
        dialer: Arc::new(TcpDialer::new(root.connect)),
    });
    let node = Node::start(keys, config.node, roots.collect()).await?;
    tracing::info!(address = %node.address(), version = VERSION, "node ready");
    let restart = loop {
        tokio::select! {
            _ = terminate.recv() => break None,
            _ = interrupt.recv() => break None,
            _ = hangup.recv() => {}
            restart = node.restart_asked() => break Some(restart),
        }
    };
    tracing::info!(to_start_again = restart.is_some(), "stopping");
    tokio::select! {
        () = node.shutdown() => Ok(restart),
        _ = terminate.recv() => anyhow::bail!("a second signal aborted the stop"),
        _ = interrupt.recv() => anyhow::bail!("a second signal aborted the stop"),
    }
}
