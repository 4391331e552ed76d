//! Random faults against a whole site of processes: what was ordered, lost and done twice.
//!
//! `JARVIS_FAULTS=N` and `JARVIS_FAULT_SEED=N` choose how many, and which.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use jarvis_tests::faults::{Plan, run};

use crate::in_runtime;
use crate::table::Table;

const FAULTS: u64 = 2_000;
const SEED: u64 = 20;
const NODES: usize = 4;

/// Breaks everything, and prints the counts.
pub(crate) fn nothing_is_lost(_: &mut Table) -> Result<()> {
    let plan = Plan {
        seed: number("JARVIS_FAULT_SEED", SEED)?,
        faults: usize::try_from(number("JARVIS_FAULTS", FAULTS)?)?,
        nodes: NODES,
        keep: Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults"),
    };
    let report = in_runtime(async move { run(&plan).await })?;
    print!("{report}");
    ensure!(report.is_clean(), "something was lost or done twice");
    Ok(())
}

/// A number from the environment.
fn number(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text}")),
        Err(_) => Ok(default),
    }
}
