//! A job's errands: files that move beside its other work.

use jarvis_proto::node::{
    Ended, GetFile, OutputStream, PutFile, RefusedReason, ResultFile, StoredOutput, TransferEnded,
    ended, get_file,
};

use super::Actor;
use crate::blob::StoredBlob;
use crate::job::ending::TaskEnding;
use crate::job::live::ResultFileNews;
use crate::job::service::needs_file;
use crate::job::transfer::{self, Fetched, TransferError};
use crate::job::{GetSpec, JobSpec, PutSpec};

/// Result files that are brought back for one task.
const MOST_FILES: usize = 20;
/// What a service's answer is called when it comes as a file.
const ANSWER_FILE: &str = "answer.json";

/// News from the job's own errands.
#[derive(Debug)]
pub(super) enum Errand {
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
                            ResultFileNews::Came(fetched)
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
        self.errand_tasks.spawn(async move {
            let started_ms = brain.now_ms();
            let (ending, file) = match spec {
                JobSpec::Get(spec) => {
                    let get = spec.to_order(limit);
                    match transfer::fetch(&brain, &node, &address, get, &key).await {
                        Ok(fetched) => (
                            moved(&spec.path, &fetched.blob, started_ms, brain.now_ms()),
                            Some(fetched),
                        ),
                        Err(error) => (failed(&error), None),
                    }
                }
                JobSpec::Put(spec) => {
                    let blob = StoredBlob {
                        hash: spec.blob.clone(),
                        size: spec.size,
                    };
                    match transfer::put(&brain, &node, &address, spec.to_order(&blob), &blob).await
                    {
                        Ok(done) => (put_ending(done, started_ms, brain.now_ms()), None),
                        Err(error) => (failed(&error), None),
                    }
                }
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

fn moved(path: &str, blob: &StoredBlob, started_ms: i64, ended_ms: i64) -> TaskEnding {
    let done = TransferEnded {
        path: path.to_owned(),
        size: blob.size,
        blake3: bytes::Bytes::copy_from_slice(&blob.digest()),
        ..Default::default()
    };
    put_ending(done, started_ms, ended_ms)
}

fn put_ending(done: TransferEnded, started_ms: i64, ended_ms: i64) -> TaskEnding {
    TaskEnding::Ended(Box::new(Ended {
        started_ms,
        ended_ms,
        outcome: Some(ended::Outcome::Transfer(done)),
        ..Default::default()
    }))
}

fn failed(error: &TransferError) -> TaskEnding {
    match error {
        TransferError::Refused(refused) => TaskEnding::Refused(refused.clone()),
        other => TaskEnding::refused(RefusedReason::Io, &other.to_string()),
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
        }
    }
}
