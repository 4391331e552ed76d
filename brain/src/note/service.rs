//! The index at work: it follows the store, and is brought to disk in the background.
//!
//! One task takes in changes, always in the order of their numbers: at the start those that the disk
//! does not hold, and after each commit of an event those that it made. So a crash between the commit
//! and the index loses nothing.

mod follower;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tracing::{error, info, warn};

use self::follower::{Follower, NotesTrouble, blocking};
use super::index::{Found, IndexError, NoteIndex, Opened, Scope};
use super::query::Query;
use super::reader::FileReader;
use crate::account::AccountId;
use crate::brain::Brain;
use crate::room::RoomKey;

/// How long a change waits for a commit.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether another brain has written notes in the same database. Their numbers
/// have the order of their commits, so none that comes later has a lower one.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Callers that may wait at once.
const QUEUE: usize = 1024;
/// How long an answer waits for the index to take in its change.
const FOLLOW_LIMIT: Duration = Duration::from_secs(5);

/// Why notes cannot be searched now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotesError {
    /// It has not been opened yet, or cannot be.
    #[error("the notes index is not open")]
    NotOpen,
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// How the index is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct NotesHealth {
    /// Whether it can be searched.
    pub is_open: bool,
    /// Notes in it.
    pub notes: u64,
    /// It was damaged or of another version when the brain started, and was made anew.
    pub was_replaced: bool,
    /// It is being made anew.
    pub is_rebuilding: bool,
    /// Changes that the new one has taken in so far, and those that there are.
    pub rebuilt: (i64, i64),
}

/// What is asked of the task.
#[derive(Debug)]
pub(crate) enum Request {
    /// Take in what the store has, and say when it is done.
    Follow(oneshot::Sender<()>),
    /// Make the index anew, and say how many notes it has then.
    Rebuild(oneshot::Sender<Result<u64, String>>),
}

/// The notes index of a brain.
#[derive(Debug)]
pub(crate) struct Notes {
    folder: PathBuf,
    requests: mpsc::Sender<Request>,
    index: RwLock<Option<Arc<NoteIndex>>>,
    health: Mutex<NotesHealth>,
    /// Where somebody may be writing a note; the store knows for sure.
    drafts: Mutex<HashMap<RoomKey, Vec<AccountId>>>,
    reader: FileReader,
    /// Imports take their turn.
    imports: Semaphore,
    /// No more searches at once than there are cores: one more would only slow down all others.
    searches: Semaphore,
}

impl Notes {
    /// Not open yet; [`run`] opens it.
    pub(crate) fn new(folder: PathBuf) -> (Self, mpsc::Receiver<Request>) {
        let (requests, waiting) = mpsc::channel(QUEUE);
        let notes = Self {
            folder,
            requests,
            index: RwLock::default(),
            health: Mutex::default(),
            drafts: Mutex::default(),
            reader: FileReader::new(),
            imports: Semaphore::new(1),
            searches: Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)),
        };
        (notes, waiting)
    }

    /// Returns when what was committed is found. Without an answer in time it is found later.
    pub(crate) async fn follow(&self) {
        let (done, wait) = oneshot::channel();
        let followed = async {
            if self.requests.send(Request::Follow(done)).await.is_ok() {
                let _ = wait.await;
            }
        };
        if tokio::time::timeout(FOLLOW_LIMIT, followed).await.is_err() {
            warn!("the notes index is slow; a note is found a little later");
        }
    }

    /// Makes the index anew from the store while the old one goes on being searched. Gives how many
    /// notes it has.
    ///
    /// # Errors
    /// What went wrong.
    pub(crate) async fn rebuild(&self) -> Result<u64, String> {
        let (done, wait) = oneshot::channel();
        let ended = || "the brain stops".to_owned();
        self.requests
            .send(Request::Rebuild(done))
            .await
            .map_err(|_| ended())?;
        wait.await.map_err(|_| ended())?
    }

    /// Finds notes within `scope`; `synonyms` are other words for a folded word.
    ///
    /// # Errors
    /// When the index is not open or damaged.
    pub(crate) async fn search(
        &self,
        query: Query,
        scope: Scope,
        synonyms: HashMap<String, Vec<String>>,
        skip: usize,
        limit: usize,
    ) -> Result<Found, NotesError> {
        if self.index().is_none() {
            // The brain has just started.
            self.follow().await;
        }
        let index = self.index().ok_or(NotesError::NotOpen)?;
        let _turn = self.searches.acquire().await;
        let search = move || index.search(&query, &scope, &synonyms, skip, limit);
        Ok(blocking(search).await??)
    }

    /// Notes within `scope` that are about the same as this text, the nearest first; none when nothing
    /// is near, or when the index is not open.
    pub(crate) async fn like(&self, text: String, scope: Scope, limit: usize) -> Vec<u64> {
        let Some(index) = self.index() else {
            return Vec::new();
        };
        let found = blocking(move || index.like(&text, &scope, limit)).await;
        match found.and_then(|found| found) {
            Ok(numbers) => numbers,
            Err(error) => {
                warn!(%error, "notes like a new one cannot be looked for");
                Vec::new()
            }
        }
    }

    /// How the index is.
    pub(crate) fn health(&self) -> NotesHealth {
        let index = self.index();
        NotesHealth {
            is_open: index.is_some(),
            notes: index.map_or(0, |index| index.len()),
            ..*self.lock_health()
        }
    }

    /// Reads what files say.
    pub(crate) fn reader(&self) -> &FileReader {
        &self.reader
    }

    /// The turn of one import.
    pub(crate) fn imports(&self) -> &Semaphore {
        &self.imports
    }

    /// Somebody begins to write a note.
    pub(crate) fn draft_begins(&self, account: &AccountId, room: &RoomKey) {
        let mut drafts = self.lock_drafts();
        let writers = drafts.entry(room.clone()).or_default();
        if !writers.contains(account) {
            writers.push(account.clone());
        }
    }

    /// Who may be writing a note in a room.
    pub(crate) fn draft_writers(&self, room: &RoomKey) -> Vec<AccountId> {
        self.lock_drafts().get(room).cloned().unwrap_or_default()
    }

    /// They are not, or no longer.
    pub(crate) fn draft_ended(&self, account: &AccountId, room: &RoomKey) {
        let mut drafts = self.lock_drafts();
        if let Some(writers) = drafts.get_mut(room) {
            writers.retain(|writer| writer != account);
            if writers.is_empty() {
                drafts.remove(room);
            }
        }
    }

    fn index(&self) -> Option<Arc<NoteIndex>> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.clone()
    }

    fn use_index(&self, index: Arc<NoteIndex>) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Some(index);
    }

    fn lock_health(&self) -> std::sync::MutexGuard<'_, NotesHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_drafts(&self) -> std::sync::MutexGuard<'_, HashMap<RoomKey, Vec<AccountId>>> {
        self.drafts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of an account in the index.
pub(crate) fn author(account: &AccountId) -> u64 {
    // The lower half of a UUIDv7 is random.
    uuid::Uuid::parse_str(account.as_str()).map_or(0, |id| id.as_u64_pair().1)
}

/// The number of a notebook in the index.
pub(crate) fn notebook(number: i64) -> u64 {
    number.cast_unsigned()
}

/// A new index in the making, and who waits for it.
type Rebuild = (
    JoinHandle<Result<Follower, NotesTrouble>>,
    oneshot::Sender<Result<u64, String>>,
);

/// Keeps the index in step with the store until the brain stops.
pub(crate) async fn run(brain: Brain, mut requests: mpsc::Receiver<Request>) {
    let folder = brain.notes().folder.clone();
    let opened = blocking(move || open(&folder)).await;
    let mut follower = match opened.and_then(|opened| opened) {
        Ok((follower, was_replaced)) => {
            brain.notes().lock_health().was_replaced = was_replaced;
            follower
        }
        Err(error) => {
            error!(%error, "notes are kept, but cannot be searched");
            return;
        }
    };
    // Searches wait for what was committed before; when that is much, they find a part of it at first.
    let _ = tokio::time::timeout(FOLLOW_LIMIT, keep_up(&brain, &mut follower)).await;
    brain.notes().use_index(Arc::clone(&follower.index));
    keep_up(&brain, &mut follower).await;
    let mut tick = tokio::time::interval(COMMIT_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let has_company = brain.store().may_have_company();
    let mut commit: Option<JoinHandle<()>> = None;
    let mut rebuilt: Option<Rebuild> = None;
    loop {
        tokio::select! {
            () = brain.stopping().cancelled() => break,
            request = requests.recv() => match request {
                Some(Request::Follow(done)) => {
                    keep_up(&brain, &mut follower).await;
                    let _ = done.send(());
                }
                Some(Request::Rebuild(done)) if rebuilt.is_some() => {
                    let _ = done.send(Err("it is being made anew already".to_owned()));
                }
                Some(Request::Rebuild(done)) => {
                    brain.notes().lock_health().is_rebuilding = true;
                    let making = make(brain.clone(), follower.generation + 1);
                    rebuilt = Some((tokio::spawn(making), done));
                }
                None => break,
            },
            _ = look.tick(), if has_company => keep_up(&brain, &mut follower).await,
            _ = tick.tick() => {
                let is_busy = commit.as_ref().is_some_and(|commit| !commit.is_finished());
                if follower.index.waiting() > 0 && !is_busy {
                    commit = Some(commit_aside(&follower));
                }
            }
            made = async {
                match &mut rebuilt {
                    Some((making, _)) => making.await,
                    None => std::future::pending().await,
                }
            } => {
                let done = rebuilt.take().map(|(_, done)| done);
                let outcome = match made {
                    Ok(Ok(new)) => Ok(exchange(&brain, &mut follower, new).await),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(error) => Err(error.to_string()),
                };
                if let Err(error) = &outcome {
                    error!(%error, "the notes index could not be made anew; the old one stays");
                }
                brain.notes().lock_health().is_rebuilding = false;
                if let Some(done) = done {
                    let _ = done.send(outcome);
                }
            }
        }
    }
    if let Some((making, _)) = rebuilt {
        making.abort();
    }
    if let Err(error) = follower.commit().await {
        warn!(%error, "the last notes are taken into the index at the next start");
    }
}

async fn keep_up(brain: &Brain, follower: &mut Follower) {
    if let Err(error) = follower.follow(brain).await {
        // The next change, or the next start, takes in what is missing.
        error!(%error, "the notes index stays behind");
    }
}

fn commit_aside(follower: &Follower) -> JoinHandle<()> {
    let (index, taken) = (Arc::clone(&follower.index), follower.taken);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = index.commit(taken) {
            error!(%error, "what waits for the notes index goes on waiting");
        }
    })
}

/// A new index with everything that the store has.
async fn make(brain: Brain, generation: u64) -> Result<Follower, NotesTrouble> {
    let folder = brain.notes().folder.join(generation.to_string());
    let (index, _) = blocking(move || NoteIndex::open(&folder)).await??;
    let mut follower = Follower {
        index: Arc::new(index),
        taken: 0,
        generation,
        is_new: true,
    };
    let last = brain.store().last_note_change().await?;
    brain.notes().lock_health().rebuilt = (0, last);
    follower.follow(&brain).await?;
    follower.commit().await?;
    Ok(follower)
}

/// Puts a new index in the place of the old one. Gives how many notes it has.
async fn exchange(brain: &Brain, follower: &mut Follower, new: Follower) -> u64 {
    let old = std::mem::replace(follower, new);
    follower.is_new = false;
    keep_up(brain, follower).await;
    brain.notes().use_index(Arc::clone(&follower.index));
    let folder = brain.notes().folder.join(old.generation.to_string());
    drop(old);
    let removed = blocking(move || std::fs::remove_dir_all(folder)).await;
    if let Ok(Err(error)) = removed {
        warn!(%error, "the folder of the old notes index stays until the next start");
    }
    let notes = follower.index.len();
    info!(notes, "the notes index was made anew");
    notes
}

/// Opens the newest index that is whole, and removes the others; without one a new one. Says whether
/// there was one that could not be used.
fn open(folder: &Path) -> Result<(Follower, bool), IndexError> {
    if folder.is_file() {
        std::fs::remove_file(folder)?;
    }
    std::fs::create_dir_all(folder)?;
    let mut generations: Vec<u64> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    generations.sort_unstable();
    let newest = generations.last().copied().unwrap_or(0);
    let mut whole = None;
    for generation in generations.iter().rev() {
        let place = folder.join(generation.to_string());
        if whole.is_none()
            && let Ok((index, Opened::UpTo(taken))) = NoteIndex::open(&place)
        {
            whole = Some(Follower {
                index: Arc::new(index),
                taken,
                generation: *generation,
                is_new: false,
            });
            continue;
        }
        if place.is_dir() {
            std::fs::remove_dir_all(&place)?;
        } else {
            std::fs::remove_file(&place)?;
        }
    }
    if let Some(follower) = whole {
        return Ok((follower, false));
    }
    let generation = newest + 1;
    let (index, _) = NoteIndex::open(&folder.join(generation.to_string()))?;
    let follower = Follower {
        index: Arc::new(index),
        taken: 0,
        generation,
        is_new: false,
    };
    Ok((follower, newest > 0))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_newest_whole_index_is_used_and_the_others_go() {
        let folder = tempfile::tempdir().unwrap();
        let (first, was_replaced) = open(folder.path()).unwrap();
        assert_eq!((first.generation, was_replaced), (1, false));
        first.index.commit(7).unwrap();
        drop(first);
        // A rebuild that was cut off before its first commit.
        std::fs::create_dir(folder.path().join("2")).unwrap();
        let (again, was_replaced) = open(folder.path()).unwrap();
        assert_eq!((again.generation, again.taken, was_replaced), (1, 7, false));
        assert!(!folder.path().join("2").exists());
        drop(again);
        std::fs::write(folder.path().join("1/meta.json"), "{").unwrap();
        let (new, was_replaced) = open(folder.path()).unwrap();
        assert_eq!((new.generation, new.taken, was_replaced), (2, 0, true));
    }
}
