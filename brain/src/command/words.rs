//! Splits a repaired line into words, and knows where each word stands, so that the rest of a line
//! can be taken as it was typed.
//!
//! Quotes are those of a shell: `'…'` holds everything, `"…"` lets a backslash escape `"` and `\`,
//! and a backslash outside quotes escapes the next character. CJK brackets and typographic quotes
//! that begin a word and are closed hold their content too.

use std::borrow::Cow;

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word without its quotes.
    pub text: String,
    /// Where it begins in the line, in bytes, its quotes included.
    pub start: usize,
    /// Where it ends in the line, in bytes.
    pub end: usize,
    /// Some of it stood in quotes, or was escaped: it is no flag and no list.
    pub quoted: bool,
}

/// A quote that is never closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the quote {quote} at character {position} is not closed")]
pub struct OpenQuote {
    /// Which quote.
    pub quote: char,
    /// Which character of the text it is, from 1.
    pub position: usize,
}

/// Splits a whole line.
///
/// # Errors
/// A quote is not closed.
pub fn split(line: &str) -> Result<Vec<Word>, OpenQuote> {
    Words::new(line).collect()
}

/// The words of a line, one after the other. After an error it ends.
#[derive(Debug, Clone)]
pub struct Words<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    /// Starts at the beginning of the line.
    pub fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    /// Where the next word begins, in bytes; the length of the line when there is none.
    pub fn next_start(&self) -> usize {
        self.at + self.rest().len() - self.rest().trim_start().len()
    }

    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }
}

impl Iterator for Words<'_> {
    type Item = Result<Word, OpenQuote>;

    fn next(&mut self) -> Option<Self::Item> {
        self.at = self.next_start();
        if self.rest().is_empty() {
            return None;
        }
        let mut word = Word {
            text: String::new(),
            start: self.at,
            end: self.at,
            quoted: false,
        };
        while let Some(character) = self.rest().chars().next() {
            let after = &self.rest()[character.len_utf8()..];
            let taken = match character {
                _ if character.is_whitespace() => break,
                '\\' => {
                    word.quoted = true;
                    let escaped = after.chars().next();
                    word.text.push(escaped.unwrap_or('\\'));
                    1 + escaped.map_or(0, char::len_utf8)
                }
                '\'' | '"' => {
                    let Some((content, length)) = quoted(after, character) else {
                        let open = open_quote(self.line, self.at, character);
                        self.at = self.line.len();
                        return Some(Err(open));
                    };
                    word.quoted = true;
                    word.text.push_str(&content);
                    1 + length
                }
                _ => match bracketed(character, after).filter(|_| self.at == word.start) {
                    Some(content) => {
                        word.quoted = true;
                        word.text.push_str(content);
                        2 * character.len_utf8() + content.len()
                    }
                    None => {
                        word.text.push(character);
                        character.len_utf8()
                    }
                },
            };
            self.at += taken;
        }
        word.end = self.at;
        Some(Ok(word))
    }
}

/// What stands between the quote that was just passed and the closing one, and its length in bytes,
/// the closing quote included.
fn quoted(after: &str, quote: char) -> Option<(Cow<'_, str>, usize)> {
    if quote == '\'' {
        let end = after.find('\'')?;
        return Some((Cow::Borrowed(&after[..end]), end + 1));
    }
    let mut content = String::new();
    let mut characters = after.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((Cow::Owned(content), at + 1)),
            '\\' => match characters.next()?.1 {
                escaped @ ('"' | '\\') => content.push(escaped),
                other => content.extend(['\\', other]),
            },
            other => content.push(other),
        }
    }
    None
}

/// What stands in CJK brackets or typographic quotes that begin with `open`. Open and closing marks
/// have the same length in UTF-8.
fn bracketed(open: char, after: &str) -> Option<&str> {
    let close = match open {
        '「' => '」',
        '『' => '』',
        '“' => '”',
        '‘' => '’',
        _ => return None,
    };
    after.find(close).map(|end| &after[..end])
}

fn open_quote(line: &str, at: usize, quote: char) -> OpenQuote {
    OpenQuote {
        quote,
        position: line[..at].chars().count() + 1,
    }
}

/// Looks for a quote that a shell would find open in a command. Comments and here-documents hold no
/// quotes; a script with a `#!` line is its interpreter's business.
///
/// # Errors
/// The quote that is open; its position counts from the start of `command`.
pub fn check_shell_quotes(command: &str) -> Result<(), OpenQuote> {
    if command.starts_with("#!") {
        return Ok(());
    }
    let mut at = 0;
    let mut begins = true;
    while let Some(character) = command[at..].chars().next() {
        let after = &command[at + character.len_utf8()..];
        let taken = match character {
            '\\' => 1 + after.chars().next().map_or(0, char::len_utf8),
            '\'' | '"' => match quoted(after, character) {
                Some((_, length)) => 1 + length,
                None => return Err(open_quote(command, at, character)),
            },
            '#' if begins => command[at..].find('\n').unwrap_or(command.len() - at),
            '<' if after.starts_with('<') && !after.starts_with("<<") => return Ok(()),
            other => other.len_utf8(),
        };
        begins = character.is_whitespace() || ";&|(".contains(character);
        at += taken;
    }
    Ok(())
}

/// The word as it has to be typed to be one word again.
pub fn quote(word: &str) -> Cow<'_, str> {
    let harmless = |c: char| c.is_alphanumeric() || "-_./:,*@=+%#~".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn texts(line: &str) -> Vec<String> {
        split(line)
            .unwrap()
            .into_iter()
            .map(|word| word.text)
            .collect()
    }

    #[test]
    fn words_split_as_in_a_shell() {
        let rows: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("  run  web-1\tls ", &["run", "web-1", "ls"]),
            ("a\u{3000}b\nc", &["a", "b", "c"]),
            (r#"a"b c"d 'e f' """#, &["ab cd", "e f", ""]),
            (r#""a\"b\\c\n""#, &[r#"a"b\c\n"#]),
            (r"a\ b \'c", &["a b", "'c"]),
            (r"end\", &["end\\"]),
            ("「重启 网关」 『a』b “c d”", &["重启 网关", "ab", "c d"]),
            ("x「y」 「open", &["x「y」", "「open"]),
        ];
        for (line, words) in rows {
            assert_eq!(texts(line), words, "{line}");
        }
    }

    #[test]
    fn words_know_where_they_stand() {
        let line = "run 'web 1' ls | wc";
        let words = split(line).unwrap();
        assert_eq!(&line[words[1].start..words[1].end], "'web 1'");
        assert!(words[1].quoted && !words[2].quoted);
        assert_eq!(&line[words[2].start..], "ls | wc");
    }

    #[test]
    fn open_quotes_are_named() {
        assert_eq!(
            split("你好 \"x"),
            Err(OpenQuote {
                quote: '"',
                position: 4
            })
        );
        assert_eq!(
            split("it's"),
            Err(OpenQuote {
                quote: '\'',
                position: 3
            })
        );
    }

    #[test]
    fn shells_see_open_quotes_only_where_quotes_count() {
        for good in [
            "echo \"it's\" | grep 'a\"b'",
            "echo hi # don't",
            "cat <<EOF\ndon't\nEOF",
            "#!/usr/bin/python3\nprint('''a'b''')",
            r"echo \'",
            "echo a#b 'x'",
            "cat <<<'x'",
        ] {
            assert_eq!(check_shell_quotes(good), Ok(()), "{good}");
        }
        for (bad, quote, position) in [
            ("echo \"hi", '"', 6),
            ("echo it's", '\'', 8),
            ("echo a#b '", '\'', 10),
        ] {
            assert_eq!(check_shell_quotes(bad), Err(OpenQuote { quote, position }));
        }
    }

    proptest! {
        #[test]
        fn quoted_words_come_back(words in proptest::collection::vec(".{0,12}", 0..6)) {
            let line: Vec<_> = words.iter().map(|word| quote(word)).collect();
            prop_assert_eq!(texts(&line.join(" ")), words);
        }

        #[test]
        fn nothing_makes_it_panic(line in any::<String>()) {
            if let Ok(words) = split(&line) {
                for word in words {
                    prop_assert!(line.is_char_boundary(word.start) && line.is_char_boundary(word.end));
                }
            }
            let _ = check_shell_quotes(&line);
        }
    }
}
