//! The scripts of an update: in a session of their own, with their output in files, so that they go on
//! when the node ends.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jarvis_nodeclient::Address;
use jarvis_proto::node::{Counts, Lost, RefusedReason, RunEnded, ended, run_ended};
use rustix::process::Signal;
use tokio::time::{Instant, sleep_until};

use super::{Swap, package};
use crate::core::Core;
use crate::executor::{
    Leader, ProcessStat, TAIL_BYTES, boot_id, command_line, end_session, needs_file, quote,
    signal_session, spawn_detached, variables, write_script,
};
use crate::journal::Started;
use crate::refusal::Refusal;

/// Bytes of the last lines that travel for people to read.
const SHOWN_TAIL: usize = 4 * 1024;
/// Lines are counted in so many bytes at most.
const MOST_COUNTED: u64 = 64 << 20;

/// One script of an update.
#[derive(Debug)]
pub(super) struct Step {
    name: &'static str,
    text: String,
}

impl Step {
    pub(super) fn new(name: &'static str, text: Option<&String>) -> Option<Self> {
        let text = text?.clone();
        Some(Self { name, text })
    }
}

/// The scripts of one order.
pub(super) struct Scripts<'a> {
    pub(super) core: &'a Core,
    pub(super) order: &'a str,
    pub(super) update: &'a jarvis_proto::node::Update,
    /// For all of them together.
    pub(super) limit: Duration,
}

impl Scripts<'_> {
    /// Runs the steps until one fails.
    ///
    /// # Errors
    ///
    /// The ending of the order.
    pub(super) async fn run(
        &self,
        steps: &[Step],
        _root: &Address,
    ) -> Result<Option<Swap>, ended::Outcome> {
        let failed = |refusal: Refusal| ended::Outcome::Failed(refusal.of(self.order));
        let deadline = Instant::now() + self.limit;
        let env = self.environment().await.map_err(failed)?;
        for step in steps {
            let began = self.start(step, &env).map_err(|error| {
                failed(Refusal::new(
                    RefusedReason::Io,
                    format!("the {} cannot be started: {error}", step.name),
                ))
            })?;
            self.watch(began, deadline).await?;
        }
        Ok(None)
    }

    async fn environment(&self) -> Result<HashMap<String, String>, Refusal> {
        let mut env = HashMap::from([
            ("JARVIS_NEW_VERSION".to_owned(), self.update.version.clone()),
            (
                "JARVIS_OLD_VERSION".to_owned(),
                self.core.config.current_version(),
            ),
        ]);
        if let Some(path) = package::find(self.core, &self.update.package)? {
            let folder = self.core.folder(self.order).join("package");
            let unpacked = package::open(&path, &self.update.package_blake3, &folder).await?;
            if unpacked.is_some() {
                env.insert("JARVIS_PACKAGE_DIR".to_owned(), text(&folder));
            }
            env.insert("JARVIS_PACKAGE".to_owned(), text(&path));
        }
        Ok(env)
    }

    fn start(&self, step: &Step, env: &HashMap<String, String>) -> io::Result<Leader> {
        let config = &self.core.config;
        let folder = self.core.folder(self.order);
        fs::create_dir_all(&folder)?;
        let script = step
            .text
            .replace("{NewVersion}", &word(&self.update.version));
        let file = needs_file(&script).then(|| folder.join("script"));
        if let Some(file) = &file {
            write_script(file, &script)?;
        }
        let exit = exit_file(&folder);
        match fs::remove_file(&exit) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The exit code goes into a file: this node may not be there any more to take it.
        let keep_code = r#""$@"; code=$?; echo "$code" > "$0.new" && mv -f "$0.new" "$0""#;
        let mut argv = vec![
            config.shell.clone(),
            "-c".to_owned(),
            keep_code.to_owned(),
            text(&exit),
        ];
        argv.extend(command_line(
            &config.shell,
            &script,
            &[],
            step.name,
            &config.work,
            file.as_deref(),
        ));
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| append(&folder.join(name)));
        let pid = spawn_detached(&argv, variables(self.order, env), &stdout?, &stderr?)?;
        if let Some(process) = ProcessStat::read(pid) {
            let started = Started {
                pid,
                start_ticks: process.start_ticks,
                boot_id: boot_id(),
            };
            self.core.ledger.started(self.order, started)?;
        }
        tracing::info!(order = self.order, pid, script = step.name, "started");
        Leader::watch(pid)
    }

    /// Waits for the end of a script, at most until `deadline`. Dropping this leaves it running.
    async fn watch(&self, mut leader: Leader, deadline: Instant) -> Result<(), ended::Outcome> {
        let folder = self.core.folder(self.order);
        let timed_out = tokio::select! {
            () = leader.exited() => false,
            () = sleep_until(deadline) => true,
        };
        if timed_out {
            let session = leader.id();
            let grace = Instant::now() + self.core.config.stop_grace;
            signal_session(session, Signal::TERM).await;
            tokio::select! {
                () = leader.exited() => {}
                () = sleep_until(grace) => {}
            }
            signal_session(session, Signal::KILL).await;
            end_session(session, Instant::now()).await;
            leader.exited().await;
        }
        let _ = leader.reap();
        let outcome = outcome(&folder, timed_out);
        match &outcome {
            ended::Outcome::Run(run)
                if run.how == Some(run_ended::How::ExitCode(0)) && !timed_out =>
            {
                Ok(())
            }
            _ => Err(outcome),
        }
    }
}

/// How the script of an order came out, from what it left in its folder.
pub(super) fn outcome(folder: &Path, timed_out: bool) -> ended::Outcome {
    let code = fs::read_to_string(exit_file(folder)).ok();
    let code = code.and_then(|code| code.trim().parse::<i32>().ok());
    let how = match code {
        Some(code) if code > 128 => run_ended::How::Signal(code - 128),
        Some(code) => run_ended::How::ExitCode(code),
        None if timed_out => run_ended::How::Signal(Signal::KILL.as_raw()),
        None => {
            let detail = "the script was killed before its end".to_owned();
            return ended::Outcome::Lost(Lost { detail });
        }
    };
    let [out, err] = ["stdout", "stderr"].map(|name| Stream::read(&folder.join(name)));
    let mut tail = String::new();
    for stream in [&out, &err] {
        let end = stream.tail.len().saturating_sub(SHOWN_TAIL / 2);
        tail.push_str(&String::from_utf8_lossy(&stream.tail[end..]));
        if !tail.is_empty() && !tail.ends_with('\n') {
            tail.push('\n');
        }
    }
    ended::Outcome::Run(RunEnded {
        how: Some(how),
        timed_out,
        counts: Some(Counts {
            stdout_bytes: out.bytes,
            stdout_lines: out.lines,
            stderr_bytes: err.bytes,
            stderr_lines: err.lines,
        }),
        stdout_tail: out.tail.into(),
        stderr_tail: err.tail.into(),
        tail,
        ..RunEnded::default()
    })
}

/// Whether a script was begun for the order of this folder.
pub(super) fn was_begun(folder: &Path) -> bool {
    folder.join("stdout").exists()
}

/// Whether the script of the order of this folder has said its exit code.
pub(super) fn has_ended(folder: &Path) -> bool {
    exit_file(folder).exists()
}

fn exit_file(folder: &Path) -> PathBuf {
    folder.join("exit")
}

/// `version` as one word of a POSIX shell, without quotes where it needs none, so that it may also stand
/// inside double quotes.
fn word(version: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._+:-".contains(c);
    if !version.is_empty() && version.chars().all(is_plain) {
        version.to_owned()
    } else {
        quote(version)
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn append(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// What is in an output file.
#[derive(Default)]
struct Stream {
    bytes: u64,
    lines: u64,
    tail: Vec<u8>,
}

impl Stream {
    fn read(path: &Path) -> Self {
        Self::try_read(path).unwrap_or_default()
    }

    fn try_read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut lines = 0;
        let mut buffer = vec![0; 64 * 1024];
        let mut counted = (&file).take(MOST_COUNTED);
        loop {
            let read = counted.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES as u64)))?;
        let mut tail = Vec::new();
        file.take(TAIL_BYTES as u64).read_to_end(&mut tail)?;
        lines += u64::from(tail.last().is_some_and(|last| *last != b'\n'));
        Ok(Self { bytes, lines, tail })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_word_of_a_shell() {
        assert_eq!(word("0.1.2-rc+1"), "0.1.2-rc+1");
        assert_eq!(word("1; rm -rf ~"), "'1; rm -rf ~'");
        assert_eq!(word("~"), "'~'");
    }

    #[test]
    fn the_outcome_is_what_the_script_left() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        assert!(matches!(outcome(here, false), ended::Outcome::Lost(_)));
        fs::write(here.join("stdout"), "one\n").unwrap();
        fs::write(here.join("stderr"), "no space left").unwrap();
        fs::write(exit_file(here), "1\n").unwrap();
        let ended::Outcome::Run(run) = outcome(here, false) else {
            panic!("it ended");
        };
        assert_eq!(run.how, Some(run_ended::How::ExitCode(1)));
        assert_eq!(run.tail, "one\nno space left\n");
        assert_eq!(run.counts.unwrap().stderr_lines, 1);
        fs::write(exit_file(here), "143\n").unwrap();
        let ended::Outcome::Run(run) = outcome(here, false) else {
            panic!("it ended");
        };
        assert_eq!(run.how, Some(run_ended::How::Signal(15)));
    }
}
