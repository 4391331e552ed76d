//! Adapters that cannot go on, and why: `health` shows them, and owners are told where another bot knows
//! them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jarvis_proto::chat::{AdapterStopped, StopReason};
use tokio::time::timeout;
use tracing::{error, info};

use crate::account::{Account, Role};
use crate::answer::{Place, Speech};
use crate::brain::Brain;
use crate::reply::Reply;
use crate::room::{BotKey, RoomKey, RoomKind};
use crate::store::{Op, StoreError, Unit};
use crate::text::outcome::Mark;
use crate::text::{Language, Text, text};

/// Adapters that are remembered at once, and things that were told.
const MOST: usize = 64;
/// Owners hear the same of the same bot once in so long: a service manager may start it every minute.
const AGAIN_MS: i64 = 3600 * 1000;
/// How long the session of who has stopped may take to end.
const ENDING: Duration = Duration::from_secs(5);
/// Longest detail that is kept, in characters.
const LONGEST: usize = 300;

/// The adapters that cannot go on.
#[derive(Debug, Default)]
pub(crate) struct Stopped(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    stops: HashMap<BotKey, Stop>,
    /// When owners were told of which reason, Unix milliseconds.
    told: HashMap<(BotKey, StopReason), i64>,
}

/// Why an adapter has stopped.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// The bot's id is empty when its platform was never reached.
    bot: BotKey,
    /// Unix milliseconds.
    pub(crate) at_ms: i64,
    reason: StopReason,
    detail: String,
}

impl Stopped {
    /// All of them, in the order of their names.
    pub(crate) fn all(&self) -> Vec<Stop> {
        let mut all: Vec<Stop> = self.lock().stops.values().cloned().collect();
        all.sort_by(|a, b| a.bot.cmp(&b.bot));
        all
    }

    /// A bot is connected again.
    pub(crate) fn forget(&self, bot: &BotKey) {
        self.lock()
            .stops
            .retain(|stopped, _| !is_same(stopped, bot));
    }

    /// Keeps it; whether owners have to be told.
    fn keep(&self, stop: &Stop) -> bool {
        let mut known = self.lock();
        if known.stops.len() >= MOST {
            known.stops.clear();
        }
        known.stops.insert(stop.bot.clone(), stop.clone());
        let now_ms = stop.at_ms;
        known.told.retain(|_, at_ms| now_ms - *at_ms < AGAIN_MS);
        let what = (stop.bot.clone(), stop.reason);
        if known.told.len() >= MOST || known.told.contains_key(&what) {
            return false;
        }
        known.told.insert(what, now_ms);
        true
    }

    /// Nobody was told after all.
    fn forget_telling(&self, stop: &Stop) {
        let what = (stop.bot.clone(), stop.reason);
        self.lock().told.remove(&what);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stop {
    /// How the adapter is called.
    pub(crate) fn name(&self) -> String {
        let bot = &self.bot;
        format!("{} {}", bot.kind, bot.bot).trim_end().to_owned()
    }

    /// Why, and what to do.
    pub(crate) fn words(&self, language: Language) -> Text {
        let words = match self.reason {
            StopReason::Unspecified => text!(language, "adapter-stopped-other"),
            StopReason::TakenOver => text!(language, "adapter-stopped-taken-over"),
            StopReason::Credentials => text!(language, "adapter-stopped-credentials"),
            StopReason::Setting => text!(language, "adapter-stopped-setting"),
            StopReason::InUse => text!(language, "adapter-stopped-in-use"),
        };
        if self.detail.is_empty() {
            return words;
        }
        text!(
            language,
            "adapter-stopped-detail",
            words = words,
            detail = self.detail.as_str()
        )
    }
}

/// Whether both are one bot, as far as is known.
fn is_same(stopped: &BotKey, bot: &BotKey) -> bool {
    stopped.kind == bot.kind && (stopped.bot.is_empty() || stopped.bot == bot.bot)
}

/// Notes that an adapter has stopped, and tells owners.
pub(crate) async fn note(brain: &Brain, stopped: AdapterStopped) {
    let reason = stopped.reason();
    let stop = Stop {
        bot: BotKey {
            kind: stopped.kind,
            bot: stopped.bot,
        },
        at_ms: brain.now_ms(),
        reason,
        detail: stopped
            .detail
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST)
            .collect(),
    };
    let bot = &stop.bot;
    if is_served(brain, &stop).await {
        info!(
            adapter.kind = bot.kind,
            bot = bot.bot,
            reason = reason.as_str_name(),
            detail = stop.detail,
            "an adapter has stopped; another process serves its bot"
        );
        return;
    }
    info!(
        adapter.kind = bot.kind,
        bot = bot.bot,
        reason = reason.as_str_name(),
        detail = stop.detail,
        "an adapter has stopped for good"
    );
    if brain.stopped().keep(&stop) {
        let told = brain.clone();
        // Who reports it does not wait.
        brain.spawn(async move {
            if let Err(error) = tell(&told, &stop).await {
                error!(%error, "owners cannot be told that an adapter has stopped");
                told.stopped().forget_telling(&stop);
            }
        });
    }
}

/// Whether the bot is served all the same, by another process.
async fn is_served(brain: &Brain, stop: &Stop) -> bool {
    let bot = &stop.bot;
    if !bot.bot.is_empty() {
        let Some(session) = brain.sessions().get(bot) else {
            return false;
        };
        // It may be the one that ends now.
        return timeout(ENDING, session.ended()).await.is_err();
    }
    let of_kind = |session: &crate::service::SessionHandle| session.bot().kind == bot.kind;
    stop.reason == StopReason::InUse && brain.sessions().all().iter().any(of_kind)
}

async fn tell(brain: &Brain, stop: &Stop) -> Result<(), StoreError> {
    let mut speech = Speech::new(brain);
    for owner in brain.store().accounts_by_role(Role::Owner).await? {
        let shut = |bot: &BotKey| is_same(&stop.bot, bot);
        let people = brain.people();
        for room in people.rooms_elsewhere(brain, &owner.id, shut).await? {
            let language = language(brain, &owner, &room).await?;
            let reply = text!(
                language,
                "adapter-stopped",
                mark = Mark::Bad.to_string(),
                adapter = stop.name(),
                reason = stop.words(language),
            );
            speech.say(
                &Place::unasked(room),
                RoomKind::Private,
                &Reply::from(reply),
            );
        }
    }
    let ops: Vec<Op> = speech.items.iter().cloned().map(Op::Outbox).collect();
    if !ops.is_empty() && brain.commit_patiently(Unit::of(ops)).await {
        brain.outbox().push(brain, speech.items);
    }
    Ok(())
}

/// The language in which an owner reads in a room.
async fn language(brain: &Brain, owner: &Account, room: &RoomKey) -> Result<Language, StoreError> {
    let identities = brain.store().identities_of(&owner.id).await?;
    let there = identities
        .iter()
        .find(|identity| identity.key.kind == room.bot.kind);
    let hint = there.map_or("", |identity| identity.language_hint.as_str());
    Ok(Language::negotiate(owner.language.as_deref(), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(bot: &str, at_ms: i64) -> Stop {
        Stop {
            bot: BotKey {
                kind: "wecom".to_owned(),
                bot: bot.to_owned(),
            },
            at_ms,
            reason: StopReason::TakenOver,
            detail: String::new(),
        }
    }

    #[test]
    fn owners_hear_the_same_once_an_hour_and_a_bot_that_is_back_is_forgotten() {
        let stopped = Stopped::default();
        assert!(stopped.keep(&stop("a", 1)));
        assert!(!stopped.keep(&stop("a", 2)));
        assert!(stopped.keep(&stop("b", 3)));
        assert!(stopped.keep(&stop("", 4)));
        stopped.forget(&stop("a", 0).bot);
        let left: Vec<String> = stopped.all().into_iter().map(|stop| stop.bot.bot).collect();
        assert_eq!(left, ["b"], "one whose bot was not known was this one");
        assert!(!stopped.keep(&stop("a", 5)), "it comes and goes");
        assert!(stopped.keep(&stop("a", 1 + AGAIN_MS)));
    }

    #[test]
    fn whatever_fails_not_more_is_kept_than_there_is_room_for() {
        let stopped = Stopped::default();
        let told = (0..1000).filter(|n| stopped.keep(&stop(&n.to_string(), *n)));
        assert_eq!(told.count(), MOST);
        assert!(stopped.all().len() <= MOST);
    }

    #[test]
    fn the_reason_is_said_in_the_readers_language() {
        let mut one = stop("a", 1);
        one.reason = StopReason::Setting;
        one.detail = "setting `wecom.url`: no".to_owned();
        let (en, zh) = (one.words(Language::En), one.words(Language::Zh));
        assert!(en.to_string().contains("cannot be used"), "{en}");
        assert!(zh.to_string().contains("无法使用"), "{zh}");
        for said in [en, zh] {
            assert!(
                said.to_string().contains("setting `wecom.url`: no"),
                "{said}"
            );
        }
    }
}
