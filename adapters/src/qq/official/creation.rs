//! Making a bot by scanning a code with the phone: QQ hands over app id and secret.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use rand::RngCore as _;
use reqwest::header::ACCEPT;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use url::Url;

use super::answer;
use crate::adapter::AdapterError;

const CALL: &str = "making a QQ bot";
const CALL_LIMIT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(2);
/// How long a code is worth something.
const PATIENCE: Duration = Duration::from_secs(300);
const KEY: usize = 32;
/// States of a task.
const DONE: u64 = 2;
const EXPIRED: u64 = 3;

/// A new bot.
#[derive(Debug)]
pub struct NewBot {
    /// Its `AppID`.
    pub app_id: String,
    /// Its `AppSecret`.
    pub secret: SecretString,
    /// The openid of the person who scanned the code, as this bot knows them.
    pub owner: String,
}

/// A code that waits to be scanned.
pub struct Creation {
    http: reqwest::Client,
    portal: Url,
    task: String,
    key: [u8; KEY],
}

impl std::fmt::Debug for Creation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Creation")
            .field("portal", &self.portal)
            .finish_non_exhaustive()
    }
}

impl Creation {
    /// Asks the portal for a code.
    ///
    /// # Errors
    /// The portal cannot be reached or refuses.
    pub async fn begin(portal: Url) -> Result<Self, AdapterError> {
        let http = super::client(&[&portal])?;
        let mut key = [0; KEY];
        rand::rng().fill_bytes(&mut key);
        let mut creation = Self {
            http,
            portal,
            task: String::new(),
            key,
        };
        let body = json!({ "key": STANDARD.encode(key) });
        let data = creation.ask("create_bind_task", &body).await?;
        match data["task_id"].as_str() {
            Some(task) if !task.is_empty() => task.clone_into(&mut creation.task),
            _ => return Err(failed("the portal names no task".to_owned())),
        }
        Ok(creation)
    }

    /// The address that the code stands for.
    #[must_use]
    pub fn address(&self) -> String {
        let mut url = self.portal.clone();
        url.set_path("/qqbot/openclaw/connect.html");
        url.query_pairs_mut()
            .append_pair("task_id", &self.task)
            .append_pair("_wv", "2");
        url.to_string()
    }

    /// The code, drawn for a terminal.
    ///
    /// # Errors
    /// The address is too long for a code.
    pub fn drawn(&self) -> Result<String, AdapterError> {
        let code = QrCode::new(self.address()).map_err(|error| failed(error.to_string()))?;
        // Dark signs on a light ground, whatever the terminal's colours are.
        let drawn = code
            .render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build();
        Ok(drawn)
    }

    /// Waits until the code was scanned.
    ///
    /// # Errors
    /// The code has expired, or the portal refuses.
    pub async fn finish(self) -> Result<NewBot, AdapterError> {
        let until = Instant::now() + PATIENCE;
        let body = json!({ "task_id": self.task });
        while Instant::now() < until {
            match self.ask("poll_bind_result", &body).await {
                Ok(data) => match data["status"].as_u64() {
                    Some(DONE) => return self.bot(&data),
                    Some(EXPIRED) => return Err(expired()),
                    _ => {}
                },
                // The phone may still be on its way.
                Err(error) => tracing::warn!(%error, "the portal was asked in vain, trying again"),
            }
            sleep(PAUSE).await;
        }
        Err(expired())
    }

    async fn ask(&self, what: &str, body: &Value) -> Result<Value, AdapterError> {
        let mut url = self.portal.clone();
        url.set_path(&format!("/lite/{what}"));
        // Without the header the portal answers with a page for browsers.
        let request = self.http.post(url).header(ACCEPT, "application/json");
        let response = request
            .timeout(CALL_LIMIT)
            .json(body)
            .send()
            .await
            .map_err(|error| failed(answer::network(error)))?;
        let status = response.status().as_u16();
        let mut answer = answer::body(response).await.map_err(failed)?;
        match answer["retcode"].as_i64() {
            Some(0) => Ok(answer["data"].take()),
            code => {
                let code = code.unwrap_or_default();
                let message = answer::message(&answer);
                Err(failed(format!("status {status}, code {code}: {message}")))
            }
        }
    }

    fn bot(&self, data: &Value) -> Result<NewBot, AdapterError> {
        let unreadable = || failed("the portal's answer cannot be read".to_owned());
        let app_id = match &data["bot_appid"] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(unreadable()),
        };
        let sealed = data["bot_encrypt_secret"].as_str().ok_or_else(unreadable)?;
        let secret = unseal(&self.key, sealed).ok_or_else(unreadable)?;
        Ok(NewBot {
            app_id,
            secret: secret.into(),
            owner: data["user_openid"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// Opens `base64(nonce, text, tag)`.
fn unseal(key: &[u8; KEY], sealed: &str) -> Option<String> {
    let sealed = STANDARD.decode(sealed).ok()?;
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut text = text.to_vec();
    let opened = key.open_in_place(nonce, Aad::empty(), &mut text).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

fn failed(detail: String) -> AdapterError {
    AdapterError::Call { call: CALL, detail }
}

fn expired() -> AdapterError {
    failed("the code has expired; start again for a new one".to_owned())
}
