//! The console: `jarvis chat` against a brain elsewhere, and the one inside `jarvis up`.

use std::sync::Arc;

use anyhow::Context;
use jarvis_adapters::console::{Console, ConsoleOptions};
use jarvis_adapters::host;

use crate::adapter::reach;
use crate::cli;
use crate::config::Config;
use crate::data::DataDir;
use crate::lifecycle::{Outcome, STOP_LIMIT, Services, signals};

/// Runs a console until its input ends.
///
/// # Errors
/// The brain cannot be reached, or the terminal cannot be used.
pub(crate) async fn run(config: &Config, arguments: &cli::Chat) -> anyhow::Result<Outcome> {
    let signals = signals()?;
    let (brain, token) = reach(config, arguments.brain.as_deref())?;
    let mut options = options(&DataDir::at(&config.data), arguments.parallel);
    options.bot = bot(options.pipe.is_none());
    let console = Arc::new(Console::new(options).context("cannot use the terminal")?);
    let mut services = Services::new();
    services.start_foreground("console", STOP_LIMIT, |stop| async move {
        Ok(host::run(console, brain, token, stop).await?)
    });
    Ok(services.run(signals).await)
}

/// A console whose files are in `data`.
pub(crate) fn options(data: &DataDir, parallel: bool) -> ConsoleOptions {
    let mut options = ConsoleOptions::from_environment(data.downloads());
    options.history = data.path().is_dir().then(|| data.history());
    options.parallel = parallel;
    options
}

/// The session's name. A terminal finds what it missed; a script ends when all is done, and many may
/// run at the same time.
fn bot(is_terminal: bool) -> String {
    if is_terminal {
        "chat".to_owned()
    } else {
        format!("pipe-{}", std::process::id())
    }
}
