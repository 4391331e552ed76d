//! Runs one job: a script as the leader of its own session, with a time limit, its output counted and
//! kept, and nothing of it left over when it was stopped.
//!
//! * Cancelling and the time limit send TERM to the process group and to every other process of the
//!   session, and KILL to what is left after the grace.
//! * When the script itself has ended, its background children live on only if they have let go of its
//!   output (`nohup server >/dev/null 2>&1 &`). One that still holds it is given a moment, and then the
//!   session is killed: nobody could tell any more to whom its output belongs.
//! * A process that made a session of its own (`setsid`, a service manager) is no longer the job's.

mod leader;
mod output;
mod results;
mod session;
mod spawn;
mod tail;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use jarvis_proto::node::{Counts, RunEnded, run_ended};
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use self::spawn::{Spawned, spawn_session};
use crate::places::Places;

pub(crate) use self::leader::{ExitStatus, Leader};
pub(crate) use self::output::TAIL_BYTES;
pub(crate) use self::session::{end_session, signal_session};
pub(crate) use self::spawn::{command_line, needs_file, quote, spawn_detached, write_script};

pub(crate) use self::output::StreamLog;
pub(crate) use self::session::{ProcessStat, boot_id, carries_order, members, signal_process};
pub(crate) use self::tail::CombinedTail;

/// The environment variable that carries the order's id into a job.
pub(crate) const ORDER_VARIABLE: &str = "JARVIS_ORDER";
/// Variables of this program are its configuration, secrets among it, and not for jobs.
const OWN_VARIABLES: &[u8] = b"JARVIS_";
/// How long background children of an ended script may hold on to its output.
const LET_GO: Duration = Duration::from_millis(500);
/// How long the pipes are read after everybody was killed.
const LAST_READ: Duration = Duration::from_secs(2);
/// How often a job may report progress, and how often it does so when nothing has changed.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
const PROGRESS_ANYWAY: u32 = 5;
const PROGRESS_TAIL: usize = 2 * 1024;
/// Most bytes of both streams' end that travel with an ending.
pub(crate) const ENDED_TAIL: usize = 4 * 1024;
const READ_BYTES: usize = 32 * 1024;
/// Longest wait that is still a time limit; beyond it there is none.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A job to run. Paths in it are final: the caller has checked them.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// The order's id.
    pub(crate) order: String,
    pub(crate) script: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: HashMap<String, String>,
    /// Absolute working directory.
    pub(crate) cwd: PathBuf,
    pub(crate) stdin: Bytes,
    pub(crate) timeout: Duration,
    pub(crate) result_globs: Vec<String>,
    /// A name for process lists, may be empty.
    pub(crate) name: String,
    /// The shell that runs scripts without a `#!` line.
    pub(crate) shell: String,
    /// Between TERM and KILL when the time limit is reached.
    pub(crate) grace: Duration,
    /// Where the job's output is kept; made when needed.
    pub(crate) folder: PathBuf,
    /// Most bytes kept of each stream.
    pub(crate) output_limit: u64,
    /// More bytes on standard output than this end the job, and its output is kept in files however
    /// short it is; `None` = neither.
    pub(crate) most_output: Option<u64>,
}

/// Something to tell about a running job.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// It runs; which process leads its session.
    Started(ProcessStat),
    /// What it has done so far.
    Progress {
        elapsed: Duration,
        counts: Counts,
        tail: String,
    },
}

/// A request to stop: how long after TERM comes KILL.
pub(crate) type Stop = watch::Receiver<Option<Duration>>;

/// Runs `task` to its end, whatever happens; asked to `stop`, it ends soon and says so.
///
/// Not cancel-safe: dropping the future leaves the processes running.
pub(crate) async fn run(
    task: &Task,
    places: &Places,
    mut stop: Stop,
    tell: impl Fn(Event),
) -> RunEnded {
    let begun = Instant::now();
    let (spawned, mut leader) = match start(task) {
        Ok(started) => started,
        Err(reason) => return not_started(reason),
    };
    let session = spawned.pid;
    if let Some(process) = ProcessStat::read(session) {
        tell(Event::Started(process));
    }
    let mut streams = match Streams::open(task, spawned) {
        Ok(streams) => streams,
        Err(error) => {
            signal_session(session, Signal::KILL).await;
            leader.exited().await;
            let _ = leader.reap();
            return not_started(format!("its output cannot be read: {error}"));
        }
    };

    let mut phase = Phase::Running;
    let mut deadline = begun + task.timeout.min(LONGEST_TIMEOUT);
    let mut has_exited = false;
    let mut timed_out = false;
    let mut cancelled = false;
    let mut ticks = interval_at(begun + PROGRESS_EVERY, PROGRESS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Told::default();

    while !(has_exited && streams.are_closed()) {
        tokio::select! {
            stream = streams.readable() => {
                streams.read(stream).await;
                let written = streams.logs[0].bytes();
                if phase == Phase::Running && task.most_output.is_some_and(|most| written > most) {
                    phase = Phase::Stopping;
                    deadline = Instant::now() + task.grace;
                    ask_to_end(session).await;
                }
            }
            () = leader.exited(), if !has_exited => {
                has_exited = true;
                if phase == Phase::Running {
                    phase = Phase::LettingGo;
                    deadline = Instant::now() + LET_GO;
                }
            }
            grace = stop_asked(&mut stop), if phase == Phase::Running => {
                cancelled = true;
                phase = Phase::Stopping;
                deadline = Instant::now() + grace;
                ask_to_end(session).await;
            }
            () = sleep_until(deadline) => match phase {
                Phase::Running => {
                    timed_out = true;
                    phase = Phase::Stopping;
                    deadline = Instant::now() + task.grace;
                    ask_to_end(session).await;
                }
                Phase::Stopping | Phase::LettingGo => {
                    phase = if phase == Phase::Stopping { Phase::Killed } else { Phase::Cut };
                    deadline = Instant::now() + LAST_READ;
                    signal_session(session, Signal::KILL).await;
                }
                // Only a process outside of the session can still hold the pipes.
                Phase::Killed | Phase::Cut if has_exited => break,
                Phase::Killed | Phase::Cut => {
                    deadline = Instant::now() + LAST_READ;
                    signal_session(session, Signal::KILL).await;
                }
            },
            _ = ticks.tick() => {
                streams.store();
                let counts = streams.counts();
                if told.is_news(&counts) {
                    let tail = streams.combined.text(PROGRESS_TAIL);
                    tell(Event::Progress { elapsed: begun.elapsed(), counts, tail });
                }
            }
        }
    }

    if matches!(phase, Phase::Stopping | Phase::Killed | Phase::Cut) {
        end_session(session, deadline).await;
    }
    if task.most_output.is_some() {
        streams.store();
    }
    streams.finish();
    let how = match leader.reap() {
        Ok(ExitStatus::Code(code)) => run_ended::How::ExitCode(code),
        Ok(ExitStatus::Signal(signal)) => run_ended::How::Signal(signal),
        Err(error) => run_ended::How::NotStarted(format!("its exit status is not known: {error}")),
    };
    let (files, mut file_notes) = results::collect(&task.result_globs, &task.cwd, places).await;
    file_notes.extend(
        streams
            .logs
            .iter()
            .filter_map(|log| log.trouble().map(str::to_owned)),
    );
    RunEnded {
        how: Some(how),
        timed_out,
        cancelled,
        counts: Some(streams.counts()),
        stdout_tail: streams.logs[0].tail().into(),
        stderr_tail: streams.logs[1].tail().into(),
        tail: streams.combined.text(ENDED_TAIL),
        output_truncated: streams.logs.iter().any(StreamLog::is_truncated),
        files,
        file_notes,
    }
}

/// What the deadline of a running job means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The time limit.
    Running,
    /// The script has ended by itself; others may hold its output a moment longer.
    LettingGo,
    /// TERM was sent; KILL follows.
    Stopping,
    /// KILL was sent after `Stopping`.
    Killed,
    /// KILL was sent after `LettingGo`.
    Cut,
}

/// Which counts were told last, and how long ago.
#[derive(Default)]
struct Told {
    counts: Option<Counts>,
    silent_ticks: u32,
}

impl Told {
    fn is_news(&mut self, counts: &Counts) -> bool {
        self.silent_ticks += 1;
        let is_news = self.counts.as_ref() != Some(counts) || self.silent_ticks >= PROGRESS_ANYWAY;
        if is_news {
            self.counts = Some(*counts);
            self.silent_ticks = 0;
        }
        is_news
    }
}

/// Waits until somebody asks to stop; for ever if nobody can any more.
async fn stop_asked(stop: &mut Stop) -> Duration {
    let asked = stop.wait_for(Option::is_some).await.map(|grace| *grace);
    match asked {
        Ok(grace) => grace.unwrap_or_default(),
        Err(_) => std::future::pending().await,
    }
}

/// TERM, and CONT for what was stopped and could not hear it.
async fn ask_to_end(session: i32) {
    signal_session(session, Signal::TERM).await;
    signal_session(session, Signal::CONT).await;
}

fn not_started(reason: String) -> RunEnded {
    RunEnded {
        how: Some(run_ended::How::NotStarted(reason)),
        counts: Some(Counts::default()),
        ..RunEnded::default()
    }
}

fn start(task: &Task) -> Result<(Spawned, Leader), String> {
    let cwd = task.cwd.display();
    match task.cwd.metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(format!("{cwd} is not a directory")),
        Err(error) => return Err(format!("no working directory {cwd}: {error}")),
    }
    let file = needs_file(&task.script).then(|| task.folder.join("script"));
    if let Some(file) = &file {
        std::fs::create_dir_all(&task.folder)
            .and_then(|()| write_script(file, &task.script))
            .map_err(|error| format!("the script cannot be written: {error}"))?;
    }
    let argv = command_line(
        &task.shell,
        &task.script,
        &task.args,
        &task.name,
        &task.cwd,
        file.as_deref(),
    );
    let spawned = spawn_session(&argv, environment(task), !task.stdin.is_empty())
        .map_err(|error| format!("{} cannot be started: {error}", task.shell))?;
    match Leader::watch(spawned.pid) {
        Ok(leader) => Ok((spawned, leader)),
        Err(error) => {
            session::signal_process(spawned.pid, Signal::KILL);
            Err(format!("its process cannot be watched: {error}"))
        }
    }
}

fn environment(task: &Task) -> impl Iterator<Item = (OsString, OsString)> {
    variables(&task.order, &task.env)
}

/// This process's environment without its own configuration, then `given`, then the order's id.
pub(crate) fn variables(
    order: &str,
    given: &HashMap<String, String>,
) -> impl Iterator<Item = (OsString, OsString)> {
    let inherited = std::env::vars_os().filter(|(name, _)| {
        !name.as_encoded_bytes().starts_with(OWN_VARIABLES)
            && !name.to_str().is_some_and(|name| given.contains_key(name))
    });
    let order = [(OsString::from(ORDER_VARIABLE), OsString::from(order))];
    let given = given
        .iter()
        .filter(|(name, _)| OsStr::new(name) != ORDER_VARIABLE)
        .map(|(name, value)| (name.into(), value.into()));
    inherited.chain(given).chain(order)
}

/// Our ends of a job's three streams, and what came over two of them.
struct Streams {
    pipes: [Option<pipe::Receiver>; 2],
    logs: [StreamLog; 2],
    combined: CombinedTail,
    buffer: Vec<u8>,
    writer: Option<tokio::task::JoinHandle<()>>,
}

impl Streams {
    fn open(task: &Task, spawned: Spawned) -> io::Result<Self> {
        let log = |name| StreamLog::new(task.folder.join(name), task.output_limit);
        let writer = spawned
            .stdin
            .map(|stdin| feed(stdin, task.stdin.clone()))
            .transpose()?;
        Ok(Self {
            pipes: [
                Some(pipe::Receiver::from_owned_fd(spawned.stdout)?),
                Some(pipe::Receiver::from_owned_fd(spawned.stderr)?),
            ],
            logs: [log("stdout"), log("stderr")],
            combined: CombinedTail::new(ENDED_TAIL),
            buffer: vec![0; READ_BYTES],
            writer,
        })
    }

    fn are_closed(&self) -> bool {
        self.pipes.iter().all(Option::is_none)
    }

    /// Waits until a stream has something to read, or its end; for ever when both are closed.
    async fn readable(&self) -> usize {
        let [stdout, stderr] = &self.pipes;
        tokio::select! {
            () = readable(stdout.as_ref()) => 0,
            () = readable(stderr.as_ref()) => 1,
        }
    }

    /// Reads once from a stream and keeps what came. Not cancel-safe.
    async fn read(&mut self, index: usize) {
        let Some(pipe) = &self.pipes[index] else {
            return;
        };
        match pipe.try_read(&mut self.buffer) {
            Ok(0) => self.pipes[index] = None,
            Ok(length) => {
                let chunk = &self.buffer[..length];
                self.combined.push(index, chunk);
                self.logs[index].push(chunk).await;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.pipes[index] = None,
        }
    }

    fn counts(&self) -> Counts {
        let [stdout, stderr] = &self.logs;
        Counts {
            stdout_bytes: stdout.bytes(),
            stdout_lines: stdout.lines(),
            stderr_bytes: stderr.bytes(),
            stderr_lines: stderr.lines(),
        }
    }

    fn store(&mut self) {
        self.logs.iter_mut().for_each(StreamLog::store);
    }

    fn finish(&mut self) {
        self.logs.iter_mut().for_each(StreamLog::finish);
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.abort();
        }
    }
}

async fn readable(pipe: Option<&pipe::Receiver>) {
    match pipe {
        Some(pipe) => {
            // An error shows again at the read that follows.
            let _ = pipe.readable().await;
        }
        None => std::future::pending().await,
    }
}

/// Writes `bytes` to a process's standard input and closes it. The process need not read them.
fn feed(stdin: OwnedFd, bytes: Bytes) -> io::Result<tokio::task::JoinHandle<()>> {
    let mut sender = pipe::Sender::from_owned_fd(stdin)?;
    Ok(tokio::spawn(async move {
        let _ = sender.write_all(&bytes).await;
    }))
}

#[cfg(test)]
mod tests;
