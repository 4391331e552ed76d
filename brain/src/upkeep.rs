//! What the brain does by itself: telling owners what happened before its start, and forgetting from
//! time to time what nobody needs any more.

use std::time::Duration;

use tracing::{debug, info, warn};

use crate::answer::{Place, Speech};
use crate::brain::Brain;
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::{Op, Store, StoreError, Unit};
use crate::text::Text;

/// How often old rows are removed.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// How often the brain notes that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(10);
/// The setting that keeps when it last did.
const ALIVE: &str = "alive";

/// Runs until the brain stops.
pub(crate) async fn run(brain: Brain) {
    let mut prune = tokio::time::interval(PRUNE_EVERY);
    let mut alive = tokio::time::interval(ALIVE_EVERY);
    for timer in [&mut prune, &mut alive] {
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            _ = prune.tick() => {}
            _ = alive.tick() => {
                note_alive(&brain).await;
                continue;
            }
            () = brain.stopping().cancelled() => return note_alive(&brain).await,
        }
        brain.people().tidy();
        match brain.store().prune(brain.now_ms()).await {
            Ok(pruned) => debug!(?pruned, "old rows removed"),
            Err(error) => warn!(%error, "cannot remove old rows"),
        }
        if let Err(error) = crate::file::tidy(&brain).await {
            warn!(%error, "cannot tidy the store of files");
        }
        forget_jobs(&brain).await;
    }
}

/// Forgets jobs and audit lines that are older than the configuration wants them kept.
async fn forget_jobs(brain: &Brain) {
    let keep = brain.config().jobs.keep;
    if keep.is_zero() {
        return;
    }
    let keep_ms = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
    match brain
        .store()
        .prune_jobs(brain.now_ms().saturating_sub(keep_ms))
        .await
    {
        Ok(0) => {}
        Ok(rows) => info!(rows, "old jobs and audit lines removed"),
        Err(error) => warn!(%error, "cannot remove old jobs"),
    }
}

async fn note_alive(brain: &Brain) {
    let note = Op::PutSetting {
        name: ALIVE.to_owned(),
        value: brain.now_ms().to_string(),
    };
    if let Err(error) = brain.store().commit(Unit::of(vec![note])).await {
        warn!(%error, "cannot note that the brain is alive");
    }
}

/// Until when the brain before this one was alive, Unix milliseconds; 0 = there was none.
pub(crate) async fn last_alive(store: &Store) -> Result<i64, StoreError> {
    let noted = store.setting(ALIVE).await?;
    Ok(noted.and_then(|time| time.parse().ok()).unwrap_or(0))
}

/// Tells every owner, where they last spoke to us, what they should know of the time before this start.
pub(crate) async fn tell_owners(brain: &Brain) -> Result<(), StoreError> {
    let notices = &brain.config().notices;
    if notices.is_empty() {
        return Ok(());
    }
    let text = Text::join(notices.iter().map(|notice| Text::plain(notice)), "\n");
    let mut speech = Speech::new(brain);
    for room in brain.people().owner_rooms(brain).await? {
        speech.say(
            &Place::unasked(room),
            RoomKind::Private,
            &Reply::from(text.clone()),
        );
    }
    let ops = speech.items.iter().cloned().map(Op::Outbox).collect();
    brain.store().commit(Unit::of(ops)).await?;
    brain.outbox().push(brain, speech.items);
    Ok(())
}
