//! What the processes of a bot cost, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;

use crate::memory::status;

/// Ticks a second of the times in `stat`: what the kernel shows to programs, whatever it counts in.
const TICKS: f64 = 100.0;

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

    /// Megabytes that are resident now.
    pub(super) fn resident(&self) -> Result<f64> {
        self.sum(|folder| status(folder, "VmRSS"))
    }

    /// Megabytes that were resident at most, each process at its own time.
    pub(super) fn peak(&self) -> Result<f64> {
        self.sum(|folder| status(folder, "VmHWM"))
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
