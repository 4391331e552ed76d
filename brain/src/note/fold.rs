//! What makes two spellings the same: width, letter case, traditional and simplified characters.
//!
//! Folding looks at one character (with its combining marks) at a time, so a word folds alike alone
//! and inside a sentence. Every folded character knows where it came from, for highlighting.

use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The Chinese characters that have other forms: the Unicode blocks of the base plane.
const HAN: Range<u32> = 0x3400..0xA000;

/// For each character of [`HAN`], its simplified form.
static SIMPLIFIED: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut buffer = [0; 4];
    HAN.map(|code| {
        let Some(character) = char::from_u32(code) else {
            return char::REPLACEMENT_CHARACTER;
        };
        let simplified = hanconv::t2s(character.encode_utf8(&mut buffer));
        let mut characters = simplified.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) => one,
            _ => character,
        }
    })
    .collect()
});

/// Whether a character belongs to Chinese words.
pub(crate) fn is_han(character: char) -> bool {
    matches!(u32::from(character), 0x3400..=0x9FFF | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

/// A folded text, and where each of its characters came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Folded {
    text: String,
    /// For each folded character its first byte in `text` and in the original, in order.
    origins: Vec<(u32, u32)>,
    original_length: u32,
}

impl Folded {
    /// Folds a text. Control characters and marks of direction become spaces or vanish.
    pub(crate) fn new(original: &str) -> Self {
        let mut folded = Self {
            text: String::with_capacity(original.len()),
            origins: Vec::with_capacity(original.len() / 2),
            original_length: offset(original.len()),
        };
        let mut rest = original.char_indices().peekable();
        while let Some((start, first)) = rest.next() {
            let is_alone = rest.peek().is_none_or(|(_, next)| !is_mark(*next));
            if is_alone && (first.is_ascii() || is_plain_han(first)) {
                folded.push(first, start);
                continue;
            }
            let mut end = start + first.len_utf8();
            while let Some((at, mark)) = rest.next_if(|(_, next)| is_mark(*next)) {
                end = at + mark.len_utf8();
            }
            for character in original[start..end].nfkc() {
                folded.push(character, start);
            }
        }
        folded
    }

    fn push(&mut self, character: char, start: usize) {
        let character = match character {
            'A'..='Z' => character.to_ascii_lowercase(),
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{ad}' => return,
            control if control.is_control() => ' ',
            ascii if ascii.is_ascii() => ascii,
            han if HAN.contains(&u32::from(han)) => {
                SIMPLIFIED[(u32::from(han) - HAN.start) as usize]
            }
            other => {
                for lower in other.to_lowercase() {
                    self.keep(lower, start);
                }
                return;
            }
        };
        self.keep(character, start);
    }

    fn keep(&mut self, character: char, start: usize) {
        self.origins.push((offset(self.text.len()), offset(start)));
        self.text.push(character);
    }

    /// The folded text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the original from which a range of folded bytes came. The range must lie on
    /// character borders.
    pub(crate) fn original(&self, folded: Range<usize>) -> Range<usize> {
        self.origin(folded.start)..self.origin(folded.end)
    }

    fn origin(&self, at: usize) -> usize {
        let index = self
            .origins
            .partition_point(|(folded, _)| (*folded as usize) < at);
        self.origins
            .get(index)
            .map_or(self.original_length, |(_, original)| *original) as usize
    }
}

/// Whether a character belongs to the one before it. The half-width voicing marks are letters to
/// Unicode, and combine once they are full width.
fn is_mark(character: char) -> bool {
    is_combining_mark(character) || matches!(character, '\u{ff9e}' | '\u{ff9f}')
}

/// Offsets are kept small; texts of notes are far below four gigabytes.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn is_plain_han(character: char) -> bool {
    HAN.contains(&u32::from(character))
}

/// Folds a short text, without its origins.
pub(crate) fn fold(text: &str) -> String {
    Folded::new(text).text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_the_same_become_the_same() {
        for (typed, meant) in [
            ("ＧＤＰ", "gdp"),
            ("NGINX", "nginx"),
            ("伺服器", "伺服器"),
            ("服務器", "服务器"),
            ("重啟", "重启"),
            ("ｶﾞ", "ガ"),
            ("e\u{301}", "é"),
            ("ﬁle", "file"),
            ("①", "1"),
            ("a\u{200b}b", "ab"),
            ("参數", "参数"),
        ] {
            assert_eq!(fold(typed), meant, "{typed}");
        }
    }

    #[test]
    fn a_word_folds_alike_alone_and_in_a_sentence() {
        for word in ["乾坤", "後宮", "頭髮", "皇后", "幹部"] {
            let alone = fold(word);
            let inside = fold(&format!("他說{word}很好"));
            assert!(inside.contains(&alone), "{word}");
        }
    }

    #[test]
    fn ranges_lead_back_to_the_original() {
        let original = "重啟 ＮＧＩＮＸ 服務";
        let folded = Folded::new(original);
        let at = folded.text().find("nginx").expect("it is there");
        assert_eq!(&original[folded.original(at..at + 5)], "ＮＧＩＮＸ");
        let end = folded.text().len();
        assert_eq!(folded.original(end..end), original.len()..original.len());
    }

    proptest! {
        #[test]
        fn any_text_folds_and_leads_back(text in any::<String>()) {
            let folded = Folded::new(&text);
            let borders: Vec<usize> = folded.text().char_indices().map(|(at, _)| at).chain([folded.text().len()]).collect();
            for pair in borders.windows(2) {
                let range = folded.original(pair[0]..pair[1]);
                prop_assert!(range.start <= range.end);
                prop_assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
            }
            prop_assert_eq!(fold(folded.text()).len(), fold(&fold(folded.text())).len());
        }
    }
}
