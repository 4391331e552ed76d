//! A thousand nodes on one brain: real sessions, in a few processes beside it.
//!
//! `JARVIS_BENCH_NODES=N` chooses another number.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jarvis_adapters::BrainAddress;
use jarvis_tests::farm::{Fields, raise_file_limit};
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::Process;
use jarvis_tests::square::{Bot, Square, node_name};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::echo::spawn_many;
use crate::in_runtime;
use crate::memory::status;
use crate::table::{Goal, Table, Times, show};

const NODES: usize = 1_000;
/// Nodes in one process.
const EACH: usize = 250;
const ROUNDS: usize = 3;
/// What takes longer is broken.
const LIMIT: Duration = Duration::from_secs(120);
/// How often somebody asks for the version while all nodes come back.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What was measured.
struct Measured {
    nodes: usize,
    megabytes: [f64; 2],
    connect: Duration,
    local: Times,
    echo: Times,
    storms: [Storm; 2],
}

/// All nodes come back at once.
struct Storm {
    took: Duration,
    answers: Times,
}

/// Memory, reaching all, and two storms.
pub(crate) fn nodes_at_once(table: &mut Table) -> Result<()> {
    raise_file_limit()?;
    let measured = in_runtime(measure())?;
    let nodes = measured.nodes;
    let none = || (String::new(), f64::NAN);
    let seconds = |time: Duration| (show(time), time.as_secs_f64());
    let [before, after] = measured.megabytes;
    let each = (after - before) * 1e3 / nodes as f64;
    let mut row = |what: String, ours| table.row(what, none(), ours, Goal::None);
    row(
        "MB of a brain, no node connected".to_owned(),
        (format!("{before:.1}"), before),
    );
    row(
        format!("MB of a brain, {nodes} nodes connected"),
        (format!("{after:.1}"), after),
    );
    row(
        "kB of a brain for each connected node".into(),
        (format!("{each:.0}"), each),
    );
    row(
        format!("{nodes} nodes start and connect"),
        seconds(measured.connect),
    );
    for (name, storm) in ["the brain is killed and started", "all lines are cut"]
        .into_iter()
        .zip(&measured.storms)
    {
        row(
            format!("{name}: all {nodes} nodes are back"),
            seconds(storm.took),
        );
        for (quantile, share) in [("median", 0.5), ("p99", 0.99), ("longest", 1.0)] {
            let what = format!("… `version` meanwhile, {quantile}");
            row(what, seconds(storm.answers.quantile(share)));
        }
    }
    let what =
        format!("`run` of `echo hi` on {nodes} nodes, from chat to chat; floor local spawns");
    table.times(what, &measured.local, &measured.echo, Goal::None);
    Ok(())
}

async fn measure() -> Result<Measured> {
    let nodes = match std::env::var("JARVIS_BENCH_NODES") {
        Ok(text) => text.parse().context("JARVIS_BENCH_NODES")?,
        Err(_) => NODES,
    };
    // A thousand journals on one disk are not what is measured.
    let folder = TempDir::with_prefix_in("jarvis-bench.", "/dev/shm")
        .or_else(|_| TempDir::with_prefix("jarvis-bench."))?;
    let addresses = Fields::sow(folder.path(), nodes)?;
    let mut entries = String::new();
    for (number, address) in addresses.iter().enumerate() {
        let head = if number == 0 { "" } else { "[[node]]\n" };
        let name = node_name(number);
        writeln!(
            entries,
            "{head}name = \"{name}\"\naddress = \"{address}\"\ntags = [\"all\"]"
        )?;
    }
    let jarvis = Jarvis::new()?;
    jarvis.set_heartbeat("10s")?;
    jarvis.configure("[node]", &entries)?;
    let mut brain = jarvis.brain().await?;
    let root = jarvis.root().await?;
    let square = Square::default();
    let _bot = bot(&square, &jarvis)?;
    ensure!(square.ask(0, "version").await.contains("Jarvis"));
    let before = resident(&brain)?;
    let begun = Instant::now();
    let mut fields = Fields::start(folder.path(), &root, jarvis.nodes(), nodes, EACH).await?;
    connections(&brain, nodes).await?;
    let connect = begun.elapsed();
    sleep(Duration::from_secs(5)).await;
    let after = resident(&brain)?;
    let (mut local, mut echo) = (Times::default(), Times::default());
    for _ in 0..ROUNDS {
        local.push(tokio::task::spawn_blocking(move || spawn_many(nodes)).await??);
        let begun = Instant::now();
        let answer = timeout(LIMIT, square.ask(0, "run --yes tag:all echo hi")).await?;
        echo.push(begun.elapsed());
        ensure!(
            answer.contains(&format!("{nodes} of {nodes} nodes")),
            "{answer}"
        );
    }
    let asking = ask_all_the_time(&square);
    brain.kill().await?;
    let begun = Instant::now();
    brain = jarvis.brain().await?;
    connections(&brain, nodes).await?;
    let killed = Storm {
        took: begun.elapsed(),
        answers: asking.stop().await?,
    };
    // Sessions shorter than some seconds make nodes wait longer.
    sleep(Duration::from_secs(10)).await;
    let asking = ask_all_the_time(&square);
    let begun = Instant::now();
    fields.cut().await?;
    connections(&brain, 2 * nodes).await?;
    let cut = Storm {
        took: begun.elapsed(),
        answers: asking.stop().await?,
    };
    brain.kill().await?;
    Ok(Measured {
        nodes,
        megabytes: [before, after],
        connect,
        local,
        echo,
        storms: [killed, cut],
    })
}

fn bot(square: &Square, jarvis: &Jarvis) -> Result<AbortOnDropHandle<()>> {
    let socket = format!("unix:{}", jarvis.data().join("jarvis.sock").display());
    let brain: BrainAddress = socket.parse().map_err(anyhow::Error::msg)?;
    let bot = Bot {
        square: square.clone(),
        repeated: Arc::default(),
    };
    Ok(bot.live(brain, None))
}

/// Waits until the brain has said so often that a node connected.
async fn connections(brain: &Process, count: usize) -> Result<()> {
    let is_there = |said: &str| (said.matches("node connected").count() >= count).then_some(());
    let found = brain.err().find(0, LIMIT, is_there).await;
    found.with_context(|| {
        let said = brain.err().text();
        let came = said.matches("node connected").count();
        let end: String = said.lines().rev().take(20).collect::<Vec<_>>().join("\n");
        format!("{came} of {count} sessions came; the brain's last lines, newest first:\n{end}")
    })
}

fn resident(process: &Process) -> Result<f64> {
    let id = process.id().context("the brain has ended")?;
    status(&format!("/proc/{id}"), "VmRSS")
}

/// Somebody who asks for the version again and again.
struct Asking {
    stop: tokio_util::sync::CancellationToken,
    task: tokio::task::JoinHandle<Times>,
}

fn ask_all_the_time(square: &Square) -> Asking {
    let stop = tokio_util::sync::CancellationToken::new();
    let (square, stopped) = (square.clone(), stop.clone());
    let task = tokio::spawn(async move {
        let mut times = Times::default();
        while !stopped.is_cancelled() {
            let begun = Instant::now();
            square.ask(1, "version").await;
            times.push(begun.elapsed());
            sleep(ASK_EVERY).await;
        }
        times
    });
    Asking { stop, task }
}

impl Asking {
    async fn stop(self) -> Result<Times> {
        self.stop.cancel();
        Ok(timeout(LIMIT, self.task).await??)
    }
}
