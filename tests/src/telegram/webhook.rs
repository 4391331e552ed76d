//! Delivery to a webhook: one update at a time, again and again until the bot answers 2xx.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use super::Shared;

/// Time between two tries of one update; the real server starts at about a second.
const RETRY: Duration = Duration::from_millis(200);
/// How long a bot may take for one update.
const PATIENCE: Duration = Duration::from_secs(10);

/// Delivers until the fake is dropped.
pub(super) async fn deliver(shared: Weak<Shared>) {
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .no_proxy()
        .build()
        .expect("a plain client can be built");
    let Some(mut changes) = shared.upgrade().map(|shared| shared.changes()) else {
        return;
    };
    loop {
        changes.borrow_and_update();
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let next = shared.quietly(|state| Some((state.webhook.clone()?, state.updates.first()?)));
        let Some((webhook, update)) = next else {
            // Holding nothing while waiting lets the fake be dropped.
            drop(shared);
            if changes.changed().await.is_err() {
                return;
            }
            continue;
        };
        let mut request = client.post(&webhook.url).json(&update.json());
        if let Some(secret) = &webhook.secret {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        }
        let error = match request.send().await {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!(
                "Wrong response from the webhook: {}",
                answer.status()
            )),
            Err(_) => Some("Connection refused".to_owned()),
        };
        settle(&shared, &update, error.clone());
        drop(shared);
        if error.is_some() {
            tokio::time::sleep(RETRY).await;
        }
    }
}

fn settle(shared: &Arc<Shared>, update: &super::updates::Update, error: Option<String>) {
    shared.with(|state| match error {
        None => state.updates.delivered(update),
        Some(error) => {
            if let Some(webhook) = &mut state.webhook {
                webhook.last_error = Some((SystemTime::now(), error));
            }
        }
    });
}
