//! What is wrong with a configuration, in words that name the key and the way out.

use std::path::PathBuf;

use figment::error::{Actual, Kind};

use super::layer;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file is not there or may not be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{}, line {line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// A key that nobody knows.
    #[error("unknown key `{key}` ({origin}); {hint}")]
    UnknownKey {
        /// The key with its sections.
        key: String,
        /// File, variable or flag.
        origin: String,
        /// The nearest key, or all of the section.
        hint: String,
    },
    /// A known key with a value that makes no sense.
    #[error("`{key}` ({origin}): {message}")]
    BadValue {
        /// The key with its sections.
        key: String,
        /// File, variable or flag.
        origin: String,
        /// What was found and what is accepted.
        message: String,
    },
    /// A file that a `…_file` key names.
    #[error("`{key}`: cannot read {}: {source}", path.display())]
    SecretFile {
        /// The key.
        key: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two keys that exclude each other, a key that is missing, and the like.
    #[error("{0}")]
    Inconsistent(String),
}

/// The first error of an extraction, for people. `accepted` is every key of the example file.
pub(super) fn explain(error: figment::Error, accepted: &[String]) -> ConfigError {
    let error = error
        .into_iter()
        .next()
        .expect("an error has at least one part");
    let mut path = error.path.clone();
    let origin = |key: &str| {
        error
            .metadata
            .as_ref()
            .map_or_else(|| "unknown source".to_owned(), |m| layer::origin(m, key))
    };

    if let Kind::UnknownField(field, siblings) = &error.kind {
        if path.last().is_none_or(|last| last != field) {
            path.push(field.clone());
        }
        let key = path.join(".");
        return ConfigError::UnknownKey {
            origin: origin(&key),
            hint: hint(&path, siblings, accepted),
            key,
        };
    }
    if let Kind::MissingField(field) = &error.kind {
        path.push(field.to_string());
        let key = path.join(".");
        return ConfigError::BadValue {
            origin: origin(&key),
            key,
            message: "is missing".to_owned(),
        };
    }
    let key = path.join(".");
    ConfigError::BadValue {
        origin: origin(&key),
        message: reason(&error.kind, &key),
        key,
    }
}

/// What is wrong with a value, without the value where it may be a secret.
fn reason(kind: &Kind, key: &str) -> String {
    match kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("found {}, expected {expected}", shown(found, key))
        }
        Kind::UnknownVariant(found, accepted) => {
            let nearest = nearest(found, accepted.iter().copied())
                .map(|near| format!("did you mean \"{near}\"? "))
                .unwrap_or_default();
            format!(
                "\"{found}\" is not known; {nearest}accepted: {}",
                accepted.join(", ")
            )
        }
        Kind::Message(message) => message.clone(),
        other => other.to_string(),
    }
}

fn shown(found: &Actual, key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    if matches!(last, "token" | "secret" | "database") {
        return "something else".to_owned();
    }
    found.to_string()
}

/// The way out of an unknown key: its neighbour, the same name elsewhere, or what there is.
fn hint(path: &[String], siblings: &[&str], accepted: &[String]) -> String {
    let (field, section) = path.split_last().expect("a path names its key");
    let prefix = section
        .iter()
        .filter(|part| part.parse::<usize>().is_err())
        .map(|part| format!("{part}."))
        .collect::<String>();
    if let Some(near) = nearest(field, siblings.iter().copied()) {
        return format!("did you mean `{prefix}{near}`?");
    }
    let elsewhere = accepted
        .iter()
        .find(|key| key.rsplit('.').next() == Some(field) && **key != format!("{prefix}{field}"));
    if let Some(key) = elsewhere {
        return format!("did you mean `{key}`?");
    }
    format!("known here: {}", siblings.join(", "))
}

/// The candidate that `word` is most likely a slip of, if any is near enough.
fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
