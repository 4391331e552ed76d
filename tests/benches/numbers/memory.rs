//! Resident memory of a `jarvis-node` process, from `/proc`.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::files::Files;
use crate::in_runtime;
use crate::network::echo_hi;
use crate::table::{Goal, Table};

const JOBS: usize = 300;
const AT_ONCE: usize = 20;
const FILE_MIB: usize = 256;

/// Idle, after some hundred jobs, and at most while a file comes and goes.
pub(crate) fn of_a_node(table: &mut Table) -> Result<()> {
    let measured = in_runtime(async {
        let mut bench = Files::new(FILE_MIB).await?;
        let process = bench.network.node_process()?.running()?.id();
        let folder = format!("/proc/{}", process.context("the node has ended")?);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let idle = status(&folder, "VmRSS")?;
        for _ in 0..JOBS / AT_ONCE {
            let mut open = HashSet::new();
            for _ in 0..AT_ONCE {
                open.insert(bench.network.send(0, echo_hi()).await?);
            }
            for ended in bench.network.ended(open).await? {
                bench.network.acknowledge(0, &ended).await?;
            }
        }
        let after_jobs = status(&folder, "VmRSS")?;
        let mut peaks = [0.0; 2];
        for (peak, is_put) in peaks.iter_mut().zip([true, false]) {
            // Sets the peak back to what is resident now.
            fs::write(format!("{folder}/clear_refs"), "5")?;
            if is_put {
                bench.put().await?
            } else {
                bench.get().await?
            };
            *peak = status(&folder, "VmHWM")?;
        }
        bench.network.stop().await?;
        Ok([idle, after_jobs, peaks[0], peaks[1]])
    })?;
    let rows = [
        ("MB of a node, idle", 7.0),
        ("MB of a node, after 300 jobs", 10.0),
        ("MB of a node, at most during a put of 256 MiB", 20.0),
        ("MB of a node, at most during a get of 256 MiB", 20.0),
    ];
    for ((what, most), megabytes) in rows.into_iter().zip(measured) {
        let ours = (format!("{megabytes:.1}"), megabytes);
        table.row(what, (String::new(), f64::NAN), ours, Goal::Bound(most));
    }
    Ok(())
}

/// A field of a process's status, in megabytes.
pub(crate) fn status(folder: &str, name: &str) -> Result<f64> {
    field(&format!("{folder}/status"), name)
}

/// A field of a file that counts in kilobytes, in megabytes.
pub(crate) fn field(file: &str, name: &str) -> Result<f64> {
    let text = fs::read_to_string(file)?;
    let kib: f64 = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .and_then(|rest| rest.split_whitespace().next())
        .context("no such field")?
        .parse()?;
    Ok(kib * 1024.0 / 1e6)
}
