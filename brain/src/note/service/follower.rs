//! An index takes in what the store has.

use std::collections::HashSet;
use std::sync::Arc;

use crate::brain::Brain;
use crate::note::change::{groups, with_surroundings};
use crate::note::index::{IndexError, NoteIndex};
use crate::store::StoreError;

/// Changes that are taken in at a time, and that wait at most before a commit.
const BATCH: usize = 500;
/// Notes of a new index that are committed at a time.
const COMMIT_FILLED: usize = 20_000;

/// An index that follows the store.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) index: Arc<NoteIndex>,
    /// The index has all changes up to this one.
    pub(super) taken: i64,
    /// Which folder it is in.
    pub(super) generation: u64,
    /// It is not in use yet.
    pub(super) is_new: bool,
}

impl Follower {
    /// Takes in what the store has beyond what was taken.
    pub(super) async fn follow(&mut self, brain: &Brain) -> Result<(), NotesTrouble> {
        if self.taken == 0 {
            self.fill(brain).await?;
        }
        loop {
            let notes = brain.store().note_changes(self.taken, BATCH).await?;
            let Some(last) = notes.last().map(|note| note.sequence) else {
                return Ok(());
            };
            let more = notes.len() == BATCH;
            for notes in groups(notes) {
                let changes = with_surroundings(brain, notes).await?;
                let index = Arc::clone(&self.index);
                blocking(move || index.apply(changes)).await?;
            }
            self.taken = last;
            if self.is_new {
                brain.notes().lock_health().rebuilt.0 = last;
            }
            if !more {
                return Ok(());
            }
            // Many: the list that waits must stay short.
            self.commit().await?;
        }
    }

    /// Takes in everything that the store has, into an index without notes. When that fails, what was
    /// committed stays, and the rest is taken in later.
    async fn fill(&mut self, brain: &Brain) -> Result<(), NotesTrouble> {
        let mut committed = self.taken;
        let filled = self.fill_up(brain, &mut committed).await;
        if filled.is_err() {
            self.taken = committed;
            let index = Arc::clone(&self.index);
            blocking(move || index.discard()).await??;
        }
        filled
    }

    async fn fill_up(&mut self, brain: &Brain, committed: &mut i64) -> Result<(), NotesTrouble> {
        let mut seen = HashSet::new();
        let mut uncommitted = 0;
        loop {
            let notes = brain.store().note_changes(self.taken, BATCH).await?;
            let Some(last) = notes.last().map(|note| note.sequence) else {
                return Ok(());
            };
            let more = notes.len() == BATCH;
            for notes in groups(notes) {
                // A note that changes meanwhile comes once more.
                let (new, again): (Vec<_>, Vec<_>) = with_surroundings(brain, notes)
                    .await?
                    .into_iter()
                    .partition(|change| seen.insert(change.number));
                let index = Arc::clone(&self.index);
                let add = move || {
                    index.apply(again);
                    let docs: Vec<_> = new.into_iter().filter_map(|change| change.doc).collect();
                    index.add_all(&docs)
                };
                blocking(add).await??;
            }
            self.taken = last;
            if self.is_new {
                brain.notes().lock_health().rebuilt.0 = last;
            }
            uncommitted += BATCH;
            if uncommitted >= COMMIT_FILLED || !more {
                self.commit().await?;
                *committed = last;
                uncommitted = 0;
            }
            if !more {
                return Ok(());
            }
        }
    }

    pub(super) async fn commit(&self) -> Result<(), NotesTrouble> {
        let (index, taken) = (Arc::clone(&self.index), self.taken);
        Ok(blocking(move || index.commit(taken)).await??)
    }
}

/// Why the index cannot follow.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotesTrouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Runs what takes time or reads files.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, IndexError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| IndexError::Damaged(error.to_string()))
}
