//! Searching: what was committed and what waits, in one answer.

use std::collections::HashMap;
use std::ops::Bound;

use tantivy::collector::{Count, TopDocs};
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, FuzzyTermQuery, Occur, PhraseQuery,
    Query as IndexQuery, RangeQuery, RegexQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Order, Term};

use super::{IndexError, NoteDoc, NoteIndex};
use crate::note::fold::fold;
use crate::note::query::{Plan, Query};
use crate::note::tokenizer::Form;

/// Numbers that are looked for one by one.
const FEW: usize = 32;

/// Where to search: only in notes that the asker may read.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Numbers of the notebooks, of which each may be read by whoever asks.
    pub notebooks: Vec<u64>,
    /// Numbers of accounts, one of which must have written a note; empty = anybody.
    pub authors: Vec<u64>,
    /// Tags that a note must have.
    pub tags: Vec<String>,
    /// Least time of change, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// Time of change must be less, Unix milliseconds.
    pub until_ms: Option<i64>,
    /// Only with files.
    pub has_file: bool,
}

/// A note that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its number.
    pub number: u64,
    /// How well it fits; only comparable within one answer.
    pub score: f32,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The best, in order.
    pub hits: Vec<Hit>,
    /// How many there are in all.
    pub total: usize,
    /// How far the query had to be widened: 0 = not at all.
    pub tier: usize,
}

impl NoteIndex {
    /// Finds notes within `scope`: the `limit` best after the first `skip`. Takes less than a
    /// millisecond as a rule and reads files: call it on a blocking thread.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn search(
        &self,
        query: &Query,
        scope: &Scope,
        synonyms: &HashMap<String, Vec<String>>,
        skip: usize,
        limit: usize,
    ) -> Result<Found, IndexError> {
        if scope.notebooks.is_empty() || query.is_empty() {
            return Ok(Found::default());
        }
        if query.has_no_words() {
            return self.search_plan(None, scope, skip, limit);
        }
        for tier in 0..query.tiers() {
            let plan = query.plan(tier, synonyms);
            let found = self.search_plan(Some(&plan), scope, skip, limit)?;
            if found.total > 0 {
                return Ok(Found { tier, ..found });
            }
        }
        Ok(Found::default())
    }

    fn search_plan(
        &self,
        plan: Option<&Plan>,
        scope: &Scope,
        skip: usize,
        limit: usize,
    ) -> Result<Found, IndexError> {
        let state = self.state();
        let searcher = state.searcher.clone();
        let mut waiting: Vec<(i64, Hit)> = state
            .pending
            .search(plan)
            .filter(|(doc, _)| scope.admits(doc))
            .map(|(doc, score)| {
                (
                    doc.time_ms,
                    Hit {
                        number: doc.number,
                        score,
                    },
                )
            })
            .collect();
        let uncommitted = waiting.len();
        let mut clauses = self.scope_clauses(scope);
        let mut stale = state.pending.stale().peekable();
        if stale.peek().is_some() {
            clauses.push((Occur::MustNot, any_of(self.fields.number, &mut stale)));
        }
        drop(stale);
        drop(state);
        if let Some(plan) = plan {
            clauses.push((Occur::Must, self.compile(plan)?));
        }
        let query = BooleanQuery::new(clauses);
        // What waits may push out any of these, so as many as could be shown are needed.
        let wanted = (skip + limit).max(1);
        let numbers = |address: tantivy::DocAddress| -> Option<u64> {
            let column = searcher
                .segment_reader(address.segment_ord)
                .fast_fields()
                .u64("number")
                .ok()?;
            column.first(address.doc_id)
        };
        let mut hits: Vec<Hit> = Vec::new();
        let committed = if plan.is_some() {
            let (top, count) = searcher.search(
                &query,
                &(TopDocs::with_limit(wanted).order_by_score(), Count),
            )?;
            hits.extend(top.into_iter().filter_map(|(score, address)| {
                Some(Hit {
                    number: numbers(address)?,
                    score,
                })
            }));
            count
        } else {
            let newest =
                TopDocs::with_limit(wanted).order_by_fast_field::<i64>("time", Order::Desc);
            let (top, count) = searcher.search(&query, &(newest, Count))?;
            let timed = top.into_iter().filter_map(|(time, address)| {
                Some((
                    time?,
                    Hit {
                        number: numbers(address)?,
                        score: 1.0,
                    },
                ))
            });
            waiting.extend(timed);
            count
        };
        if plan.is_some() {
            hits.extend(waiting.into_iter().map(|(_, hit)| hit));
            hits.sort_by(|a, b| b.score.total_cmp(&a.score));
        } else {
            waiting.sort_by_key(|(time_ms, _)| std::cmp::Reverse(*time_ms));
            hits = waiting.into_iter().map(|(_, hit)| hit).collect();
        }
        Ok(Found {
            hits: hits.into_iter().skip(skip).take(limit).collect(),
            total: committed + uncommitted,
            tier: 0,
        })
    }

    pub(super) fn scope_clauses(&self, scope: &Scope) -> Vec<(Occur, Box<dyn IndexQuery>)> {
        let fields = &self.fields;
        // Filters choose, and say nothing about how well a note fits.
        let filter = |query: Box<dyn IndexQuery>| -> (Occur, Box<dyn IndexQuery>) {
            (Occur::Must, Box::new(ConstScoreQuery::new(query, 0.0)))
        };
        let set = |field, numbers: &[u64]| any_of(field, numbers.iter().copied());
        let mut clauses = vec![filter(set(fields.notebook, &scope.notebooks))];
        if !scope.authors.is_empty() {
            clauses.push(filter(set(fields.author, &scope.authors)));
        }
        for tag in &scope.tags {
            let term = Term::from_field_text(fields.tag, &fold(tag));
            clauses.push(filter(Box::new(TermQuery::new(
                term,
                IndexRecordOption::Basic,
            ))));
        }
        if scope.from_ms.is_some() || scope.until_ms.is_some() {
            let bound = |ms| Term::from_field_i64(fields.time, ms);
            let from = scope
                .from_ms
                .map_or(Bound::Unbounded, |ms| Bound::Included(bound(ms)));
            let until = scope
                .until_ms
                .map_or(Bound::Unbounded, |ms| Bound::Excluded(bound(ms)));
            clauses.push(filter(Box::new(RangeQuery::new(from, until))));
        }
        if scope.has_file {
            clauses.push(filter(set(fields.has_file, &[1])));
        }
        clauses
    }

    /// A plan as a query of the index.
    fn compile(&self, plan: &Plan) -> Result<Box<dyn IndexQuery>, IndexError> {
        let fields = &self.fields;
        let term = |form: Form, text: &str| Term::from_field_text(fields.of(form), text);
        Ok(match plan {
            Plan::Term(form, text) => Box::new(TermQuery::new(
                term(*form, text),
                IndexRecordOption::WithFreqs,
            )),
            Plan::Phrase(form, units) => {
                let terms = units
                    .iter()
                    .map(|(distance, unit)| (*distance, term(*form, unit)));
                Box::new(PhraseQuery::new_with_offset(terms.collect()))
            }
            Plan::Fuzzy(word) => Box::new(FuzzyTermQuery::new(term(Form::Latin, word), 1, true)),
            Plan::Prefix(begun) => {
                // Letters and digits only, so there is nothing to escape.
                Box::new(RegexQuery::from_pattern(
                    &format!("{begun}.*"),
                    fields.of(Form::Latin),
                )?)
            }
            Plan::All(all) => {
                let mut clauses = Vec::new();
                for plan in all {
                    clauses.push(match plan {
                        Plan::Not(plan) => (Occur::MustNot, self.compile(plan)?),
                        plan => (Occur::Must, self.compile(plan)?),
                    });
                }
                if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
                    let everything: Box<dyn IndexQuery> =
                        Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0));
                    clauses.push((Occur::Must, everything));
                }
                match <[_; 1]>::try_from(clauses) {
                    Ok([(Occur::Must, only)]) => only,
                    Ok(one) => Box::new(BooleanQuery::new(one.into())),
                    Err(clauses) => Box::new(BooleanQuery::new(clauses)),
                }
            }
            Plan::Any(ways) => {
                let mut clauses = Vec::new();
                for (weight, plan) in ways {
                    let query: Box<dyn IndexQuery> =
                        Box::new(BoostQuery::new(self.compile(plan)?, *weight));
                    clauses.push((Occur::Should, query));
                }
                Box::new(BooleanQuery::new(clauses))
            }
            Plan::Not(plan) => self.compile(&Plan::All(vec![Plan::Not(plan.clone())]))?,
        })
    }
}

/// Notes with any of these numbers in a field.
fn any_of(field: Field, numbers: impl Iterator<Item = u64>) -> Box<dyn IndexQuery> {
    let mut terms: Vec<Term> = numbers
        .map(|number| Term::from_field_u64(field, number))
        .collect();
    if terms.len() > FEW {
        return Box::new(TermSetQuery::new(terms));
    }
    // A set is read to its end before the search begins; terms are skipped through.
    let term =
        |term| -> Box<dyn IndexQuery> { Box::new(TermQuery::new(term, IndexRecordOption::Basic)) };
    match (terms.pop(), terms.is_empty()) {
        (Some(only), true) => term(only),
        (last, _) => Box::new(BooleanQuery::union(
            terms.into_iter().chain(last).map(term).collect(),
        )),
    }
}

impl Scope {
    pub(super) fn admits(&self, doc: &NoteDoc) -> bool {
        self.notebooks.contains(&doc.notebook)
            && (self.authors.is_empty()
                || doc
                    .authors
                    .iter()
                    .any(|author| self.authors.contains(author)))
            && self
                .tags
                .iter()
                .all(|tag| doc.tags.iter().any(|other| fold(other) == fold(tag)))
            && self.from_ms.is_none_or(|from_ms| doc.time_ms >= from_ms)
            && self.until_ms.is_none_or(|until_ms| doc.time_ms < until_ms)
            && (!self.has_file || doc.has_file)
    }
}
