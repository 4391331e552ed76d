//! What happens to every update, however it came.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use teloxide::Bot;
use teloxide::payloads::AnswerCallbackQuerySetters;
use teloxide::requests::Requester;
use teloxide::types::{CallbackQueryId, Update, UpdateKind};

use super::calls::{CALL_LIMIT, CallError, call};
use super::inbound::{self, Myself};
use crate::adapter::{Acceptance, Inbox};
use crate::recent::Recent;

/// A pressed button turns for at most this long when the brain does not answer the press.
const PRESS_LIMIT: Duration = Duration::from_secs(5);
/// Longest text shown for a press, in characters.
const PRESS_TEXT: usize = 200;
const REMEMBERED_PRESSES: usize = 1024;

/// Turns updates into events and hands them over.
#[derive(Debug, Clone)]
pub(super) struct Intake {
    pub(super) myself: Myself,
    pub(super) presses: Presses,
    pub(super) inbox: Inbox,
}

impl Intake {
    /// Hands an update over; `None` when there is nothing for the brain in it.
    pub(super) async fn take(&self, update: &Update) -> Option<Acceptance> {
        if let UpdateKind::Error(_) = &update.kind {
            tracing::warn!(
                update.id = update.id.0,
                "an update of an unknown kind was passed over"
            );
        }
        let event = inbound::event(update, &self.myself)?;
        if let UpdateKind::CallbackQuery(query) = &update.kind {
            self.presses.remember(event.id.clone(), query.id.clone());
        }
        Some(self.inbox.deliver(event).await)
    }
}

/// Pressed buttons that wait for their answer, by event id.
#[derive(Clone)]
pub(super) struct Presses {
    bot: Bot,
    waiting: Arc<Mutex<Recent<String, CallbackQueryId>>>,
}

impl std::fmt::Debug for Presses {
    /// Without the bot, whose own text would show its token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presses")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl Presses {
    pub(super) fn new(bot: Bot) -> Self {
        Self {
            bot,
            waiting: Arc::new(Mutex::new(Recent::new(REMEMBERED_PRESSES))),
        }
    }

    /// Remembers a press; it is answered with nothing if nobody answers in time.
    fn remember(&self, event: String, query: CallbackQueryId) {
        self.lock().insert(event.clone(), query);
        let presses = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PRESS_LIMIT).await;
            if let Err(error) = presses.answer(&event, "").await {
                tracing::debug!(%error, "a pressed button could not be answered");
            }
        });
    }

    /// Answers a press once; one that is unknown or too old needs no answer.
    pub(super) async fn answer(&self, event: &str, text: &str) -> Result<(), CallError> {
        let Some(query) = self.lock().remove(event) else {
            return Ok(());
        };
        let mut request = self.bot.answer_callback_query(query);
        if !text.is_empty() {
            request = request.text(text.chars().take(PRESS_TEXT).collect::<String>());
        }
        match call(CALL_LIMIT, request).await {
            Ok(_) | Err(CallError::Api(teloxide::ApiError::InvalidQueryId)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Recent<String, CallbackQueryId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
