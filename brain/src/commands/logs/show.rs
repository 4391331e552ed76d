//! `logs`: what a node was ordered and what became of it, by its own journal.

use jarvis_nodeclient::{Address, NodeName};
use jarvis_proto::node::{JournalEntry, JournalReport, OwnLog, ReadJournal, ended, order};

use super::LogsArgs;
use crate::answer::Answer;
use crate::command::permission::Permission;
use crate::command::target::Target;
use crate::commands::{Call, Trouble};
use crate::job::inquiry::{self, NoAnswer};
use crate::job::{TaskEnding, mark, service_outcome};
use crate::reply::{Reply, ReplyFile};
use crate::text::outcome::{self, RefusedOrder};
use crate::text::{Text, format, text};

/// Orders that are shown without a number, and most of them: more are no message.
const ENTRIES: (u32, u32) = (10, 40);
/// Lines of the node's own log without a number.
const LINES: u32 = 200;
/// Most bytes of the node's own log that are taken from it.
const MOST_LOG: usize = 64 << 10;

/// `logs NODE [-n N] [--grep TEXT] [--node]`.
pub(in crate::commands) async fn logs(
    call: &Call<'_>,
    args: LogsArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let target = Target::node(&args.name);
    let nodes = match call.nodes_for(&target, Permission::Operator, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let Some(node) = nodes.first() else {
        return Ok(Answer::nothing());
    };
    let name = node.record.name.as_str();
    let (Ok(node_name), Ok(address)) =
        (NodeName::parse(name), Address::parse(&node.record.address))
    else {
        return Ok(Answer::say(text!(language, "node-forgotten", node = name)));
    };
    if !node.is_online() {
        return Ok(Answer::say(text!(language, "logs-offline", node = name)));
    }
    let most = match (args.node, args.lines) {
        (true, lines) => lines.unwrap_or(LINES),
        (false, lines) => lines.unwrap_or(ENTRIES.0).min(ENTRIES.1),
    };
    let question = order::Body::ReadJournal(ReadJournal {
        most,
        grep: args.grep.clone().unwrap_or_default(),
        own_log: args.node,
    });
    let done = match inquiry::ask(call.brain, &node_name, &address, question).await {
        Ok(done) => done,
        Err(NoAnswer::Silence) => {
            return Ok(Answer::say(text!(language, "logs-silence", node = name)));
        }
        Err(NoAnswer::Refused(refused)) => {
            return Ok(Answer::say(refusal(call, name, &refused)));
        }
    };
    let grep = args.grep.as_deref();
    match (done.journal, done.own_log) {
        (Some(report), _) => Ok(Answer::say(journal(call, name, &report, grep).await?)),
        (None, Some(log)) => own_log(call, name, log, grep).await,
        (None, None) => Ok(Answer::say(text!(language, "logs-silence", node = name))),
    }
}

fn refusal(call: &Call<'_>, node: &str, refused: &jarvis_proto::node::Refused) -> Text {
    let root = call.brain.root().address().to_string();
    let order = RefusedOrder {
        node,
        root: &root,
        path: "",
    };
    outcome::refused(call.language(), refused, order)
}

async fn journal(
    call: &Call<'_>,
    node: &str,
    report: &JournalReport,
    grep: Option<&str>,
) -> Result<Reply, Trouble> {
    let language = call.language();
    let mut reply = Reply::new().line(text!(
        language,
        "logs-head",
        node = node,
        orders = report.orders,
        jobs = report.kept_jobs,
        size = format::bytes(report.kept_bytes)
    ));
    if report.entries.is_empty() {
        return Ok(reply.line(match grep {
            Some(grep) => text!(language, "logs-no-match", text = grep),
            None => text!(language, "logs-none"),
        }));
    }
    for entry in report.entries.iter().take(ENTRIES.1 as usize) {
        let number = match call.brain.store().task(&entry.order).await? {
            Some(task) => call.brain.store().job(&task.job).await?,
            None => None,
        };
        reply = reply.line(row(call, node, entry, number.map(|job| job.number)));
    }
    Ok(reply)
}

fn row(call: &Call<'_>, node: &str, entry: &JournalEntry, number: Option<i64>) -> Text {
    let language = call.language();
    let ending = entry
        .ended
        .clone()
        .map(|ended| TaskEnding::Ended(Box::new(ended)));
    let mark = ending.as_ref().map_or("⏳", |ending| mark(ending.state()));
    let mut parts = vec![Text::plain(&format::date_time(
        entry.accepted_ms,
        &call.brain.zone(),
    ))];
    parts.extend(number.map(|number| text!(language, "logs-job", number = number)));
    parts.push(Text::code(&entry.what));
    parts.push(match &entry.ended {
        None => text!(language, "logs-open"),
        Some(ended) => match &ended.outcome {
            Some(ended::Outcome::Run(run)) => outcome::run(language, run).1,
            Some(ended::Outcome::Transfer(moved)) => Text::plain(&format::bytes(moved.size)),
            Some(ended::Outcome::Failed(refused)) => refusal(call, node, refused),
            Some(ended::Outcome::Lost(_)) => text!(language, "outcome-lost"),
            Some(ended::Outcome::Service(answer)) => service_outcome(language, answer),
            Some(ended::Outcome::Done(_)) | None => text!(language, "outcome-done"),
        },
    });
    if entry.kept_bytes > 0 {
        let size = format::bytes(entry.kept_bytes);
        parts.push(text!(language, "logs-kept", size = size));
    }
    text!(
        language,
        "logs-row",
        mark = mark,
        what = Text::join(parts, " · ")
    )
}

async fn own_log(
    call: &Call<'_>,
    node: &str,
    log: OwnLog,
    grep: Option<&str>,
) -> Result<Answer, Trouble> {
    let language = call.language();
    if log.path.is_empty() {
        return Ok(Answer::say(if log.in_system_journal {
            let command = Text::code("journalctl -u jarvis-node");
            text!(language, "logs-own-system", node = node, command = command)
        } else {
            text!(language, "logs-own-none", node = node)
        }));
    }
    if log.tail.is_empty() {
        return Ok(Answer::say(match grep {
            Some(grep) => text!(language, "logs-no-match", text = grep),
            None => text!(language, "logs-own-empty", node = node),
        }));
    }
    let tail = &log.tail[log.tail.len().saturating_sub(MOST_LOG)..];
    let blob = call.brain.blobs().put(tail).await?;
    let lines = tail.iter().filter(|byte| **byte == b'\n').count();
    let reply = Reply::from(text!(
        language,
        "logs-own",
        node = node,
        path = Text::code(&log.path),
        lines = lines,
        size = format::bytes(log.size)
    ));
    Ok(Answer::say(reply.file(ReplyFile {
        size: blob.size,
        blob: blob.hash,
        name: format!("jarvis-node-{node}.log"),
        mime: "text/plain".to_owned(),
    })))
}
