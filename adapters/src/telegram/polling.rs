//! Asking Telegram for updates.

use std::time::Duration;

use teloxide::payloads::GetUpdatesSetters;
use teloxide::requests::Requester;
use teloxide::types::{AllowedUpdate, Update};
use teloxide::{ApiError, Bot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::calls::{CALL_LIMIT, CallError, call};
use super::intake::Intake;
use crate::adapter::AdapterError;
use crate::host::retry;

/// The kinds of updates that we want.
pub(super) const KINDS: [AllowedUpdate; 6] = [
    AllowedUpdate::Message,
    AllowedUpdate::EditedMessage,
    AllowedUpdate::ChannelPost,
    AllowedUpdate::EditedChannelPost,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::MyChatMember,
];
/// Updates in one answer.
const BATCH: u8 = 100;
const LAST_WORD_LIMIT: Duration = Duration::from_secs(2);

/// Polls until `stop`. Telegram is told that it may forget an update only after the brain has
/// stored its event: after a crash it comes again.
pub(super) async fn poll(
    bot: &Bot,
    timeout: Duration,
    intake: &Intake,
    stop: &CancellationToken,
) -> Result<(), AdapterError> {
    let mut offset = 0;
    let mut delays = retry::delays();
    let mut is_conflict_logged = false;
    loop {
        let asked = tokio::select! {
            asked = ask(bot, offset, timeout) => asked,
            () = stop.cancelled() => break,
        };
        let error = match asked {
            Ok(updates) => {
                delays = retry::delays();
                is_conflict_logged = false;
                let accepted = tokio::select! {
                    accepted = hand_over(intake, &updates) => accepted,
                    () = stop.cancelled() => break,
                };
                if !accepted {
                    break;
                }
                if let Some(next) = updates.last().and_then(next_offset) {
                    offset = next;
                }
                continue;
            }
            Err(error) => error,
        };
        let mut wait = delays.next().unwrap_or(CALL_LIMIT);
        match &error {
            error if error.is_bad_token() => {
                return Err(AdapterError::Token {
                    platform: "telegram",
                });
            }
            error if is_webhook_set(error) => {
                tracing::info!("a webhook is set for this bot: it is removed, because we poll");
                if let Err(error) = call(CALL_LIMIT, bot.delete_webhook()).await {
                    tracing::warn!(%error, "the webhook could not be removed");
                }
            }
            error if is_conflict(error) => {
                if !is_conflict_logged {
                    tracing::error!(
                        "another program polls for this bot: stop it, or give this one its own bot; \
                         trying again"
                    );
                    is_conflict_logged = true;
                }
            }
            CallError::Limited(limit) => wait = wait.max(*limit),
            error => tracing::warn!(%error, "telegram was asked for updates in vain, trying again"),
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => break,
        }
    }
    if offset != 0 {
        // So that the next start is not given again what is done. If it is lost, the brain knows the
        // events.
        let confirm = bot.get_updates().offset(offset).limit(1).timeout(0);
        if let Err(error) = call(LAST_WORD_LIMIT, confirm).await {
            tracing::debug!(%error, "the last updates were not confirmed");
        }
    }
    Ok(())
}

async fn ask(bot: &Bot, offset: i32, timeout: Duration) -> Result<Vec<Update>, CallError> {
    let seconds = u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX);
    let request = bot
        .get_updates()
        .limit(BATCH)
        .timeout(seconds)
        .allowed_updates(KINDS);
    let request = if offset == 0 {
        request
    } else {
        request.offset(offset)
    };
    call(timeout + CALL_LIMIT, request).await
}

/// Hands a batch over in order; returns when the brain has stored all of it, or `false` when it
/// never will.
async fn hand_over(intake: &Intake, updates: &[Update]) -> bool {
    let mut acceptances = Vec::with_capacity(updates.len());
    for update in updates {
        acceptances.extend(intake.take(update).await);
    }
    for acceptance in acceptances {
        if !acceptance.wait().await {
            return false;
        }
    }
    true
}

fn next_offset(update: &Update) -> Option<i32> {
    i32::try_from(update.id.0).ok()?.checked_add(1)
}

fn is_webhook_set(error: &CallError) -> bool {
    match error {
        CallError::Api(ApiError::CantGetUpdates) => true,
        CallError::Api(ApiError::Unknown(text)) => text.contains("webhook is active"),
        _ => false,
    }
}

fn is_conflict(error: &CallError) -> bool {
    match error {
        CallError::Api(ApiError::TerminatedByOtherGetUpdates) => true,
        CallError::Api(ApiError::Unknown(text)) => text.starts_with("Conflict"),
        _ => false,
    }
}
