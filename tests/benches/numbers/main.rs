//! The numbers of `docs/performance.md`: what Jarvis needs for something, beside a floor that is taken
//! in the same run, turn by turn, so that a busy machine slows both.
//!
//! `cargo bench -p jarvis-tests` measures everything but what takes minutes; words after `--` choose, for
//! example `cargo bench -p jarvis-tests -- echo chat`, or `-- faults`. Rows with processes need
//! `cargo build --release --workspace --bins` before.

mod chat;
mod echo;
mod faults;
mod files;
mod load;
mod memory;
mod network;
mod notes;
mod order;
mod table;
mod thousand;
mod translate;

use anyhow::Result;
use jarvis_tests::farm::Farm;

use crate::table::Table;

/// One bench: the word that chooses it, and what it does.
type Bench = (&'static str, fn(&mut Table) -> Result<()>);

const BENCHES: [Bench; 8] = [
    ("order", order::sign_and_verify),
    ("echo", echo::one_node),
    ("fan-out", echo::fan_out),
    ("files", files::put_and_get),
    ("memory", memory::of_a_node),
    ("chat", chat::version),
    ("load", load::commands),
    ("translate", translate::talk),
];

/// What takes minutes: only when it is named.
const LONG: [Bench; 3] = [
    ("notes", notes::find),
    ("faults", faults::nothing_is_lost),
    ("thousand", thousand::nodes_at_once),
];

fn main() -> Result<()> {
    if let Some(farm) = Farm::asked_for(std::env::args().skip(1))? {
        return farm.run();
    }
    if notes::own_process(std::env::args().skip(1))? || load::own_process(std::env::args().skip(1))?
    {
        return Ok(());
    }
    // Cargo adds `--bench` by itself.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let mut table = Table::default();
    let is_named = |name: &str| wanted.iter().any(|word| word == name);
    let short = BENCHES
        .into_iter()
        .filter(|(name, _)| wanted.is_empty() || is_named(name));
    let long = LONG.into_iter().filter(|(name, _)| is_named(name));
    for (name, bench) in short.chain(long) {
        eprintln!("{name} …");
        bench(&mut table)?;
    }
    print!("{table}");
    Ok(())
}

/// Runs a bench as a task of a runtime like that of `jarvis up`.
fn in_runtime<T: Send + 'static>(
    bench: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async { tokio::spawn(bench).await? })
}
