//! What the parts of one account share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jarvis_proto::chat::SendBudget;
use tokio::time::Instant;

use super::config::Config;
use super::passive::Passive;
use super::windows::Windows;
use crate::adapter::Inbox;
use crate::few::Few;
use crate::now_ms;
use crate::wechat::api::Api;
use crate::wechat::verdict::Reminder;

/// One account.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) api: Api,
    pub(super) few: Mutex<Few>,
    pub(super) windows: Mutex<Windows>,
    pub(super) passive: Arc<Passive>,
    pub(super) inbox: Mutex<Option<Inbox>>,
    pub(super) reminder: Reminder,
    /// The platform has said that this account may send nothing later.
    no_customer: AtomicBool,
}

impl Core {
    pub(super) fn new(config: Config, api: Api) -> Self {
        Self {
            few: Mutex::default(),
            windows: Mutex::new(Windows::new(config.rules.clone())),
            passive: Arc::default(),
            inbox: Mutex::new(None),
            reminder: Reminder::default(),
            no_customer: AtomicBool::new(!config.customer),
            config,
            api,
        }
    }

    /// Whether something may be sent later than at once.
    pub(super) fn may_send_later(&self) -> bool {
        !self.no_customer.load(Ordering::Relaxed)
    }

    pub(super) fn learn_no_customer(&self) {
        if !self.no_customer.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "this account may send nothing later, because it is not verified: from now on answers go only \
                 within five seconds of a message, and what is later waits for the next one"
            );
        }
    }

    /// Tells the brain how much may be sent to this person now.
    pub(super) fn report(&self, user: &str) {
        let Some(inbox) = lock(&self.inbox).clone() else {
            return;
        };
        let at_once = u32::try_from(self.passive.waiting(user)).unwrap_or(u32::MAX);
        let (later, window) = if self.may_send_later() {
            lock(&self.windows).left(user, Instant::now())
        } else {
            (0, self.config.callback.answer_within)
        };
        let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        inbox.report(SendBudget {
            room: user.to_owned(),
            now: later.saturating_add(at_once),
            refill_ms: 0,
            most: self.config.rules.messages,
            window_ends_ms: now_ms().saturating_add(window_ms),
        });
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
