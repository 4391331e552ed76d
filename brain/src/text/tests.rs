#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::*;

const SOURCES: [(Language, &str); 2] = [(Language::En, EN), (Language::Zh, ZH)];

/// Every key of a catalog with its placeholders.
fn entries(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let key = Regex::new(r"^([a-z][a-z0-9-]*) =").unwrap();
    let placeholder = Regex::new(r"\$([a-z][a-z0-9_-]*)").unwrap();
    let mut entries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if let Some(found) = key.captures(line) {
            current = found[1].to_owned();
            let twice = entries.insert(current.clone(), BTreeSet::new());
            assert!(twice.is_none(), "`{current}` stands twice");
        }
        for found in placeholder.captures_iter(line) {
            entries
                .get_mut(&current)
                .unwrap()
                .insert(found[1].to_owned());
        }
    }
    entries
}

#[test]
fn catalogs_parse() {
    for (language, source) in SOURCES {
        let parsed = FluentResource::try_new(source.to_owned());
        if let Err((_, errors)) = parsed {
            panic!("{language}: {errors:?}");
        }
    }
}

#[test]
fn every_language_has_every_key_and_placeholder() {
    let [(_, en), (_, zh)] = SOURCES;
    let (en, zh) = (entries(en), entries(zh));
    for (key, placeholders) in &en {
        assert_eq!(Some(placeholders), zh.get(key), "`{key}` in zh");
    }
    for key in zh.keys() {
        assert!(en.contains_key(key), "`{key}` is not in en");
    }
}

#[test]
fn marks_are_closed() {
    let fence = Regex::new(r"\{[^{}]*\}").unwrap();
    for (language, source) in SOURCES {
        for line in source.lines().filter(|line| !line.starts_with('#')) {
            let words = fence.replace_all(line, "");
            assert_eq!(words.matches('`').count() % 2, 0, "{language}: {line}");
            assert_eq!(words.matches("**").count() % 2, 0, "{language}: {line}");
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The parts between the commas of a macro call whose `(` was just passed, and nothing deeper.
fn arguments(source: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    let mut in_string = false;
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                characters.next();
                continue;
            }
            '(' | '[' | '{' if !in_string => depth += 1,
            ')' | ']' | '}' if !in_string && depth == 0 => break,
            ')' | ']' | '}' if !in_string => depth -= 1,
            ',' if !in_string && depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    parts
        .into_iter()
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

#[test]
fn code_asks_only_for_texts_that_exist() {
    let entries = entries(SOURCES[0].1);
    let name = Regex::new(r"^([a-z_]+) =[^=]").unwrap();
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut calls = 0;
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for (start, call) in source.match_indices("text!(") {
            if source[..start]
                .lines()
                .last()
                .is_some_and(|line| line.trim_start().starts_with("//"))
            {
                continue;
            }
            let arguments = arguments(&source[start + call.len()..]);
            // A computed key (`text!(language, key)`) is looked after by the test of its maker.
            let Some(key) = arguments.get(1).and_then(|key| key.strip_prefix('"')) else {
                continue;
            };
            let key = key.trim_end_matches('"');
            let Some(placeholders) = entries.get(key) else {
                panic!("{}: no text `{key}`", file.display());
            };
            let given: BTreeSet<String> = arguments[2..]
                .iter()
                .map(|part| name.captures(part).unwrap()[1].to_owned())
                .collect();
            assert_eq!(&given, placeholders, "{}: `{key}`", file.display());
            calls += 1;
        }
    }
    assert!(calls > 90, "the search found only {calls} calls");
}

#[test]
fn hints_choose_the_language() {
    let rows = [
        (None, "", Language::En),
        (None, "zh-hans", Language::Zh),
        (None, "zh_TW", Language::Zh),
        (None, "de", Language::En),
        (Some("en"), "zh-hans", Language::En),
        (Some("zh"), "en-GB", Language::Zh),
        (Some("xx"), "zh", Language::Zh),
    ];
    for (set, hint, language) in rows {
        assert_eq!(Language::negotiate(set, hint), language, "{set:?} {hint:?}");
    }
}

#[test]
fn marks_count_only_in_the_catalogs_words() {
    let text = text!(
        Language::En,
        "node-unknown",
        node = "a`b\u{F8F0}**",
        nodes = "x"
    );
    assert!(text.to_string().contains("`a`b**`"), "{text}");
    let codes: Vec<_> = text
        .segments()
        .into_iter()
        .filter_map(|segment| match segment.kind {
            Some(segment::Kind::Code(code)) => Some(code),
            _ => None,
        })
        .collect();
    assert_eq!(codes[0], "a`b**");
}

#[test]
fn every_text_can_be_filled_in() {
    for (key, placeholders) in entries(SOURCES[0].1) {
        for language in Language::ALL {
            // 2 fits every selector, and reads as a text elsewhere.
            let values: Vec<_> = placeholders
                .iter()
                .map(|name| (&*name.clone().leak(), Value::from(2)))
                .collect();
            let text = get(language, &key, &values).to_string();
            assert!(
                !text.trim().is_empty() || key == "list-separator",
                "`{key}` in {language}"
            );
            assert!(
                !text.contains('{') && !text.contains("\u{2068}"),
                "`{key}`: {text}"
            );
        }
    }
}

#[test]
fn plurals_agree() {
    let head = |count| text!(Language::En, "users-head", count = count).to_string();
    assert_eq!(
        (head(1), head(2)),
        ("1 person".to_owned(), "2 people".to_owned())
    );
    assert_eq!(
        text!(Language::Zh, "users-head", count = 1).to_string(),
        "共 1 人"
    );
}

#[test]
fn every_text_is_used() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let code: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    for key in entries(SOURCES[0].1).keys() {
        // The texts of commands are asked for by the command's name.
        let used = key.starts_with("cmd-") || code.contains(&format!("\"{key}\""));
        assert!(used, "nobody says `{key}`");
    }
}
