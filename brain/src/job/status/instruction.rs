//! How instructions came out, in words: trust, logs, services, Docker.

use jarvis_proto::node::{
    Container, DockerFailure, Done, FileNote, Refused, RunEnded, ServiceAnswer, ServiceFailure,
    ServiceLink, run_ended,
};

use super::View;
use crate::job::live::LiveTask;
use crate::job::service::small_answer;
use crate::job::{DockerAction, Instruction, JobSpec};
use crate::reply::Reply;
use crate::text::outcome::{self, RefusedOrder};
use crate::text::{Language, Text, format, text};

/// Most containers listed in a message.
const MOST_CONTAINERS: usize = 40;
/// Longest link that is shown.
const LONGEST_LINK: usize = 2_000;

impl View<'_> {
    /// The end of an instruction that has no answer of its own.
    pub(super) fn done(&self, done: &Done) -> Text {
        let language = self.language;
        let JobSpec::Instruct(instruction) = &self.job.spec else {
            return text!(language, "outcome-done");
        };
        match instruction {
            Instruction::Trust { address, trusted } => {
                let address = Text::code(address);
                match (trusted, done.had_effect) {
                    (true, true) => text!(language, "trust-given", address = address),
                    (true, false) => text!(language, "trust-was-given", address = address),
                    (false, true) => text!(language, "trust-taken", address = address),
                    (false, false) => text!(language, "trust-was-taken", address = address),
                }
            }
            Instruction::ListTrust {} => {
                let own = self.brain.root().address().to_string();
                let lines = done.detail.lines().map(|address| {
                    if address == own {
                        text!(language, "trusted-self", address = Text::code(address))
                    } else {
                        Text::code(address)
                    }
                });
                Text::join(lines, " · ")
            }
            Instruction::RotateKey { .. } => {
                text!(
                    language,
                    "rotate-key-done",
                    address = Text::code(&done.detail)
                )
            }
            Instruction::ClearLogs { .. } if !done.had_effect => {
                text!(language, "logs-cleared-none")
            }
            Instruction::ClearLogs { .. } => text!(
                language,
                "logs-cleared",
                jobs = done.count,
                size = format::bytes(done.bytes)
            ),
            Instruction::Call { .. } => text!(language, "outcome-done"),
            Instruction::Docker {
                action, container, ..
            } => self.docker(*action, container, done),
        }
    }

    /// Whether its output is that of a container.
    pub(super) fn is_container_log(&self) -> bool {
        matches!(
            &self.job.spec,
            JobSpec::Instruct(Instruction::Docker { .. })
        )
    }

    fn docker(&self, action: DockerAction, container: &str, done: &Done) -> Text {
        let language = self.language;
        match done.docker_failure() {
            DockerFailure::Unspecified => {}
            DockerFailure::NotAllowed => return text!(language, "docker-not-allowed"),
            DockerFailure::Unreachable => return text!(language, "docker-unreachable"),
            DockerFailure::NoSuchContainer => {
                return text!(
                    language,
                    "docker-no-container",
                    container = Text::code(container)
                );
            }
            DockerFailure::EngineError => {
                return text!(
                    language,
                    "docker-engine-error",
                    status = done.docker_status,
                    message = Text::code(&done.docker_message)
                );
            }
            DockerFailure::TimedOut => return text!(language, "docker-timed-out"),
            DockerFailure::BadAnswer => return text!(language, "docker-bad-answer"),
            DockerFailure::Cancelled => return text!(language, "outcome-cancelled"),
        }
        match (action, done.had_effect) {
            (DockerAction::Ps, _) if done.containers.is_empty() => {
                text!(language, "docker-none")
            }
            (DockerAction::Ps, _) => {
                text!(language, "docker-containers", count = done.containers.len())
            }
            (DockerAction::Start, true) => text!(language, "docker-started"),
            (DockerAction::Start, false) => text!(language, "docker-ran-already"),
            (DockerAction::Stop, true) => text!(language, "docker-stopped"),
            (DockerAction::Stop, false) => text!(language, "docker-stood-already"),
            (DockerAction::Restart, _) => text!(language, "docker-restarted"),
            (DockerAction::Logs, _) => text!(language, "outcome-done"),
        }
    }

    /// The containers below a `docker ps` on one node.
    pub(super) fn containers(&self, mut reply: Reply, done: &Done) -> Reply {
        let shown: Vec<String> = done
            .containers
            .iter()
            .take(MOST_CONTAINERS)
            .map(container_line)
            .collect();
        reply = reply.pre(&shown.join("\n"));
        if done.more_containers || done.containers.len() > MOST_CONTAINERS {
            reply = reply.line(text!(self.language, "docker-more", shown = shown.len(),));
        }
        reply
    }

    /// How a service ended, in a few words.
    pub(super) fn answered(&self, answer: &ServiceAnswer) -> Text {
        service_outcome(self.language, answer)
    }

    /// The line of a service's answer in the table of a job on several nodes.
    pub(super) fn answer_row(&self, answer: &ServiceAnswer) -> Text {
        let last = |text: &str| {
            let last = text.trim_end().lines().last().unwrap_or_default();
            crate::commands::jobs::run::shortened(last, 80)
        };
        let lines = match answer.failure() {
            ServiceFailure::Unspecified => small_answer(&answer.json).unwrap_or_default(),
            ServiceFailure::NotStarted => return self.answered(answer),
            _ => return self.outcome_and(self.answered(answer), &last(&answer.error_tail)),
        };
        if lines.is_empty() {
            return self.answered(answer);
        }
        Text::plain(&crate::commands::jobs::run::shortened(
            &lines.join(", "),
            100,
        ))
    }

    fn outcome_and(&self, outcome: Text, last: &str) -> Text {
        if last.is_empty() {
            return outcome;
        }
        text!(
            self.language,
            "status-outcome-last",
            outcome = outcome,
            last = last
        )
    }

    /// What a service answered, below the first line of a job on one node.
    pub(super) fn answer_body(
        &self,
        mut reply: Reply,
        live: &LiveTask,
        answer: &ServiceAnswer,
    ) -> Reply {
        let language = self.language;
        let counts = answer.counts.unwrap_or_default();
        let log = format!("log {} --file", self.job.number);
        if answer.failure() == ServiceFailure::Unspecified {
            match small_answer(&answer.json) {
                Some(lines) => reply = reply.pre(&lines.join("\n")),
                None => {
                    reply = reply
                        .line(text!(
                            language,
                            "service-answer-file",
                            size = format::bytes(answer.json_bytes)
                        ))
                        .button(text!(language, "button-log-file"), log);
                }
            }
        } else {
            // Why it could not be started is for the node's own log.
            if answer.failure() != ServiceFailure::NotStarted {
                reply = reply.pre(answer.error_tail.trim_end());
            }
            // What it wrote last is above; the rest is kept on the node.
            if counts.stderr_bytes > 0 {
                reply = reply.button(text!(language, "button-log-file"), format!("{log} --err"));
            } else if counts.stdout_bytes > 0 {
                reply = reply.button(text!(language, "button-log-file"), log);
            }
        }
        for note in &answer.file_notes {
            reply = reply.line(self.missing_file(live, note));
        }
        match answer.link.as_ref().filter(|link| is_shown(link)) {
            Some(link) => reply.link(&link.title, &link.url),
            None => reply,
        }
    }

    fn missing_file(&self, live: &LiveTask, note: &FileNote) -> Text {
        let refused = Refused {
            reason: note.reason,
            ..Refused::default()
        };
        let order = RefusedOrder {
            node: live.node.as_str(),
            root: "",
            path: &note.path,
        };
        outcome::refused(self.language, &refused, order)
    }
}

/// How a service ended, in a few words.
pub(crate) fn service_outcome(language: Language, answer: &ServiceAnswer) -> Text {
    let run = |run: RunEnded| outcome::run(language, &run).1;
    match answer.failure() {
        ServiceFailure::Unspecified => text!(language, "service-answered"),
        ServiceFailure::ExitCode => run(RunEnded {
            how: Some(run_ended::How::ExitCode(answer.code)),
            ..RunEnded::default()
        }),
        ServiceFailure::Signal => run(RunEnded {
            how: Some(run_ended::How::Signal(answer.code)),
            ..RunEnded::default()
        }),
        ServiceFailure::TimedOut => run(RunEnded {
            timed_out: true,
            ..RunEnded::default()
        }),
        ServiceFailure::Cancelled => run(RunEnded {
            cancelled: true,
            ..RunEnded::default()
        }),
        ServiceFailure::NotStarted => text!(language, "service-not-started"),
        ServiceFailure::NotJson => text!(language, "service-not-json"),
        ServiceFailure::TooMuchOutput => text!(language, "service-too-much"),
    }
}

/// Nodes are checked, too: only `https`, and nothing that could be read as something else.
fn is_shown(link: &ServiceLink) -> bool {
    link.url
        .strip_prefix("https://")
        .is_some_and(|rest| !rest.is_empty())
        && link.url.len() <= LONGEST_LINK
        && link.url.chars().all(|c| c.is_ascii_graphic())
}

fn container_line(container: &Container) -> String {
    let mark = match container.state.as_str() {
        "running" => '●',
        "paused" | "restarting" => '◐',
        _ => '○',
    };
    let text = |text: &str| -> String { text.chars().filter(|c| !c.is_control()).collect() };
    format!(
        "{mark} {}  {}  {}",
        text(&container.name),
        text(&container.status),
        text(&container.image)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_links_are_shown() {
        let shown = |url: &str| {
            is_shown(&ServiceLink {
                title: "x".to_owned(),
                url: url.to_owned(),
            })
        };
        assert!(shown("https://grafana.example/d/1?from=now-1h"));
        for bad in [
            "http://grafana.example/",
            "https://",
            "javascript:alert(1)",
            "https://a b",
            "https://a\nhttp://b",
            "https://example/\u{202e}moc",
            "tg://user?id=1",
        ] {
            assert!(!shown(bad), "{bad}");
        }
        assert!(!shown(&format!("https://{}", "a".repeat(3_000))));
    }

    #[test]
    fn containers_are_one_line_each() {
        let container = Container {
            id: "0123".to_owned(),
            name: "we\nb".to_owned(),
            image: "nginx:1".to_owned(),
            state: "exited".to_owned(),
            status: "Exited (0) 2 days ago".to_owned(),
        };
        assert_eq!(
            container_line(&container),
            "○ web  Exited (0) 2 days ago  nginx:1"
        );
    }
}
