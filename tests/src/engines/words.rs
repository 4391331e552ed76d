//! How the fakes translate.

use std::collections::HashMap;

/// By the dictionary, else word by word. Marks like `[[0]]` stay.
pub(super) fn translate(
    phrases: &HashMap<(String, String, String), String>,
    from: &str,
    to: &str,
    text: &str,
) -> String {
    let key = (from.to_owned(), to.to_owned(), text.to_owned());
    if let Some(known) = phrases.get(&key) {
        return known.clone();
    }
    let mut translated = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("[[") {
        let end = rest[start..]
            .find("]]")
            .map_or(rest.len(), |end| start + end + 2);
        translated.push_str(&plain(to, &rest[..start]));
        translated.push_str(&rest[start..end]);
        rest = &rest[end..];
    }
    translated.push_str(&plain(to, rest));
    translated
}

/// Words with the letters of the language, that still tell where they come from.
fn plain(to: &str, text: &str) -> String {
    let mut translated = String::new();
    for word in text.split_inclusive(char::is_whitespace) {
        let letters = word.trim_end();
        let blank = &word[letters.len()..];
        if letters.chars().any(char::is_alphanumeric) {
            translated.push_str(&one(to, letters));
        } else {
            translated.push_str(letters);
        }
        translated.push_str(blank);
    }
    translated
}

fn one(to: &str, word: &str) -> String {
    let is_eastern = word.chars().any(|c| u32::from(c) >= 0x2E80);
    match to {
        "zh" => format!("译{word}"),
        "ja" => format!("ヤク{word}"),
        "ko" => format!("번역{word}"),
        // No Chinese is left in a text for who cannot read it.
        _ if is_eastern => word
            .chars()
            .map(|c| format!("{to}{:x}", u32::from(c)))
            .collect::<Vec<_>>()
            .join(" "),
        _ => format!("{to}-{word}"),
    }
}

/// The text without its marks.
pub(super) fn unmarked(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("[[") {
        kept.push_str(&rest[..start]);
        rest = rest[start..]
            .find("]]")
            .map_or("", |end| &rest[start + end + 2..]);
    }
    kept.push_str(rest);
    kept
}
