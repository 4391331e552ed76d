//! `note`, `editnote`, `delnote`, `undonote`.

use super::{DelnoteArgs, EditnoteArgs, NoteArgs, UndonoteArgs, draft};
use crate::answer::{After, Answer};
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::store::{NotePart, NoteRecord, Notebook, Op, OpenNotebook};
use crate::text::{Text, format, text};

/// Longest text of a note, in bytes.
pub(super) const MOST_BYTES: usize = 128 << 10;
/// Most keys of a note.
const MOST_KEYS: usize = 20;
/// Longest key, in characters.
pub(super) const KEY_CHARACTERS: usize = 64;

/// `note [-k KEY]… [--nb NAME] [TEXT]`.
pub(in crate::commands) async fn note(call: &Call<'_>, args: NoteArgs) -> Result<Answer, Trouble> {
    let place = match place(call, args.notebook.as_deref()).await? {
        Ok(place) => place,
        Err(answer) => return Ok(answer),
    };
    let Some(text) = args.text.filter(|text| !text.trim().is_empty()) else {
        return Ok(draft::begin(call, place, args.keys));
    };
    save(call, place, vec![part(call, text)], args.keys).await
}

/// A part that the caller writes now.
pub(super) fn part(call: &Call<'_>, text: String) -> NotePart {
    NotePart {
        text,
        author: call.account().clone(),
        time_ms: call.brain.now_ms(),
    }
}

/// The notebook of a name, or the personal one, if the caller may write in it.
///
/// # Errors
/// (inner) what to answer instead.
pub(super) async fn place(
    call: &Call<'_>,
    name: Option<&str>,
) -> Result<Result<Notebook, Answer>, Trouble> {
    let language = call.language();
    let Some(name) = name else {
        return Ok(Ok(personal(call)));
    };
    let open = call.brain.store().notebooks_of(call.account()).await?;
    let named = |open: &OpenNotebook| {
        open.notebook.is_shared && open.notebook.name.eq_ignore_ascii_case(name)
    };
    Ok(match open.into_iter().find(named) {
        Some(open) if open.can_write => Ok(open.notebook),
        Some(_) => Err(Answer::say(text!(language, "notebook-read-only", name = name)).refused()),
        None => Err(Answer::say(text!(
            language,
            "notebook-unknown",
            name = name
        ))),
    })
}

/// The caller's own notebook.
pub(super) fn personal(call: &Call<'_>) -> Notebook {
    crate::note::import::run::personal(&call.speaker.account, call.brain.now_ms())
}

/// Saves a new note.
pub(super) async fn save(
    call: &Call<'_>,
    place: Notebook,
    parts: Vec<NotePart>,
    keys: Vec<String>,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let size: usize = parts.iter().map(|part| part.text.len()).sum();
    if size > MOST_BYTES {
        return Ok(too_long(call));
    }
    let keys = clean_keys(keys);
    let now_ms = call.brain.now_ms();
    let note = NoteRecord {
        number: call.brain.store().next_number("note").await?,
        notebook: place.number,
        parts,
        keys,
        author: call.account().clone(),
        created_ms: now_ms,
        updated_ms: now_ms,
        removed_ms: None,
        sequence: 0,
    };
    let mut said = text!(language, "note-saved", number = note.number);
    if place.is_shared {
        said = Text::join([said, Text::plain(&place.name)], " · ");
    }
    if !note.keys.is_empty() {
        said = Text::join([said, Text::plain(&note.keys.join(" "))], " · ");
    }
    let reply = Reply::new().line(said).button(
        text!(language, "button-note-undo"),
        format!("undonote {}", note.number),
    );
    let reply = super::like::add(call, reply, &note).await?;
    let mut answer = Answer::say(reply).about(format!("note {}", note.number));
    if !place.is_shared {
        answer = answer.op(Op::PutNotebook(place));
    }
    Ok(answer
        .op(Op::PutNote(Box::new(note)))
        .then(After::FollowNotes))
}

/// The refusal of a text that is too long.
pub(super) fn too_long(call: &Call<'_>) -> Answer {
    let limit = format::bytes(MOST_BYTES as u64);
    Answer::say(text!(call.language(), "note-too-long", limit = limit))
}

/// Keys as they are kept: not blank, not too long, none twice.
pub(super) fn clean_keys(typed: Vec<String>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in typed {
        let key: String = key.trim().chars().take(KEY_CHARACTERS).collect();
        let is_new = !keys.iter().any(|other| other.eq_ignore_ascii_case(&key));
        if !key.is_empty() && is_new && keys.len() < MOST_KEYS {
            keys.push(key);
        }
    }
    keys
}

/// A note that the caller may change.
async fn writable(
    call: &Call<'_>,
    number: i64,
    removed_too: bool,
) -> Result<Result<NoteRecord, Answer>, Trouble> {
    let language = call.language();
    let store = call.brain.store();
    let found = store.any_note(call.account(), number).await?;
    let Some(note) = found.filter(|note| removed_too || note.removed_ms.is_none()) else {
        return Ok(Err(Answer::say(text!(
            language,
            "note-unknown",
            number = number
        ))));
    };
    let open = store.notebooks_of(call.account()).await?;
    let may = open
        .iter()
        .any(|open| open.notebook.number == note.notebook && open.can_write);
    if may {
        return Ok(Ok(note));
    }
    let said = text!(language, "note-read-only", number = number);
    Ok(Err(Answer::say(said).refused()))
}

fn change(call: &Call<'_>, note: NoteRecord, said: Text) -> Answer {
    let command = format!("undonote {}", note.number);
    let reply = Reply::new()
        .line(said)
        .button(text!(call.language(), "button-note-undo"), command);
    Answer::say(reply)
        .about(format!("note {}", note.number))
        .op(Op::PutNote(Box::new(note)))
        .then(After::FollowNotes)
}

/// `editnote NUMBER TEXT`.
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
    let said = text!(call.language(), "note-changed", number = note.number);
    let note = NoteRecord {
        parts: vec![part(call, args.text)],
        updated_ms: call.brain.now_ms(),
        ..note
    };
    Ok(change(call, note, said))
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
    let note = NoteRecord {
        removed_ms: Some(call.brain.now_ms()),
        ..note
    };
    Ok(change(call, note, said))
}

/// `undonote NUMBER`: as it was before its last change; twice is as it was.
pub(in crate::commands) async fn undonote(
    call: &Call<'_>,
    args: UndonoteArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let note = match writable(call, args.number, true).await? {
        Ok(note) => note,
        Err(answer) => return Ok(answer),
    };
    let before = call.brain.store().note_before(&note).await?;
    let note = before.unwrap_or_else(|| NoteRecord {
        removed_ms: Some(call.brain.now_ms()),
        ..note
    });
    let said = match note.removed_ms {
        Some(_) => text!(language, "note-removed", number = note.number),
        None => text!(language, "note-restored", number = note.number),
    };
    Ok(change(call, note, said))
}
