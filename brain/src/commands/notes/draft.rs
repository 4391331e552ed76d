//! Notes of several messages: `note`, the messages, `endnote`, keys, `endkey`; `cancel` drops it all.
//!
//! What was written so far is a dialog in the store, so a restart loses nothing of it.

use serde::{Deserialize, Serialize};

use super::write;
use crate::answer::Answer;
use crate::brain::Brain;
use crate::command::registry::Found;
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::{Dialog, NotePart, Notebook, Op, StoreError};
use crate::text::text;

/// The dialog of such a note.
const DRAFT_DIALOG: &str = "note";
/// How long it waits for the next message.
const DRAFT_LIFE_MS: i64 = 24 * 3600 * 1000;

/// What was written so far.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Draft {
    /// Name of a shared notebook; none = the personal one.
    notebook: Option<String>,
    parts: Vec<NotePart>,
    keys: Vec<String>,
    /// The text is complete; keys follow.
    is_at_keys: bool,
}

/// Drafts that were open when the brain ended.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn load_drafts(brain: &Brain) -> Result<(), StoreError> {
    for (account, room) in brain.store().dialogs_of_kind(DRAFT_DIALOG).await? {
        brain.notes().draft_begins(&account, &room);
    }
    Ok(())
}

/// `note` without a text.
pub(super) fn begin(call: &Call<'_>, place: Notebook, keys: Vec<String>) -> Answer {
    let language = call.language();
    if call.kind != RoomKind::Private {
        return Answer::say(text!(language, "note-private-dialog"));
    }
    let draft = Draft {
        notebook: place.is_shared.then_some(place.name),
        parts: Vec::new(),
        keys,
        is_at_keys: false,
    };
    let reply = Reply::new()
        .line(text!(language, "note-begun"))
        .button(text!(language, "button-note-end"), "endnote")
        .button(text!(language, "button-cancel"), "cancel");
    keep(call, &draft, reply)
}

fn keep(call: &Call<'_>, draft: &Draft, reply: Reply) -> Answer {
    // Before the commit: a wrong guess costs one question to the store.
    call.brain.notes().draft_begins(call.account(), call.room());
    Answer::say(reply).op(Op::PutDialog(Dialog {
        account: call.account().clone(),
        room: call.room().clone(),
        kind: DRAFT_DIALOG.to_owned(),
        data: serde_json::to_value(draft).unwrap_or_default(),
        expires_ms: call.brain.now_ms() + DRAFT_LIFE_MS,
    }))
}

async fn open_draft(call: &Call<'_>) -> Result<Option<Draft>, Trouble> {
    if !call
        .brain
        .notes()
        .may_have_draft(call.account(), call.room())
    {
        return Ok(None);
    }
    let now_ms = call.brain.now_ms();
    let dialog = call
        .brain
        .store()
        .dialog(call.account(), call.room(), now_ms)
        .await?
        .filter(|dialog| dialog.kind == DRAFT_DIALOG);
    let draft = dialog.and_then(|dialog| serde_json::from_value(dialog.data).ok());
    if draft.is_none() {
        call.brain.notes().draft_ended(call.account(), call.room());
    }
    Ok(draft)
}

/// What a message means to an open draft; `None` when there is none, or when it is a command that
/// counts nevertheless: one that ends the draft, or any with a slash.
///
/// # Errors
/// When it failed for no fault of the caller's.
pub(crate) async fn continue_draft(
    call: &Call<'_>,
    found: &Found,
) -> Result<Option<Answer>, Trouble> {
    let said = call.message.text.trim();
    if call.kind != RoomKind::Private || said.is_empty() || !call.message.attachments.is_empty() {
        return Ok(None);
    }
    if let Found::Commands(lines) = found {
        let ends = |name: &str| matches!(name, "endnote" | "endkey" | "cancel" | "yes" | "no");
        let first = lines.first();
        let is_end = first.is_some_and(|line| ends(line.command.spec.name));
        if said.starts_with(['/', '／']) || (is_end && lines.len() == 1) {
            return Ok(None);
        }
    }
    let Some(mut draft) = open_draft(call).await? else {
        return Ok(None);
    };
    let language = call.language();
    if draft.is_at_keys {
        let typed = said.split([',', '，', '、', '\n']).map(str::to_owned);
        draft.keys.extend(typed);
        draft.keys = write::clean_keys(draft.keys);
        let reply = Reply::new()
            .line(text!(language, "note-keys", keys = draft.keys.join(" ")))
            .button(text!(language, "button-note-save"), "endkey");
        return Ok(Some(keep(call, &draft, reply)));
    }
    let size: usize = draft.parts.iter().map(|part| part.text.len()).sum();
    if size + said.len() > write::MOST_BYTES {
        return Ok(Some(write::too_long(call)));
    }
    draft.parts.push(write::part(call, said.to_owned()));
    let reply = Reply::new()
        .line(text!(language, "note-part", parts = draft.parts.len()))
        .button(text!(language, "button-note-end"), "endnote")
        .button(text!(language, "button-cancel"), "cancel");
    Ok(Some(keep(call, &draft, reply)))
}

/// `endnote`.
pub(in crate::commands) async fn endnote(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    let Some(mut draft) = open_draft(call).await? else {
        return Ok(Answer::say(text!(language, "note-no-draft")));
    };
    if draft.parts.is_empty() {
        return Ok(Answer::say(text!(language, "note-still-empty")));
    }
    draft.is_at_keys = true;
    let reply = Reply::new()
        .line(text!(language, "note-ask-keys"))
        .button(text!(language, "button-note-save"), "endkey")
        .button(text!(language, "button-cancel"), "cancel");
    Ok(keep(call, &draft, reply))
}

/// `endkey`.
pub(in crate::commands) async fn endkey(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    let Some(draft) = open_draft(call).await? else {
        return Ok(Answer::say(text!(language, "note-no-draft")));
    };
    if draft.parts.is_empty() {
        return Ok(Answer::say(text!(language, "note-still-empty")));
    }
    // It may have been shared less since the draft began.
    let place = match write::place(call, draft.notebook.as_deref()).await? {
        Ok(place) => place,
        Err(answer) => return Ok(answer),
    };
    let saved = write::save(call, place, draft.parts, draft.keys).await?;
    Ok(saved.op(Op::DropDialog {
        account: call.account().clone(),
        room: call.room().clone(),
    }))
}
