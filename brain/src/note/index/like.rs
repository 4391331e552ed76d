//! Notes that are about the same as a text: those that share its rarest words.

use std::collections::HashSet;

use tantivy::Term;
use tantivy::collector::TopDocs;
use tantivy::query::{
    BooleanQuery, ConstScoreQuery, Occur, Query as IndexQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::IndexRecordOption;

use super::{IndexError, NoteIndex, Scope, fold, pending, tokenizer};
use crate::note::tokenizer::Form;

/// Bytes of a text that are looked at.
const READ: usize = 20_000;
/// Words by which notes are compared: the rarest.
const MOST_WORDS: usize = 16;
/// Words that a near note shares at least.
const LEAST_SHARED: usize = 2;
/// Part of what the words are worth that a near note has at least.
const LEAST_PART: f32 = 0.34;
/// A word that stands in more than this part of the notes says nothing, once there are some notes.
const COMMON_PART: u64 = 5;
const FEW_NOTES: u64 = 40;

/// Words that say nothing of what a note is about, however rare they are in a few notes.
const EMPTY_WORDS: &str = "all also and any are been but can could did does for from had has have her \
    here him his how into its just may more most must new not now off old one only our out over own \
    shall she should some such than that the their them then there these they this those too until was \
    were what when where which who will with would you your am an as at be by do go he if in is it me my \
    no of on or so to up us we \
    一个 一些 不是 不要 他们 以及 以后 以前 但是 你们 可以 如果 已经 怎么 我们 所以 时候 是否 没有 然后 现在 这个 \
    这些 这样 那个 那些 里面 需要 因为 什么 还是 就是 或者 之前 之后";

/// A word and what it is worth to share it.
struct Weighted {
    form: Form,
    text: String,
    worth: f32,
}

impl NoteIndex {
    /// The notes within `scope` that share the rarest words of a text, the nearest first; none when
    /// nothing is near. Call it on a blocking thread.
    ///
    /// # Errors
    /// When the index is damaged.
    pub fn like(&self, text: &str, scope: &Scope, limit: usize) -> Result<Vec<u64>, IndexError> {
        let words = self.words_of(text)?;
        if scope.notebooks.is_empty() || words.len() < LEAST_SHARED || limit == 0 {
            return Ok(Vec::new());
        }
        let whole: f32 = words.iter().map(|word| word.worth).sum();
        let state = self.state();
        let (searcher, waiting) = (state.searcher.clone(), &state.pending);
        let mut near: Vec<(f32, u64)> = waiting
            .docs()
            .filter(|(doc, _)| scope.admits(doc))
            .filter_map(|(doc, terms)| {
                let shared: Vec<f32> = words
                    .iter()
                    .filter(|word| pending::has(terms, word.form, &word.text))
                    .map(|word| word.worth)
                    .collect();
                (shared.len() >= LEAST_SHARED).then(|| (shared.iter().sum(), doc.number))
            })
            .collect();
        let any: Vec<(Occur, Box<dyn IndexQuery>)> = words
            .iter()
            .map(|word| {
                let term = Term::from_field_text(self.fields.of(word.form), &word.text);
                let query = TermQuery::new(term, IndexRecordOption::Basic);
                let query: Box<dyn IndexQuery> =
                    Box::new(ConstScoreQuery::new(Box::new(query), word.worth));
                (Occur::Should, query)
            })
            .collect();
        let mut any = BooleanQuery::new(any);
        any.set_minimum_number_should_match(LEAST_SHARED);
        let mut clauses = self.scope_clauses(scope);
        clauses.push((Occur::Must, Box::new(any)));
        if waiting.len() > 0 {
            let terms = waiting
                .stale()
                .map(|number| Term::from_field_u64(self.fields.number, number));
            clauses.push((Occur::MustNot, Box::new(TermSetQuery::new(terms))));
        }
        drop(state);
        let query = BooleanQuery::new(clauses);
        let top = searcher.search(&query, &TopDocs::with_limit(limit).order_by_score())?;
        for (score, address) in top {
            let segment = searcher.segment_reader(address.segment_ord);
            let column = segment.fast_fields().u64("number")?;
            near.extend(column.first(address.doc_id).map(|number| (score, number)));
        }
        near.retain(|(score, _)| *score >= whole * LEAST_PART);
        near.sort_by(|one, other| other.0.total_cmp(&one.0).then(other.1.cmp(&one.1)));
        near.truncate(limit);
        Ok(near.into_iter().map(|(_, number)| number).collect())
    }

    /// The rarest words of a text, Chinese words of one character left out.
    fn words_of(&self, text: &str) -> Result<Vec<Weighted>, IndexError> {
        let end = text.floor_char_boundary(READ);
        let terms = tokenizer::terms(&fold(&text[..end]), &[]);
        let state = self.state();
        let (searcher, waiting) = (&state.searcher, &state.pending);
        let all = searcher.num_docs() + waiting.len() as u64;
        // Empty words were met already.
        let mut met: HashSet<&str> = EMPTY_WORDS.split_whitespace().collect();
        let mut words = Vec::new();
        for form in [Form::Words, Form::Latin] {
            for token in terms.of(form) {
                let word = token.text.as_str();
                if word.chars().nth(1).is_none() || !met.insert(word) {
                    continue;
                }
                let term = Term::from_field_text(self.fields.of(form), word);
                let fresh = waiting
                    .docs()
                    .filter(|(_, terms)| pending::has(terms, form, word))
                    .count();
                let there = searcher.doc_freq(&term)? + fresh as u64;
                if all > FEW_NOTES && there > all / COMMON_PART {
                    continue;
                }
                let worth = match there {
                    // A word that no note has says a little: this one is about something else.
                    0 => (1.0 + all as f32).ln() * 0.3,
                    there => (1.0 + all as f32 / there as f32).ln(),
                };
                words.push((
                    there > 0,
                    Weighted {
                        form,
                        text: word.to_owned(),
                        worth,
                    },
                ));
            }
        }
        words.sort_by(|(_, one), (_, other)| other.worth.total_cmp(&one.worth));
        words.truncate(MOST_WORDS);
        let is_known = |word: &(bool, Weighted)| word.0;
        if words.iter().filter(|word| is_known(word)).count() < LEAST_SHARED {
            return Ok(Vec::new());
        }
        Ok(words.into_iter().map(|(_, word)| word).collect())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::note::index::{Change, NoteDoc};

    fn index(folder: &std::path::Path, texts: &[(u64, &str)]) -> NoteIndex {
        let (index, _) = NoteIndex::open(folder).unwrap();
        let changes = (1..).zip(texts).map(|(number, (notebook, text))| Change {
            sequence: i64::try_from(number).unwrap(),
            number,
            doc: Some(NoteDoc {
                number,
                notebook: *notebook,
                text: (*text).to_owned(),
                ..NoteDoc::default()
            }),
        });
        index.apply(changes.collect());
        index
    }

    #[test]
    fn notes_with_the_same_rare_words_are_near_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let texts = [
            (1, "重启 nginx 之前先看 error.log 里有没有 emerg"),
            (1, "网关重启步骤：先停服务器"),
            (2, "nginx 重启以后 error.log 要清空"),
            (1, "周五一起吃火锅"),
            (1, "the backup of the database runs at four"),
        ];
        let index = index(folder.path(), &texts);
        let scope = |notebooks: &[u64]| Scope {
            notebooks: notebooks.to_vec(),
            ..Scope::default()
        };
        // Before a commit and after it.
        for _ in 0..2 {
            let like =
                |text: &str, notebooks: &[u64]| index.like(text, &scope(notebooks), 3).unwrap();
            assert_eq!(like("nginx 重启失败，error.log 里有 emerg", &[1]), [1]);
            assert_eq!(like("nginx 重启失败，error.log 里有 emerg", &[1, 2])[0], 1);
            assert_eq!(like("Nginx 重啟，看 error.log", &[2]), [3]);
            assert_eq!(like("the database needs a backup", &[1]), [5]);
            assert_eq!(like("nginx", &[1, 2]), [0_u64; 0]);
            assert_eq!(like("火车票已经买好了", &[1, 2]), [0_u64; 0]);
            assert_eq!(
                like(
                    "database on fire, call everybody, now, and the police",
                    &[1]
                ),
                [0_u64; 0]
            );
            assert_eq!(like("the database needs a backup", &[]), [0_u64; 0]);
            index.commit(5).unwrap();
        }
    }
}
