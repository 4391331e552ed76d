//! A note as people see it: what it says and who said it, its files, what it links to and what links to
//! it.

use super::ShownoteArgs;
use crate::account::AccountId;
use crate::answer::Answer;
use crate::commands::{Call, Trouble};
use crate::note::link::{self, Link};
use crate::reply::{Reply, ReplyFile};
use crate::store::{NoteFile, NotePart, NoteRecord};
use crate::text::{Text, excerpt, format, text};

/// Notes that may bear the name of a link, of which the nearest counts.
const CANDIDATES: usize = 20;
/// Links that are shown in each direction.
const MOST_LINKS: usize = 10;
/// Files that are sent along; the others are named.
const MOST_FILES: usize = 10;
/// Linked notes that have a button.
const BUTTONS: usize = 4;

/// `shownote NUMBER`.
pub(in crate::commands) async fn shownote(
    call: &Call<'_>,
    args: ShownoteArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let found = call.brain.store().note(call.account(), args.number).await?;
    let Some(note) = found else {
        let said = text!(language, "note-unknown", number = args.number);
        return Ok(Answer::say(said));
    };
    let mut reply = whole(call, Reply::new(), &note).await?;
    let mut near = Vec::new();
    reply = links(call, reply, &note, &mut near).await?;
    reply = reply.button(
        text!(language, "button-note-remove"),
        format!("delnote {}", note.number),
    );
    for number in near.into_iter().take(BUTTONS) {
        let label = Text::plain(&format!("#{number}"));
        reply = reply.button(label, format!("shownote {number}"));
    }
    Ok(Answer::say(reply))
}

/// A note with all that it says, and its files.
pub(super) async fn whole(
    call: &Call<'_>,
    mut reply: Reply,
    note: &NoteRecord,
) -> Result<Reply, Trouble> {
    let language = call.language();
    let mut head = vec![
        text!(language, "note-head", number = note.number),
        Text::plain(&name(call, &note.author).await?),
        Text::plain(&when(call, note.updated_ms)),
    ];
    if !note.keys.is_empty() {
        head.push(Text::plain(&note.keys.join(" ")));
    }
    reply = reply.line(Text::join(head, " · "));
    let is_own = |part: &NotePart| part.author == note.author && part.said_by.is_empty();
    let has_others = !note.parts.iter().all(is_own);
    for part in &note.parts {
        if has_others {
            let who = if part.said_by.is_empty() {
                name(call, &part.author).await?
            } else {
                part.said_by.clone()
            };
            let when = when(call, part.time_ms);
            reply = reply.line(text!(language, "note-said", who = who, when = when));
        }
        if !part.text.is_empty() {
            reply = reply.line(Text::plain(&part.text));
        }
        for file in &part.files {
            reply = send(call, reply, file);
        }
    }
    Ok(reply)
}

/// Sends a file along, or says why not.
fn send(call: &Call<'_>, reply: Reply, file: &NoteFile) -> Reply {
    let language = call.language();
    let name = file.name.as_str();
    let size = format::bytes(file.size);
    let reply = reply.line(text!(language, "note-file", name = name, size = size));
    let limit = call.brain.file_limit(&call.room().bot);
    if !call.inbound.session.capabilities().files_out {
        return reply
            .more(Text::plain(" "))
            .more(text!(language, "note-file-not-here"));
    }
    if limit > 0 && file.size > limit {
        return reply
            .more(Text::plain(" "))
            .more(text!(language, "note-file-too-large"));
    }
    if !call.pin(&file.blob) {
        return reply
            .more(Text::plain(" "))
            .more(text!(language, "note-file-gone"));
    }
    if reply.files().len() >= MOST_FILES {
        return reply
            .more(Text::plain(" "))
            .more(text!(language, "note-file-not-sent"));
    }
    reply.file(ReplyFile {
        blob: file.blob.clone(),
        name: file.name.clone(),
        mime: file.mime.clone(),
        size: file.size,
    })
}

/// What a note links to, and what links to it; `near` gets their numbers.
async fn links(
    call: &Call<'_>,
    mut reply: Reply,
    note: &NoteRecord,
    near: &mut Vec<i64>,
) -> Result<Reply, Trouble> {
    let language = call.language();
    for link in link::links(&note.text()).iter().take(MOST_LINKS) {
        let shown = format!("[[{}]]", excerpt(&link.shown));
        reply = reply.line(match named(call, note, link).await? {
            Some(to) => {
                near.push(to.number);
                let title = excerpt(&link::shown_title(&to.text()));
                text!(
                    language,
                    "note-links-to",
                    link = shown,
                    number = to.number,
                    title = title
                )
            }
            None => text!(language, "note-links-nowhere", link = shown),
        });
    }
    let store = call.brain.store();
    for from in store
        .notes_linking_to(call.account(), note, MOST_LINKS)
        .await?
    {
        if !near.contains(&from.number) {
            near.push(from.number);
        }
        let title = excerpt(&link::shown_title(&from.text()));
        reply = reply.line(text!(
            language,
            "note-linked-from",
            number = from.number,
            title = title
        ));
    }
    Ok(reply)
}

/// The note that a link in `note` names, among those that the caller may read: one in the same notebook
/// rather than another.
pub(super) async fn named(
    call: &Call<'_>,
    note: &NoteRecord,
    link: &Link,
) -> Result<Option<NoteRecord>, Trouble> {
    let mut found = call
        .brain
        .store()
        .notes_named(call.account(), &link.folded, CANDIDATES)
        .await?;
    found.sort_by_key(|other| (other.number == note.number, other.notebook != note.notebook));
    Ok(found.into_iter().next())
}

/// What an account is called.
pub(super) async fn name(call: &Call<'_>, account: &AccountId) -> Result<String, Trouble> {
    if account == call.account() {
        return Ok(text!(call.language(), "note-you").to_string());
    }
    let account = call.brain.store().account(account).await?;
    Ok(account.map(|account| account.name).unwrap_or_default())
}

pub(super) fn when(call: &Call<'_>, time_ms: i64) -> String {
    let now_ms = call.brain.now_ms();
    format::ago(call.language(), time_ms, now_ms, &call.brain.zone())
}
