//! Cutting a long text into messages.

use crate::markup::{Run, Style};

/// More parts than this are better sent as a file.
pub const MOST_PARTS: usize = 4;

/// What a platform counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// UTF-16 code units.
    Utf16,
    /// Unicode scalar values.
    Characters,
    /// UTF-8 bytes.
    Bytes,
}

impl Unit {
    /// The length of a text in this unit.
    #[must_use]
    pub fn length(self, text: &str) -> usize {
        text.chars().map(|character| self.of(character)).sum()
    }

    fn of(self, character: char) -> usize {
        match self {
            Self::Utf16 => character.len_utf16(),
            Self::Characters => 1,
            Self::Bytes => character.len_utf8(),
        }
    }
}

/// Cuts runs into parts of at most `limit` units of visible text: between paragraphs if possible,
/// else lines, sentences, words, and at last anywhere between two characters. A block of code that
/// fits into one part stays whole when that does not waste most of the part before; one that is cut
/// is a block again in the next part. The parts joined give the text.
#[must_use]
pub fn split(runs: &[Run], limit: usize, unit: Unit) -> Vec<Vec<Run>> {
    let text: String = crate::markup::visible(runs);
    let blocks = blocks(runs);
    let mut parts = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = reach(&text, start, limit, unit);
        let cut = if end == text.len() {
            end
        } else {
            best_cut(&text, start, end, &blocks)
        };
        parts.push(slice(runs, start, cut));
        start = cut;
    }
    parts
}

/// The furthest end of a part that begins at `start`; at least one character.
fn reach(text: &str, start: usize, limit: usize, unit: Unit) -> usize {
    let mut used = 0;
    for (offset, character) in text[start..].char_indices() {
        used += unit.of(character);
        if used > limit && offset > 0 {
            return start + offset;
        }
    }
    text.len()
}

/// The byte ranges of code blocks.
fn blocks(runs: &[Run]) -> Vec<(usize, usize)> {
    let mut at = 0;
    let mut blocks = Vec::new();
    for run in runs {
        let end = at + run.text.len();
        if matches!(run.style, Style::Block { .. }) {
            blocks.push((at, end));
        }
        at = end;
    }
    blocks
}

/// Kinds of places to cut at, the best first.
const LEVELS: [fn(&str, char) -> bool; 4] =
    [after_paragraph, after_line, after_sentence, after_word];

fn best_cut(text: &str, start: usize, end: usize, blocks: &[(usize, usize)]) -> usize {
    let window = end - start;
    // A block that would be cut, but fits into the next part: leave it whole.
    if let Some(&(from, to)) = blocks.iter().find(|(from, to)| *from < end && end < *to)
        && from >= start + window / 4
        && to - from <= window
    {
        return from;
    }
    // A good place in the first half would make many short parts.
    for least in [window / 2, 0] {
        for level in LEVELS {
            let cut = text[start..end]
                .char_indices()
                .rev()
                .map(|(offset, character)| (start + offset + character.len_utf8(), character))
                .take_while(|(cut, _)| *cut > start + least)
                .find(|(cut, character)| {
                    level(&text[start..*cut], *character) && !splits_line_end(text, *cut)
                });
            if let Some((cut, _)) = cut {
                return cut;
            }
        }
    }
    end
}

/// `\r\n` is one line end.
fn splits_line_end(text: &str, cut: usize) -> bool {
    text[..cut].ends_with('\r') && text[cut..].starts_with('\n')
}

fn after_paragraph(before: &str, last: char) -> bool {
    last == '\n' && (before.ends_with("\n\n") || before.ends_with("\n\r\n"))
}

fn after_line(_: &str, last: char) -> bool {
    last == '\n'
}

fn after_sentence(before: &str, last: char) -> bool {
    matches!(last, '。' | '！' | '？' | '；' | '…')
        || last.is_whitespace() && before.trim_end().ends_with(['.', '!', '?', ';', ':'])
}

fn after_word(_: &str, last: char) -> bool {
    last.is_whitespace() || matches!(last, '，' | '、')
}

/// The runs of a byte range of the visible text.
fn slice(runs: &[Run], start: usize, end: usize) -> Vec<Run> {
    let mut at = 0;
    let mut part = Vec::new();
    for run in runs {
        let (from, to) = (start.max(at), end.min(at + run.text.len()));
        if from < to {
            let text = run.text[from - at..to - at].to_owned();
            part.push(Run {
                style: run.style.clone(),
                text,
            });
        }
        at += run.text.len();
    }
    part
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::markup::visible;

    fn plain(text: &str) -> Vec<Run> {
        vec![Run {
            style: Style::Plain,
            text: text.into(),
        }]
    }

    fn block(text: &str) -> Run {
        Run {
            style: Style::Block {
                language: "sh".into(),
            },
            text: text.into(),
        }
    }

    fn texts(text: &str, limit: usize) -> Vec<String> {
        split(&plain(text), limit, Unit::Utf16)
            .iter()
            .map(|part| visible(part))
            .collect()
    }

    #[test]
    fn short_text_is_one_part_and_no_text_is_none() {
        assert_eq!(texts("hello", 5), ["hello"]);
        assert!(texts("", 5).is_empty());
    }

    #[test]
    fn the_best_place_is_taken() {
        assert_eq!(
            texts("one two\n\nthree\nfour five", 16),
            ["one two\n\n", "three\nfour five"]
        );
        assert_eq!(
            texts("first line\nsecond one here", 18),
            ["first line\n", "second one here"]
        );
        assert_eq!(
            texts("A is so. B was. C d", 18),
            ["A is so. B was. ", "C d"]
        );
        assert_eq!(
            texts("今晚八点发布。谁来盯一下", 9),
            ["今晚八点发布。", "谁来盯一下"]
        );
        assert_eq!(texts("some words here", 12), ["some words ", "here"]);
        assert_eq!(texts("abcdefgh", 3), ["abc", "def", "gh"]);
    }

    #[test]
    fn a_surrogate_pair_stays_whole() {
        assert_eq!(texts("a😀b😀", 2), ["a", "😀", "b", "😀"]);
        assert_eq!(
            texts("😀", 1),
            ["😀"],
            "a limit that nothing fits takes one character"
        );
    }

    #[test]
    fn a_block_moves_as_a_whole_or_is_opened_again() {
        let mut runs = plain("some text before\n");
        runs.push(block("line one\nline two\n"));
        let parts = split(&runs, 24, Unit::Utf16);
        assert_eq!(
            parts,
            [
                plain("some text before\n"),
                vec![block("line one\nline two\n")]
            ]
        );
        let parts = split(&[block("line one\nline two\n")], 10, Unit::Utf16);
        assert_eq!(
            parts,
            [vec![block("line one\n")], vec![block("line two\n")]]
        );
    }

    fn any_runs() -> impl Strategy<Value = Vec<Run>> {
        let style = prop_oneof![
            Just(Style::Plain),
            Just(Style::Bold),
            Just(Style::Code),
            Just(Style::Block {
                language: String::new()
            }),
        ];
        let text = "[a-c .!\r\n。？😀é\u{301}]{1,40}";
        prop::collection::vec(
            (style, text).prop_map(|(style, text)| Run { style, text }),
            0..6,
        )
    }

    proptest! {
        #[test]
        fn parts_joined_give_the_text_and_each_fits(
            runs in any_runs(),
            limit in 4_usize..40,
            unit in prop_oneof![Just(Unit::Utf16), Just(Unit::Characters), Just(Unit::Bytes)],
        ) {
            let parts = split(&runs, limit, unit);
            let joined: String = parts.iter().map(|part| visible(part)).collect();
            prop_assert_eq!(joined, visible(&runs));
            for part in parts {
                let length = unit.length(&visible(&part));
                prop_assert!(length > 0 && length <= limit);
            }
        }
    }
}
