//! The `jarvis-node` program: command line, logging, signals.

mod cli;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use jarvis_node::{ConfigFile, Node, RootDial};
use jarvis_nodeclient::{KeyRing, TcpDialer};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    // Wrong arguments end the program here with exit code 2.
    let result = match Cli::parse().command {
        Command::Init(init) => init.run().map(|said| print!("{said}")).map_err(Into::into),
        Command::Run { config } => run(&config),
        Command::Join(join) => block_on(async { Ok(join.run().await?) }).map(|said| print!("{said}")),
        Command::Leave(leave) => {
            block_on(async { Ok(leave.run().await?) }).map(|said| print!("{said}"))
        }
        Command::Version => {
            println!("jarvis-node {}", env!("CARGO_PKG_VERSION"));
            Ok(())
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

fn run(path: &Path) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("JARVIS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let config = ConfigFile::load(path)?;
    let keys = KeyRing::open(&config.key)?;
    block_on(serve(keys, config))
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    // One thread serves a node: less memory, and an order never waits for another core to wake up.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(work)
}

async fn serve(keys: KeyRing, config: ConfigFile) -> anyhow::Result<()> {
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
    tracing::info!(address = %node.address(), version = env!("CARGO_PKG_VERSION"), "node ready");
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {}
        }
    }
    tracing::info!("stopping");
    tokio::select! {
        () = node.shutdown() => Ok(()),
        _ = terminate.recv() => anyhow::bail!("a second signal aborted the stop"),
        _ = interrupt.recv() => anyhow::bail!("a second signal aborted the stop"),
    }
}
