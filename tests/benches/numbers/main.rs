//! The numbers of `docs/performance.md`: what Jarvis needs for something, beside a floor that is taken
//! in the same run, turn by turn, so that a busy machine slows both.
//!
//! `cargo bench -p jarvis-tests` measures everything; words after `--` choose, for example
//! `cargo bench -p jarvis-tests -- echo chat`. Rows with a `jarvis-node` process need
//! `cargo build --profile node -p jarvis-node` before.

mod chat;
mod echo;
mod files;
mod memory;
mod network;
mod order;
mod table;

use anyhow::Result;

use crate::table::Table;

/// One bench: the word that chooses it, and what it does.
type Bench = (&'static str, fn(&mut Table) -> Result<()>);

const BENCHES: [Bench; 6] = [
    ("order", order::sign_and_verify),
    ("echo", echo::one_node),
    ("fan-out", echo::fan_out),
    ("files", files::put_and_get),
    ("memory", memory::of_a_node),
    ("chat", chat::version),
];

fn main() -> Result<()> {
    // Cargo adds `--bench` by itself.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let mut table = Table::default();
    for (name, bench) in BENCHES {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            eprintln!("{name} …");
            bench(&mut table)?;
        }
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
