//! Apertium APy: `POST /translate`, one text a call.

use async_trait::async_trait;
use reqwest::Client;

use super::{Engine, EngineConfig, EngineError, http};
use crate::translate::tongue::Tongue;

#[derive(Debug)]
pub(super) struct Apertium {
    client: Client,
    url: String,
}

impl Apertium {
    pub(super) fn new(config: &EngineConfig) -> Result<Self, String> {
        Ok(Self {
            client: http::client(config)?,
            url: format!("{}/translate", config.address()),
        })
    }

    async fn one(&self, from: Tongue, to: Tongue, text: &str) -> Result<String, EngineError> {
        let pair = format!("{}|{}", from.long_code(), to.long_code());
        let form = [
            ("langpair", pair.as_str()),
            ("q", text),
            ("markUnknown", "no"),
        ];
        let answer = http::ask(self.client.post(&self.url).form(&form)).await?;
        let translated = answer.text("/responseData/translatedText");
        if answer.status.is_success() && !translated.is_empty() {
            return Ok(translated.to_owned());
        }
        let said = answer.text("/explanation");
        Err(match answer.status.as_u16() {
            200 => EngineError::Nonsense("an empty text".to_owned()),
            400 if said.contains("pair") => EngineError::Pair { from, to },
            _ => answer.fault(said),
        })
    }
}

#[async_trait]
impl Engine for Apertium {
    async fn translate(
        &self,
        from: Tongue,
        to: Tongue,
        texts: &[String],
    ) -> Result<Vec<String>, EngineError> {
        let mut answers = Vec::with_capacity(texts.len());
        for text in texts {
            answers.push(self.one(from, to, text).await?);
        }
        Ok(answers)
    }
}
