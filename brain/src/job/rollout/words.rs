//! The status message of an update: one table, from the question's yes to the summary.

use std::time::Duration;

use jarvis_nodeclient::Meter;
use jarvis_proto::chat::Action;
use jarvis_proto::node::{RunEnded, ended, run_ended};
use tokio::time::Instant;

use super::{Outcome, Part, Phase, UpdateKind, UpdateSpec};
use crate::brain::Brain;
use crate::commands::jobs::run::shortened;
use crate::job::ending::TaskEnding;
use crate::job::live::LiveTask;
use crate::job::{Job, JobSpec, JobState, Task, status};
use crate::reply::Reply;
use crate::store::StoreError;
use crate::text::{Language, Text, format, outcome, text};

/// Nodes listed one by one.
const MOST_ROWS: usize = 60;

/// A node's part with what is known of it now.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) live: LiveTask,
    pub(super) part: Part,
    pub(super) now: Now,
}

/// What is known now, and not stored.
#[derive(Debug, Default)]
pub(super) struct Now {
    pub(super) meter: Option<Meter>,
    pub(super) working_since: Option<Instant>,
    pub(super) restarting_since: Option<Instant>,
    /// The ending of the order that takes it back.
    pub(super) back_ending: Option<TaskEnding>,
}

impl Live {
    /// The order that the node is at.
    pub(super) fn current_order(&self) -> &str {
        match (&self.part.way_back, self.part.phase) {
            (Some(way), Phase::GoingBack) => &way.order,
            _ => &self.live.task.order,
        }
    }

    pub(super) fn current_signed(&self) -> &[u8] {
        match (&self.part.way_back, self.part.phase) {
            (Some(way), Phase::GoingBack) => &way.signed,
            _ => &self.live.task.signed_order,
        }
    }
}

/// The status message of a new update.
pub(super) fn action(brain: &Brain, job: &Job, tasks: &[Task], parts: &[Part]) -> Action {
    let reply = reply(brain, job, &joined(tasks.to_vec(), parts.to_vec()));
    status::action_of(brain, job, &reply, false)
}

/// The status message of one at work.
pub(super) fn live_action(brain: &Brain, job: &Job, nodes: &[Live], is_final: bool) -> Action {
    status::action_of(brain, job, &reply(brain, job, nodes), is_final)
}

/// The status as an answer to `job ID`.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn status_reply(
    brain: &Brain,
    job: &Job,
    tasks: Vec<Task>,
) -> Result<Reply, StoreError> {
    let parts = brain.store().parts(&job.id).await?;
    Ok(reply(brain, job, &joined(tasks, parts)))
}

fn joined(tasks: Vec<Task>, mut parts: Vec<Part>) -> Vec<Live> {
    tasks
        .into_iter()
        .filter_map(|task| {
            let at = parts.iter().position(|part| part.order == task.order)?;
            let part = parts.swap_remove(at);
            let now = Now::default();
            LiveTask::new(task).map(|live| Live { live, part, now })
        })
        .collect()
}

/// What an update does, in a few words for lists and first lines.
pub(crate) fn restart_or_version(language: Language, spec: &UpdateSpec) -> Text {
    let node_type = spec.node_type.as_str();
    match spec.kind {
        UpdateKind::Version => text!(
            language,
            "rollout-title",
            type = node_type,
            version = spec.version.as_str()
        ),
        UpdateKind::Restart => text!(language, "rollout-title-restart", type = node_type),
        UpdateKind::Rollback => text!(language, "rollout-title-rollback", type = node_type),
    }
}

fn reply(brain: &Brain, job: &Job, nodes: &[Live]) -> Reply {
    let JobSpec::Update(spec) = &job.spec else {
        return Reply::new();
    };
    let language = Language::from_tag(&job.language).unwrap_or(Language::En);
    let view = View {
        job,
        spec,
        language,
        now_ms: brain.now_ms(),
    };
    view.reply(nodes)
}

struct View<'a> {
    job: &'a Job,
    spec: &'a UpdateSpec,
    language: Language,
    now_ms: i64,
}

impl View<'_> {
    fn reply(&self, nodes: &[Live]) -> Reply {
        let (language, number) = (self.language, self.job.number);
        let outcomes = || nodes.iter().filter_map(|node| node.part.outcome.as_ref());
        let is_good =
            |outcome: &&Outcome| matches!(outcome, Outcome::Back { .. } | Outcome::Unchanged);
        let good = outcomes().filter(is_good).count();
        let is_open = nodes.iter().any(|node| !node.part.is_over());
        let mark = match self.job.state {
            _ if is_open => "⏳",
            _ if good == nodes.len() => "✔",
            JobState::Cancelled => "⊘",
            _ if good == 0 => "✖",
            _ => "◐",
        };
        let took = self.now_ms.min(self.job.ended_ms.unwrap_or(i64::MAX)) - self.job.created_ms;
        let mut reply = Reply::new().line(text!(
            language,
            "rollout-head",
            mark = mark,
            number = number,
            title = restart_or_version(language, self.spec),
            good = good,
            nodes = nodes.len(),
            duration = self.duration(took),
        ));
        for node in nodes.iter().take(MOST_ROWS) {
            reply = reply.line(text!(
                language,
                "status-row",
                mark = row_mark(&node.part),
                node = node.live.node.as_str(),
                what = self.row(node),
            ));
        }
        if nodes.len() > MOST_ROWS {
            let more = nodes.len() - MOST_ROWS;
            reply = reply.line(text!(language, "status-more-rows", more = more));
        }
        let failures = outcomes().filter(|outcome| outcome.is_failure()).count();
        if outcomes().any(|outcome| *outcome == Outcome::Stopped) {
            reply = reply.line(if failures >= self.spec.max_fail {
                text!(language, "rollout-stopped", failures = self.spec.max_fail)
            } else {
                text!(language, "rollout-stopped-canary")
            });
        }
        if outcomes().any(|outcome| *outcome == Outcome::Cancelled) {
            reply = reply.line(text!(language, "rollout-stopped-by-person"));
        }
        if is_open {
            let is_waiting = nodes.iter().any(|node| node.part.phase == Phase::Waiting);
            return match is_waiting {
                true => reply.button(text!(language, "button-cancel"), format!("cancel {number}")),
                false => reply,
            };
        }
        self.buttons(reply, nodes, good)
    }

    /// What may be done about an update that is over.
    fn buttons(&self, mut reply: Reply, nodes: &[Live], good: usize) -> Reply {
        let (language, number) = (self.language, self.job.number);
        if good == nodes.len() {
            return reply;
        }
        let with_output = nodes.iter().find(|node| {
            let ending = node.live.ending.as_ref().and_then(TaskEnding::run);
            node.part.outcome.as_ref().is_some_and(Outcome::is_failure)
                && ending.is_some_and(has_output)
        });
        if let Some(node) = with_output {
            let ending = node.live.ending.as_ref().and_then(TaskEnding::run);
            let counts = ending.and_then(|run| run.counts).unwrap_or_default();
            let stream = if counts.stderr_bytes > 0 {
                " --err"
            } else {
                ""
            };
            let command = format!("log {number} --node {}{stream}", node.live.node);
            reply = reply.button(text!(language, "rollout-button-log"), command);
        }
        reply = reply.button(
            text!(language, "button-retry-failed"),
            format!("retry {number} failed"),
        );
        let is_touched = |node: &Live| !node.part.old_incarnation.is_empty() && node.part.wave > 0;
        if self.spec.kind == UpdateKind::Version && nodes.iter().any(is_touched) {
            reply = reply.button(
                text!(language, "rollout-button-roll-back"),
                format!("rollback {number}"),
            );
        }
        reply
    }

    fn row(&self, node: &Live) -> Text {
        let language = self.language;
        let since = |since: Option<Instant>| {
            let elapsed = since.map(|since| Duration::from_secs(since.elapsed().as_secs()));
            elapsed.map_or_else(String::new, |elapsed| format::duration(language, elapsed))
        };
        match (node.part.phase, &node.part.outcome) {
            (Phase::Waiting, _) => text!(language, "rollout-waiting"),
            (Phase::Sending, _) => {
                let size = self.spec.package.as_ref().map_or(0, |package| package.size);
                let done = node.now.meter.as_ref().map_or(0, Meter::bytes);
                let percent = (done * 100).checked_div(size).unwrap_or(100).min(100);
                text!(language, "rollout-sending", percent = percent)
            }
            (Phase::Working | Phase::GoingBack, _) => {
                let (restarting, working) = (node.now.restarting_since, node.now.working_since);
                match (node.part.phase, restarting) {
                    (Phase::GoingBack, _) => {
                        text!(
                            language,
                            "rollout-going-back",
                            since = since(restarting.or(working))
                        )
                    }
                    (_, Some(_)) => {
                        text!(language, "rollout-restarting", since = since(restarting))
                    }
                    (_, None) => text!(language, "rollout-working", since = since(working)),
                }
            }
            (Phase::Over, Some(outcome)) => self.with_way_back(node, self.outcome(node, outcome)),
            (Phase::Over, None) => text!(language, "outcome-unknown"),
        }
    }

    fn outcome(&self, node: &Live, outcome: &Outcome) -> Text {
        let language = self.language;
        let why = words_of(language, node.live.ending.as_ref());
        let with_why = |what: Text| match &why {
            Some(why) => text!(language, "rollout-because", what = what, why = why.clone()),
            None => what,
        };
        let limit = || format::duration(language, Duration::from_millis(self.spec.timeout_ms));
        match outcome {
            Outcome::Back { version, after_ms } => text!(
                language,
                "rollout-back",
                took = self.duration(*after_ms),
                version = version
            ),
            Outcome::Unchanged => text!(
                language,
                "rollout-unchanged",
                version = node.part.old_version.as_str()
            ),
            Outcome::Unreachable => text!(language, "rollout-unreachable"),
            Outcome::CameBack { version } => {
                with_why(text!(language, "rollout-came-back", version = version))
            }
            Outcome::Still { version } => {
                with_why(text!(language, "rollout-still", version = version))
            }
            Outcome::NotRestarted { version } => with_why(text!(
                language,
                "rollout-not-restarted",
                version = version,
                limit = limit()
            )),
            Outcome::NotBack => with_why(text!(language, "rollout-not-back", limit = limit())),
            Outcome::Refused => with_why(text!(language, "rollout-refused")),
            Outcome::NotSent { why } => text!(language, "rollout-not-sent", why = why),
            Outcome::Stopped | Outcome::Cancelled => text!(language, "rollout-not-begun"),
        }
    }

    fn with_way_back(&self, node: &Live, what: Text) -> Text {
        let language = self.language;
        match &node.part.way_back {
            None => what,
            Some(way) if way.worked == Some(true) => text!(
                language,
                "rollout-rolled-back",
                what = what,
                version = node.part.old_version.as_str()
            ),
            Some(way) => text!(
                language,
                "rollout-not-rolled-back",
                what = what,
                why = way.why.as_str()
            ),
        }
    }

    fn duration(&self, millis: i64) -> String {
        let elapsed = Duration::from_millis(millis.max(0).unsigned_abs());
        format::duration(self.language, elapsed)
    }
}

fn row_mark(part: &Part) -> &'static str {
    match (&part.outcome, part.phase) {
        (_, Phase::Waiting) => "…",
        (_, Phase::Sending | Phase::Working | Phase::GoingBack) => "⏳",
        (Some(Outcome::Back { .. } | Outcome::Unchanged), _) => "✔",
        (Some(Outcome::Unreachable | Outcome::Stopped), _) => "–",
        (Some(Outcome::Cancelled), _) => "⊘",
        _ => "✖",
    }
}

/// What the node said of a failure, for the store: in the job's language.
pub(super) fn ending_words(job: &Job, ending: Option<&TaskEnding>) -> String {
    let language = Language::from_tag(&job.language).unwrap_or(Language::En);
    words_of(language, ending).map_or_else(String::new, |words| words.to_string())
}

/// What the node said, if that was no success: its own reason.
fn words_of(language: Language, ending: Option<&TaskEnding>) -> Option<Text> {
    let ending = ending?;
    if let Some(refused) = ending.refusal() {
        return Some(Text::plain(&refused.detail));
    }
    if let Some(run) = ending.run() {
        let (_, how) = outcome::run(language, run);
        let is_good = run.how == Some(run_ended::How::ExitCode(0)) && !run.timed_out;
        let last = run.tail.trim().lines().last().unwrap_or_default();
        return Some(match last {
            _ if is_good => text!(language, "rollout-script-good"),
            "" => text!(language, "rollout-script", how = how),
            last => text!(
                language,
                "rollout-script-last",
                how = how,
                last = shortened(last, 100)
            ),
        });
    }
    match ending {
        TaskEnding::Ended(ended) => match &ended.outcome {
            Some(ended::Outcome::Lost(_)) => Some(text!(language, "rollout-script-lost")),
            _ => None,
        },
        TaskEnding::Refused(_) => None,
    }
}

fn has_output(run: &RunEnded) -> bool {
    run.counts
        .is_some_and(|counts| counts.stdout_bytes + counts.stderr_bytes > 0)
}
