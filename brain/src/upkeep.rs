//! What the brain does by itself: telling owners what happened before its start, and forgetting from
//! time to time what nobody needs any more.

use std::time::Duration;

use tracing::{debug, warn};

use crate::answer::{Place, Speech};
use crate::brain::Brain;
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::{Op, StoreError, Unit};
use crate::text::Text;

/// How often.
const EVERY: Duration = Duration::from_secs(3600);

/// Runs until the brain stops.
pub(crate) async fn run(brain: Brain) {
    let mut timer = tokio::time::interval(EVERY);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = timer.tick() => {}
            () = brain.stopping().cancelled() => return,
        }
        brain.people().tidy();
        match brain.store().prune(brain.now_ms()).await {
            Ok(pruned) => debug!(?pruned, "old rows removed"),
            Err(error) => warn!(%error, "cannot remove old rows"),
        }
    }
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
