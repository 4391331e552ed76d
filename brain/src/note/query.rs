//! What somebody searches for: words, phrases, alternatives, exclusions and filters.
//!
//! No query fails: what is odd is taken as text, what is too long is cut and said so.

use std::collections::HashMap;

use jiff::civil::Date;

use super::fold::{fold, is_han};
use super::tokenizer::{self, Form};

/// Characters of a query that are read.
const MOST_CHARACTERS: usize = 300;
/// Words and phrases of a query that are read.
const MOST_PARTS: usize = 24;

/// A query as it was understood.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// What to find; alternatives, of which each is a list of parts that must all be there.
    alternatives: Vec<Vec<Part>>,
    /// What else must hold.
    pub filters: Filters,
    /// Only the beginning was read.
    pub is_cut: bool,
}

/// One part of a query.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    text: PartText,
    is_excluded: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum PartText {
    /// A folded word, or several without a space.
    Words(String),
    /// A folded text that must stand just so.
    Phrase(String),
    /// The folded beginning of a word.
    Prefix(String),
}

/// Something to be marked where a note shows it; folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A text as it stands.
    Phrase(String),
    /// The beginning of a Latin word.
    Prefix(String),
    /// One run of characters.
    Word {
        /// The run.
        text: String,
        /// Whether it is written without spaces between words.
        is_dense: bool,
    },
}

/// Conditions on notes apart from their words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Names of notebooks, any of them.
    pub notebooks: Vec<String>,
    /// Tags, all of them, folded.
    pub tags: Vec<String>,
    /// Names of people who wrote, any of them.
    pub authors: Vec<String>,
    /// Not before this day.
    pub after: Option<Date>,
    /// Not after this day.
    pub before: Option<Date>,
    /// Only with files.
    pub has_file: bool,
}

impl Query {
    /// Reads what was typed.
    pub fn parse(typed: &str) -> Self {
        let mut query = Self {
            alternatives: vec![Vec::new()],
            ..Self::default()
        };
        let typed: String = {
            let mut characters = typed.chars();
            let begun = characters.by_ref().take(MOST_CHARACTERS).collect();
            query.is_cut = characters.next().is_some();
            begun
        };
        let mut parts = 0;
        let mut excludes_next = false;
        for piece in pieces(&typed) {
            if parts == MOST_PARTS {
                query.is_cut = true;
                break;
            }
            let Piece { text, is_quoted } = piece;
            if !is_quoted {
                match text.as_str() {
                    "OR" | "|" | "||" | "或" => {
                        if query
                            .alternatives
                            .last()
                            .is_some_and(|last| !last.is_empty())
                        {
                            query.alternatives.push(Vec::new());
                        }
                        continue;
                    }
                    "AND" | "&" | "&&" | "且" => continue,
                    "NOT" | "非" => {
                        excludes_next = true;
                        continue;
                    }
                    _ => {}
                }
                if query.filters.take(&text) {
                    continue;
                }
            }
            let (text, minus) = match text.strip_prefix(['-', '−']) {
                Some(rest) if !is_quoted && !rest.is_empty() => (rest.to_owned(), true),
                _ => (text, false),
            };
            let Some(text) = part_text(&text, is_quoted) else {
                continue;
            };
            let is_excluded = std::mem::take(&mut excludes_next) || minus;
            if let Some(last) = query.alternatives.last_mut() {
                last.push(Part { text, is_excluded });
            }
            parts += 1;
        }
        query.alternatives.retain(|parts| !parts.is_empty());
        query
    }

    /// Whether it asks for no words at all. With filters, that means all notes that pass them.
    pub fn has_no_words(&self) -> bool {
        self.alternatives.is_empty()
    }

    /// Whether nothing is asked at all.
    pub fn is_empty(&self) -> bool {
        self.has_no_words() && self.filters == Filters::default()
    }

    /// What a found note is likely to show, for marking it.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let mut marks = Vec::new();
        let parts = self.alternatives.iter().flatten();
        for part in parts.filter(|part| !part.is_excluded) {
            match &part.text {
                PartText::Phrase(text) => marks.push(Mark::Phrase(text.trim().to_owned())),
                PartText::Prefix(text) => marks.push(Mark::Prefix(text.clone())),
                PartText::Words(text) => {
                    marks.extend(tokenizer::runs(text).into_iter().map(|run| Mark::Word {
                        text: text[run.range].to_owned(),
                        is_dense: run.is_dense,
                    }));
                }
            }
        }
        marks
    }

    /// How many widenings there are: the next is tried only when the one before found nothing.
    pub(crate) fn tiers(&self) -> usize {
        let may_widen = self
            .alternatives
            .iter()
            .flatten()
            .any(|part| match &part.text {
                PartText::Words(text) => tokenizer::runs(text).iter().any(|run| !run.is_dense),
                PartText::Phrase(_) | PartText::Prefix(_) => false,
            });
        if may_widen { 3 } else { 1 }
    }

    /// What to look for in the index. `synonyms` gives other words for a folded word.
    pub(crate) fn plan(&self, tier: usize, synonyms: &HashMap<String, Vec<String>>) -> Plan {
        let alternatives = self.alternatives.iter().map(|parts| {
            let mut all = Vec::new();
            for part in parts {
                let plan = part.text.plan(tier, synonyms);
                all.push(if part.is_excluded {
                    Plan::Not(Box::new(plan))
                } else {
                    plan
                });
            }
            Plan::All(all)
        });
        Plan::any(alternatives.map(|plan| (1.0, plan)).collect())
    }
}

impl Filters {
    /// Takes a piece such as `tag:db`; false when it is none.
    fn take(&mut self, piece: &str) -> bool {
        let Some((key, value)) = piece.split_once([':', '：']) else {
            return false;
        };
        let value = value.trim_matches(['"', '“', '”']);
        if value.is_empty() {
            return false;
        }
        match key.to_lowercase().as_str() {
            "nb" | "in" | "notebook" | "本" => self.notebooks.push(value.to_owned()),
            "tag" | "key" | "标签" => self.tags.push(fold(value)),
            "by" | "from" | "作者" => self.authors.push(value.to_owned()),
            "after" | "since" | "从" => match day(value, false) {
                Some(day) => self.after = Some(day),
                None => return false,
            },
            "before" | "until" | "到" => match day(value, true) {
                Some(day) => self.before = Some(day),
                None => return false,
            },
            "has" | "有" if matches!(value, "file" | "files" | "文件" | "附件") => {
                self.has_file = true;
            }
            _ => return false,
        }
        true
    }
}

/// The first or last day of `2026`, `2026-01` or `2026-01-31`.
fn day(text: &str, is_last: bool) -> Option<Date> {
    let mut numbers = text.split(['-', '/', '.']);
    let year: i16 = numbers.next()?.parse().ok()?;
    let month: Option<i8> = numbers.next().map(str::parse).transpose().ok()?;
    let day: Option<i8> = numbers.next().map(str::parse).transpose().ok()?;
    if numbers.next().is_some() {
        return None;
    }
    let first = Date::new(
        year,
        month.unwrap_or(if is_last { 12 } else { 1 }),
        day.unwrap_or(1),
    )
    .ok()?;
    Some(if is_last && day.is_none() {
        first.last_of_month()
    } else {
        first
    })
}

struct Piece {
    text: String,
    is_quoted: bool,
}

/// Cuts at spaces outside of quotes. A quote that is never closed is a character like any other.
fn pieces(typed: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = typed;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return pieces;
        };
        let closing = match first {
            '"' | '＂' => Some(['"', '＂', '”']),
            '“' | '”' => Some(['”', '“', '"']),
            '「' | '『' => Some(['」', '』', '」']),
            _ => None,
        };
        if let Some(closing) = closing {
            let inside = &rest[first.len_utf8()..];
            if let Some(end) = inside.find(closing) {
                pieces.push(Piece {
                    text: inside[..end].to_owned(),
                    is_quoted: true,
                });
                let quote = inside[end..].chars().next().map_or(0, char::len_utf8);
                rest = &inside[end + quote..];
                continue;
            }
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        pieces.push(Piece {
            text: rest[..end].to_owned(),
            is_quoted: false,
        });
        rest = &rest[end..];
    }
}

/// What a piece asks for; nothing when there is no letter, digit or character in it.
fn part_text(piece: &str, is_quoted: bool) -> Option<PartText> {
    let folded = fold(piece);
    if tokenizer::runs(&folded).is_empty() {
        return None;
    }
    if is_quoted {
        return Some(PartText::Phrase(folded));
    }
    match folded.strip_suffix('*') {
        Some(begun) if begun.chars().all(char::is_alphanumeric) && !begun.chars().any(is_han) => {
            Some(PartText::Prefix(tokenizer::clipped(begun).to_owned()))
        }
        _ => Some(PartText::Words(folded)),
    }
}

impl PartText {
    fn plan(&self, tier: usize, synonyms: &HashMap<String, Vec<String>>) -> Plan {
        match self {
            Self::Phrase(text) => phrase(Form::Text, tokenizer::phrase(text)),
            Self::Prefix(text) => Plan::Prefix(text.clone()),
            Self::Words(text) => {
                let own = words_plan(text, tier);
                match synonyms.get(text) {
                    None => own,
                    Some(others) => {
                        let others = others.iter().map(|other| (0.8, words_plan(other, 0)));
                        Plan::any(std::iter::once((1.0, own)).chain(others).collect())
                    }
                }
            }
        }
    }
}

/// Words that were typed without a space between them.
fn words_plan(text: &str, tier: usize) -> Plan {
    let runs = tokenizer::runs(text);
    Plan::All(
        runs.iter()
            .map(|run| {
                let part = &text[run.range.clone()];
                if run.is_dense {
                    dense_plan(part)
                } else {
                    latin_plan(part, tier)
                }
            })
            .collect(),
    )
}

/// A Chinese run: its words, or it as it stands.
fn dense_plan(run: &str) -> Plan {
    let as_it_stands = phrase(Form::Text, tokenizer::phrase(run));
    let length = run.chars().count();
    if length == 1 || !run.chars().all(is_han) {
        return as_it_stands;
    }
    let words = tokenizer::words(run);
    // Single characters scattered over a note are no sign of a short word.
    if length <= 3 && words.iter().any(|word| word.chars().count() == 1) {
        return as_it_stands;
    }
    let words = words
        .into_iter()
        .map(|word| Plan::term(Form::Words, word))
        .collect();
    Plan::any(vec![(2.0, Plan::All(words)), (1.0, as_it_stands)])
}

/// A Latin word; with each tier in more readings.
fn latin_plan(word: &str, tier: usize) -> Plan {
    let word = tokenizer::clipped(word);
    let length = word.chars().count();
    let is_letters = word.bytes().all(|byte| byte.is_ascii_lowercase());
    let mut ways = vec![(4.0, Plan::term(Form::Latin, word))];
    if tier >= 1 {
        if is_letters && length >= 2 {
            ways.push((2.0, Plan::term(Form::Pinyin, word)));
            ways.push((2.0, Plan::term(Form::Initials, word)));
        }
        // A slip in a short word is as likely as another word: what sounds so comes first.
        if length >= 3 {
            let weight = if length > 3 { 1.5 } else { 0.5 };
            ways.push((weight, Plan::Fuzzy(word.to_owned())));
        }
        for pairs in tokenizer::syllable_pairs(word) {
            ways.push((
                1.0,
                phrase(Form::Syllables, pairs.into_iter().enumerate().collect()),
            ));
        }
    }
    if tier >= 2 {
        ways.push((1.0, Plan::term(Form::OtherReadings, word)));
        let pairs = tokenizer::initial_pairs(word);
        if !pairs.is_empty() {
            ways.push((
                0.8,
                phrase(Form::InitialPairs, pairs.into_iter().enumerate().collect()),
            ));
        }
    }
    Plan::any(ways)
}

fn phrase(form: Form, units: Vec<(usize, String)>) -> Plan {
    match <[_; 1]>::try_from(units) {
        Ok([(_, unit)]) => Plan::Term(form, unit),
        Err(units) => Plan::Phrase(form, units),
    }
}

/// What to look for, in terms of the index.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    /// A term.
    Term(Form, String),
    /// Terms at these distances from the first.
    Phrase(Form, Vec<(usize, String)>),
    /// A Latin word with one letter wrong, missing, too many, or two swapped.
    Fuzzy(String),
    /// Latin words that begin so.
    Prefix(String),
    /// All of them; those in `Not` must be absent.
    All(Vec<Self>),
    /// Any of them, with weights.
    Any(Vec<(f32, Self)>),
    /// Not this.
    Not(Box<Self>),
}

impl Plan {
    fn term(form: Form, text: &str) -> Self {
        Self::Term(form, text.to_owned())
    }

    fn any(mut ways: Vec<(f32, Self)>) -> Self {
        if ways.len() == 1
            && let Some((_, only)) = ways.pop()
        {
            return only;
        }
        Self::Any(ways)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(query: &Query) -> Vec<String> {
        let marks = query.marks().into_iter().map(|mark| match mark {
            Mark::Phrase(text) | Mark::Prefix(text) | Mark::Word { text, .. } => text,
        });
        marks.collect()
    }

    #[test]
    fn filters_are_told_from_words() {
        let query = Query::parse(
            "nb:ops tag:DB by:alice after:2026-01 before:2026-02 has:file error:500 重启",
        );
        assert_eq!(query.filters.notebooks, ["ops"]);
        assert_eq!(query.filters.tags, ["db"]);
        assert_eq!(query.filters.authors, ["alice"]);
        assert_eq!(query.filters.after, Some(jiff::civil::date(2026, 1, 1)));
        assert_eq!(query.filters.before, Some(jiff::civil::date(2026, 2, 28)));
        assert!(query.filters.has_file);
        assert_eq!(marked(&query), ["error", "500", "重启"]);
    }

    #[test]
    fn quotes_alternatives_and_exclusions() {
        let query = Query::parse("“connection refused” OR nginx -test");
        assert_eq!(query.alternatives.len(), 2);
        assert_eq!(
            query.alternatives[0][0].text,
            PartText::Phrase("connection refused".into())
        );
        assert!(query.alternatives[1][1].is_excluded);
        assert_eq!(marked(&query), ["connection refused", "nginx"]);
    }

    #[test]
    fn odd_queries_are_read_as_far_as_they_go() {
        assert!(Query::parse("").is_empty());
        assert!(Query::parse("AND OR NOT - * \" ( )").is_empty());
        assert_eq!(marked(&Query::parse("\"open end")), ["open", "end"]);
        let long = Query::parse(&"字".repeat(10_000));
        assert!(long.is_cut);
        assert!(Query::parse(&"a ".repeat(100)).is_cut);
    }

    #[test]
    fn a_mixed_word_needs_both_of_its_runs() {
        let Plan::All(alternative) = Query::parse("服务器restart").plan(0, &HashMap::new())
        else {
            panic!("one alternative");
        };
        let Plan::All(runs) = &alternative[0] else {
            panic!("runs");
        };
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[1], Plan::Term(Form::Latin, "restart".into()));
    }

    proptest! {
        #[test]
        fn any_query_is_understood(typed in any::<String>()) {
            let query = Query::parse(&typed);
            for tier in 0..query.tiers() {
                let _ = query.plan(tier, &HashMap::new());
            }
        }
    }
}
