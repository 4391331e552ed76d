//! Being called by Telegram.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use rand::Rng;
use rand::distr::Alphanumeric;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use teloxide::Bot;
use teloxide::payloads::SetWebhookSetters;
use teloxide::requests::Requester;
use teloxide::types::Update;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::calls::{CALL_LIMIT, call};
use super::config::Webhook;
use super::intake::Intake;
use super::polling::KINDS;
use crate::adapter::AdapterError;
use crate::host::retry;

const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
/// Largest update, in bytes.
const LARGEST_UPDATE: usize = 1024 * 1024;
/// How long Telegram waits for us; after that it calls again.
const ACCEPT_LIMIT: Duration = Duration::from_secs(25);

struct Door {
    intake: Intake,
    secret: SecretString,
}

/// Listens until `stop`. The webhook stays set: Telegram keeps what comes meanwhile and calls again.
pub(super) async fn listen(
    bot: &Bot,
    webhook: &Webhook,
    intake: Intake,
    stop: &CancellationToken,
) -> Result<(), AdapterError> {
    let listener = TcpListener::bind(webhook.listen).await.map_err(|error| {
        let detail = format!("`{}` cannot be listened on: {error}", webhook.listen);
        AdapterError::Setting {
            setting: "telegram.webhook.listen",
            detail,
        }
    })?;
    let secret = webhook.secret.clone().unwrap_or_else(random_secret);
    let door = Arc::new(Door {
        intake,
        secret: secret.clone(),
    });
    let router = Router::new()
        .route(webhook.url.path(), post(update))
        .layer(DefaultBodyLimit::max(LARGEST_UPDATE))
        .with_state(door);
    let serving = axum::serve(listener, router)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .into_future();
    let announcing = async {
        tokio::select! {
            announced = announce(bot, webhook, &secret) => announced,
            () = stop.cancelled() => Ok(()),
        }
    };
    let serving = async { serving.await.map_err(AdapterError::from) };
    tokio::try_join!(serving, announcing).map(drop)
}

/// Tells Telegram where to call, until it has understood.
async fn announce(bot: &Bot, webhook: &Webhook, secret: &SecretString) -> Result<(), AdapterError> {
    for delay in retry::delays() {
        let request = bot
            .set_webhook(webhook.url.clone())
            .secret_token(secret.expose_secret())
            .allowed_updates(KINDS);
        match call(CALL_LIMIT, request).await {
            Ok(_) => break,
            Err(error) if error.is_bad_token() => {
                return Err(AdapterError::Token {
                    platform: "telegram",
                });
            }
            Err(error) => tracing::warn!(%error, "the webhook could not be set, trying again"),
        }
        sleep(delay).await;
    }
    tracing::info!(url = %webhook.url, "telegram calls this webhook");
    Ok(())
}

/// One update. 200 only after the brain has stored its event.
async fn update(State(door): State<Arc<Door>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let given = headers
        .get(SECRET_HEADER)
        .map_or(&b""[..], |value| value.as_bytes());
    if !bool::from(given.ct_eq(door.secret.expose_secret().as_bytes())) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(update) = serde_json::from_slice::<Update>(&body) else {
        tracing::warn!("a call of the webhook held no update");
        return StatusCode::BAD_REQUEST;
    };
    let accepted = timeout(ACCEPT_LIMIT, async {
        match door.intake.take(&update).await {
            Some(acceptance) => acceptance.wait().await,
            None => true,
        }
    });
    match accepted.await {
        Ok(true) => StatusCode::OK,
        Ok(false) | Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn random_secret() -> SecretString {
    let secret: String = rand::rng()
        .sample_iter(Alphanumeric)
        .take(48)
        .map(char::from)
        .collect();
    SecretString::from(secret)
}

#[cfg(test)]
mod tests;
