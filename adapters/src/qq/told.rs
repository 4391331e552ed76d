//! Events on their way from the program with the login to whoever reads them.

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::adapter::Acceptance;

/// Events that may wait to be read; then their source is read no further.
const EVENTS: usize = 1024;

/// An event, and who waits until the brain has stored it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) value: Value,
    pub(super) stored: Option<oneshot::Sender<()>>,
}

pub(super) fn channel() -> (mpsc::Sender<Told>, mpsc::Receiver<Told>) {
    mpsc::channel(EVENTS)
}

/// Tells an event of which nobody waits to hear that it is stored; `false` when nobody reads any more.
pub(super) async fn tell(events: &mpsc::Sender<Told>, value: Value) -> bool {
    let stored = None;
    events.send(Told { value, stored }).await.is_ok()
}

/// Tells an event; returns whether the brain has stored what is for it.
pub(super) async fn tell_and_wait(events: &mpsc::Sender<Told>, value: Value) -> bool {
    let (sender, is_stored) = oneshot::channel();
    let stored = Some(sender);
    events.send(Told { value, stored }).await.is_ok() && is_stored.await.is_ok()
}

/// Who posted the event may know that it is stored; they may also have gone.
pub(super) fn done(stored: Option<oneshot::Sender<()>>) {
    if let Some(stored) = stored {
        let _ = stored.send(());
    }
}

/// Those who wait for the brain.
#[derive(Debug, Default)]
pub(super) struct Storing(JoinSet<()>);

impl Storing {
    /// Says so when the brain has stored an event.
    pub(super) fn add(&mut self, stored: Option<oneshot::Sender<()>>, acceptance: Acceptance) {
        // Nobody waits where there is no way to hear it.
        if stored.is_some() {
            self.0.spawn(async move {
                if acceptance.wait().await {
                    done(stored);
                }
            });
        }
        while self.0.try_join_next().is_some() {}
    }
}
