//! Messages that are passed on: each becomes a note of a notebook, or names one that goes. The first
//! message that is none ends it.

use super::capture;
use super::draft::{self, Draft, Drafted, Purpose};
use super::{mode, write};
use crate::answer::Answer;
use crate::commands::{Call, Trouble};
use crate::note::link;
use crate::store::{NoteRecord, Op};
use crate::text::text;

/// Notes that are compared with a message.
const CANDIDATES: usize = 50;

/// What a message means to such a dialog.
pub(super) async fn continue_forwards(call: &Call<'_>, draft: Draft) -> Result<Drafted, Trouble> {
    if call.message.forwarded.is_none() {
        let mut end = draft::end_forwards(call);
        // A command speaks for itself, and the word that ends it as well.
        if matches!(call.message.text.trim(), "endnote" | "endkey" | "cancel") {
            return Ok(Drafted::Taken(Box::new(end)));
        }
        end.replies.clear();
        return Ok(Drafted::Before(Box::new(end)));
    }
    let name = draft.notebook.as_deref();
    let place = match write::place(call, name).await? {
        Ok(place) => place,
        // The right to write was lost meanwhile.
        Err(mut answer) => {
            answer.ops.push(Op::DropDialog {
                account: call.account().clone(),
                room: call.room().clone(),
            });
            return Ok(Drafted::Taken(Box::new(answer)));
        }
    };
    let answer = match draft.purpose {
        Purpose::Remove => remove(call, place.number).await?,
        Purpose::File | Purpose::Write => {
            let caught = capture::message(call).await?;
            if caught.is_empty() {
                caught.tell(Answer::say(text!(call.language(), "note-part-empty")))
            } else {
                write::save(call, place, caught, draft.keys.clone()).await?
            }
        }
    };
    Ok(Drafted::Taken(Box::new(draft::keep_own(
        call, draft, answer,
    ))))
}

async fn remove(call: &Call<'_>, notebook: i64) -> Result<Answer, Trouble> {
    let caught = capture::message(call).await?;
    let text = call.message.text.trim();
    let hash = caught
        .parts
        .iter()
        .flat_map(|part| &part.files)
        .map(|file| file.blob.clone())
        .next()
        .unwrap_or_default();
    let title = link::title(text).unwrap_or_default();
    let store = call.brain.store();
    let mut notes = store
        .notes_like_message(notebook, &title, &hash, CANDIDATES)
        .await?;
    let is_meant = |note: &NoteRecord| {
        let has_file = note.files().any(|file| file.blob == hash);
        note.text().trim() == text && (hash.is_empty() || has_file)
    };
    notes.retain(is_meant);
    if notes.is_empty() {
        return Ok(Answer::say(text!(call.language(), "note-rmmsg-unknown")));
    }
    mode::remove_notes(call, notes).await
}
