//! Who is connected now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::SessionHandle;
use crate::room::BotKey;

/// Who is connected now.
#[derive(Debug, Default)]
pub struct Sessions {
    live: Mutex<HashMap<BotKey, SessionHandle>>,
    changed: Notify,
}

impl Sessions {
    /// The live session of a bot.
    pub fn get(&self, bot: &BotKey) -> Option<SessionHandle> {
        self.lock().get(bot).cloned()
    }

    /// The live session of a bot; waits until there is one. Cancel-safe.
    pub async fn wait_for(&self, bot: &BotKey) -> SessionHandle {
        loop {
            let changed = self.changed.notified();
            if let Some(session) = self.get(bot) {
                return session;
            }
            changed.await;
        }
    }

    /// All live sessions.
    pub fn all(&self) -> Vec<SessionHandle> {
        let mut all: Vec<_> = self.lock().values().cloned().collect();
        all.sort_by(|a, b| a.bot().cmp(b.bot()));
        all
    }

    /// The session that owns this secret.
    pub(in crate::service) fn by_secret(&self, secret: &str) -> Option<SessionHandle> {
        use subtle::ConstantTimeEq;
        self.lock()
            .values()
            .find(|session| session.0.secret.as_bytes().ct_eq(secret.as_bytes()).into())
            .cloned()
    }

    /// Adds a session unless another process of the same bot is connected. The same process that
    /// connects again replaces its own half-open session.
    pub(super) fn add(&self, session: &SessionHandle) -> bool {
        let mut live = self.lock();
        if let Some(old) = live.get(session.bot()) {
            if old.0.instance != session.0.instance && !old.is_ended() {
                return false;
            }
            old.0.ended.cancel();
        }
        live.insert(session.bot().clone(), session.clone());
        drop(live);
        self.changed.notify_waiters();
        true
    }

    pub(super) fn remove(&self, session: &SessionHandle) {
        let mut live = self.lock();
        if live
            .get(session.bot())
            .is_some_and(|other| Arc::ptr_eq(&other.0, &session.0))
        {
            live.remove(session.bot());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<BotKey, SessionHandle>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
