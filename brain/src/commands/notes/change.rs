//! `editnote`, `appendnote`, `tagnote`, `untagnote`, `delnote`.

use super::capture;
use super::write::{MOST_BYTES, clean_keys, dangling, nothing, too_long, writable};
use super::{AppendnoteArgs, DelnoteArgs, EditnoteArgs, TagnoteArgs, UntagnoteArgs};
use crate::answer::{After, Answer};
use crate::commands::{Call, Trouble};
use crate::note::fold::fold;
use crate::reply::Reply;
use crate::store::{NoteRecord, Op};
use crate::text::{Text, text};

/// Most messages of a note that grows.
const MOST_PARTS: usize = 1000;

/// Stores a change and says it.
pub(super) async fn change(
    call: &Call<'_>,
    note: NoteRecord,
    said: Text,
) -> Result<Answer, Trouble> {
    let note = NoteRecord {
        changed_by: call.account().clone(),
        ..note
    };
    let command = format!("undonote {}", note.number);
    let mut reply = Reply::new()
        .line(said)
        .button(text!(call.language(), "button-note-undo"), command);
    if note.removed_ms.is_none()
        && let Some(dangling) = dangling(call, &note).await?
    {
        reply = reply.line(dangling);
    }
    Ok(Answer::say(reply)
        .about(format!("note {}", note.number))
        .op(Op::PutNote(Box::new(note)))
        .then(After::FollowNotes))
}

/// `editnote NUMBER TEXT`: another text; its files stay, and files that come along are added.
pub(in crate::commands) async fn editnote(
    call: &Call<'_>,
    args: EditnoteArgs,
) -> Result<Answer, Trouble> {
    if args.text.len() > MOST_BYTES {
        return Ok(too_long(call));
    }
    let note = match writable(call, args.number, false).await? {
        Ok(note) => note,
        Err(answer) => return Ok(answer),
    };
    let mut caught = capture::new_text(call, &args.text).await;
    let mut parts = std::mem::take(&mut caught.parts);
    if let Some(part) = parts.first_mut() {
        part.files.splice(0..0, note.files().cloned());
    }
    let said = text!(call.language(), "note-changed", number = note.number);
    let note = NoteRecord {
        parts,
        updated_ms: call.brain.now_ms(),
        ..note
    };
    Ok(caught.tell(change(call, note, said).await?))
}

/// `appendnote NUMBER [TEXT]`: also what the message answers, and its files.
pub(in crate::commands) async fn appendnote(
    call: &Call<'_>,
    args: AppendnoteArgs,
) -> Result<Answer, Trouble> {
    let mut note = match writable(call, args.number, false).await? {
        Ok(note) => note,
        Err(answer) => return Ok(answer),
    };
    let text = args.text.unwrap_or_default();
    let answered = call.message.reply_to_text.len();
    if note.text().len() + text.len() + answered > MOST_BYTES || note.parts.len() >= MOST_PARTS {
        return Ok(too_long(call));
    }
    let mut caught = capture::with_command(call, &text).await?;
    if caught.is_empty() {
        return Ok(nothing(call, caught));
    }
    note.parts.append(&mut caught.parts);
    note.updated_ms = call.brain.now_ms();
    let said = text!(call.language(), "note-appended", number = note.number);
    Ok(caught.tell(change(call, note, said).await?))
}

/// `tagnote NUMBER KEY…`.
pub(in crate::commands) async fn tagnote(
    call: &Call<'_>,
    args: TagnoteArgs,
) -> Result<Answer, Trouble> {
    let mut keys = match writable(call, args.number, false).await? {
        Ok(note) => note.keys,
        Err(answer) => return Ok(answer),
    };
    keys.extend(args.keys);
    with_keys(call, args.number, keys).await
}

/// `untagnote NUMBER KEY…`.
pub(in crate::commands) async fn untagnote(
    call: &Call<'_>,
    args: UntagnoteArgs,
) -> Result<Answer, Trouble> {
    let mut keys = match writable(call, args.number, false).await? {
        Ok(note) => note.keys,
        Err(answer) => return Ok(answer),
    };
    keys.retain(|key| !args.keys.iter().any(|gone| fold(gone) == fold(key)));
    with_keys(call, args.number, keys).await
}

async fn with_keys(call: &Call<'_>, number: i64, keys: Vec<String>) -> Result<Answer, Trouble> {
    let language = call.language();
    let note = match writable(call, number, false).await? {
        Ok(note) => note,
        Err(answer) => return Ok(answer),
    };
    let keys = clean_keys(&keys);
    let said = if keys.is_empty() {
        text!(language, "note-keys-none", number = number)
    } else {
        text!(
            language,
            "note-keys-now",
            number = number,
            keys = keys.join(" ")
        )
    };
    if keys == note.keys {
        return Ok(Answer::say(said));
    }
    let note = NoteRecord {
        keys,
        updated_ms: call.brain.now_ms(),
        ..note
    };
    change(call, note, said).await
}

/// `delnote NUMBER`.
pub(in crate::commands) async fn delnote(
    call: &Call<'_>,
    args: DelnoteArgs,
) -> Result<Answer, Trouble> {
    let note = match writable(call, args.number, false).await? {
        Ok(note) => note,
        Err(answer) => return Ok(answer),
    };
    let said = text!(call.language(), "note-removed", number = note.number);
    change(call, removed(call, note), said).await
}

/// The note, removed now.
pub(super) fn removed(call: &Call<'_>, note: NoteRecord) -> NoteRecord {
    let now_ms = call.brain.now_ms();
    NoteRecord {
        removed_ms: Some(now_ms),
        updated_ms: now_ms,
        ..note
    }
}
