//! One source of configuration: a file, the environment, or flags.

use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::ConfigError;

/// The environment's variables start with this; `__` stands between section and key.
const PREFIX: &str = "JARVIS__";

/// Name of the layer made of environment variables.
const ENVIRONMENT: &str = "environment";
/// Name of the layer made of flags.
const FLAGS: &str = "flags";
/// Name of a layer made of a file.
const FILE: &str = "file";

/// Keys and values from one source.
#[derive(Debug)]
pub(super) struct Layer {
    metadata: Metadata,
    values: Dict,
}

impl Layer {
    /// The layer of a TOML file.
    ///
    /// # Errors
    /// The file cannot be read, or is no TOML. The message names the line but never quotes it: it
    /// might hold a secret.
    pub(super) fn file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let table: toml::Table = toml::from_str(&text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            line: line_of(&text, error.span().map_or(0, |span| span.start)),
            message: error.message().trim().replace('\n', ", "),
        })?;
        let values = Value::serialize(&table)
            .ok()
            .and_then(Value::into_dict)
            .expect("a TOML table is a dictionary");
        Ok(Self {
            metadata: Metadata::from(FILE, path),
            values,
        })
    }

    /// The layer of the `JARVIS__SECTION__KEY` variables among `variables`.
    pub(super) fn environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let pairs = variables.into_iter().filter_map(|(name, value)| {
            let key = name.strip_prefix(PREFIX)?;
            Some((key.to_lowercase().replace("__", "."), value))
        });
        Self::of_pairs(Metadata::named(ENVIRONMENT), pairs)
    }

    /// The layer of flags: dotted keys and their values.
    pub(super) fn flags(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::of_pairs(Metadata::named(FLAGS), pairs)
    }

    fn of_pairs(metadata: Metadata, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut values = Dict::new();
        for (key, text) in pairs {
            insert(&mut values, &key, value_of(&text));
        }
        Self { metadata, values }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// How strong the source of a value is: a higher rank wins.
pub(super) fn rank(metadata: &Metadata) -> u8 {
    match metadata.name.as_ref() {
        FLAGS => 2,
        ENVIRONMENT => 1,
        _ => 0,
    }
}

/// Where a key was set, for people.
pub(super) fn origin(metadata: &Metadata, key: &str) -> String {
    match (metadata.name.as_ref(), &metadata.source) {
        (ENVIRONMENT, _) => {
            let name = key.to_uppercase().replace('.', "__");
            format!("environment variable {PREFIX}{name}")
        }
        (FLAGS, _) => format!("flag --set {key}=…"),
        (_, Some(source)) => source
            .file_path()
            .map_or_else(|| source.to_string(), |path| path.display().to_string()),
        (name, None) => name.to_owned(),
    }
}

fn insert(values: &mut Dict, key: &str, value: Value) {
    let Some((section, rest)) = key.split_once('.') else {
        values.insert(key.to_owned(), value);
        return;
    };
    let inner = values
        .entry(section.to_owned())
        .or_insert_with(|| Dict::new().into());
    if let Value::Dict(_, inner) = inner {
        insert(inner, rest, value);
    }
}

/// A value written outside a file: TOML where it reads as TOML, else the text itself.
fn value_of(text: &str) -> Value {
    #[derive(serde::Deserialize)]
    struct One {
        v: toml::Value,
    }

    let text = text.trim();
    let read = toml::from_str::<One>(&format!("v = {text}")).map(|one| one.v);
    match read {
        // "007" and "1_000" are texts: only what would be printed again the same is a number.
        Ok(toml::Value::Integer(number)) if number.to_string() == text => number.into(),
        Ok(toml::Value::Boolean(flag)) => flag.into(),
        Ok(toml::Value::String(quoted)) => quoted.into(),
        Ok(value @ (toml::Value::Array(_) | toml::Value::Table(_))) => {
            Value::serialize(&value).unwrap_or_else(|_| text.into())
        }
        _ => text.into(),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
