//! Notes of several messages: `note`, the messages, `endnote`, keys, `endkey`; `cancel` drops it all.
//!
//! What was written so far is a dialog in the store, so a restart loses nothing of it. In a group the
//! note takes in what its writer says, and what others say to the bot; only its writer ends it.

use serde::{Deserialize, Serialize};

use super::capture::{self, Caught};
use super::{forward, write};
use crate::account::AccountId;
use crate::answer::Answer;
use crate::brain::Brain;
use crate::command::permission::{Object, Permission, decide};
use crate::command::registry::{Addressing, Found, Line};
use crate::commands::{Call, Trouble, registry, run_line};
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::{Dialog, NotePart, Notebook, Op, StoreError};
use crate::text::text;

/// The dialog of such a note.
const DRAFT_DIALOG: &str = "note";
/// How long it takes in messages without one.
const QUIET_LIMIT_MS: i64 = 24 * 3600 * 1000;
/// How long it is kept for its writer to come back to.
const DRAFT_LIFE_MS: i64 = 365 * QUIET_LIMIT_MS;
/// Most messages of a note.
const MOST_PARTS: usize = 300;

/// What the messages of a dialog are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Purpose {
    /// They are one note.
    #[default]
    Write,
    /// Those that are passed on become notes, each its own.
    File,
    /// Those that are passed on name notes that go.
    Remove,
}

/// What was written so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Draft {
    #[serde(default)]
    pub(super) purpose: Purpose,
    /// Name of a shared notebook; none = the personal one.
    pub(super) notebook: Option<String>,
    parts: Vec<NotePart>,
    pub(super) keys: Vec<String>,
    /// The text is complete; keys follow.
    is_at_keys: bool,
    /// When the last message came, Unix milliseconds.
    #[serde(default)]
    touched_ms: i64,
}

impl Draft {
    /// One that takes in messages that are passed on.
    pub(super) fn of_forwards(purpose: Purpose, notebook: String, keys: Vec<String>) -> Self {
        Self {
            purpose,
            notebook: Some(notebook),
            keys,
            ..Self::default()
        }
    }
}

/// What an open draft makes of a message.
#[derive(Debug)]
pub(crate) enum Drafted {
    /// Nothing: the message is what it is.
    No,
    /// This is all.
    Taken(Box<Answer>),
    /// This is said first; the message is what it is.
    Before(Box<Answer>),
}

impl Drafted {
    fn taken(answer: Answer) -> Self {
        Self::Taken(Box::new(answer))
    }
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
pub(super) async fn begin(
    call: &Call<'_>,
    place: Notebook,
    keys: Vec<String>,
) -> Result<Answer, Trouble> {
    let language = call.language();
    // One that was left open has been saved before this message was read.
    if let Some((writer, draft)) = draft_here(call).await?
        && !is_quiet(call, &draft)
    {
        return Ok(if writer == *call.account() {
            let parts = draft.parts.len();
            let reply = Reply::new()
                .line(text!(language, "note-open-already", parts = parts))
                .button(text!(language, "button-note-end"), "endnote")
                .button(text!(language, "button-cancel"), "cancel");
            Answer::say(reply)
        } else {
            Answer::say(text!(
                language,
                "note-open-of-other",
                who = name_of(call, &writer).await?
            ))
        });
    }
    let draft = Draft {
        notebook: place.is_shared.then_some(place.name),
        keys: write::clean_keys(&keys),
        ..Draft::default()
    };
    let begun = if call.kind == RoomKind::Private {
        text!(language, "note-begun")
    } else {
        let who = call.speaker.account.name.as_str();
        text!(language, "note-begun-group", who = who)
    };
    let reply = Reply::new()
        .line(begun)
        .button(text!(language, "button-note-end"), "endnote")
        .button(text!(language, "button-cancel"), "cancel");
    Ok(keep(call, call.account(), draft, Answer::say(reply)))
}

/// Begins to take in messages that are passed on, for another purpose.
pub(super) async fn begin_forwards(
    call: &Call<'_>,
    draft: Draft,
    answer: Answer,
) -> Result<Answer, Trouble> {
    if let Some(open) = draft_of(call, call.account()).await?
        && open.purpose == Purpose::Write
        && !open.parts.is_empty()
    {
        let parts = open.parts.len();
        let said = text!(call.language(), "note-open-already", parts = parts);
        return Ok(Answer::say(said));
    }
    Ok(keep(call, call.account(), draft, answer))
}

/// Keeps the caller's draft open.
pub(super) fn keep_own(call: &Call<'_>, draft: Draft, answer: Answer) -> Answer {
    keep(call, call.account(), draft, answer)
}

async fn name_of(call: &Call<'_>, account: &AccountId) -> Result<String, Trouble> {
    let account = call.brain.store().account(account).await?;
    Ok(account.map(|account| account.name).unwrap_or_default())
}

fn keep(call: &Call<'_>, writer: &AccountId, mut draft: Draft, answer: Answer) -> Answer {
    // Before the commit: a wrong guess costs one question to the store.
    call.brain.notes().draft_begins(writer, call.room());
    draft.touched_ms = call.brain.now_ms();
    answer.op(Op::PutDialog(Dialog {
        account: writer.clone(),
        room: call.room().clone(),
        kind: DRAFT_DIALOG.to_owned(),
        data: serde_json::to_value(&draft).unwrap_or_default(),
        expires_ms: draft.touched_ms + DRAFT_LIFE_MS,
    }))
}

async fn draft_of(call: &Call<'_>, writer: &AccountId) -> Result<Option<Draft>, Trouble> {
    let now_ms = call.brain.now_ms();
    let dialog = call
        .brain
        .store()
        .dialog(writer, call.room(), now_ms)
        .await?
        .filter(|dialog| dialog.kind == DRAFT_DIALOG);
    let draft = dialog.and_then(|dialog| serde_json::from_value(dialog.data).ok());
    if draft.is_none() {
        call.brain.notes().draft_ended(writer, call.room());
    }
    Ok(draft)
}

/// The draft that takes in messages here now: the caller's own, else somebody's in this group.
async fn draft_here(call: &Call<'_>) -> Result<Option<(AccountId, Draft)>, Trouble> {
    let mut writers = call.brain.notes().draft_writers(call.room());
    writers.sort_by_key(|writer| writer != call.account());
    for writer in writers {
        let is_own = writer == *call.account();
        if let Some(draft) = draft_of(call, &writer).await?
            && (is_own || !is_quiet(call, &draft))
        {
            return Ok(Some((writer, draft)));
        }
    }
    Ok(None)
}

fn is_quiet(call: &Call<'_>, draft: &Draft) -> bool {
    call.brain.now_ms() - draft.touched_ms > QUIET_LIMIT_MS
}

/// Whether a message may belong to a draft; if not, nothing more has to be asked.
pub(crate) fn may_be_drafted(call: &Call<'_>, is_addressed: bool) -> bool {
    let writers = call.brain.notes().draft_writers(call.room());
    !writers.is_empty() && (is_addressed || writers.contains(call.account()))
}

/// What a message means to an open draft. A command with a slash is none of its business, and one that
/// ends it neither.
///
/// # Errors
/// When it failed for no fault of the caller's.
pub(crate) async fn continue_draft(
    call: &Call<'_>,
    found: &Found,
    is_addressed: bool,
) -> Result<Drafted, Trouble> {
    let said = call.message.text.trim();
    let is_passed_on = call.message.forwarded.is_some();
    if said.is_empty() && call.message.attachments.is_empty() {
        return Ok(Drafted::No);
    }
    let Some((writer, draft)) = draft_here(call).await? else {
        return Ok(Drafted::No);
    };
    let is_own = writer == *call.account();
    // Its writer may still end it as it was meant.
    if is_own && is_quiet(call, &draft) && ending(call, said).is_none() {
        return left_open(call, draft).await;
    }
    if draft.purpose != Purpose::Write {
        return forward::continue_forwards(call, draft).await;
    }
    if !is_passed_on {
        // In a group, bare words are no commands to others; to this note they end it.
        if let Some(line) = ending(call, said) {
            return Ok(match found {
                Found::Nothing if is_own => Drafted::taken(run_line(call, &line).await?),
                _ => Drafted::No,
            });
        }
        if matches!(found, Found::Commands(_)) && said.starts_with(['/', '／']) {
            return Ok(Drafted::No);
        }
    }
    if !is_own {
        let may = decide(&call.subject(), Permission::Member, &Object::None);
        if !is_addressed || may.refusal(call.language(), "note").is_some() {
            return Ok(Drafted::No);
        }
    }
    if draft.is_at_keys {
        // Talk that goes on in a group is no key.
        if !is_own || !is_addressed || said.is_empty() {
            return Ok(Drafted::No);
        }
        return Ok(Drafted::taken(take_keys(call, draft, said)));
    }
    let answer = take_part(call, &writer, draft).await?;
    let is_said_aloud = is_addressed || !answer.1;
    let mut answer = answer.0;
    if !is_said_aloud {
        answer.replies.clear();
    }
    Ok(Drafted::taken(answer))
}

/// The line that ends a note, if that is all that was said.
fn ending(call: &Call<'_>, said: &str) -> Option<Line> {
    let addressing = Addressing {
        private: true,
        addressed: true,
        bot_name: call.inbound.session.bot_name(),
    };
    let Found::Commands(lines) = registry().look_up(said, addressing) else {
        return None;
    };
    let ends = |line: &Line| match line.command.spec.name {
        "endnote" | "endkey" | "cancel" => true,
        // Where several talk, these are said to each other.
        "yes" | "no" => call.kind == RoomKind::Private,
        _ => false,
    };
    match <[_; 1]>::try_from(lines) {
        Ok([line]) if ends(&line) => Some(line),
        _ => None,
    }
}

fn take_keys(call: &Call<'_>, mut draft: Draft, said: &str) -> Answer {
    let language = call.language();
    let typed = said.split([',', '，', '、', '\n']).map(str::to_owned);
    draft.keys.extend(typed);
    draft.keys = write::clean_keys(&draft.keys);
    let reply = Reply::new()
        .line(text!(language, "note-keys", keys = draft.keys.join(" ")))
        .button(text!(language, "button-note-save"), "endkey");
    keep(call, call.account(), draft, Answer::say(reply))
}

/// Adds a message. Says too whether all went well.
async fn take_part(
    call: &Call<'_>,
    writer: &AccountId,
    mut draft: Draft,
) -> Result<(Answer, bool), Trouble> {
    let language = call.language();
    let size = |parts: &[NotePart]| -> usize { parts.iter().map(|part| part.text.len()).sum() };
    if size(&draft.parts) + call.message.text.len() > write::MOST_BYTES {
        return Ok((write::too_long(call), false));
    }
    if draft.parts.len() >= MOST_PARTS {
        return Ok((
            Answer::say(text!(language, "note-too-many", most = MOST_PARTS)),
            false,
        ));
    }
    let mut caught = capture::message(call).await?;
    if caught.is_empty() {
        let nothing = Answer::say(text!(language, "note-part-empty"));
        return Ok((caught.tell(nothing), false));
    }
    draft.parts.append(&mut caught.parts);
    let reply = Reply::new()
        .line(text!(language, "note-part", parts = draft.parts.len()))
        .button(text!(language, "button-note-end"), "endnote")
        .button(text!(language, "button-cancel"), "cancel");
    let answer = caught.tell(Answer::say(reply));
    Ok((keep(call, writer, draft, answer), true))
}

/// A draft that was forgotten is saved as far as it went.
async fn left_open(call: &Call<'_>, draft: Draft) -> Result<Drafted, Trouble> {
    let drop = Op::DropDialog {
        account: call.account().clone(),
        room: call.room().clone(),
    };
    if draft.parts.is_empty() {
        return Ok(Drafted::Before(Box::new(Answer::nothing().op(drop))));
    }
    let place = match write::place(call, draft.notebook.as_deref()).await? {
        Ok(place) => place,
        // What was written is still its writer's.
        Err(_) => write::personal(call),
    };
    let caught = Caught::of(draft.parts);
    let mut saved = write::save(call, place, caught, draft.keys).await?;
    if let Some(reply) = saved.replies.first_mut() {
        let why = text!(call.language(), "note-left-open");
        *reply = std::mem::take(reply).line(why);
    }
    Ok(Drafted::Before(Box::new(saved.op(drop))))
}

/// The caller's own draft, or what to say instead.
async fn own_draft(call: &Call<'_>) -> Result<Result<Draft, Answer>, Trouble> {
    let language = call.language();
    Ok(match draft_here(call).await? {
        Some((writer, draft)) if writer == *call.account() => {
            if draft.purpose == Purpose::Write && draft.parts.is_empty() {
                Err(Answer::say(text!(language, "note-still-empty")))
            } else {
                Ok(draft)
            }
        }
        Some((writer, _)) => Err(Answer::say(text!(
            language,
            "note-open-of-other",
            who = name_of(call, &writer).await?
        ))),
        None => Err(Answer::say(text!(language, "note-no-draft"))),
    })
}

/// `endnote`.
pub(in crate::commands) async fn endnote(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    let mut draft = match own_draft(call).await? {
        Ok(draft) => draft,
        Err(answer) => return Ok(answer),
    };
    if draft.purpose != Purpose::Write {
        return Ok(end_forwards(call));
    }
    draft.is_at_keys = true;
    let asked = if call.kind == RoomKind::Private {
        text!(language, "note-ask-keys")
    } else {
        text!(language, "note-ask-keys-group")
    };
    let reply = Reply::new()
        .line(asked)
        .button(text!(language, "button-note-save"), "endkey")
        .button(text!(language, "button-cancel"), "cancel");
    Ok(keep(call, call.account(), draft, Answer::say(reply)))
}

/// No more messages are passed on.
pub(super) fn end_forwards(call: &Call<'_>) -> Answer {
    Answer::say(text!(call.language(), "note-forward-ended")).op(Op::DropDialog {
        account: call.account().clone(),
        room: call.room().clone(),
    })
}

/// `endkey`.
pub(in crate::commands) async fn endkey(call: &Call<'_>) -> Result<Answer, Trouble> {
    let draft = match own_draft(call).await? {
        Ok(draft) => draft,
        Err(answer) => return Ok(answer),
    };
    if draft.purpose != Purpose::Write {
        return Ok(end_forwards(call));
    }
    // It may have been shared less since the draft began.
    let place = match write::place(call, draft.notebook.as_deref()).await? {
        Ok(place) => place,
        Err(answer) => return Ok(answer),
    };
    let caught = Caught::of(draft.parts);
    let saved = write::save(call, place, caught, draft.keys).await?;
    Ok(saved.op(Op::DropDialog {
        account: call.account().clone(),
        room: call.room().clone(),
    }))
}
