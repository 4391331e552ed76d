//! DeepL, API version 2.

use async_trait::async_trait;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Engine, EngineConfig, EngineError, all_of, http};
use crate::translate::tongue::Tongue;

#[derive(Debug)]
pub(super) struct DeepL {
    client: Client,
    url: String,
    key: SecretString,
}

impl DeepL {
    pub(super) fn new(config: &EngineConfig) -> Result<Self, String> {
        Ok(Self {
            client: http::client(config)?,
            url: format!("{}/v2/translate", config.address()),
            key: config.key.clone().unwrap_or_default(),
        })
    }
}

/// Sources have no variants.
fn source(tongue: Tongue) -> String {
    match tongue {
        Tongue::HANT => "ZH".to_owned(),
        other => other.code().to_uppercase(),
    }
}

fn target(tongue: Tongue) -> String {
    match tongue {
        Tongue::ZH => "ZH-HANS".to_owned(),
        Tongue::EN => "EN-US".to_owned(),
        other if other.code() == "pt" => "PT-BR".to_owned(),
        other => other.code().to_uppercase(),
    }
}

#[async_trait]
impl Engine for DeepL {
    async fn translate(
        &self,
        from: Tongue,
        to: Tongue,
        texts: &[String],
    ) -> Result<Vec<String>, EngineError> {
        let body = json!({
            "text": texts,
            "source_lang": source(from),
            "target_lang": target(to),
        });
        let key = format!("DeepL-Auth-Key {}", self.key.expose_secret());
        let request = self
            .client
            .post(&self.url)
            .header("Authorization", key)
            .json(&body);
        let answer = http::ask(request).await?;
        if answer.status.is_success() {
            return all_of(texts, answer.texts("/translations", "/text")?);
        }
        let said = answer.text("/message");
        Err(match answer.status.as_u16() {
            400 if said.contains("not supported") => EngineError::Pair { from, to },
            _ => answer.fault(said),
        })
    }

    fn most_texts(&self) -> usize {
        50
    }
}
