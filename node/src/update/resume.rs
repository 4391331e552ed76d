//! After the restart: how the update came out that an earlier life of this node began.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jarvis_proto::node::{Done, Ended, RefusedReason, ended, order};
use tokio::time::sleep;

use super::program::Restart;
use super::{DEFAULT_TIMEOUT, guard, script};
use crate::clock::now_ms;
use crate::core::Core;
use crate::executor::{ProcessStat, boot_id};
use crate::journal::Started;
use crate::ledger::{Interrupted, Ledger};
use crate::orders::describe;
use crate::refusal::Refusal;

/// Between two looks at a script that goes on.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Packages that are kept.
const KEPT_PACKAGES: usize = 3;

/// An update that was interrupted by a restart, as it should be.
#[derive(Debug)]
pub(crate) struct Left {
    order: Interrupted,
    until_ms: i64,
}

/// Sets updates apart from orders that died with the process.
pub(crate) fn split(
    ledger: &Ledger,
    interrupted: Vec<Interrupted>,
) -> (Vec<Left>, Vec<Interrupted>) {
    let mut updates = Vec::new();
    let mut others = Vec::new();
    for left in interrupted {
        let body = ledger.order(&left.root, &left.order).ok().flatten();
        match body.and_then(|order| order.body) {
            Some(order::Body::Update(update)) => {
                let timeout_ms = match update.timeout_ms {
                    0 => i64::try_from(DEFAULT_TIMEOUT.as_millis()).unwrap_or(i64::MAX),
                    ms => i64::try_from(ms).unwrap_or(i64::MAX),
                };
                updates.push(Left {
                    until_ms: left.accepted_ms.saturating_add(timeout_ms),
                    order: left,
                });
            }
            _ => others.push(left),
        }
    }
    (updates, others)
}

/// Ends what an earlier life began, each in a task of its own.
pub(crate) fn resume(core: &Arc<Core>, updates: Vec<Left>) {
    for left in updates {
        let core = Arc::clone(core);
        let tasks = core.tasks.clone();
        tasks.spawn(async move {
            let claim = core.updates.claim();
            let outcome = tokio::select! {
                outcome = conclude(&core, &left) => outcome,
                () = core.stopping.cancelled() => return,
            };
            let Some(outcome) = outcome else { return };
            tracing::info!(
                order = left.order.order,
                outcome = describe(&outcome),
                "update ended"
            );
            drop(claim);
            clean(&core);
            let ended = Ended {
                order: left.order.order.clone(),
                started_ms: left.order.accepted_ms,
                ended_ms: now_ms(),
                outcome: Some(outcome),
            };
            core.end(&left.order.root, ended).await;
        });
    }
}

async fn conclude(core: &Core, left: &Left) -> Option<ended::Outcome> {
    let folder = core.folder(&left.order.order);
    if script::was_begun(&folder) {
        let timed_out = script_goes_on(&folder, left).await;
        return Some(script::outcome(&folder, timed_out));
    }
    if let Some(reason) = guard::taken_back(&folder) {
        let refusal = Refusal::new(RefusedReason::Io, reason);
        return Some(ended::Outcome::Failed(refusal.of(&left.order.order)));
    }
    if guard::is_probation(&folder) {
        core.updates.has_met(&left.order.root).await;
        if !guard::confirm(&folder) {
            // The guard was faster: the old program is in its place again, or will be in a moment.
            if let Some(program) = core.config.program.clone() {
                core.updates.ask_restart(Restart {
                    program,
                    swap: None,
                });
            }
            return None;
        }
    }
    Some(ended::Outcome::Done(Done {
        had_effect: true,
        detail: "started again".to_owned(),
        ..Done::default()
    }))
}

/// Waits while the script still runs; whether its time is over.
async fn script_goes_on(folder: &Path, left: &Left) -> bool {
    let started = left.order.started.as_ref();
    while !script::has_ended(folder) && started.is_some_and(is_alive) {
        if now_ms() > left.until_ms {
            return true;
        }
        sleep(LOOK_EVERY).await;
    }
    false
}

fn is_alive(started: &Started) -> bool {
    started.boot_id == boot_id()
        && ProcessStat::read(started.pid)
            .is_some_and(|now| now.start_ticks == started.start_ticks && !now.is_zombie)
}

/// Keeps only the latest packages.
fn clean(core: &Core) {
    let Ok(entries) = std::fs::read_dir(core.config.packages()) else {
        return;
    };
    let mut packages: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            metadata
                .is_file()
                .then_some((metadata.modified().ok()?, entry.path()))
        })
        .collect();
    packages.sort_unstable();
    let surplus = packages.len().saturating_sub(KEPT_PACKAGES);
    for (_, path) in packages.into_iter().take(surplus) {
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(package = %path.display(), %error, "an old package cannot be removed");
        }
    }
}
