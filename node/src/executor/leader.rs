//! The leader process of a job: waiting for its exit without reaping it, then reaping it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A child process that stays a zombie, and so keeps its id, until [`Leader::reap`].
pub(crate) struct Leader {
    pid: Pid,
    exit: Exit,
}

/// How its exit is noticed.
enum Exit {
    /// Linux 5.3 and later.
    Descriptor(AsyncFd<OwnedFd>),
    /// Older kernels: every `SIGCHLD` is a reason to look.
    Signal(Signal),
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    Code(i32),
    Signal(i32),
}

impl Leader {
    /// Watches the child `pid`.
    pub(crate) fn watch(pid: i32) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        let exit = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(descriptor) => Exit::Descriptor(register(descriptor)?),
            Err(_) => Exit::Signal(signal(SignalKind::child())?),
        };
        Ok(Self { pid, exit })
    }

    /// The process's id.
    pub(crate) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Returns when the process has exited. May be cancelled and called again.
    pub(crate) async fn exited(&mut self) {
        match &mut self.exit {
            Exit::Descriptor(descriptor) => {
                // An error could only mean that the runtime stops.
                let _ = descriptor.readable().await;
            }
            Exit::Signal(children) => {
                while !matches!(
                    look(self.pid, WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT),
                    Ok(Some(_))
                ) {
                    children.recv().await;
                }
            }
        }
    }

    /// Takes the exit status of the process, which must have exited. Its id is free afterwards.
    pub(crate) fn reap(self) -> io::Result<ExitStatus> {
        let status = match &self.exit {
            Exit::Descriptor(descriptor) => waitid(
                WaitId::PidFd(descriptor.get_ref().as_fd()),
                WaitIdOptions::EXITED,
            )?,
            Exit::Signal(_) => look(self.pid, WaitIdOptions::empty())?,
        };
        let status = status.ok_or_else(|| io::Error::other("the process has not exited"))?;
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Ok(ExitStatus::Code(code)),
            (None, Some(signal)) => Ok(ExitStatus::Signal(signal)),
            (None, None) => Err(io::Error::other(
                "the process has neither exited nor been killed",
            )),
        }
    }
}

#[expect(
    deprecated,
    reason = "unsound only for types that give away a descriptor which they do not own"
)]
fn register(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

fn look(pid: Pid, options: WaitIdOptions) -> rustix::io::Result<Option<WaitIdStatus>> {
    waitid(WaitId::Pid(pid), options | WaitIdOptions::EXITED)
}
