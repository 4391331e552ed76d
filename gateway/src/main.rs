//! The `jarvis` program: command line, configuration, wiring, start and stop.
//!
//! It decides nothing: what a message means is the brain's, how a platform speaks is the adapter's.
//! It may depend on every other crate.

mod adapter;
mod brain;
mod chat;
mod check;
mod cli;
mod config;
mod crash;
mod data;
mod identity;
mod keys;
mod legacy;
mod lifecycle;
mod logging;
mod platform;
mod redact;
mod up;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command, Global, KeysCommand, LegacyCommand};
use config::{Config, ConfigError, EXAMPLE, Level, Loaded, Sources};
use data::DataDir;
use lifecycle::Outcome;
use redact::Redactor;

/// Every message is many small values, made and dropped by several threads; the C library's allocator
/// takes a fifth of the processor time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let redactor = Redactor::default();
    match run(cli, &redactor) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("jarvis: {}", redactor.hide(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, redactor: &Redactor) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Version => {
            println!("jarvis {}", env!("CARGO_PKG_VERSION"));
            Ok(ExitCode::SUCCESS)
        }
        // Before anything that a strange file could make it write: logs, crash reports.
        Command::ReadFile { arguments } => {
            jarvis_brain::note::reader::read_file(&arguments);
            Ok(ExitCode::SUCCESS)
        }
        Command::Check(check) if check.example => {
            print!("{EXAMPLE}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Check(_) => run_check(&cli.global, redactor),
        Command::Keys(keys) => {
            let config = load(&cli.global, redactor)?.config;
            let text = match keys.command {
                None => keys::show(&config, false)?,
                Some(KeysCommand::Show { reveal }) => keys::show(&config, reveal)?,
                Some(KeysCommand::Rotate) => keys::rotate(&config)?,
                Some(KeysCommand::New { kind, bot, reveal }) => {
                    keys::new(&config, &kind, &bot, reveal)?
                }
            };
            print!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        Command::Legacy(legacy) => {
            let LegacyCommand::Import { file } = legacy.command;
            let imported = legacy::import(&file)?;
            print!("{}", imported.text);
            for note in imported.notes {
                eprintln!("note: {note}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Up(up) => {
            let chats = !up.no_console;
            serve(
                &cli.global,
                redactor,
                Threads::Cores,
                chats,
                async |config| up::run(config, &up).await,
            )
        }
        Command::Brain => serve(&cli.global, redactor, Threads::Cores, false, brain::run),
        Command::Adapter(adapter) if adapter.check => {
            check_adapter(&cli.global, redactor, &adapter)
        }
        Command::Adapter(adapter) => {
            serve(&cli.global, redactor, Threads::One, false, async |config| {
                adapter::run(config, &adapter).await
            })
        }
        Command::Chat(chat) => serve(&cli.global, redactor, Threads::One, true, async |config| {
            chat::run(config, &chat).await
        }),
    }
}

/// Runs a command that goes on until it is stopped. `chats` when a person may sit at this terminal.
fn serve(
    global: &Global,
    redactor: &Redactor,
    threads: Threads,
    chats: bool,
    run: impl AsyncFnOnce(&Config) -> anyhow::Result<Outcome>,
) -> anyhow::Result<ExitCode> {
    let config = load(global, redactor)?.config;
    let quiet = chats && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let level = if quiet { Level::Warn } else { Level::Info };
    logging::install(&config.log, level, redactor.clone())?;
    crash::install(DataDir::at(&config.data).crashes(), redactor.clone());
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider was there already");
    }
    let runtime = runtime(threads)?;
    let outcome = runtime.block_on(run(&config))?;
    // A thread that waits for standard input cannot be asked to stop.
    runtime.shutdown_background();
    match outcome {
        Outcome::Stopped => Ok(ExitCode::SUCCESS),
        Outcome::Aborted => Ok(ExitCode::from(lifecycle::ABORTED)),
        Outcome::Failed(error) => Err(error),
    }
}

fn run_check(global: &Global, redactor: &Redactor) -> anyhow::Result<ExitCode> {
    let mut report = check::Report::default();
    match load(global, redactor) {
        Ok(loaded) => {
            let source = loaded.file.map_or_else(
                || "defaults (no jarvis.toml)".to_owned(),
                |file| file.display().to_string(),
            );
            report.ok("configuration", source);
            runtime(Threads::One)?.block_on(check::run(&loaded.config, &mut report));
        }
        Err(error) => report.fail(
            "configuration",
            error.to_string(),
            "correct it; `jarvis check --example` prints every key",
        ),
    }
    print!("{}", redactor.hide(&report.table()));
    Ok(if report.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Asks a platform whether its adapter would work.
fn check_adapter(
    global: &Global,
    redactor: &Redactor,
    arguments: &cli::Adapter,
) -> anyhow::Result<ExitCode> {
    let config = load(global, redactor)?.config;
    // Why a platform cannot be reached is in the log.
    logging::install(&config.log, Level::Warn, redactor.clone())?;
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        tracing::debug!("a TLS provider was there already");
    }
    let mut report = check::Report::default();
    let runtime = runtime(Threads::One)?;
    runtime.block_on(check::adapter::run(&config, arguments, &mut report));
    runtime.shutdown_background();
    print!("{}", redactor.hide(&report.table()));
    Ok(if report.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The configuration of all layers; its secrets are hidden in logs from now on.
fn load(global: &Global, redactor: &Redactor) -> Result<Loaded, ConfigError> {
    let sources = Sources {
        file: global.config.clone(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        flags: global.as_keys(),
    };
    let loaded = sources.load()?;
    for secret in loaded.config.secrets() {
        redactor.register(&secret);
    }
    Ok(loaded)
}

/// On how many threads a command's tasks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// What only passes on: handing its many small tasks from thread to thread would cost more than
    /// they do.
    One,
    /// One for each core.
    Cores,
}

fn runtime(threads: Threads) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        Threads::One => tokio::runtime::Builder::new_current_thread(),
        Threads::Cores => tokio::runtime::Builder::new_multi_thread(),
    };
    Ok(builder.enable_all().build()?)
}
