//! Calling the bot's webhook: one event after the other, until it is taken.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Shared;

const LIMIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);

/// The key that platform and bot make of the secret.
fn key(secret: &str) -> Ed25519KeyPair {
    let seed: Vec<u8> = secret.bytes().cycle().take(32).collect();
    Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes")
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("no setting is odd")
}

/// Calls once; status and body of the answer.
pub(super) async fn call(
    url: &str,
    app_id: &str,
    secret: &str,
    body: String,
) -> Result<(u16, Value)> {
    let timestamp = "1795362046";
    let signature = key(secret).sign(format!("{timestamp}{body}").as_bytes());
    let request = client()
        .post(url)
        .header("X-Bot-Appid", app_id)
        .header("X-Signature-Timestamp", timestamp)
        .header("X-Signature-Ed25519", hex::encode(signature));
    let answer = request.timeout(LIMIT).body(body).send().await?;
    let status = answer.status().as_u16();
    Ok((status, answer.json().await.unwrap_or_default()))
}

/// What happens when the address is set at the portal.
pub(super) async fn check(url: &str, app_id: &str, secret: &str) -> Result<()> {
    let (token, time) = ("Arq0D5A61EgUu4OxUvOp", "1725442341");
    let frame = json!({"op": 13, "d": {"plain_token": token, "event_ts": time}});
    let (status, answer) = call(url, app_id, secret, frame.to_string()).await?;
    ensure!(status == 200, "the check is answered with {status}");
    ensure!(answer["plain_token"] == token, "another token: {answer}");
    let signature = answer["signature"].as_str().context("no signature")?;
    UnparsedPublicKey::new(&ED25519, key(secret).public_key().as_ref())
        .verify(
            format!("{time}{token}").as_bytes(),
            &hex::decode(signature)?,
        )
        .ok()
        .context("the signature is wrong")
}

/// Delivers what waits, as long as the fake lives.
pub(super) async fn deliver(shared: Weak<Shared>) {
    loop {
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let mut changes = shared.changes();
        let next = shared.quietly(|state| {
            let url = state.webhook.clone()?;
            let frame = state.to_call.front()?.clone();
            let settings = &state.settings;
            Some((url, frame, settings.app_id.clone(), settings.secret.clone()))
        });
        let Some((url, frame, app_id, secret)) = next else {
            drop(shared);
            let _ = tokio::time::timeout(PAUSE, changes.changed()).await;
            continue;
        };
        let taken = match call(&url, &app_id, &secret, frame.to_string()).await {
            Ok((200, answer)) => answer["op"] == 12,
            _ => false,
        };
        if taken {
            shared.with(|state| state.to_call.pop_front());
        } else {
            drop::<Arc<Shared>>(shared);
            // The platform calls again after a while.
            sleep(PAUSE).await;
        }
    }
}
