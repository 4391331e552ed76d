//! Undoes what phones do to typed text.
//!
//! The rule: a change is made only where the typed ASCII is not in doubt, so that it is right in the
//! shell part of `run` too.
//!
//! * A dash of any sort that begins a word and is followed by a letter begins a flag: `—timeout` is
//!   `--timeout`, `–t` is `-t`. Dashes between words and inside words are text.
//! * Typographic quotes become ASCII quotes where they pair up like quotes: the opening one begins a
//!   word (or follows `=`, `:`, `(` …), the closing one is there, and what they hold means the same
//!   between ASCII quotes. What they hold is content and stays as it is. `don’t` keeps its apostrophe.
//! * Spaces that are not the ASCII space become it, characters that nobody sees go away (but not where
//!   they join emoji or letters of other scripts).
//! * What stands in ASCII quotes or after a backslash was meant; so was all that follows an ASCII
//!   quote that is never closed.
//!
//! CJK brackets (`「」`) and full-width letters are content in a shell command and syntax elsewhere.
//! They are left here; [`words`](super::words) takes the brackets as quotes, and [`fold`] makes ASCII
//! of the words that are syntax (command names, targets, numbers).

use std::borrow::Cow;
use std::collections::HashMap;

/// How many characters a pair of typographic quotes may hold: nobody types a longer argument on a
/// phone, and hostile text costs little time.
const LONGEST_QUOTE: usize = 1000;

/// A character that goes away can bring others together, so one pass is not always enough. Text that
/// needs more than this many was typed by nobody.
const MOST_PASSES: usize = 5;

/// The text as it was meant. ASCII text comes back unchanged, and so does repaired text.
pub fn repair(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut repaired = pass(text);
    for _ in 1..MOST_PASSES {
        let next = pass(&repaired);
        if next == repaired {
            break;
        }
        repaired = next;
    }
    Cow::Owned(repaired)
}

/// Full-width letters, digits and signs as ASCII, the ideographic space as a space, `、` as a comma:
/// for words that are syntax.
pub fn fold(word: &str) -> Cow<'_, str> {
    let foreign = |c: char| matches!(c, '\u{FF01}'..='\u{FF5E}' | '\u{3000}' | '、');
    if !word.contains(foreign) {
        return Cow::Borrowed(word);
    }
    let ascii = |c: char| match c {
        '\u{3000}' => ' ',
        '、' => ',',
        // The block stands in the order of ASCII, from `!` on.
        '\u{FF01}'..='\u{FF5E}' => {
            char::from_u32(u32::from(c) - 0xFF01 + 0x21).expect("the range is ASCII")
        }
        other => other,
    };
    Cow::Owned(word.chars().map(ascii).collect())
}

fn pass(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let closing = ClosingMarks::of(&characters);
    let mut repaired = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let character = characters[at];
        let previous = repaired.chars().next_back();
        let rest = &characters[at..];
        let step = match character {
            '\\' => copy(&mut repaired, &rest[..rest.len().min(2)]),
            '"' | '\'' => {
                let end = ascii_close(rest, character).map_or(rest.len(), |close| close + 1);
                copy(&mut repaired, &rest[..end])
            }
            _ => smart_quote(&mut repaired, previous, &characters, at, &closing)
                .or_else(|| dash(&mut repaired, previous, rest))
                .or_else(|| unseen(&mut repaired, previous, rest))
                .unwrap_or_else(|| copy(&mut repaired, &rest[..1])),
        };
        at += step;
    }
    repaired
}

fn copy(repaired: &mut String, characters: &[char]) -> usize {
    repaired.extend(characters);
    characters.len()
}

/// Where the ASCII quote that begins `rest` is closed.
fn ascii_close(rest: &[char], quote: char) -> Option<usize> {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' if quote == '"' => at += 1,
            character if character == quote => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where quotes may close: the places of each mark, in order.
struct ClosingMarks(HashMap<char, Vec<usize>>);

impl ClosingMarks {
    fn of(characters: &[char]) -> Self {
        let mut places: HashMap<char, Vec<usize>> = HashMap::new();
        for (at, character) in characters.iter().enumerate() {
            let ends = || {
                characters
                    .get(at + 1)
                    .is_none_or(|next| !next.is_alphanumeric())
            };
            let closes = match character {
                '”' | '“' | '＂' | '"' => true,
                // Inside a word it is an apostrophe.
                '’' | '‘' | '＇' | '\'' => ends(),
                _ => false,
            };
            if closes {
                places.entry(*character).or_default().push(at);
            }
        }
        Self(places)
    }

    fn first_after(&self, at: usize, mark: char) -> Option<usize> {
        let places = self.0.get(&mark)?;
        let next = places.partition_point(|place| *place <= at);
        places
            .get(next)
            .copied()
            .filter(|place| place - at <= LONGEST_QUOTE)
    }
}

fn smart_quote(
    repaired: &mut String,
    previous: Option<char>,
    characters: &[char],
    at: usize,
    closing: &ClosingMarks,
) -> Option<usize> {
    let begins =
        previous.is_none_or(|c| c.is_whitespace() || "=:([{,;|&<>$`".contains(c) || is_space(c));
    if !begins {
        return None;
    }
    // The closing marks of each opening one, best first. The ASCII quote is last: phones change
    // only one of the two when the other was pasted.
    let (ascii, marks): (char, &[char]) = match characters[at] {
        '“' => ('"', &['”', '“', '"']),
        '„' => ('"', &['“', '”', '"']),
        '”' | '‟' => ('"', &['”', '"']),
        '＂' => ('"', &['＂', '"']),
        '‘' => ('\'', &['’', '‘', '\'']),
        '‚' => ('\'', &['‘', '’', '\'']),
        '’' | '‛' => ('\'', &['’', '\'']),
        '＇' => ('\'', &['＇', '\'']),
        _ => return None,
    };
    let close = marks
        .iter()
        .find_map(|mark| closing.first_after(at, *mark))?;
    let content = &characters[at + 1..close];
    if !holds(content, ascii) {
        return None;
    }
    repaired.push(ascii);
    copy(repaired, content);
    repaired.push(ascii);
    Some(close + 1 - at)
}

/// Whether the content means the same between these ASCII quotes.
fn holds(content: &[char], quote: char) -> bool {
    let mut escaped = false;
    for character in content {
        match character {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            character if *character == quote => return false,
            _ => {}
        }
    }
    !escaped
}

fn dash(repaired: &mut String, previous: Option<char>, rest: &[char]) -> Option<usize> {
    if previous.is_some_and(|c| !c.is_whitespace() && !is_space(c)) {
        return None;
    }
    let run = rest
        .iter()
        .take_while(|c| **c == '-' || is_hyphen(**c) || is_dash(**c))
        .count();
    let letters = rest[run..]
        .iter()
        .take_while(|c| c.is_ascii_alphabetic())
        .count();
    if run == 0 || run > 4 || letters == 0 || rest[..run].iter().all(char::is_ascii) {
        return None;
    }
    let hyphens = if rest[..run].iter().any(|c| is_dash(*c)) {
        // One dash stands for `--`, or for `-` where only that makes sense: `–t`, `–n5`, `rm –rf`.
        let en_dash = run == 1 && rest[0] == '–';
        if letters == 1 || (en_dash && letters == 2) {
            1
        } else {
            2
        }
    } else {
        run
    };
    repaired.extend(std::iter::repeat_n('-', hyphens));
    Some(run)
}

/// Dashes that stand for one or two hyphens.
fn is_dash(character: char) -> bool {
    matches!(character, '–' | '—' | '―' | '⸺' | '‒')
}

/// Look-alikes of one hyphen.
fn is_hyphen(character: char) -> bool {
    matches!(character, '‐' | '\u{2011}' | '−' | '－' | '﹣')
}

/// Spaces that look like the ASCII one.
fn is_space(character: char) -> bool {
    matches!(
        character,
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}'
    )
}

fn unseen(repaired: &mut String, previous: Option<char>, rest: &[char]) -> Option<usize> {
    match rest[0] {
        character if is_space(character) => repaired.push(' '),
        '\u{2028}' | '\u{2029}' => repaired.push('\n'),
        // Joiners belong to emoji and to some scripts.
        '\u{200C}' | '\u{200D}' => {
            let foreign = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
            if foreign(previous) && foreign(rest.get(1).copied()) {
                return None;
            }
        }
        '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{AD}'
        | '\u{2060}'
        | '\u{FEFF}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{2069}' => {}
        _ => return None,
    }
    Some(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_phones_do_is_undone() {
        let rows = [
            ("run web-1 —timeout 5s ls", "run web-1 --timeout 5s ls"),
            ("nodes –t jarvisnode", "nodes -t jarvisnode"),
            ("nodes —t jarvisnode", "nodes -t jarvisnode"),
            ("users –n5", "users -n5"),
            ("log 4 ––err", "log 4 --err"),
            ("log 4 ——err", "log 4 --err"),
            ("log 4 －－err", "log 4 --err"),
            ("run a ls –la", "run a ls -la"),
            ("again 4 —on tag:web", "again 4 --on tag:web"),
            ("run web-1 echo “hi”", "run web-1 echo \"hi\""),
            ("run web-1 echo ‘hi there’", "run web-1 echo 'hi there'"),
            (
                "run web-1 awk ‘{print $1}’ f",
                "run web-1 awk '{print $1}' f",
            ),
            ("grep —include=“*.rs” x", "grep --include=\"*.rs\" x"),
            ("echo „hallo“ ”hej”", "echo \"hallo\" \"hej\""),
            ("echo “mixed\"", "echo \"mixed\""),
            ("echo ＂hi＂", "echo \"hi\""),
            ("run\u{A0}web-1\u{3000}uptime\u{200B}", "run web-1 uptime"),
            ("\u{FEFF}version", "version"),
        ];
        for (typed, meant) in rows {
            assert_eq!(repair(typed), meant, "{typed}");
        }
    }

    #[test]
    fn content_stays() {
        for text in [
            "echo don’t",
            "echo ‘don’t’x",
            "note a — b, 2010–2020",
            "echo \"a — “b” —c\u{A0}\"",
            "echo 'it —is'",
            "echo \\“ \\—x",
            // The ASCII quotes would hold something else.
            "echo “say \"x\"”",
            "echo “c:\\”",
            "echo 5”",
            "echo 「hi」 全角ａ：",
            "echo 👨\u{200D}👩\u{200D}👧",
            "echo \"open —x",
        ] {
            assert_eq!(repair(text), text);
        }
    }

    #[test]
    fn content_of_repaired_quotes_stays() {
        assert_eq!(repair("echo “a\u{A0}—b ‘c’”"), "echo \"a\u{A0}—b ‘c’\"");
    }

    #[test]
    fn syntax_words_fold_to_ascii() {
        assert_eq!(fold("／ｒｕｎ"), "/run");
        assert_eq!(fold("ｗｅｂ－１，ｔａｇ：ｄｂ、＊"), "web-1,tag:db,*");
        assert_eq!(fold("节点"), "节点");
    }

    proptest! {
        #[test]
        fn ascii_is_unchanged(text in "[ -~\n\t]{0,60}") {
            prop_assert_eq!(repair(&text), text.as_str());
        }

        #[test]
        fn once_is_enough(text in "([ -~]|[“”„‟‘’＂＇—–－\u{A0}\u{200B}\u{200D}\u{3000}é你]){0,40}") {
            let once = repair(&text).into_owned();
            prop_assert_eq!(repair(&once), once.as_str());
        }

        #[test]
        fn nothing_makes_it_panic(text in any::<String>()) {
            let once = repair(&text).into_owned();
            prop_assert_eq!(repair(&once), once.as_str());
            let _ = fold(&text);
        }
    }
}
