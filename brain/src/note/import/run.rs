//! Doing an import, and taking one back: in small steps, each of which is whole.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tracing::{error, info, warn};

use super::{Plan, Purpose, Step, plan};
use crate::answer::Place;
use crate::brain::Brain;
use crate::note::exchange::{PortableNote, ReadError, Reading, read};
use crate::outbox::OutboxItem;
use crate::reply::Reply;
use crate::store::{
    ImportState, NoteImport, NoteRecord, Notebook, Op, OpenNotebook, StoreError, Unit,
};
use crate::text::{Language, Text, text};

/// Notes and bytes of text that are stored at a time; others store in between.
const STEP_NOTES: usize = 200;
const STEP_BYTES: usize = 512 << 10;
/// Notes that are read at a time.
const PAGE: usize = 500;
/// How often it is said how far it is, at most.
const SHOW_EVERY: Duration = Duration::from_secs(2);

/// Why an import cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportTrouble {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file is not here any more.
    #[error("the file: {0}")]
    File(#[from] std::io::Error),
    /// It is not taken.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The person may no longer write there.
    #[error("the right to write is gone")]
    Right,
    /// The brain stops; the next one goes on.
    #[error("the brain stops")]
    Stopping,
}

/// A file and what it means.
#[derive(Debug)]
pub(crate) struct Meant {
    /// By notebook: which, and what is to be done there.
    pub(crate) places: Vec<(Notebook, Plan)>,
    /// Rows that are no notes.
    pub(crate) left_out: usize,
    /// Notes whose notebook is unknown here, or not to be written in: they go into the personal one.
    pub(crate) homeless: usize,
}

impl Meant {
    pub(crate) fn sum(&self, of: impl Fn(&Plan) -> usize) -> usize {
        self.places.iter().map(|(_, plan)| of(plan)).sum()
    }

    fn steps(&self) -> usize {
        self.sum(|plan| plan.steps.len())
    }
}

/// Reads the notes of a stored file.
pub(crate) async fn read_file(brain: &Brain, hash: &str) -> Result<Reading, ImportTrouble> {
    let not_found = || std::io::Error::new(std::io::ErrorKind::NotFound, "it is not here any more");
    let path = brain.blobs().path(hash).ok_or_else(not_found)?;
    let bytes = tokio::fs::read(path).await?;
    let reading = tokio::task::spawn_blocking(move || read(&bytes)).await;
    // A library that panics on a broken file must not take the room with it.
    Ok(reading.map_err(|error| ReadError::Broken(error.to_string()))??)
}

/// What a file means for the notebooks of somebody. `personal` is theirs, perhaps not stored yet.
pub(crate) async fn mean(
    brain: &Brain,
    purpose: &Purpose,
    reading: Reading,
    personal: &Notebook,
    everything_to: Option<i64>,
) -> Result<Meant, ImportTrouble> {
    let store = brain.store();
    let open = store.notebooks_of(&purpose.account).await?;
    let mut homeless = 0;
    let mut by_notebook: BTreeMap<i64, Vec<PortableNote>> = BTreeMap::new();
    for note in reading.notes {
        let place = match (everything_to, &note.notebook) {
            (Some(number), _) => number,
            (None, None) => personal.number,
            (None, Some(name)) => {
                let named = |open: &&OpenNotebook| {
                    open.can_write && open.notebook.is_shared && open.notebook.name == *name
                };
                if let Some(open) = open.iter().find(named) {
                    open.notebook.number
                } else {
                    homeless += 1;
                    personal.number
                }
            }
        };
        by_notebook.entry(place).or_default().push(note);
    }
    let mut meant = Meant {
        places: Vec::new(),
        left_out: reading.left_out,
        homeless,
    };
    for (number, incoming) in by_notebook {
        let notebook = if number == personal.number {
            personal.clone()
        } else {
            let mine = open.iter().find(|open| open.notebook.number == number);
            let writable = mine.filter(|open| open.can_write);
            writable.ok_or(ImportTrouble::Right)?.notebook.clone()
        };
        let there = all_notes(brain, purpose, number).await?;
        let purpose = purpose.clone();
        let planned = tokio::task::spawn_blocking(move || {
            let incoming: Vec<&PortableNote> = incoming.iter().collect();
            plan(&purpose, number, &there, &incoming)
        });
        let planned = planned.await.map_err(std::io::Error::other)?;
        meant.places.push((notebook, planned));
    }
    Ok(meant)
}

async fn all_notes(
    brain: &Brain,
    purpose: &Purpose,
    notebook: i64,
) -> Result<Vec<NoteRecord>, StoreError> {
    let mut notes = Vec::new();
    let mut after = i64::MIN;
    loop {
        let page = brain
            .store()
            .notes_of_notebook(&purpose.account, notebook, after, PAGE)
            .await?;
        let Some(last) = page.last() else {
            return Ok(notes);
        };
        after = last.number;
        notes.extend(page);
    }
}

/// Goes on with what the brain before this one began.
pub(crate) async fn resume(brain: &Brain) -> Result<(), StoreError> {
    for import in brain.store().open_note_imports().await? {
        // The file of another brain's import is not here.
        let path = brain.blobs().path(&import.file);
        let is_undoing = import.state == ImportState::Undoing;
        if is_undoing || path.is_some_and(|path| path.exists()) {
            start(brain, import);
        }
    }
    Ok(())
}

/// Begins with an import that is stored. One at a time goes on.
pub(crate) fn start(brain: &Brain, import: NoteImport) {
    let task = brain.clone();
    brain.spawn(async move {
        let Ok(_turn) = task.notes().imports().acquire().await else {
            return;
        };
        let pin = task.blobs().pin(&import.file);
        let said = match import.state {
            ImportState::Running => bring_in(&task, &import).await,
            ImportState::Undoing => take_back(&task, &import).await,
            _ => return,
        };
        drop(pin);
        match said {
            Err(ImportTrouble::Stopping) => {}
            Ok((state, reply)) => end(&task, import, state, &reply).await,
            Err(trouble) => {
                error!(import = import.number, error = %trouble, "an import ended early");
                let number = import.number;
                let why = trouble.to_string();
                let said = text!(
                    language(&import),
                    "impnotes-failed",
                    number = number,
                    why = why
                );
                let reply = Reply::new().line(said).button(
                    text!(language(&import), "button-note-undo"),
                    format!("impnotes --undo {number}"),
                );
                end(&task, import, ImportState::Failed, &reply).await;
            }
        }
    });
}

fn language(import: &NoteImport) -> Language {
    Language::negotiate(None, &import.language)
}

type Ended = Result<(ImportState, Reply), ImportTrouble>;

/// The personal notebook of whoever imports.
pub(crate) fn personal(account: &crate::account::Account, now_ms: i64) -> Notebook {
    Notebook {
        number: -account.number,
        // No name that anybody can give.
        name: format!(" {}", account.id),
        owner: account.id.clone(),
        is_shared: false,
        created_ms: now_ms,
    }
}

async fn bring_in(brain: &Brain, import: &NoteImport) -> Ended {
    let language = language(import);
    let account = brain.store().account(&import.account).await?;
    let account = account.ok_or(ImportTrouble::Right)?;
    let purpose = Purpose {
        account: import.account.clone(),
        replaces: import.replaces,
        asked_ms: import.created_ms,
        now_ms: brain.now_ms(),
    };
    let personal = personal(&account, brain.now_ms());
    let reading = read_file(brain, &import.file).await?;
    let meant = mean(brain, &purpose, reading, &personal, import.notebook).await?;
    let total = meant.steps();
    let mut progress = Shown::new(brain, import, total);
    for (notebook, plan) in &meant.places {
        if !notebook.is_shared {
            let put = Op::PutNotebook(notebook.clone());
            brain.store().commit(Unit::of(vec![put])).await?;
        }
        let mut rest = plan.steps.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest));
            let open = brain.store().notebooks_of(&import.account).await?;
            let mine =
                |open: &OpenNotebook| open.can_write && open.notebook.number == notebook.number;
            if !open.iter().any(mine) {
                return Err(ImportTrouble::Right);
            }
            store(brain, import, now).await?;
            rest = later;
            progress.went(now.len());
        }
    }
    let number = import.number;
    info!(import = number, notes = total, "notes were imported");
    let reply = Reply::new()
        .line(text!(
            language,
            "impnotes-done",
            number = number,
            name = import.name.as_str(),
            count = brain.store().count_imported(number).await?
        ))
        .button(
            text!(language, "button-note-undo"),
            format!("impnotes --undo {number}"),
        );
    Ok((ImportState::Done, reply))
}

/// How much of what a plan does.
pub(crate) fn counts(language: Language, meant: &Meant) -> Text {
    let added = meant.sum(|plan| plan.added);
    let changed = meant.sum(|plan| plan.changed);
    let same = meant.sum(|plan| plan.same);
    let kept = meant.sum(|plan| plan.kept);
    let removed = meant.sum(|plan| plan.removed);
    let left_out = meant.left_out;
    let words = [
        (1, text!(language, "impnotes-added", count = added)),
        (
            changed,
            text!(language, "impnotes-changed", count = changed),
        ),
        (same, text!(language, "impnotes-same", count = same)),
        (kept, text!(language, "impnotes-kept", count = kept)),
        (
            removed,
            text!(language, "impnotes-removed", count = removed),
        ),
        (
            left_out,
            text!(language, "impnotes-left-out", count = left_out),
        ),
    ];
    let told = words.into_iter().filter(|(count, _)| *count > 0);
    Text::join(told.map(|(_, words)| words), " · ")
}

/// How many of the steps are stored together.
fn fitting(steps: &[Step]) -> usize {
    let mut bytes = 0;
    let sizes = steps.iter().take(STEP_NOTES).take_while(|step| {
        bytes += step.note.text().len();
        bytes <= STEP_BYTES
    });
    sizes.count().max(1)
}

/// Stores some notes with the note that this import did it, and goes on when they are found.
async fn store(brain: &Brain, import: &NoteImport, steps: &[Step]) -> Result<(), ImportTrouble> {
    let new = steps.iter().filter(|step| step.note.number == 0).count();
    let mut number = match new {
        0 => 0,
        new => brain.store().next_numbers("note", new).await?,
    };
    let mut ops = Vec::with_capacity(steps.len() * 2);
    for step in steps {
        let mut note = step.note.clone();
        if note.number == 0 {
            note.number = number;
            number += 1;
        }
        let done = Op::NoteImported {
            import: import.number,
            note: note.number,
            before: step.before,
        };
        ops.extend([Op::PutNote(Box::new(note)), done]);
    }
    commit(brain, ops).await
}

async fn commit(brain: &Brain, ops: Vec<Op>) -> Result<(), ImportTrouble> {
    if brain.stopping().is_cancelled() {
        return Err(ImportTrouble::Stopping);
    }
    let mut pause = Duration::from_millis(100);
    loop {
        match brain.store().commit(Unit::of(ops.clone())).await {
            Ok(_) => break,
            Err(error) if error.is_passing() => {
                warn!(%error, "the store is busy; the import waits");
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = brain.stopping().cancelled() => return Err(ImportTrouble::Stopping),
                }
                pause = (pause * 2).min(Duration::from_secs(5));
            }
            Err(error) => return Err(error.into()),
        }
    }
    // The index keeps up, so what waits for it stays short.
    brain.notes().follow().await;
    Ok(())
}

/// Makes every note what it was before, unless somebody has changed it since.
async fn take_back(brain: &Brain, import: &NoteImport) -> Ended {
    let language = language(import);
    let store = brain.store();
    let mut after = i64::MIN;
    let (mut back, mut stays) = (0, 0);
    let mut progress = Shown::new(brain, import, 0);
    loop {
        let page = store
            .imported_notes(import.number, after, STEP_NOTES)
            .await?;
        let Some(last) = page.last() else { break };
        after = last.note;
        let open = store.notebooks_of(&import.account).await?;
        let writable: HashSet<i64> = open
            .iter()
            .filter(|open| open.can_write)
            .map(|open| open.notebook.number)
            .collect();
        let mut ops = Vec::new();
        for imported in &page {
            let before = match (imported.before, imported.changed_since) {
                (Some(before), false) => {
                    store
                        .note_at(&import.account, imported.note, before)
                        .await?
                }
                (None, false) => {
                    let now = store.any_note(&import.account, imported.note).await?;
                    now.map(|note| NoteRecord {
                        removed_ms: Some(brain.now_ms()),
                        ..note
                    })
                }
                (_, true) => None,
            };
            match before.filter(|note| writable.contains(&note.notebook)) {
                Some(note) => {
                    back += 1;
                    ops.push(Op::PutNote(Box::new(note)));
                }
                None => stays += 1,
            }
        }
        let count = ops.len();
        commit(brain, ops).await?;
        progress.went(count);
    }
    let number = import.number;
    let mut reply = Reply::new().line(text!(
        language,
        "impnotes-undone",
        number = number,
        count = back
    ));
    if stays > 0 {
        reply = reply.line(text!(language, "impnotes-undone-not", count = stays));
    }
    Ok((ImportState::Undone, reply))
}

/// Stores how it ended, with the last word about it.
async fn end(brain: &Brain, import: NoteImport, state: ImportState, reply: &Reply) {
    let action = crate::job::progress_action(
        brain,
        (&import.room, &import.reply_to),
        key(&import),
        reply,
        true,
    );
    let item = OutboxItem::new(&import.room, &action, brain.now_ms());
    let ops = vec![
        Op::PutImport(Box::new(NoteImport { state, ..import })),
        Op::Outbox(item.clone()),
    ];
    if brain.commit_patiently(Unit::of(ops)).await {
        brain.outbox().push(brain, vec![item]);
    }
}

/// Names the message that shows how far it is.
fn key(import: &NoteImport) -> String {
    let way = match import.state {
        ImportState::Undoing => "undo-import",
        _ => "import",
    };
    format!("{way}:{}", import.number)
}

/// How far it is, shown now and then.
struct Shown<'a> {
    brain: &'a Brain,
    import: &'a NoteImport,
    total: usize,
    done: usize,
    last: tokio::time::Instant,
}

impl<'a> Shown<'a> {
    fn new(brain: &'a Brain, import: &'a NoteImport, total: usize) -> Self {
        Self {
            brain,
            import,
            total,
            done: 0,
            last: tokio::time::Instant::now(),
        }
    }

    fn went(&mut self, count: usize) {
        self.done += count;
        if self.last.elapsed() < SHOW_EVERY {
            return;
        }
        self.last = tokio::time::Instant::now();
        let language = language(self.import);
        let said = if self.total == 0 {
            text!(language, "impnotes-undoing", count = self.done)
        } else {
            text!(
                language,
                "impnotes-running",
                number = self.import.number,
                done = self.done,
                total = self.total
            )
        };
        let place = Place::unasked(self.import.room.clone());
        let action = crate::job::progress_action(
            self.brain,
            (&place.room, &self.import.reply_to),
            key(self.import),
            &Reply::new().line(said),
            false,
        );
        self.brain.outbox().show(self.brain, &place.room, action);
    }
}
