//! `note -m MODE -n NAME`: notebooks as the predecessor had them.

use super::draft::{self, Draft, Purpose};
use super::find::FindArgs;
use super::write::{clean_keys, place};
use super::{NoteArgs, change, find, notebook, show};
use crate::answer::{After, Answer, Place};
use crate::commands::{Call, Trouble};
use crate::note::fold::fold;
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::{NoteRecord, Notebook, Op, OpenNotebook};
use crate::text::{Text, text};

/// What `-m` may say.
const MODES: [&str; 7] = [
    "new", "info", "forward", "search", "keys", "rmkeys", "rmmsg",
];
/// Keys that are listed.
const MOST_KEYS: usize = 200;
/// Notes that are shown at once.
const MOST_SHOWN: usize = 10;
/// Notes that lose a key at once.
const MOST_CHANGED: usize = 500;

/// `note -m MODE -n NAME [-k KEY]…`.
pub(super) async fn run(call: &Call<'_>, args: NoteArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let mode = args.mode.as_deref().unwrap_or_default();
    if !MODES.contains(&mode) {
        return Ok(Answer::say(text!(
            language,
            "note-mode-unknown",
            mode = mode,
            modes = Text::code(&MODES.join(" "))
        )));
    }
    let Some(name) = args.notebook.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(Answer::say(text!(language, "note-mode-name", mode = mode)));
    };
    let keys = clean_keys(&args.keys);
    let needs_keys = matches!(mode, "forward" | "rmkeys")
        || (mode == "search" && args.text.as_deref().is_none_or(str::is_empty));
    if needs_keys && keys.is_empty() {
        return Ok(Answer::say(text!(language, "note-mode-keys", mode = mode)));
    }
    match mode {
        "new" => notebook::new(call, &name.to_lowercase()).await,
        "forward" | "rmmsg" => {
            if call.kind != RoomKind::Private {
                return Ok(Answer::say(text!(
                    language,
                    "note-mode-private",
                    mode = mode
                )));
            }
            let place = match place(call, Some(name)).await? {
                Ok(place) => place,
                Err(answer) => return Ok(answer),
            };
            let (purpose, said) = if mode == "forward" {
                let said = text!(language, "note-forward-begun", name = place.name.as_str());
                (Purpose::File, said)
            } else {
                let said = text!(language, "note-rmmsg-begun", name = place.name.as_str());
                (Purpose::Remove, said)
            };
            let draft = Draft::of_forwards(purpose, place.name, keys);
            let reply = Reply::new()
                .line(said)
                .button(text!(language, "button-note-done"), "endnote");
            draft::begin_forwards(call, draft, Answer::say(reply)).await
        }
        "search" if keys.is_empty() => {
            let query = format!("nb:{name} {}", args.text.unwrap_or_default());
            find::find(call, FindArgs { page: None, query }).await
        }
        _ => {
            let open = match readable(call, name).await? {
                Ok(open) => open,
                Err(answer) => return Ok(answer),
            };
            match mode {
                "info" => info(call, &open.notebook).await,
                "keys" => list_keys(call, &open.notebook).await,
                "search" => search(call, &open.notebook, &keys).await,
                _ => remove_keys(call, &open, &keys).await,
            }
        }
    }
}

/// A notebook of this name that the caller may read.
async fn readable(call: &Call<'_>, name: &str) -> Result<Result<OpenNotebook, Answer>, Trouble> {
    let open = call.brain.store().notebooks_of(call.account()).await?;
    let wanted = name.to_lowercase();
    let found = open
        .into_iter()
        .find(|open| open.notebook.is_shared && open.notebook.name.to_lowercase() == wanted);
    Ok(found.ok_or_else(|| Answer::say(text!(call.language(), "notebook-unknown", name = name))))
}

async fn info(call: &Call<'_>, notebook: &Notebook) -> Result<Answer, Trouble> {
    let language = call.language();
    let store = call.brain.store();
    let (notes, members) = store.about_notebook(notebook.number).await?;
    let keys = store.keys_in(notebook.number, MOST_KEYS).await?.len();
    let mut reply = Reply::new().line(text!(
        language,
        "note-info",
        name = notebook.name.as_str(),
        who = show::name(call, &notebook.owner).await?,
        notes = notes,
        keys = keys
    ));
    for (account, can_write) in members {
        let who = show::name(call, &account).await?;
        reply = reply.line(if can_write {
            text!(language, "note-info-writer", who = who)
        } else {
            text!(language, "note-info-reader", who = who)
        });
    }
    Ok(Answer::say(reply))
}

async fn list_keys(call: &Call<'_>, notebook: &Notebook) -> Result<Answer, Trouble> {
    let keys = call
        .brain
        .store()
        .keys_in(notebook.number, MOST_KEYS)
        .await?;
    let language = call.language();
    let name = notebook.name.as_str();
    if keys.is_empty() {
        return Ok(Answer::say(text!(language, "note-keys-empty", name = name)));
    }
    let keys: Vec<String> = keys
        .into_iter()
        .map(|(key, notes)| format!("{key} ({notes})"))
        .collect();
    let keys = keys.join(" · ");
    Ok(Answer::say(text!(
        language,
        "note-keys-list",
        name = name,
        keys = keys
    )))
}

/// All notes with one of the keys; never aloud in a group.
async fn search(call: &Call<'_>, notebook: &Notebook, keys: &[String]) -> Result<Answer, Trouble> {
    let language = call.language();
    let store = call.brain.store();
    // One more than is shown says whether there are more.
    let mut notes = store
        .notes_keyed_in(notebook.number, keys, MOST_SHOWN + 1)
        .await?;
    if notes.is_empty() {
        let asked = Text::plain(&keys.join(" "));
        let name = notebook.name.as_str();
        let said = text!(language, "note-search-none", name = name, keys = asked);
        return Ok(Answer::say(said));
    }
    let is_more = notes.len() > MOST_SHOWN;
    notes.truncate(MOST_SHOWN);
    let mut reply = Reply::new();
    for note in &notes {
        reply = show::whole(call, reply, note).await?;
    }
    if is_more {
        reply = reply.line(text!(language, "note-search-more", most = MOST_SHOWN));
    }
    if call.kind == RoomKind::Private {
        return Ok(Answer::say(reply));
    }
    let people = call.brain.people();
    let bot = &call.room().bot;
    let Some(room) = people.alone_with(call.brain, call.account(), bot).await? else {
        return Ok(Answer::say(text!(language, "note-search-start")));
    };
    let mut answer = Answer::say(text!(language, "note-search-private"));
    answer.elsewhere.push((Place::unasked(room), reply));
    Ok(answer)
}

async fn remove_keys(
    call: &Call<'_>,
    open: &OpenNotebook,
    keys: &[String],
) -> Result<Answer, Trouble> {
    let language = call.language();
    let name = open.notebook.name.as_str();
    if !open.can_write {
        return Ok(Answer::say(text!(language, "notebook-read-only", name = name)).refused());
    }
    let store = call.brain.store();
    let gone: Vec<String> = keys.iter().map(|key| fold(key)).collect();
    let notes = store
        .notes_keyed_in(open.notebook.number, keys, MOST_CHANGED)
        .await?;
    let changed = notes.len();
    let mut ops = Vec::new();
    for note in notes {
        let mut keys = note.keys.clone();
        keys.retain(|key| !gone.contains(&fold(key)));
        ops.push(Op::PutNote(Box::new(NoteRecord {
            keys,
            updated_ms: call.brain.now_ms(),
            changed_by: call.account().clone(),
            ..note
        })));
    }
    let left: Vec<String> = store
        .keys_in(open.notebook.number, MOST_KEYS)
        .await?
        .into_iter()
        .map(|(key, _)| key)
        .filter(|key| !gone.contains(key))
        .collect();
    let said = text!(
        language,
        "note-keys-removed",
        notes = changed,
        name = name,
        keys = left.join(" · ")
    );
    let mut answer = Answer::say(said)
        .about(format!("notebook {name}"))
        .then(After::FollowNotes);
    answer.ops = ops;
    Ok(answer)
}

/// Removes notes that a message names.
pub(super) async fn remove_notes(
    call: &Call<'_>,
    notes: Vec<NoteRecord>,
) -> Result<Answer, Trouble> {
    let mut answer = Answer::nothing();
    for note in notes {
        let said = text!(call.language(), "note-removed", number = note.number);
        let note = change::removed(call, note);
        answer.append(change::change(call, note, said).await?);
    }
    Ok(answer)
}
