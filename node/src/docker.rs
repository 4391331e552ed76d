//! What a root may ask of the machine's Docker engine, where the node's file allows it.

mod engine;
mod frames;

use std::path::Path;
use std::sync::Arc;

use http_body_util::BodyExt;
use jarvis_nodeclient::Address;
use jarvis_proto::node::{
    Container, Counts, Docker, DockerAction, DockerFailure, Done, Lost, RefusedReason, RunEnded,
    ended, run_ended,
};
use serde::Deserialize;

use self::engine::{Engine, EngineError};
use self::frames::Frames;
use crate::config::DockerConfig;
use crate::core::{Core, Ticket};
use crate::executor::{CombinedTail, ENDED_TAIL, StreamLog};
use crate::refusal::{Refusal, shortened};

/// Most containers that are told.
const MOST_CONTAINERS: usize = 200;
/// Most characters of each of a container's words.
const MOST_WORD: usize = 120;
/// Log lines when nobody says how many, and at most.
const LINES: (u32, u32) = (200, 100_000);
/// Most bytes of a log that are read.
const MOST_LOG: u64 = 16 << 20;

/// An order that was checked.
#[derive(Debug)]
pub(crate) struct DockerOrder(Docker);

/// How the engine was asked, or in vain.
enum Answer {
    Done(Done),
    Log(RunEnded),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    image: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Inspected {
    #[serde(rename = "Config")]
    config: InspectedConfig,
}

#[derive(Deserialize)]
struct InspectedConfig {
    #[serde(rename = "Tty", default)]
    tty: bool,
}

impl DockerOrder {
    /// Checks that it asks for something possible.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub(crate) fn prepare(docker: Docker) -> Result<Self, Refusal> {
        let malformed = |detail: &str| Err(Refusal::new(RefusedReason::Malformed, detail));
        match docker.action() {
            DockerAction::Unspecified => malformed("it asks Docker for nothing"),
            DockerAction::Ps => Ok(Self(docker)),
            _ if !is_container_name(&docker.container) => {
                malformed("no container is called like that")
            }
            _ => Ok(Self(docker)),
        }
    }

    /// Asks the engine, when there is a place for it.
    pub(crate) async fn run(
        self,
        core: &Arc<Core>,
        root: &Address,
        order: &str,
        ticket: Ticket,
    ) -> ended::Outcome {
        let Some(config) = &core.config.docker else {
            return failed(DockerFailure::NotAllowed);
        };
        let mut stop = core.begin(root, order);
        let asking = async {
            let _place = ticket.place().await;
            let folder = core.folder(order);
            let asking = self.ask(config, &folder, core.config.output_limit);
            tokio::time::timeout(config.timeout, asking).await
        };
        let asked = tokio::select! {
            biased;
            _ = stop.wait_for(Option::is_some) => {
                if core.stopping.is_cancelled() {
                    let detail = "the node was stopped meanwhile".to_owned();
                    return ended::Outcome::Lost(Lost { detail });
                }
                return failed(DockerFailure::Cancelled);
            }
            asked = asking => asked,
        };
        match asked {
            Ok(Ok(Answer::Done(done))) => ended::Outcome::Done(done),
            Ok(Ok(Answer::Log(run))) => ended::Outcome::Run(run),
            Ok(Err(error)) => {
                tracing::warn!(order, %error, "Docker was asked in vain");
                ended::Outcome::Done(of_error(error))
            }
            Err(_) => failed(DockerFailure::TimedOut),
        }
    }

    async fn ask(
        &self,
        config: &DockerConfig,
        folder: &Path,
        output_limit: u64,
    ) -> Result<Answer, EngineError> {
        let Self(docker) = self;
        let mut engine = Engine::connect(&config.socket).await?;
        let path = |what: &str| format!("/containers/{}/{what}", docker.container);
        let had_effect = match docker.action() {
            DockerAction::Ps | DockerAction::Unspecified => {
                return Ok(Answer::Done(list(&mut engine, docker.all).await?));
            }
            DockerAction::Logs => {
                let inspected: Inspected = engine.get(&path("json")).await?;
                let tail = match docker.tail {
                    0 => LINES.0,
                    lines => lines.min(LINES.1),
                };
                let query = format!("{}?stdout=1&stderr=1&tail={tail}", path("logs"));
                let body = engine.stream(&query).await?;
                let log = Log::new(folder, output_limit, inspected.config.tty);
                return Ok(Answer::Log(log.take_all(body).await?));
            }
            DockerAction::Start => engine.post(&path("start")).await?,
            DockerAction::Stop => engine.post(&path("stop")).await?,
            DockerAction::Restart => engine.post(&path("restart")).await?,
        };
        Ok(Answer::Done(Done {
            had_effect,
            detail: format!("{:?} {}", docker.action(), docker.container),
            ..Done::default()
        }))
    }
}

async fn list(engine: &mut Engine, all: bool) -> Result<Done, EngineError> {
    let path = format!("/containers/json?all={}", u8::from(all));
    let listed: Vec<Listed> = engine.get(&path).await?;
    let count = listed.len();
    let word = |text: &str| -> String { text.chars().take(MOST_WORD).collect() };
    let containers = listed.into_iter().take(MOST_CONTAINERS);
    Ok(Done {
        detail: format!("{count} containers"),
        more_containers: count > MOST_CONTAINERS,
        containers: containers
            .map(|listed| Container {
                id: listed.id.chars().take(12).collect(),
                name: word(
                    listed
                        .names
                        .first()
                        .map_or("", |name| name.trim_start_matches('/')),
                ),
                image: word(&listed.image),
                state: word(&listed.state),
                status: word(&listed.status),
            })
            .collect(),
        ..Done::default()
    })
}

fn failed(failure: DockerFailure) -> ended::Outcome {
    ended::Outcome::Done(Done {
        docker_failure: failure.into(),
        detail: format!("{failure:?}"),
        ..Done::default()
    })
}

fn of_error(error: EngineError) -> Done {
    let detail = shortened(&error.to_string());
    let (failure, status, message) = match error {
        EngineError::Unreachable(_) => (DockerFailure::Unreachable, 0, String::new()),
        EngineError::NoSuchContainer => (DockerFailure::NoSuchContainer, 0, String::new()),
        EngineError::Engine { status, message } => (DockerFailure::EngineError, status, message),
        EngineError::BadAnswer(_) => (DockerFailure::BadAnswer, 0, String::new()),
    };
    Done {
        detail,
        docker_failure: failure.into(),
        docker_status: status.into(),
        docker_message: message,
        ..Done::default()
    }
}

/// A name or id as Docker gives them, so that it is one part of a path.
fn is_container_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// A container's log on its way into the files of a job.
struct Log {
    streams: [StreamLog; 2],
    combined: CombinedTail,
    /// `None` for a container with a terminal: its log is plain bytes.
    frames: Option<Frames>,
}

impl Log {
    fn new(folder: &Path, output_limit: u64, tty: bool) -> Self {
        let log = |name| StreamLog::new(folder.join(name), output_limit);
        Self {
            streams: [log("stdout"), log("stderr")],
            combined: CombinedTail::new(ENDED_TAIL),
            frames: (!tty).then(Frames::default),
        }
    }

    async fn take_all(mut self, mut body: hyper::body::Incoming) -> Result<RunEnded, EngineError> {
        let mut taken = 0;
        let mut is_cut = false;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            self.take(&data).await?;
            taken += data.len() as u64;
            if taken > MOST_LOG {
                is_cut = true;
                break;
            }
        }
        let is_whole = self.frames.as_ref().is_none_or(Frames::is_between_frames);
        if !is_cut && !is_whole {
            return Err(EngineError::BadAnswer("the log ends in a frame".to_owned()));
        }
        for stream in &mut self.streams {
            stream.store();
            stream.finish();
        }
        let [stdout, stderr] = &self.streams;
        Ok(RunEnded {
            how: Some(run_ended::How::ExitCode(0)),
            counts: Some(Counts {
                stdout_bytes: stdout.bytes(),
                stdout_lines: stdout.lines(),
                stderr_bytes: stderr.bytes(),
                stderr_lines: stderr.lines(),
            }),
            stdout_tail: stdout.tail().into(),
            stderr_tail: stderr.tail().into(),
            tail: self.combined.text(ENDED_TAIL),
            output_truncated: is_cut || self.streams.iter().any(StreamLog::is_truncated),
            ..RunEnded::default()
        })
    }

    async fn take(&mut self, data: &[u8]) -> Result<(), EngineError> {
        let parts = match &mut self.frames {
            None => vec![(0, data)],
            Some(frames) => frames
                .split(data)
                .map_err(|error| EngineError::BadAnswer(error.to_string()))?,
        };
        for (stream, bytes) in parts {
            self.combined.push(stream, bytes);
            self.streams[stream].push(bytes).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_part_of_a_path() {
        for good in ["web", "web_1.a-b", "0123456789ab", "A"] {
            assert!(is_container_name(good), "{good}");
        }
        for bad in [
            "", "../x", "a/b", "a?b=1", "-a", ".a", "a b", "容器", "a%2fb",
        ] {
            assert!(!is_container_name(bad), "{bad}");
        }
    }

    #[test]
    fn an_order_without_a_container_is_refused() {
        let order = |action: DockerAction, container: &str| {
            DockerOrder::prepare(Docker {
                action: action.into(),
                container: container.to_owned(),
                ..Docker::default()
            })
            .is_ok()
        };
        assert!(order(DockerAction::Ps, ""));
        assert!(order(DockerAction::Logs, "web"));
        assert!(!order(DockerAction::Restart, ""));
        assert!(!order(DockerAction::Unspecified, "web"));
    }
}
