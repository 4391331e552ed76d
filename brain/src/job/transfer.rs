//! Files between nodes and the blob store, over cut lines: a transfer goes on where it stopped, also
//! when the brain was stopped in its middle.

mod resume;

use std::sync::Arc;
use std::time::Duration;

use jarvis_nodeclient::transfer::{ReceiveError, Received};
use jarvis_nodeclient::{Address, Expectation, FileSink, FileSource, Meter, NodeName, SendError};
use jarvis_proto::node::{
    Ended, GetFile, PutFile, Refused, RefusedReason, TransferEnded, ended, order,
};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tracing::debug;

use super::ending::TaskEnding;
use super::orders::{Ending, ErrandError, errand, make};
use crate::blob::{Pin, StoredBlob};
use crate::brain::Brain;
use crate::file;
use resume::{CameNote, Note};

/// How often a cut transfer is taken up again.
const MOST_TRIES: u32 = 12;
/// How long a transfer waits for its node to come back.
const RETURN_LIMIT: Duration = Duration::from_secs(120);
/// How long to wait for word of what came before a cut.
const CUT_LIMIT: Duration = Duration::from_secs(1);
/// Upper bound of one try.
const TRY_LIMIT: Duration = Duration::from_secs(6 * 3600);
/// When it is told first how far a transfer is.
const TELL_FIRST: Duration = Duration::from_millis(200);
/// How often it is told afterwards.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Why a file did not arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// The node said no.
    #[error("the node refused: {}", .0.detail)]
    Refused(Refused),
    /// The node is not connected.
    #[error("the node is offline")]
    Offline,
    /// The line was cut too often.
    #[error("the line was cut too often")]
    Cut,
    /// The disk here is full.
    #[error("the disk of Jarvis is full")]
    DiskFull,
    /// The store of files is full.
    #[error("the store of files is full")]
    Quota,
    /// The bytes cannot be kept here.
    #[error("the bytes cannot be kept: {0}")]
    Store(String),
}

/// A file that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    /// The bytes.
    pub blob: StoredBlob,
    /// The file's own name on the node.
    pub name: String,
    /// What the node said of it.
    pub moved: TransferEnded,
    /// It had changed since a first part of it came, so it was fetched from its start again.
    pub began_again: bool,
    /// Keeps the bytes while nothing in the store names them.
    #[expect(dead_code, reason = "it only has to live")]
    pub pin: Arc<Pin>,
}

/// How far a transfer is: bytes done, and in all where that is known.
pub(super) type Teller<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Fetches a file from a node. `key` names the transfer, so that one that was cut goes on.
pub(crate) async fn fetch(
    brain: &Brain,
    node: &NodeName,
    address: &Address,
    get: GetFile,
    key: &str,
) -> Result<Fetched, TransferError> {
    fetch_and_tell(brain, node, address, get, key, &|_, _| {}).await
}

/// The same, and tells how far it is.
pub(super) async fn fetch_and_tell(
    brain: &Brain,
    node: &NodeName,
    address: &Address,
    get: GetFile,
    key: &str,
    tell: Teller<'_>,
) -> Result<Fetched, TransferError> {
    let mut fetching = Fetching {
        brain,
        node,
        note: Note::of(brain, key),
        get,
        began_again: false,
    };
    if let Some(point) = fetching.note.read().await {
        point.apply(&mut fetching.get);
    }
    let fetched = fetching.run(address, tell).await;
    if !brain.stopping().is_cancelled() {
        fetching.note.forget().await;
    }
    fetched
}

/// The same, once: when the brain was stopped after the file had come, it is not fetched again, until
/// [`forget_once`].
pub(super) async fn fetch_once(
    brain: &Brain,
    node: &NodeName,
    address: &Address,
    get: GetFile,
    key: &str,
    tell: Teller<'_>,
) -> Result<Fetched, TransferError> {
    let note = CameNote::of(brain, key);
    if let Some(fetched) = note.read().await {
        return Ok(fetched);
    }
    let fetched = fetch_and_tell(brain, node, address, get, key, tell).await?;
    note.write(&fetched).await;
    Ok(fetched)
}

/// What [`fetch_once`] fetched is no longer needed.
pub(super) async fn forget_once(brain: &Brain, key: &str) {
    CameNote::of(brain, key).forget().await;
}

struct Fetching<'a> {
    brain: &'a Brain,
    node: &'a NodeName,
    note: Note,
    get: GetFile,
    began_again: bool,
}

impl Fetching<'_> {
    async fn run(&mut self, address: &Address, tell: Teller<'_>) -> Result<Fetched, TransferError> {
        let brain = self.brain;
        for attempt in 0..MOST_TRIES {
            let id = uuid::Uuid::now_v7().to_string();
            let most_bytes = match self.get.most_bytes {
                0 => brain.config().files_quota,
                most => most.min(brain.config().files_quota),
            };
            let sink = FileSink::new(self.note.partial(), most_bytes);
            let mut expectation = brain.root().expect(address, &id, sink);
            let signed = make(brain, address, &id, order::Body::Get(self.get.clone()));
            let order = errand(brain, self.node, &signed, &id, TRY_LIMIT);
            let ending = self.watch(expectation.meter().clone(), tell, order).await;
            self.compare(expectation.meter());
            match ending {
                Ok(Ending::Refused(refused)) => return Err(TransferError::Refused(refused)),
                Ok(Ending::Ended(ended)) => match ended.outcome {
                    Some(ended::Outcome::Transfer(moved)) if self.get.count_only => {
                        return Ok(self.counted(moved));
                    }
                    Some(ended::Outcome::Transfer(moved)) => match expectation.finished().await {
                        Ok(received) => return self.keep(received, moved).await,
                        Err(error) => self.go_on_from(error)?,
                    },
                    Some(ended::Outcome::Failed(refused)) => {
                        // What went wrong here is the cause of what the node then says.
                        self.after_cut(&mut expectation).await?;
                        if !is_passing(&refused) {
                            return Err(TransferError::Refused(refused));
                        }
                        debug!(?refused, attempt, "the transfer broke off");
                    }
                    other => debug!(?other, attempt, "the transfer broke off"),
                },
                Err(error) => {
                    debug!(%error, attempt, "the transfer broke off");
                    self.after_cut(&mut expectation).await?;
                }
            }
            wait_for_return(brain, self.node).await?;
        }
        Err(TransferError::Cut)
    }

    /// Waits for the end of an order; tells how far it is, and notes where it could be taken up again.
    async fn watch<T>(&self, meter: Meter, tell: Teller<'_>, order: impl Future<Output = T>) -> T {
        let mut is_noted = false;
        let ticking = async {
            let mut ticks = ticks();
            loop {
                ticks.tick().await;
                let announced = meter.announced();
                if let Some(point) = announced.filter(|_| !is_noted) {
                    is_noted = true;
                    self.note.write(point).await;
                }
                tell(meter.bytes(), announced.map_or(0, |point| point.size));
            }
        };
        tokio::select! {
            ended = order => ended,
            () = ticking => unreachable!("telling never ends by itself"),
        }
    }

    /// Sees whether the node began where it was asked to.
    fn compare(&mut self, meter: &Meter) {
        let began = meter.announced().map(|point| point.offset);
        if self.get.offset > 0 && began == Some(0) {
            self.began_again = true;
        }
    }

    /// What came before the cut is kept, if anything came.
    async fn after_cut(&mut self, expectation: &mut Expectation) -> Result<(), TransferError> {
        match timeout(CUT_LIMIT, expectation.finished()).await {
            Ok(Err(error)) => self.go_on_from(error),
            _ => Ok(()),
        }
    }

    /// Asks the next time only for what is missing.
    fn go_on_from(&mut self, error: ReceiveError) -> Result<(), TransferError> {
        match error {
            ReceiveError::Cut {
                resume: Some(resume),
                ..
            } => resume.apply(&mut self.get),
            ReceiveError::HashMismatch => {
                self.began_again |= self.get.offset > 0;
                self.get.offset = 0;
            }
            ReceiveError::Cut { resume: None, .. } => self.get.offset = 0,
            ReceiveError::DiskFull => return Err(TransferError::DiskFull),
            ReceiveError::TooLarge { size, .. } => {
                let refused = Refused {
                    reason: RefusedReason::TooLarge.into(),
                    detail: "it came out larger than it may be".to_owned(),
                    size,
                    ..Refused::default()
                };
                return Err(TransferError::Refused(refused));
            }
            other => return Err(TransferError::Store(other.to_string())),
        }
        Ok(())
    }

    fn counted(&self, moved: TransferEnded) -> Fetched {
        Fetched {
            blob: StoredBlob {
                hash: String::new(),
                size: moved.size,
            },
            name: String::new(),
            moved,
            began_again: false,
            pin: Arc::new(self.brain.blobs().pin("")),
        }
    }

    async fn keep(
        &self,
        received: Received,
        moved: TransferEnded,
    ) -> Result<Fetched, TransferError> {
        let brain = self.brain;
        let hash = hex::encode(received.blake3);
        let pin = Arc::new(brain.blobs().pin(&hash));
        match file::make_room(brain, received.size).await {
            Ok(()) => {}
            Err(file::RoomError::Full { .. }) => return Err(TransferError::Quota),
            Err(error) => return Err(TransferError::Store(error.to_string())),
        }
        brain
            .blobs()
            .adopt(&self.note.partial(), &hash)
            .await
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::StorageFull => TransferError::DiskFull,
                _ => TransferError::Store(error.to_string()),
            })?;
        let name = if received.name.is_empty() {
            &moved.path
        } else {
            &received.name
        };
        Ok(Fetched {
            name: crate::blob::clean_file_name(name),
            blob: StoredBlob {
                hash,
                size: received.size,
            },
            moved,
            began_again: self.began_again,
            pin,
        })
    }
}

/// Puts a blob on a node.
pub(super) async fn put(
    brain: &Brain,
    node: &NodeName,
    address: &Address,
    put: PutFile,
    blob: &StoredBlob,
    tell: Teller<'_>,
) -> Result<TransferEnded, TransferError> {
    let path = brain
        .blobs()
        .path(&blob.hash)
        .ok_or_else(|| TransferError::Store(format!("`{}` is no blob", blob.hash)))?;
    for attempt in 0..MOST_TRIES {
        let id = uuid::Uuid::now_v7().to_string();
        let source = FileSource {
            path: path.clone(),
            size: blob.size,
            blake3: blob.digest(),
        };
        let offer = brain.root().offer(address, &id, source);
        let signed = make(brain, address, &id, order::Body::Put(put.clone()));
        let meter = offer.meter().clone();
        let ticking = async {
            let mut ticks = ticks();
            loop {
                ticks.tick().await;
                tell(meter.bytes(), blob.size);
            }
        };
        let ending = tokio::select! {
            ending = errand(brain, node, &signed, &id, TRY_LIMIT) => ending,
            () = ticking => unreachable!("telling never ends by itself"),
        };
        match ending {
            Ok(Ending::Refused(refused)) => return Err(TransferError::Refused(refused)),
            Ok(Ending::Ended(ended)) => match ended.outcome {
                Some(ended::Outcome::Transfer(moved)) => return Ok(moved),
                Some(ended::Outcome::Failed(refused)) if !is_passing(&refused) => {
                    return Err(TransferError::Refused(refused));
                }
                other => debug!(?other, attempt, "the transfer broke off"),
            },
            // Taken up after a restart, it waits for its node to dial again.
            Err(ErrandError::Send(SendError::Offline { .. }))
                if attempt == 0 && !brain.has_just_started() =>
            {
                return Err(TransferError::Offline);
            }
            Err(error) => debug!(%error, attempt, "the transfer broke off"),
        }
        wait_for_return(brain, node).await?;
    }
    Err(TransferError::Cut)
}

fn ticks() -> tokio::time::Interval {
    let mut ticks = interval_at(Instant::now() + TELL_FIRST, TELL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Whether another try may go better.
fn is_passing(refused: &Refused) -> bool {
    matches!(
        refused.reason(),
        RefusedReason::Io | RefusedReason::Busy | RefusedReason::Unspecified
    )
}

async fn wait_for_return(brain: &Brain, node: &NodeName) -> Result<(), TransferError> {
    tokio::time::sleep(Duration::from_millis(200)).await;
    timeout(RETURN_LIMIT, brain.fleet().wait_online(brain, node))
        .await
        .map_err(|_| TransferError::Offline)
}

/// An ending in our own words, of what a node did for us.
pub(super) fn ending(outcome: ended::Outcome, started_ms: i64, ended_ms: i64) -> Ended {
    Ended {
        started_ms,
        ended_ms,
        outcome: Some(outcome),
        ..Ended::default()
    }
}

/// How the number of entries of something too large stands in a refusal.
const COUNTED: &str = "entries: ";
/// What stands before the reason why the source of a copy could not be had.
const SOURCE: &str = "the source: ";

/// The number of entries, for a refusal's detail.
pub(super) fn counted(entries: u64) -> String {
    format!("{COUNTED}{entries}")
}

/// The number of entries that a refusal tells of.
pub(super) fn count_of(refused: &Refused) -> Option<u64> {
    refused.detail.strip_prefix(COUNTED)?.parse().ok()
}

/// Marks a refusal as one of the node that a copy comes from.
pub(super) fn of_source(ending: TaskEnding) -> TaskEnding {
    match ending {
        TaskEnding::Refused(mut refused) => {
            refused.detail.insert_str(0, SOURCE);
            TaskEnding::Refused(refused)
        }
        other => other,
    }
}

/// The refusal without the mark, if it is one of the node that a copy comes from.
pub(super) fn source_refusal(refused: &Refused) -> Option<Refused> {
    let detail = refused.detail.strip_prefix(SOURCE)?;
    Some(Refused {
        detail: detail.to_owned(),
        ..refused.clone()
    })
}

/// The error that our own refusal stands for.
pub(super) fn own_trouble(refused: &Refused) -> Option<TransferError> {
    [
        TransferError::Offline,
        TransferError::Cut,
        TransferError::DiskFull,
        TransferError::Quota,
    ]
    .into_iter()
    .find(|error| {
        refused.reason() == RefusedReason::Unspecified && error.to_string() == refused.detail
    })
}
