//! Translation engines: what each can do, and how a call to one can fail.
//!
//! To add one: a file in `engine/` that implements `Engine`, a word in [`EngineKind`], an arm in
//! `build`, and a fake in the tests crate.

mod apertium;
mod crawler;
mod deepl;
mod google;
mod http;
mod libre;
mod openai;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use super::tongue::Tongue;

/// Which sort of service an engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// LibreTranslate.
    LibreTranslate,
    /// DeepL, API version 2.
    DeepL,
    /// Google Cloud Translation, version 2.
    Google,
    /// Any endpoint that speaks OpenAI's chat completions.
    OpenAi,
    /// Apertium APy.
    Apertium,
    /// jarviscrawlercore, over gRPC.
    Crawler,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LibreTranslate,
        Self::DeepL,
        Self::Google,
        Self::OpenAi,
        Self::Apertium,
        Self::Crawler,
    ];

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LibreTranslate => "libretranslate",
            Self::DeepL => "deepl",
            Self::Google => "google",
            Self::OpenAi => "openai",
            Self::Apertium => "apertium",
            Self::Crawler => "crawler",
        }
    }

    /// Where the service is when nobody says so.
    pub fn default_url(self) -> &'static str {
        match self {
            Self::LibreTranslate => "http://127.0.0.1:5000",
            // Keys that end in `:fx` are of the free service.
            Self::DeepL => "https://api.deepl.com",
            Self::Google => "https://translation.googleapis.com",
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Apertium => "http://127.0.0.1:2737",
            Self::Crawler => "http://127.0.0.1:7051",
        }
    }

    /// Whether nothing works without a key.
    pub fn needs_key(self) -> bool {
        matches!(self, Self::DeepL | Self::Google)
    }
}

impl FromStr for EngineKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| format!("`{word}` is no kind of translation engine"))
    }
}

/// An engine as configured.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// What it is called in commands.
    pub name: String,
    /// Which sort it is.
    pub kind: EngineKind,
    /// Where it is; `None`: where such engines are.
    pub url: Option<String>,
    /// The key.
    pub key: Option<SecretString>,
    /// The model, for engines that have several.
    pub model: Option<String>,
    /// Texts do not leave our own machines; `None`: when the address is this machine.
    pub is_local: Option<bool>,
    /// Characters in a calendar month; 0 = no limit.
    pub budget: u64,
    /// How long one call may take.
    pub timeout: Duration,
    /// Calls at a time.
    pub parallel: usize,
    /// Characters in one call.
    pub most_characters: usize,
}

impl EngineConfig {
    /// An engine with the defaults.
    pub fn new(name: &str, kind: EngineKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            url: None,
            key: None,
            model: None,
            is_local: None,
            budget: 0,
            timeout: Duration::from_secs(30),
            parallel: 4,
            most_characters: 4_000,
        }
    }

    /// The address.
    pub(crate) fn address(&self) -> &str {
        let is_free =
            |key: &SecretString| secrecy::ExposeSecret::expose_secret(key).ends_with(":fx");
        match &self.url {
            Some(url) => url.trim_end_matches('/'),
            None if self.kind == EngineKind::DeepL && self.key.as_ref().is_some_and(is_free) => {
                "https://api-free.deepl.com"
            }
            None => self.kind.default_url(),
        }
    }

    /// The machine it is on, as people are told.
    pub(crate) fn host(&self) -> String {
        reqwest::Url::parse(self.address())
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Whether texts stay on machines of our own.
    pub(crate) fn stays_here(&self) -> bool {
        self.is_local.unwrap_or_else(|| {
            let host = self.host();
            let host = host.trim_matches(['[', ']']);
            host == "localhost"
                || host
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        })
    }
}

/// Why a call to an engine failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EngineError {
    /// It does not answer, or says that it is broken: another time.
    #[error("it does not answer: {0}")]
    Unreachable(String),
    /// Too many calls.
    #[error("it asks for patience")]
    Busy(Option<Duration>),
    /// What was paid for is used up.
    #[error("its quota is used up")]
    Quota,
    /// It does not know the languages, or not this way round.
    #[error("it cannot translate {from} to {to}")]
    Pair {
        /// From.
        from: Tongue,
        /// To.
        to: Tongue,
    },
    /// It does not let us in, or does not take the call at all.
    #[error("it refuses: {0}")]
    Refused(String),
    /// What came back is no translation.
    #[error("its answer is no translation: {0}")]
    Nonsense(String),
}

impl EngineError {
    /// Whether the same call may be good a little later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Busy(_))
    }
}

/// A translation engine.
#[async_trait]
pub(crate) trait Engine: fmt::Debug + Send + Sync {
    /// Translates texts; as many come back, in their order. Marks like `[[0]]` are to be left alone.
    async fn translate(
        &self,
        from: Tongue,
        to: Tongue,
        texts: &[String],
    ) -> Result<Vec<String>, EngineError>;

    /// Texts that go into one call.
    fn most_texts(&self) -> usize {
        1
    }
}

/// The engine of a configuration.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn build(config: &EngineConfig) -> Result<Arc<dyn Engine>, String> {
    if config.kind.needs_key() && config.key.is_none() {
        return Err(format!(
            "translation engine `{}` ({}) needs a key",
            config.name,
            config.kind.as_str()
        ));
    }
    Ok(match config.kind {
        EngineKind::LibreTranslate => Arc::new(libre::Libre::new(config)?),
        EngineKind::DeepL => Arc::new(deepl::DeepL::new(config)?),
        EngineKind::Google => Arc::new(google::Google::new(config)?),
        EngineKind::OpenAi => Arc::new(openai::OpenAi::new(config)?),
        EngineKind::Apertium => Arc::new(apertium::Apertium::new(config)?),
        EngineKind::Crawler => Arc::new(crawler::Crawler::new(config)?),
    })
}

/// As many as were asked for, or nonsense.
fn all_of(texts: &[String], answers: Vec<String>) -> Result<Vec<String>, EngineError> {
    if answers.len() == texts.len() {
        Ok(answers)
    } else {
        Err(EngineError::Nonsense(format!(
            "{} texts for {}",
            answers.len(),
            texts.len()
        )))
    }
}
