//! `notehistory` and `undonote`: what a note was, and making it so again.

use super::change::{change, removed};
use super::show;
use super::write::writable;
use super::{NotehistoryArgs, UndonoteArgs};
use crate::answer::Answer;
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::store::NoteRecord;
use crate::text::{Text, excerpt, text};

/// States that are shown.
const MOST: usize = 10;
/// States that buttons bring back.
const BUTTONS: usize = 5;

/// `notehistory NUMBER`.
pub(in crate::commands) async fn notehistory(
    call: &Call<'_>,
    args: NotehistoryArgs,
) -> Result<Answer, Trouble> {
    of(call, args.number).await
}

/// The history of a note that the caller may read. That of a removed one is for who may bring it back.
pub(super) async fn of(call: &Call<'_>, number: i64) -> Result<Answer, Trouble> {
    let language = call.language();
    let store = call.brain.store();
    let note = match store.note(call.account(), number).await? {
        Some(note) => note,
        None => match writable(call, number, true).await? {
            Ok(note) => note,
            Err(_) => {
                return Ok(Answer::say(text!(
                    language,
                    "note-unknown",
                    number = number
                )));
            }
        },
    };
    let versions = store.note_versions(&note, MOST).await?;
    let last = versions.first().map_or(1, |version| version.place + 1);
    let mut reply = Reply::new()
        .line(text!(language, "note-history-head", number = number))
        .line(row(call, last, &note).await?);
    for version in &versions {
        reply = reply.line(row(call, version.place, &version.note).await?);
    }
    for version in versions.iter().take(BUTTONS) {
        reply = reply.button(
            text!(language, "button-note-back", place = version.place),
            format!("undonote {number} --to {}", version.place),
        );
    }
    Ok(Answer::say(reply))
}

async fn row(call: &Call<'_>, place: i64, note: &NoteRecord) -> Result<Text, Trouble> {
    let language = call.language();
    let said = match note.removed_ms {
        Some(_) => text!(language, "note-history-removed"),
        None => Text::plain(&excerpt(&note.text())),
    };
    Ok(text!(
        language,
        "note-history-row",
        place = place,
        said = said,
        who = show::name(call, &note.changed_by).await?,
        when = show::when(call, note.updated_ms)
    ))
}

/// `undonote NUMBER [--to STATE]`: as it was before its last change, or in that state. Twice is as it
/// was.
pub(in crate::commands) async fn undonote(
    call: &Call<'_>,
    args: UndonoteArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let note = match writable(call, args.number, true).await? {
        Ok(note) => note,
        Err(answer) => return Ok(answer),
    };
    let store = call.brain.store();
    let before = match args.to {
        None => store.note_before(&note).await?,
        Some(place) => {
            let before = store.note_version(&note, i64::from(place)).await?;
            if before.is_none() || place == 0 {
                let command = Text::code(&format!("notehistory {}", note.number));
                return Ok(Answer::say(text!(
                    language,
                    "note-no-state",
                    number = note.number,
                    place = place,
                    command = command
                )));
            }
            before
        }
    };
    let now_ms = call.brain.now_ms();
    let note = match before {
        Some(before) => NoteRecord {
            updated_ms: now_ms,
            sequence: note.sequence,
            ..before
        },
        None => removed(call, note),
    };
    let said = match (note.removed_ms, args.to) {
        (Some(_), _) => text!(language, "note-removed", number = note.number),
        (None, None) => text!(language, "note-restored", number = note.number),
        (None, Some(place)) => text!(
            language,
            "note-restored-to",
            number = note.number,
            place = place
        ),
    };
    change(call, note, said).await
}
