//! The status message of a job: one object, from accepted to its last word.

mod instruction;
mod words;

use std::time::Duration;

use jarvis_proto::chat::{Action, FileRef, Progress as ProgressAction, SendFile, action};
use jarvis_proto::node::{RefusedReason, ended};

pub(crate) use self::instruction::service_outcome;
use super::ending::TaskEnding;
use super::live::{LiveTask, ResultFileNews};
use super::{Job, JobSpec, JobState, Task, TaskState, transfer};
use crate::answer::{Place, Speech, redact, wire_room};
use crate::brain::Brain;
use crate::commands::jobs::run::{shortened, title};
use crate::reply::Reply;
use crate::room::{RoomKey, RoomKind};
use crate::text::{Language, Text, format, text};

/// Lines of output shown for a job on one node: when it went well, and otherwise.
const LINES: (usize, usize) = (30, 8);
/// Bytes of output shown.
const OUTPUT_BYTES: usize = 3_000;
/// Nodes listed one by one.
const MOST_ROWS: usize = 60;

/// The status message as an action of the job's progress object.
pub(super) fn action(brain: &Brain, job: &Job, tasks: &[LiveTask], is_final: bool) -> Action {
    action_of(brain, job, &reply(brain, job, tasks), is_final)
}

/// A status message of a job as an action of its progress object.
pub(super) fn action_of(brain: &Brain, job: &Job, reply: &Reply, is_final: bool) -> Action {
    let key = format!("job:{}", job.id);
    progress(brain, (&job.room, &job.reply_to), key, reply, is_final)
}

/// A state of a progress object in a room, as an answer to a message.
pub(crate) fn progress(
    brain: &Brain,
    (room, reply_to): (&RoomKey, &str),
    key: String,
    reply: &Reply,
    is_final: bool,
) -> Action {
    let place = Place::unasked(room.clone());
    let progress = ProgressAction {
        key,
        message_id: String::new(),
        text: redact(&brain.config().secrets, reply.segments().to_vec()),
        buttons: Speech::new(brain).buttons(&place, reply),
        r#final: is_final,
    };
    Action {
        id: uuid::Uuid::now_v7().to_string(),
        room: Some(wire_room(room, RoomKind::Private)),
        reply_to: reply_to.to_owned(),
        reply_context: None,
        transient: false,
        kind: Some(action::Kind::Progress(progress)),
    }
}

/// The status as an answer to `job ID`.
pub(crate) fn status_reply(brain: &Brain, job: &Job, tasks: Vec<Task>) -> Reply {
    let live: Vec<LiveTask> = tasks.into_iter().filter_map(LiveTask::new).collect();
    reply(brain, job, &live)
}

/// One line for the audit log: how each task ended.
pub(super) fn outcome_line(tasks: &[LiveTask]) -> String {
    let words: Vec<String> = tasks
        .iter()
        .map(|live| format!("{}: {}", live.node, live.task.state.as_str()))
        .collect();
    words.join(", ")
}

/// The files that a job brought, each as a message of its own.
pub(super) fn file_actions(job: &Job, tasks: &[LiveTask]) -> Vec<Action> {
    if matches!(&job.spec, JobSpec::Get(get) if get.keep) {
        return Vec::new();
    }
    let several = tasks.len() > 1;
    let files = tasks
        .iter()
        .flat_map(|live| live.files.iter().map(move |file| (live, file)));
    files
        .filter_map(|(live, news)| match news {
            ResultFileNews::Came { file, .. } => Some((live, file)),
            ResultFileNews::Stays { .. } => None,
        })
        .map(|(live, file)| {
            let name = if several {
                format!("{}-{}", live.node, file.name)
            } else {
                file.name.clone()
            };
            let reference = FileRef {
                blob: file.blob.hash.clone(),
                name,
                mime: String::new(),
                size: file.blob.size,
            };
            Action {
                id: uuid::Uuid::now_v7().to_string(),
                room: Some(wire_room(&job.room, RoomKind::Private)),
                reply_to: job.reply_to.clone(),
                reply_context: None,
                transient: false,
                kind: Some(action::Kind::File(SendFile {
                    file: Some(reference),
                    caption: Vec::new(),
                })),
            }
        })
        .collect()
}

fn reply(brain: &Brain, job: &Job, tasks: &[LiveTask]) -> Reply {
    let view = View {
        brain,
        job,
        language: Language::from_tag(&job.language).unwrap_or(Language::En),
    };
    let reply = match tasks {
        [one] => view.one(one),
        many => view.many(many),
    };
    match view.away() {
        Some(away) => reply.line(away),
        None => reply,
    }
}

struct View<'a> {
    brain: &'a Brain,
    job: &'a Job,
    language: Language,
}

impl View<'_> {
    /// Said of a job that went on while the brain was away.
    fn away(&self) -> Option<Text> {
        let (from_ms, to_ms) = self.brain.away()?;
        let ended_ms = self.job.ended_ms.unwrap_or(i64::MAX);
        let zone = self.brain.zone();
        (self.job.created_ms < to_ms && ended_ms >= to_ms).then(|| {
            text!(
                self.language,
                "away",
                from = format::clock_seconds(from_ms.max(self.job.created_ms), &zone),
                to = format::clock_seconds(to_ms, &zone),
            )
        })
    }

    fn one(&self, live: &LiveTask) -> Reply {
        let language = self.language;
        let number = self.job.number;
        let node = live.node.as_str();
        let mut reply = Reply::new().line(text!(
            language,
            "status-one",
            mark = mark(live.task.state),
            number = number,
            node = node,
            what = self.what(live),
        ));
        match live.task.state {
            TaskState::Waiting => {
                let until = format::clock(self.job.wait_until_ms, &self.brain.zone());
                reply = reply.line(text!(language, "task-waiting", clock = until));
            }
            TaskState::Sent | TaskState::Running => {
                if let Some(progress) = &live.progress {
                    reply = reply
                        .line(self.passing(live))
                        .pre(&last_lines(&progress.tail, LINES.1));
                } else if let Some(behind) = self.behind_others(live) {
                    reply = reply.line(behind);
                }
            }
            _ => reply = self.end_of_one(reply, live),
        }
        if !live.task.state.is_final() {
            return reply.button(text!(language, "button-cancel"), format!("cancel {number}"));
        }
        reply
    }

    fn end_of_one(&self, mut reply: Reply, live: &LiveTask) -> Reply {
        let language = self.language;
        let number = self.job.number;
        let is_one_order = self.job.spec.is_one_order();
        if let Some(run) = live.ending.as_ref().and_then(TaskEnding::run) {
            let most = if live.task.state == TaskState::Done {
                LINES.0
            } else {
                LINES.1
            };
            let counts = run.counts.unwrap_or_default();
            let size = counts.stdout_bytes + counts.stderr_bytes;
            let shown = if is_binary(&run.tail) {
                text!(language, "output-binary", size = format::bytes(size)).to_string()
            } else {
                last_lines(&run.tail, most)
            };
            let all = counts.stdout_lines + counts.stderr_lines;
            let shown_lines = shown.lines().count() as u64;
            if all > shown_lines && shown_lines > 0 {
                reply = reply.line(text!(
                    language,
                    "status-last-lines",
                    shown = shown_lines,
                    all = format::count(all)
                ));
            }
            reply = reply.pre(&shown);
            if run.output_truncated {
                reply = reply.line(text!(language, "output-truncated"));
            }
            for note in &run.file_notes {
                reply = reply.line(text!(language, "status-file-note", note = note.as_str()));
            }
            if all > shown_lines || (live.task.state != TaskState::Done && all > 0) {
                let stream = if counts.stdout_bytes == 0 {
                    " --err"
                } else {
                    ""
                };
                reply = reply.button(
                    text!(language, "button-log-file"),
                    format!("log {number} --file{stream}"),
                );
            }
        }
        if let Some(answer) = live.ending.as_ref().and_then(TaskEnding::service) {
            reply = self.answer_body(reply, live, answer);
        }
        if let Some(done) = live.ending.as_ref().and_then(TaskEnding::done) {
            reply = self.containers(reply, done);
        }
        reply = self.about_files(reply, live);
        if let Some(advice) = self.advice(live) {
            reply = reply.line(advice);
        }
        match live.task.state {
            TaskState::Refused if self.too_large(live).is_some() => self.offer_smaller(reply, live),
            TaskState::Done | TaskState::Cancelled => reply,
            TaskState::Offline if is_one_order => reply.button(
                text!(language, "button-wait"),
                format!("again {number} --wait 1h"),
            ),
            _ if is_one_order => {
                reply.button(text!(language, "button-again"), format!("again {number}"))
            }
            _ if !self.may_go_better(live) => reply,
            _ => reply.button(
                text!(language, "button-retry-failed"),
                format!("retry {number} failed"),
            ),
        }
    }

    /// Whether the same transfer may work when it is tried again.
    fn may_go_better(&self, live: &LiveTask) -> bool {
        use RefusedReason::{Busy, DiskFull, Expired, Io, Unspecified};
        let refused = live.ending.as_ref().and_then(TaskEnding::refusal);
        refused.is_none_or(|refused| {
            matches!(
                refused.reason(),
                Busy | DiskFull | Expired | Io | Unspecified
            )
        })
    }

    /// A file that this chat does not take is offered in parts.
    fn offer_smaller(&self, reply: Reply, live: &LiveTask) -> Reply {
        let JobSpec::Get(get) = &self.job.spec else {
            return reply;
        };
        let place =
            crate::command::words::quote(&format!("{}:{}", live.node, get.path)).into_owned();
        let refused = live.ending.as_ref().and_then(TaskEnding::refusal);
        let several = refused.and_then(transfer::count_of);
        let mut reply = reply;
        if !get.gzip {
            reply = reply.button(
                text!(self.language, "button-gzip"),
                format!("get --gzip {place}"),
            );
        }
        if several.is_none() {
            reply = reply.button(
                text!(self.language, "button-tail", lines = 1000),
                format!("get --tail 1000 {place}"),
            );
        }
        reply.button(
            text!(self.language, "button-keep"),
            format!("get --keep {place}"),
        )
    }

    fn many(&self, tasks: &[LiveTask]) -> Reply {
        let language = self.language;
        let number = self.job.number;
        let done = tasks
            .iter()
            .filter(|live| live.task.state == TaskState::Done)
            .count();
        let is_open = tasks.iter().any(|live| !live.task.state.is_final());
        let mark = match self.job.state {
            _ if is_open => "⏳",
            _ if done == tasks.len() => "✔",
            JobState::Cancelled => "⊘",
            _ if done == 0 => "✖",
            _ => "◐",
        };
        let took = self
            .brain
            .now_ms()
            .min(self.job.ended_ms.unwrap_or(i64::MAX))
            - self.job.created_ms;
        let mut reply = Reply::new().line(text!(
            language,
            "status-many",
            mark = mark,
            number = number,
            good = done,
            nodes = tasks.len(),
            duration = self.duration(took),
            title = Text::code(&shortened(&title(&self.job.spec), 80)),
        ));
        let mut rows: Vec<&LiveTask> = tasks.iter().collect();
        if rows.len() > MOST_ROWS {
            // What went wrong must not hide behind sixty nodes that are well.
            rows.sort_by_key(|live| urgency(live.task.state));
        }
        for live in rows.into_iter().take(MOST_ROWS) {
            reply = reply.line(text!(
                language,
                "status-row",
                mark = self::mark(live.task.state),
                node = live.node.as_str(),
                what = self.row(live),
            ));
            if live.task.state.is_final() {
                reply = self.about_files(reply, live);
            }
        }
        if tasks.len() > MOST_ROWS {
            reply = reply.line(text!(
                language,
                "status-more-rows",
                more = tasks.len() - MOST_ROWS
            ));
        }
        if is_open {
            return reply.button(text!(language, "button-cancel"), format!("cancel {number}"));
        }
        if tasks
            .iter()
            .any(|live| live.task.state == TaskState::Offline)
        {
            reply = reply.button(
                text!(language, "button-wait"),
                format!("retry {number} failed --wait 1h"),
            );
        }
        if done < tasks.len() {
            reply = reply.button(
                text!(language, "button-retry-failed"),
                format!("retry {number} failed"),
            );
        }
        reply
    }

    /// What there is to say of files beyond how much they are.
    fn about_files(&self, mut reply: Reply, live: &LiveTask) -> Reply {
        let language = self.language;
        for note in self.notes(live) {
            reply = reply.line(text!(language, "status-file-note", note = note));
        }
        for news in &live.files {
            match news {
                ResultFileNews::Stays { path, why } => {
                    reply = reply.line(text!(
                        language,
                        "status-file-stays",
                        path = Text::code(path),
                        why = why.as_str()
                    ));
                }
                ResultFileNews::Came { file, number } => {
                    if file.began_again {
                        reply = reply.line(text!(language, "status-file-began-again"));
                    }
                    if matches!(&self.job.spec, JobSpec::Get(get) if get.keep) && *number > 0 {
                        reply = reply.line(text!(
                            language,
                            "status-file-kept",
                            number = *number,
                            send = Text::code(&format!("file {number}")),
                            put = Text::code(&format!("put --file {number} NODE:/path"))
                        ));
                    }
                }
            }
        }
        reply
    }

    /// What the node said of a transfer.
    fn notes<'l>(&self, live: &'l LiveTask) -> &'l [String] {
        match &live.ending {
            Some(TaskEnding::Ended(ended)) => match &ended.outcome {
                Some(ended::Outcome::Transfer(moved)) => &moved.notes,
                _ => &[],
            },
            _ => &[],
        }
    }

    fn too_large(&self, live: &LiveTask) -> Option<u64> {
        let refused = live.ending.as_ref()?.refusal()?;
        (refused.reason() == RefusedReason::TooLarge).then_some(refused.size)
    }

    fn duration(&self, millis: i64) -> String {
        format::duration(
            self.language,
            Duration::from_millis(millis.max(0).unsigned_abs()),
        )
    }
}

/// The place of a task in a table that cannot show all of them.
fn urgency(state: TaskState) -> u8 {
    match state {
        TaskState::Failed | TaskState::Refused | TaskState::Lost => 0,
        TaskState::Offline | TaskState::Cancelled => 1,
        TaskState::Running | TaskState::Sent | TaskState::Waiting => 2,
        TaskState::Done => 3,
    }
}

pub(crate) fn mark(state: TaskState) -> &'static str {
    match state {
        TaskState::Waiting => "…",
        TaskState::Sent | TaskState::Running => "⏳",
        TaskState::Done => "✔",
        TaskState::Failed | TaskState::Refused | TaskState::Lost => "✖",
        TaskState::Cancelled => "⊘",
        TaskState::Offline => "–",
    }
}

/// Whether an output is no text: much of it was not readable.
fn is_binary(tail: &str) -> bool {
    let odd = |c: char| {
        c == '\u{fffd}' || (c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}' | '\u{8}'))
    };
    let unreadable = tail.chars().filter(|c| odd(*c)).count();
    unreadable * 10 > tail.chars().count()
}

/// The last lines of an output, within the limits of a message.
pub(super) fn last_lines(output: &str, most: usize) -> String {
    let output = output.trim_end_matches('\n');
    let mut start = output.len();
    let mut lines = 0;
    for (index, line) in output
        .rmatch_indices('\n')
        .map(|(index, _)| (index + 1, &output[index + 1..]))
    {
        if lines == most || line.len() > OUTPUT_BYTES {
            return output[start..].to_owned();
        }
        start = index;
        lines += 1;
    }
    if lines < most && output.len() <= OUTPUT_BYTES {
        return output.to_owned();
    }
    if start == output.len() {
        // One endless line: its end.
        let cut = output.len().saturating_sub(OUTPUT_BYTES);
        let cut = (cut..=output.len())
            .find(|at| output.is_char_boundary(*at))
            .unwrap_or(output.len());
        return format!("…{}", &output[cut..]);
    }
    output[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_stay_within_limits() {
        assert_eq!(last_lines("", 3), "");
        assert_eq!(last_lines("a\nb\nc\n", 3), "a\nb\nc");
        assert_eq!(last_lines("a\nb\nc\nd\n", 3), "b\nc\nd");
        assert_eq!(last_lines("only", 3), "only");
        let long = "长".repeat(5_000);
        let shown = last_lines(&long, 3);
        assert!(shown.starts_with('…') && shown.len() <= OUTPUT_BYTES + 8);
        let two = format!("{long}\nend");
        assert_eq!(last_lines(&two, 3), "end");
    }

    #[test]
    fn binary_output_is_told_from_text() {
        assert!(!is_binary(""));
        assert!(!is_binary("日志 line\n\u{1b}[31mred\u{1b}[0m\n"));
        assert!(!is_binary("a long line with one bad byte \u{fffd} in it"));
        assert!(is_binary("\u{fffd}\u{0}PNG\u{fffd}\u{1}"));
    }
}
