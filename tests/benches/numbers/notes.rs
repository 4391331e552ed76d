//! Notes: how well they are found, beside what SQLite and plain tantivy find, and how fast.
//!
//! The texts are fetched at run time, see [`texts`]. `JARVIS_BENCH_QUERIES=FOLDER` takes other queries: a
//! folder as `tests/python/note_queries.py` writes it; `JARVIS_BENCH_SEED` draws others from the same text.
//! `JARVIS_BENCH_POEMS=N` takes only some of the poems.

mod peers;
mod poems;
mod relevance;
mod texts;

use std::collections::HashMap;

use anyhow::Result;
use jarvis_brain::note::index::{Found, NoteDoc, NoteIndex, Scope};
use jarvis_brain::note::query::Query;

use crate::table::Table;

/// The notebook of all notes of the benches.
const NOTEBOOK: u64 = 1;

/// How well and how fast.
pub(crate) fn find(table: &mut Table) -> Result<()> {
    print!("{}", relevance::of_known_items()?);
    println!();
    poems::at_scale(table)
}

/// Whether this was a process of one of these benches, which is over now.
pub(crate) fn own_process(arguments: impl Iterator<Item = String>) -> Result<bool> {
    poems::own_process(arguments)
}

fn note(number: u64, text: String) -> NoteDoc {
    NoteDoc {
        number,
        notebook: NOTEBOOK,
        text,
        ..NoteDoc::default()
    }
}

/// The first ten notes.
fn search(index: &NoteIndex, typed: &str) -> Result<Found> {
    let scope = Scope {
        notebooks: vec![NOTEBOOK],
        ..Scope::default()
    };
    Ok(index.search(&Query::parse(typed), &scope, &HashMap::new(), 0, 10)?)
}
