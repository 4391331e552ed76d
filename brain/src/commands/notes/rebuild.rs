//! `rebuildkeywords`: the index is made anew while the old one is searched.

use std::time::Duration;

use tracing::warn;

use crate::answer::{After, Answer, Place};
use crate::brain::Brain;
use crate::commands::Call;
use crate::outbox::OutboxItem;
use crate::reply::Reply;
use crate::room::{RoomKey, RoomKind};
use crate::store::{Op, Unit};
use crate::text::{Language, text};

/// How often it is said how far it is.
const SHOW_EVERY: Duration = Duration::from_secs(2);

/// `rebuildkeywords`.
pub(in crate::commands) fn rebuildkeywords(call: &Call<'_>) -> Answer {
    let language = call.language();
    if call.brain.notes().health().is_rebuilding {
        return Answer::say(text!(language, "reindex-runs"));
    }
    let place = Place::unasked(call.room().clone());
    Answer::say(text!(language, "reindex-begun"))
        .then(After::RebuildNotes(Box::new((place, call.kind, language))))
}

/// Makes the index anew, says how far it is and how that ended, all in one message.
pub(crate) async fn rebuild_notes(brain: &Brain, told: (Place, RoomKind, Language)) {
    let (place, _, language) = told;
    let key = format!("reindex:{}", uuid::Uuid::now_v7());
    let rebuilt = {
        let rebuilding = brain.notes().rebuild();
        tokio::pin!(rebuilding);
        loop {
            tokio::select! {
                rebuilt = &mut rebuilding => break rebuilt,
                () = tokio::time::sleep(SHOW_EVERY) => {
                    let (done, total) = brain.notes().health().rebuilt;
                    let said = text!(language, "reindex-running", done = done, total = total);
                    let action = state(brain, &place.room, &key, &said.into(), false);
                    brain.outbox().show(brain, &place.room, action);
                }
            }
        }
    };
    let said = match rebuilt {
        Ok(notes) => text!(language, "reindex-done", notes = notes),
        Err(error) => {
            warn!(%error, "the notes index was not made anew");
            text!(language, "reindex-failed")
        }
    };
    let action = state(brain, &place.room, &key, &said.into(), true);
    let item = OutboxItem::new(&place.room, &action, brain.now_ms());
    if brain
        .commit_patiently(Unit::of(vec![Op::Outbox(item.clone())]))
        .await
    {
        brain.outbox().push(brain, vec![item]);
    }
}

fn state(
    brain: &Brain,
    room: &RoomKey,
    key: &str,
    reply: &Reply,
    is_final: bool,
) -> jarvis_proto::chat::Action {
    crate::job::progress_action(brain, (room, ""), key.to_owned(), reply, is_final)
}
