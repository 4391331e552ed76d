//! Files that roots put on this node and get from it.

mod get;
mod lines;
mod pack;
mod put;
mod tree;
pub(crate) mod unpack;

use std::fs::File;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use jarvis_nodeclient::Address;
use jarvis_nodeclient::transfer::Meter;
use jarvis_proto::node::{Progress, RefusedReason};
use tokio::time::{MissedTickBehavior, interval_at};

pub(crate) use self::get::Get;
pub(crate) use self::put::Put;
use crate::core::Core;
use crate::executor::Stop;
use crate::refusal::Refusal;

/// How long a transfer waits for its root to come back when the line was cut.
const LINE_BACK: Duration = Duration::from_secs(600);
/// How often a transfer goes on after a cut.
const MOST_CUTS: usize = 20;
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Drives `transfer` and tells its root about every second how far it is; ends it when asked to stop.
async fn tell_progress<T>(
    core: &Core,
    root: &Address,
    order: &str,
    meter: &Meter,
    bytes_total: u64,
    mut stop: Stop,
    transfer: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let begun = Instant::now();
    let mut ticks = interval_at(tokio::time::Instant::now() + PROGRESS_EVERY, PROGRESS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let telling = async {
        loop {
            ticks.tick().await;
            let progress = Progress {
                order: order.to_owned(),
                elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                bytes_done: meter.bytes(),
                bytes_total,
                ..Progress::default()
            };
            core.progress(root, progress).await;
        }
    };
    tokio::select! {
        result = transfer => result,
        () = telling => unreachable!("telling never ends by itself"),
        _ = stop.wait_for(Option::is_some) => {
            let why = if core.stopping.is_cancelled() { "the node was stopped" } else { "it was cancelled" };
            Err(Refusal::new(RefusedReason::Io, why))
        }
    }
}

/// BLAKE3 of a whole file.
fn hash(file: &File) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(hasher.finalize().into())
}

/// Runs what may wait for a disk on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Refusal::new(RefusedReason::Io, error)))
}

fn modified_ms(metadata: &std::fs::Metadata) -> i64 {
    metadata
        .modified()
        .map(crate::clock::to_ms)
        .unwrap_or_default()
}
