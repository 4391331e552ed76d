//! What the parts of the adapter share: the lines of all people.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jarvis_proto::chat::{Event, Person, SignInLost, event};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::sync::Notify;

use super::account::Account;
use super::api::Api;
use super::config::Config;
use super::kept::Kept;
use super::{inbound, lock};
use crate::adapter::Inbox;
use crate::few::Few;
use crate::recent::Recent;
use crate::sign_in::{Failure, Reason};

/// Messages whose text is known when somebody quotes them.
const QUOTES: usize = 10_000;
/// Most of a text that is known then, in characters.
const MOST_QUOTED: usize = 2000;
/// Files that are up and not sent yet.
const UPLOADED: usize = 1024;
/// Tokens that are shown when a code is made.
const SHOWN_TOKENS: usize = 10;

/// The lines of all people.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) api: Arc<Api>,
    accounts: Mutex<HashMap<String, Arc<Account>>>,
    /// There may be accounts that nobody listens to yet.
    pub(super) changed: Notify,
    inbox: Mutex<Option<Inbox>>,
    pub(super) few: Mutex<Few>,
    /// Action and part → the item of the file that was put up for it.
    pub(super) uploaded: Mutex<Recent<String, Value>>,
    /// Message → its text, and whether it was ours. The platform names a quoted message by its id alone.
    quotes: Mutex<Recent<String, (String, bool)>>,
    is_folder_told: AtomicBool,
}

impl Core {
    pub(super) fn new(config: Config, api: Api) -> Self {
        Self {
            config,
            api: Arc::new(api),
            accounts: Mutex::default(),
            changed: Notify::new(),
            inbox: Mutex::new(None),
            few: Mutex::default(),
            uploaded: Mutex::new(Recent::new(UPLOADED)),
            quotes: Mutex::new(Recent::new(QUOTES)),
            is_folder_told: AtomicBool::new(false),
        }
    }

    pub(super) fn account(&self, person: &str) -> Option<Arc<Account>> {
        lock(&self.accounts).get(person).cloned()
    }

    pub(super) fn accounts(&self) -> Vec<Arc<Account>> {
        lock(&self.accounts).values().cloned().collect()
    }

    pub(super) fn set_inbox(&self, inbox: Option<Inbox>) {
        *lock(&self.inbox) = inbox;
    }

    /// Takes up what stands in the folder: accounts of the time before, and those that another process
    /// has made.
    pub(super) async fn read_folder(&self) {
        let folder = self.config.folder.clone();
        // A file that is wrong is told of once.
        let told = self.is_folder_told.swap(true, Ordering::Relaxed);
        let reading = tokio::task::spawn_blocking(move || Kept::all(&folder, !told));
        let Ok(all) = reading.await else {
            return;
        };
        for kept in all {
            let is_news = match self.account(&kept.person) {
                None => true,
                Some(known) => known.is_succeeded_by(kept.token.as_ref()),
            };
            if is_news {
                self.put(kept);
            }
        }
    }

    /// A person has signed in: their new line takes the place of an older one.
    ///
    /// # Errors
    /// In words, when there is no place for one more.
    pub(super) async fn adopt(&self, mut kept: Kept) -> Result<(), Failure> {
        match self.account(&kept.person) {
            // What the platform counts goes on.
            Some(old) => {
                let old = old.kept();
                kept.heard_ms = old.heard_ms;
                kept.heard_id = old.heard_id;
                kept.sent = old.sent;
            }
            None if self.accounts().len() >= self.config.rules.accounts => {
                let detail = format!("`wechat.limits.accounts` is {}", self.config.rules.accounts);
                return Err(Failure::with(Reason::Full, detail));
            }
            None => {}
        }
        let account = self.put(kept);
        account.save_new().await;
        Ok(())
    }

    fn put(&self, kept: Kept) -> Arc<Account> {
        let folder = self.config.folder.clone();
        let account = Arc::new(Account::new(kept, folder, self.config.rules.clone()));
        let old = lock(&self.accounts).insert(account.person.clone(), account.clone());
        if let Some(old) = old {
            old.stop.cancel();
        }
        self.changed.notify_one();
        account
    }

    /// The platform has ended a line. The person is told by the brain, where else it knows them.
    pub(super) async fn lose(&self, account: &Arc<Account>) {
        // Where the same phone was signed in anew by another process of ours, its line only goes on.
        self.read_folder().await;
        let now = self.account(&account.person);
        if now.is_some_and(|now| !Arc::ptr_eq(&now, account)) || !account.lose() {
            return;
        }
        let person = &account.person;
        tracing::warn!(
            person,
            "WeChat has ended a line: a new code has to be scanned (`jarvis adapter wechat --login`, or \
             /signin in another chat)"
        );
        account.save().await;
        self.report(account);
        self.tell_loss(account);
    }

    /// Tells the brain of a line that was ended, until it knows.
    pub(super) fn tell_loss(&self, account: &Arc<Account>) {
        let kept = account.kept();
        let inbox = lock(&self.inbox).clone();
        let (false, true, Some(inbox)) = (kept.lost_told, kept.lost_ms > 0, inbox) else {
            return;
        };
        let event = Event {
            id: format!("lost:{}:{}", kept.person, kept.lost_ms),
            time_ms: kept.lost_ms,
            room: Some(inbound::room(&kept.person)),
            person: Some(self.person(&kept.person)),
            kind: Some(event::Kind::SignInLost(SignInLost {})),
            ..Event::default()
        };
        let account = account.clone();
        tokio::spawn(async move {
            if inbox.deliver(event).await.wait().await {
                account.told_of_loss();
                account.save().await;
            }
        });
    }

    /// A person as the brain hears of them. The platform tells no names.
    pub(super) fn person(&self, id: &str) -> Person {
        Person {
            id: id.to_owned(),
            language: self.config.language.clone(),
            ..Person::default()
        }
    }

    /// Tells the brain how much may be sent to this person now.
    pub(super) fn report(&self, account: &Account) {
        if let Some(inbox) = lock(&self.inbox).as_ref() {
            inbox.report(account.budget());
        }
    }

    /// Tokens of lines that stand, by which the platform knows a phone that is connected already.
    pub(super) fn tokens(&self) -> Vec<String> {
        let mut accounts: Vec<Kept> = self.accounts().iter().map(|one| one.kept()).collect();
        accounts.sort_by_key(|kept| std::cmp::Reverse(kept.heard_ms));
        accounts
            .iter()
            .filter_map(|kept| kept.token.as_ref())
            .take(SHOWN_TOKENS)
            .map(|token| token.expose_secret().to_owned())
            .collect()
    }

    /// Keeps the text of a message for those who quote it.
    pub(super) fn remember(&self, message: &str, text: &str, is_ours: bool) {
        if !message.is_empty() {
            let text = text.chars().take(MOST_QUOTED).collect();
            lock(&self.quotes).insert(message.to_owned(), (text, is_ours));
        }
    }

    /// The text of a message, and whether it was ours.
    pub(super) fn quoted(&self, message: &str) -> Option<(String, bool)> {
        lock(&self.quotes).get(message).cloned()
    }
}
