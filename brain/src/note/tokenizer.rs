//! Words of a text in the forms in which it can be found: Chinese words and characters, Latin words,
//! and how Chinese words sound.
//!
//! The same analysis makes the terms of a note and those of a query. Segmentation with jieba's
//! dictionary and its model for new words; positions count characters, so that overlapping terms
//! stand where they stand in the text.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use jieba_rs::Jieba;
use pinyin::{ToPinyin, ToPinyinMulti};

use super::fold::is_han;

static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);

/// All syllables that Chinese characters sound like, without tones.
static SYLLABLES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let usual = READINGS.iter().filter_map(|all| all.first());
    usual.copied().collect()
});

/// Most Chinese characters.
const USUAL: Range<u32> = 0x4E00..0xA000;

/// How each of [`USUAL`] may sound.
static READINGS: LazyLock<Vec<Box<[&'static str]>>> = LazyLock::new(|| {
    let characters = USUAL.filter_map(char::from_u32);
    characters
        .map(|character| looked_up(character).into())
        .collect()
});

/// Longest term in characters; what is longer is cut.
const MOST_CHARACTERS: usize = 40;
/// Readings of one word that are kept beside its first.
const MOST_READINGS: usize = 12;
/// Letters of a query that are read as pinyin at most.
const MOST_LETTERS: usize = 36;
/// Ways to cut letters into syllables that are tried.
const MOST_CUTS: usize = 6;

/// A form in which a text can be found; each is a field of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// Every Chinese character, every pair of them, and every Latin word, with positions.
    Text,
    /// Chinese words.
    Words,
    /// Latin words and numbers, and the letters and digits that they are made of.
    Latin,
    /// Chinese words as they are pronounced: `fuwuqi`.
    Pinyin,
    /// Their first letters: `fwq`.
    Initials,
    /// Pairs of syllables, with positions.
    Syllables,
    /// Words whose characters may be read in another way.
    OtherReadings,
    /// Pairs of first letters, with positions.
    InitialPairs,
}

impl Form {
    /// All forms, in the order of the index's fields.
    pub(crate) const ALL: [Self; 8] = [
        Self::Text,
        Self::Words,
        Self::Latin,
        Self::Pinyin,
        Self::Initials,
        Self::Syllables,
        Self::OtherReadings,
        Self::InitialPairs,
    ];

    /// Whether terms of this form are searched as phrases too.
    pub(crate) fn has_positions(self) -> bool {
        matches!(self, Self::Text | Self::Syllables | Self::InitialPairs)
    }
}

/// A term and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) position: usize,
}

/// All terms of a text, by form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms([Vec<Token>; Form::ALL.len()]);

impl Terms {
    /// The terms of one form.
    pub(crate) fn of(&self, form: Form) -> &[Token] {
        &self.0[form as usize]
    }

    /// Takes the terms of one form.
    pub(crate) fn take(&mut self, form: Form) -> Vec<Token> {
        std::mem::take(&mut self.0[form as usize])
    }

    /// Puts the terms of each form in order.
    pub(crate) fn sort(&mut self) {
        for tokens in &mut self.0 {
            tokens.sort_unstable();
        }
    }

    fn push(&mut self, form: Form, text: impl Into<String>, position: usize) {
        self.0[form as usize].push(Token {
            text: text.into(),
            position,
        });
    }
}

/// A part of a folded text that is searched as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its bytes.
    pub(crate) range: Range<usize>,
    /// Whether it is written without spaces between words.
    pub(crate) is_dense: bool,
    /// Where it stands, in characters or words.
    pub(crate) position: usize,
}

/// Scripts without spaces between words.
fn is_dense(character: char) -> bool {
    is_han(character)
        || matches!(u32::from(character), 0x0E00..=0x0E7F | 0x3040..=0x30FF | 0xAC00..=0xD7AF)
}

/// Cuts a folded text at the borders of scripts and at everything that is no letter or digit.
pub(crate) fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut position = 0;
    let mut open: Option<Run> = None;
    let mut is_gap = false;
    let mut close = |open: &mut Option<Run>, position: &mut usize| {
        if let Some(run) = open.take() {
            *position += if run.is_dense {
                text[run.range.clone()].chars().count()
            } else {
                1
            };
            runs.push(run);
        }
    };
    for (at, character) in text.char_indices() {
        let dense = is_dense(character);
        if !dense && !character.is_alphanumeric() {
            close(&mut open, &mut position);
            is_gap = is_gap || !character.is_whitespace();
            continue;
        }
        let end = at + character.len_utf8();
        match &mut open {
            Some(run) if run.is_dense == dense => run.range.end = end,
            _ => {
                close(&mut open, &mut position);
                // Words apart by a space follow each other; nothing follows across a full stop.
                position += usize::from(is_gap);
                open = Some(Run {
                    range: at..end,
                    is_dense: dense,
                    position,
                });
            }
        }
        is_gap = false;
    }
    close(&mut open, &mut position);
    runs
}

/// The terms of a folded text. `words` are words that its notebook knows beside the dictionary.
pub(crate) fn terms(text: &str, words: &[String]) -> Terms {
    let mut terms = Terms::default();
    for run in runs(text) {
        let part = &text[run.range.clone()];
        if run.is_dense {
            dense_terms(&mut terms, part, run.position);
        } else {
            terms.push(Form::Text, clipped(part), run.position);
            for piece in pieces(part) {
                terms.push(Form::Latin, piece, run.position);
            }
        }
    }
    for word in words {
        for (at, _) in text.match_indices(word.as_str()) {
            terms.push(Form::Words, word.as_str(), at);
            sounds(&mut terms, word, at);
        }
    }
    terms
}

fn dense_terms(terms: &mut Terms, run: &str, position: usize) {
    let borders: Vec<usize> = run
        .char_indices()
        .map(|(at, _)| at)
        .chain([run.len()])
        .collect();
    for (index, pair) in borders.windows(2).enumerate() {
        terms.push(Form::Text, &run[pair[0]..pair[1]], position + index);
        if let Some(end) = borders.get(index + 2) {
            terms.push(Form::Text, &run[pair[0]..*end], position + index);
        }
    }
    for token in JIEBA.cut_for_search(run, true) {
        terms.push(Form::Words, token.word, position + token.start);
        sounds(terms, token.word, position + token.start);
    }
    let mut before: Option<&'static str> = None;
    for (index, character) in run.chars().enumerate() {
        let syllable = readings(character).first().copied();
        if let (Some(first), Some(second)) = (before, syllable) {
            let at = position + index - 1;
            terms.push(Form::Syllables, [first, " ", second].concat(), at);
            terms.push(Form::InitialPairs, initials(&[first, second]), at);
        }
        before = syllable;
    }
}

/// A syllable as people type it: on a keyboard `ü` is `v`, and `ê` is `e`.
fn typed(syllable: pinyin::Pinyin) -> &'static str {
    match syllable.plain() {
        "lü" => "lv",
        "nü" => "nv",
        "lüe" => "lve",
        "nüe" => "nve",
        "ê" => "e",
        plain => plain,
    }
}

/// How a Chinese word of several characters sounds.
fn sounds(terms: &mut Terms, word: &str, position: usize) {
    let length = word.chars().count();
    let readings: Vec<_> = word.chars().map(readings).collect();
    if !(2..=8).contains(&length) || readings.iter().any(|all| all.is_empty()) {
        return;
    }
    let first: Vec<&str> = readings.iter().map(|all| all[0]).collect();
    let short = initials(&first);
    if length <= 4 && readings.iter().any(|all| all.len() > 1) {
        let mut others: Vec<Vec<&str>> = vec![Vec::new()];
        for all in &readings {
            others = others
                .iter()
                .flat_map(|begun| {
                    all.iter()
                        .map(move |next| [begun.as_slice(), &[*next]].concat())
                })
                .take(MOST_READINGS)
                .collect();
        }
        let mut shorts: Vec<String> = Vec::new();
        for other in others.iter().filter(|other| **other != first) {
            terms.push(Form::OtherReadings, other.concat(), position);
            let other_short = initials(other);
            if other_short != short && !shorts.contains(&other_short) {
                shorts.push(other_short);
            }
        }
        for other_short in shorts {
            terms.push(Form::OtherReadings, other_short, position);
        }
    }
    terms.push(Form::Pinyin, first.concat(), position);
    terms.push(Form::Initials, short, position);
}

fn initials(syllables: &[&str]) -> String {
    syllables
        .iter()
        .filter_map(|syllable| syllable.chars().next())
        .collect()
}

/// A Latin word, and the letters and digits that it is made of: `web12` is also `web` and `12`.
pub(crate) fn pieces(word: &str) -> Vec<&str> {
    let mut pieces = vec![clipped(word)];
    let is_digit = |c: char| c.is_numeric();
    let mut start = 0;
    let mut before: Option<bool> = None;
    for (at, character) in word.char_indices() {
        let digit = is_digit(character);
        if before.is_some_and(|before| before != digit) {
            pieces.push(clipped(&word[start..at]));
            start = at;
        }
        before = Some(digit);
    }
    if start > 0 {
        pieces.push(clipped(&word[start..]));
    }
    pieces
}

/// The beginning of a word that is too long to be one.
pub(crate) fn clipped(word: &str) -> &str {
    word.char_indices()
        .nth(MOST_CHARACTERS)
        .map_or(word, |(end, _)| &word[..end])
}

/// The words of a Chinese run as a query means them: each character belongs to one word.
pub(crate) fn words(run: &str) -> Vec<&str> {
    JIEBA
        .cut(run, true)
        .into_iter()
        .map(|token| token.word)
        .collect()
}

/// The terms of [`Form::Text`] that stand one after another wherever a folded text occurs, with their
/// distances.
pub(crate) fn phrase(text: &str) -> Vec<(usize, String)> {
    let mut units = Vec::new();
    for run in runs(text) {
        let part = &text[run.range.clone()];
        if !run.is_dense {
            units.push((run.position, clipped(part).to_owned()));
            continue;
        }
        let borders: Vec<usize> = part
            .char_indices()
            .map(|(at, _)| at)
            .chain([part.len()])
            .collect();
        if let [start, end] = borders[..] {
            units.push((run.position, part[start..end].to_owned()));
        }
        for (index, three) in borders.windows(3).enumerate() {
            units.push((run.position + index, part[three[0]..three[2]].to_owned()));
        }
    }
    let first = units.first().map_or(0, |(position, _)| *position);
    units
        .into_iter()
        .map(|(position, unit)| (position - first, unit))
        .collect()
}

/// Where the words of a Chinese run stand that sound as letters say, whole or by their first letters.
pub(crate) fn words_that_sound(run: &str, letters: &str) -> Vec<Range<usize>> {
    if !is_letters(letters) {
        return Vec::new();
    }
    let words = JIEBA.cut_for_search(run, true).into_iter();
    words
        .filter(|token| {
            let syllables: Option<Vec<_>> = token
                .word
                .chars()
                .map(|c| readings(c).first().copied())
                .collect();
            syllables.is_some_and(|syllables| {
                syllables.len() > 1
                    && (syllables.concat() == letters || initials(&syllables) == letters)
            })
        })
        .map(|token| token.byte_start..token.byte_end)
        .collect()
}

/// Where the characters of a Chinese run may sound as letters say, in whatever words: whole, or else
/// by their first letters.
pub(crate) fn parts_that_sound(run: &str, letters: &str) -> Vec<Range<usize>> {
    if !is_letters(letters) {
        return Vec::new();
    }
    let characters: Vec<(usize, Cow<'static, [&'static str]>)> = run
        .char_indices()
        .map(|(at, character)| (at, readings(character)))
        .collect();
    let end_at = |index: usize| characters.get(index).map_or(run.len(), |(at, _)| *at);
    let mut whole = Vec::new();
    let mut short = Vec::new();
    for (index, (start, _)) in characters.iter().enumerate() {
        // What is left of the letters after the characters so far, in each way to read them.
        let mut left = vec![letters];
        let mut next = index;
        while !left.is_empty() && next < characters.len() {
            let all = &characters[next].1;
            let mut after: Vec<&str> = left
                .iter()
                .flat_map(|left| all.iter().filter_map(|reading| left.strip_prefix(*reading)))
                .collect();
            after.sort_unstable();
            after.dedup();
            left = after;
            next += 1;
            if left.contains(&"") {
                whole.push(*start..end_at(next));
                break;
            }
        }
        let is_short = letters.bytes().enumerate().all(|(offset, letter)| {
            let character = characters.get(index + offset);
            character.is_some_and(|(_, all)| all.iter().any(|one| one.as_bytes()[0] == letter))
        });
        if is_short {
            short.push(*start..end_at(index + letters.len()));
        }
    }
    if whole.is_empty() { short } else { whole }
}

/// How a character may sound, the most usual first; nothing when it is no Chinese one.
fn readings(character: char) -> Cow<'static, [&'static str]> {
    let usual = u32::from(character).wrapping_sub(USUAL.start) as usize;
    match READINGS.get(usual) {
        Some(all) => Cow::Borrowed(all),
        None => Cow::Owned(looked_up(character)),
    }
}

fn looked_up(character: char) -> Vec<&'static str> {
    let Some(first) = character.to_pinyin() else {
        return Vec::new();
    };
    let mut all = vec![typed(first)];
    if let Some(multi) = character.to_pinyin_multi() {
        for reading in multi.into_iter().map(typed) {
            if !all.contains(&reading) {
                all.push(reading);
            }
        }
    }
    all
}

/// Whether letters could be typed pinyin.
fn is_letters(word: &str) -> bool {
    word.len() <= MOST_LETTERS && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// The ways to read letters as two or more syllables, as pairs for [`Form::Syllables`]; few syllables
/// first.
pub(crate) fn syllable_pairs(word: &str) -> Vec<Vec<String>> {
    if !is_letters(word) {
        return Vec::new();
    }
    // All cuts of each beginning, from left to right.
    let mut cuts: Vec<Vec<Vec<&str>>> = vec![Vec::new(); word.len() + 1];
    cuts[0].push(Vec::new());
    for end in 1..=word.len() {
        let mut here: Vec<Vec<&str>> = Vec::new();
        for start in end.saturating_sub(6)..end {
            let syllable = &word[start..end];
            if SYLLABLES.contains(syllable) {
                for begun in &cuts[start] {
                    here.push([begun.as_slice(), &[syllable]].concat());
                }
            }
        }
        here.sort_by_key(Vec::len);
        here.truncate(MOST_CUTS);
        cuts[end] = here;
    }
    let whole = std::mem::take(&mut cuts[word.len()]);
    whole
        .into_iter()
        .filter(|syllables| syllables.len() >= 2)
        .map(|syllables| {
            syllables
                .windows(2)
                .map(|pair| format!("{} {}", pair[0], pair[1]))
                .collect()
        })
        .collect()
}

/// Letters as the first letters of words that follow each other, as pairs for
/// [`Form::InitialPairs`]; nothing for fewer than three.
pub(crate) fn initial_pairs(word: &str) -> Vec<String> {
    if !is_letters(word) || word.len() < 3 || word.len() > 12 {
        return Vec::new();
    }
    (0..word.len() - 1)
        .map(|at| word[at..at + 2].to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(terms: &Terms, form: Form) -> Vec<&str> {
        terms
            .of(form)
            .iter()
            .map(|token| token.text.as_str())
            .collect()
    }

    #[test]
    fn a_sentence_gives_all_forms() {
        let terms = terms("重启web12服务器", &[]);
        assert_eq!(texts(&terms, Form::Latin), ["web12", "web", "12"]);
        assert!(texts(&terms, Form::Words).contains(&"服务器"));
        assert!(texts(&terms, Form::Words).contains(&"服务"));
        assert!(texts(&terms, Form::Pinyin).contains(&"fuwuqi"));
        assert!(texts(&terms, Form::Initials).contains(&"fwq"));
        assert!(texts(&terms, Form::Syllables).contains(&"wu qi"));
        assert!(texts(&terms, Form::InitialPairs).contains(&"wq"));
        // 重 is zhong or chong.
        assert!(
            texts(&terms, Form::OtherReadings).contains(&"chongqi")
                || texts(&terms, Form::Pinyin).contains(&"chongqi")
        );
    }

    #[test]
    fn phrases_stand_where_their_text_stands() {
        let text = "先看 error log，再重启服务器";
        let all = terms(text, &[]);
        for part in ["error log", "重启服务器", "看 error", "服务"] {
            let units = phrase(part);
            let stands = all.of(Form::Text).iter().any(|token| {
                units.iter().all(|(distance, unit)| {
                    all.of(Form::Text).iter().any(|other| {
                        other.text == *unit && other.position == token.position + distance
                    })
                })
            });
            assert!(stands, "{part}: {units:?}");
        }
        // Nothing follows across a comma.
        let across = phrase("log 再");
        assert_eq!(across, [(0, "log".to_owned()), (1, "再".to_owned())]);
        let at = |unit: &str| {
            all.of(Form::Text)
                .iter()
                .find(|token| token.text == unit)
                .map(|token| token.position)
        };
        assert_ne!(at("再"), at("log").map(|position| position + 1));
    }

    #[test]
    fn letters_are_read_as_syllables() {
        assert_eq!(syllable_pairs("fuwuqi"), [["fu wu", "wu qi"]]);
        assert!(syllable_pairs("xian").contains(&vec!["xi an".to_owned()]));
        assert!(syllable_pairs("nginx").is_empty());
        assert!(syllable_pairs("fu").is_empty());
        assert_eq!(initial_pairs("fwq"), ["fw", "wq"]);
    }

    #[test]
    fn words_of_a_notebook_are_known() {
        let terms = terms("登录天枢平台", &["天枢平台".to_owned()]);
        assert!(texts(&terms, Form::Words).contains(&"天枢平台"));
        assert!(texts(&terms, Form::Initials).contains(&"tspt"));
    }

    #[test]
    fn every_character_is_analysed_and_sounds_as_it_is_typed() {
        // 诶 sounds like ê and 女 like nü, which nobody types.
        let all: String = (0x4E00..0xA000).filter_map(char::from_u32).collect();
        let analysed = terms(&all, &[]);
        for form in [
            Form::Pinyin,
            Form::Initials,
            Form::Syllables,
            Form::OtherReadings,
            Form::InitialPairs,
        ] {
            for token in analysed.of(form) {
                let is_typed = |c: char| c.is_ascii_lowercase() || c == ' ';
                assert!(token.text.chars().all(is_typed), "{form:?}: {}", token.text);
            }
        }
        assert!(texts(&terms("绿色", &[]), Form::Pinyin).contains(&"lvse"));
        assert_eq!(syllable_pairs("nvren")[0], ["nv ren"]);
    }

    proptest! {
        #[test]
        fn any_text_is_analysed(text in any::<String>()) {
            let folded = super::super::fold::fold(&text);
            let terms = terms(&folded, &[]);
            for form in Form::ALL {
                for token in terms.of(form) {
                    prop_assert!(!token.text.is_empty() && token.text.chars().count() <= 4 * MOST_CHARACTERS);
                }
            }
            let _ = phrase(&folded);
            let _ = syllable_pairs(&folded);
        }
    }
}
