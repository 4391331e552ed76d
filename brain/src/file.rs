//! The store of files: what came from chats and nodes, kept for a while and within a quota.
//!
//! Bytes are blobs, and rows name them. A row goes when it is old, when its owner removes it, or when
//! room is needed; a blob goes when neither a row nor anything that is still to happen needs it: a
//! message that is to be said, an open job, a question, a dialog, a note.

use std::collections::HashSet;
use std::io;

use jarvis_proto::chat::{Action, action};
use prost::Message as _;
use tracing::{info, warn};

use crate::blob::Sweep;
use crate::brain::Brain;
use crate::job::JobSpec;
use crate::store::{FileRecord, Op, StoreError, Unit};
use crate::text::{Language, Text, format, text};

/// Most files that go at once to make room.
const MOST_ROWS: usize = 100_000;
/// Most messages that may wait while a blob is removed.
const MOST_WAITING: usize = 1_000_000;
/// Letters of a BLAKE3 hash in hex.
const HASH: usize = 64;

/// Why there is no room for a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoomError {
    /// All that is kept is needed.
    #[error("the store of files is full: {used} of {quota} bytes")]
    Full {
        /// Bytes that are kept.
        used: u64,
        /// Bytes that may be kept.
        quota: u64,
    },
    /// It cannot be told what is needed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder of blobs.
    #[error("the folder of files: {0}")]
    Folder(#[from] io::Error),
}

impl RoomError {
    /// What a person reads.
    pub(crate) fn explain(&self, language: Language) -> Text {
        match self {
            Self::Full { used, quota } => text!(
                language,
                "files-quota-full",
                used = format::bytes(*used),
                quota = format::bytes(*quota)
            ),
            other => text!(language, "files-not-kept", detail = other.to_string()),
        }
    }
}

/// Makes room for so many bytes, if need be: what nobody needs goes first, then the oldest files.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn make_room(brain: &Brain, size: u64) -> Result<(), RoomError> {
    let quota = brain.config().files_quota;
    let blobs = brain.blobs();
    let fits = || blobs.used().saturating_add(size) <= quota;
    if fits() {
        return Ok(());
    }
    if size <= quota {
        let sweep = blobs.sweep();
        let needed = needed(brain).await?;
        sweep_unnamed(brain, &sweep, &needed).await?;
        for file in brain.store().oldest_files(MOST_ROWS).await? {
            if fits() {
                return Ok(());
            }
            if needed.contains(&file.hash) || sweep.is_used(&file.hash) {
                continue;
            }
            // The row first: a row without its bytes would be a promise that cannot be kept.
            let drop_rows = Op::DropFilesOf {
                hash: file.hash.clone(),
            };
            brain.store().commit(Unit::of(vec![drop_rows])).await?;
            sweep.remove(&file.hash, true)?;
            info!(file.number = file.number, "removed to make room");
        }
    }
    if fits() {
        return Ok(());
    }
    Err(RoomError::Full {
        used: blobs.used(),
        quota,
    })
}

/// Forgets files that are older than they are kept, and removes the bytes that nobody needs.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn tidy(brain: &Brain) -> Result<(), RoomError> {
    let keep_ms = i64::try_from(brain.config().files_keep.as_millis()).unwrap_or(i64::MAX);
    let before_ms = brain.now_ms().saturating_sub(keep_ms);
    let drop_old = vec![
        Op::DropOldFiles { before_ms },
        Op::ForgetNoteFiles { before_ms },
    ];
    brain.store().commit(Unit::of(drop_old)).await?;
    let sweep = brain.blobs().sweep();
    let needed = needed(brain).await?;
    sweep_unnamed(brain, &sweep, &needed).await
}

/// Removes one file; its bytes go when nobody else needs them.
///
/// # Errors
/// See [`RoomError`].
pub(crate) async fn remove_bytes(brain: &Brain, hash: &str) -> Result<(), RoomError> {
    let sweep = brain.blobs().sweep();
    let is_named = brain.store().has_file_of(hash).await?;
    if !is_named && !needed(brain).await?.contains(hash) {
        sweep.remove(hash, true)?;
    }
    Ok(())
}

/// Removes the bytes that no row names and nobody needs.
async fn sweep_unnamed(
    brain: &Brain,
    sweep: &Sweep,
    needed: &HashSet<String>,
) -> Result<(), RoomError> {
    let blobs = brain.blobs().list().await?;
    // After the listing: what came meanwhile is young, and stays.
    let named: HashSet<String> = brain.store().file_hashes().await?.into_iter().collect();
    for blob in blobs {
        if named.contains(&blob.hash) || needed.contains(&blob.hash) {
            continue;
        }
        if let Err(error) = sweep.remove(&blob.hash, false) {
            warn!(%error, blob = blob.hash, "cannot be removed");
        }
    }
    Ok(())
}

/// Blobs that something which is still to happen refers to.
async fn needed(brain: &Brain) -> Result<HashSet<String>, StoreError> {
    let store = brain.store();
    let mut needed = HashSet::new();
    for item in store.outbox_pending(MOST_WAITING).await? {
        if let Ok(Action {
            kind: Some(action::Kind::File(send)),
            ..
        }) = Action::decode(item.action.as_slice())
        {
            needed.extend(send.file.map(|file| file.blob));
        }
    }
    for job in store.open_jobs().await? {
        match job.spec {
            JobSpec::Run(_) | JobSpec::Instruct(_) => {}
            spec => needed.extend(hashes(&serde_json::to_string(&spec).unwrap_or_default())),
        }
    }
    needed.extend(store.note_file_hashes().await?);
    for import in store.open_note_imports().await? {
        needed.insert(import.file);
    }
    for data in store.waiting_data(brain.now_ms()).await? {
        needed.extend(hashes(&data));
    }
    Ok(needed)
}

/// Everything in a text that looks like the name of a blob.
fn hashes(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() == HASH)
        .map(str::to_owned)
}

/// Gives a file its number: the one it has already, if the same bytes came from there before.
///
/// # Errors
/// When the store has none to give.
pub(crate) async fn numbered(
    brain: &Brain,
    mut file: FileRecord,
) -> Result<FileRecord, StoreError> {
    file.number = match brain.store().same_file(&file).await? {
        Some(number) => number,
        None => brain.store().next_number("file").await?,
    };
    file.created_ms = brain.now_ms();
    Ok(file)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jarvis_nodeclient::Identity;

    use super::*;
    use crate::account::AccountId;
    use crate::clock::Clock;
    use crate::config::BrainConfig;
    use crate::room::{BotKey, RoomKey};

    #[tokio::test]
    async fn what_a_command_works_with_is_not_removed_to_make_room() {
        let data = tempfile::tempdir().unwrap();
        let mut config = BrainConfig::new(data.path().to_owned());
        config.files_quota = 10;
        let brain = Brain::start(config, Identity::generate(), Clock::system());
        let brain = brain.await.unwrap();
        let blob = brain.blobs().put(b"12345678").await.unwrap();
        let record = FileRecord {
            number: 0,
            hash: blob.hash.clone(),
            name: "file".to_owned(),
            mime: String::new(),
            size: 8,
            source: String::new(),
            account: AccountId::new(),
            room: RoomKey {
                bot: BotKey {
                    kind: "console".to_owned(),
                    bot: "bot".to_owned(),
                },
                room: "room".to_owned(),
                thread: String::new(),
            },
            message: String::new(),
            job: 0,
            created_ms: 0,
        };
        let record = numbered(&brain, record).await.unwrap();
        let put = Op::PutFile(Box::new(record.clone()));
        brain.store().commit(Unit::of(vec![put])).await.unwrap();
        assert_eq!(
            numbered(&brain, record.clone()).await.unwrap().number,
            record.number,
            "the same file keeps its number"
        );
        let pin = brain.blobs().pin(&blob.hash);
        let full = make_room(&brain, 5).await;
        assert!(matches!(full, Err(RoomError::Full { .. })), "{full:?}");
        assert!(brain.store().file(record.number).await.unwrap().is_some());
        assert!(brain.blobs().path(&blob.hash).unwrap().exists());
        drop(pin);
        make_room(&brain, 5).await.unwrap();
        assert_eq!(brain.store().file(record.number).await.unwrap(), None);
        assert_eq!(brain.blobs().used(), 0);
    }

    #[test]
    fn names_of_blobs_are_found_in_any_json() {
        let hash = "0123456789abcdef".repeat(4);
        let json = format!(r#"{{"kind":"put","blob":"{hash}","name":"{hash}ff"}}"#);
        assert_eq!(hashes(&json).collect::<Vec<_>>(), [hash]);
    }
}
