//! The processes of one kernel session, found in `/proc`.
//!
//! A job's leader stays unreaped until its session has been dealt with, so that neither its process id
//! nor its session id can be given to somebody else in between.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::time::{Instant, sleep};

/// How long processes are looked for that a KILL has been sent to.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// Between two looks at `/proc`.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What `/proc/PID/stat` says about one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    pub(crate) pid: i32,
    /// Session id: the process id of the session's leader.
    pub(crate) session: i32,
    /// Clock ticks after boot; with the boot id this names a process for ever.
    pub(crate) start_ticks: u64,
    /// It has exited and waits to be reaped.
    pub(crate) is_zombie: bool,
}

impl ProcessStat {
    /// Reads the state of process `pid`; `None` if it is gone.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(pid, &String::from_utf8_lossy(&stat))
    }

    /// The process's name may hold spaces and parentheses, so fields are counted from the last `)`.
    fn parse(pid: i32, stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let state = fields.next()?;
        let session = fields.nth(2)?.parse().ok()?;
        let start_ticks = fields.nth(15)?.parse().ok()?;
        Some(Self {
            pid,
            session,
            start_ticks,
            is_zombie: matches!(state, "Z" | "X"),
        })
    }
}

/// All living processes of a session.
pub(crate) fn members(session: i32) -> Vec<ProcessStat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(ProcessStat::read)
        .filter(|process| process.session == session && !process.is_zombie)
        .collect()
}

/// Sends `signal` to the leader's process group, atomically, and then to every other process of the
/// session. Must not be called after the leader was reaped.
pub(crate) async fn signal_session(session: i32, signal: Signal) {
    signal_group(session, signal);
    for process in look(session).await {
        signal_process(process.pid, signal);
    }
}

/// Waits until the session is empty, and kills what is left of it at `deadline`. Returns whether it is
/// empty at last; it is not only if the kernel keeps a process from dying.
pub(crate) async fn end_session(session: i32, deadline: Instant) -> bool {
    while !look(session).await.is_empty() {
        let now = Instant::now();
        if now >= deadline + KILL_LIMIT {
            return false;
        }
        if now >= deadline {
            signal_session(session, Signal::KILL).await;
        }
        sleep(LOOK_AGAIN).await;
    }
    true
}

/// [`members`] reads a few files per process of the machine, so it leaves the async threads.
async fn look(session: i32) -> Vec<ProcessStat> {
    tokio::task::spawn_blocking(move || members(session))
        .await
        .unwrap_or_default()
}

fn signal_group(group: i32, signal: Signal) {
    if let Some(group) = Pid::from_raw(group) {
        // An error means that nobody is left in it.
        let _ = kill_process_group(group, signal);
    }
}

/// Signals one process.
pub(crate) fn signal_process(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

/// Names the present boot of this machine, so that a process id of an earlier one is never taken for a
/// living process.
pub(crate) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// Whether the process was started for this order: jobs carry its id in their environment.
pub(crate) fn carries_order(pid: i32, order: &str) -> bool {
    let wanted = format!("{}={order}", super::ORDER_VARIABLE);
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| {
        environ
            .split(|byte| *byte == 0)
            .any(|pair| pair == wanted.as_bytes())
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "42 (a) S 1 (b) Z 1 40 41 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 777 9 9";
        let parsed = ProcessStat::parse(42, stat).unwrap();
        assert_eq!(parsed.session, 41);
        assert_eq!(parsed.start_ticks, 777);
        assert!(parsed.is_zombie);
    }

    #[test]
    fn this_process_is_found_in_its_own_session() {
        let own = ProcessStat::read(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(members(own.session).contains(&own));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(stat in ".{0,200}") {
            let _ = ProcessStat::parse(1, &stat);
        }
    }
}
