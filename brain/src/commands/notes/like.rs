//! Under a new note: notes like it.

use super::find;
use crate::commands::{Call, Trouble};
use crate::note::query::{Filters, Query};
use crate::note::snippet::snippet;
use crate::reply::Reply;
use crate::store::NoteRecord;
use crate::text::{Text, text};

/// Notes that are shown.
const MOST: usize = 3;

/// Adds the notes that are about the same as a new one, if the caller may read them.
pub(super) async fn add(
    call: &Call<'_>,
    mut reply: Reply,
    note: &NoteRecord,
) -> Result<Reply, Trouble> {
    let language = call.language();
    let mut scope = find::scope(call, &Filters::default()).await?;
    if call.kind != crate::room::RoomKind::Private {
        // Others read along: what is only the caller's stays out.
        scope
            .notebooks
            .retain(|number| *number == crate::note::service::notebook(note.notebook));
    }
    let numbers = call.brain.notes().like(note.text(), scope, MOST).await;
    let mut shown = Vec::new();
    for number in numbers {
        // The index knows what could be read a moment ago; the store decides.
        let number = number.cast_signed();
        let Some(near) = call.brain.store().note(call.account(), number).await? else {
            continue;
        };
        if shown.is_empty() {
            reply = reply.line(text!(language, "note-like"));
        }
        let said = snippet(&near.text(), &Query::default());
        reply = reply.line(text!(
            language,
            "note-like-row",
            number = number,
            said = said
        ));
        shown.push(number);
    }
    for number in shown {
        let label = Text::plain(&format!("#{number}"));
        reply = reply.button(label, format!("shownote {number}"));
    }
    Ok(reply)
}
