//! Changes that no commit holds yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Change, NoteDoc};
use crate::note::query::Plan;
use crate::note::tokenizer::{Form, Terms};

/// A note with its terms; nothing when it was removed.
type Analysed = Option<Arc<(NoteDoc, Terms)>>;

/// The newest change of each note that waits.
#[derive(Debug, Default)]
pub(super) struct Pending(BTreeMap<u64, Waiting>);

#[derive(Debug)]
pub(super) struct Waiting {
    sequence: i64,
    /// Nothing when the note was removed.
    doc: Analysed,
    /// Where each term of the note stands.
    places: HashMap<(Form, String), Vec<usize>>,
}

/// What a commit took.
#[derive(Debug)]
pub(super) struct Taken {
    sequence: i64,
    pub(super) docs: Vec<(u64, Analysed)>,
}

impl Pending {
    pub(super) fn put(&mut self, change: Change, terms: Option<Terms>) {
        if self
            .0
            .get(&change.number)
            .is_some_and(|waiting| waiting.sequence > change.sequence)
        {
            return;
        }
        let mut places: HashMap<(Form, String), Vec<usize>> = HashMap::new();
        for form in Form::ALL {
            for token in terms.iter().flat_map(|terms| terms.of(form)) {
                places
                    .entry((form, token.text.clone()))
                    .or_default()
                    .push(token.position);
            }
        }
        let waiting = Waiting {
            sequence: change.sequence,
            doc: change.doc.zip(terms).map(Arc::new),
            places,
        };
        self.0.insert(change.number, waiting);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes whose state in the index does not count any more.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.keys().copied()
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

    /// What a commit took need not be kept, unless it changed again meanwhile.
    pub(super) fn forget(&mut self, taken: &Taken) {
        for (number, _) in &taken.docs {
            if self
                .0
                .get(number)
                .is_some_and(|waiting| waiting.sequence <= taken.sequence)
            {
                self.0.remove(number);
            }
        }
    }

    /// Notes that were not removed.
    pub(super) fn docs(&self) -> impl Iterator<Item = (&NoteDoc, &Waiting)> + '_ {
        self.0.values().filter_map(|waiting| {
            let (doc, _) = waiting.doc.as_deref()?;
            Some((doc, waiting))
        })
    }

    /// Notes that fit a plan, with a score that compares with that of the index.
    pub(super) fn search<'a>(
        &'a self,
        plan: Option<&'a Plan>,
    ) -> impl Iterator<Item = (&'a NoteDoc, f32)> + 'a {
        self.0.values().filter_map(move |waiting| {
            let (doc, _) = waiting.doc.as_deref()?;
            let score = plan.map_or(Some(1.0), |plan| waiting.score(plan))?;
            Some((doc, score))
        })
    }
}

/// What a term is worth; the index weighs rare terms, this list is too short for that.
const TERM_SCORE: f32 = 6.0;

impl Waiting {
    fn score(&self, plan: &Plan) -> Option<f32> {
        match plan {
            Plan::Term(form, text) => self.places(*form, text).map(|_| TERM_SCORE),
            Plan::Phrase(form, units) => self.has_phrase(*form, units).then_some(TERM_SCORE * 2.0),
            Plan::Fuzzy(word) => self
                .any_latin(|other| strsim::osa_distance(word, other) <= 1)
                .then_some(TERM_SCORE),
            Plan::Prefix(begun) => self
                .any_latin(|other| other.starts_with(begun))
                .then_some(TERM_SCORE),
            Plan::All(all) => {
                let mut sum = 0.0;
                for plan in all {
                    sum += self.score(plan)?;
                }
                Some(sum)
            }
            Plan::Any(ways) => {
                let scores = ways
                    .iter()
                    .filter_map(|(weight, plan)| Some(weight * self.score(plan)?));
                scores.reduce(|sum, score| sum + score)
            }
            Plan::Not(plan) => self.score(plan).is_none().then_some(0.0),
        }
    }

    /// How often a term stands in it.
    pub(super) fn has(&self, form: Form, text: &str) -> bool {
        self.places(form, text).is_some()
    }

    fn places(&self, form: Form, text: &str) -> Option<&Vec<usize>> {
        self.places.get(&(form, text.to_owned()))
    }

    fn has_phrase(&self, form: Form, units: &[(usize, String)]) -> bool {
        let Some((_, first)) = units.first() else {
            return false;
        };
        let starts = self.places(form, first).into_iter().flatten();
        starts.into_iter().any(|start| {
            units.iter().all(|(distance, unit)| {
                self.places(form, unit)
                    .is_some_and(|places| places.contains(&(start + distance)))
            })
        })
    }

    fn any_latin(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.places
            .keys()
            .any(|(form, text)| *form == Form::Latin && fits(text))
    }
}
