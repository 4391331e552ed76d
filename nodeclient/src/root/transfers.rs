//! Files that nodes may fetch, and files that are expected from nodes.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::future::ready;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use jarvis_proto::node::FileChunk;
use jarvis_proto::node::file_chunk::Part;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use crate::address::Address;
use crate::transfer::{
    Meter, ReceiveError, ReceiveOptions, Received, SendFileError, SendOptions, SendOutcome,
    receive_file, send_file,
};

/// How long a delivery may take to begin.
const FIRST_CHUNK: Duration = Duration::from_secs(10);

/// A file that a node may fetch.
#[derive(Debug, Clone)]
pub struct FileSource {
    /// Where it is. It is opened at each fetch.
    pub path: PathBuf,
    /// Bytes of it; another size at fetch time fails the transfer.
    pub size: u64,
    /// BLAKE3 of it; it is not computed again.
    pub blake3: [u8; 32],
}

/// Where a node's file goes.
#[derive(Debug, Clone)]
pub struct FileSink {
    /// The file to write. When the node's stream begins at an offset, its first bytes are kept.
    pub partial: PathBuf,
    /// The most bytes of the whole file.
    pub most_bytes: u64,
    /// BLAKE3 that it must have, where that is known.
    pub blake3: Option<[u8; 32]>,
}

impl FileSink {
    /// A sink for a file of unknown content.
    #[must_use]
    pub fn new(partial: PathBuf, most_bytes: u64) -> Self {
        Self {
            partial,
            most_bytes,
            blake3: None,
        }
    }
}

/// A transfer belongs to one order of one node.
type Key = (Address, String);

/// All transfers of a root.
#[derive(Default)]
pub(crate) struct Transfers {
    offers: Table<Offer>,
    expected: Table<Expected>,
}

struct Offer {
    source: FileSource,
    meter: Meter,
}

struct Expected {
    sink: FileSink,
    meter: Meter,
    outcomes: mpsc::Sender<Result<Received, ReceiveError>>,
    /// One delivery at a time writes the file.
    writing: Arc<Semaphore>,
}

/// Keeps an offer open; dropping it withdraws the offer and cuts running fetches.
pub struct OfferGuard(Listed<Offer>);

impl OfferGuard {
    /// How far the node's latest fetch is.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.0.item.value.meter
    }
}

impl fmt::Debug for OfferGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OfferGuard({})", self.0.key.1)
    }
}

/// A file to come; dropping it refuses the file, or cuts its delivery.
pub struct Expectation {
    outcomes: mpsc::Receiver<Result<Received, ReceiveError>>,
    listed: Listed<Expected>,
}

impl Expectation {
    /// How far the delivery is.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.listed.item.value.meter
    }

    /// Waits until a delivery has ended, well or not. After an error the node may deliver again, and
    /// this may be called again. Cancel-safe; waits for ever if the node never delivers.
    ///
    /// # Errors
    /// See [`ReceiveError`].
    pub async fn finished(&mut self) -> Result<Received, ReceiveError> {
        self.outcomes
            .recv()
            .await
            .expect("`listed` holds the sender")
    }
}

impl fmt::Debug for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expectation({})", self.listed.key.1)
    }
}

impl Transfers {
    /// The file that is offered to a node under an order.
    pub(crate) fn offered(&self, node: &Address, order: &str) -> Option<FileSource> {
        let offer = self.offers.find(node, order)?;
        Some(offer.value.source.clone())
    }

    /// Where the bytes of an expected file go, and those of an earlier try may be.
    pub(crate) fn partial(&self, node: &Address, order: &str) -> Option<PathBuf> {
        let expected = self.expected.find(node, order)?;
        Some(expected.value.sink.partial.clone())
    }

    /// Takes a file that was fetched for a node which cannot deliver. In words why not.
    pub(crate) async fn take(
        &self,
        node: &Address,
        order: &str,
        chunks: impl Stream<Item = Result<FileChunk, String>> + Send + 'static,
    ) -> Result<u64, String> {
        let item = self
            .expected
            .find(node, order)
            .ok_or("no file is expected for this order")?;
        let received = receive(item, order.to_owned(), chunks).await;
        received.map_err(|status| status.message().to_owned())
    }

    pub(crate) fn offer(&self, node: &Address, order: &str, source: FileSource) -> OfferGuard {
        let offer = Offer {
            source,
            meter: Meter::default(),
        };
        OfferGuard(self.offers.list((node.clone(), order.to_owned()), offer))
    }

    pub(crate) fn expect(&self, node: &Address, order: &str, sink: FileSink) -> Expectation {
        // One outcome waits; a delivery after it waits for the consumer to take that.
        let (outcomes, receiver) = mpsc::channel(1);
        let writing = Arc::new(Semaphore::new(1));
        let expected = Expected {
            sink,
            meter: Meter::default(),
            outcomes,
            writing,
        };
        let listed = self
            .expected
            .list((node.clone(), order.to_owned()), expected);
        Expectation {
            outcomes: receiver,
            listed,
        }
    }

    /// The bytes offered to a node under an order, from an offset.
    pub(crate) async fn fetch(
        &self,
        node: &Address,
        order: &str,
        offset: u64,
    ) -> Result<impl Stream<Item = Result<FileChunk, Status>> + Send + use<>, Status> {
        let unknown = || Status::not_found("no file is offered for this order");
        let offer = self.offers.find(node, order).ok_or_else(unknown)?;
        let FileSource { path, size, blake3 } = offer.value.source.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            Ok::<_, io::Error>((file, length))
        });
        let file = match opened.await.map_err(io::Error::other).flatten() {
            Ok((file, length)) if length == size => file,
            Ok(_) => return Err(Status::data_loss("the offered file has changed")),
            Err(error) => {
                tracing::warn!(order, %error, "an offered file cannot be opened");
                return Err(Status::data_loss("the offered file cannot be read"));
            }
        };
        let (chunks, outcome) = send_file(
            file,
            SendOptions {
                order: order.to_owned(),
                offset,
                blake3: Some(blake3),
                meter: offer.value.meter.clone(),
                ..SendOptions::default()
            },
        );
        let chunks = chunks.take_until(offer.withdrawn.clone().cancelled_owned());
        let failure = stream::once(failure(outcome)).filter_map(ready);
        Ok(chunks.map(Ok).chain(failure.map(Err)))
    }

    /// Takes the bytes of an order from a node; the size of the whole file.
    pub(crate) async fn deliver(
        &self,
        node: &Address,
        chunks: Streaming<FileChunk>,
    ) -> Result<u64, Status> {
        let mut chunks = chunks.peekable();
        let head = timeout(FIRST_CHUNK, Pin::new(&mut chunks).peek()).await;
        let Ok(Some(Ok(FileChunk {
            part: Some(Part::Head(head)),
        }))) = head
        else {
            return Err(Status::invalid_argument("the stream begins without a head"));
        };
        let order = head.order.clone();
        let unknown = || Status::not_found("no file is expected for this order");
        let item = self.expected.find(node, &order).ok_or_else(unknown)?;
        receive(item, order, chunks).await
    }
}

/// Writes what is delivered, in a task of its own: it comes to its end also when the connection takes
/// the caller's future away.
async fn receive<E: fmt::Display + Send + 'static>(
    item: Arc<Item<Expected>>,
    order: String,
    chunks: impl Stream<Item = Result<FileChunk, E>> + Send + 'static,
) -> Result<u64, Status> {
    let receive = async move {
        let Expected {
            sink,
            meter,
            outcomes,
            writing,
        } = &item.value;
        // A delivery that was cut a moment ago may still write what it has.
        let writing = timeout(FIRST_CHUNK, Arc::clone(writing).acquire_owned());
        let Ok(Ok(_writing)) = writing.await else {
            return Err(Status::aborted("this file is being delivered already"));
        };
        let options = ReceiveOptions {
            order,
            most_bytes: sink.most_bytes,
            blake3: sink.blake3,
            meter: meter.clone(),
        };
        let chunks = chunks.take_until(item.withdrawn.clone().cancelled_owned());
        let received = receive_file(chunks, sink.partial.clone(), options).await;
        let answer = received
            .as_ref()
            .map(|file| file.size)
            .map_err(delivery_status);
        tokio::select! {
            _ = outcomes.send(received) => {}
            () = item.withdrawn.cancelled() => {}
        }
        answer
    };
    tokio::spawn(receive)
        .await
        .unwrap_or_else(|_| Err(Status::internal("receiving failed")))
}

/// Why an offered file was not sent to its end, if it was not.
async fn failure(outcome: SendOutcome) -> Option<Status> {
    match outcome.wait().await {
        Ok(_) => None,
        Err(error @ SendFileError::BeyondEnd { .. }) => {
            Some(Status::out_of_range(error.to_string()))
        }
        Err(error) => Some(Status::data_loss(error.to_string())),
    }
}

fn delivery_status(error: &ReceiveError) -> Status {
    let said = error.to_string();
    match error {
        ReceiveError::TooLarge { .. } | ReceiveError::DiskFull => Status::resource_exhausted(said),
        ReceiveError::Cut { .. } => Status::aborted(said),
        ReceiveError::HashMismatch => Status::data_loss(said),
        ReceiveError::Malformed(_) => Status::invalid_argument(said),
        // Paths of this machine are not the node's affair.
        ReceiveError::Io { .. } => Status::internal("the root cannot write the file"),
    }
}

/// Items by node and order.
struct Table<T>(Arc<Mutex<HashMap<Key, Arc<Item<T>>>>>);

struct Item<T> {
    value: T,
    withdrawn: CancellationToken,
}

/// Keeps an item in its table; dropping it takes the item out.
struct Listed<T> {
    table: Arc<Mutex<HashMap<Key, Arc<Item<T>>>>>,
    key: Key,
    item: Arc<Item<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Table<T> {
    /// Puts an item in, in place of an older one.
    fn list(&self, key: Key, value: T) -> Listed<T> {
        let item = Arc::new(Item {
            value,
            withdrawn: CancellationToken::new(),
        });
        lock(&self.0).insert(key.clone(), Arc::clone(&item));
        Listed {
            table: Arc::clone(&self.0),
            key,
            item,
        }
    }

    fn find(&self, node: &Address, order: &str) -> Option<Arc<Item<T>>> {
        lock(&self.0)
            .get(&(node.clone(), order.to_owned()))
            .cloned()
    }
}

impl<T> Drop for Listed<T> {
    fn drop(&mut self) {
        self.item.withdrawn.cancel();
        let mut table = lock(&self.table);
        if table
            .get(&self.key)
            .is_some_and(|item| Arc::ptr_eq(item, &self.item))
        {
            table.remove(&self.key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
