//! A job's errands: files that move beside its other work.

use std::sync::Arc;

use jarvis_nodeclient::{Address, NodeName};
use jarvis_proto::node::{
    GetFile, OutputStream, Progress, PutFile, Refused, RefusedReason, ResultFile, StoredOutput,
    ended, get_file,
};
use tokio::sync::{OnceCell, mpsc};

use super::Actor;
use crate::blob::StoredBlob;
use crate::brain::Brain;
use crate::job::ending::TaskEnding;
use crate::job::live::ResultFileNews;
use crate::job::service::needs_file;
use crate::job::transfer::{self, Fetched, Teller, TransferError};
use crate::job::{CopySpec, GetSpec, JobSpec, PutSpec};
use crate::store::{FileRecord, Op};

/// Result files that are brought back for one task.
const MOST_FILES: usize = 20;
/// What a service's answer is called when it comes as a file.
const ANSWER_FILE: &str = "answer.json";

/// News from the job's own errands.
#[derive(Debug)]
pub(super) enum Errand {
    /// How far a transfer is.
    Goes { position: usize, progress: Progress },
    Moved {
        position: usize,
        ending: TaskEnding,
        file: Option<Fetched>,
    },
    Files {
        position: usize,
        files: Vec<ResultFileNews>,
    },
}

impl Actor {
    pub(super) async fn take_errand(&mut self, news: Errand) {
        match news {
            Errand::Goes { position, progress } => {
                let live = &mut self.tasks[position];
                if !live.task.state.is_final() {
                    live.progress = Some(progress);
                }
            }
            Errand::Moved {
                position,
                ending,
                file,
            } => {
                let live = &mut self.tasks[position];
                live.fetching = false;
                live.files
                    .extend(file.map(|file| ResultFileNews::Came { file, number: 0 }));
                self.end_task(position, ending).await;
            }
            Errand::Files { position, files } => {
                let live = &mut self.tasks[position];
                live.fetching = false;
                live.files = files;
            }
        }
    }

    /// The job has ended: nothing it fetched is needed any more.
    pub(super) async fn forget_fetched(&self) {
        match self.job.spec {
            JobSpec::Copy(_) => {
                let key = copy_key(&self.job.id.to_string());
                transfer::forget_once(&self.brain, &key).await;
            }
            JobSpec::Get(_) => {
                for live in &self.tasks {
                    transfer::forget_once(&self.brain, &live.task.order).await;
                }
            }
            JobSpec::Run(_) | JobSpec::Put(_) | JobSpec::Instruct(_) | JobSpec::Update(_) => {}
        }
    }

    /// Gives the files that came their numbers.
    pub(super) async fn keep_files(&mut self) -> Vec<Op> {
        let mut ops = Vec::new();
        for live in &mut self.tasks {
            for news in &mut live.files {
                let ResultFileNews::Came { file, number } = news else {
                    continue;
                };
                let record = FileRecord {
                    number: 0,
                    hash: file.blob.hash.clone(),
                    name: file.name.clone(),
                    mime: String::new(),
                    size: i64::try_from(file.blob.size).unwrap_or(i64::MAX),
                    source: format!("{}:{}", live.node, file.moved.path),
                    account: self.job.account.clone(),
                    room: self.job.room.clone(),
                    message: String::new(),
                    job: self.job.number,
                    created_ms: 0,
                };
                match crate::file::numbered(&self.brain, record).await {
                    Ok(record) => {
                        *number = record.number;
                        ops.push(Op::PutFile(Box::new(record)));
                    }
                    // It is sent nevertheless; only `files` does not know it.
                    Err(error) => tracing::error!(%error, "a file gets no number"),
                }
            }
        }
        ops
    }

    /// Brings the result files of a script or service back, beside the job's other work.
    pub(super) fn fetch_results(&mut self, position: usize) {
        let live = &mut self.tasks[position];
        let Some(ending) = &live.ending else {
            return;
        };
        let wanted = wanted_files(&live.task.order, ending);
        if wanted.is_empty() || live.fetching {
            return;
        }
        let limit = self.brain.file_limit(&self.job.room.bot);
        let (brain, node, address) = (self.brain.clone(), live.node.clone(), live.address.clone());
        let (order, news) = (live.task.order.clone(), self.errands.0.clone());
        live.fetching = true;
        self.errand_tasks.spawn(async move {
            let mut came = Vec::new();
            for (index, file) in wanted.into_iter().enumerate() {
                let get = GetFile {
                    source: Some(file.source),
                    most_bytes: limit,
                    ..GetFile::default()
                };
                let key = format!("{order}-{index}");
                came.push(
                    match transfer::fetch(&brain, &node, &address, get, &key).await {
                        Ok(mut fetched) => {
                            fetched.name = crate::blob::clean_file_name(&file.name);
                            ResultFileNews::Came {
                                file: fetched,
                                number: 0,
                            }
                        }
                        Err(error) => ResultFileNews::Stays {
                            path: file.path,
                            why: error.to_string(),
                        },
                    },
                );
            }
            let _ = news
                .send(Errand::Files {
                    position,
                    files: came,
                })
                .await;
        });
    }

    /// Moves the file of a get or put job, beside the job's other work.
    pub(super) fn start_transfer(&mut self, position: usize) {
        let live = &self.tasks[position];
        let (brain, node, address) = (self.brain.clone(), live.node.clone(), live.address.clone());
        let (key, news) = (live.task.order.clone(), self.errands.0.clone());
        let limit = self.brain.file_limit(&self.job.room.bot);
        let spec = self.job.spec.clone();
        let (job, copied) = (self.job.id.to_string(), Arc::clone(&self.copied));
        self.errand_tasks.spawn(async move {
            let errand = Transfer {
                brain,
                node,
                address,
                teller: (position, news.clone()),
            };
            let (ending, file) = match spec {
                JobSpec::Get(spec) => errand.get(&spec, limit, &key).await,
                JobSpec::Put(spec) => (errand.put(&spec).await, None),
                JobSpec::Copy(spec) => (errand.copy(&spec, &job, &copied).await, None),
                JobSpec::Run(_) | JobSpec::Instruct(_) | JobSpec::Update(_) => return,
            };
            let _ = news
                .send(Errand::Moved {
                    position,
                    ending,
                    file,
                })
                .await;
        });
    }
}

/// A file to bring back.
struct Wanted {
    source: get_file::Source,
    name: String,
    path: String,
}

/// The result files, and a service's answer that is too large for a message.
fn wanted_files(order: &str, ending: &TaskEnding) -> Vec<Wanted> {
    let answer = ending
        .service()
        .filter(|answer| needs_file(answer))
        .map(|_| Wanted {
            source: get_file::Source::Output(StoredOutput {
                order: order.to_owned(),
                stream: OutputStream::Stdout.into(),
            }),
            name: ANSWER_FILE.to_owned(),
            path: ANSWER_FILE.to_owned(),
        });
    let results = ending
        .files()
        .iter()
        .enumerate()
        .map(|(index, file)| Wanted {
            source: get_file::Source::Result(ResultFile {
                order: order.to_owned(),
                index: u32::try_from(index).unwrap_or(u32::MAX),
            }),
            name: file.name.clone(),
            path: file.path.clone(),
        });
    answer.into_iter().chain(results.take(MOST_FILES)).collect()
}

/// What was fetched for a copy, once for all its nodes.
pub(super) type Copied = Arc<OnceCell<Result<Fetched, TaskEnding>>>;

/// What the transfer from the source of a copy is called.
fn copy_key(job: &str) -> String {
    format!("copy-{job}")
}

/// One file on its way to or from one node.
struct Transfer {
    brain: Brain,
    node: NodeName,
    address: Address,
    teller: (usize, mpsc::Sender<Errand>),
}

impl Transfer {
    fn teller(&self) -> impl Fn(u64, u64) + Send + Sync {
        let (position, news) = self.teller.clone();
        let started = std::time::Instant::now();
        move |done, total| {
            let progress = Progress {
                elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                bytes_done: done,
                bytes_total: total,
                ..Progress::default()
            };
            // Passing news; a busy job does without.
            let _ = news.try_send(Errand::Goes { position, progress });
        }
    }

    async fn get(&self, spec: &GetSpec, limit: u64, key: &str) -> (TaskEnding, Option<Fetched>) {
        let started_ms = self.brain.now_ms();
        let limit = if spec.keep { 0 } else { limit };
        let get = spec.to_order(limit);
        let (brain, node, address) = (&self.brain, &self.node, &self.address);
        let tell = self.teller();
        match transfer::fetch_once(brain, node, address, get.clone(), key, &tell).await {
            Ok(fetched) => {
                let mut moved = fetched.moved.clone();
                moved.size = fetched.blob.size;
                moved.blake3 = bytes::Bytes::copy_from_slice(&fetched.blob.digest());
                let outcome = ended::Outcome::Transfer(moved);
                (
                    TaskEnding::Ended(Box::new(transfer::ending(
                        outcome,
                        started_ms,
                        brain.now_ms(),
                    ))),
                    Some(fetched),
                )
            }
            Err(TransferError::Refused(refused)) if refused.reason() == RefusedReason::TooLarge => {
                (self.count(get, key, refused).await, None)
            }
            Err(error) => (failed(&error), None),
        }
    }

    /// What is too large is told with its size, and how many files it is.
    async fn count(&self, mut get: GetFile, key: &str, refused: Refused) -> TaskEnding {
        get.count_only = true;
        get.offset = 0;
        let key = format!("{key}-count");
        let (brain, node, address) = (&self.brain, &self.node, &self.address);
        match transfer::fetch(brain, node, address, get, &key).await {
            Ok(counted) if counted.moved.is_archive => TaskEnding::Refused(Refused {
                detail: transfer::counted(counted.moved.entries),
                size: counted.moved.content_bytes,
                ..refused
            }),
            _ => TaskEnding::Refused(refused),
        }
    }

    async fn put(&self, spec: &PutSpec) -> TaskEnding {
        let blob = StoredBlob {
            hash: spec.blob.clone(),
            size: spec.size,
        };
        self.send(spec.to_order(&blob), &blob, &self.teller()).await
    }

    async fn send(&self, put: PutFile, blob: &StoredBlob, tell: Teller<'_>) -> TaskEnding {
        let started_ms = self.brain.now_ms();
        match transfer::put(&self.brain, &self.node, &self.address, put, blob, tell).await {
            Ok(done) => {
                let outcome = ended::Outcome::Transfer(done);
                TaskEnding::Ended(Box::new(transfer::ending(
                    outcome,
                    started_ms,
                    self.brain.now_ms(),
                )))
            }
            Err(error) => failed(&error),
        }
    }

    /// The first node's errand fetches the file, the others wait for it.
    async fn copy(&self, spec: &CopySpec, job: &str, copied: &Copied) -> TaskEnding {
        let fetch = async {
            let (Ok(from), Ok(address)) = (
                NodeName::parse(&spec.from),
                Address::parse(&spec.from_address),
            ) else {
                return Err(TaskEnding::refused(
                    RefusedReason::Malformed,
                    "no such node",
                ));
            };
            let get = GetFile {
                source: Some(get_file::Source::Path(spec.source.clone())),
                archive: true,
                ..GetFile::default()
            };
            let key = copy_key(job);
            transfer::fetch_once(&self.brain, &from, &address, get, &key, &self.teller())
                .await
                .map_err(|error| transfer::of_source(failed(&error)))
        };
        let fetched = match copied.get_or_init(|| fetch).await {
            Ok(fetched) => fetched,
            Err(ending) => return ending.clone(),
        };
        let put = PutFile {
            path: spec.path.clone(),
            size: fetched.blob.size,
            blake3: bytes::Bytes::copy_from_slice(&fetched.blob.digest()),
            mode: 0,
            file_name: fetched.name.clone(),
            extract: fetched.moved.is_archive,
        };
        self.send(put, &fetched.blob, &self.teller()).await
    }
}

fn failed(error: &TransferError) -> TaskEnding {
    match error {
        TransferError::Refused(refused) => TaskEnding::Refused(refused.clone()),
        // Known again by its words, when it is told.
        other => TaskEnding::refused(RefusedReason::Unspecified, &other.to_string()),
    }
}

impl GetSpec {
    fn to_order(&self, most_bytes: u64) -> GetFile {
        GetFile {
            source: Some(get_file::Source::Path(self.path.clone())),
            tail_lines: self.tail_lines,
            head_lines: self.head_lines,
            gzip: self.gzip,
            most_bytes,
            archive: true,
            ..GetFile::default()
        }
    }
}

impl PutSpec {
    fn to_order(&self, blob: &StoredBlob) -> PutFile {
        PutFile {
            path: self.path.clone(),
            size: blob.size,
            blake3: bytes::Bytes::copy_from_slice(&blob.digest()),
            mode: 0,
            file_name: self.name.clone(),
            extract: self.extract,
        }
    }
}
