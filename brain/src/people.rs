//! Who speaks: from a person on a platform to an account, and how much they may say in a minute.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jarvis_proto::chat::Person;

use crate::account::{Account, AccountId, Identity, IdentityKey, Role, SeenPerson};
use crate::brain::Brain;
use crate::room::{BotKey, RoomKey};
use crate::service::SessionHandle;
use crate::store::{Op, StoreError, Unit};
use crate::text::Language;

/// How long what is known of a person is believed, in milliseconds. Another brain on the same
/// database may have changed it; changes of our own count at once.
const BELIEVED_MS: i64 = 5_000;
/// Settings that keep where owners are: this and the account's id.
const OWNER_ROOM: &str = "owner-room:";
/// The same of rooms where somebody and a bot are alone.
const PRIVATE_ROOM: &str = "private-room:";
/// People remembered at once.
const MOST_KNOWN: usize = 10_000;

/// The person behind an event.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// On the platform.
    pub identity: Identity,
    /// The account that owns the identity.
    pub account: Account,
}

impl Speaker {
    /// The language to answer in.
    pub fn language(&self) -> Language {
        Language::negotiate(
            self.account.language.as_deref(),
            &self.identity.language_hint,
        )
    }
}

/// Knows who is who.
#[derive(Debug)]
pub struct People {
    known: Mutex<HashMap<IdentityKey, (i64, SeenPerson, Speaker)>>,
    limiter: DefaultKeyedRateLimiter<AccountId>,
    /// When accounts sent wrong one-time codes, Unix milliseconds.
    guesses: Mutex<HashMap<AccountId, Vec<i64>>>,
    /// Where owners last spoke to us in private; the store has it too.
    owner_rooms: Mutex<HashMap<AccountId, RoomKey>>,
    /// Where people and a bot of ours are alone; the store has it too.
    private_rooms: Mutex<HashMap<(AccountId, BotKey), RoomKey>>,
}

impl People {
    /// With so many messages a minute for each account.
    pub fn new(messages_per_minute: u32) -> Self {
        let each = NonZeroU32::new(messages_per_minute).unwrap_or(NonZeroU32::MIN);
        Self {
            known: Mutex::default(),
            limiter: RateLimiter::keyed(Quota::per_minute(each)),
            guesses: Mutex::default(),
            owner_rooms: Mutex::default(),
            private_rooms: Mutex::default(),
        }
    }

    /// The account of a person; a newcomer gets one, as a guest. At the server's own terminal it is
    /// the first owner's.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn recognise(
        &self,
        brain: &Brain,
        session: &SessionHandle,
        person: &Person,
    ) -> Result<Speaker, StoreError> {
        let seen = SeenPerson {
            key: IdentityKey {
                kind: session.bot().kind.clone(),
                person: person.id.clone(),
            },
            name: display_name(person),
            handle: person.handle.clone(),
            language_hint: person.language.clone(),
        };
        let now_ms = brain.now_ms();
        if let Some(speaker) = self.remembered(&seen, now_ms) {
            return Ok(speaker);
        }
        let (identity, account) = brain.store().identify(seen.clone(), now_ms).await?;
        let mut speaker = Speaker { identity, account };
        if session.is_terminal() && speaker.account.role != Role::Owner {
            speaker = self.seat_at_terminal(brain, speaker).await?;
        }
        let mut known = self.lock();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(seen.key.clone(), (now_ms, seen, speaker.clone()));
        Ok(speaker)
    }

    /// Forgets what is known of everybody: accounts or identities have changed.
    pub fn forget(&self) {
        self.lock().clear();
    }

    /// Whether the account may say one more thing now.
    ///
    /// # Errors
    /// How long to wait, in milliseconds.
    pub fn may_speak(&self, account: &AccountId) -> Result<(), u64> {
        self.limiter.check_key(account).map_err(|early| {
            let wait = early.wait_time_from(governor::clock::DefaultClock::default().now());
            u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
        })
    }

    /// A wrong one-time code came from this account.
    pub fn note_guess(&self, account: &AccountId, now_ms: i64) {
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= MOST_KNOWN {
            guesses.clear();
        }
        guesses.entry(account.clone()).or_default().push(now_ms);
    }

    /// Wrong codes that came from this account in the last `within_ms`.
    pub fn guesses(&self, account: &AccountId, now_ms: i64, within_ms: i64) -> usize {
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(times) = guesses.get_mut(account) else {
            return 0;
        };
        times.retain(|time| now_ms - time < within_ms);
        times.len()
    }

    /// Remembers where an owner speaks to us in private, to be able to speak first. Gives the change
    /// for the store, if it is news.
    pub(crate) fn note_private_room(&self, account: &Account, room: &RoomKey) -> Option<Op> {
        if account.role != Role::Owner {
            return None;
        }
        let mut rooms = self
            .owner_rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if rooms.get(&account.id) == Some(room) {
            return None;
        }
        rooms.insert(account.id.clone(), room.clone());
        let value = serde_json::to_string(room).ok()?;
        Some(Op::PutSetting {
            name: format!("{OWNER_ROOM}{}", account.id),
            value,
        })
    }

    /// Remembers where somebody and a bot are alone, for answers that are nobody else's business. Gives
    /// the change for the store, if it is news.
    pub(crate) fn note_alone(&self, account: &Account, room: &RoomKey) -> Option<Op> {
        if account.role == Role::Guest {
            return None;
        }
        let mut rooms = self
            .private_rooms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let key = (account.id.clone(), room.bot.clone());
        if rooms.get(&key) == Some(room) {
            return None;
        }
        if rooms.len() >= MOST_KNOWN {
            rooms.clear();
        }
        rooms.insert(key, room.clone());
        let value = serde_json::to_string(room).ok()?;
        Some(Op::PutSetting {
            name: private_room(&account.id, &room.bot),
            value,
        })
    }

    /// Where somebody and this bot are alone, if they ever were.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(crate) async fn alone_with(
        &self,
        brain: &Brain,
        account: &AccountId,
        bot: &BotKey,
    ) -> Result<Option<RoomKey>, StoreError> {
        let stored = brain.store().setting(&private_room(account, bot)).await?;
        Ok(stored.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Where somebody and a bot of ours are alone, over all bots.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(crate) async fn private_rooms(
        &self,
        brain: &Brain,
        account: &AccountId,
    ) -> Result<Vec<RoomKey>, StoreError> {
        let whose = format!(":{account}");
        let settings = brain.store().settings().await?;
        let rooms = settings
            .iter()
            .filter(|(name, _)| name.starts_with(PRIVATE_ROOM) && name.ends_with(&whose));
        Ok(rooms
            .filter_map(|(_, json)| serde_json::from_str(json).ok())
            .collect())
    }

    /// Where somebody and a bot are alone, other than those that are `shut`: where the bot is there, if
    /// any is.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(crate) async fn rooms_elsewhere(
        &self,
        brain: &Brain,
        account: &AccountId,
        shut: impl Fn(&BotKey) -> bool,
    ) -> Result<Vec<RoomKey>, StoreError> {
        let mut rooms = self.private_rooms(brain, account).await?;
        rooms.retain(|room| !shut(&room.bot));
        let is_live = |room: &RoomKey| brain.sessions().get(&room.bot).is_some();
        if rooms.iter().any(is_live) {
            rooms.retain(is_live);
        }
        Ok(rooms)
    }

    /// Where each owner last spoke to us in private.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(crate) async fn owner_rooms(&self, brain: &Brain) -> Result<Vec<RoomKey>, StoreError> {
        let mut rooms = Vec::new();
        for owner in brain.store().accounts_by_role(Role::Owner).await? {
            let name = format!("{OWNER_ROOM}{}", owner.id);
            let stored = brain.store().setting(&name).await?;
            if let Some(room) = stored.and_then(|json| serde_json::from_str(&json).ok()) {
                rooms.push(room);
            }
        }
        Ok(rooms)
    }

    /// Drops what is no longer needed to limit anybody.
    pub(crate) fn tidy(&self) {
        self.limiter.retain_recent();
    }

    /// Whoever sits at the server's terminal is the first owner; if there is none, they become it.
    async fn seat_at_terminal(
        &self,
        brain: &Brain,
        mut speaker: Speaker,
    ) -> Result<Speaker, StoreError> {
        let owners = brain.store().accounts_by_role(Role::Owner).await?;
        let ops = match owners.into_iter().min_by_key(|owner| owner.number) {
            Some(owner) => {
                speaker.identity.previous_account = Some(speaker.account.id.clone());
                speaker.identity.account = owner.id.clone();
                speaker.account = owner;
                vec![Op::PutIdentity {
                    identity: speaker.identity.clone(),
                    seen_ms: brain.now_ms(),
                }]
            }
            None => {
                speaker.account.role = Role::Owner;
                vec![Op::PutAccount(speaker.account.clone())]
            }
        };
        brain.store().commit(Unit::of(ops)).await?;
        Ok(speaker)
    }

    fn remembered(&self, seen: &SeenPerson, now_ms: i64) -> Option<Speaker> {
        let known = self.lock();
        let (since_ms, before, speaker) = known.get(&seen.key)?;
        (before == seen && now_ms - since_ms < BELIEVED_MS).then(|| speaker.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IdentityKey, (i64, SeenPerson, Speaker)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The setting that keeps where somebody and a bot are alone.
fn private_room(account: &AccountId, bot: &BotKey) -> String {
    format!("{PRIVATE_ROOM}{}:{}:{account}", bot.kind, bot.bot)
}

/// A name to show: cleaned of what could break a line, at most 64 characters.
fn display_name(person: &Person) -> String {
    let named = if person.name.trim().is_empty() {
        &person.handle
    } else {
        &person.name
    };
    let clean: String = named.chars().filter(|c| !c.is_control()).take(64).collect();
    if clean.trim().is_empty() {
        person.id.clone()
    } else {
        clean.trim().to_owned()
    }
}
