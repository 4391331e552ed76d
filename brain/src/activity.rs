//! What is still going on for a bot: unanswered events, unsent messages, open jobs.
//!
//! A script that pipes commands into the console has to know when the work of a line has ended. Each
//! piece of work holds an [`Ongoing`]; when a bot's last one is dropped, its session is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::room::BotKey;
use crate::service::Sessions;

/// Counts the work per bot. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ongoing: Mutex<HashMap<BotKey, usize>>,
    sessions: Arc<Sessions>,
}

/// One piece of work; its end is the drop.
#[derive(Debug)]
pub struct Ongoing {
    activity: Activity,
    bot: BotKey,
}

impl Activity {
    /// Tells these sessions when they become idle.
    pub(crate) fn new(sessions: Arc<Sessions>) -> Self {
        Self(Arc::new(Inner {
            ongoing: Mutex::default(),
            sessions,
        }))
    }

    /// Work for this bot begins.
    pub(crate) fn begin(&self, bot: &BotKey) -> Ongoing {
        let mut ongoing = self
            .0
            .ongoing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *ongoing.entry(bot.clone()).or_default() += 1;
        Ongoing {
            activity: self.clone(),
            bot: bot.clone(),
        }
    }
}

impl Activity {
    /// Tells the bot's session if nothing goes on: it may have waited for that when it was cut.
    pub(crate) fn tell_if_idle(&self, bot: &BotKey) {
        let ongoing = self
            .0
            .ongoing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !ongoing.contains_key(bot)
            && let Some(session) = self.0.sessions.get(bot)
        {
            session.tell_idle();
        }
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        let inner = &self.activity.0;
        let mut ongoing = inner.ongoing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = ongoing.get_mut(&self.bot) else {
            return;
        };
        *count -= 1;
        if *count > 0 {
            return;
        }
        ongoing.remove(&self.bot);
        // Told under the lock, so that work which begins now is told of after, not before.
        if let Some(session) = inner.sessions.get(&self.bot) {
            session.tell_idle();
        }
    }
}
