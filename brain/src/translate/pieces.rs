//! A message in pieces: lines and sentences, each with its language, and what is to be left alone.

use std::sync::LazyLock;

use regex::Regex;

use super::detect::{detect, letters, script_of};
use super::mask::{Fixed, Masked, mask, words_of};
use super::tongue::{Script, Tongue};

/// Longest stretch that is sent at once, in characters; engines get slow or refuse beyond.
const LONGEST: usize = 1_200;
/// So many Chinese characters in a line of words are a part that its readers cannot read.
const FOREIGN_CHARACTERS: usize = 4;

static FENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)```.*?```").expect("a constant expression"));
/// Bullets, numbers of lists, marks of quotes.
static BULLET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:[-*•·>]+|\d{1,3}[.)、])\s+").expect("a constant expression")
});
/// A stretch of Chinese, Japanese or Korean in a line of words.
static EASTERN: LazyLock<Regex> = LazyLock::new(|| {
    let expression = format!(
        r"[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}\p{{Hangul}}ー]\
          [\p{{Han}}\p{{Hiragana}}\p{{Katakana}}\p{{Hangul}}ー，、]{{{},}}",
        FOREIGN_CHARACTERS - 1
    );
    Regex::new(&expression.replace("\\\n          ", "")).expect("a constant expression")
});
/// Four words or more in a line of Chinese. Fewer are mostly names.
static WESTERN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[A-Za-z][A-Za-z'’-]*(?:[ ,]+[A-Za-z][A-Za-z'’-]*){3,}")
        .expect("a constant expression")
});

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Stays as it is: blanks, code, signs.
    Keep(String),
    /// Words.
    Words {
        /// What is written.
        text: String,
        /// In which language.
        tongue: Tongue,
    },
}

/// A part of a translation that is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// As it is in the original.
    Keep(String),
    /// For an engine.
    Send {
        /// From this language.
        from: Tongue,
        /// This text.
        masked: Masked,
    },
}

/// Takes a message apart. `among` are the languages of the room, `hint` is what the author usually
/// writes.
pub(crate) fn pieces(text: &str, among: &[Tongue], hint: Option<Tongue>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut done = 0;
    for fence in FENCE.find_iter(text) {
        lines(&text[done..fence.start()], among, hint, &mut pieces);
        keep(&mut pieces, fence.as_str());
        done = fence.end();
    }
    lines(&text[done..], among, hint, &mut pieces);
    pieces
}

/// What an engine has to translate so that who reads `target` can read it; `None` when nothing has to
/// be.
pub(crate) fn parts(pieces: &[Piece], target: Tongue, fixed: &[Fixed<'_>]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut is_needed = false;
    for piece in pieces {
        match piece {
            Piece::Keep(text) => parts.push(Part::Keep(text.clone())),
            Piece::Words { text, tongue } if tongue.is_read_as(target) => {
                is_needed |= foreign(text, target, fixed, &mut parts);
            }
            Piece::Words { text, tongue } => {
                let masked = mask(text, fixed);
                // A glossary may have a word for all of it.
                is_needed |= !masked.is_empty() || masked.untouched() != *text;
                parts.push(if masked.is_empty() {
                    Part::Keep(masked.untouched())
                } else {
                    Part::Send {
                        from: *tongue,
                        masked,
                    }
                });
            }
        }
    }
    is_needed.then_some(parts)
}

/// The language that most of the words are in.
pub(crate) fn main_tongue(pieces: &[Piece]) -> Option<Tongue> {
    let mut weights: Vec<(Tongue, usize)> = Vec::new();
    for piece in pieces {
        if let Piece::Words { text, tongue } = piece {
            match weights.iter_mut().find(|(known, _)| known == tongue) {
                Some((_, weight)) => *weight += text.len(),
                None => weights.push((*tongue, text.len())),
            }
        }
    }
    weights
        .into_iter()
        .max_by_key(|(_, weight)| *weight)
        .map(|(tongue, _)| tongue)
}

fn keep(pieces: &mut Vec<Piece>, text: &str) {
    if text.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Keep(kept)) => kept.push_str(text),
        _ => pieces.push(Piece::Keep(text.to_owned())),
    }
}

fn lines(text: &str, among: &[Tongue], hint: Option<Tongue>, pieces: &mut Vec<Piece>) {
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        let bullet = BULLET.find(line).map_or(0, |found| found.end());
        keep(pieces, &line[..bullet]);
        let line = &line[bullet..];
        match detect(&words_of(line), among, hint) {
            None => keep(pieces, line),
            Some(tongue) => pieces.extend(sentences(line).into_iter().map(|text| Piece::Words {
                text: text.to_owned(),
                tongue,
            })),
        }
        keep(pieces, end);
    }
}

/// Cuts a long line behind sentences, else behind words, else anywhere.
pub(crate) fn sentences(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((limit, _)) = rest.char_indices().nth(LONGEST) {
        let head = &rest[..limit];
        let behind = |marks: &[char]| {
            head.rfind(marks)
                .map(|at| at + head[at..].chars().next().map_or(1, char::len_utf8))
        };
        let cut = behind(&['。', '！', '？', '；', '…'])
            .max(end_of_sentence(head))
            .filter(|cut| *cut > limit / 4)
            .or_else(|| behind(&[' ', '，', '、', ',']))
            .unwrap_or(limit);
        let (part, after) = rest.split_at(cut);
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

/// Behind the last full stop that a blank follows.
fn end_of_sentence(text: &str) -> Option<usize> {
    text.rmatch_indices(['.', '!', '?', ';'])
        .find(|(at, _)| text[at + 1..].starts_with(char::is_whitespace))
        .map(|(at, _)| at + 1)
}

/// Finds what a reader of `target` cannot read in a line that is in `target` for the most part.
fn foreign(text: &str, target: Tongue, fixed: &[Fixed<'_>], parts: &mut Vec<Part>) -> bool {
    let stretches = match target.script() {
        Script::Han | Script::Kana | Script::Hangul => &WESTERN,
        _ => &EASTERN,
    };
    let mut done = 0;
    for found in stretches.find_iter(text) {
        let Some(from) = detect(&words_of(found.as_str()), &[], None) else {
            continue;
        };
        let masked = mask(found.as_str(), fixed);
        if from == target || masked.is_empty() {
            continue;
        }
        parts.push(Part::Keep(text[done..found.start()].to_owned()));
        parts.push(Part::Send { from, masked });
        done = found.end();
    }
    parts.push(Part::Keep(text[done..].to_owned()));
    done > 0
}

/// Whether the letters of a text can be those of a language: what came back in other letters is no
/// translation into it.
pub(crate) fn can_be(text: &str, tongue: Tongue) -> bool {
    let counted = letters(&words_of(text));
    if counted.is_empty() {
        return true;
    }
    let has = |script: Script| text.chars().any(|c| script_of(c) == Some(script));
    match tongue.script() {
        Script::Han => has(Script::Han),
        Script::Kana => has(Script::Kana) || has(Script::Han),
        // Words of others may stand in it, but not only those, and no long Chinese.
        Script::Latin => has(Script::Latin) && counted.han <= counted.latin_words,
        script => has(script),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const ZH_EN: [Tongue; 2] = [Tongue::ZH, Tongue::EN];

    fn sent(text: &str, target: Tongue) -> Option<Vec<String>> {
        let pieces = pieces(text, &ZH_EN, None);
        let parts = parts(&pieces, target, &[])?;
        let sent = parts.into_iter().filter_map(|part| match part {
            Part::Send { masked, .. } => Some(masked.text),
            Part::Keep(_) => None,
        });
        Some(sent.collect())
    }

    #[test]
    fn each_line_has_its_language() {
        let text = "大家早上好\nGood morning all";
        assert_eq!(sent(text, Tongue::EN).unwrap(), ["大家早上好"]);
        assert_eq!(sent(text, Tongue::ZH).unwrap(), ["Good morning all"]);
        assert_eq!(sent("hello there", Tongue::EN), None);
        assert_eq!(sent("```\n你好\n```", Tongue::EN), None);
        assert_eq!(
            sent("- 先停服务器\n- 再备份", Tongue::EN).unwrap(),
            ["先停服务器", "再备份"]
        );
    }

    #[test]
    fn a_line_in_two_languages_is_read_by_both() {
        let text = "The error says 无法连接到数据库 when I start it";
        assert_eq!(sent(text, Tongue::EN).unwrap(), ["无法连接到数据库"]);
        assert_eq!(sent(text, Tongue::ZH).unwrap(), [text]);
        // A name in other letters is no reason to translate.
        assert_eq!(sent("my name is 李雷 and I am new", Tongue::EN), None);
        assert_eq!(sent("请重启 nginx 然后看 log", Tongue::ZH), None);
    }

    #[test]
    fn long_texts_are_cut_behind_sentences() {
        let text = "这是一句话。".repeat(1000);
        let cut = sentences(&text);
        assert!(cut.len() > 4);
        assert!(
            cut.iter()
                .all(|part| part.ends_with('。') && part.chars().count() <= LONGEST)
        );
        assert_eq!(cut.concat(), text);
        let text = "This is one sentence. ".repeat(200);
        assert_eq!(sentences(&text).concat(), text);
        assert!(sentences(&text)[0].ends_with('.'));
        let text = "x".repeat(20_000);
        assert_eq!(sentences(&text).concat(), text);
    }

    #[test]
    fn letters_tell_what_is_no_translation() {
        assert!(can_be("服务器 ok", Tongue::ZH));
        assert!(!can_be("the server", Tongue::ZH));
        assert!(!can_be("服务器已经重新启动了", Tongue::EN));
        assert!(can_be("the node 李雷 has", Tongue::EN));
        assert!(can_be("42", Tongue::JA));
    }
}
