//! Files between a root and a node.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use futures::{StreamExt, stream};
use jarvis_nodeclient::transfer::{
    Meter, ReceiveError, ReceiveOptions, Received, SendFileError, SendOptions, receive_file,
    send_file, send_reader,
};
use jarvis_nodeclient::{FileSink, FileSource, LineError, NodeLink};
use jarvis_proto::node::file_chunk::Part;
use jarvis_proto::node::{FetchRequest, FileChunk, FileHead, GetFile};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::net::{LIMIT, Net};

const ORDER: &str = "0192f0c1-0000-7000-8000-000000000000";
const MOST: u64 = 1 << 30;

/// Bytes that differ everywhere, more than a few chunks of them.
fn content(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    blake3::hash(bytes).into()
}

struct Files {
    folder: TempDir,
    bytes: Vec<u8>,
}

impl Files {
    fn new(length: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bytes = content(length);
        fs::write(folder.path().join("source"), &bytes).unwrap();
        Self { folder, bytes }
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    fn partial(&self) -> PathBuf {
        self.folder.path().join("partial")
    }

    fn offered(&self) -> FileSource {
        let size = self.bytes.len() as u64;
        FileSource {
            path: self.source(),
            size,
            blake3: hash(&self.bytes),
        }
    }
}

fn receiving() -> ReceiveOptions {
    ReceiveOptions {
        order: ORDER.into(),
        most_bytes: MOST,
        blake3: None,
        meter: Meter::default(),
    }
}

fn sending(offset: u64) -> SendOptions {
    SendOptions {
        order: ORDER.into(),
        name: "source".into(),
        modified_ms: 5,
        offset,
        ..SendOptions::default()
    }
}

async fn fetch(link: &NodeLink, to: &Path, offset: u64) -> Result<Received, ReceiveError> {
    let chunks = link
        .fetch(FetchRequest {
            order: ORDER.into(),
            offset,
        })
        .await
        .unwrap();
    receive_file(chunks, to.to_owned(), receiving()).await
}

#[tokio::test]
async fn a_node_fetches_what_is_offered_to_it() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    for length in [0, 1, 256 << 10, (3 << 20) + 7] {
        let files = Files::new(length);
        let offer = net.root.offer(net.node.address(), ORDER, files.offered());
        let received = timeout(LIMIT, fetch(&link, &files.partial(), 0))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (received.size, received.blake3),
            (length as u64, hash(&files.bytes))
        );
        assert_eq!(fs::read(files.partial()).unwrap(), files.bytes);
        assert_eq!(offer.meter().bytes(), length as u64);
    }
}

#[tokio::test]
async fn a_fetch_resumes_where_the_partial_file_ends() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let files = Files::new((2 << 20) + 100);
    let _offer = net.root.offer(net.node.address(), ORDER, files.offered());
    fs::write(files.partial(), &files.bytes[..(1 << 20) + 3]).unwrap();
    let received = fetch(&link, &files.partial(), (1 << 20) + 3).await.unwrap();
    assert_eq!(received.blake3, hash(&files.bytes));
    assert_eq!(fs::read(files.partial()).unwrap(), files.bytes);

    let beyond = fetch(&link, &files.partial(), 1 << 40).await;
    assert!(
        matches!(beyond, Err(ReceiveError::Cut { .. })),
        "{beyond:?}"
    );
}

#[tokio::test]
async fn a_resume_on_other_bytes_is_found_by_the_hash() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let files = Files::new(1 << 20);
    let _offer = net.root.offer(net.node.address(), ORDER, files.offered());
    fs::write(files.partial(), vec![1; 1000]).unwrap();
    let received = fetch(&link, &files.partial(), 1000).await;
    assert!(
        matches!(received, Err(ReceiveError::HashMismatch)),
        "{received:?}"
    );
    assert!(
        !files.partial().exists(),
        "the next try begins from the start"
    );
}

#[tokio::test]
async fn bytes_go_only_to_the_node_and_order_that_they_are_for() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let files = Files::new(1000);
    let other = jarvis_nodeclient::Identity::generate();
    let _for_another = net.root.offer(other.address(), ORDER, files.offered());
    let request = FetchRequest {
        order: ORDER.into(),
        offset: 0,
    };
    assert!(matches!(
        link.fetch(request.clone()).await.err(),
        Some(LineError::NotFound)
    ));
    let withdrawn = net.root.offer(net.node.address(), ORDER, files.offered());
    drop(withdrawn);
    assert!(matches!(
        link.fetch(request).await.err(),
        Some(LineError::NotFound)
    ));

    let _expected = net
        .root
        .expect(other.address(), ORDER, FileSink::new(files.partial(), MOST));
    let (chunks, _) = send_file(File::open(files.source()).unwrap(), sending(0));
    assert!(matches!(
        link.deliver(chunks).await,
        Err(LineError::NotFound)
    ));
    assert!(!files.partial().exists());
}

#[tokio::test]
async fn an_offered_file_that_changed_is_not_sent() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let files = Files::new(1000);
    let _offer = net.root.offer(net.node.address(), ORDER, files.offered());
    fs::write(files.source(), "shorter").unwrap();
    let fetched = link
        .fetch(FetchRequest {
            order: ORDER.into(),
            offset: 0,
        })
        .await;
    assert!(matches!(fetched.err(), Some(LineError::Failed(_))));
}

#[tokio::test]
async fn a_withdrawn_offer_cuts_the_fetch() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    // More than fits into all windows and queues.
    let files = Files::new(16 << 20);
    let offer = net.root.offer(net.node.address(), ORDER, files.offered());
    let mut chunks = link
        .fetch(FetchRequest {
            order: ORDER.into(),
            offset: 0,
        })
        .await
        .unwrap();
    chunks.next().await.unwrap().unwrap();
    drop(offer);
    let received = receive_file(chunks, files.partial(), receiving()).await;
    assert!(received.is_err());
}

#[tokio::test]
async fn a_node_delivers_what_is_expected_of_it() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let files = Files::new((3 << 20) + 7);
    let sink = FileSink::new(files.partial(), MOST);
    let mut expected = net.root.expect(net.node.address(), ORDER, sink);
    let (chunks, outcome) = send_file(File::open(files.source()).unwrap(), sending(0));
    let delivered = timeout(LIMIT, link.deliver(chunks)).await.unwrap().unwrap();
    let received = expected.finished().await.unwrap();
    let sent = outcome.wait().await.unwrap();
    assert_eq!(delivered.size, files.bytes.len() as u64);
    assert_eq!((received.size, received.blake3), (sent.size, sent.blake3));
    assert_eq!(
        (received.blake3, received.name.as_str()),
        (hash(&files.bytes), "source")
    );
    assert_eq!(expected.meter().bytes(), sent.size);
    assert_eq!(fs::read(files.partial()).unwrap(), files.bytes);
}

#[tokio::test]
async fn a_delivery_of_unknown_size_arrives() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let files = Files::new(700_000);
    let sink = FileSink::new(files.partial(), MOST);
    let mut expected = net.root.expect(net.node.address(), ORDER, sink);
    let reader = std::io::Cursor::new(files.bytes.clone());
    let (chunks, _outcome) = send_reader(reader, sending(99));
    link.deliver(chunks).await.unwrap();
    assert_eq!(
        expected.finished().await.unwrap().blake3,
        hash(&files.bytes)
    );
    assert_eq!(fs::read(files.partial()).unwrap(), files.bytes);
}

#[tokio::test]
async fn a_cut_delivery_is_resumed_under_the_same_expectation() {
    let mut net = Net::new().await;
    let (link, inbox) = net.connected().await;
    let files = Files::new(2 << 20);
    let sink = FileSink::new(files.partial(), MOST);
    let mut expected = net.root.expect(net.node.address(), ORDER, sink);
    let (chunks, _) = send_file(File::open(files.source()).unwrap(), sending(0));
    // Head and three chunks, then nothing more: as a line that was cut.
    let stuck = chunks.take(4).chain(stream::pending());
    let delivering = {
        let link = link.clone();
        tokio::spawn(async move { link.deliver(stuck).await })
    };
    while expected.meter().bytes() < 3 * (256 << 10) {
        tokio::task::yield_now().await;
    }
    link.close("gone").await;
    drop((link, inbox));
    assert!(delivering.await.unwrap().is_err());
    let cut = timeout(LIMIT, expected.finished()).await.unwrap();
    let Err(ReceiveError::Cut {
        resume: Some(resume),
        ..
    }) = cut
    else {
        panic!("{cut:?}")
    };
    assert_eq!(
        (resume.offset, resume.size, resume.modified_ms),
        (3 * (256 << 10), 2 << 20, 5)
    );
    let mut get = GetFile::default();
    resume.apply(&mut get);
    let received = get.offset;
    assert_eq!((get.known_size, get.known_modified_ms), (2 << 20, 5));

    net.event().await;
    let (link, _inbox) = net.connected().await;
    let (chunks, outcome) = send_file(File::open(files.source()).unwrap(), sending(received));
    link.deliver(chunks).await.unwrap();
    assert_eq!(
        expected.finished().await.unwrap().blake3,
        hash(&files.bytes)
    );
    assert_eq!(outcome.wait().await.unwrap().blake3, hash(&files.bytes));
    assert_eq!(fs::read(files.partial()).unwrap(), files.bytes);
}

#[tokio::test]
async fn a_stream_that_ends_without_its_end_was_cut() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let files = Files::new(2 << 20);
    let sink = FileSink::new(files.partial(), MOST);
    let mut expected = net.root.expect(net.node.address(), ORDER, sink);
    let (chunks, _) = send_file(File::open(files.source()).unwrap(), sending(0));
    assert!(link.deliver(chunks.take(3)).await.is_err());
    let cut = expected.finished().await;
    assert!(
        matches!(
            cut,
            Err(ReceiveError::Cut {
                resume: Some(_),
                ..
            })
        ),
        "{cut:?}"
    );
    assert_eq!(
        fs::read(files.partial()).unwrap(),
        &files.bytes[..2 * (256 << 10)]
    );
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_early_and_late() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let files = Files::new(1 << 20);
    let sink = FileSink::new(files.partial(), 1000);
    let mut expected = net.root.expect(net.node.address(), ORDER, sink);
    let (chunks, _) = send_file(File::open(files.source()).unwrap(), sending(0));
    assert!(matches!(
        link.deliver(chunks).await,
        Err(LineError::NoRoom(_))
    ));
    let refused = expected.finished().await;
    assert!(
        matches!(
            refused,
            Err(ReceiveError::TooLarge {
                size: 1_048_576,
                ..
            })
        ),
        "{refused:?}"
    );
    let (chunks, _) = send_reader(std::io::repeat(7), sending(0));
    assert!(matches!(
        link.deliver(chunks).await,
        Err(LineError::NoRoom(_))
    ));
    assert!(matches!(
        expected.finished().await,
        Err(ReceiveError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn transfers_leave_room_for_control_frames() {
    let mut net = Net::new().await;
    let (link, mut inbox) = net.connected().await;
    let files = Files::new(64 << 20);
    let sink = FileSink::new(files.partial(), MOST);
    let mut expected = net.root.expect(net.node.address(), ORDER, sink);
    let (chunks, _) = send_file(File::open(files.source()).unwrap(), sending(0));
    let delivering = {
        let link = link.clone();
        tokio::spawn(async move { link.deliver(chunks).await })
    };
    let node = crate::net::name("web-1");
    for n in 0..10 {
        net.root.acknowledge(&node, &n.to_string()).await.unwrap();
        timeout(LIMIT, inbox.recv()).await.unwrap().unwrap();
    }
    delivering.await.unwrap().unwrap();
    assert_eq!(expected.finished().await.unwrap().size, 64 << 20);
}

/// Chunks by hand, into a file.
async fn received(
    files: &Files,
    parts: Vec<Part>,
    options: ReceiveOptions,
) -> Result<Received, ReceiveError> {
    let chunks = parts
        .into_iter()
        .map(|part| Ok::<_, LineError>(FileChunk { part: Some(part) }));
    receive_file(
        stream::iter(chunks.collect::<Vec<_>>()),
        files.partial(),
        options,
    )
    .await
}

fn head(size: u64, offset: u64) -> Part {
    Part::Head(FileHead {
        order: ORDER.into(),
        size,
        offset,
        ..FileHead::default()
    })
}

fn data(bytes: &'static [u8]) -> Part {
    Part::Data(bytes.into())
}

fn end(size: u64, bytes: &[u8]) -> Part {
    let blake3 = hash(bytes).to_vec().into();
    Part::End(jarvis_proto::node::FileEnd { size, blake3 })
}

#[tokio::test]
async fn malformed_streams_are_refused() {
    let files = Files::new(0);
    let foreign = Part::Head(FileHead {
        order: "other".into(),
        ..FileHead::default()
    });
    for parts in [
        vec![data(b"abc"), end(3, b"abc")],
        vec![foreign],
        vec![head(3, 0), head(3, 0)],
        vec![head(2, 0), data(b"abc"), end(3, b"abc")],
        vec![head(3, 0), data(b"abc"), end(4, b"abc")],
    ] {
        let refused = received(&files, parts.clone(), receiving()).await;
        assert!(
            matches!(refused, Err(ReceiveError::Malformed(_))),
            "{parts:?}: {refused:?}"
        );
    }
    let good = vec![head(3, 0), data(b"abc"), end(3, b"abc")];
    assert!(received(&files, good, receiving()).await.is_ok());
}

#[tokio::test]
async fn a_hash_that_does_not_fit_is_refused() {
    let files = Files::new(0);
    let lied = vec![head(3, 0), data(b"abc"), end(3, b"abd")];
    let refused = received(&files, lied, receiving()).await;
    assert!(matches!(refused, Err(ReceiveError::HashMismatch)));
    let other = vec![head(3, 0), data(b"abc"), end(3, b"abc")];
    let wanted = ReceiveOptions {
        blake3: Some(hash(b"xyz")),
        ..receiving()
    };
    let refused = received(&files, other, wanted).await;
    assert!(matches!(refused, Err(ReceiveError::HashMismatch)));
    assert!(!files.partial().exists());
}

#[tokio::test]
async fn a_stream_beyond_the_partial_file_goes_on_from_its_end() {
    let files = Files::new(0);
    fs::write(files.partial(), "ab").unwrap();
    let beyond = vec![head(9, 5), data(b"fghi"), end(9, b"abcdefghi")];
    let refused = received(&files, beyond, receiving()).await;
    assert!(
        matches!(&refused, Err(ReceiveError::Cut { resume: Some(point), .. }) if point.offset == 2),
        "{refused:?}"
    );
    assert_eq!(fs::read(files.partial()).unwrap(), b"ab");
}

#[tokio::test]
async fn what_cannot_be_written_names_the_file() {
    let files = Files::new(0);
    let chunks = vec![head(3, 0), data(b"abc"), end(3, b"abc")];
    let chunks = chunks
        .into_iter()
        .map(|part| Ok::<_, LineError>(FileChunk { part: Some(part) }));
    let nowhere = files.folder.path().join("no/such/folder/file");
    let refused = receive_file(
        stream::iter(chunks.collect::<Vec<_>>()),
        nowhere,
        receiving(),
    )
    .await;
    assert!(refused.unwrap_err().to_string().contains("no/such/folder"));
}

#[tokio::test]
async fn a_sender_whose_receiver_has_gone_ends() {
    let files = Files::new(16 << 20);
    let (chunks, outcome) = send_file(File::open(files.source()).unwrap(), sending(0));
    drop(chunks);
    let ended = timeout(LIMIT, outcome.wait()).await.unwrap();
    assert!(matches!(ended, Err(SendFileError::NotTaken)));
}
