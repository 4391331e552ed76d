//! Telling those who follow a notebook of its new and changed notes.
//!
//! Each bot has a mark in the store: up to which change its rooms were told. It moves in the
//! transaction that stores the messages, so a crash neither loses news nor tells them twice. Of
//! several brains that share a database, the one that the bot is connected to tells.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tracing::warn;

use super::query::Query;
use super::snippet::snippet;
use crate::account::{Account, AccountId, Role};
use crate::answer::{Place, Speech};
use crate::brain::Brain;
use crate::command::permission::{Object, Permission, Subject, decide};
use crate::reply::Reply;
use crate::room::{BotKey, RoomKey};
use crate::store::{NoteRecord, Op, StoreError, Unit};
use crate::text::{Language, Text, text};
use crate::watch::{Subscription, Topic};

/// How often it is looked for changes. A burst is over when nothing came for so long.
const TICK: Duration = Duration::from_secs(1);
/// A burst that does not end is told of after this.
const LONGEST_BURST: Duration = Duration::from_secs(10);
/// Changes that are told of at a time.
const BATCH: usize = 1000;
/// Notes that a message shows one by one.
const ROWS: usize = 5;

/// Where the mark of a bot is kept.
fn mark(bot: &BotKey) -> String {
    format!("notes-told:{}:{}", bot.kind, bot.bot)
}

/// What a new subscription needs: the first one of a bot is told only of what comes from now on.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn begin(brain: &Brain, new: &Subscription) -> Result<Option<Op>, StoreError> {
    let all = brain.watch().subscriptions(brain).await?;
    let bot = &new.room.bot;
    if all
        .iter()
        .any(|one| one.topic == Topic::Notes && one.room.bot == *bot)
    {
        return Ok(None);
    }
    Ok(Some(Op::PutSetting {
        name: mark(bot),
        value: brain.store().last_note_change().await?.to_string(),
    }))
}

/// A burst of changes that a bot was not told of yet.
#[derive(Debug, Clone, Copy)]
struct Burst {
    began: Instant,
    last: i64,
}

/// Runs until the brain stops.
pub(crate) async fn run(brain: Brain) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut bursts: HashMap<BotKey, Burst> = HashMap::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = brain.stopping().cancelled() => return,
        }
        if let Err(error) = look(&brain, &mut bursts).await {
            warn!(%error, "cannot tell of notes now; later again");
        }
    }
}

async fn look(brain: &Brain, bursts: &mut HashMap<BotKey, Burst>) -> Result<(), StoreError> {
    let all = brain.watch().subscriptions(brain).await?;
    let mut bots: BTreeMap<String, Vec<&Subscription>> = BTreeMap::new();
    for one in all.iter().filter(|one| one.topic == Topic::Notes) {
        if brain.sessions().get(&one.room.bot).is_some() {
            bots.entry(mark(&one.room.bot)).or_default().push(one);
        }
    }
    for (mark, subscriptions) in bots {
        let Some(bot) = subscriptions.first().map(|one| one.room.bot.clone()) else {
            continue;
        };
        let told = brain.store().setting(&mark).await?;
        let told: i64 = told.and_then(|told| told.parse().ok()).unwrap_or(0);
        let changes = brain.store().note_changes(told, BATCH).await?;
        let Some(last) = changes.last().map(|note| note.sequence) else {
            bursts.remove(&bot);
            continue;
        };
        let now = Instant::now();
        let burst = bursts.entry(bot.clone()).or_insert(Burst {
            began: now,
            last: -1,
        });
        let is_over = burst.last == last || changes.len() == BATCH;
        burst.last = last;
        if !is_over && burst.began.elapsed() < LONGEST_BURST {
            continue;
        }
        bursts.remove(&bot);
        let mut speech = Speech::new(brain);
        tell(brain, &subscriptions, &changes, &mut speech).await?;
        let items = speech.items;
        let mut ops = speech.ops;
        ops.push(Op::PutSetting {
            name: mark,
            value: last.to_string(),
        });
        ops.extend(items.iter().cloned().map(Op::Outbox));
        if brain.commit_patiently(Unit::of(ops)).await {
            brain.outbox().push(brain, items);
        }
    }
    Ok(())
}

/// What a room is told of a notebook.
struct Told<'a> {
    language: Language,
    subscription: &'a Subscription,
    notes: Vec<&'a NoteRecord>,
}

/// One message for each room, with all that is new in the notebooks that it follows.
async fn tell(
    brain: &Brain,
    subscriptions: &[&Subscription],
    changes: &[NoteRecord],
    speech: &mut Speech<'_>,
) -> Result<(), StoreError> {
    let mut rooms: BTreeMap<&RoomKey, Vec<Told<'_>>> = BTreeMap::new();
    for one in subscriptions.iter().copied() {
        let Some(account) = brain.store().account(&one.account).await? else {
            continue;
        };
        let notes = readable(brain, one, &account, changes).await?;
        if !notes.is_empty() {
            let language = Language::negotiate(account.language.as_deref(), &one.language);
            let told = Told {
                language,
                subscription: one,
                notes,
            };
            rooms.entry(&one.room).or_default().push(told);
        }
    }
    for (room, notebooks) in rooms {
        let Some(first) = notebooks.first() else {
            continue;
        };
        let (language, kind) = (first.language, first.subscription.room_kind);
        let mut reply = Reply::new();
        for told in &notebooks {
            let name = told.subscription.node.as_str();
            reply = words(brain, language, reply, name, &told.notes).await?;
        }
        speech.say(&Place::unasked(room.clone()), kind, &reply);
    }
    Ok(())
}

/// The changes that this subscription is about, that its owner may read, and that are not their own.
async fn readable<'a>(
    brain: &Brain,
    one: &Subscription,
    account: &Account,
    changes: &'a [NoteRecord],
) -> Result<Vec<&'a NoteRecord>, StoreError> {
    let may = decide(&Subject::from(account), Permission::Member, &Object::None);
    if account.role == Role::Guest || !may.is_allowed() {
        return Ok(Vec::new());
    }
    let open = brain.store().notebooks_of(&account.id).await?;
    let named = open
        .iter()
        .find(|open| open.notebook.is_shared && open.notebook.name == one.node);
    let Some(number) = named.map(|open| open.notebook.number) else {
        return Ok(Vec::new());
    };
    let is_news = |note: &&NoteRecord| {
        note.notebook == number && note.removed_ms.is_none() && *writer(note) != account.id
    };
    Ok(changes.iter().filter(is_news).collect())
}

/// Who wrote what is newest in a note.
fn writer(note: &NoteRecord) -> &AccountId {
    let newest = note.parts.iter().max_by_key(|part| part.time_ms);
    newest.map_or(&note.author, |part| &part.author)
}

async fn words(
    brain: &Brain,
    language: Language,
    reply: Reply,
    notebook: &str,
    notes: &[&NoteRecord],
) -> Result<Reply, StoreError> {
    let mut reply = reply.line(text!(
        language,
        "notes-news",
        notebook = notebook,
        count = notes.len()
    ));
    for note in notes.iter().take(ROWS) {
        let account = brain.store().account(writer(note)).await?;
        let who = account.map(|account| account.name).unwrap_or_default();
        let said = snippet(&note.text(), &Query::default());
        let is_new = brain.store().note_before(note).await?.is_none();
        let number = note.number;
        reply = reply.line(if is_new {
            text!(
                language,
                "notes-news-new",
                number = number,
                said = said,
                who = who
            )
        } else {
            text!(
                language,
                "notes-news-changed",
                number = number,
                said = said,
                who = who
            )
        });
        let label = Text::plain(&format!("#{number}"));
        reply = reply.button(label, format!("shownote {number}"));
    }
    if notes.len() > ROWS {
        reply = reply.line(text!(
            language,
            "notes-news-more",
            count = notes.len() - ROWS
        ));
    }
    Ok(reply)
}
