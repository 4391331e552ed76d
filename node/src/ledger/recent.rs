//! What the node was ordered lately, for people.

use std::collections::HashMap;
use std::io;

use jarvis_nodeclient::Address;
use jarvis_proto::node::{
    DockerAction, Done, Ended, GetFile, JournalEntry, JournalReport, ReadJournal, Update, ended,
    get_file, order,
};

use super::State;
use crate::core::Core;
use crate::kept::folder_bytes;

/// Most orders in an answer.
const MOST_ENTRIES: usize = 100;
/// Longest description of an order, in characters.
const LONGEST: usize = 120;

/// Answers a question of `root`.
///
/// # Errors
///
/// When the journal cannot be read.
pub(crate) fn report(
    core: &Core,
    root: &Address,
    question: &ReadJournal,
) -> io::Result<JournalReport> {
    let most = match usize::try_from(question.most) {
        Ok(most @ 1..MOST_ENTRIES) => most,
        _ => MOST_ENTRIES,
    };
    let known = core.ledger.select(|known| known.root == *root);
    let kept = kept(core);
    let mut entries = Vec::new();
    for order in known.iter().rev() {
        if entries.len() == most {
            break;
        }
        // It may be forgotten by now.
        let Some(ordered) = core.ledger.order(root, order)? else {
            continue;
        };
        let (Some(body), state) = (ordered.body, core.ledger.state(root, order)?) else {
            continue;
        };
        if matches!(body, order::Body::ReadJournal(_)) || !is_wanted(&body, &question.grep) {
            continue;
        }
        let ended = match state {
            State::Ended(ended) => Some(without_output(*ended)),
            State::Open { .. } => None,
            State::Unknown => continue,
        };
        entries.push(JournalEntry {
            order: order.clone(),
            accepted_ms: core.ledger.accepted_ms(order).unwrap_or_default(),
            what: shortened(&what(&body)),
            ended,
            kept_bytes: kept.get(order).copied().unwrap_or_default(),
        });
    }
    Ok(JournalReport {
        entries,
        orders: known.len() as u64,
        kept_jobs: kept.len() as u64,
        kept_bytes: kept.values().sum(),
    })
}

/// The bytes of each folder with output.
fn kept(core: &Core) -> HashMap<String, u64> {
    let Ok(folders) = std::fs::read_dir(core.jobs_folder()) else {
        return HashMap::new();
    };
    folders
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let order = entry.file_name().into_string().ok()?;
            Some((order, folder_bytes(&entry.path())))
        })
        .collect()
}

fn is_wanted(body: &order::Body, text: &str) -> bool {
    let script = match body {
        order::Body::Run(run) => run.script.as_str(),
        _ => "",
    };
    what(body).contains(text) || script.contains(text)
}

/// What was ordered, as people would type it. Input of services may be secret and stays out.
fn what(body: &order::Body) -> String {
    match body {
        order::Body::Run(run) if run.name.is_empty() => {
            format!("run {}", run.script.lines().next().unwrap_or_default())
        }
        order::Body::Run(run) => format!("run {}", run.name),
        order::Body::Cancel(_) => "cancel".to_owned(),
        order::Body::Put(put) => format!("put {}", put.path),
        order::Body::Get(GetFile { source, .. }) => match source {
            Some(get_file::Source::Path(path)) => format!("get {path}"),
            Some(get_file::Source::Output(_)) => "log".to_owned(),
            Some(get_file::Source::Result(_)) | None => "get".to_owned(),
        },
        order::Body::Trust(trust) if trust.trusted => format!("trust {}", trust.address),
        order::Body::Trust(trust) => format!("untrust {}", trust.address),
        order::Body::ClearLogs(_) => "clearlogs".to_owned(),
        order::Body::Update(Update { rollback: true, .. }) => "rollback".to_owned(),
        order::Body::Update(update) => format!("update {}", update.version),
        order::Body::Call(call) => format!("call {}", call.service),
        order::Body::ListTrust(_) => "trusted".to_owned(),
        order::Body::RotateKey(_) => "rotatekey".to_owned(),
        order::Body::Docker(docker) => {
            let action = match docker.action() {
                DockerAction::Unspecified => "",
                DockerAction::Ps => "ps",
                DockerAction::Logs => "logs",
                DockerAction::Start => "start",
                DockerAction::Stop => "stop",
                DockerAction::Restart => "restart",
            };
            format!("docker {action} {}", docker.container)
        }
        order::Body::ReadJournal(_) => "logs".to_owned(),
    }
}

fn shortened(text: &str) -> String {
    let text = text.trim();
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    match text.chars().count() {
        0..=LONGEST => plain.collect(),
        _ => plain.take(LONGEST - 1).chain(['…']).collect(),
    }
}

/// An ending, without what takes room or is nobody's business here.
fn without_output(mut ended: Ended) -> Ended {
    match &mut ended.outcome {
        Some(ended::Outcome::Run(run)) => {
            run.stdout_tail.clear();
            run.stderr_tail.clear();
            run.tail.clear();
            run.files.clear();
            run.file_notes.clear();
        }
        Some(ended::Outcome::Service(answer)) => {
            answer.json.clear();
            answer.files.clear();
            answer.file_notes.clear();
            answer.link = None;
            answer.error_tail.clear();
        }
        Some(ended::Outcome::Done(done)) => {
            *done = Done {
                had_effect: done.had_effect,
                docker_failure: done.docker_failure,
                docker_status: done.docker_status,
                ..Done::default()
            };
        }
        Some(ended::Outcome::Transfer(moved)) => moved.notes.clear(),
        Some(ended::Outcome::Failed(_) | ended::Outcome::Lost(_)) | None => {}
    }
    ended
}

#[cfg(test)]
mod tests {
    use jarvis_proto::node::{CallService, RunJob};

    use super::*;

    #[test]
    fn orders_read_as_commands_and_keep_secrets() {
        let call = order::Body::Call(CallService {
            service: "login".to_owned(),
            json: r#"{"password":"hunter2"}"#.to_owned(),
            timeout_ms: 0,
        });
        assert_eq!(what(&call), "call login");
        assert!(!is_wanted(&call, "hunter2"));
        let run = order::Body::Run(RunJob {
            script: "true\nuptime".to_owned(),
            ..RunJob::default()
        });
        assert_eq!(what(&run), "run true");
        assert!(is_wanted(&run, "uptime") && !is_wanted(&run, "reboot"));
    }

    #[test]
    fn descriptions_are_one_short_line() {
        assert_eq!(shortened(" a\nb "), "a b");
        let long = shortened(&"长".repeat(500));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with('…'));
    }
}
