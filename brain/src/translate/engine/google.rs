//! Google Cloud Translation, version 2.

use async_trait::async_trait;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Engine, EngineConfig, EngineError, all_of, http};
use crate::translate::tongue::Tongue;

#[derive(Debug)]
pub(super) struct Google {
    client: Client,
    url: String,
    key: SecretString,
}

impl Google {
    pub(super) fn new(config: &EngineConfig) -> Result<Self, String> {
        Ok(Self {
            client: http::client(config)?,
            url: format!("{}/language/translate/v2", config.address()),
            key: config.key.clone().unwrap_or_default(),
        })
    }
}

fn code(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::ZH => "zh-CN",
        Tongue::HANT => "zh-TW",
        other if other.code() == "nb" => "no",
        other => other.code(),
    }
}

#[async_trait]
impl Engine for Google {
    async fn translate(
        &self,
        from: Tongue,
        to: Tongue,
        texts: &[String],
    ) -> Result<Vec<String>, EngineError> {
        // Without a format, text comes back as HTML.
        let body = json!({
            "q": texts,
            "source": code(from),
            "target": code(to),
            "format": "text",
        });
        // In a header, not in the address: addresses end up in logs of proxies.
        let request = self
            .client
            .post(&self.url)
            .header("X-Goog-Api-Key", self.key.expose_secret())
            .json(&body);
        let answer = http::ask(request).await?;
        if answer.status.is_success() {
            return all_of(
                texts,
                answer.texts("/data/translations", "/translatedText")?,
            );
        }
        let said = answer.text("/error/message");
        let reason = answer.text("/error/errors/0/reason");
        Err(match (answer.status.as_u16(), reason) {
            (403, "dailyLimitExceeded") => EngineError::Quota,
            (403, "userRateLimitExceeded" | "rateLimitExceeded") => EngineError::Busy(None),
            (400, _) if said.contains("language pair") || said.contains("Invalid Value") => {
                EngineError::Pair { from, to }
            }
            _ => answer.fault(said),
        })
    }

    fn most_texts(&self) -> usize {
        100
    }
}
