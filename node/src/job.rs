//! A job from its place in the queue to its ending.

use std::sync::Arc;

use jarvis_nodeclient::Address;
use jarvis_proto::node::{Counts, Lost, Progress, RunEnded, ended, run_ended};
use tokio::sync::mpsc;

use crate::core::{Core, Ticket};
use crate::executor::{Event, ProcessStat, Task, boot_id, run as execute};
use crate::journal::Started;

/// Runs `task` when there is a place for it.
pub(crate) async fn run(
    core: &Arc<Core>,
    root: &Address,
    task: Task,
    ticket: Ticket,
) -> ended::Outcome {
    let mut stop = core.begin(root, &task.order);
    let _place = tokio::select! {
        biased;
        _ = stop.wait_for(Option::is_some) => return not_begun(core),
        place = ticket.place() => place,
    };
    // Progress is the last state, not a history: what a slow line cannot take is left out.
    let (news, told) = mpsc::channel(1);
    let telling = tell(core, root, &task.order, told);
    let started = |process: ProcessStat| note_start(core, &task.order, process);
    let running = async {
        // Dropped when the job has ended: that ends `telling`.
        let news = news;
        execute(&task, &core.places, stop, |event| match event {
            Event::Started(process) => started(process),
            Event::Progress {
                elapsed,
                counts,
                tail,
            } => {
                let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
                let _ = news.try_send((elapsed_ms, counts, tail));
            }
        })
        .await
    };
    let (ended, ()) = tokio::join!(running, telling);
    if ended.cancelled && core.stopping.is_cancelled() {
        let detail = "the node was stopped while it ran".to_owned();
        return ended::Outcome::Lost(Lost { detail });
    }
    ended::Outcome::Run(ended)
}

fn not_begun(core: &Core) -> ended::Outcome {
    if core.stopping.is_cancelled() {
        let detail = "the node was stopped before it began".to_owned();
        return ended::Outcome::Lost(Lost { detail });
    }
    ended::Outcome::Run(RunEnded {
        how: Some(run_ended::How::NotStarted(
            "it was cancelled before it began".to_owned(),
        )),
        cancelled: true,
        counts: Some(Counts::default()),
        ..RunEnded::default()
    })
}

fn note_start(core: &Core, order: &str, process: ProcessStat) {
    tracing::info!(order, pid = process.pid, "started");
    let started = Started {
        pid: process.pid,
        start_ticks: process.start_ticks,
        boot_id: boot_id(),
    };
    if let Err(error) = core.ledger.started(order, started) {
        tracing::error!(order, %error, "the start cannot be written to the journal");
    }
}

async fn tell(
    core: &Core,
    root: &Address,
    order: &str,
    mut told: mpsc::Receiver<(u64, Counts, String)>,
) {
    while let Some((elapsed_ms, counts, tail)) = told.recv().await {
        let progress = Progress {
            order: order.to_owned(),
            elapsed_ms,
            counts: Some(counts),
            tail,
            ..Progress::default()
        };
        core.progress(root, progress).await;
    }
}
