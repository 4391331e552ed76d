//! A job on a legacy node.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::node::{Lost, Progress, RefusedReason, RunEnded, RunJob, ended, run_ended};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::ask::{Fault, refusal};
use super::wrapper::{self, Wrapped, folder, read_beat, read_status};
use super::{Bridge, Outcome};
use crate::clock::unix_ms;
use crate::legacy::chunk::Assembly;
use crate::legacy::{Outgoing, Reply, message};

/// Between TERM and KILL, in seconds.
const GRACE_S: u64 = 5;
/// A job whose beat stands still for so long has died with all that watched it.
const STILL: Duration = Duration::from_secs(60);

/// Sends a job, and follows it to its end.
pub(super) async fn run(bridge: &Arc<Bridge>, order: &str, job: RunJob) -> Outcome {
    let malformed = |detail: &str| Outcome::refused(RefusedReason::Malformed, detail);
    if job.script.trim().is_empty() {
        return malformed("the script is empty");
    }
    if job.script.contains('\0') || job.args.iter().any(|argument| argument.contains('\0')) {
        return malformed("script and arguments cannot hold a NUL byte");
    }
    let name = match job.name.as_str() {
        "" => "jarvis".to_owned(),
        name => name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .take(40)
            .collect(),
    };
    let draft = match wrapper::wrap(order, &job, GRACE_S) {
        Wrapped::Inline(script) => {
            message::script_with_results(&name, script, wrapper::results(order))
        }
        Wrapped::Sources(sources, script) => message::script_with_sources(&name, script, sources),
    };
    let mut replies = bridge.asked.send(Outgoing::message(draft));
    let mut beats = Beats::new(bridge, order);
    let mut ticks = interval_at(Instant::now() + bridge.beat, bridge.beat);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut files = Files::default();
    let mut said = String::new();
    loop {
        tokio::select! {
            reply = replies.next() => match reply {
                Some(Reply::Got) => bridge.accepted(order).await,
                Some(Reply::Message(message)) => {
                    if let Some(text) = refusal(&message) {
                        let fault = Fault::Said(text);
                        return Outcome::refused(fault.reason(), &fault.to_string());
                    }
                    match message.data {
                        Some(Data::CtrlResult(result)) if !result.err_info.is_empty() => {
                            said = result.err_info;
                        }
                        Some(Data::File(piece)) => files.take(&piece),
                        _ => {}
                    }
                }
                Some(Reply::Done) => {
                    bridge.accepted(order).await;
                    if let Some(outcome) = files.outcome() {
                        return outcome;
                    }
                    break;
                }
                Some(Reply::Failed(error)) => {
                    said = error.to_string();
                    break;
                }
                // Perhaps only our address is too short: the job's own files tell.
                Some(Reply::Removed) => break,
                None => break,
            },
            _ = ticks.tick() => {
                if let Some(outcome) = beats.look(true).await {
                    return outcome;
                }
            }
        }
    }
    drop(replies);
    settle(bridge, order, &mut beats, &said).await
}

/// What became of a job that nobody here follows any more; `None` when the node never saw it.
pub(super) async fn recover(bridge: &Arc<Bridge>, order: &str) -> Option<Outcome> {
    let mut beats = Beats::new(bridge, order);
    loop {
        match beats.found().await {
            Ok(Found::Ended(outcome)) => return Some(*outcome),
            Ok(Found::Running) => break,
            Ok(Found::Nothing) => return None,
            Err(fault) if fault.is_line() => sleep(bridge.beat).await,
            Err(fault) => return Some(Outcome::refused(fault.reason(), &fault.to_string())),
        }
    }
    bridge.accepted(order).await;
    Some(settle(bridge, order, &mut beats, "").await)
}

/// Finds out by the job's own files what the node did not say, or not rightly.
async fn settle(bridge: &Bridge, order: &str, beats: &mut Beats<'_>, said: &str) -> Outcome {
    let mut misses = 0;
    loop {
        match beats.found().await {
            Ok(Found::Ended(outcome)) => return *outcome,
            Ok(Found::Running) => {
                misses = 0;
                bridge.accepted(order).await;
                if let Some(outcome) = beats.still() {
                    return outcome;
                }
            }
            // The folder comes a moment after the message.
            Ok(Found::Nothing) if misses < 1 => misses += 1,
            Ok(Found::Nothing) if said.is_empty() => {
                return Outcome::refused(
                    RefusedReason::Io,
                    "the legacy node took the order and never began it",
                );
            }
            Ok(Found::Nothing) => return not_started(said),
            Err(fault) if fault.is_line() => {}
            Err(fault) => return Outcome::refused(fault.reason(), &fault.to_string()),
        }
        sleep(bridge.beat).await;
    }
}

fn not_started(said: &str) -> Outcome {
    let said = said.chars().take(300).collect();
    Outcome::Ended(ended::Outcome::Run(RunEnded {
        how: Some(run_ended::How::NotStarted(said)),
        ..RunEnded::default()
    }))
}

enum Found {
    Ended(Box<Outcome>),
    Running,
    Nothing,
}

/// Follows the beat of a job.
struct Beats<'a> {
    bridge: &'a Bridge,
    order: &'a str,
    begun_ms: i64,
    last: u64,
    changed: Instant,
}

impl<'a> Beats<'a> {
    fn new(bridge: &'a Bridge, order: &'a str) -> Self {
        Self {
            bridge,
            order,
            begun_ms: unix_ms(),
            last: 0,
            changed: Instant::now(),
        }
    }

    /// Reads the beat and tells of it. An outcome only when the job has ended.
    async fn look(&mut self, is_quiet: bool) -> Option<Outcome> {
        match self.found().await {
            Ok(Found::Ended(outcome)) => Some(*outcome),
            Ok(_) => None,
            Err(fault) => {
                if !is_quiet || !fault.is_line() {
                    tracing::debug!(order = self.order, %fault, "no beat");
                }
                None
            }
        }
    }

    async fn found(&mut self) -> Result<Found, Fault> {
        let folder = folder(self.order);
        let asked = &self.bridge.asked;
        match asked.whole(&format!("{folder}/status")).await {
            Ok(status) => {
                let out = asked.whole(&format!("{folder}/out.tail")).await?;
                let err = asked.whole(&format!("{folder}/err.tail")).await?;
                let status = read_status(&status, &out, &err).ok_or(Fault::Damaged)?;
                let outcome = Outcome::Ended(ended::Outcome::Run(status.ended));
                return Ok(Found::Ended(Box::new(outcome)));
            }
            Err(fault) if fault.is_missing() => {}
            Err(fault) => return Err(fault),
        }
        let beat = match asked.whole(&format!("{folder}/beat")).await {
            Ok(bytes) => read_beat(&bytes),
            Err(fault) if fault.is_missing() => return Ok(Found::Nothing),
            Err(fault) => return Err(fault),
        };
        if let Some(beat) = beat {
            if beat.number != self.last {
                self.last = beat.number;
                self.changed = Instant::now();
            }
            let seconds = i64::try_from(beat.number).unwrap_or(0);
            let elapsed_ms = (seconds * 1000).max(unix_ms() - self.begun_ms);
            let progress = Progress {
                order: self.order.to_owned(),
                elapsed_ms: u64::try_from(elapsed_ms).unwrap_or(0),
                counts: Some(beat.counts),
                tail: beat.tail,
                ..Progress::default()
            };
            self.bridge.progress(progress);
        }
        Ok(Found::Running)
    }

    /// An outcome when the beat stands still.
    fn still(&self) -> Option<Outcome> {
        (self.changed.elapsed() > STILL).then(|| {
            let detail =
                "nothing was heard of the job any more; its server was restarted, probably";
            Outcome::Ended(ended::Outcome::Lost(Lost {
                detail: detail.to_owned(),
            }))
        })
    }
}

/// The files that come with a result: known by their order only.
#[derive(Default)]
struct Files {
    whole: Vec<Bytes>,
    assembly: Assembly,
    current: Vec<u8>,
    is_damaged: bool,
}

impl Files {
    fn take(&mut self, piece: &jarvis_proto::legacy::FileData) {
        match self.assembly.take(piece) {
            Ok((bytes, is_last)) => {
                self.current.extend_from_slice(&bytes);
                if is_last {
                    self.whole.push(std::mem::take(&mut self.current).into());
                    self.assembly = Assembly::default();
                }
            }
            Err(_) => self.is_damaged = true,
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        if self.is_damaged || self.whole.len() != 3 {
            return None;
        }
        let status = read_status(&self.whole[0], &self.whole[1], &self.whole[2])?;
        Some(Outcome::Ended(ended::Outcome::Run(status.ended)))
    }
}
