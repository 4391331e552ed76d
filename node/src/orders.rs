//! From a signed order to its ending: check, refuse or write down, carry out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jarvis_nodeclient::{Address, CheckedOrder, KeyRing, KeyRingError, OrderError, check_order};
use jarvis_proto::node::node_frame::Frame;
use jarvis_proto::node::{
    Accepted, CancelOrder, ClearLogs, Done, Ended, Order, ReadJournal, RefusedReason, RotateKey,
    RunJob, ServiceFailure, SetTrust, SignedOrder, ended, order,
};
use prost::Message;

use crate::clock::now_ms;
use crate::core::{Core, Ticket, remove_folder};
use crate::docker::DockerOrder;
use crate::executor::Task;
use crate::files::{Get, Put};
use crate::job;
use crate::kept::folder_bytes;
use crate::ledger::{Acceptance, recent};
use crate::own_log;
use crate::refusal::Refusal;
use crate::service::Call;
use crate::trust::TrustError;
use crate::update::Update;

/// Most patterns for result files in one job; each one walks through folders.
const MOST_GLOBS: usize = 50;

/// An order that was accepted, and what will carry it out.
pub(crate) enum Work {
    Run(Box<Task>, Ticket),
    Put(Put, Ticket),
    Get(Box<Get>, Ticket),
    Cancel(CancelOrder),
    Trust(SetTrust),
    ListTrust,
    RotateKey(RotateKey),
    ClearLogs(ClearLogs),
    ReadJournal(ReadJournal),
    Call(Box<Call>, Ticket),
    Docker(DockerOrder, Ticket),
    Update(Box<Update>),
}

/// Takes one order that came from `sender`, whose clock is `clock_offset_ms` ahead of ours: answers it,
/// and carries it out in a task of its own, so that no order ever waits for another one here.
pub(crate) fn take(core: &Arc<Core>, sender: &Address, clock_offset_ms: i64, signed: SignedOrder) {
    let core = Arc::clone(core);
    let sender = sender.clone();
    let tasks = core.tasks.clone();
    tasks.spawn(async move {
        let now_root_ms = now_ms().saturating_add(clock_offset_ms);
        let checked = check_order(
            &signed,
            &core.meant(&signed.order),
            |root| core.trust.is_trusted(root),
            now_root_ms,
        );
        match checked {
            // Whoever hands over an order of somebody else gets no answers to it.
            Ok(checked) if core.trust.origin(&checked.root) != sender => {
                let refusal = Refusal::new(
                    RefusedReason::UntrustedRoot,
                    "it was signed by another root than this session's",
                );
                refuse(&core, &sender, &checked.order.id, refusal).await;
            }
            Ok(checked) => carry_out(&core, &sender, checked, signed).await,
            Err(error) => {
                let id = Order::decode(signed.order.clone())
                    .map(|order| order.id)
                    .unwrap_or_default();
                // An order that came again too late was in time at first.
                let is_known = matches!(error, OrderError::Expired { .. })
                    && core.ledger.has_accepted(&id, &signed.order);
                if is_known {
                    core.tell_state(&sender, &id).await;
                } else {
                    refuse(&core, &sender, &id, error.into()).await;
                }
            }
        }
    });
}

async fn refuse(core: &Core, root: &Address, order: &str, refusal: Refusal) {
    tracing::warn!(order, root = %root, reason = ?refusal.reason, detail = refusal.detail, "refused");
    core.lines
        .tell(root, Frame::Refused(refusal.of(order)))
        .await;
}

/// `root` is the first address of the root that signed the order.
async fn carry_out(core: &Arc<Core>, root: &Address, checked: CheckedOrder, signed: SignedOrder) {
    let CheckedOrder { order, .. } = checked;
    let id = order.id.clone();
    if core.ledger.has_accepted(&id, &signed.order) {
        return core.tell_state(root, &id).await;
    }
    let work = match prepare(core, root, &order).await {
        Ok(work) => work,
        Err(refusal) => return refuse(core, root, &id, refusal).await,
    };
    match core.ledger.accept(root, &order, &signed) {
        Ok(Acceptance::New) => {}
        Ok(Acceptance::Again) => return core.tell_state(root, &id).await,
        Ok(Acceptance::Replayed) => {
            let refusal = Refusal::new(
                RefusedReason::Replayed,
                "this id was used for another order",
            );
            return refuse(core, root, &id, refusal).await;
        }
        Err(error) => return refuse(core, root, &id, error.into()).await,
    }
    let accepted_ms = now_ms();
    tracing::info!(order = id, root = %root, what = name_of(&work), "accepted");
    core.lines
        .tell(
            root,
            Frame::Accepted(Accepted {
                order: id.clone(),
                time_ms: accepted_ms,
            }),
        )
        .await;
    let is_about_trust = matches!(work, Work::Trust(_) | Work::RotateKey(_));
    let mut next_keys = None;
    let outcome = match work {
        Work::Run(task, ticket) => job::run(core, root, *task, ticket).await,
        Work::Put(put, ticket) => put.run(core, root, &id, ticket).await,
        Work::Get(get, ticket) => get.run(core, root, &id, ticket).await,
        Work::Cancel(cancel) => stop(core, root, &cancel),
        Work::Trust(trust) => set_trust(core, &id, &trust),
        Work::ListTrust => list_trust(core),
        Work::RotateKey(rotate) => rotate_key(core, &id, &rotate, &mut next_keys).await,
        Work::ClearLogs(clear) => clear_logs(core, root, &clear).await,
        Work::ReadJournal(question) => read_journal(core, root, question).await,
        Work::Call(call, ticket) => call.run(core, root, ticket).await,
        Work::Docker(docker, ticket) => docker.run(core, root, &id, ticket).await,
        Work::Update(update) => match update.run(core, root, &id).await {
            Some(outcome) => outcome,
            // It ends in the next life of this node.
            None => return,
        },
    };
    tracing::info!(order = id, root = %root, outcome = describe(&outcome), "ended");
    let ended = Ended {
        order: id,
        started_ms: accepted_ms,
        ended_ms: now_ms(),
        outcome: Some(outcome),
    };
    core.end(root, ended).await;
    if is_about_trust {
        // Told first: who is no longer trusted hears no more.
        if let Some(keys) = next_keys {
            core.set_keys(keys);
        }
        core.renew_sessions();
    }
}

pub(crate) fn name_of(work: &Work) -> &'static str {
    match work {
        Work::Run(..) => "run",
        Work::Put(..) => "put",
        Work::Get(..) => "get",
        Work::Cancel(_) => "cancel",
        Work::Trust(_) => "trust",
        Work::ListTrust => "list trust",
        Work::RotateKey(_) => "rotate key",
        Work::ClearLogs(_) => "clear logs",
        Work::ReadJournal(_) => "read journal",
        Work::Call(..) => "call",
        Work::Docker(..) => "docker",
        Work::Update(_) => "update",
    }
}

/// One line for the log; never any output of the job.
pub(crate) fn describe(outcome: &ended::Outcome) -> String {
    use jarvis_proto::node::run_ended::How;
    match outcome {
        ended::Outcome::Run(run) => {
            let how = match &run.how {
                Some(How::ExitCode(code)) => format!("exit {code}"),
                Some(How::Signal(signal)) => format!("signal {signal}"),
                Some(How::NotStarted(reason)) => format!("not started: {reason}"),
                None => "unknown".to_owned(),
            };
            match (run.timed_out, run.cancelled) {
                (true, _) => format!("{how}, timed out"),
                (_, true) => format!("{how}, cancelled"),
                _ => how,
            }
        }
        ended::Outcome::Transfer(transfer) if transfer.already_there => {
            format!("{} was there already", transfer.path)
        }
        ended::Outcome::Transfer(transfer) => {
            format!("{} of {} bytes", transfer.path, transfer.size)
        }
        ended::Outcome::Failed(refused) => format!("failed: {}", refused.detail),
        ended::Outcome::Done(done) => format!("done: {}", done.detail),
        ended::Outcome::Lost(lost) => format!("lost: {}", lost.detail),
        ended::Outcome::Service(answer) => match answer.failure() {
            ServiceFailure::Unspecified => "answered".to_owned(),
            failure => format!("{failure:?}"),
        },
    }
}

/// Checks what can be known beforehand; what fails here was never accepted.
pub(crate) async fn prepare(
    core: &Arc<Core>,
    root: &Address,
    order: &Order,
) -> Result<Work, Refusal> {
    let busy = || Refusal::new(RefusedReason::Busy, "too many orders wait already");
    if core.stopping.is_cancelled() {
        return Err(Refusal::new(RefusedReason::Busy, "the node is stopping"));
    }
    match order.body.clone() {
        Some(order::Body::Run(run)) => {
            let ticket = core.jobs.queue().ok_or_else(busy)?;
            Ok(Work::Run(Box::new(task(core, &order.id, run)?), ticket))
        }
        Some(order::Body::Put(put)) => {
            let ticket = core.transfers.queue().ok_or_else(busy)?;
            Ok(Work::Put(Put::prepare(core, put).await?, ticket))
        }
        Some(order::Body::Get(get)) => {
            let ticket = core.transfers.queue().ok_or_else(busy)?;
            Ok(Work::Get(
                Box::new(Get::prepare(core, root, get).await?),
                ticket,
            ))
        }
        Some(order::Body::Cancel(cancel)) => Ok(Work::Cancel(cancel)),
        Some(order::Body::Trust(trust)) => Ok(Work::Trust(trust)),
        Some(order::Body::ListTrust(_)) => Ok(Work::ListTrust),
        Some(order::Body::RotateKey(rotate)) => Ok(Work::RotateKey(rotate)),
        Some(order::Body::ClearLogs(clear)) => Ok(Work::ClearLogs(clear)),
        Some(order::Body::ReadJournal(question)) => Ok(Work::ReadJournal(question)),
        Some(order::Body::Update(update)) => {
            Ok(Work::Update(Box::new(Update::prepare(core, update)?)))
        }
        Some(order::Body::Call(call)) => {
            let ticket = core.jobs.queue().ok_or_else(busy)?;
            let call = Call::prepare(core, &order.id, &call)?;
            Ok(Work::Call(Box::new(call), ticket))
        }
        Some(order::Body::Docker(docker)) => {
            let ticket = core.jobs.queue().ok_or_else(busy)?;
            Ok(Work::Docker(DockerOrder::prepare(docker)?, ticket))
        }
        None => Err(Refusal::new(
            RefusedReason::Malformed,
            "it asks for nothing",
        )),
    }
}

fn task(core: &Core, order: &str, run: RunJob) -> Result<Task, Refusal> {
    let malformed = |detail: &str| Err(Refusal::new(RefusedReason::Malformed, detail));
    if run.script.trim().is_empty() {
        return malformed("the script is empty");
    }
    if run.script.contains('\0') || run.args.iter().any(|arg| arg.contains('\0')) {
        return malformed("script and arguments cannot hold a NUL byte");
    }
    if run
        .env
        .iter()
        .any(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0'))
    {
        return malformed("the name of a variable is impossible");
    }
    if run.result_globs.len() > MOST_GLOBS {
        return malformed("there are too many patterns for result files");
    }
    let config = &core.config;
    Ok(Task {
        order: order.to_owned(),
        script: run.script,
        args: run.args,
        env: run.env,
        cwd: directory(core, &run.cwd),
        stdin: run.stdin,
        timeout: or_default(run.timeout_ms, config.job_timeout),
        result_globs: run.result_globs,
        name: run.name,
        shell: config.shell.clone(),
        grace: config.stop_grace,
        folder: core.folder(order),
        output_limit: config.output_limit,
        most_output: None,
    })
}

/// The working directory of a job: relative to the node's own, and that without one.
pub(crate) fn directory(core: &Core, cwd: &str) -> PathBuf {
    core.config.work.join(cwd)
}

fn or_default(ms: u64, default: Duration) -> Duration {
    if ms == 0 {
        default
    } else {
        Duration::from_millis(ms)
    }
}

fn stop(core: &Core, root: &Address, cancel: &CancelOrder) -> ended::Outcome {
    let grace = or_default(cancel.grace_ms, core.config.stop_grace);
    let had_effect = core.stop(root, &cancel.order, grace);
    let detail = if had_effect {
        "asked to stop"
    } else {
        "it was not running"
    };
    ended::Outcome::Done(Done {
        had_effect,
        detail: detail.to_owned(),
        ..Done::default()
    })
}

fn set_trust(core: &Core, order: &str, trust: &SetTrust) -> ended::Outcome {
    let failed =
        |reason, detail: String| ended::Outcome::Failed(Refusal::new(reason, detail).of(order));
    let address = match Address::parse(&trust.address) {
        Ok(address) => address,
        Err(error) => return failed(RefusedReason::Malformed, error.to_string()),
    };
    match core.trust.set(&address, trust.trusted) {
        Ok(had_effect) => {
            let now = if trust.trusted {
                "trusted"
            } else {
                "not trusted"
            };
            ended::Outcome::Done(Done {
                had_effect,
                detail: format!("{address} is {now}"),
                ..Done::default()
            })
        }
        Err(error @ TrustError::Fixed) => failed(RefusedReason::NotSupported, error.to_string()),
        Err(error @ TrustError::Last) => failed(RefusedReason::Unspecified, error.to_string()),
        Err(error) => failed(RefusedReason::Io, error.to_string()),
    }
}

fn list_trust(core: &Core) -> ended::Outcome {
    let trusted: Vec<String> = core.trust.list().iter().map(ToString::to_string).collect();
    ended::Outcome::Done(Done {
        had_effect: false,
        detail: trusted.join("\n"),
        ..Done::default()
    })
}

/// Makes the next key; the caller puts it to use when the root has been told of it.
async fn rotate_key(
    core: &Arc<Core>,
    order: &str,
    rotate: &RotateKey,
    next: &mut Option<KeyRing>,
) -> ended::Outcome {
    let overlap = Duration::from_millis(rotate.overlap_ms);
    let kept = Arc::clone(core);
    let rotated = tokio::task::spawn_blocking(move || kept.keys().rotate(now_ms(), overlap)).await;
    let refusal = match rotated {
        Ok(Ok(keys)) => {
            let detail = keys.address().to_string();
            *next = Some(keys);
            return ended::Outcome::Done(Done {
                had_effect: true,
                detail,
                ..Done::default()
            });
        }
        Ok(Err(error @ KeyRingError::Fixed)) => Refusal::new(RefusedReason::NotSupported, error),
        Ok(Err(error)) => Refusal::new(RefusedReason::Unspecified, error),
        Err(error) => Refusal::new(RefusedReason::Unspecified, error),
    };
    ended::Outcome::Failed(refusal.of(order))
}

async fn read_journal(core: &Arc<Core>, root: &Address, question: ReadJournal) -> ended::Outcome {
    let (kept, root) = (Arc::clone(core), root.clone());
    let answer = tokio::task::spawn_blocking(move || {
        let done = if question.own_log {
            Done {
                own_log: Some(own_log::read(&question)),
                ..Done::default()
            }
        } else {
            Done {
                journal: Some(recent::report(&kept, &root, &question)?),
                ..Done::default()
            }
        };
        Ok::<_, std::io::Error>(done)
    });
    let failed = |error: String| {
        let refusal = Refusal::new(RefusedReason::Io, error);
        ended::Outcome::Failed(refusal.of(""))
    };
    match answer.await {
        Ok(Ok(done)) => ended::Outcome::Done(done),
        Ok(Err(error)) => failed(error.to_string()),
        Err(error) => failed(error.to_string()),
    }
}

pub(crate) async fn clear_logs(
    core: &Arc<Core>,
    root: &Address,
    clear: &ClearLogs,
) -> ended::Outcome {
    let older_than_ms = i64::try_from(clear.older_than_ms).unwrap_or(i64::MAX);
    let orders = core
        .ledger
        .ended_before(root, now_ms().saturating_sub(older_than_ms));
    let folders: Vec<PathBuf> = orders.iter().map(|order| core.folder(order)).collect();
    let removed = tokio::task::spawn_blocking(move || {
        let sizes = folders.iter().filter_map(|folder| {
            let bytes = folder_bytes(folder);
            remove_folder(folder).then_some(bytes)
        });
        sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
    });
    let (count, bytes) = removed.await.unwrap_or_default();
    ended::Outcome::Done(Done {
        had_effect: count > 0,
        detail: format!("the output of {count} jobs was removed, {bytes} bytes"),
        count,
        bytes,
        ..Done::default()
    })
}
