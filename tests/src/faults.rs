//! Random faults from a seed against a whole site of real processes, while people order jobs all the
//! time; and what is counted afterwards.
//!
//! A brain, a few `jarvis-node` processes, and one bot: the adapters' own host loop on a platform that
//! is played here ([`crate::square`]). Between them stand proxies. Processes are killed and frozen, lines are
//! reset, cut in the middle of a frame and stalled, events are delivered again. Every job appends its
//! name to a file on its node, so that work which is done twice is seen, also when nobody tells of it.

mod schedule;
mod site;
mod tally;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub use schedule::{Fault, schedule};
pub use tally::Report;

use crate::square::Square;
use site::Site;

/// Rooms in which people speak.
const ROOMS: usize = 4;
/// Messages that a room waits for at once.
const OUTSTANDING: usize = 8;
/// How long it may take until everything has come to its end after the last fault.
const QUIET: Duration = Duration::from_secs(180);
/// What comes twice comes within this time after that.
const AFTERMATH: Duration = Duration::from_secs(2);

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything that is left to chance follows from it.
    pub seed: u64,
    /// How many faults.
    pub faults: usize,
    /// How many nodes.
    pub nodes: usize,
    /// Where logs go when something was lost or doubled.
    pub keep: PathBuf,
}

/// Runs the plan: starts the site, breaks it, mends it, waits until it is quiet, and counts.
///
/// # Errors
/// When a process cannot be started (again).
pub async fn run(plan: &Plan) -> Result<Report> {
    let faults = schedule(plan.seed, plan.faults, plan.nodes);
    let square = Square::default();
    let site = Site::start(&square, plan.nodes).await?;
    let begun = Instant::now();
    let done = CancellationToken::new();
    let people: Vec<_> = (0..ROOMS)
        .map(|room| {
            let random = StdRng::seed_from_u64(plan.seed ^ ((room as u64 + 1) << 32));
            let ordering = order_jobs(square.clone(), room, plan.nodes, random, done.clone());
            tokio::spawn(ordering)
        })
        .collect();
    let site = site.suffer(&faults).await?;
    done.cancel();
    for person in people {
        person.await?;
    }
    let lasted = begun.elapsed();
    let until = Instant::now() + QUIET;
    while square.is_waiting() && Instant::now() < until {
        sleep(Duration::from_millis(50)).await;
    }
    let quiet_after = begun.elapsed() - lasted;
    sleep(AFTERMATH).await;
    let mut report = Report::count(&square, &site.ran()).context("count")?;
    report.seed = plan.seed;
    report.faults = faults;
    report.lasted = lasted;
    report.quiet_after = quiet_after;
    if !report.is_clean() {
        std::fs::create_dir_all(&plan.keep)?;
        std::fs::write(plan.keep.join("said.txt"), site.everything_said()?)?;
        std::fs::write(plan.keep.join("square.txt"), square.transcript())?;
        report.kept = Some(plan.keep.clone());
    }
    site.stop().await?;
    Ok(report)
}

/// One room: a message, a moment, the next one.
async fn order_jobs(
    square: Square,
    room: usize,
    nodes: usize,
    mut random: StdRng,
    done: CancellationToken,
) {
    while !done.is_cancelled() {
        let pause = random.random_range(20..250);
        let first = random.random_range(0..nodes);
        let second = (first + 1) % nodes;
        let tenths = random.random_range(0..6);
        match random.random_range(0..100) {
            0..25 => square.ask_version(room),
            85.. if first != second => square.order(room, &[first, second], tenths),
            _ => square.order(room, &[first], tenths),
        }
        sleep(Duration::from_millis(pause)).await;
        while square.waiting_in(room) >= OUTSTANDING && !done.is_cancelled() {
            sleep(Duration::from_millis(20)).await;
        }
    }
}
