//! What the processes of a bot cost, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;
use tokio::time::{Instant, interval};

use crate::memory::{field, status};

/// Ticks a second of the times in `stat`: what the kernel shows to programs, whatever it counts in.
const TICKS: f64 = 100.0;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Megabytes of all processes of a bot as time went on.
///
/// A page that several processes have in common, as the program itself, counts once: each process is charged
/// with its share (the kernel's *proportional set size*).
#[derive(Debug, Default)]
pub(super) struct Memory(Vec<(Duration, f64)>);

impl Memory {
    /// The most that was seen.
    pub(super) fn peak(&self) -> f64 {
        self.within(Duration::ZERO, Duration::MAX)
    }

    /// The most that was seen between two times.
    pub(super) fn within(&self, from: Duration, to: Duration) -> f64 {
        let seen = self.0.iter().filter(|(at, _)| (from..to).contains(at));
        seen.map(|(_, megabytes)| *megabytes).fold(0.0, f64::max)
    }
}

/// The processes of one bot.
pub(super) struct Processes {
    all: Vec<Process>,
    /// Where they work; goes with them.
    _jarvis: Option<Jarvis>,
}

impl Processes {
    pub(super) fn of(all: Vec<Process>) -> Self {
        Self { all, _jarvis: None }
    }

    pub(super) fn with(self, jarvis: Jarvis) -> Self {
        Self {
            _jarvis: Some(jarvis),
            ..self
        }
    }

    /// Processor time of all until now.
    pub(super) fn spent(&self) -> Result<Duration> {
        let ticks = self.sum(|folder| {
            let stat = fs::read_to_string(format!("{folder}/stat"))?;
            // The name in parentheses may hold anything.
            let (_, rest) = stat.rsplit_once(')').context("no name")?;
            let fields: Vec<&str> = rest.split_whitespace().collect();
            let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok());
            Ok(ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default())
        })?;
        Ok(Duration::from_secs_f64(ticks / TICKS))
    }

    /// Megabytes now, what the processes have in common counted once.
    pub(super) fn megabytes(&self) -> Result<f64> {
        self.sum(|folder| field(&format!("{folder}/smaps_rollup"), "Pss"))
    }

    /// Megabytes that were resident at most, each process at its own time, and what they have in common
    /// counted in each.
    pub(super) fn resident_at_most(&self) -> Result<f64> {
        self.sum(|folder| status(folder, "VmHWM"))
    }

    /// Looks at the memory while something is done.
    pub(super) async fn during<T>(
        &self,
        memory: &mut Memory,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let begun = Instant::now();
        let mut looks = interval(LOOK);
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = looks.tick() => memory.0.push((begun.elapsed(), self.megabytes()?)),
            }
        }
    }

    fn sum(&self, of: impl Fn(&str) -> Result<f64>) -> Result<f64> {
        self.all
            .iter()
            .map(|process| {
                let id = process.id().with_context(|| {
                    format!("a process has ended; it said:\n{}", process.everything())
                })?;
                of(&format!("/proc/{id}"))
            })
            .sum()
    }
}
