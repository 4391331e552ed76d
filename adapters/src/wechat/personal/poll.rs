//! Listening on one person's line.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::account::{Account, Credentials};
use super::api::{CallError, Line, SHORT_LIMIT};
use super::core::Core;
use super::{inbound, typing};
use crate::adapter::Inbox;
use crate::host::retry;
use crate::now_ms;
use crate::recent::Recent;

/// How much longer than the platform holds a question its answer may take.
const GRACE: Duration = Duration::from_secs(5);
/// The platform may hold a question for so long at most, whatever it says.
const LONGEST_HOLD: Duration = Duration::from_secs(120);
/// How long the goodbye may take.
const GOODBYE_LIMIT: Duration = Duration::from_secs(3);
/// Messages of one line that are remembered as heard.
const REMEMBERED: usize = 1024;

/// One person's line, listened to.
struct Listener {
    core: Arc<Core>,
    account: Arc<Account>,
    inbox: Inbox,
    /// Messages that the brain has stored.
    known: Recent<String, ()>,
    hold: Duration,
}

/// Why listening ends.
enum End {
    /// The host has ended.
    Host,
    /// The platform has ended the line.
    Stale,
}

/// Listens until `stop`, until the line has ended, or until another has taken its place.
pub(super) async fn listen(
    core: Arc<Core>,
    account: Arc<Account>,
    inbox: Inbox,
    stop: CancellationToken,
) {
    core.report(&account);
    core.tell_loss(&account);
    let hold = core.config.rules.poll;
    let ended = account.stop.clone();
    let mut listener = Listener {
        core,
        account,
        inbox,
        known: Recent::new(REMEMBERED),
        hold,
    };
    tokio::select! {
        end = listener.keep() => if let End::Stale = end {
            listener.core.lose(&listener.account).await;
        },
        () = ended.cancelled() => {}
        () = stop.cancelled() => {
            let goodbye = listener.notify("msg/notifystop");
            // The platform notices a silent line by itself.
            let _ = timeout(GOODBYE_LIMIT, goodbye).await;
        }
    }
}

impl Listener {
    async fn keep(&mut self) -> End {
        if let Err(CallError::Stale) = self.notify("msg/notifystart").await {
            return End::Stale;
        }
        let mut delays = retry::delays();
        loop {
            let Some(credentials) = self.account.credentials() else {
                return End::Stale;
            };
            let error = match self.ask(&credentials).await {
                Ok(news) => {
                    delays = retry::delays();
                    if !self.take(&news).await {
                        return End::Host;
                    }
                    continue;
                }
                Err(CallError::Silent) => continue,
                Err(CallError::Stale) => return End::Stale,
                Err(error) => error,
            };
            let person = &self.account.person;
            tracing::warn!(%error, person, "WeChat cannot be heard, trying again");
            sleep(delays.next().unwrap_or(LONGEST_HOLD)).await;
        }
    }

    async fn ask(&self, credentials: &Credentials) -> Result<Value, CallError> {
        let line = Line {
            url: &credentials.url,
            token: Some(&credentials.token),
        };
        let body = json!({ "get_updates_buf": self.account.kept().cursor });
        let limit = self.hold + GRACE;
        self.core.api.call(line, "getupdates", body, limit).await
    }

    /// Hands everything over, and moves on when all of it is safe. False when the host has ended.
    async fn take(&mut self, news: &Value) -> bool {
        if let Some(hold) = news["longpolling_timeout_ms"].as_u64() {
            let hold = Duration::from_millis(hold).min(LONGEST_HOLD);
            self.hold = hold.max(Duration::from_secs(1));
        }
        let mut waiting = Vec::new();
        for message in news["msgs"].as_array().into_iter().flatten() {
            let person = self.core.person(&self.account.person);
            let Some(heard) = inbound::read(message, person, |id| self.core.quoted(id)) else {
                tracing::debug!("a message is passed over");
                continue;
            };
            if self.known.get(&heard.id).is_some() {
                continue;
            }
            self.core.remember(&heard.id, &heard.text, false);
            let now = now_ms();
            let at_ms = Some(heard.at_ms).filter(|at| (1..now).contains(at));
            self.account
                .heard(&heard.id, at_ms.unwrap_or(now), heard.context.as_deref());
            self.core.report(&self.account);
            waiting.push((heard.id, self.inbox.deliver(heard.event).await));
        }
        let has_news = !waiting.is_empty();
        if has_news {
            typing::begin(&self.core, &self.account);
        }
        for (id, acceptance) in waiting {
            if !acceptance.wait().await {
                return false;
            }
            self.known.insert(id, ());
        }
        let cursor = news["get_updates_buf"].as_str().unwrap_or_default();
        if has_news || (!cursor.is_empty() && cursor != self.account.kept().cursor) {
            self.account.advance(cursor);
            self.account.save().await;
        }
        true
    }

    async fn notify(&self, what: &str) -> Result<(), CallError> {
        let Some(credentials) = self.account.credentials() else {
            return Ok(());
        };
        let line = Line {
            url: &credentials.url,
            token: Some(&credentials.token),
        };
        let told = self.core.api.call(line, what, json!({}), SHORT_LIMIT).await;
        if let Err(error) = &told {
            tracing::debug!(%error, what, "WeChat does not take it");
        }
        told.map(drop)
    }
}
