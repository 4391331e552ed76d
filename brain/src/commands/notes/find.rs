//! `find`, `mynotes`, and a key that was typed alone.

use std::collections::HashMap;

use jiff::civil::Date;
use tracing::error;

pub(super) use super::FindArgs;
use super::{MynotesArgs, show, write};
use crate::answer::Answer;
use crate::command::permission::{Object, Permission, decide};
use crate::commands::{Call, Trouble};
use crate::note::index::Scope;
use crate::note::query::{Filters, Query};
use crate::note::service::{author, notebook};
use crate::note::snippet::{shows, snippet};
use crate::reply::Reply;
use crate::room::RoomKind;
use crate::store::NoteRecord;
use crate::text::{Text, excerpt, text};

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
    let synonyms = synonyms(call, &scope).await?;
    let found = match call
        .brain
        .notes()
        .search(query.clone(), scope, synonyms, skip, PAGE)
        .await
    {
        Ok(found) => found,
        Err(error) => {
            error!(%error, "notes cannot be searched");
            return Ok(Answer::say(text!(language, "find-unavailable")));
        }
    };
    if found.hits.is_empty() {
        let mut none = Reply::new().line(text!(language, "find-none", query = excerpt(typed)));
        if query.is_cut {
            none = none.line(text!(language, "find-cut"));
        }
        return Ok(Answer::say(none));
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
        let said = said_of(call, &note, &query).await?;
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

/// The place of a note that shows why it was found: in its text, else in what its files say.
async fn said_of(call: &Call<'_>, note: &NoteRecord, query: &Query) -> Result<Text, Trouble> {
    let text = note.text();
    if !query.has_no_words() && !shows(&text, query) {
        let hashes: Vec<String> = note.files().map(|file| file.blob.clone()).collect();
        let texts = call.brain.store().file_texts(&hashes).await?;
        for file in note.files() {
            let said = texts.get(&file.blob).map_or("", String::as_str);
            if shows(said, query) || shows(&file.name, query) {
                let name = snippet(&file.name, query);
                return Ok(Text::join([name, snippet(said, query)], ": "));
            }
        }
    }
    Ok(match note.files().next() {
        Some(file) if text.trim().is_empty() => Text::plain(&file.name),
        _ => snippet(&text, query),
    })
}

/// Words that mean the same in the notebooks where the caller looks.
pub(super) async fn synonyms(
    call: &Call<'_>,
    scope: &Scope,
) -> Result<HashMap<String, Vec<String>>, Trouble> {
    let mut synonyms: HashMap<String, Vec<String>> = HashMap::new();
    for (number, word, other) in call.brain.store().synonyms_for(call.account()).await? {
        if scope.notebooks.contains(&notebook(number)) {
            let pairs = [(word.clone(), other.clone()), (other, word)];
            for (word, other) in pairs {
                synonyms.entry(word).or_default().push(other);
            }
        }
    }
    Ok(synonyms)
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
    let said = match note.files().count() {
        0 => said,
        files => {
            let files = text!(call.language(), "note-files", files = files);
            Text::join([said, files], " · ")
        }
    };
    Ok(text!(
        call.language(),
        "find-row",
        place = place,
        number = note.number,
        said = said,
        who = show::name(call, &note.author).await?,
        when = show::when(call, note.updated_ms)
    ))
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
        let said = said_of(call, note, &nothing).await?;
        reply = reply.line(row(call, place, note, said).await?);
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
        reply = show::whole(call, reply, note).await?;
    }
    Ok(Some(Answer::say(reply)))
}
