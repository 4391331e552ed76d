//! What the parts of one bot share.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jarvis_proto::chat::action_result::Outcome;
use jarvis_proto::chat::{RateLimited, SendBudget};
use tokio::time::Instant;

use super::api::Api;
use super::config::Config;
use super::place::Place;
use super::quota::Quotas;
use super::replies::Replies;
use super::stream::Stream;
use crate::adapter::Inbox;
use crate::recent::Recent;

/// Streams, and files that are up and not sent yet, which are remembered.
const REMEMBERED: usize = 1024;

/// One bot.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) api: Api,
    replies: Mutex<Replies>,
    quotas: Mutex<Quotas>,
    pub(super) streams: Mutex<Recent<String, Stream>>,
    /// When a passing state of a job was shown in a group.
    pub(super) shown: Mutex<Recent<String, Instant>>,
    /// Action and part → what the platform calls the file that was put up for it.
    pub(super) uploaded: Mutex<Recent<String, String>>,
    pub(super) inbox: Mutex<Option<Inbox>>,
    /// The platform has said that this bot may not send markdown, or show buttons.
    pub(super) no_markdown: AtomicBool,
    pub(super) no_buttons: AtomicBool,
}

impl Core {
    pub(super) fn new(config: Config, api: Api) -> Self {
        Self {
            replies: Mutex::new(Replies::new(config.rules.clone())),
            quotas: Mutex::new(Quotas::new(config.rules.clone())),
            streams: Mutex::new(Recent::new(REMEMBERED)),
            shown: Mutex::new(Recent::new(REMEMBERED)),
            uploaded: Mutex::new(Recent::new(REMEMBERED)),
            inbox: Mutex::new(None),
            no_markdown: AtomicBool::new(!config.markdown),
            no_buttons: AtomicBool::new(!config.buttons || !config.markdown),
            config,
            api,
        }
    }

    pub(super) fn replies(&self) -> MutexGuard<'_, Replies> {
        lock(&self.replies)
    }

    pub(super) fn quotas(&self) -> MutexGuard<'_, Quotas> {
        lock(&self.quotas)
    }

    /// Tells the brain how much may be sent to this room now.
    pub(super) fn report(&self, place: &Place) {
        let Some(inbox) = lock(&self.inbox).clone() else {
            return;
        };
        let at = Instant::now();
        let (replies, window, unasked) = {
            let replies = self.replies();
            let (left, window) = replies.left(place, at);
            (left, window, replies.takes_unasked(place, at))
        };
        let rules = &self.config.rules;
        let unasked_now = if unasked {
            self.quotas().left(place, at)
        } else {
            0
        };
        let now = replies.saturating_add(u32::try_from(unasked_now).unwrap_or(u32::MAX));
        let per_minute = if unasked { rules.room_per_minute } else { 0 };
        let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        inbox.report(SendBudget {
            room: place.room(),
            now,
            refill_ms: 60_000_u64
                .checked_div(per_minute as u64)
                .unwrap_or_default(),
            most: rules
                .replies
                .saturating_add(u32::try_from(per_minute).unwrap_or(u32::MAX)),
            window_ends_ms: if unasked {
                0
            } else {
                crate::now_ms().saturating_add(window_ms)
            },
        });
    }
}

/// The outcome of an action that has to wait.
pub(super) fn wait_for(wait: Duration) -> Outcome {
    let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Outcome::RateLimited(RateLimited { retry_after_ms })
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
