//! `find`, `shownote`, `mynotes`, and a key that was typed alone.

use jiff::civil::Date;
use tracing::error;

use super::{FindArgs, MynotesArgs, ShownoteArgs, write};
use crate::answer::Answer;
use crate::command::permission::{Object, Permission, decide};
use crate::commands::{Call, Trouble};
use crate::note::index::Scope;
use crate::note::query::{Filters, Query};
use crate::note::service::{author, notebook};
use crate::note::snippet::snippet;
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::NoteRecord;
use crate::text::{Text, excerpt, format, text};

/// Notes on a page.
const PAGE: usize = 5;
/// Pages that can be turned to.
const MOST_PAGES: u32 = 100;
/// Nobody's number.
const NOBODY: u64 = u64::MAX;

/// `find [--page N] QUERY`.
pub(in crate::commands) async fn find(call: &Call<'_>, args: FindArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let typed = args.query.trim();
    let query = Query::parse(typed);
    if query.is_empty() {
        return Ok(Answer::say(text!(language, "find-nothing-asked")));
    }
    let page = args.page.unwrap_or(1).clamp(1, MOST_PAGES);
    let skip = (page as usize - 1) * PAGE;
    let scope = scope(call, &query.filters).await?;
    let found = match call
        .brain
        .notes()
        .search(query.clone(), scope, skip, PAGE)
        .await
    {
        Ok(found) => found,
        Err(error) => {
            error!(%error, "notes cannot be searched");
            return Ok(Answer::say(text!(language, "find-unavailable")));
        }
    };
    if found.hits.is_empty() {
        return Ok(Answer::say(text!(
            language,
            "find-none",
            query = excerpt(typed)
        )));
    }
    let head = text!(
        language,
        "find-head",
        total = found.total,
        query = excerpt(typed)
    );
    let mut reply = Reply::new().line(head);
    if found.tier > 0 {
        reply = reply
            .more(Text::plain(" "))
            .more(text!(language, "find-wider"));
    }
    if query.is_cut {
        reply = reply.line(text!(language, "find-cut"));
    }
    let mut shown = Vec::new();
    for hit in &found.hits {
        // The index knows what could be read a moment ago; the store decides.
        let number = hit.number.cast_signed();
        let Some(note) = call.brain.store().note(call.account(), number).await? else {
            continue;
        };
        let place = skip + shown.len() + 1;
        let said = snippet(&note.text(), &query);
        reply = reply.line(row(call, place, &note, said).await?);
        shown.push(number);
    }
    for number in &shown {
        reply = reply.button(
            Text::plain(&format!("#{number}")),
            format!("shownote {number}"),
        );
    }
    if found.total > skip + PAGE && page < MOST_PAGES {
        reply = reply.button(
            text!(language, "button-note-more"),
            format!("find --page {} {typed}", page + 1),
        );
    }
    Ok(Answer::say(reply))
}

/// Where the caller may look, and what the filters leave of it.
pub(super) async fn scope(call: &Call<'_>, filters: &Filters) -> Result<Scope, Trouble> {
    let store = call.brain.store();
    let mut notebooks = store.notebooks_of(call.account()).await?;
    if !filters.notebooks.is_empty() {
        notebooks.retain(|open| {
            let name = open.notebook.name.to_lowercase();
            let named = |wanted: &String| wanted.to_lowercase() == name;
            open.notebook.is_shared && filters.notebooks.iter().any(named)
        });
    }
    let mut authors = Vec::new();
    for name in &filters.authors {
        if matches!(name.as_str(), "me" | "我") {
            authors.push(author(call.account()));
            continue;
        }
        let name = name.trim_start_matches('@');
        let accounts = store.accounts_by_name(name, 5).await?;
        authors.extend(accounts.iter().map(|account| author(&account.id)));
    }
    if authors.is_empty() && !filters.authors.is_empty() {
        authors.push(NOBODY);
    }
    let start_of = |day: Date| {
        let begun = day.to_zoned(call.brain.zone()).ok()?;
        Some(begun.timestamp().as_millisecond())
    };
    Ok(Scope {
        notebooks: notebooks
            .iter()
            .map(|open| notebook(open.notebook.number))
            .collect(),
        authors,
        tags: filters.tags.clone(),
        from_ms: filters.after.and_then(start_of),
        until_ms: filters
            .before
            .and_then(|day| day.tomorrow().ok())
            .and_then(start_of),
        has_file: filters.has_file,
    })
}

/// One line about a note.
async fn row(
    call: &Call<'_>,
    place: usize,
    note: &NoteRecord,
    said: Text,
) -> Result<Text, Trouble> {
    Ok(text!(
        call.language(),
        "find-row",
        place = place,
        number = note.number,
        said = said,
        who = who(call, note).await?,
        when = when(call, note.updated_ms)
    ))
}

async fn who(call: &Call<'_>, note: &NoteRecord) -> Result<String, Trouble> {
    if note.author == *call.account() {
        return Ok(text!(call.language(), "note-you").to_string());
    }
    let account = call.brain.store().account(&note.author).await?;
    Ok(account.map(|account| account.name).unwrap_or_default())
}

fn when(call: &Call<'_>, time_ms: i64) -> String {
    let now_ms = call.brain.now_ms();
    format::ago(call.language(), time_ms, now_ms, &call.brain.zone())
}

/// `shownote NUMBER`.
pub(in crate::commands) async fn shownote(
    call: &Call<'_>,
    args: ShownoteArgs,
) -> Result<Answer, Trouble> {
    let found = call.brain.store().note(call.account(), args.number).await?;
    let Some(note) = found else {
        let said = text!(call.language(), "note-unknown", number = args.number);
        return Ok(Answer::say(said));
    };
    let reply = whole(call, Reply::new(), &note).await?;
    Ok(Answer::say(reply.button(
        text!(call.language(), "button-note-remove"),
        format!("delnote {}", note.number),
    )))
}

/// A note with all that it says.
async fn whole(call: &Call<'_>, reply: Reply, note: &NoteRecord) -> Result<Reply, Trouble> {
    let mut head = vec![
        text!(call.language(), "note-head", number = note.number),
        Text::plain(&who(call, note).await?),
        Text::plain(&when(call, note.updated_ms)),
    ];
    if !note.keys.is_empty() {
        head.push(Text::plain(&note.keys.join(" ")));
    }
    Ok(reply
        .line(Text::join(head, " · "))
        .line(Text::plain(&note.text())))
}

/// `mynotes [--page N]`.
pub(in crate::commands) async fn mynotes(
    call: &Call<'_>,
    args: MynotesArgs,
) -> Result<Answer, Trouble> {
    if args.export {
        return super::export::mine(call).await;
    }
    let language = call.language();
    let page = args.page.unwrap_or(1).clamp(1, MOST_PAGES);
    let skip = (page as usize - 1) * PAGE;
    let store = call.brain.store();
    // One more than is shown says whether there are more.
    let mut notes = store.notes_made_by(call.account(), skip, PAGE + 1).await?;
    let is_more = notes.len() > PAGE;
    notes.truncate(PAGE);
    if notes.is_empty() {
        return Ok(Answer::say(text!(language, "mynotes-none")));
    }
    let nothing = Query::default();
    let mut reply = Reply::new().line(text!(language, "mynotes-head"));
    for (place, note) in (skip + 1..).zip(&notes) {
        reply = reply.line(row(call, place, note, snippet(&note.text(), &nothing)).await?);
    }
    for note in &notes {
        let label = Text::plain(&format!("#{}", note.number));
        reply = reply.button(label, format!("shownote {}", note.number));
    }
    if is_more && page < MOST_PAGES {
        reply = reply.button(
            text!(language, "button-note-more"),
            format!("mynotes --page {}", page + 1),
        );
    }
    Ok(Answer::say(reply))
}

/// The notes of a key that was typed alone, to the bot and nobody else; `None` when it is no key.
///
/// # Errors
/// When it failed for no fault of the caller's.
pub(crate) async fn notes_of_key(call: &Call<'_>, line: &str) -> Result<Option<Answer>, Trouble> {
    let key = line.trim();
    let is_long = key.chars().nth(write::KEY_CHARACTERS).is_some();
    let may = decide(&call.subject(), Permission::Member, &Object::None);
    if call.kind != RoomKind::Private || is_long || may.refusal(call.language(), "find").is_some() {
        return Ok(None);
    }
    let store = call.brain.store();
    let notes = store.notes_by_key(call.account(), key, PAGE).await?;
    if notes.is_empty() {
        return Ok(None);
    }
    let mut reply = Reply::new();
    for note in &notes {
        reply = whole(call, reply, note).await?;
    }
    Ok(Some(Answer::say(reply)))
}
