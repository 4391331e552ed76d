//! Where a note shows what was searched for.
//!
//! It is looked for in the same steps in which the index widens a query: as it was typed, as it
//! sounds, with a letter wrong, as it may sound.

use std::ops::Range;

use super::fold::Folded;
use super::query::{Mark, Query};
use super::tokenizer::{self, Run};

/// Where words of the query stand in the original text, in order and apart from each other.
pub(crate) fn places(folded: &Folded, query: &Query) -> Vec<Range<usize>> {
    let text = folded.text();
    let runs = tokenizer::runs(text);
    let mut places: Vec<Range<usize>> = Vec::new();
    for mark in query.marks() {
        match mark {
            Mark::Phrase(phrase) => {
                let whole = all(text, &phrase);
                if whole.is_empty() {
                    for run in tokenizer::runs(&phrase) {
                        places.extend(of_run(text, &runs, &phrase[run.range], run.is_dense));
                    }
                }
                places.extend(whole);
            }
            Mark::Prefix(begun) => {
                places.extend(words(&runs).filter_map(|run| {
                    let pieces = tokenizer::pieces(&text[run.range.clone()]);
                    let piece = pieces.into_iter().find(|piece| piece.starts_with(&begun))?;
                    Some(place_of(text, piece))
                }));
            }
            Mark::Word {
                text: word,
                is_dense,
            } => {
                places.extend(of_run(text, &runs, &word, is_dense));
            }
        }
    }
    places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let mut end = 0;
    places.retain(|place| {
        let is_apart = place.start >= end && place.start < place.end;
        if is_apart {
            end = place.end;
        }
        is_apart
    });
    places
        .into_iter()
        .map(|place| folded.original(place))
        .collect()
}

/// Latin words of a text.
fn words(runs: &[Run]) -> impl Iterator<Item = &Run> {
    runs.iter().filter(|run| !run.is_dense)
}

fn of_run(text: &str, runs: &[Run], word: &str, is_dense: bool) -> Vec<Range<usize>> {
    if is_dense {
        of_dense(text, word)
    } else {
        of_latin(text, runs, word)
    }
}

/// A Chinese run: as a whole, or its words.
fn of_dense(text: &str, word: &str) -> Vec<Range<usize>> {
    let whole = all(text, word);
    if !whole.is_empty() {
        return whole;
    }
    let words = tokenizer::words(word).into_iter();
    let long = words.filter(|word| word.chars().count() > 1);
    long.flat_map(|word| all(text, word)).collect()
}

/// A Latin word: itself, or what the index takes for it.
fn of_latin(text: &str, runs: &[Run], word: &str) -> Vec<Range<usize>> {
    let written = |fits: &dyn Fn(&str) -> bool| -> Vec<Range<usize>> {
        words(runs)
            .filter_map(|run| {
                let pieces = tokenizer::pieces(&text[run.range.clone()]);
                let piece = pieces.into_iter().find(|piece| fits(piece))?;
                Some(place_of(text, piece))
            })
            .collect()
    };
    let heard = |sound: fn(&str, &str) -> Vec<Range<usize>>| -> Vec<Range<usize>> {
        let dense = runs.iter().filter(|run| run.is_dense);
        dense
            .flat_map(|run| {
                let start = run.range.start;
                let inside = sound(&text[run.range.clone()], word).into_iter();
                inside.map(move |place| start + place.start..start + place.end)
            })
            .collect()
    };
    let word = tokenizer::clipped(word);
    let length = word.chars().count();
    let nearly = |piece: &str| {
        piece.chars().count().abs_diff(length) <= 1 && strsim::osa_distance(word, piece) <= 1
    };
    let mut found = written(&|piece| piece == word);
    if found.is_empty() {
        found = heard(tokenizer::words_that_sound);
    }
    if found.is_empty() && length >= 4 {
        found = written(&nearly);
    }
    if found.is_empty() {
        found = heard(tokenizer::parts_that_sound);
    }
    if found.is_empty() && length == 3 {
        found = written(&nearly);
    }
    found
}

fn all(text: &str, part: &str) -> Vec<Range<usize>> {
    if part.is_empty() {
        return Vec::new();
    }
    let found = text.match_indices(part);
    found.map(|(at, part)| at..at + part.len()).collect()
}

/// Where a part of a text stands in it.
fn place_of(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    start..start + part.len()
}
