//! Calls of the services that the node's file declares: JSON in on standard input, JSON out on
//! standard output, run as jobs are.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jarvis_nodeclient::Address;
use jarvis_proto::node::{
    CallService, FileInfo, FileNote, RefusedReason, RunEnded, ServiceAnswer, ServiceFacts,
    ServiceFailure, ServiceLink, ended, run_ended,
};
use serde_json::Value;

use crate::config::{NodeConfig, ServiceConfig};
use crate::core::{Core, Ticket};
use crate::executor::Task;
use crate::job;
use crate::refusal::Refusal;

/// Most bytes of JSON that a call may bring.
const MOST_INPUT: usize = 64 * 1024;
/// Up to here an answer travels with the ending; a larger one is fetched.
const MOST_INLINE: usize = 16 * 1024;
/// Most of standard error that is told of a failure.
const ERROR_TAIL: usize = 2 * 1024;
/// Most files that an answer may bring.
const MOST_FILES: usize = 20;
/// Longest title and address of a link.
const LONGEST_LINK: (usize, usize) = (200, 2_000);
/// The program is started by the shell that changed to its working directory.
const START: &str = r#"exec "$@""#;

/// A call that was checked.
#[derive(Debug)]
pub(crate) struct Call {
    service: ServiceConfig,
    task: Task,
}

/// What the services are, for the facts.
pub(crate) fn facts(config: &NodeConfig) -> Vec<ServiceFacts> {
    let facts = |service: &ServiceConfig| ServiceFacts {
        name: service.name.clone(),
        description: service.description.clone(),
        timeout_ms: millis(service.timeout),
        danger: service.danger,
    };
    config.services.iter().map(facts).collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Call {
    /// Finds the service and checks what it is to get.
    ///
    /// # Errors
    ///
    /// When there is no such service, or its input is no JSON or too large.
    pub(crate) fn prepare(core: &Core, order: &str, call: &CallService) -> Result<Self, Refusal> {
        let service = core
            .config
            .services
            .iter()
            .find(|service| service.name == call.service)
            .ok_or_else(|| {
                Refusal::new(
                    RefusedReason::NotFound,
                    format!("there is no service `{}`", call.service),
                )
            })?
            .clone();
        if call.json.len() > MOST_INPUT {
            return Err(Refusal {
                size: call.json.len() as u64,
                ..Refusal::new(RefusedReason::TooLarge, "its JSON is too large")
            });
        }
        let mut input = match call.json.trim() {
            "" => "{}".to_owned(),
            json => json.to_owned(),
        };
        if let Err(error) = serde_json::from_str::<Value>(&input) {
            return Err(Refusal::new(
                RefusedReason::Malformed,
                format!("its input is no JSON: {error}"),
            ));
        }
        input.push('\n');
        let config = &core.config;
        let timeout = match call.timeout_ms {
            0 => service.timeout,
            asked => service.timeout.min(Duration::from_millis(asked)),
        };
        let argv = std::iter::once(&service.program).chain(&service.args);
        let task = Task {
            order: order.to_owned(),
            script: START.to_owned(),
            args: argv.cloned().collect(),
            env: [("JARVIS_SERVICE".to_owned(), service.name.clone())].into(),
            cwd: service.cwd.clone().unwrap_or_else(|| config.work.clone()),
            stdin: Bytes::from(input),
            timeout,
            result_globs: Vec::new(),
            name: service.name.clone(),
            shell: config.shell.clone(),
            grace: config.stop_grace,
            folder: core.folder(order),
            output_limit: config.output_limit.max(service.output_limit),
            most_output: Some(service.output_limit),
        };
        Ok(Self { service, task })
    }

    /// Calls it, when there is a place for it.
    pub(crate) async fn run(
        self,
        core: &Arc<Core>,
        root: &Address,
        ticket: Ticket,
    ) -> ended::Outcome {
        let Self { service, task } = self;
        if !is_program(&service.program) {
            let detail = format!("`{}` is no program", service.program);
            tracing::error!(service = service.name, detail, "cannot be started");
            return ended::Outcome::Service(failed(ServiceFailure::NotStarted, 0, &detail));
        }
        let (cwd, folder) = (task.cwd.clone(), task.folder.clone());
        match job::run(core, root, task, ticket).await {
            ended::Outcome::Run(run) => {
                ended::Outcome::Service(answer(core, &service, run, &cwd, &folder).await)
            }
            other => other,
        }
    }
}

/// Whether a program of this name or path can be started.
fn is_program(program: &str) -> bool {
    let can_run = |path: &Path| {
        path.metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return can_run(Path::new(program));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| can_run(&folder.join(program)))
}

fn failed(failure: ServiceFailure, code: i32, error_tail: &str) -> ServiceAnswer {
    ServiceAnswer {
        failure: failure.into(),
        code,
        error_tail: error_tail.to_owned(),
        ..ServiceAnswer::default()
    }
}

async fn answer(
    core: &Arc<Core>,
    service: &ServiceConfig,
    run: RunEnded,
    cwd: &Path,
    folder: &Path,
) -> ServiceAnswer {
    let counts = run.counts.unwrap_or_default();
    let errors = last_lines(&String::from_utf8_lossy(&run.stderr_tail));
    let mut answer = match ending(service, &run) {
        Some((ServiceFailure::NotStarted, code)) => {
            let detail = match &run.how {
                Some(run_ended::How::NotStarted(detail)) => last_lines(detail),
                _ => errors,
            };
            failed(ServiceFailure::NotStarted, code, &detail)
        }
        Some((failure, code)) => failed(failure, code, &errors),
        None => {
            let (core, cwd, stored) = (Arc::clone(core), cwd.to_owned(), folder.join("stdout"));
            let read = tokio::task::spawn_blocking(move || {
                let output = whole_output(&run, &stored)?;
                let text = String::from_utf8(output).ok()?;
                read_answer(&core, &text, &cwd)
            });
            read.await
                .unwrap_or_default()
                .unwrap_or_else(|| failed(ServiceFailure::NotJson, 0, &errors))
        }
    };
    answer.counts = Some(counts);
    answer.json_bytes = counts.stdout_bytes;
    answer
}

/// What went wrong before the answer was looked at, if anything did.
fn ending(service: &ServiceConfig, run: &RunEnded) -> Option<(ServiceFailure, i32)> {
    let written = run.counts.unwrap_or_default().stdout_bytes;
    // Too much output is a reason to be stopped; what the stopping looks like says nothing then.
    if written > service.output_limit {
        return Some((ServiceFailure::TooMuchOutput, 0));
    }
    if run.cancelled {
        return Some((ServiceFailure::Cancelled, 0));
    }
    if run.timed_out {
        return Some((ServiceFailure::TimedOut, 0));
    }
    match run.how {
        Some(run_ended::How::ExitCode(0)) => None,
        Some(run_ended::How::ExitCode(code)) => Some((ServiceFailure::ExitCode, code)),
        Some(run_ended::How::Signal(signal)) => Some((ServiceFailure::Signal, signal)),
        Some(run_ended::How::NotStarted(_)) | None => Some((ServiceFailure::NotStarted, 0)),
    }
}

/// Everything that it wrote to standard output: from memory, or from the file beside.
fn whole_output(run: &RunEnded, stored: &Path) -> Option<Vec<u8>> {
    let written = run.counts.unwrap_or_default().stdout_bytes;
    if run.stdout_tail.len() as u64 == written {
        return Some(run.stdout_tail.to_vec());
    }
    let output = std::fs::read(stored).ok()?;
    (output.len() as u64 == written).then_some(output)
}

fn read_answer(core: &Core, text: &str, cwd: &Path) -> Option<ServiceAnswer> {
    let value: Value = serde_json::from_str(text).ok()?;
    let mut answer = ServiceAnswer::default();
    for path in named_files(&value) {
        let place: PathBuf = cwd.join(path);
        match core.places.open(&place) {
            Ok((file, real)) => answer.files.push(FileInfo {
                path: real.to_string_lossy().into_owned(),
                name: place
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                size: file.metadata().map_or(0, |metadata| metadata.len()),
            }),
            Err(error) => {
                let refusal = Refusal::from(error);
                answer.file_notes.push(FileNote {
                    path: crate::refusal::shortened(path),
                    reason: refusal.reason.into(),
                });
            }
        }
    }
    answer.link = link(&value);
    if text.len() <= MOST_INLINE {
        text.trim().clone_into(&mut answer.json);
    }
    Some(answer)
}

fn named_files(value: &Value) -> impl Iterator<Item = &str> {
    value
        .get("files")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .take(MOST_FILES)
}

fn link(value: &Value) -> Option<ServiceLink> {
    let link = value.get("link")?;
    let text = |key| link.get(key).and_then(Value::as_str).unwrap_or_default();
    let (title, url) = (text("title"), text("url"));
    let is_plain = url.chars().all(|c| c.is_ascii_graphic());
    if !url.starts_with("https://") || !is_plain || url.len() > LONGEST_LINK.1 {
        tracing::warn!("a service's link is left out: it is no https address");
        return None;
    }
    Some(ServiceLink {
        title: title.chars().take(LONGEST_LINK.0).collect(),
        url: url.to_owned(),
    })
}

/// The end of a text, at the start of a line where there is one.
fn last_lines(text: &str) -> String {
    let text = text.trim_end();
    if text.len() <= ERROR_TAIL {
        return text.to_owned();
    }
    let mut start = text.len() - ERROR_TAIL;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let tail = &text[start..];
    match tail.split_once('\n') {
        Some((_, whole_lines)) if !whole_lines.is_empty() => whole_lines.to_owned(),
        _ => tail.to_owned(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jarvis_proto::node::Counts;
    use proptest::prelude::*;

    use super::*;

    fn service() -> ServiceConfig {
        ServiceConfig {
            name: "disk".to_owned(),
            description: String::new(),
            program: "df".to_owned(),
            args: Vec::new(),
            timeout: Duration::from_secs(1),
            output_limit: 100,
            cwd: None,
            danger: false,
        }
    }

    fn run(how: run_ended::How, stdout_bytes: u64) -> RunEnded {
        RunEnded {
            how: Some(how),
            counts: Some(Counts {
                stdout_bytes,
                ..Counts::default()
            }),
            ..RunEnded::default()
        }
    }

    #[test]
    fn endings_have_one_cause() {
        use run_ended::How::{ExitCode, Signal};
        let of = |run: &RunEnded| ending(&service(), run);
        assert_eq!(of(&run(ExitCode(0), 5)), None);
        assert_eq!(
            of(&run(ExitCode(3), 5)),
            Some((ServiceFailure::ExitCode, 3))
        );
        assert_eq!(of(&run(Signal(9), 5)), Some((ServiceFailure::Signal, 9)));
        assert_eq!(
            of(&run(Signal(15), 101)),
            Some((ServiceFailure::TooMuchOutput, 0))
        );
        let timed_out = RunEnded {
            timed_out: true,
            ..run(ExitCode(0), 5)
        };
        assert_eq!(of(&timed_out), Some((ServiceFailure::TimedOut, 0)));
    }

    #[test]
    fn links_are_https_and_plain() {
        let of = |json: &str| link(&serde_json::from_str(json).unwrap());
        let good = of(r#"{"link":{"title":"report","url":"https://x.example/a?b=1"}}"#).unwrap();
        assert_eq!(good.title, "report");
        for bad in [
            r#"{"link":{"title":"report","url":"http://x.example"}}"#,
            r#"{"link":{"title":"report","url":"https://x.example/ a"}}"#,
            r#"{"link":{"title":"report"}}"#,
            r#"{"link":"https://x.example"}"#,
            r#"{"link":[]}"#,
            "3",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn programs_are_found_as_the_shell_finds_them() {
        assert!(is_program("sh") && is_program("/bin/sh"));
        assert!(
            !is_program("/etc/passwd") && !is_program("/bin") && !is_program("no-such-program")
        );
    }

    #[test]
    fn the_end_of_errors_begins_with_a_line() {
        assert_eq!(last_lines("one\ntwo\n"), "one\ntwo");
        let long = format!("{}\nend", "长".repeat(2_000));
        assert_eq!(last_lines(&long), "end");
        assert!(last_lines(&"长".repeat(2_000)).len() <= ERROR_TAIL);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(text in any::<String>()) {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _ = (link(&value), named_files(&value).count());
            }
            let _ = last_lines(&text);
        }
    }
}
