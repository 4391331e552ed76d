//! `[translate]`: translation engines and their limits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jarvis_brain::{EngineConfig, EngineKind, TranslateConfig};
use serde::Deserialize;

use super::parse;
use super::secret::Secret;

/// `[translate]`: engines, and what may be spent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Translate {
    /// The order in which engines are tried; those that are left out follow by name.
    pub(crate) order: Vec<String>,
    /// Characters that one person may have translated in a month; 0 = no limit.
    pub(crate) person_budget: u64,
    /// Characters that may be translated for one room in a month; 0 = no limit.
    pub(crate) room_budget: u64,
    /// A translation that takes longer is announced as delayed.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) delayed_after: Duration,
    /// After this, a translation that no engine made is given up.
    #[serde(deserialize_with = "parse::duration")]
    pub(crate) give_up_after: Duration,
    /// The engines, by the names that commands use.
    pub(crate) engines: BTreeMap<String, TranslateEngine>,
}

impl Default for Translate {
    fn default() -> Self {
        let limits = TranslateConfig::default();
        Self {
            order: Vec::new(),
            person_budget: limits.person_budget,
            room_budget: limits.room_budget,
            delayed_after: limits.delayed_after,
            give_up_after: limits.give_up_after,
            engines: BTreeMap::new(),
        }
    }
}

/// `[translate.engines.NAME]`: one engine.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TranslateEngine {
    pub(crate) kind: Kind,
    /// `None`: where such engines are.
    #[serde(default)]
    pub(crate) url: Option<url::Url>,
    #[serde(default)]
    pub(crate) key: Option<Secret>,
    #[serde(default, deserialize_with = "parse::optional_path")]
    pub(crate) key_file: Option<PathBuf>,
    /// For engines that have several.
    #[serde(default)]
    pub(crate) model: Option<String>,
    /// Texts stay on machines of our own; `None`: when the address is this machine.
    #[serde(default)]
    pub(crate) local: Option<bool>,
    /// Characters in a calendar month; 0 = no limit.
    #[serde(default)]
    pub(crate) budget: u64,
    #[serde(default = "default_timeout", deserialize_with = "parse::duration")]
    pub(crate) timeout: Duration,
    /// Calls at a time.
    #[serde(default = "default_parallel")]
    pub(crate) parallel: usize,
    /// Characters in one call.
    #[serde(default = "default_characters")]
    pub(crate) most_characters: usize,
}

fn defaults() -> EngineConfig {
    EngineConfig::new("", EngineKind::LibreTranslate)
}

fn default_timeout() -> Duration {
    defaults().timeout
}

fn default_parallel() -> usize {
    defaults().parallel
}

fn default_characters() -> usize {
    defaults().most_characters
}

/// Which sort of service an engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    LibreTranslate,
    DeepL,
    Google,
    OpenAi,
    Apertium,
    Crawler,
}

impl From<Kind> for EngineKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::LibreTranslate => Self::LibreTranslate,
            Kind::DeepL => Self::DeepL,
            Kind::Google => Self::Google,
            Kind::OpenAi => Self::OpenAi,
            Kind::Apertium => Self::Apertium,
            Kind::Crawler => Self::Crawler,
        }
    }
}

impl Translate {
    /// What no single value shows.
    ///
    /// # Errors
    /// What does not fit together.
    pub(super) fn consistent(&self) -> Result<(), String> {
        if let Some(unknown) = self
            .order
            .iter()
            .find(|name| !self.engines.contains_key(*name))
        {
            return Err(format!(
                "`translate.order` names `{unknown}`, but there is no `[translate.engines.{unknown}]`"
            ));
        }
        for (name, engine) in &self.engines {
            let key = format!("translate.engines.{name}");
            if EngineKind::from(engine.kind).needs_key() && engine.key.is_none() {
                return Err(format!("`{key}` needs a key: set `key` or `key_file`"));
            }
            if engine.kind == Kind::OpenAi && engine.model.is_none() {
                return Err(format!("`{key}` needs a `model`"));
            }
            if engine.parallel == 0 || engine.most_characters < 100 {
                return Err(format!(
                    "`{key}`: `parallel` must be at least 1, and `most_characters` 100"
                ));
            }
            if let Some(url) = &engine.url
                && !(matches!(url.scheme(), "http" | "https") && url.has_host())
            {
                return Err(format!("`{key}.url`: {url} is no http address"));
            }
        }
        Ok(())
    }

    /// For the brain.
    pub(crate) fn to_brain(&self) -> TranslateConfig {
        let rest = self
            .engines
            .keys()
            .filter(|name| !self.order.contains(name));
        let names = self.order.iter().chain(rest);
        TranslateConfig {
            engines: names
                .filter_map(|name| Some(self.engines.get(name)?.to_brain(name)))
                .collect(),
            person_budget: self.person_budget,
            room_budget: self.room_budget,
            delayed_after: self.delayed_after,
            give_up_after: self.give_up_after,
        }
    }
}

impl TranslateEngine {
    fn to_brain(&self, name: &str) -> EngineConfig {
        EngineConfig {
            url: self.url.as_ref().map(ToString::to_string),
            key: self.key.as_ref().map(Secret::to_secret_string),
            model: self.model.clone(),
            is_local: self.local,
            budget: self.budget,
            timeout: self.timeout,
            parallel: self.parallel,
            most_characters: self.most_characters,
            ..EngineConfig::new(name, self.kind.into())
        }
    }
}
