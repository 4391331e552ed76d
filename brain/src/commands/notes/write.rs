//! `note`: what it says is saved.

use super::capture::{self, Caught};
use super::{NoteArgs, draft, history, mode, show};
use crate::answer::{After, Answer};
use crate::commands::{Call, Trouble};
use crate::note::fold::fold;
use crate::note::link;
use crate::reply::Reply;
use crate::store::{NoteRecord, Notebook, Op, OpenNotebook};
use crate::text::{Text, format, text};

/// Longest text of a note, in bytes.
pub(super) const MOST_BYTES: usize = 128 << 10;
/// Most keys of a note.
const MOST_KEYS: usize = 20;
/// Longest key, in characters.
pub(super) const KEY_CHARACTERS: usize = 64;

/// `note [-k KEY]… [--nb NAME] [-m MODE] [TEXT]`.
pub(in crate::commands) async fn note(call: &Call<'_>, args: NoteArgs) -> Result<Answer, Trouble> {
    if args.mode.is_some() {
        return mode::run(call, args).await;
    }
    let text = args.text.unwrap_or_default();
    if let Some(number) = asks_for_history(&text)
        && args.keys.is_empty()
        && args.notebook.is_none()
    {
        return history::of(call, number).await;
    }
    let place = match place(call, args.notebook.as_deref()).await? {
        Ok(place) => place,
        Err(answer) => return Ok(answer),
    };
    let message = call.message;
    let is_answer = !message.reply_to.is_empty();
    if text.trim().is_empty() && message.attachments.is_empty() && !is_answer {
        return draft::begin(call, place, args.keys).await;
    }
    if text.len() > MOST_BYTES {
        return Ok(too_long(call));
    }
    let caught = capture::with_command(call, &text).await?;
    if caught.is_empty() {
        return Ok(nothing(call, caught));
    }
    save(call, place, caught, args.keys).await
}

/// What to say when a message brought nothing.
pub(super) fn nothing(call: &Call<'_>, caught: Caught) -> Answer {
    let said = if call.message.reply_to.is_empty() {
        text!(call.language(), "note-part-empty")
    } else {
        text!(call.language(), "note-answer-unseen")
    };
    caught.tell(Answer::say(said))
}

/// `note history 118`.
fn asks_for_history(text: &str) -> Option<i64> {
    let (word, number) = text.trim().split_once(char::is_whitespace)?;
    let number = number.trim().trim_start_matches('#').parse().ok()?;
    matches!(word, "history" | "历史").then_some(number)
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
    mut caught: Caught,
    keys: Vec<String>,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let parts = std::mem::take(&mut caught.parts);
    let size: usize = parts.iter().map(|part| part.text.len()).sum();
    if size > MOST_BYTES {
        return Ok(too_long(call));
    }
    let keys = clean_keys(&keys);
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
        changed_by: call.account().clone(),
    };
    let mut said = text!(language, "note-saved", number = note.number);
    if place.is_shared {
        said = Text::join([said, Text::plain(&place.name)], " · ");
    }
    if !note.keys.is_empty() {
        said = Text::join([said, Text::plain(&note.keys.join(" "))], " · ");
    }
    let mut reply = Reply::new().line(said).button(
        text!(language, "button-note-undo"),
        format!("undonote {}", note.number),
    );
    if let Some(dangling) = dangling(call, &note).await? {
        reply = reply.line(dangling);
    }
    reply = super::like::add(call, reply, &note).await?;
    let mut answer = Answer::say(reply).about(format!("note {}", note.number));
    if !place.is_shared {
        answer = answer.op(Op::PutNotebook(place));
    }
    Ok(caught.tell(
        answer
            .op(Op::PutNote(Box::new(note)))
            .then(After::FollowNotes),
    ))
}

/// What to say of links that lead nowhere; `None` when there are none.
pub(super) async fn dangling(call: &Call<'_>, note: &NoteRecord) -> Result<Option<Text>, Trouble> {
    let said = note.text();
    let own = link::title(&said);
    let mut nowhere = Vec::new();
    for link in link::links(&said) {
        if own.as_ref() != Some(&link.folded) && show::named(call, note, &link).await?.is_none() {
            nowhere.push(format!("[[{}]]", link.shown));
        }
    }
    if nowhere.is_empty() {
        return Ok(None);
    }
    Ok(Some(text!(
        call.language(),
        "note-dangling",
        links = nowhere.join(" ")
    )))
}

/// The refusal of a text that is too long.
pub(super) fn too_long(call: &Call<'_>) -> Answer {
    let limit = format::bytes(MOST_BYTES as u64);
    Answer::say(text!(call.language(), "note-too-long", limit = limit))
}

/// Keys as they are kept: not blank, not too long, none twice.
pub(super) fn clean_keys(typed: &[String]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    let typed = typed.iter().flat_map(|keys| keys.split([',', '，', '、']));
    for key in typed {
        let key: String = key.trim().chars().take(KEY_CHARACTERS).collect();
        let is_new = !keys.iter().any(|other| other.eq_ignore_ascii_case(&key));
        if !fold(&key).trim().is_empty() && is_new && keys.len() < MOST_KEYS {
            keys.push(key);
        }
    }
    keys
}

/// A note that the caller may change.
pub(super) async fn writable(
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
