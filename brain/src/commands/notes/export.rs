//! `expnotes`, and `mynotes --export`: notes as files, only those that the asker may read.

use std::collections::{HashMap, HashSet};
use std::io;

use jiff::Timestamp;
use tracing::error;

use super::{ExpnotesArgs, find};
use crate::account::AccountId;
use crate::answer::Answer;
use crate::commands::{Call, Trouble};
use crate::note::exchange::{
    Format, MOST_NOTES, MOST_TEXT_BYTES, Mine, MyNotebook, PortableNote, WriteError, write,
    write_mine,
};
use crate::note::graph::{Graph, picture};
use crate::note::index::Scope;
use crate::note::query::Query;
use crate::note::service::{author, notebook};
use crate::reply::{Reply, ReplyFile};
use crate::room::RoomKind;
use crate::store::{BlobRef, NoteRecord, Op, OpenNotebook};
use crate::text::{Text, excerpt, format, text};

/// Notes that are read at a time.
const PAGE: usize = 500;
/// Keys in the legend of a picture.
const LEGEND: usize = picture::MOST_KEYS;

/// Why there is no file.
enum Gathered {
    Notes(Vec<PortableNote>),
    TooMany,
}

/// `expnotes [-g] [--json|--markdown] [QUERY]`.
pub(in crate::commands) async fn expnotes(
    call: &Call<'_>,
    args: ExpnotesArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    if !call.inbound.session.capabilities().files_out {
        return Ok(Answer::say(text!(language, "expnotes-no-files")));
    }
    let typed = args.query.unwrap_or_default();
    let query = Query::parse(&typed);
    let scope = find::scope(call, &query.filters).await?;
    let chosen = if query.has_no_words() {
        None
    } else {
        let synonyms = find::synonyms(call, &scope).await?;
        match call
            .brain
            .notes()
            .search(query, scope.clone(), synonyms, 0, MOST_NOTES)
            .await
        {
            Ok(found) => Some(found.hits.iter().map(|hit| hit.number).collect()),
            Err(error) => {
                error!(%error, "notes cannot be searched");
                return Ok(Answer::say(text!(language, "find-unavailable")));
            }
        }
    };
    let notebooks = call.brain.store().notebooks_of(call.account()).await?;
    let fits = |note: &NoteRecord| fits(note, &scope, chosen.as_ref());
    let notes = match gather(call, &notebooks, fits).await? {
        Gathered::Notes(notes) => notes,
        Gathered::TooMany => return Ok(too_many(call)),
    };
    if notes.is_empty() {
        let reply = if typed.trim().is_empty() {
            text!(language, "mynotes-none")
        } else {
            text!(language, "find-none", query = excerpt(&typed))
        };
        return Ok(Answer::say(reply));
    }
    if args.graph {
        return graph(call, notes).await;
    }
    let format = match (args.json, args.markdown) {
        (true, _) => Format::Json,
        (_, true) => Format::Markdown,
        _ => Format::Xlsx,
    };
    let count = notes.len();
    let bytes = blocking(move || write(format, &notes)).await?;
    let head = text!(language, "expnotes-done", notes = count);
    send(
        call,
        Reply::new().line(head),
        format.file_name(),
        format.mime(),
        &bytes,
    )
    .await
}

/// `mynotes --export`: notes, keys and notebooks of the asker, all that is theirs.
pub(in crate::commands) async fn mine(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    if call.kind != RoomKind::Private {
        return Ok(Answer::say(text!(language, "mynotes-export-private")));
    }
    if !call.inbound.session.capabilities().files_out {
        return Ok(Answer::say(text!(language, "expnotes-no-files")));
    }
    let notebooks = call.brain.store().notebooks_of(call.account()).await?;
    let own: HashSet<i64> = notebooks
        .iter()
        .filter(|open| open.notebook.owner == *call.account())
        .map(|open| open.notebook.number)
        .collect();
    let me = call.account();
    let fits = |note: &NoteRecord| {
        own.contains(&note.notebook)
            || note.author == *me
            || note.parts.iter().any(|part| part.author == *me)
    };
    let notes = match gather(call, &notebooks, fits).await? {
        Gathered::Notes(notes) => notes,
        Gathered::TooMany => return Ok(too_many(call)),
    };
    let shared = notebooks.into_iter().filter(|open| open.notebook.is_shared);
    let shared = shared.map(|open| MyNotebook {
        is_mine: open.notebook.owner == *me,
        name: open.notebook.name,
        can_write: open.can_write,
    });
    let person = call.speaker.account.name.clone();
    let mine = Mine::new(person, shared.collect(), notes);
    let head = text!(
        language,
        "mynotes-exported",
        notes = mine.notes.len(),
        notebooks = mine.notebooks.len()
    );
    let bytes = blocking(move || write_mine(&mine)).await?;
    let reply = Reply::new().line(head);
    send(call, reply, "my-notes.json", Format::Json.mime(), &bytes).await
}

fn too_many(call: &Call<'_>) -> Answer {
    Answer::say(text!(
        call.language(),
        "expnotes-too-many",
        most = MOST_NOTES,
        size = format::bytes(MOST_TEXT_BYTES)
    ))
}

/// All notes that fit, in the order of their numbers. The store gives only what may be read.
async fn gather(
    call: &Call<'_>,
    notebooks: &[OpenNotebook],
    fits: impl Fn(&NoteRecord) -> bool,
) -> Result<Gathered, Trouble> {
    let store = call.brain.store();
    let mut names: HashMap<AccountId, String> = HashMap::new();
    let mut notes: Vec<(i64, PortableNote)> = Vec::new();
    let mut size = 0;
    for open in notebooks {
        let mut after = i64::MIN;
        loop {
            let number = open.notebook.number;
            let page = store
                .notes_of_notebook(call.account(), number, after, PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            after = last.number;
            for note in page {
                if note.removed_ms.is_some() || !fits(&note) {
                    continue;
                }
                size += note.text().len() as u64;
                if notes.len() >= MOST_NOTES || size > MOST_TEXT_BYTES {
                    return Ok(Gathered::TooMany);
                }
                if !names.contains_key(&note.author) {
                    let account = store.account(&note.author).await?;
                    let name = account.map(|account| account.name).unwrap_or_default();
                    names.insert(note.author.clone(), name);
                }
                let author = names.get(&note.author).cloned().unwrap_or_default();
                notes.push((note.number, portable(note, open, author)));
            }
        }
    }
    notes.sort_by_key(|(number, _)| *number);
    Ok(Gathered::Notes(
        notes.into_iter().map(|(_, note)| note).collect(),
    ))
}

fn portable(note: NoteRecord, open: &OpenNotebook, author: String) -> PortableNote {
    let time = |time_ms| Timestamp::from_millisecond(time_ms).ok();
    let notebook = open.notebook.is_shared.then(|| open.notebook.name.clone());
    PortableNote {
        number: Some(note.number),
        notebook,
        author,
        created: time(note.created_ms),
        updated: time(note.updated_ms),
        keys: note.keys,
        parts: note.parts.into_iter().map(|part| part.text).collect(),
    }
}

/// Whether a note is within what was asked for, as the index would say.
fn fits(note: &NoteRecord, scope: &Scope, chosen: Option<&HashSet<u64>>) -> bool {
    use crate::note::fold::fold;
    let is_by = |wanted: &u64| {
        author(&note.author) == *wanted
            || note
                .parts
                .iter()
                .any(|part| author(&part.author) == *wanted)
    };
    let has = |tag: &String| note.keys.iter().any(|key| fold(key) == fold(tag));
    chosen.is_none_or(|chosen| chosen.contains(&note.number.cast_unsigned()))
        && scope.notebooks.contains(&notebook(note.notebook))
        && (scope.authors.is_empty() || scope.authors.iter().any(is_by))
        && scope.tags.iter().all(has)
        && scope
            .from_ms
            .is_none_or(|from_ms| note.updated_ms >= from_ms)
        && scope
            .until_ms
            .is_none_or(|until_ms| note.updated_ms < until_ms)
}

/// The graph of keys: as JSON, and as a picture with a legend.
async fn graph(call: &Call<'_>, notes: Vec<PortableNote>) -> Result<Answer, Trouble> {
    let language = call.language();
    let graph = blocking(move || Ok(Graph::of(&notes))).await?;
    if graph.keys.is_empty() {
        return Ok(Answer::say(text!(language, "expnotes-no-keys")));
    }
    let json = serde_json::to_vec_pretty(&graph).map_err(io::Error::other)?;
    let head = text!(
        language,
        "expnotes-graph",
        keys = graph.keys.len(),
        links = graph.links.len()
    );
    let legend = graph
        .keys
        .iter()
        .take(LEGEND)
        .map(|key| format!("{} {} ({})", key.id, key.key, key.times));
    let legend: Vec<String> = legend.collect();
    // The caption of a picture is short; a legend for all of it is a message of its own.
    let mut words = Reply::new()
        .line(head.clone())
        .line(Text::plain(&legend.join(" · ")));
    if graph.keys.len() > LEGEND {
        words = words.line(text!(language, "expnotes-graph-cut", most = LEGEND));
    }
    let drawn =
        blocking(move || picture::draw(&graph).map_err(|error| io::Error::other(error).into()));
    let png = drawn.await?;
    let mut answer = send(call, words, "notes.json", Format::Json.mime(), &json).await?;
    if let Some(reply) = file(call, "notes.png", "image/png", &png).await? {
        let (file, op) = reply;
        answer.replies.push(Reply::new().line(head).picture(file));
        answer = answer.op(op);
    }
    Ok(answer)
}

/// A file with a word about it; what to say instead when the platform does not take it.
async fn send(
    call: &Call<'_>,
    reply: Reply,
    name: &str,
    mime: &str,
    bytes: &[u8],
) -> Result<Answer, Trouble> {
    match file(call, name, mime, bytes).await? {
        Some((file, op)) => Ok(Answer::say(reply.file(file)).op(op)),
        None => Ok(Answer::say(text!(
            call.language(),
            "expnotes-too-large",
            size = format::bytes(bytes.len() as u64),
            limit = format::bytes(call.brain.file_limit(&call.room().bot))
        ))),
    }
}

/// Bytes as a file that can be sent, kept for this room.
async fn file(
    call: &Call<'_>,
    name: &str,
    mime: &str,
    bytes: &[u8],
) -> Result<Option<(ReplyFile, Op)>, Trouble> {
    let limit = call.brain.file_limit(&call.room().bot);
    if limit > 0 && bytes.len() as u64 > limit {
        return Ok(None);
    }
    let blob = call.brain.blobs().put(bytes).await?;
    call.pin(&blob.hash);
    let kept = BlobRef {
        hash: blob.hash.clone(),
        origin: format!("room:{}", call.room().room),
        name: name.to_owned(),
        mime: mime.to_owned(),
        size: i64::try_from(blob.size).unwrap_or(i64::MAX),
        created_ms: call.brain.now_ms(),
    };
    let file = ReplyFile {
        blob: blob.hash,
        name: name.to_owned(),
        mime: mime.to_owned(),
        size: blob.size,
    };
    Ok(Some((file, Op::PutBlob(kept))))
}

/// Runs what takes time away from the threads that wait for the network.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, io::Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)?.map_err(io::Error::other)
}
