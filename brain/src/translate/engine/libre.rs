//! LibreTranslate: `POST /translate` with a list of texts.

use async_trait::async_trait;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Engine, EngineConfig, EngineError, all_of, http};
use crate::translate::tongue::Tongue;

#[derive(Debug)]
pub(super) struct Libre {
    client: Client,
    url: String,
    key: Option<SecretString>,
}

impl Libre {
    pub(super) fn new(config: &EngineConfig) -> Result<Self, String> {
        Ok(Self {
            client: http::client(config)?,
            url: format!("{}/translate", config.address()),
            key: config.key.clone(),
        })
    }
}

/// Every version takes `zt` for traditional characters; only newer ones know `zh-Hant`.
fn code(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::HANT => "zt",
        other => other.code(),
    }
}

#[async_trait]
impl Engine for Libre {
    async fn translate(
        &self,
        from: Tongue,
        to: Tongue,
        texts: &[String],
    ) -> Result<Vec<String>, EngineError> {
        let mut body = json!({
            "q": texts,
            "source": code(from),
            "target": code(to),
            "format": "text",
        });
        if let Some(key) = &self.key {
            body["api_key"] = key.expose_secret().into();
        }
        let answer = http::ask(self.client.post(&self.url).json(&body)).await?;
        if answer.status.is_success() {
            return all_of(texts, answer.texts("/translatedText", "")?);
        }
        let said = answer.text("/error");
        Err(match answer.status.as_u16() {
            400 if said.contains("not supported") || said.contains("not available") => {
                EngineError::Pair { from, to }
            }
            _ => answer.fault(said),
        })
    }

    fn most_texts(&self) -> usize {
        // Operators limit batches; the default has no limit.
        50
    }
}
