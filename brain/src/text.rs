//! Everything that people read: message catalogs (Fluent) in English and Simplified Chinese.
//!
//! A text is named by its key: `text!(language, "job-unknown", number = 42)`. In the catalogs
//! `` `…` `` marks code and `**…**` bold; the marks count only in the catalog's own words, never in
//! what is filled in, so nobody can break the layout with a file name. Tests fail when a key or a
//! placeholder is missing in one language, or when code asks for one that does not exist.

pub mod format;
pub mod outcome;

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jarvis_proto::chat::{Segment, segment};
use unic_langid::langid;

/// Marks in a filled-in [`Text`]; private-use characters that no catalog and no argument contains.
const CODE: char = '\u{F8F0}';
const BOLD: char = '\u{F8F1}';

/// A language that Jarvis speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

impl Language {
    /// All languages; the first one is the default.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The code that `/lang` takes and the store keeps.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// What the language calls itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "中文",
        }
    }

    /// The language of a BCP 47 tag such as `zh-Hans-CN` or `en_GB`; `None` if we do not speak it.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "zh" | "yue" | "wuu" | "cmn" => Some(Self::Zh),
            _ => None,
        }
    }

    /// What to speak to a person: what they set with `/lang`, else the platform's hint, else English.
    pub fn negotiate(set: Option<&str>, hint: &str) -> Self {
        set.and_then(Self::from_tag)
            .or_else(|| Self::from_tag(hint))
            .unwrap_or(Self::En)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A filled-in text, with its marks for code and bold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// Text from outside, without marks.
    pub fn plain(text: &str) -> Self {
        Self(without_marks(text).into_owned())
    }

    /// Text from outside, shown as code.
    pub fn code(text: &str) -> Self {
        Self(format!("{CODE}{}{CODE}", without_marks(text)))
    }

    /// Text from outside, shown bold.
    pub fn bold(text: &str) -> Self {
        Self(format!("{BOLD}{}{BOLD}", without_marks(text)))
    }

    /// Several texts with `separator` between them.
    pub fn join(parts: impl IntoIterator<Item = Self>, separator: &str) -> Self {
        let mut joined = String::new();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                joined.push_str(separator);
            }
            joined.push_str(&part.0);
        }
        Self(joined)
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first `most` characters of the text without marks, for places that only take so many.
    pub fn shortened(&self, most: usize) -> String {
        self.to_string().chars().take(most).collect()
    }

    /// The text as segments of the chat contract.
    pub fn segments(&self) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut rest = self.0.as_str();
        while !rest.is_empty() {
            let start = rest.find([CODE, BOLD]).unwrap_or(rest.len());
            push(&mut segments, segment::Kind::Text, &rest[..start]);
            rest = &rest[start..];
            let Some(mark) = rest.chars().next() else {
                break;
            };
            rest = &rest[mark.len_utf8()..];
            let end = rest.find(mark).unwrap_or(rest.len());
            let inside = without_marks(&rest[..end]);
            let kind = if mark == CODE {
                segment::Kind::Code
            } else {
                segment::Kind::Bold
            };
            push(&mut segments, kind, &inside);
            rest = rest[end..].strip_prefix(mark).unwrap_or_default();
        }
        segments
    }
}

fn push(segments: &mut Vec<Segment>, kind: fn(String) -> segment::Kind, text: &str) {
    if !text.is_empty() {
        segments.push(Segment {
            kind: Some(kind(text.to_owned())),
        });
    }
}

impl fmt::Display for Text {
    /// As plain text: code stays in backticks, bold is not marked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                CODE => f.write_str("`")?,
                BOLD => {}
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

fn without_marks(text: &str) -> Cow<'_, str> {
    if text.contains([CODE, BOLD]) {
        Cow::Owned(text.replace([CODE, BOLD], ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// The beginning of what somebody typed, on one line, for a sentence about it.
pub fn excerpt(typed: &str) -> String {
    const MOST: usize = 60;
    let mut characters = typed.trim().chars();
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    let mut excerpt: String = characters.by_ref().take(MOST).map(one_line).collect();
    if characters.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// Something that fills a placeholder.
#[derive(Debug, Clone)]
pub struct Value<'a>(FluentValue<'a>);

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self(without_marks(text).into())
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self(without_marks(&text).into_owned().into())
    }
}

impl From<Text> for Value<'_> {
    fn from(text: Text) -> Self {
        Self(text.0.into())
    }
}

impl<'a> From<&'a Text> for Value<'a> {
    fn from(text: &'a Text) -> Self {
        Self(text.0.as_str().into())
    }
}

macro_rules! value_from_number {
    ($($number:ty)*) => {$(
        impl From<$number> for Value<'_> {
            fn from(number: $number) -> Self {
                Self(number.into())
            }
        }
    )*};
}
value_from_number!(i32 i64 u32 u64 usize);

/// The text of a key in a language, with its placeholders filled in. Prefer the macro `text!`,
/// whose keys and placeholders a test compares with the catalogs.
///
/// A key that no catalog has gives the key itself: a person sees something odd, and nothing breaks.
pub fn get(language: Language, key: &str, values: &[(&'static str, Value<'_>)]) -> Text {
    let bundle = CATALOGS.of(language);
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        tracing::error!(key, "no such text");
        debug_assert!(false, "no text `{key}`");
        return Text(key.to_owned());
    };
    let arguments: FluentArgs<'_> = values
        .iter()
        .map(|(name, value)| (*name, value.0.clone()))
        .collect();
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&arguments), &mut errors);
    if !errors.is_empty() {
        tracing::error!(key, ?errors, "text with faults");
        debug_assert!(false, "text `{key}`: {errors:?}");
    }
    Text(text.into_owned())
}

/// Whether the catalogs have the key.
pub fn has(key: &str) -> bool {
    CATALOGS.of(Language::En).has_message(key)
}

/// The text of a key: `text!(language, "key", placeholder = value, …)`.
macro_rules! text {
    ($language:expr, $key:expr $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::text::get(
            $language,
            $key,
            &[$((stringify!($name), $crate::text::Value::from($value))),*],
        )
    };
}
pub(crate) use text;

struct Catalogs {
    en: FluentBundle<FluentResource>,
    zh: FluentBundle<FluentResource>,
}

impl Catalogs {
    fn of(&self, language: Language) -> &FluentBundle<FluentResource> {
        match language {
            Language::En => &self.en,
            Language::Zh => &self.zh,
        }
    }
}

/// The files of a language: one for the core, one for each later part.
macro_rules! catalog {
    ($language:literal) => {
        concat!(
            include_str!(concat!("text/", $language, "/main.ftl")),
            include_str!(concat!("text/", $language, "/join.ftl")),
            include_str!(concat!("text/", $language, "/rollout.ftl")),
            include_str!(concat!("text/", $language, "/files.ftl")),
            include_str!(concat!("text/", $language, "/logs.ftl")),
            include_str!(concat!("text/", $language, "/watch.ftl")),
            include_str!(concat!("text/", $language, "/legacy.ftl")),
            include_str!(concat!("text/", $language, "/services.ftl")),
            include_str!(concat!("text/", $language, "/notes.ftl")),
            include_str!(concat!("text/", $language, "/translation.ftl")),
            include_str!(concat!("text/", $language, "/sign_in.ftl")),
        )
    };
}

const EN: &str = catalog!("en");
const ZH: &str = catalog!("zh");

static CATALOGS: LazyLock<Catalogs> = LazyLock::new(|| Catalogs {
    en: bundle(langid!("en"), EN),
    zh: bundle(langid!("zh-CN"), ZH),
});

fn bundle(language: unic_langid::LanguageIdentifier, source: &str) -> FluentBundle<FluentResource> {
    let resource = FluentResource::try_new(source.to_owned())
        .map_err(|(_, errors)| errors)
        .expect("a test parses the catalogs");
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    bundle.set_use_isolating(false);
    bundle.set_transform(Some(mark));
    bundle
        .add_resource(resource)
        .expect("a test looks for keys that stand twice");
    bundle
}

/// Turns the catalog's own marks into private ones, so that those in arguments stay plain text.
fn mark(text: &str) -> Cow<'_, str> {
    if text.contains(['`', '*']) {
        Cow::Owned(
            text.replace('`', CODE.encode_utf8(&mut [0; 4]))
                .replace("**", BOLD.encode_utf8(&mut [0; 4])),
        )
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
#[path = "text/tests.rs"]
mod tests;
