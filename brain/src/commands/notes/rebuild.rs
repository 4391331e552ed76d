//! `rebuildkeywords`: the index is made anew while the old one is searched.

use tracing::warn;

use crate::answer::{After, Answer, Place, Speech};
use crate::brain::Brain;
use crate::commands::Call;
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::{Op, Unit};
use crate::text::{Language, text};

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

/// Makes the index anew and says how that ended.
pub(crate) async fn rebuild_notes(brain: &Brain, told: (Place, RoomKind, Language)) {
    let (place, kind, language) = told;
    let said = match brain.notes().rebuild().await {
        Ok(notes) => text!(language, "reindex-done", notes = notes),
        Err(error) => {
            warn!(%error, "the notes index was not made anew");
            text!(language, "reindex-failed")
        }
    };
    let mut speech = Speech::new(brain);
    speech.say(&place, kind, &Reply::from(said));
    let ops = speech.items.iter().cloned().map(Op::Outbox).collect();
    if brain.commit_patiently(Unit::of(ops)).await {
        brain.outbox().push(brain, speech.items);
    }
}
