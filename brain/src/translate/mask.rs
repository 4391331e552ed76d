//! What must not be translated: code, addresses, mentions, emoji, placeholders, numbers with units,
//! names and glossary terms. Before a text goes to an engine they are replaced by marks, and what comes
//! back is accepted only if every mark is in it exactly once.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What engines leave alone, each alternative with its reason. The first that fits wins.
static PROTECTED: LazyLock<Regex> = LazyLock::new(|| {
    let alternatives = [
        // Our own marks, typed by a person.
        r"[\[［【]\s*[\[［【]\s*\d{1,4}\s*[\]］】]\s*[\]］】]",
        // Code, fenced and inline.
        r"(?s:```.*?```)",
        r"`[^`\n]+`",
        // Addresses.
        r"(?i:\b(?:[a-z][a-z0-9+.-]{1,15}://|www\.))[^\s<>\x22'，。；！？、（）【】「」]*[^\s<>\x22'.,;:!?，。；！？、（）【】「」()]",
        r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",
        // Placeholders and tags.
        r"\{\{[^{}\n]{1,60}\}\}|\$\{[^{}\n]{1,60}\}|\{[A-Za-z0-9_.:]{0,40}\}",
        r"%\([A-Za-z_]+\)[sd]|%(?:\d+\$)?[-+0]?\d*(?:\.\d+)?[sdifuxX]\b|%%",
        r"</?[A-Za-z][^<>\n]{0,80}>|\$[A-Z_][A-Z0-9_]+",
        // Mentions and topics.
        r"[@#][A-Za-z0-9_][A-Za-z0-9_.\-]*[A-Za-z0-9_]|[@#][A-Za-z0-9_]",
        // Paths, flags, shortcodes of emoji.
        r"(?:~|\.{1,2})?(?:/[A-Za-z0-9_.\-]+){2,}/?|\b[A-Za-z]:\\[^\s，。]+",
        r"\B--[a-z][a-z0-9-]+|:[a-z0-9_+]{2,30}:",
        // Versions and addresses of machines, times, dates, money, numbers with units.
        r"\bv?\d+(?:\.\d+){2,}(?::\d+)?(?:/\d+)?|\bv\d+(?:\.\d+)*",
        r"\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?|\d{1,2}:\d{2}(?::\d{2})?",
        r"[$€£¥￥]\s?\d[\d.,]*\d|[$€£¥￥]\s?\d",
        r"\d[\d.,]*\s?(?:%|‰|°C|°F|℃|€)|\d[\d.,]*\s?(?:[kKMGTP]i?B(?:/s)?|B/s|[kKMG]?bps|[kMG]?Hz|ms|μs|µs|ns|kg|mg|km|cm|mm|kWh|kW|mAh|dB|px|rpm|[qQ][pP][sS]|GB|TB)\b",
        // Emoji, joined ones and flags included.
        r"(?:\p{Regional_Indicator}{2}|\p{Extended_Pictographic}[\u{FE0F}\u{1F3FB}-\u{1F3FF}]*(?:\u{200D}\p{Extended_Pictographic}[\u{FE0F}\u{1F3FB}-\u{1F3FF}]*)*)+",
    ];
    Regex::new(&alternatives.join("|")).expect("a test compiles it")
});

/// A mark as engines may hand it back: with blanks, or with other brackets.
static MARK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\[［【]\s*[\[［【]\s*(\d{1,4})\s*[\]］】]\s*[\]］】]")
        .expect("a test compiles it")
});

/// A word that has a fixed translation, or none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fixed<'a> {
    /// As it is written.
    pub(crate) word: Cow<'a, str>,
    /// What stands there in the translation.
    pub(crate) becomes: Cow<'a, str>,
}

/// A text with marks in place of what must not be translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Masked {
    /// What stands before everything translatable.
    before: String,
    /// What the engine gets: begins and ends with something to translate.
    pub(crate) text: String,
    /// What stands after it.
    after: String,
    /// What the marks stand for, by number.
    kept: Vec<String>,
}

/// Why a translation cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MaskFault {
    /// A mark is missing.
    #[error("mark {0} is missing")]
    Missing(usize),
    /// A mark stands twice, or was never given.
    #[error("mark {0} is one too many")]
    TooMany(usize),
}

/// The places of a text that no engine may touch, and what becomes of each.
fn spans<'a>(text: &'a str, fixed: &'a [Fixed<'a>]) -> Vec<(Range<usize>, &'a str)> {
    let mut spans: Vec<(Range<usize>, &str)> = PROTECTED
        .find_iter(text)
        .map(|found| (found.range(), found.as_str()))
        .collect();
    for fixed in fixed {
        for (start, word) in text.match_indices(&*fixed.word) {
            let range = start..start + word.len();
            let overlaps = |(other, _): &(Range<usize>, &str)| {
                other.start < range.end && range.start < other.end
            };
            if stands_alone(text, &range) && !spans.iter().any(overlaps) {
                spans.push((range, &fixed.becomes));
            }
        }
    }
    spans.sort_by_key(|(range, _)| range.start);
    spans
}

/// Whether a word is not a part of a longer one. Chinese has no blanks between words.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() && u32::from(c) < 0x2E80;
    let before = text[..range.start].chars().next_back();
    let first = text[range.clone()].chars().next();
    let last = text[range.clone()].chars().next_back();
    let after = text[range.end..].chars().next();
    let joined = |one: Option<char>, other: Option<char>| {
        one.is_some_and(is_letter) && other.is_some_and(is_letter)
    };
    !joined(before, first) && !joined(last, after)
}

/// What is left of a text for a reader of words: without everything that no engine may touch.
pub(crate) fn words_of(text: &str) -> String {
    PROTECTED.replace_all(text, " ").into_owned()
}

/// Puts marks in place of what must not be translated.
pub(crate) fn mask(text: &str, fixed: &[Fixed<'_>]) -> Masked {
    let mut masked = Masked {
        before: String::new(),
        text: String::new(),
        after: String::new(),
        kept: Vec::new(),
    };
    let mut done = 0;
    for (range, becomes) in spans(text, fixed) {
        push_plain(&mut masked, &text[done..range.start]);
        if masked.text.is_empty() {
            masked.before.push_str(becomes);
        } else {
            masked.text.push_str(&format!("[[{}]]", masked.kept.len()));
            masked.kept.push(becomes.to_owned());
        }
        done = range.end;
    }
    push_plain(&mut masked, &text[done..]);
    trim_end(&mut masked);
    masked
}

/// Text that may be translated; blanks and signs before the first word are not worth sending.
fn push_plain(masked: &mut Masked, plain: &str) {
    let mut plain = plain;
    if masked.text.is_empty() {
        let word = plain.find(char::is_alphanumeric).unwrap_or(plain.len());
        // A bracket or quote belongs to its sentence.
        let start = plain[..word].rfind(char::is_whitespace).map_or(0, |at| {
            at + plain[at..].chars().next().map_or(1, char::len_utf8)
        });
        let start = if word == plain.len() { word } else { start };
        masked.before.push_str(&plain[..start]);
        plain = &plain[start..];
    }
    masked.text.push_str(plain);
}

/// Marks and blanks at the end stay here.
fn trim_end(masked: &mut Masked) {
    loop {
        let kept = masked.text.trim_end().len();
        let blanks = masked.text.split_off(kept);
        masked.after.insert_str(0, &blanks);
        let Some(last) = masked.kept.len().checked_sub(1) else {
            return;
        };
        let Some(rest) = masked.text.strip_suffix(&format!("[[{last}]]")) else {
            return;
        };
        let length = rest.len();
        masked.text.truncate(length);
        let becomes = masked.kept.pop().unwrap_or_default();
        masked.after.insert_str(0, &becomes);
    }
}

impl Masked {
    /// Whether anything is left to translate.
    pub(crate) fn is_empty(&self) -> bool {
        !self.text.chars().any(char::is_alphabetic)
    }

    /// The text as it would be with nothing translated.
    pub(crate) fn untouched(&self) -> String {
        self.restore(&self.text)
            .unwrap_or_else(|_| self.text.clone())
    }

    /// Puts what was kept back into a translation.
    ///
    /// # Errors
    /// See [`MaskFault`].
    pub(crate) fn restore(&self, translated: &str) -> Result<String, MaskFault> {
        let mut seen = vec![false; self.kept.len()];
        let mut whole = self.before.clone();
        let mut done = 0;
        for found in MARK.captures_iter(translated) {
            let (Some(range), Some(number)) = (found.get(0), found.get(1)) else {
                continue;
            };
            let number: usize = number.as_str().parse().unwrap_or(usize::MAX);
            match seen.get_mut(number) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(MaskFault::TooMany(number)),
            }
            whole.push_str(&translated[done..range.start()]);
            whole.push_str(&self.kept[number]);
            done = range.end();
        }
        if let Some(missing) = seen.iter().position(|seen| !seen) {
            return Err(MaskFault::Missing(missing));
        }
        whole.push_str(&translated[done..]);
        whole.push_str(&self.after);
        Ok(whole)
    }

    /// The stretches between the marks, for an engine that cannot leave marks alone.
    pub(crate) fn stretches(&self) -> Vec<&str> {
        MARK.split(&self.text).collect()
    }

    /// The text of translated stretches, blanks between them as in the original.
    pub(crate) fn join(&self, translated: &[String]) -> String {
        let mut whole = self.before.clone();
        for (index, (original, stretch)) in self.stretches().iter().zip(translated).enumerate() {
            let inner = original.trim();
            let (lead, tail) = match original.find(inner) {
                Some(at) if !inner.is_empty() => (&original[..at], &original[at + inner.len()..]),
                _ => (*original, ""),
            };
            whole.push_str(lead);
            whole.push_str(stretch.trim());
            whole.push_str(tail);
            if let Some(kept) = self.kept.get(index) {
                whole.push_str(kept);
            }
        }
        whole.push_str(&self.after);
        whole
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn fixed<'a>(word: &'a str, becomes: &'a str) -> Fixed<'a> {
        Fixed {
            word: word.into(),
            becomes: becomes.into(),
        }
    }

    #[test]
    fn what_must_stay_is_marked() {
        for (text, sent) in [
            ("run `df -h` on it", "run [[0]] on it"),
            (
                "see https://a.example/x?y=1, then call",
                "see [[0]], then call",
            ),
            ("看 https://a.example/路径。然后", "看 [[0]]。然后"),
            ("ask @ann_1 and @bob now", "ask [[0]] and [[1]] now"),
            (
                "Hello {name}, you have %d files",
                "Hello [[0]], you have [[1]] files",
            ),
            ("it has 16 GB and 3.5% left", "it has [[0]] and [[1]] left"),
            (
                "at 10:30 on 2026-11-22 we meet",
                "at [[0]] on [[1]] we meet",
            ),
            ("10.0.0.7 and v1.2.3 are old", "and [[0]] are old"),
            ("good 👍🏽 work 👩‍👩‍👧 all", "good [[0]] work [[1]] all"),
            ("mail me at a.b@c.example ok", "mail me at [[0]] ok"),
            (
                "the log /var/log/nginx/error.log is full",
                "the log [[0]] is full",
            ),
            ("we have 3 servers", "we have 3 servers"),
        ] {
            let masked = mask(text, &[]);
            assert_eq!(masked.text, sent);
            assert_eq!(masked.untouched(), text);
        }
    }

    #[test]
    fn ends_are_not_sent() {
        let masked = mask("  👋 @ann hello there 🎉 https://a.example ", &[]);
        assert_eq!(masked.text, "hello there");
        assert_eq!(
            masked.restore("你好").unwrap(),
            "  👋 @ann 你好 🎉 https://a.example "
        );
        for text in [
            "🎉🎉",
            "https://a.example",
            "@ann",
            "42",
            "```\ncode\n```",
            "!!!",
        ] {
            assert!(mask(text, &[]).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_mangled_mark_is_noticed() {
        let masked = mask("put `a` and `b` there", &[]);
        let restored = masked.restore("把 [ [0] ] 和【【1】】放那里").unwrap();
        assert_eq!(restored, "把 `a` 和`b`放那里");
        assert_eq!(masked.restore("把 [[0]] 放"), Err(MaskFault::Missing(1)));
        assert_eq!(
            masked.restore("[[0]] [[0]] [[1]]"),
            Err(MaskFault::TooMany(0))
        );
        assert_eq!(masked.restore("[[0]] [[7]]"), Err(MaskFault::TooMany(7)));
        assert_eq!(masked.stretches(), ["put ", " and ", " there"]);
        let parts = ["放", "和", "那里"].map(str::to_owned);
        assert_eq!(masked.join(&parts), "放 `a` 和 `b` 那里");
    }

    #[test]
    fn glossary_words_become_what_they_must() {
        let terms = [fixed("节点", "node"), fixed("cat", "喵")];
        assert_eq!(
            mask("请重启节点，谢谢", &terms)
                .restore("please restart the [[0]], thanks")
                .unwrap(),
            "please restart the node, thanks"
        );
        // Not inside another word, and not inside what stays anyway.
        assert_eq!(
            mask("concatenate `cat` now", &terms).text,
            "concatenate [[0]] now"
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "(\\PC|\n){0,80}") {
            prop_assert_eq!(mask(&text, &[]).untouched(), text);
        }
    }
}
