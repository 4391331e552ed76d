//! Changes that no commit holds yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Change, NoteDoc};
use crate::note::query::Plan;
use crate::note::tokenizer::{Form, Terms, Token};

/// A note with its terms in order; nothing when it was removed.
type Analysed = Option<Arc<(NoteDoc, Terms)>>;

/// The newest change of each note that waits.
#[derive(Debug, Default)]
pub(super) struct Pending(BTreeMap<u64, Waiting>);

#[derive(Debug)]
pub(super) struct Waiting {
    sequence: i64,
    /// Nothing when the note was removed.
    doc: Analysed,
    /// Whether a commit holds an earlier state of it.
    is_stale: bool,
}

/// What a commit took.
#[derive(Debug)]
pub(super) struct Taken {
    sequence: i64,
    pub(super) docs: Vec<(u64, Analysed)>,
}

impl Pending {
    /// Takes in a change. `is_stale` says whether a commit holds an earlier state of its note.
    pub(super) fn put(
        &mut self,
        change: Change,
        terms: Option<Terms>,
        is_stale: impl FnOnce(u64) -> bool,
    ) {
        let before = self.0.get(&change.number);
        if before.is_some_and(|waiting| waiting.sequence > change.sequence) {
            return;
        }
        let is_stale = before.map_or_else(|| is_stale(change.number), |waiting| waiting.is_stale);
        let waiting = Waiting {
            sequence: change.sequence,
            doc: change.doc.zip(terms).map(Arc::new),
            is_stale,
        };
        self.0.insert(change.number, waiting);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes whose state in the index does not count any more.
    pub(super) fn stale(&self) -> impl Iterator<Item = u64> + '_ {
        let stale = self.0.iter().filter(|(_, waiting)| waiting.is_stale);
        stale.map(|(number, _)| *number)
    }

    /// Everything up to a change.
    pub(super) fn taken(&self, sequence: i64) -> Taken {
        let up_to = self
            .0
            .iter()
            .filter(|(_, waiting)| waiting.sequence <= sequence);
        Taken {
            sequence,
            docs: up_to
                .map(|(number, waiting)| (*number, waiting.doc.clone()))
                .collect(),
        }
    }

    /// What a commit took need not be kept, unless it changed again meanwhile. `is_stale` says of what
    /// stays whether the index now holds an earlier state of it.
    pub(super) fn forget(&mut self, taken: &Taken, is_stale: impl Fn(u64) -> bool) {
        for (number, _) in &taken.docs {
            let waiting = self.0.get(number);
            if waiting.is_some_and(|waiting| waiting.sequence <= taken.sequence) {
                self.0.remove(number);
            }
        }
        for (number, waiting) in &mut self.0 {
            waiting.is_stale = is_stale(*number);
        }
    }

    /// Notes that were not removed.
    pub(super) fn docs(&self) -> impl Iterator<Item = (&NoteDoc, &Terms)> + '_ {
        self.0.values().filter_map(|waiting| {
            let (doc, terms) = waiting.doc.as_deref()?;
            Some((doc, terms))
        })
    }

    /// Notes that fit a plan, with a score that compares with that of the index.
    pub(super) fn search<'a>(
        &'a self,
        plan: Option<&'a Plan>,
    ) -> impl Iterator<Item = (&'a NoteDoc, f32)> + 'a {
        self.0.values().filter_map(move |waiting| {
            let (doc, terms) = waiting.doc.as_deref()?;
            let score = plan.map_or(Some(1.0), |plan| score(terms, plan))?;
            Some((doc, score))
        })
    }
}

/// What a term is worth; the index weighs rare terms, this list is too short for that.
const TERM_SCORE: f32 = 6.0;

/// How well a note with these terms fits.
fn score(terms: &Terms, plan: &Plan) -> Option<f32> {
    match plan {
        Plan::Term(form, text) => has(terms, *form, text).then_some(TERM_SCORE),
        Plan::Phrase(form, units) => has_phrase(terms, *form, units).then_some(TERM_SCORE * 2.0),
        Plan::Fuzzy(word) => {
            any_latin(terms, |other| strsim::osa_distance(word, other) <= 1).then_some(TERM_SCORE)
        }
        Plan::Prefix(begun) => {
            any_latin(terms, |other| other.starts_with(begun)).then_some(TERM_SCORE)
        }
        Plan::All(all) => {
            let mut sum = 0.0;
            for plan in all {
                sum += score(terms, plan)?;
            }
            Some(sum)
        }
        Plan::Any(ways) => {
            let scores = ways
                .iter()
                .filter_map(|(weight, plan)| Some(weight * score(terms, plan)?));
            scores.reduce(|sum, score| sum + score)
        }
        Plan::Not(plan) => score(terms, plan).is_none().then_some(0.0),
    }
}

/// Whether a term stands in a note.
pub(super) fn has(terms: &Terms, form: Form, text: &str) -> bool {
    !places(terms, form, text).is_empty()
}

/// Where a term stands; the terms are in order.
fn places<'a>(terms: &'a Terms, form: Form, text: &str) -> &'a [Token] {
    let all = terms.of(form);
    let start = all.partition_point(|token| token.text.as_str() < text);
    let length = all[start..].partition_point(|token| token.text == text);
    &all[start..start + length]
}

fn has_phrase(terms: &Terms, form: Form, units: &[(usize, String)]) -> bool {
    let Some(((_, first), others)) = units.split_first() else {
        return false;
    };
    let others: Vec<_> = others
        .iter()
        .map(|(distance, unit)| (distance, places(terms, form, unit)))
        .collect();
    places(terms, form, first).iter().any(|start| {
        others.iter().all(|(distance, places)| {
            let wanted = start.position + *distance;
            places
                .binary_search_by_key(&wanted, |token| token.position)
                .is_ok()
        })
    })
}

fn any_latin(terms: &Terms, fits: impl Fn(&str) -> bool) -> bool {
    terms.of(Form::Latin).iter().any(|token| fits(&token.text))
}
