//! A service's answer as people read it.

use jarvis_proto::node::{ServiceAnswer, ServiceFailure};
use serde_json::Value;

/// Most lines of an answer that are shown in a message.
const MOST_LINES: usize = 30;
/// Most bytes of an answer that are shown in a message.
const MOST_BYTES: usize = 2_000;
/// Keys at the top that are no part of what is read: they become files and a link.
const APART: [&str; 2] = ["files", "link"];

/// A small answer as lines `key: value`; `None` when it is too large for that and goes as a file.
/// An answer of nothing but files and a link has no lines.
pub(crate) fn small_answer(json: &str) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(json).ok()?;
    let mut lines = Vec::new();
    match &value {
        Value::Object(object) => {
            for (key, value) in object {
                if !APART.contains(&key.as_str()) {
                    add(&mut lines, &one_line(key), value);
                }
            }
        }
        Value::Array(items) => {
            for item in items.iter().take(MOST_LINES + 1) {
                add(&mut lines, "-", item);
            }
        }
        single => lines.push(scalar(single)),
    }
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    (lines.len() <= MOST_LINES && bytes <= MOST_BYTES).then_some(lines)
}

/// Whether a service answered more than a message takes.
pub(crate) fn needs_file(answer: &ServiceAnswer) -> bool {
    answer.failure() == ServiceFailure::Unspecified && small_answer(&answer.json).is_none()
}

/// Deeper objects are written with dots, lists of plain values with commas.
fn add(lines: &mut Vec<String>, key: &str, value: &Value) {
    if lines.len() > MOST_LINES {
        return;
    }
    let line = |value: &str| match key {
        "-" => format!("- {value}"),
        key => format!("{key}: {value}"),
    };
    match value {
        Value::Object(object) if object.is_empty() => lines.push(line("{}")),
        Value::Object(object) => {
            for (inner, value) in object {
                let inner = one_line(inner);
                let key = match key {
                    "-" => format!("- {inner}"),
                    key => format!("{key}.{inner}"),
                };
                add(lines, &key, value);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate().take(MOST_LINES + 1) {
                add(lines, &format!("{key}[{}]", index + 1), item);
            }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().take(1_000).map(scalar).collect();
            lines.push(line(&items.join(", ")));
        }
        single => lines.push(line(&scalar(single))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains('\n') => format!("\n{}", clean(text.trim_end())),
        Value::String(text) => clean(text),
        other => other.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_answers_are_lines() {
        let json = r#"{"free":"12 GB","disk":{"used":3,"mount":"/"},"tags":["a","b",1],
            "nodes":[{"name":"x"},{"name":"y"}],"none":null,"empty":{},"list":[],
            "files":["/srv/a"],"link":{"url":"https://x"},"log":"one\ntwo\n"}"#;
        // In the order of the object's keys, which is no promise of JSON.
        let mut lines = small_answer(json).unwrap();
        lines.sort();
        assert_eq!(
            lines,
            [
                "disk.mount: /",
                "disk.used: 3",
                "empty: {}",
                "free: 12 GB",
                "list: ",
                "log: \none\ntwo",
                "nodes[1].name: x",
                "nodes[2].name: y",
                "none: null",
                "tags: a, b, 1",
            ]
        );
    }

    #[test]
    fn plain_values_and_lists() {
        assert_eq!(small_answer("42").unwrap(), ["42"]);
        assert_eq!(small_answer(r#""up""#).unwrap(), ["up"]);
        assert_eq!(small_answer(r#"["a",2]"#).unwrap(), ["- a", "- 2"]);
        assert_eq!(
            small_answer(r#"[{"a":1},{"a":2}]"#).unwrap(),
            ["- a: 1", "- a: 2"]
        );
        assert!(small_answer("{}").unwrap().is_empty());
        assert!(small_answer(r#"{"files":["a"]}"#).unwrap().is_empty());
    }

    #[test]
    fn large_answers_go_as_files() {
        let many: Vec<u32> = (0..31).collect();
        assert_eq!(small_answer(&serde_json::to_string(&many).unwrap()), None);
        let long = serde_json::to_string(&"x".repeat(3_000)).unwrap();
        assert_eq!(small_answer(&long), None);
        assert_eq!(small_answer("no json"), None);
        assert_eq!(small_answer(""), None);
    }

    #[test]
    fn control_characters_do_not_come_through() {
        let json = r#"{"a\u001b[31m\nb":"x\u0007\u001b[0m"}"#;
        assert_eq!(small_answer(json).unwrap(), ["a[31mb: x[0m"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = small_answer(&text);
        }
    }
}
