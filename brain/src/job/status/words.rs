//! How a task stands, in words: a line of a status message.

use std::time::Duration;

use jarvis_proto::node::{Refused, RefusedReason, ended};

use super::View;
use crate::commands::jobs::run::{shortened, title};
use crate::job::ending::TaskEnding;
use crate::job::live::LiveTask;
use crate::job::transfer::{self, TransferError};
use crate::job::{Instruction, JobSpec, TaskState};
use crate::text::outcome::{self, RefusedOrder};
use crate::text::{Text, format, text};

/// Entries that a node packs into one archive.
const MOST_PACKED: u64 = 100_000;

impl View<'_> {
    /// The rest of the first line of a job on one node.
    pub(super) fn what(&self, live: &LiveTask) -> Text {
        let language = self.language;
        let command = Text::code(&shortened(&title(&self.job.spec), 120));
        if !live.task.state.is_final() {
            return command;
        }
        let outcome = match &live.ending {
            Some(ending) => self.ending(live, ending),
            None => self.own_ending(live),
        };
        match (&self.job.spec, live.task.state) {
            (JobSpec::Run(_) | JobSpec::Put(_) | JobSpec::Copy(_), TaskState::Done) => outcome,
            _ => text!(
                language,
                "status-outcome-of",
                outcome = outcome,
                command = command
            ),
        }
    }

    /// A node's line in the table of a job on several.
    pub(super) fn row(&self, live: &LiveTask) -> Text {
        let language = self.language;
        match (live.task.state, &live.ending) {
            (TaskState::Waiting, _) => {
                let until = format::clock(self.job.wait_until_ms, &self.brain.zone());
                text!(language, "task-waiting", clock = until)
            }
            (TaskState::Sent | TaskState::Running, _)
                if live.progress.is_some() || live.away_since.is_some() =>
            {
                self.passing(live)
            }
            (TaskState::Sent | TaskState::Running, _) => self
                .behind_others(live)
                .unwrap_or_else(|| text!(language, "task-sent")),
            (TaskState::Done, Some(ending))
                if ending.run().is_some_and(|run| !run.tail.trim().is_empty()) =>
            {
                let tail = ending.run().map(|run| run.tail.trim()).unwrap_or_default();
                let last = tail.lines().last().unwrap_or_default();
                Text::plain(&shortened(last, 100))
            }
            (_, Some(ending)) if ending.service().is_some() => {
                let answer = ending.service().cloned().unwrap_or_default();
                self.answer_row(&answer)
            }
            (_, Some(ending)) => {
                let outcome = self.ending(live, ending);
                let last = ending
                    .run()
                    .and_then(|run| run.tail.trim().lines().last().map(str::to_owned));
                match last {
                    Some(last) => text!(
                        language,
                        "status-outcome-last",
                        outcome = outcome,
                        last = shortened(&last, 80)
                    ),
                    None => outcome,
                }
            }
            (_, None) => self.own_ending(live),
        }
    }

    /// How far a running task is.
    pub(super) fn passing(&self, live: &LiveTask) -> Text {
        let language = self.language;
        if let Some(away) = live.away_since {
            return text!(
                language,
                "status-away",
                since = format::duration(language, away.elapsed())
            );
        }
        let Some(progress) = &live.progress else {
            return self
                .behind_others(live)
                .unwrap_or_else(|| text!(language, "task-sent"));
        };
        let elapsed = format::duration(language, Duration::from_millis(progress.elapsed_ms));
        if progress.bytes_total > 0 {
            return text!(
                language,
                "progress-bytes",
                done = format::bytes(progress.bytes_done),
                total = format::bytes(progress.bytes_total),
                elapsed = elapsed,
            );
        }
        if progress.bytes_done > 0 {
            return text!(
                language,
                "progress-bytes-only",
                done = format::bytes(progress.bytes_done),
                elapsed = elapsed,
            );
        }
        let counts = progress.counts.unwrap_or_default();
        let lines = counts.stdout_lines + counts.stderr_lines;
        if lines == 0 {
            return text!(language, "progress-quiet", elapsed = elapsed);
        }
        text!(language, "progress-lines", elapsed = elapsed, lines = lines)
    }

    /// Said of a task that has to wait until others on its node have ended.
    pub(super) fn behind_others(&self, live: &LiveTask) -> Option<Text> {
        if live.progress.is_some() || !matches!(self.job.spec, JobSpec::Run(_)) {
            return None;
        }
        let node = self.brain.fleet().get(self.brain, live.node.as_str())?;
        let places = node.facts()?.max_jobs as usize;
        let others = self.brain.orders().ahead(&live.node, &live.task.order);
        (places > 0 && others >= places).then(|| {
            text!(
                self.language,
                "task-behind",
                others = others,
                node = live.node.as_str()
            )
        })
    }

    fn ending(&self, live: &LiveTask, ending: &TaskEnding) -> Text {
        let language = self.language;
        let took = ending
            .took_ms()
            .map(|took| self.duration(took))
            .unwrap_or_default();
        if let Some(refused) = ending.refusal() {
            return self.refusal(live, refused);
        }
        let TaskEnding::Ended(ended) = ending else {
            return Text::default();
        };
        match &ended.outcome {
            Some(ended::Outcome::Run(run)) if self.is_container_log() => {
                let counts = run.counts.unwrap_or_default();
                let lines = counts.stdout_lines + counts.stderr_lines;
                text!(language, "docker-log", lines = lines)
            }
            Some(ended::Outcome::Run(run)) => {
                let (_, outcome) = outcome::run(language, run);
                text!(language, "status-took", outcome = outcome, took = took)
            }
            Some(ended::Outcome::Transfer(moved)) => {
                let hash = hex::encode(&moved.blake3);
                let size = format::bytes(moved.size);
                let path = Text::code(&format!("{}:{}", live.node, moved.path));
                let hash = short_hash(&hash);
                let entries = moved.entries;
                let content = format::bytes(moved.content_bytes);
                let is_get = matches!(self.job.spec, JobSpec::Get(_) | JobSpec::Run(_));
                match (is_get, moved.is_archive, moved.already_there) {
                    (true, true, _) => text!(
                        language,
                        "status-get-archive",
                        entries = entries,
                        content = content,
                        size = size,
                        hash = hash
                    ),
                    (true, false, _) => {
                        text!(language, "status-get-done", size = size, hash = hash)
                    }
                    (false, true, _) => text!(
                        language,
                        "status-put-unpacked",
                        path = path,
                        entries = entries,
                        content = content
                    ),
                    (false, false, true) => {
                        text!(language, "status-put-there", path = path, size = size)
                    }
                    (false, false, false) => text!(
                        language,
                        "status-put-done",
                        path = path,
                        size = size,
                        hash = hash
                    ),
                }
            }
            Some(ended::Outcome::Service(answer)) => {
                let outcome = self.answered(answer);
                text!(language, "status-took", outcome = outcome, took = took)
            }
            Some(ended::Outcome::Done(done)) => self.done(done),
            Some(ended::Outcome::Lost(_)) => text!(language, "outcome-lost"),
            _ => text!(language, "outcome-done"),
        }
    }

    /// A task that ended on our own word.
    fn own_ending(&self, live: &LiveTask) -> Text {
        let language = self.language;
        match live.task.state {
            TaskState::Offline if (1..=live.task.ended_ms).contains(&self.job.wait_until_ms) => {
                let until = format::clock(self.job.wait_until_ms, &self.brain.zone());
                text!(language, "outcome-waited", clock = until)
            }
            TaskState::Offline => text!(language, "outcome-offline"),
            TaskState::Cancelled => text!(language, "outcome-cancelled"),
            TaskState::Lost => text!(language, "outcome-lost"),
            _ => text!(language, "outcome-unknown"),
        }
    }

    fn refusal(&self, live: &LiveTask, refused: &Refused) -> Text {
        let language = self.language;
        if let Some(trouble) = transfer::own_trouble(refused) {
            return match trouble {
                TransferError::Offline => text!(language, "outcome-offline"),
                TransferError::DiskFull => text!(language, "files-disk-full"),
                TransferError::Quota => text!(
                    language,
                    "files-quota-full",
                    used = format::bytes(self.brain.blobs().used()),
                    quota = format::bytes(self.brain.config().files_quota)
                ),
                _ => text!(language, "files-cut"),
            };
        }
        if refused.reason() == RefusedReason::TooLarge
            && let JobSpec::Get(get) = &self.job.spec
        {
            let quota = self.brain.config().files_quota;
            let limit = match self.brain.file_limit(&self.job.room.bot) {
                0 => quota,
                _ if get.keep => quota,
                limit => limit.min(quota),
            };
            let (size, limit) = (format::bytes(refused.size), format::bytes(limit));
            return match transfer::count_of(refused) {
                Some(entries) if entries > MOST_PACKED => {
                    text!(language, "get-too-many", most = format::count(MOST_PACKED))
                }
                Some(entries) => text!(
                    language,
                    "get-too-large-archive",
                    entries = entries,
                    size = size,
                    limit = limit
                ),
                None => text!(language, "get-too-large", size = size, limit = limit),
            };
        }
        if let JobSpec::Copy(copy) = &self.job.spec
            && let Some(refused) = transfer::source_refusal(refused)
        {
            let root = self.brain.root().address().to_string();
            let order = RefusedOrder {
                node: &copy.from,
                root: &root,
                path: &copy.source,
            };
            return outcome::refused(language, &refused, order);
        }
        let folder = match &self.job.spec {
            JobSpec::Put(put) => Some(&put.path),
            JobSpec::Copy(copy) => Some(&copy.path),
            _ => None,
        };
        if let (RefusedReason::NotFound, Some(path)) = (refused.reason(), folder) {
            let path = Text::code(path);
            return text!(
                language,
                "put-no-folder",
                path = path,
                node = live.node.as_str()
            );
        }
        if let (RefusedReason::NotFound, JobSpec::Instruct(Instruction::Call { service, .. })) =
            (refused.reason(), &self.job.spec)
        {
            return text!(
                language,
                "service-unknown",
                node = live.node.as_str(),
                service = Text::code(service)
            );
        }
        if let (RefusedReason::Malformed, Some(_)) = (refused.reason(), folder) {
            return text!(
                language,
                "put-not-unpacked",
                node = live.node.as_str(),
                detail = refused.detail.as_str()
            );
        }
        let path = match &self.job.spec {
            JobSpec::Get(get) => get.path.as_str(),
            JobSpec::Put(put) => put.path.as_str(),
            JobSpec::Copy(copy) => copy.path.as_str(),
            JobSpec::Run(run) => run.cwd.as_str(),
            JobSpec::Instruct(_) | JobSpec::Update(_) => "",
        };
        let root = self.brain.root().address().to_string();
        let order = RefusedOrder {
            node: live.node.as_str(),
            root: &root,
            path,
        };
        outcome::refused(language, refused, order)
    }

    /// What to do next, where that is not plain.
    pub(super) fn advice(&self, live: &LiveTask) -> Option<Text> {
        let language = self.language;
        match live.task.state {
            TaskState::Offline => {
                let node = self.brain.fleet().get(self.brain, live.node.as_str())?;
                if node.record.last_seen_ms == 0 {
                    return Some(text!(
                        language,
                        "advice-never-seen",
                        node = live.node.as_str()
                    ));
                }
                let since = format::ago(
                    language,
                    node.record.last_seen_ms,
                    self.brain.now_ms(),
                    &self.brain.zone(),
                );
                Some(text!(
                    language,
                    "advice-offline",
                    node = live.node.as_str(),
                    since = since
                ))
            }
            TaskState::Lost => Some(text!(language, "advice-lost", node = live.node.as_str())),
            _ => None,
        }
    }
}

fn short_hash(hash: &str) -> String {
    match (hash.get(..4), hash.get(hash.len().saturating_sub(2)..)) {
        (Some(head), Some(tail)) if hash.len() > 8 => format!("{head}…{tail}"),
        _ => hash.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_shortened() {
        assert_eq!(short_hash("5f1c000000e2"), "5f1c…e2");
        assert_eq!(short_hash(""), "");
    }
}
