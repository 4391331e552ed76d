//! The probation of a new program: a small process of the old program that brings it back when the new
//! one does not prove itself.
//!
//! One file in the order's folder decides, and it can be made only once: by the new program when it has
//! a session with its root, or by the guard when the new program has ended or its time is over. A guard
//! that is told to end (a service manager ends everything of a service whose main process has ended)
//! puts the old program back before it goes, and leaves starting it to whoever told it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use super::program::{self, Swap};
use crate::config::Program;
use crate::executor::{ProcessStat, signal_process};

/// Between two looks at the new program.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Between TERM and KILL for a new program that has failed.
const GRACE: Duration = Duration::from_secs(10);
/// How long a service manager is given to start the old program before the guard does it.
const MANAGER_LIMIT: Duration = Duration::from_secs(10);
/// What stands in the file when the new program has proven itself.
const CONFIRMED: &str = "confirmed";

/// The folder's order puts a new program on probation.
pub(super) fn begin(folder: &Path) -> io::Result<()> {
    fs::write(folder.join("probation"), "")
}

/// Whether the folder's order put a program on probation.
pub(super) fn is_probation(folder: &Path) -> bool {
    folder.join("probation").exists()
}

/// Why the new program was taken back, if it was.
pub(super) fn taken_back(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join("verdict"))
        .ok()
        .filter(|verdict| verdict != CONFIRMED)
}

/// The new program has proven itself. False when it is too late.
pub(super) fn confirm(folder: &Path) -> bool {
    decide(folder, CONFIRMED)
        || fs::read_to_string(folder.join("verdict")).is_ok_and(|verdict| verdict == CONFIRMED)
}

/// Writes the verdict, unless there is one. Whether this was the first.
pub(super) fn decide(folder: &Path, verdict: &str) -> bool {
    let file = folder.join(format!("verdict-{}", std::process::id()));
    let decided =
        fs::write(&file, verdict).and_then(|()| fs::hard_link(&file, folder.join("verdict")));
    let _ = fs::remove_file(&file);
    decided.is_ok()
}

/// Watches a new program of this node; made by the node itself.
#[derive(Debug, clap::Args)]
pub struct Guard {
    /// Folder of the update's order.
    #[arg(long)]
    folder: PathBuf,
    /// The program that is on probation.
    #[arg(long)]
    program: PathBuf,
    /// Its process.
    #[arg(long)]
    process: i32,
    /// How long it has, in milliseconds.
    #[arg(long)]
    limit: u64,
    /// This is the guard itself, and not who starts it.
    #[arg(long)]
    detached: bool,
    /// Arguments to start the old program with.
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

impl Guard {
    pub(super) fn new(program: &Program, swap: &Swap) -> Self {
        Self {
            folder: swap.folder.clone(),
            program: program.path.clone(),
            process: i32::try_from(std::process::id()).unwrap_or(i32::MAX),
            limit: u64::try_from(swap.limit.as_millis()).unwrap_or(u64::MAX),
            detached: false,
            arguments: program.arguments.clone(),
        }
    }

    /// Starts the guard, as a process of the old program that is nobody's child.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(super) fn start(&self) -> io::Result<()> {
        let status = self.command(false).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "no guard could be started: {status}"
            )))
        }
    }

    fn command(&self, detached: bool) -> Command {
        let mut command = Command::new(program::previous(&self.program));
        command
            .arg("guard")
            .arg("--folder")
            .arg(&self.folder)
            .arg("--program")
            .arg(&self.program)
            .args(["--process", &self.process.to_string()])
            .args(["--limit", &self.limit.to_string()]);
        if detached {
            command.arg("--detached");
        }
        command.arg("--").args(&self.arguments).stdin(Stdio::null());
        command
    }

    /// Runs the guard to its end. It becomes the old program when the new one has failed.
    ///
    /// # Errors
    ///
    /// When the old program cannot be brought back.
    pub fn run(self) -> io::Result<()> {
        if !self.detached {
            return self.command(true).spawn().map(drop);
        }
        // Nobody's hang-up is ours. An error means that it is so already.
        let _ = rustix::process::setsid();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let is_to_start = runtime.block_on(self.watch())?;
        drop(runtime);
        if is_to_start {
            tracing::warn!(program = %self.program.display(), "starting the old program");
            return Err(Command::new(&self.program).args(&self.arguments).exec());
        }
        Ok(())
    }

    /// Watches, and brings the old program back where it has to. Whether it is to be started from here.
    async fn watch(&self) -> io::Result<bool> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let begun = Instant::now();
        let limit = Duration::from_millis(self.limit);
        let Some(process) = ProcessStat::read(self.process) else {
            return Ok(false);
        };
        let mut is_told_to_end = false;
        let reason = loop {
            if self.folder.join("verdict").exists() {
                return Ok(false);
            }
            if !is_alive(process) {
                break format!(
                    "the new program ended after {:.1} s without having reached its root",
                    begun.elapsed().as_secs_f64()
                );
            }
            if is_told_to_end {
                break "the node was stopped before the new program had reached its root"
                    .to_owned();
            }
            if begun.elapsed() >= limit {
                break format!(
                    "the new program did not reach its root in {:.0} s",
                    limit.as_secs_f64()
                );
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = terminate.recv() => is_told_to_end = true,
                _ = interrupt.recv() => is_told_to_end = true,
            }
        };
        if !decide(&self.folder, &format!("{reason}; the old one is back")) {
            return Ok(false);
        }
        tracing::warn!(reason, "putting the old program back");
        program::put_back(&self.program)?;
        end(process).await;
        if is_told_to_end {
            return Ok(false);
        }
        if is_main_process_of_a_service(self.process) {
            // It is started by the service manager, which also ends this guard.
            tokio::select! {
                () = tokio::time::sleep(MANAGER_LIMIT) => {}
                _ = terminate.recv() => return Ok(false),
                _ = interrupt.recv() => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// The same process lives.
fn is_alive(process: ProcessStat) -> bool {
    ProcessStat::read(process.pid)
        .is_some_and(|now| now.start_ticks == process.start_ticks && !now.is_zombie)
}

async fn end(process: ProcessStat) {
    for (signal, limit) in [(Signal::TERM, GRACE), (Signal::KILL, GRACE)] {
        if !is_alive(process) {
            return;
        }
        signal_process(process.pid, signal);
        let deadline = Instant::now() + limit;
        while is_alive(process) && Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// systemd names the process that it started in the environment.
fn is_main_process_of_a_service(process: i32) -> bool {
    std::env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == process.to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_first_verdict_counts() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        assert_eq!(taken_back(here), None);
        assert!(decide(here, "too late"));
        assert!(!confirm(here));
        assert_eq!(taken_back(here).as_deref(), Some("too late"));
        let other = tempfile::tempdir().unwrap();
        assert!(confirm(other.path()) && confirm(other.path()));
        assert!(!decide(other.path(), "too late"));
        assert_eq!(taken_back(other.path()), None);
    }
}
