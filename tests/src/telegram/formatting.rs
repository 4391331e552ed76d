//! Formatted text: the HTML mode of the Bot API, explicit entities, and what Telegram finds by
//! itself in a person's text.

use serde_json::{Map, Value, json};

use super::error::ApiError;

const TAGS: [&str; 16] = [
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "span",
    "tg-spoiler",
    "a",
    "code",
    "pre",
    "blockquote",
    "tg-emoji",
];

/// One stretch of a text with a meaning; offset and length in UTF-16 units.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// `bold`, `code`, `bot_command`, …
    pub kind: String,
    /// Where it starts, in UTF-16 units.
    pub offset: usize,
    /// How long it is, in UTF-16 units.
    pub length: usize,
    extra: Map<String, Value>,
}

impl Entity {
    fn new(kind: &str, offset: usize, length: usize) -> Self {
        Self {
            kind: kind.to_owned(),
            offset,
            length,
            extra: Map::new(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut object = self.extra.clone();
        object.insert("type".to_owned(), json!(self.kind));
        object.insert("offset".to_owned(), json!(self.offset));
        object.insert("length".to_owned(), json!(self.length));
        Value::Object(object)
    }
}

/// A text with its entities.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Formatted {
    pub(crate) text: String,
    pub(crate) entities: Vec<Entity>,
}

impl Formatted {
    pub(crate) fn units(&self) -> usize {
        units(&self.text)
    }

    /// Cuts white space at both ends, as the real server does.
    fn trimmed(mut self) -> Self {
        let lead = units(&self.text) - units(self.text.trim_start());
        let text = self.text.trim().to_owned();
        let end = units(&text);
        self.entities.retain_mut(|entity| {
            let stop = (entity.offset + entity.length)
                .saturating_sub(lead)
                .min(end);
            entity.offset = entity.offset.saturating_sub(lead);
            entity.length = stop.saturating_sub(entity.offset);
            entity.length > 0
        });
        Self {
            text,
            entities: self.entities,
        }
    }
}

/// Length in UTF-16 units, the measure of the Bot API.
pub(crate) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Reads the text of a message in the mode that the bot asked for.
pub(crate) fn parse(
    text: &str,
    mode: Option<&str>,
    entities: Option<Value>,
) -> Result<Formatted, ApiError> {
    let formatted = match mode.map(str::to_ascii_lowercase).as_deref() {
        None | Some("") => Formatted {
            text: text.to_owned(),
            entities: explicit(entities, units(text))?,
        },
        Some("html") => {
            html(text).map_err(|error| ApiError::bad(format!("can't parse entities: {error}")))?
        }
        Some(_) => return Err(ApiError::bad("unsupported parse_mode")),
    };
    Ok(formatted.trimmed())
}

fn explicit(entities: Option<Value>, end: usize) -> Result<Vec<Entity>, ApiError> {
    let Some(entities) = entities else {
        return Ok(Vec::new());
    };
    let Value::Array(entities) = entities else {
        return Err(ApiError::bad("expected an Array of MessageEntity"));
    };
    entities
        .into_iter()
        .map(|entity| {
            let wrong = || ApiError::bad("can't parse MessageEntity");
            let Value::Object(mut object) = entity else {
                return Err(wrong());
            };
            let mut number = |name: &str| {
                object
                    .remove(name)
                    .and_then(|value| value.as_u64())
                    .and_then(|value| usize::try_from(value).ok())
                    .ok_or_else(wrong)
            };
            let (offset, length) = (number("offset")?, number("length")?);
            let Some(Value::String(kind)) = object.remove("type") else {
                return Err(wrong());
            };
            if offset + length > end {
                return Err(ApiError::bad("ENTITY_BOUNDS_INVALID"));
            }
            Ok(Entity {
                kind,
                offset,
                length,
                extra: object,
            })
        })
        .collect()
}

struct OpenTag {
    name: String,
    start: usize,
    attributes: Map<String, Value>,
}

fn html(source: &str) -> Result<Formatted, String> {
    let mut out = Formatted::default();
    let mut open: Vec<OpenTag> = Vec::new();
    let mut at = 0;
    while let Some(next) = source[at..].chars().next() {
        match next {
            '&' => {
                let (decoded, used) = character_reference(&source[at..]).unwrap_or(('&', 1));
                out.text.push(decoded);
                at += used;
            }
            '<' if source[at + 1..].starts_with('/') => {
                at = close_tag(source, at, &mut open, &mut out)?;
            }
            '<' => at = open_tag(source, at, &mut open, &out)?,
            other => {
                out.text.push(other);
                at += other.len_utf8();
            }
        }
    }
    if let Some(tag) = open.last() {
        return Err(format!(
            "Can't find end tag corresponding to start tag \"{}\"",
            tag.name
        ));
    }
    out.entities
        .sort_by_key(|entity| (entity.offset, usize::MAX - entity.length));
    Ok(out)
}

fn character_reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(12).position(|byte| byte == b';')?;
    let decoded = match &text[1..end] {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|character| *character != '\0')?
        }
    };
    Some((decoded, end + 1))
}

fn open_tag(
    source: &str,
    at: usize,
    open: &mut Vec<OpenTag>,
    out: &Formatted,
) -> Result<usize, String> {
    let rest = &source[at + 1..];
    let length = rest
        .find(|character: char| character.is_whitespace() || character == '>')
        .ok_or_else(|| format!("Unclosed start tag at byte offset {at}"))?;
    let name = rest[..length].to_ascii_lowercase();
    if !TAGS.contains(&name.as_str()) {
        return Err(format!(
            "Unsupported start tag \"{name}\" at byte offset {at}"
        ));
    }
    let (attributes, used) = attributes(&rest[length..])
        .ok_or_else(|| format!("Unclosed start tag \"{name}\" at byte offset {at}"))?;
    if name == "span" && attributes.get("class") != Some(&json!("tg-spoiler")) {
        return Err(format!(
            "Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}"
        ));
    }
    open.push(OpenTag {
        name,
        start: units(&out.text),
        attributes,
    });
    Ok(at + 1 + length + used)
}

/// Attributes up to and with the `>`, and how many bytes they took.
fn attributes(source: &str) -> Option<(Map<String, Value>, usize)> {
    let mut found = Map::new();
    let mut at = 0;
    loop {
        at += source[at..].len() - source[at..].trim_start().len();
        let rest = &source[at..];
        if rest.starts_with('>') {
            return Some((found, at + 1));
        }
        let name_end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '>')?;
        let name = rest[..name_end].to_ascii_lowercase();
        at += name_end;
        let mut value = String::new();
        if let Some(after) = source[at..].strip_prefix('=') {
            at += 1;
            let quote = after.chars().next()?;
            let end = if quote == '"' || quote == '\'' {
                at += 1;
                source[at..].find(quote)?
            } else {
                source[at..].find(|c: char| c.is_whitespace() || c == '>')?
            };
            source[at..at + end].clone_into(&mut value);
            at += end + usize::from(quote == '"' || quote == '\'');
        } else if name.is_empty() {
            return None;
        }
        let mut decoded = String::new();
        let mut left = value.as_str();
        while let Some(next) = left.chars().next() {
            let (character, used) = character_reference(left)
                .filter(|_| next == '&')
                .unwrap_or((next, next.len_utf8()));
            decoded.push(character);
            left = &left[used..];
        }
        found.insert(name, Value::String(decoded));
    }
}

fn close_tag(
    source: &str,
    at: usize,
    open: &mut Vec<OpenTag>,
    out: &mut Formatted,
) -> Result<usize, String> {
    let rest = &source[at + 2..];
    let length = rest
        .find('>')
        .ok_or_else(|| format!("Unclosed end tag at byte offset {at}"))?;
    let name = rest[..length].trim_end().to_ascii_lowercase();
    let tag = open
        .pop()
        .ok_or_else(|| format!("Unexpected end tag at byte offset {at}"))?;
    if !name.is_empty() && name != tag.name {
        return Err(format!(
            "Unmatched end tag at byte offset {at}, expected \"</{}>\", found \"</{name}>\"",
            tag.name
        ));
    }
    finish(&tag, open.last(), out);
    Ok(at + 2 + length + 1)
}

/// Turns a closed tag into an entity.
fn finish(tag: &OpenTag, parent: Option<&OpenTag>, out: &mut Formatted) {
    let length = units(&out.text) - tag.start;
    if length == 0 {
        return;
    }
    let mut entity = Entity::new("", tag.start, length);
    entity.kind = match tag.name.as_str() {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "span" | "tg-spoiler" => "spoiler",
        "blockquote" => "blockquote",
        "tg-emoji" => "custom_emoji",
        "a" => {
            let url = tag.attributes.get("href").cloned().unwrap_or_default();
            if let Some(user) = url
                .as_str()
                .and_then(|url| url.strip_prefix("tg://user?id="))
            {
                let id: i64 = user.parse().unwrap_or_default();
                entity.extra.insert(
                    "user".to_owned(),
                    json!({"id": id, "is_bot": false, "first_name": "Somebody"}),
                );
                "text_mention"
            } else if url.as_str().is_some_and(|url| url.contains(':')) {
                entity.extra.insert("url".to_owned(), url);
                "text_link"
            } else {
                return;
            }
        }
        "pre" => {
            // `<pre><code class="language-x">` is one block in language x.
            if let Some(inner) = out.entities.iter().position(|inner| {
                inner.kind == "code"
                    && inner.extra.contains_key("language")
                    && (inner.offset, inner.length) == (tag.start, length)
            }) {
                entity.extra = out.entities.remove(inner).extra;
            }
            "pre"
        }
        _ => {
            let language = tag
                .attributes
                .get("class")
                .and_then(Value::as_str)
                .and_then(|class| class.strip_prefix("language-"));
            match (parent.is_some_and(|parent| parent.name == "pre"), language) {
                (true, Some(language)) => {
                    entity.extra.insert("language".to_owned(), json!(language));
                }
                (true, None) => return,
                (false, _) => {}
            }
            "code"
        }
    }
    .to_owned();
    out.entities.push(entity);
}

/// Commands and mentions in a person's text, as Telegram marks them.
pub(crate) fn detect(text: &str) -> Vec<Entity> {
    let mut found = Vec::new();
    let mut previous = ' ';
    for (at, character) in text.char_indices() {
        let word_start = !(previous.is_alphanumeric() || matches!(previous, '_' | '/' | '@' | '.'));
        previous = character;
        if !word_start || !matches!(character, '/' | '@') {
            continue;
        }
        let name = |text: &str| {
            text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(text.len())
        };
        let rest = &text[at + 1..];
        let mut length = name(rest);
        let kind = if character == '/' {
            if length == 0 || length > 64 {
                continue;
            }
            if let Some(bot) = rest[length..].strip_prefix('@') {
                length += 1 + name(bot);
            }
            "bot_command"
        } else {
            if !(3..=32).contains(&length) {
                continue;
            }
            "mention"
        };
        found.push(Entity::new(
            kind,
            units(&text[..at]),
            units(&text[at..=at + length]),
        ));
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn kinds(formatted: &Formatted) -> Vec<(&str, usize, usize)> {
        formatted
            .entities
            .iter()
            .map(|entity| (entity.kind.as_str(), entity.offset, entity.length))
            .collect()
    }

    #[test]
    fn html_becomes_text_and_entities_in_utf16() {
        let parsed =
            html("😀 <b>a &lt; <i>b</i></b> <a href=\"https://x.y/?a=1&amp;b=2\">l</a>").unwrap();
        assert_eq!(parsed.text, "😀 a < b l");
        assert_eq!(
            kinds(&parsed),
            [("bold", 3, 5), ("italic", 7, 1), ("text_link", 9, 1)]
        );
        assert_eq!(parsed.entities[2].extra["url"], "https://x.y/?a=1&b=2");
    }

    #[test]
    fn a_code_block_knows_its_language() {
        let parsed = html("<pre><code class=\"language-sh\">ls</code></pre>").unwrap();
        assert_eq!(kinds(&parsed), [("pre", 0, 2)]);
        assert_eq!(parsed.entities[0].json()["language"], "sh");
    }

    #[test]
    fn broken_html_is_refused_in_telegrams_words() {
        for (source, error) in [
            ("<x>a</x>", "Unsupported start tag \"x\" at byte offset 0"),
            ("a < b", "Unsupported start tag \"\" at byte offset 2"),
            (
                "<b>a",
                "Can't find end tag corresponding to start tag \"b\"",
            ),
            (
                "<b>a</i>",
                "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\"",
            ),
            ("a</b>", "Unexpected end tag at byte offset 1"),
            ("a <b", "Unclosed start tag at byte offset 2"),
        ] {
            assert_eq!(html(source).unwrap_err(), error, "{source}");
        }
    }

    #[test]
    fn white_space_at_the_ends_is_cut_with_the_entities() {
        let parsed = parse("\n <b> hi </b>\n", Some("HTML"), None).unwrap();
        assert_eq!(parsed.text, "hi");
        assert_eq!(kinds(&parsed), [("bold", 0, 2)]);
    }

    #[test]
    fn commands_and_mentions_are_found() {
        let found: Vec<_> = detect("/run@jarvis_bot a/b @ann_lee x@y.z 😀 /help")
            .into_iter()
            .map(|entity| (entity.kind, entity.offset, entity.length))
            .collect();
        assert_eq!(
            found,
            [
                ("bot_command".to_owned(), 0, 15),
                ("mention".to_owned(), 20, 8),
                ("bot_command".to_owned(), 38, 5)
            ]
        );
    }
}
