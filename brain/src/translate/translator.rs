//! One text into one language, through whichever engine can: order of fallback, cache, budget, checks.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lru::LruCache;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::breaker::Breaker;
use super::check;
use super::engine::{Engine, EngineConfig, EngineError, build};
use super::mask::Masked;
use super::pieces::Part;
use super::tongue::Tongue;

/// Translations that are remembered.
const MOST_REMEMBERED: usize = 20_000;
/// Longer texts are not worth remembering, in bytes.
const LONGEST_REMEMBERED: usize = 4 << 10;
/// How long an engine is not asked again for languages that it refused.
const PAIR_REFUSED: Duration = Duration::from_secs(600);

/// All engines, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Translator {
    engines: Vec<Station>,
    cache: Mutex<LruCache<CacheKey, String>>,
}

/// An engine and what is known of it.
#[derive(Debug)]
struct Station {
    config: EngineConfig,
    engine: Arc<dyn Engine>,
    permits: Semaphore,
    breaker: Mutex<Breaker>,
    /// Characters sent in the month of this name.
    month: Mutex<(String, u64)>,
    refused: Mutex<HashMap<(Tongue, Tongue), Instant>>,
}

/// Engine, languages, and a hash of the text.
type CacheKey = (usize, Tongue, Tongue, [u8; 16]);

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The parts of the message.
    pub(crate) parts: &'a [Part],
    /// Into this language.
    pub(crate) to: Tongue,
    /// First by this engine.
    pub(crate) engine: Option<&'a str>,
    /// By none that is not on our own machines.
    pub(crate) local_only: bool,
    /// The month that is paid for now, as `2026-11`.
    pub(crate) month: &'a str,
}

/// What an engine was sent, whatever came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Name of the engine.
    pub(crate) engine: String,
    /// Characters.
    pub(crate) characters: u64,
}

/// Why there is no translation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// None is configured.
    #[error("no translation engine is configured")]
    NoEngine,
    /// None is on our own machines.
    #[error("no local translation engine is configured")]
    NoLocalEngine,
    /// No engine knows the languages.
    #[error("no engine translates to {0}")]
    Pair(Tongue),
    /// All budgets are used up.
    #[error("the budget is used up")]
    Budget,
    /// Engines answer, and what they answer is no translation.
    #[error("no usable translation: {0}")]
    Nonsense(String),
    /// Perhaps a little later.
    #[error("no engine answers: {0}")]
    Down(String),
}

impl Translator {
    /// Builds the engines.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub(crate) fn new(configs: &[EngineConfig]) -> Result<Self, String> {
        let engines = configs
            .iter()
            .map(|config| {
                Ok(Station {
                    engine: build(config)?,
                    permits: Semaphore::new(config.parallel.max(1)),
                    breaker: Mutex::default(),
                    month: Mutex::default(),
                    refused: Mutex::default(),
                    config: config.clone(),
                })
            })
            .collect::<Result<_, String>>()?;
        let most = NonZeroUsize::new(MOST_REMEMBERED).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            engines,
            cache: Mutex::new(LruCache::new(most)),
        })
    }

    /// The engines as configured, in their order.
    pub(crate) fn engines(&self) -> impl Iterator<Item = &EngineConfig> {
        self.engines.iter().map(|station| &station.config)
    }

    /// Characters that were sent to an engine in this month.
    pub(crate) fn spent(&self, engine: &str, month: &str) -> u64 {
        self.engines
            .iter()
            .find(|station| station.config.name == engine)
            .map_or(0, |station| station.spent(month))
    }

    /// Remembers what was spent before this start.
    pub(crate) fn remember_spent(&self, engine: &str, month: &str, characters: u64) {
        if let Some(station) = self
            .engines
            .iter()
            .find(|station| station.config.name == engine)
        {
            station.spend(month, characters);
        }
    }

    /// Whether an engine is being left alone because it failed.
    pub(crate) fn is_left_alone(&self, engine: &str) -> bool {
        let now = Instant::now();
        self.engines
            .iter()
            .any(|station| station.config.name == engine && lock(&station.breaker).is_open(now))
    }

    /// Translates. `spent` gets what engines were sent, also when nothing came of it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub(crate) async fn translate(
        &self,
        wish: Wish<'_>,
        spent: &mut Vec<Spent>,
    ) -> Result<String, Failure> {
        let mut order: Vec<usize> = (0..self.engines.len()).collect();
        order.sort_by_key(|index| wish.engine != Some(self.engines[*index].config.name.as_str()));
        if order.is_empty() {
            return Err(Failure::NoEngine);
        }
        order.retain(|index| !wish.local_only || self.engines[*index].config.stays_here());
        if order.is_empty() {
            return Err(Failure::NoLocalEngine);
        }
        let mut failure = Failure::Pair(wish.to);
        for index in order {
            match self.by(index, wish, spent).await {
                Ok(text) => return Ok(text),
                Err(failed) => {
                    debug!(engine = %self.engines[index].config.name, %failed, "no translation");
                    if failed.weight() > failure.weight() {
                        failure = failed;
                    }
                }
            }
        }
        Err(failure)
    }

    /// By one engine.
    async fn by(
        &self,
        index: usize,
        wish: Wish<'_>,
        spent: &mut Vec<Spent>,
    ) -> Result<String, Failure> {
        let mut done: Vec<Option<String>> = wish
            .parts
            .iter()
            .map(|part| match part {
                Part::Keep(text) => Some(text.clone()),
                Part::Send { from, masked } => self.remembered(index, *from, wish.to, masked),
            })
            .collect();
        while let Some(from) = missing(wish.parts, &done) {
            let open: Vec<(usize, &Masked)> = wish
                .parts
                .iter()
                .enumerate()
                .filter_map(|(at, part)| match part {
                    Part::Send { from: of, masked } if *of == from && done[at].is_none() => {
                        Some((at, masked))
                    }
                    _ => None,
                })
                .collect();
            let station = &self.engines[index];
            for batch in station.batches(&open) {
                let texts: Vec<String> = batch
                    .iter()
                    .map(|(_, masked)| masked.text.clone())
                    .collect();
                let answers = station.call(from, wish, &texts, spent).await?;
                for ((at, masked), answer) in batch.iter().zip(answers) {
                    let whole = self
                        .accept(index, from, wish, masked, &answer, spent)
                        .await?;
                    done[*at] = Some(whole);
                }
            }
        }
        Ok(done.into_iter().flatten().collect())
    }

    /// Checks an answer and puts back what was masked. An engine that lost a mark gets the stretches
    /// between the marks.
    async fn accept(
        &self,
        index: usize,
        from: Tongue,
        wish: Wish<'_>,
        masked: &Masked,
        answer: &str,
        spent: &mut Vec<Spent>,
    ) -> Result<String, Failure> {
        let answer = check::clean(&masked.text, answer);
        check::is_translation(&masked.text, &answer, wish.to)
            .map_err(|fault| Failure::Nonsense(fault.to_owned()))?;
        match masked.restore(&answer) {
            Ok(whole) => {
                self.remember(index, from, wish.to, masked, answer);
                return Ok(whole);
            }
            Err(fault) => debug!(%fault, "once more without marks"),
        }
        let stretches = masked.stretches();
        let has_words = |text: &str| text.chars().any(char::is_alphabetic);
        let texts: Vec<String> = stretches
            .iter()
            .filter(|text| has_words(text))
            .map(|text| text.trim().to_owned())
            .collect();
        let mut answers = self.engines[index]
            .call(from, wish, &texts, spent)
            .await?
            .into_iter();
        let mut joined = Vec::with_capacity(stretches.len());
        for stretch in stretches {
            joined.push(if has_words(stretch) {
                let answer = check::clean(stretch, &answers.next().unwrap_or_default());
                check::is_translation(stretch, &answer, wish.to)
                    .map_err(|fault| Failure::Nonsense(fault.to_owned()))?;
                answer
            } else {
                stretch.trim().to_owned()
            });
        }
        Ok(masked.join(&joined))
    }

    fn remembered(
        &self,
        index: usize,
        from: Tongue,
        to: Tongue,
        masked: &Masked,
    ) -> Option<String> {
        let key = cache_key(index, from, to, masked);
        let answer = lock(&self.cache).get(&key).cloned()?;
        masked.restore(&answer).ok()
    }

    fn remember(&self, index: usize, from: Tongue, to: Tongue, masked: &Masked, answer: String) {
        if answer.len() + masked.text.len() <= LONGEST_REMEMBERED {
            let key = cache_key(index, from, to, masked);
            lock(&self.cache).put(key, answer);
        }
    }
}

impl Station {
    /// One call, counted, limited in number, and watched by the breaker.
    async fn call(
        &self,
        from: Tongue,
        wish: Wish<'_>,
        texts: &[String],
        spent: &mut Vec<Spent>,
    ) -> Result<Vec<String>, Failure> {
        let down =
            |error: &dyn std::fmt::Display| Failure::Down(format!("{}: {error}", self.config.name));
        let pair = (from, wish.to);
        let is_refused = lock(&self.refused)
            .get(&pair)
            .is_some_and(|until| Instant::now() < *until);
        if is_refused {
            return Err(Failure::Pair(wish.to));
        }
        let characters: u64 = texts.iter().map(|text| text.chars().count() as u64).sum();
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(down(&"stopping"));
        };
        if self.config.budget > 0 && self.spent(wish.month) + characters > self.config.budget {
            return Err(Failure::Budget);
        }
        if !lock(&self.breaker).lets_through(Instant::now()) {
            return Err(down(&"it failed a moment ago"));
        }
        let limit = self.config.timeout + Duration::from_secs(1);
        let work = self.engine.translate(from, wish.to, texts);
        let answer = tokio::time::timeout(limit, work)
            .await
            .unwrap_or_else(|_| Err(EngineError::Unreachable("no answer in time".to_owned())));
        match answer {
            Ok(answers) => {
                lock(&self.breaker).succeeded();
                self.spend(wish.month, characters);
                spent.push(Spent {
                    engine: self.config.name.clone(),
                    characters,
                });
                Ok(answers)
            }
            Err(error) => {
                warn!(engine = %self.config.name, %error, "a translation failed");
                lock(&self.breaker).failed(&error, Instant::now());
                Err(match error {
                    error if error.is_passing() => down(&error),
                    EngineError::Pair { .. } => {
                        lock(&self.refused).insert(pair, Instant::now() + PAIR_REFUSED);
                        Failure::Pair(wish.to)
                    }
                    EngineError::Quota => Failure::Budget,
                    error => Failure::Nonsense(format!("{}: {error}", self.config.name)),
                })
            }
        }
    }

    /// Cuts texts into calls that the engine takes.
    fn batches<'t, 'm>(&self, texts: &'t [(usize, &'m Masked)]) -> Vec<&'t [(usize, &'m Masked)]> {
        let most_texts = self.engine.most_texts().max(1);
        let mut batches = Vec::new();
        let (mut start, mut characters) = (0, 0);
        for (at, (_, masked)) in texts.iter().enumerate() {
            let length = masked.text.chars().count();
            let is_full =
                at - start >= most_texts || characters + length > self.config.most_characters;
            if at > start && is_full {
                batches.push(&texts[start..at]);
                (start, characters) = (at, 0);
            }
            characters += length;
        }
        batches.push(&texts[start..]);
        batches
    }

    fn spent(&self, month: &str) -> u64 {
        let counted = lock(&self.month);
        if counted.0 == month { counted.1 } else { 0 }
    }

    fn spend(&self, month: &str, characters: u64) {
        let mut counted = lock(&self.month);
        if counted.0 != month {
            *counted = (month.to_owned(), 0);
        }
        counted.1 += characters;
    }
}

impl Failure {
    /// Of several failures the one with most hope is told.
    fn weight(&self) -> u8 {
        match self {
            Self::Pair(_) => 0,
            Self::NoEngine | Self::NoLocalEngine => 1,
            Self::Nonsense(_) => 2,
            Self::Budget => 3,
            Self::Down(_) => 4,
        }
    }

    /// Whether it is worth another try.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Down(_))
    }
}

/// The language of the first part that is not yet translated.
fn missing(parts: &[Part], done: &[Option<String>]) -> Option<Tongue> {
    parts
        .iter()
        .zip(done)
        .find_map(|(part, done)| match (part, done) {
            (Part::Send { from, .. }, None) => Some(*from),
            _ => None,
        })
}

fn cache_key(index: usize, from: Tongue, to: Tongue, masked: &Masked) -> CacheKey {
    let hash = blake3::hash(masked.text.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    (index, from, to, half)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
