//! A file of this node, or stored output, to a root.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzEncoder;
use jarvis_nodeclient::transfer::{
    FileStream, Meter, SendFileError, SendOptions, SendOutcome, Sent, send_file, send_reader,
};
use jarvis_nodeclient::{Address, LineError};
use jarvis_proto::node::{
    Ended, GetFile, OutputStream, RefusedReason, ResultFile, StoredOutput, TransferEnded, ended,
    get_file, order,
};

use super::lines::{Head, ReadAt, tail_offset};
use super::pack::{Summary, pack};
use super::tree::{Extent, MOST_ENTRIES, Tree, WalkError};
use super::{LINE_BACK, MOST_CUTS, blocking, modified_ms, tell_progress};
use crate::core::{Core, Ticket};
use crate::executor::Stop;
use crate::ledger::State;
use crate::orders::directory;
use crate::places::PlaceError;
use crate::refusal::Refusal;

/// Most bytes of a file whose size is not known, as those in `/proc`.
const MOST_UNSIZED: u64 = 64 << 20;

/// Something to send, already open, so that what is sent is what was checked.
#[derive(Debug)]
pub(crate) struct Get {
    source: Source,
    path: String,
    name: String,
    size: u64,
    modified_ms: i64,
    order: GetFile,
    /// What was packed, with a tree.
    summary: Arc<Mutex<Summary>>,
}

#[derive(Debug)]
enum Source {
    File(File),
    /// Output so short that it was never written to a file.
    Memory(Bytes),
    /// What is sent as an archive.
    Tree(Tree),
}

impl Get {
    /// Finds and opens what an order of `root` asks for.
    ///
    /// # Errors
    ///
    /// When the place is not allowed, nothing is there, or it is larger than the order allows.
    pub(crate) async fn prepare(
        core: &Arc<Core>,
        root: &Address,
        order: GetFile,
    ) -> Result<Self, Refusal> {
        let (core, root) = (Arc::clone(core), root.clone());
        blocking(move || {
            let get = match order.source.clone() {
                Some(get_file::Source::Path(path)) => {
                    let path = directory(&core, &path);
                    match core.places.open(&path) {
                        Ok((file, real)) => Self::of_file(file, &real, order)?,
                        Err(error) if order.archive => {
                            Self::of_several(&core, &path, error, order)?
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Some(get_file::Source::Output(output)) => {
                    Self::of_output(&core, &root, &output, order)?
                }
                Some(get_file::Source::Result(result)) => {
                    let (file, real) = open_result(&core, &root, &result)?;
                    Self::of_file(file, &real, order)?
                }
                None => return Err(Refusal::new(RefusedReason::Malformed, "it names no file")),
            };
            get.check_size()?;
            Ok(get)
        })
        .await
    }

    fn of_file(file: File, path: &Path, order: GetFile) -> Result<Self, Refusal> {
        let metadata = file.metadata()?;
        Ok(Self {
            source: Source::File(file),
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            path: path.to_string_lossy().into_owned(),
            size: metadata.len(),
            modified_ms: modified_ms(&metadata),
            order,
            summary: Arc::default(),
        })
    }

    /// What is no file: a folder, or a pattern of names.
    fn of_several(
        core: &Core,
        path: &Path,
        error: PlaceError,
        order: GetFile,
    ) -> Result<Self, Refusal> {
        let tree = match &error {
            PlaceError::IsDirectory(_) => Tree::of_folder(&core.places, path)?,
            PlaceError::NotFound(_) | PlaceError::NotAllowed(_) => {
                match Tree::of_pattern(&core.places, path) {
                    Some(tree) => tree?,
                    None => return Err(error.into()),
                }
            }
            _ => return Err(error.into()),
        };
        if order.tail_lines > 0 || order.head_lines > 0 {
            let directory = PlaceError::IsDirectory(tree.path().to_owned());
            return Err(directory.into());
        }
        let mut extent = Extent::default();
        match tree.measure(&mut extent) {
            Ok(()) => {}
            Err(WalkError::TooMany) if order.count_only => extent.entries = MOST_ENTRIES + 1,
            Err(error @ WalkError::TooMany) => {
                return Err(Refusal::new(RefusedReason::TooLarge, error));
            }
            Err(WalkError::Io(error)) => return Err(error.into()),
        }
        if tree.is_pattern() && extent.entries == 0 {
            return Err(PlaceError::NotFound(path.to_owned()).into());
        }
        if tree.is_pattern()
            && let Some(only) = &extent.only_file
        {
            let (file, real) = core.places.open(&tree.path().join(only))?;
            return Self::of_file(file, &real, order);
        }
        Ok(Self {
            name: format!("{}.tar.gz", tree.name().to_string_lossy()),
            path: tree.path().to_string_lossy().into_owned(),
            size: extent.bytes,
            modified_ms: 0,
            order,
            summary: Arc::new(Mutex::new(Summary {
                entries: extent.entries,
                bytes: extent.bytes,
                ..Summary::default()
            })),
            source: Source::Tree(tree),
        })
    }

    fn of_output(
        core: &Core,
        root: &Address,
        output: &StoredOutput,
        order: GetFile,
    ) -> Result<Self, Refusal> {
        let name = match output.stream() {
            OutputStream::Stdout => "stdout",
            OutputStream::Stderr => "stderr",
            OutputStream::Unspecified => {
                return Err(Refusal::new(RefusedReason::Malformed, "it names no stream"));
            }
        };
        let state = core.ledger.state(root, &output.order)?;
        if state == State::Unknown {
            return Err(not_known(&output.order));
        }
        let path = core.folder(&output.order).join(name);
        let mut get = match (File::open(&path), state) {
            (Ok(file), _) => Self::of_file(file, &path, order)?,
            (Err(error), State::Ended(ended)) if error.kind() == io::ErrorKind::NotFound => {
                let tail =
                    stored_tail(&ended, output.stream()).ok_or_else(|| not_kept(&output.order))?;
                Self {
                    size: tail.len() as u64,
                    source: Source::Memory(tail),
                    path: path.to_string_lossy().into_owned(),
                    name: String::new(),
                    modified_ms: ended.ended_ms,
                    order,
                    summary: Arc::default(),
                }
            }
            (Err(error), State::Open { .. }) if error.kind() == io::ErrorKind::NotFound => Self {
                source: Source::Memory(Bytes::new()),
                path: path.to_string_lossy().into_owned(),
                name: String::new(),
                size: 0,
                modified_ms: 0,
                order,
                summary: Arc::default(),
            },
            (Err(error), _) => return Err(error.into()),
        };
        get.name = format!("{name}.txt");
        Ok(get)
    }

    fn check_size(&self) -> Result<(), Refusal> {
        let most = self.order.most_bytes;
        if self.is_whole() && !self.order.count_only && most > 0 && self.size > most {
            let detail = format!(
                "`{}` has {} bytes, and {most} are the limit",
                self.path, self.size
            );
            return Err(Refusal {
                size: self.size,
                ..Refusal::new(RefusedReason::TooLarge, detail)
            });
        }
        Ok(())
    }

    /// All bytes as they are, so that size and offset mean something.
    fn is_whole(&self) -> bool {
        !self.order.gzip && self.order.tail_lines == 0 && self.order.head_lines == 0
    }

    /// Sends the bytes.
    pub(crate) async fn run(
        self,
        core: &Arc<Core>,
        root: &Address,
        order: &str,
        ticket: Ticket,
    ) -> ended::Outcome {
        let stop = core.begin(root, order);
        if self.order.count_only {
            return ended::Outcome::Transfer(TransferEnded {
                size: self.size,
                ..self.ended()
            });
        }
        match self.deliver(core, root, order, ticket, stop).await {
            Ok(sent) => ended::Outcome::Transfer(TransferEnded {
                size: sent.size,
                blake3: sent.blake3.to_vec().into(),
                ..self.ended()
            }),
            Err(refusal) => ended::Outcome::Failed(refusal.of(order)),
        }
    }

    /// What is told of it in the end, but for its bytes.
    fn ended(&self) -> TransferEnded {
        let summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        TransferEnded {
            path: self.path.clone(),
            modified_ms: self.modified_ms,
            entries: summary.entries,
            content_bytes: summary.bytes,
            notes: summary.notes(),
            is_archive: matches!(self.source, Source::Tree(_)),
            ..TransferEnded::default()
        }
    }

    async fn deliver(
        &self,
        core: &Core,
        root: &Address,
        order: &str,
        ticket: Ticket,
        stop: Stop,
    ) -> Result<Sent, Refusal> {
        let meter = Meter::default();
        let transfer = async {
            let _place = ticket.place().await;
            self.send(core, root, order, &meter).await
        };
        let is_tree = matches!(self.source, Source::Tree(_));
        let total = if self.is_whole() && !is_tree {
            self.size
        } else {
            0
        };
        tell_progress(core, root, order, &meter, total, stop, transfer).await
    }

    /// Sends until the root has it all; begins again when the line was cut and the root is back.
    async fn send(
        &self,
        core: &Core,
        root: &Address,
        order: &str,
        meter: &Meter,
    ) -> Result<Sent, Refusal> {
        let mut trouble = String::from("there is no session with the root");
        for _ in 0..MOST_CUTS {
            let Some(link) = core.lines.wait_for(root, LINE_BACK).await else {
                break;
            };
            let (chunks, outcome) = self.open_stream(order, meter)?;
            let delivered = link.deliver(chunks).await;
            let sent = outcome.wait().await;
            match (delivered, sent) {
                (Ok(_), Ok(sent)) => return Ok(sent),
                // What is wrong on our side is the cause of what the root then says.
                (
                    _,
                    Err(
                        error @ (SendFileError::Changed
                        | SendFileError::BeyondEnd { .. }
                        | SendFileError::Io(_)),
                    ),
                ) => {
                    return Err(Refusal::new(RefusedReason::Io, error));
                }
                (Err(LineError::Closed(detail)), _) => trouble = detail,
                (Err(error @ LineError::NoRoom(_)), _) => {
                    return Err(Refusal::new(RefusedReason::TooLarge, error));
                }
                (Err(error), _) => return Err(Refusal::new(RefusedReason::Io, error)),
                (Ok(_), Err(error)) => trouble = error.to_string(),
            }
        }
        Err(Refusal::new(
            RefusedReason::Io,
            format!("the transfer was cut: {trouble}"),
        ))
    }

    fn open_stream(
        &self,
        order: &str,
        meter: &Meter,
    ) -> Result<(FileStream, SendOutcome), Refusal> {
        let mut options = SendOptions {
            order: order.to_owned(),
            name: self.name.clone(),
            modified_ms: self.modified_ms,
            meter: meter.clone(),
            ..SendOptions::default()
        };
        let file = match &self.source {
            Source::File(file) => file.try_clone()?,
            Source::Memory(bytes) => {
                let start = self.start(bytes)?;
                let mut reader = Cursor::new(bytes.clone());
                reader.set_position(start);
                return self.cut(reader, options);
            }
            Source::Tree(tree) => {
                let packed = pack(tree.try_clone()?, Arc::clone(&self.summary))?;
                return Ok(send_reader(packed, options));
            }
        };
        if self.is_whole() && self.size > 0 {
            let is_same = self.order.known_size == self.size
                && self.order.known_modified_ms == self.modified_ms;
            options.offset = if is_same {
                self.order.offset.min(self.size)
            } else {
                0
            };
            return Ok(send_file(file, options));
        }
        let start = self.start(&file)?;
        (&file).seek(SeekFrom::Start(start))?;
        // Exactly what was there when it was opened; what grows meanwhile belongs to the next time.
        let most = if self.size == 0 {
            MOST_UNSIZED
        } else {
            self.size - start
        };
        self.cut(file.take(most), options)
    }

    /// Where the lines that are asked for begin.
    fn start(&self, source: &impl ReadAt) -> io::Result<u64> {
        match self.order.tail_lines {
            0 => Ok(0),
            lines => tail_offset(source, self.size, lines),
        }
    }

    /// Applies what is asked for of lines and packing.
    fn cut(
        &self,
        reader: impl Read + Send + 'static,
        mut options: SendOptions,
    ) -> Result<(FileStream, SendOutcome), Refusal> {
        let lines = if self.order.head_lines == 0 {
            u64::MAX
        } else {
            self.order.head_lines
        };
        let reader = Head::new(reader, lines);
        if self.order.gzip {
            options.name.push_str(".gz");
            return Ok(send_reader(
                GzEncoder::new(reader, Compression::default()),
                options,
            ));
        }
        Ok(send_reader(reader, options))
    }
}

/// A result file, checked as it was when the job ended.
fn open_result(
    core: &Core,
    root: &Address,
    result: &ResultFile,
) -> Result<(File, PathBuf), Refusal> {
    let State::Ended(ended) = core.ledger.state(root, &result.order)? else {
        return Err(not_known(&result.order));
    };
    let body = core
        .ledger
        .order(root, &result.order)?
        .and_then(|order| order.body);
    // A service names files only where any root may fetch them; a job also in its own directory.
    let (files, places) = match (ended.outcome, body) {
        (Some(ended::Outcome::Run(run)), Some(order::Body::Run(job))) => {
            (run.files, core.places.and(&directory(core, &job.cwd)))
        }
        (Some(ended::Outcome::Service(answer)), _) => (answer.files, core.places.clone()),
        _ => return Err(not_known(&result.order)),
    };
    let file = files.get(result.index as usize).ok_or_else(|| {
        Refusal::new(
            RefusedReason::NotFound,
            format!("order {} has {} result files", result.order, files.len()),
        )
    })?;
    Ok(places.open(Path::new(&file.path))?)
}

/// The whole of a stream, if its end is all that there was.
fn stored_tail(ended: &Ended, stream: OutputStream) -> Option<Bytes> {
    let Some(ended::Outcome::Run(run)) = &ended.outcome else {
        return None;
    };
    let counts = run.counts.unwrap_or_default();
    let (tail, bytes) = match stream {
        OutputStream::Stdout => (&run.stdout_tail, counts.stdout_bytes),
        _ => (&run.stderr_tail, counts.stderr_bytes),
    };
    (tail.len() as u64 == bytes).then(|| tail.clone())
}

fn not_known(order: &str) -> Refusal {
    Refusal::new(
        RefusedReason::NotFound,
        format!("this node knows no ended job {order}"),
    )
}

fn not_kept(order: &str) -> Refusal {
    Refusal::new(
        RefusedReason::NotFound,
        format!("the output of {order} is not kept any more"),
    )
}
