//! What the parts of one app share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jarvis_proto::chat::SendBudget;
use tokio::time::Instant;

use super::config::Config;
use super::said::Said;
use crate::adapter::Inbox;
use crate::few::Few;
use crate::recent::Recent;
use crate::wechat::api::Api;
use crate::wechat::pace::Pace;
use crate::wechat::verdict::Reminder;

/// Cards, and files that are up, which are remembered.
const REMEMBERED: usize = 4096;

/// One app.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) api: Api,
    pub(super) few: Mutex<Few>,
    pub(super) pace: Mutex<Pace>,
    pub(super) cards: Mutex<Recent<String, Shown>>,
    /// Action and part → what the platform calls the file that was put up for it.
    pub(super) uploaded: Mutex<Recent<String, String>>,
    pub(super) said: Mutex<Said>,
    pub(super) inbox: Mutex<Option<Inbox>>,
    pub(super) reminder: Reminder,
}

/// A card in a chat.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) message: String,
    pub(super) labels: Vec<(String, String)>,
}

impl Core {
    pub(super) fn new(config: Config, api: Api) -> Self {
        let rules = &config.rules;
        Self {
            pace: Mutex::new(Pace::new(rules.per_minute, rules.per_hour)),
            few: Mutex::default(),
            cards: Mutex::new(Recent::new(REMEMBERED)),
            uploaded: Mutex::new(Recent::new(REMEMBERED)),
            said: Mutex::new(Said::open(config.state_file.clone(), rules.same_within)),
            inbox: Mutex::new(None),
            reminder: Reminder::default(),
            config,
            api,
        }
    }

    /// Tells the brain how much may be sent to this person now.
    pub(super) fn report(&self, user: &str) {
        let Some(inbox) = lock(&self.inbox).clone() else {
            return;
        };
        let left = lock(&self.pace).left(user, Instant::now());
        let per_minute = self.config.rules.per_minute;
        inbox.report(SendBudget {
            room: user.to_owned(),
            now: u32::try_from(left).unwrap_or(u32::MAX),
            refill_ms: 60_000_u64
                .checked_div(per_minute as u64)
                .unwrap_or_default()
                .max(1),
            most: u32::try_from(per_minute).unwrap_or(u32::MAX),
            window_ends_ms: 0,
        });
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
