//! Events that are posted to the client.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Inner, events};
use crate::qq::Happened;

/// Posts every event, once, whatever the answer is: Milky knows no second try.
pub(super) async fn post_events(url: String, inner: Arc<Inner>, mut happened: Receiver<Happened>) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client without options");
    loop {
        let entry = match happened.recv().await {
            Ok(Happened::Message(entry) | Happened::Again(entry)) => entry,
            Ok(Happened::Raw(_)) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        if inner.is_down.load(Ordering::SeqCst) {
            continue;
        }
        let token = inner.token.lock().expect("no holder panics").clone();
        let request = client
            .post(&url)
            .header("Content-Type", "application/json")
            .bearer_auth(token)
            .body(events::message(&inner, &entry).to_string());
        let status = request
            .send()
            .await
            .map_or(0, |answer| answer.status().as_u16());
        if !(200..300).contains(&status) {
            inner.qq.shared.with(|world| {
                let what = format!("a posted event was answered with {status}");
                world.complaints.push(what);
            });
        }
    }
}
