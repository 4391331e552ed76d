//! `echo hi` on one node and on a hundred.

use std::collections::HashSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jarvis_proto::node::{Ended, ended, run_ended};

use crate::in_runtime;
use crate::network::{Network, echo_hi};
use crate::table::{Goal, Table, Times};

const ROUNDS: usize = 300;
const NODES: usize = 100;
const FAN_OUTS: usize = 30;

/// From the order to its ending, against starting and reading the same shell here.
pub(crate) fn one_node(table: &mut Table) -> Result<()> {
    let (floor, ours) = in_runtime(async { pairs(Network::in_process(1).await?).await })?;
    let what = "`echo hi` on a node in this process; floor a local spawn";
    table.times(what, &floor, &ours, Goal::AtMost(1.5));
    let (floor, ours) = in_runtime(async { pairs(Network::process().await?).await })?;
    let what = "`echo hi` on a `jarvis-node` process; floor a local spawn";
    table.times(what, &floor, &ours, Goal::AtMost(1.5));
    Ok(())
}

async fn pairs(mut network: Network) -> Result<(Times, Times)> {
    let (mut floor, mut ours) = (Times::default(), Times::default());
    for round in 0..ROUNDS + 20 {
        let begun = Instant::now();
        spawn_and_read()?;
        let local = begun.elapsed();

        let begun = Instant::now();
        let id = network.send(0, echo_hi()).await?;
        let ended = network.ended(HashSet::from([id])).await?;
        let remote = begun.elapsed();
        said_hi(&ended[0])?;
        network.acknowledge(0, &ended[0]).await?;
        // The first ones warm up.
        if round >= 20 {
            floor.push(local);
            ours.push(remote);
        }
    }
    network.stop().await?;
    Ok((floor, ours))
}

/// One order to each of a hundred nodes, against as many shells that are all started before the first
/// is read.
pub(crate) fn fan_out(table: &mut Table) -> Result<()> {
    let (floor, ours) = in_runtime(async {
        let mut network = Network::in_process(NODES).await?;
        let (mut floor, mut ours) = (Times::default(), Times::default());
        for _ in 0..FAN_OUTS {
            floor.push(spawn_many(NODES)?);
            ours.push(order_many(&mut network).await?);
        }
        network.stop().await?;
        Ok((floor, ours))
    })?;
    let what = "`echo hi` on 100 nodes; floor 100 local spawns in parallel";
    table.times(what, &floor, &ours, Goal::AtMost(1.5));
    Ok(())
}

async fn order_many(network: &mut Network) -> Result<Duration> {
    let begun = Instant::now();
    let mut open = HashSet::new();
    for node in 0..NODES {
        open.insert(network.send(node, echo_hi()).await?);
    }
    let ended = network.ended(open).await?;
    let took = begun.elapsed();
    ended.iter().try_for_each(said_hi)?;
    Ok(took)
}

fn said_hi(ended: &Ended) -> Result<()> {
    let Some(ended::Outcome::Run(run)) = &ended.outcome else {
        anyhow::bail!("not run: {ended:?}");
    };
    ensure!(run.how == Some(run_ended::How::ExitCode(0)) && &run.stdout_tail[..] == b"hi\n");
    Ok(())
}

fn shell() -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "echo hi"]).stdin(Stdio::null());
    command
}

fn spawn_and_read() -> Result<()> {
    let output = shell().output()?;
    ensure!(output.stdout == b"hi\n");
    Ok(())
}

/// A thread for each core, which starts its share and then reads it.
pub(crate) fn spawn_many(count: usize) -> Result<Duration> {
    let threads = std::thread::available_parallelism()?.get();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let share = |first: usize| {
            move || -> Result<()> {
                let started: Vec<_> = (first..count)
                    .step_by(threads)
                    .map(|_| {
                        shell()
                            .stdout(Stdio::piped())
                            .stderr(Stdio::piped())
                            .spawn()
                    })
                    .collect::<Result<_, _>>()?;
                for child in started {
                    ensure!(child.wait_with_output()?.stdout == b"hi\n");
                }
                Ok(())
            }
        };
        let running: Vec<_> = (0..threads)
            .map(|first| scope.spawn(share(first)))
            .collect();
        for thread in running {
            thread.join().ok().context("a spawning thread panicked")??;
        }
        Ok(begun.elapsed())
    })
}
