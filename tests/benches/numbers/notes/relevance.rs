//! Queries whose answers are known: who finds them?

use std::time::Instant;

use anyhow::Result;
use jarvis_brain::note::index::NoteIndex;
use tempfile::TempDir;

use super::peers::{Fts5, Plain};
use super::texts::{Known, known_items};
use super::{note, search};
use crate::table::{Grid, Times, show};

/// What is looked at.
const SHOWN: usize = 10;

/// How well queries were answered.
#[derive(Default)]
struct Score {
    queries: f64,
    recall: f64,
    precision: f64,
    reciprocal: f64,
}

impl Score {
    fn add(&mut self, found: &[u64], answers: &[u64]) {
        let is_answer = |number: &&u64| answers.contains(number);
        let shown = &found[..found.len().min(SHOWN)];
        let hits = shown.iter().filter(is_answer).count() as f64;
        self.queries += 1.0;
        self.recall += hits / answers.len().clamp(1, SHOWN) as f64;
        self.precision += hits / shown.len().max(1) as f64;
        let first = shown.iter().position(|number| is_answer(&number));
        self.reciprocal += first.map_or(0.0, |place| 1.0 / (place + 1) as f64);
    }
}

/// Somebody who finds notes.
type Finder<'a> = (&'a str, Box<dyn Fn(&str) -> Result<Vec<u64>> + 'a>);

/// The set of each kind of query, and what share of the answers must be found.
fn goal(set: &str) -> Option<f64> {
    Some(match set {
        "word" | "typo" => 0.94,
        "two" | "phrase" | "character" | "char1" | "latin" | "mixed" => 0.99,
        "traditional" | "trad" => 0.98,
        "initials" => 0.86,
        "pinyin" => 0.88,
        _ => return None,
    })
}

/// A table of all kinds of queries.
pub(super) fn of_known_items() -> Result<Grid> {
    let (paragraphs, queries) = known_items()?;
    let fts5 = Fts5::new(&paragraphs)?;
    let mut plain = Plain::new();
    plain.add(paragraphs.iter().map(|one| (one.id, one.text.as_str())))?;
    let folder = TempDir::with_prefix("jarvis-bench.")?;
    let (ours, _) = NoteIndex::open(folder.path())?;
    let docs: Vec<_> = paragraphs
        .iter()
        .map(|one| note(one.id, one.text.clone()))
        .collect();
    for some in docs.chunks(500) {
        ours.add_all(some)?;
    }
    ours.commit(1)?;
    let finders: [Finder<'_>; 3] = [
        ("FTS5 trigram", Box::new(|typed| fts5.search(typed))),
        ("tantivy, jieba", Box::new(|typed| plain.search(typed))),
        (
            "Jarvis",
            Box::new(|typed| {
                let found = search(&ours, typed)?;
                Ok(found.hits.iter().map(|hit| hit.number).collect())
            }),
        ),
    ];
    measure(&queries, &finders)
}

fn measure(queries: &[Known], finders: &[Finder<'_>; 3]) -> Result<Grid> {
    let mut sets: Vec<&str> = Vec::new();
    for query in queries {
        if !sets.contains(&query.set.as_str()) {
            sets.push(&query.set);
        }
    }
    let mut grid = Grid::new(["known items", "queries"]);
    for (name, _) in finders {
        grid.column(name);
    }
    grid.column("goal");
    let mut times: [Times; 3] = std::array::from_fn(|_| Times::default());
    let mut words = None;
    for set in sets {
        let mut scores: [Score; 3] = std::array::from_fn(|_| Score::default());
        for query in queries.iter().filter(|query| query.set == set) {
            for (number, (_, find)) in finders.iter().enumerate() {
                let begun = Instant::now();
                let found = find(&query.q)?;
                times[number].push(begun.elapsed());
                scores[number].add(&found, &query.answers);
            }
        }
        let count = scores[0].queries;
        let shares = scores.each_ref().map(|score| score.recall / count);
        row(
            &mut grid,
            format!("recall@10, {set}"),
            count,
            shares,
            goal(set),
        );
        if set == "word" {
            words = Some(scores);
        }
    }
    if let Some(scores) = words {
        let count = scores[0].queries;
        let precision = scores.each_ref().map(|score| score.precision / count);
        row(
            &mut grid,
            "precision@10, word".into(),
            count,
            precision,
            Some(0.90),
        );
        let reciprocal = scores.each_ref().map(|score| score.reciprocal / count);
        row(
            &mut grid,
            "mean reciprocal rank, word".into(),
            count,
            reciprocal,
            Some(0.94),
        );
    }
    for (name, share) in [("median", 0.5), ("p99", 0.99)] {
        let mut cells = vec![
            format!("time of a query, {name}"),
            queries.len().to_string(),
        ];
        cells.extend(times.iter().map(|times| show(times.quantile(share))));
        cells.push(String::new());
        grid.row(cells);
    }
    Ok(grid)
}

fn row(grid: &mut Grid, what: String, count: f64, shares: [f64; 3], goal: Option<f64>) {
    let mut cells = vec![what, count.to_string()];
    cells.extend(shares.map(|share| format!("{share:.3}")));
    let wanted = goal.map(|goal| {
        // What is shown as met is met.
        let missed = (shares[2] * 1e3).round() / 1e3 < goal;
        format!("≥ {goal:.2}{}", if missed { " missed" } else { "" })
    });
    cells.push(wanted.unwrap_or_default());
    grid.row(cells);
}
