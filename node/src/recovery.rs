//! After a restart: what the process before left open is ended, and what it left running is killed.

use std::time::Duration;

use jarvis_proto::node::{Ended, Lost, ended};
use rustix::process::Signal;
use tokio::time::{Instant, sleep};

use crate::clock::now_ms;
use crate::executor::{ProcessStat, boot_id, carries_order, members, signal_process};
use crate::journal::Started;
use crate::ledger::{Interrupted, Ledger};

/// How long killed processes are waited for.
const LIMIT: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Ends every interrupted order as lost, after its processes are dead.
///
/// # Errors
///
/// When the journal cannot be written.
pub(crate) async fn end_interrupted(
    ledger: &Ledger,
    interrupted: Vec<Interrupted>,
) -> std::io::Result<()> {
    let boot = boot_id();
    for left in interrupted {
        let killed = match &left.started {
            Some(started) if started.boot_id == boot => kill_remains(&left.order, started).await,
            _ => 0,
        };
        tracing::warn!(
            order = left.order,
            killed,
            "lost: the node was restarted while it ran"
        );
        let detail = match &left.started {
            Some(_) => {
                format!("the node was restarted while it ran; {killed} processes of it were killed")
            }
            None => "the node was restarted before it began".to_owned(),
        };
        ledger.ended(&Ended {
            order: left.order,
            started_ms: left.accepted_ms,
            ended_ms: now_ms(),
            outcome: Some(ended::Outcome::Lost(Lost { detail })),
        })?;
    }
    Ok(())
}

/// Kills what is left of a job's session; how many processes that were.
async fn kill_remains(order: &str, started: &Started) -> usize {
    let deadline = Instant::now() + LIMIT;
    let mut killed = 0;
    loop {
        let left = remains(order, started);
        if left.is_empty() || Instant::now() > deadline {
            return killed;
        }
        killed = killed.max(left.len());
        for process in left {
            signal_process(process.pid, Signal::KILL);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// The living processes that are surely of this job.
///
/// While its leader is there, with the start time that was written down, the whole session is. Without
/// a leader the session id may have been used again: then only processes count that carry the order's id.
fn remains(order: &str, started: &Started) -> Vec<ProcessStat> {
    let session = members(started.pid);
    match ProcessStat::read(started.pid) {
        Some(leader) if leader.start_ticks == started.start_ticks => session,
        Some(_) => Vec::new(),
        None => session
            .into_iter()
            .filter(|process| {
                process.start_ticks >= started.start_ticks && carries_order(process.pid, order)
            })
            .collect(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::io::BufRead;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    /// A process group leader; with `setsid` it is a session leader, as jobs are.
    fn job(order: &str) -> (Child, Started) {
        let mut child = Command::new("setsid")
            .args(["sh", "-c", "sleep 600 & echo ready; wait"])
            .env("JARVIS_ORDER", order)
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut line = String::new();
        // `setsid` as a group leader forks: the session's leader is its child.
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let own = i32::try_from(child.id()).unwrap();
        let stat = ProcessStat::read(own).unwrap();
        let leader = if stat.session == own {
            own
        } else {
            child_of(order)
        };
        let leader = ProcessStat::read(leader).unwrap();
        let started = Started {
            pid: leader.pid,
            start_ticks: leader.start_ticks,
            boot_id: boot_id(),
        };
        (child, started)
    }

    fn child_of(order: &str) -> i32 {
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| carries_order(*pid, order))
            .find(|pid| ProcessStat::read(*pid).is_some_and(|process| process.session == *pid))
            .unwrap()
    }

    #[tokio::test]
    async fn what_is_left_of_a_session_is_killed() {
        let (mut child, started) = job("order-a");
        assert_eq!(kill_remains("order-a", &started).await, 2);
        assert!(remains("order-a", &started).is_empty());
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn another_process_under_the_same_id_is_left_alone() {
        let (mut child, mut started) = job("order-b");
        started.start_ticks += 1;
        assert_eq!(kill_remains("order-b", &started).await, 0);
        started.start_ticks -= 1;
        assert_eq!(kill_remains("order-b", &started).await, 2);
        child.wait().unwrap();
    }
}
