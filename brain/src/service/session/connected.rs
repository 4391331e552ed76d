//! Who is connected now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jarvis_proto::chat::Welcome;
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
    /// connects again replaces its own half-open session. It is welcomed before anybody finds it: what
    /// waits to be said is said at once.
    pub(super) fn add(&self, session: &SessionHandle, welcome: Welcome) -> bool {
        let mut live = self.lock();
        if let Some(old) = live.get(session.bot()) {
            if old.0.instance != session.0.instance && !old.is_ended() {
                return false;
            }
            old.0.ended.cancel();
        }
        session.welcome(welcome);
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

#[cfg(test)]
mod tests {
    use jarvis_proto::chat::{Capabilities, brain_frame};
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::super::Live;
    use super::*;

    fn session(
        instance: &str,
    ) -> (
        SessionHandle,
        mpsc::Receiver<jarvis_proto::chat::BrainFrame>,
    ) {
        let (frames, said) = mpsc::channel(8);
        let live = Live {
            bot: bot(),
            bot_name: String::new(),
            software: String::new(),
            instance: instance.to_owned(),
            capabilities: Capabilities::default(),
            mute_rooms: Vec::new(),
            terminal: false,
            signs_in: false,
            secret: String::new(),
            since_ms: 0,
            frames,
            ended: CancellationToken::new(),
            open: Mutex::default(),
        };
        (SessionHandle(Arc::new(live)), said)
    }

    fn bot() -> BotKey {
        BotKey {
            kind: "square".to_owned(),
            bot: "1".to_owned(),
        }
    }

    /// Whoever waits for the session speaks at once, on another thread.
    #[tokio::test]
    async fn who_finds_a_session_speaks_after_its_welcome() {
        let sessions = Sessions::default();
        let (ours, mut said) = session("a");
        assert!(sessions.add(&ours, Welcome::default()));
        let first = said.try_recv().ok().and_then(|frame| frame.frame);
        assert!(matches!(first, Some(brain_frame::Frame::Welcome(_))));
        // One that is refused hears no welcome.
        let (other, mut said) = session("b");
        assert!(!sessions.add(&other, Welcome::default()));
        assert!(said.try_recv().is_err());
        assert!(!ours.is_ended());
    }
}
