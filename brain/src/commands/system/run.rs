//! `health` and `audit`.

use std::time::{Duration, Instant};

use super::AuditArgs;
use crate::answer::Answer;
use crate::commands::people::run::find;
use crate::commands::{Call, Trouble};
use crate::reply::Reply;
use crate::store::AuditFilter;
use crate::text::outcome::Mark;
use crate::text::{Text, format, text};

/// Lines of the audit log shown unasked, and at most.
const LISTED: (usize, usize) = (10, 50);

/// `health`: brain, database, adapters, nodes, and who knocked in vain.
pub(in crate::commands) async fn health(call: &Call<'_>) -> Result<Answer, Trouble> {
    let language = call.language();
    let brain = call.brain;
    let now_ms = brain.now_ms();
    let zone = brain.zone();
    let up = Duration::from_millis((now_ms - brain.started_ms()).max(0).unsigned_abs());
    let uptime = format::duration(language, up);
    let mut reply = Reply::new().line(text!(
        language,
        "health-brain",
        version = env!("CARGO_PKG_VERSION"),
        uptime = uptime,
        memory = format::bytes(resident_bytes()),
    ));
    let asked = Instant::now();
    reply = reply.line(match brain.store().health().await {
        Ok(store) => text!(
            language,
            "health-store",
            kind = store.database,
            latency = format::duration(language, asked.elapsed()),
        ),
        Err(error) => {
            tracing::error!(%error, "the store does not answer");
            text!(language, "error-store", trace = call.trace)
        }
    });
    let sessions = brain.sessions().all();
    if sessions.is_empty() {
        reply = reply.line(text!(language, "health-adapters-none"));
    }
    for session in sessions {
        let since = format::ago(language, session.since_ms(), now_ms, &zone);
        reply = reply.line(text!(
            language,
            "health-adapter",
            mark = Mark::Good.to_string(),
            kind = session.bot().kind.as_str(),
            bot = session.bot().bot.as_str(),
            state = text!(language, "health-adapter-on", since = since),
        ));
    }
    for stop in brain.stopped().all() {
        let since = format::ago(language, stop.at_ms, now_ms, &zone);
        reply = reply.line(text!(
            language,
            "health-adapter-stopped",
            mark = Mark::Bad.to_string(),
            adapter = stop.name(),
            since = since,
            reason = stop.words(language),
        ));
    }
    let nodes = brain.fleet().all(brain);
    let away: Vec<String> = nodes
        .iter()
        .filter(|node| !node.is_online())
        .map(|node| node.record.name.clone())
        .collect();
    reply = reply.line(text!(
        language,
        "health-nodes",
        online = nodes.len() - away.len(),
        nodes = nodes.len(),
    ));
    if !away.is_empty() {
        reply = reply.line(text!(
            language,
            "health-nodes-off",
            nodes = crate::command::target::listed(language, &away)
        ));
    }
    reply = reply.line(text!(
        language,
        "health-running",
        running = brain.jobs().count()
    ));
    reply = reply.line(match brain.outbox().waiting() {
        0 => text!(language, "health-outbox-empty"),
        waiting => text!(language, "health-outbox", waiting = waiting),
    });
    let notes = brain.notes().health();
    reply = reply.line(match notes {
        _ if !notes.is_open => text!(language, "health-notes-closed"),
        _ if notes.is_rebuilding => text!(language, "health-notes-rebuilding"),
        _ if notes.was_replaced => {
            text!(language, "health-notes-replaced", notes = notes.notes)
        }
        _ => text!(language, "health-notes", notes = notes.notes),
    });
    for notice in &brain.config().notices {
        reply = reply.line(Text::plain(notice));
    }
    for node in &nodes {
        if let Some(offset) = node.bad_clock() {
            let name = node.record.name.as_str();
            let offset = Duration::from_millis(offset.unsigned_abs());
            let offset = format::duration(language, offset);
            reply = reply.line(if node.is_legacy() {
                let mark = Mark::Bad.to_string();
                text!(
                    language,
                    "health-clock-legacy",
                    mark = mark,
                    node = name,
                    offset = offset
                )
            } else {
                text!(language, "health-clock", node = name, offset = offset)
            });
        }
    }
    for problem in crate::watch::problems::problems(language, &nodes) {
        reply = reply.line(problem);
    }
    if let Some(counts) = brain.root().legacy_counts() {
        reply = reply.line(match counts.all() {
            0 => text!(language, "health-legacy"),
            all => text!(
                language,
                "health-legacy-refused",
                refused = all,
                untrusted = counts.untrusted,
                signature = counts.signature,
                clock = counts.clock,
                number = counts.number,
                malformed = counts.malformed,
                unasked = counts.unasked,
            ),
        });
    }
    for stranger in brain.fleet().strangers() {
        reply = reply.line(text!(
            language,
            "health-stranger",
            address = Text::code(&stranger.address),
            peer = stranger.peer,
            when = format::ago(language, stranger.seen_ms, now_ms, &zone),
        ));
    }
    Ok(Answer::say(reply))
}

/// `audit [-n N] [--user USER] [--job ID]`.
pub(in crate::commands) async fn audit(
    call: &Call<'_>,
    args: AuditArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let account = match &args.user {
        None => None,
        Some(user) => match find(call, user).await? {
            Ok(account) => Some(account.id),
            Err(answer) => return Ok(answer),
        },
    };
    let filter = AuditFilter {
        account,
        target: args.job.map(|number| format!("job {number}")),
        ..AuditFilter::default()
    };
    let limit = args
        .number
        .map_or(LISTED.0, |number| number as usize)
        .min(LISTED.1);
    let entries = call.brain.store().audit(&filter, limit).await?;
    if entries.is_empty() {
        return Ok(Answer::say(text!(language, "audit-none")));
    }
    let mut names = std::collections::HashMap::new();
    let mut reply = Reply::new();
    for entry in entries {
        let who = match &entry.account {
            None => text!(language, "audit-brain").to_string(),
            Some(id) => match names.get(id) {
                Some(name) => String::clone(name),
                None => {
                    let account = call.brain.store().account(id).await?;
                    let name = account.map_or_else(|| id.to_string(), |account| account.name);
                    names.insert(id.clone(), name.clone());
                    name
                }
            },
        };
        let from = entry
            .identity
            .map(|identity| identity.kind)
            .unwrap_or_default();
        reply = reply.line(text!(
            language,
            "audit-row",
            when = format::date_time(entry.time_ms, &call.brain.zone()),
            who = if from.is_empty() {
                who
            } else {
                format!("{who} ({from})")
            },
            what = entry.target,
            detail = Text::code(&crate::commands::jobs::run::shortened(&entry.detail, 80)),
            result = entry.result,
        ));
    }
    Ok(Answer::say(reply))
}

/// Memory of this process that is in use, in bytes; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
