//! One person's line: what is kept of it, how much may be sent on it, and how fast.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jarvis_proto::chat::SendBudget;
use jarvis_proto::chat::action_result::Outcome;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::config::Rules;
use super::kept::Kept;
use super::{lock, wait_for};
use crate::now_ms;

/// The pauses after refusals in a row, as multiples of the first.
const PAUSES: [u32; 4] = [1, 2, 4, 10];
/// How long the key to "is typing" is good for.
const TICKET_LIFE: Duration = Duration::from_secs(12 * 3600);

/// One person's line.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) person: String,
    /// The token that this line began with; another one in the file is another line.
    origin: Option<SecretString>,
    folder: PathBuf,
    rules: Rules,
    state: Mutex<State>,
    /// One write of the file at a time.
    writing: tokio::sync::Mutex<()>,
    /// When the next message may go.
    next: tokio::sync::Mutex<Instant>,
    /// The line no longer stands, or another has taken its place.
    pub(super) stop: CancellationToken,
}

#[derive(Debug)]
struct State {
    kept: Kept,
    /// Refusals in a row for too many messages.
    refusals: usize,
    ticket: Option<(SecretString, Instant)>,
    is_typing: bool,
    /// Messages that this process has sent.
    answers: u64,
}

/// Where calls for an account go, and with which token.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) url: Url,
    pub(super) token: SecretString,
}

impl Account {
    pub(super) fn new(kept: Kept, folder: PathBuf, rules: Rules) -> Self {
        Self {
            person: kept.person.clone(),
            origin: kept.token.clone(),
            folder,
            rules,
            state: Mutex::new(State {
                kept,
                refusals: 0,
                ticket: None,
                is_typing: false,
                answers: 0,
            }),
            writing: tokio::sync::Mutex::default(),
            next: tokio::sync::Mutex::new(Instant::now()),
            stop: CancellationToken::new(),
        }
    }

    /// `None` when the platform has ended the line.
    pub(super) fn credentials(&self) -> Option<Credentials> {
        let state = self.state();
        let token = state.kept.token.clone()?;
        Some(Credentials {
            url: state.kept.url.clone(),
            token,
        })
    }

    pub(super) fn kept(&self) -> Kept {
        self.state().kept.clone()
    }

    /// What the platform wants to see in the next answer.
    pub(super) fn context(&self) -> Option<String> {
        let state = self.state();
        let context = state.kept.context.as_ref()?;
        Some(context.expose_secret().to_owned())
    }

    /// The person has spoken: that opens the window and fills the budget.
    pub(super) fn heard(&self, id: &str, at_ms: i64, context: Option<&str>) {
        let mut state = self.state();
        let kept = &mut state.kept;
        if let Some(context) = context.filter(|context| !context.is_empty()) {
            kept.context = Some(context.to_owned().into());
        }
        // The same message once more, after a restart, opens nothing.
        if id != kept.heard_id && at_ms >= kept.heard_ms {
            kept.heard_ms = at_ms;
            id.clone_into(&mut kept.heard_id);
            kept.sent = 0;
            state.refusals = 0;
        }
    }

    /// Everything up to this cursor is safe.
    pub(super) fn advance(&self, cursor: &str) {
        if !cursor.is_empty() {
            cursor.clone_into(&mut self.state().kept.cursor);
        }
    }

    /// The line has ended. False when that was known.
    pub(super) fn lose(&self) -> bool {
        self.stop.cancel();
        let mut state = self.state();
        let kept = &mut state.kept;
        if kept.token.take().is_none() {
            return false;
        }
        kept.cursor.clear();
        kept.context = None;
        kept.lost_ms = now_ms();
        kept.lost_told = false;
        true
    }

    pub(super) fn told_of_loss(&self) {
        self.state().kept.lost_told = true;
    }

    /// How many messages may go now, and until when, Unix milliseconds.
    pub(super) fn left(&self) -> (u32, i64) {
        let window = i64::try_from(self.rules.window.as_millis()).unwrap_or(i64::MAX);
        let state = self.state();
        let ends_ms = state.kept.heard_ms.saturating_add(window);
        if now_ms() >= ends_ms || state.kept.token.is_none() {
            return (0, ends_ms);
        }
        (self.rules.replies.saturating_sub(state.kept.sent), ends_ms)
    }

    /// The same as the brain wants to hear it.
    pub(super) fn budget(&self) -> SendBudget {
        let (now, window_ends_ms) = self.left();
        SendBudget {
            room: self.person.clone(),
            now,
            refill_ms: 0,
            most: self.rules.replies,
            window_ends_ms,
        }
    }

    /// Waits for the account's turn to send.
    pub(super) async fn turn(&self) {
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + self.rules.gap;
    }

    /// A message was sent.
    pub(super) fn sent(&self) {
        let mut state = self.state();
        state.kept.sent = state.kept.sent.saturating_add(1);
        state.answers += 1;
        state.refusals = 0;
    }

    /// How many messages this process has sent.
    pub(super) fn answers(&self) -> u64 {
        self.state().answers
    }

    /// The platform takes no more messages now; what to tell the brain. Where a pause does not help,
    /// only the person's next word will.
    pub(super) fn limited(&self, detail: &str) -> Outcome {
        let mut state = self.state();
        let Some(times) = PAUSES.get(state.refusals) else {
            return Outcome::Held(format!("{detail}; it waits for the person's next message"));
        };
        state.refusals += 1;
        wait_for(self.rules.pause * *times)
    }

    /// The key to "is typing", while it is good.
    pub(super) fn ticket(&self) -> Option<SecretString> {
        let state = self.state();
        let (ticket, since) = state.ticket.as_ref()?;
        (since.elapsed() < TICKET_LIFE).then(|| ticket.clone())
    }

    pub(super) fn keep_ticket(&self, ticket: SecretString) {
        self.state().ticket = Some((ticket, Instant::now()));
    }

    /// The platform shows "is typing", or no longer. Gives what it was before.
    pub(super) fn set_typing(&self, is_typing: bool) -> bool {
        std::mem::replace(&mut self.state().is_typing, is_typing)
    }

    /// Whether this token in the file is of a later line, made by another process or after this one.
    pub(super) fn is_succeeded_by(&self, token: Option<&SecretString>) -> bool {
        let reveal = |token: &SecretString| token.expose_secret().to_owned();
        token.is_some() && token.map(reveal) != self.origin.as_ref().map(reveal)
    }

    /// Writes the file, unless a later line stands there. What cannot be written is told of: a restart
    /// would ask for a new code, or hear messages again that the brain knows.
    pub(super) async fn save(self: &Arc<Self>) {
        self.write(false).await;
    }

    /// Writes the file of a new line, whatever stands there.
    pub(super) async fn save_new(self: &Arc<Self>) {
        self.write(true).await;
    }

    async fn write(self: &Arc<Self>, is_new: bool) {
        let _one = self.writing.lock().await;
        let account = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            let file = Kept::file(&account.folder, &account.person);
            let later = |kept: Kept| account.is_succeeded_by(kept.token.as_ref());
            if !is_new && Kept::read(&file).is_ok_and(later) {
                return Ok(());
            }
            account.kept().write(&account.folder)
        })
        .await;
        let written = written.unwrap_or_else(|panic| Err(std::io::Error::other(panic)));
        if let Err(error) = written {
            let folder = self.folder.display();
            tracing::error!(%error, %folder, "the account of a person cannot be kept");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn account(rules: Rules) -> Account {
        let kept = Kept {
            person: "o@im.wechat".into(),
            bot: "b@im.bot".into(),
            url: "https://h.example".parse().unwrap(),
            token: Some("t".to_owned().into()),
            cursor: String::new(),
            context: None,
            heard_ms: 0,
            heard_id: String::new(),
            sent: 0,
            lost_ms: 0,
            lost_told: false,
        };
        Account::new(kept, "x".into(), rules)
    }

    #[test]
    fn a_word_of_the_person_fills_the_budget_and_opens_the_window() {
        let account = account(Rules {
            replies: 2,
            ..Rules::default()
        });
        assert_eq!(account.left().0, 0, "nobody has spoken yet");
        let now = now_ms();
        account.heard("1", now, Some("CTX"));
        assert_eq!(account.left().0, 2);
        account.sent();
        account.sent();
        assert_eq!(account.left().0, 0);
        account.heard("1", now, None);
        assert_eq!(account.left().0, 0, "the same word again");
        account.heard("2", now, None);
        assert_eq!(account.left().0, 2);
        assert_eq!(account.context().as_deref(), Some("CTX"));
        account.heard("0", now - 25 * 3600 * 1000, None);
        assert_eq!(account.left().0, 2, "an older word changes nothing");
    }

    #[test]
    fn refusals_in_a_row_wait_longer_and_then_for_the_person() {
        let account = account(Rules::default());
        let wait = |outcome: Outcome| match outcome {
            Outcome::RateLimited(limited) => limited.retry_after_ms / 1000,
            Outcome::Held(_) => 0,
            other => panic!("{other:?}"),
        };
        let waits: Vec<u64> = (0..5).map(|_| wait(account.limited("x"))).collect();
        assert_eq!(waits, [30, 60, 120, 300, 0]);
        account.heard("1", now_ms(), None);
        assert_eq!(wait(account.limited("x")), 30);
    }

    #[test]
    fn a_line_is_lost_once() {
        let account = account(Rules::default());
        account.heard("1", now_ms(), Some("CTX"));
        assert!(account.lose());
        assert!(!account.lose());
        let kept = account.kept();
        assert!(kept.token.is_none() && kept.context.is_none() && kept.lost_ms > 0);
        assert_eq!(account.left().0, 0);
    }
}
