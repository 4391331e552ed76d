//! Message segments, as an array or as a string with CQ codes.

use serde_json::{Map, Value};

/// One segment of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// `text`, `at`, `reply`, `image`, …
    pub(super) kind: String,
    /// What belongs to it. Values are strings by the specification; numbers occur.
    pub(super) data: Map<String, Value>,
}

impl Segment {
    fn text(text: &str) -> Self {
        let mut data = Map::new();
        data.insert("text".to_owned(), Value::from(unescape(text, false)));
        Self {
            kind: "text".to_owned(),
            data,
        }
    }

    /// A value as text, whatever type it came in.
    pub(super) fn value(&self, key: &str) -> String {
        match self.data.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(is)) => is.to_string(),
            _ => String::new(),
        }
    }
}

/// The segments of a message in whatever form it came. What is no segment is left out.
pub(super) fn read(message: &Value) -> Vec<Segment> {
    match message {
        Value::String(text) => parse(text),
        Value::Array(segments) => segments.iter().filter_map(segment).collect(),
        // One segment without an array around it is allowed.
        Value::Object(_) => segment(message).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn segment(value: &Value) -> Option<Segment> {
    let kind = value.get("type")?.as_str()?.to_owned();
    let data = match value.get("data") {
        Some(Value::Object(data)) => data.clone(),
        _ => Map::new(),
    };
    Some(Segment { kind, data })
}

/// Reads a string with CQ codes. What looks like a code and is none stays text.
pub(super) fn parse(text: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find("[CQ:") {
        let start = at + found;
        match code(&text[start..]) {
            Some((segment, length)) => {
                if plain < start {
                    segments.push(Segment::text(&text[plain..start]));
                }
                segments.push(segment);
                at = start + length;
                plain = at;
            }
            None => at = start + "[CQ:".len(),
        }
    }
    if plain < text.len() {
        segments.push(Segment::text(&text[plain..]));
    }
    segments
}

/// The code at the beginning of `text`, and how many bytes it takes.
fn code(text: &str) -> Option<(Segment, usize)> {
    let end = text.find(']')?;
    let inside = text.get("[CQ:".len()..end)?;
    let (kind, parameters) = match inside.split_once(',') {
        Some((kind, parameters)) => (kind, Some(parameters)),
        None => (inside, None),
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    if !is_name(kind) {
        return None;
    }
    let mut data = Map::new();
    if kind == "text" {
        // Both reference readers take what stands in such a code for its text.
        data.insert(
            "text".to_owned(),
            Value::from(unescape(parameters.unwrap_or_default(), true)),
        );
    } else {
        for parameter in parameters.into_iter().flat_map(|all| all.split(',')) {
            let (name, value) = parameter.split_once('=')?;
            if !is_name(name) {
                return None;
            }
            data.insert(name.to_owned(), Value::from(unescape(value, true)));
        }
    }
    let kind = kind.to_owned();
    Some((Segment { kind, data }, end + 1))
}

fn unescape(text: &str, in_code: bool) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut text = text.replace("&#91;", "[").replace("&#93;", "]");
    if in_code {
        text = text.replace("&#44;", ",");
    }
    // Last, so that an escaped `&` makes no new escape.
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A message, its segments, and the string that they make again, as two public clients (aiocqhttp
    /// 1.4.4, nonebot-adapter-onebot 2.4.6) agree on them.
    const VECTORS: &str = include_str!("vectors.json");

    fn as_json(segments: &[Segment]) -> Value {
        segments
            .iter()
            .map(|segment| json!({"type": segment.kind, "data": segment.data}))
            .collect()
    }

    #[test]
    fn strings_are_read_as_public_clients_read_them() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 18);
        for case in cases {
            let text = case["cq"].as_str().unwrap();
            assert_eq!(as_json(&parse(text)), case["aiocqhttp"], "{text}");
        }
    }

    #[test]
    fn arrays_and_strings_say_the_same() {
        let array = json!([
            {"type": "at", "data": {"qq": 10001}},
            {"type": "text", "data": {"text": " a[b]&c"}},
            {"data": {}}, 7, {"type": "shake"}, {"type": "x", "data": "y"},
        ]);
        let kinds: Vec<_> = read(&array).iter().map(|one| one.kind.clone()).collect();
        assert_eq!(kinds, ["at", "text", "shake", "x"]);
        assert_eq!(read(&array)[0].value("qq"), "10001");
        let string = json!("[CQ:at,qq=10001] a&#91;b&#93;&amp;c[CQ:shake][CQ:x]");
        let texts = |message: &Value| -> Vec<String> {
            read(message).iter().map(|one| one.value("text")).collect()
        };
        assert_eq!(texts(&array), texts(&string));
        assert!(read(&json!(null)).is_empty());
    }

    fn escape(text: &str, in_code: bool) -> String {
        let text = text
            .replace('&', "&amp;")
            .replace('[', "&#91;")
            .replace(']', "&#93;");
        if in_code {
            text.replace(',', "&#44;")
        } else {
            text
        }
    }

    proptest! {
        #[test]
        fn no_string_panics(text in "[\\[\\]CQ:,=&;#a中😀]{0,40}") {
            parse(&text);
        }

        #[test]
        fn what_was_escaped_comes_back(text in "\\PC{1,30}", value in "\\PC{0,30}") {
            let whole = format!("{}[CQ:x,v={}]", escape(&text, false), escape(&value, true));
            let segments = parse(&whole);
            prop_assert_eq!(segments.len(), 2);
            prop_assert_eq!(segments[0].value("text"), text);
            prop_assert_eq!(segments[1].value("v"), value);
        }
    }
}
