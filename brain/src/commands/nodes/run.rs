//! `nodes`, `node`, `mystate`, `enroll`, `forget`.

use jarvis_nodeclient::{Address, NodeName};

use super::{EnrollArgs, ForgetArgs, NodeArgs, NodesArgs};
use crate::answer::{After, Answer};
use crate::brain::Brain;
use crate::command::suggest;
use crate::commands::{Call, Trouble};
use crate::config::NodeEntry;
use crate::fleet::FleetNode;
use crate::job::JobState;
use crate::reply::Reply;
use crate::store::{JobFilter, NodeRecord, Op, StoreError, Unit};
use crate::text::outcome::Mark;
use crate::text::{Text, format, text};

/// How many nodes `nodes` lists unasked, as before.
const LISTED: u32 = 128;

/// `nodes [-t TYPE] [--tag T] [-n N]`.
pub(in crate::commands) fn nodes(call: &Call<'_>, args: &NodesArgs) -> Answer {
    let language = call.language();
    let limit = usize::try_from(args.number.unwrap_or(LISTED)).unwrap_or(usize::MAX);
    let nodes: Vec<FleetNode> = call
        .brain
        .fleet()
        .all(call.brain)
        .into_iter()
        .filter(|node| {
            args.node_type
                .as_ref()
                .is_none_or(|wanted| node.node_type() == *wanted)
        })
        .filter(|node| {
            args.tag
                .as_ref()
                .is_none_or(|tag| node.record.tags.contains(tag))
        })
        .filter(|node| !args.offline || !node.is_online())
        .collect();
    if nodes.is_empty() && args.offline {
        return Answer::say(text!(language, "nodes-none-offline"));
    }
    if nodes.is_empty() {
        let none_at_all = call.brain.fleet().all(call.brain).is_empty();
        return Answer::say(if none_at_all {
            text!(language, "nodes-none")
        } else {
            text!(language, "nodes-none-match")
        });
    }
    let online = nodes.iter().filter(|node| node.is_online()).count();
    let mut reply = Reply::new().line(text!(
        language,
        "nodes-head",
        count = nodes.len(),
        online = online
    ));
    for node in nodes.iter().take(limit) {
        let line = row(call, node);
        reply = reply.line(line);
    }
    if nodes.len() > limit {
        reply = reply.line(text!(
            language,
            "nodes-more",
            more = nodes.len() - limit,
            all = nodes.len()
        ));
    }
    Answer::say(reply)
}

/// A node's line in the list.
fn row(call: &Call<'_>, node: &FleetNode) -> Text {
    let language = call.language();
    let mark = if node.is_online() {
        Mark::Good
    } else {
        Mark::Absent
    };
    let facts = node.facts().unwrap_or_default();
    let mark = Text::plain(&format!("{mark} {}", node.record.name));
    let mut parts = vec![mark];
    if !facts.node_type.is_empty() {
        parts.push(Text::plain(&format!(
            "{} {}",
            facts.node_type, facts.version
        )));
    }
    if !node.record.tags.is_empty() {
        parts.push(Text::plain(&tags_of(&node.record.tags)));
    }
    let load = node.status.as_ref().and_then(|status| status.load.as_ref());
    match load {
        Some(load) if node.is_online() => {
            parts.push(text!(
                language,
                "nodes-row-load",
                load = format!("{:.2}", load.load1)
            ));
            if load.running_jobs > 0 {
                parts.push(text!(language, "nodes-row-jobs", jobs = load.running_jobs));
            }
        }
        _ if node.is_online() => {}
        _ if node.record.last_seen_ms > 0 => parts.push(text!(
            language,
            "nodes-row-offline",
            since = format::ago(
                language,
                node.record.last_seen_ms,
                call.brain.now_ms(),
                &call.brain.zone()
            ),
        )),
        _ => parts.push(text!(language, "nodes-row-never")),
    }
    Text::join(parts, " · ")
}

/// `node NAME`.
pub(in crate::commands) async fn node(call: &Call<'_>, args: NodeArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let now_ms = call.brain.now_ms();
    let zone = call.brain.zone();
    let Some(node) = call.brain.fleet().get(call.brain, &args.name) else {
        return Ok(Answer::say(unknown_node(call, &args.name)));
    };
    let mut reply = Reply::new().line(match &node.status {
        Some(status) if status.online => text!(
            language,
            "node-online",
            node = node.record.name.as_str(),
            since = format::ago(language, status.since_ms, now_ms, &zone),
        ),
        _ if node.record.last_seen_ms > 0 => text!(
            language,
            "node-offline",
            node = node.record.name.as_str(),
            since = format::ago(language, node.record.last_seen_ms, now_ms, &zone),
        ),
        _ => text!(language, "node-never", node = node.record.name.as_str()),
    });
    reply = reply.line(text!(
        language,
        "node-address",
        address = Text::code(&node.record.address)
    ));
    if !node.record.tags.is_empty() {
        reply = reply.line(text!(
            language,
            "node-tags",
            tags = tags_of(&node.record.tags)
        ));
    }
    if let Some(facts) = node.facts() {
        reply = reply.line(text!(
            language,
            "node-type",
            type = facts.node_type,
            version = facts.version,
            core = facts.core_version,
        ));
        // A legacy node tells of its system what its files say, if it may read them.
        if !facts.legacy {
            reply = reply.line(text!(
                language,
                "node-system",
                os = facts.os,
                kernel = facts.kernel,
                arch = facts.arch,
                cpus = facts.cpus,
            ));
        } else if !facts.os.is_empty() {
            reply = reply.line(Text::plain(&facts.os));
        }
        if !facts.container.is_empty() {
            reply = reply.line(text!(
                language,
                "node-container",
                container = facts.container
            ));
        }
    }
    if node.facts().is_some_and(|facts| facts.legacy) {
        reply = reply.line(text!(language, "node-legacy"));
    }
    if let Some(load) = node
        .status
        .as_ref()
        .filter(|status| status.online)
        .and_then(|status| status.load.as_ref())
    {
        reply = reply
            .line(text!(
                language,
                "node-load",
                load = format!("{:.2} {:.2} {:.2}", load.load1, load.load5, load.load15),
                cpu = format!("{:.0}", load.cpu * 100.0),
            ))
            .line(text!(
                language,
                "node-memory",
                used = format::bytes(load.memory_used_bytes),
                total = format::bytes(load.memory_total_bytes),
            ))
            .line(text!(
                language,
                "node-disk",
                used = format::bytes(load.disk_used_bytes),
                total = format::bytes(load.disk_total_bytes),
            ));
    }
    let open = JobFilter {
        state: Some(JobState::Open),
        node: Some(args.name.clone()),
        ..JobFilter::default()
    };
    let jobs = call.brain.store().jobs(&open, 20).await?;
    reply = if jobs.is_empty() {
        reply.line(text!(language, "node-no-jobs"))
    } else {
        let numbers: Vec<String> = jobs.iter().map(|job| job.number.to_string()).collect();
        reply.line(text!(language, "node-jobs", jobs = numbers.join(", ")))
    };
    if let Some(offset) = node.bad_clock() {
        let offset = std::time::Duration::from_millis(offset.unsigned_abs());
        let offset = format::duration(language, offset);
        reply = reply.line(if node.is_legacy() {
            text!(language, "node-clock-legacy", offset = offset)
        } else {
            text!(language, "node-clock", offset = offset)
        });
    }
    Ok(Answer::say(reply))
}

/// `mystate`: the root's own identity, and what it is doing.
pub(in crate::commands) fn mystate(call: &Call<'_>) -> Answer {
    let language = call.language();
    let brain = call.brain;
    let nodes = brain.fleet().all(brain);
    let online = nodes.iter().filter(|node| node.is_online()).count();
    let mut reply = Reply::new()
        .line(text!(
            language,
            "mystate-head",
            version = env!("CARGO_PKG_VERSION"),
            address = Text::code(&brain.root().address().to_string()),
        ))
        .line(text!(
            language,
            "mystate-nodes",
            nodes = nodes.len(),
            online = online,
            since = format::ago(language, brain.started_ms(), brain.now_ms(), &brain.zone()),
        ))
        .line(text!(
            language,
            "mystate-work",
            running = brain.jobs().count(),
            orders = brain.orders().open(),
            messages = brain.outbox().waiting(),
        ));
    if let Some(address) = brain.node_address() {
        reply = reply.line(text!(
            language,
            "mystate-listen",
            address = address.to_string()
        ));
    }
    Answer::say(reply)
}

/// Why a node cannot be enrolled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnrollError {
    /// The name or address is malformed.
    #[error("{0}")]
    Malformed(String),
    /// Name or address belongs to another node.
    #[error("`{0}` is taken by another node")]
    Taken(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// `enroll NAME ADDRESS [--tag T]… [--dial HOST:PORT]`.
pub(in crate::commands) async fn enroll(
    call: &Call<'_>,
    args: EnrollArgs,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let entry = NodeEntry {
        name: args.name,
        address: args.address,
        tags: args.tag,
        dial: args
            .legacy
            .map(|server| format!("{}{server}", jarvis_nodeclient::LEGACY_DIAL))
            .or(args.dial),
    };
    let record = match record_of(call.brain, &entry).await {
        Ok(record) => record,
        Err(EnrollError::Store(error)) => return Err(error.into()),
        Err(EnrollError::Malformed(detail)) => {
            return Ok(Answer::say(text!(
                language,
                "enroll-malformed",
                detail = detail
            )));
        }
        Err(EnrollError::Taken(what)) => {
            return Ok(Answer::say(text!(language, "enroll-taken", what = what)));
        }
    };
    let brain = call.brain;
    let root = Text::code(&brain.root().address().to_string());
    let next = if record.dial.starts_with(jarvis_nodeclient::LEGACY_DIAL) {
        let dial = record.dial.as_str();
        match brain.config().legacy {
            Some(_) => text!(language, "enroll-next-legacy", dial = dial, root = root),
            None => text!(language, "enroll-legacy-off", dial = dial, root = root),
        }
    } else if record.dial.is_empty() {
        let dial = brain
            .node_address()
            .map_or_else(|| "HOST:PORT".to_owned(), |address| address.to_string());
        text!(
            language,
            "enroll-next-in",
            root = root,
            dial = Text::code(&dial)
        )
    } else {
        text!(
            language,
            "enroll-next-out",
            dial = record.dial.as_str(),
            root = root
        )
    };
    let reply = Reply::new()
        .line(text!(
            language,
            "enroll-done",
            node = record.name.as_str(),
            address = Text::code(&record.address),
        ))
        .line(next);
    Ok(Answer::say(reply)
        .about(record.name.clone())
        .op(Op::PutNode(record.clone()))
        .then(After::KeepNode(record)))
}

/// Makes a node of the configuration known.
///
/// # Errors
/// See [`EnrollError`].
pub(crate) async fn enroll_entry(brain: &Brain, entry: &NodeEntry) -> Result<(), EnrollError> {
    let record = record_of(brain, entry).await?;
    brain
        .store()
        .commit(Unit::of(vec![Op::PutNode(record.clone())]))
        .await?;
    brain.fleet().keep(brain, record);
    Ok(())
}

async fn record_of(brain: &Brain, entry: &NodeEntry) -> Result<NodeRecord, EnrollError> {
    let malformed = |error: &dyn std::error::Error| EnrollError::Malformed(error.to_string());
    let name = NodeName::parse(&entry.name).map_err(|error| malformed(&error))?;
    let legacy = entry
        .dial
        .as_deref()
        .and_then(|dial| dial.strip_prefix(jarvis_nodeclient::LEGACY_DIAL));
    if let Some(server) = legacy
        && !jarvis_nodeclient::legacy::names::is_server_address(server)
    {
        return Err(EnrollError::Malformed(format!(
            "`{server}` is no HOST:PORT"
        )));
    }
    let address = Address::parse(&entry.address).map_err(|error| malformed(&error))?;
    // The configuration may still have the one from before a change of key.
    let address = brain.root().current(&address);
    if address == brain.root().address() {
        return Err(EnrollError::Taken(address.to_string()));
    }
    if let Some(other) = brain.store().node(name.as_str()).await?
        && other.address != address.to_string()
    {
        return Err(EnrollError::Taken(name.to_string()));
    }
    let known = brain.store().node_by_address(&address.to_string()).await?;
    Ok(NodeRecord {
        address: address.to_string(),
        name: name.to_string(),
        tags: entry.tags.clone(),
        dial: entry.dial.clone().unwrap_or_default(),
        enrolled_ms: known
            .as_ref()
            .map_or_else(|| brain.now_ms(), |known| known.enrolled_ms),
        facts: known
            .as_ref()
            .map(|known| known.facts.clone())
            .unwrap_or_default(),
        last_seen_ms: known.map_or(0, |known| known.last_seen_ms),
    })
}

/// `forget NODE`.
pub(in crate::commands) fn forget(call: &Call<'_>, args: &ForgetArgs, line: &str) -> Answer {
    let language = call.language();
    let Some(node) = call.brain.fleet().get(call.brain, &args.name) else {
        return Answer::say(unknown_node(call, &args.name));
    };
    if !args.yes && !call.is_confirmed {
        let preview = Reply::new().line(text!(language, "forget-ask", node = args.name.as_str()));
        return call.ask(preview, line, serde_json::Value::Null);
    }
    Answer::say(text!(
        language,
        "forget-done",
        node = args.name.as_str(),
        enroll = Text::code(&format!(
            "enroll {} {}",
            node.record.name, node.record.address
        )),
    ))
    .about(args.name.clone())
    .op(Op::DropNode {
        address: node.record.address,
    })
    .then(After::ForgetNode(args.name.clone()))
}

pub(in crate::commands) fn unknown_node(call: &Call<'_>, name: &str) -> Text {
    let language = call.language();
    let names: Vec<String> = call
        .brain
        .fleet()
        .all(call.brain)
        .into_iter()
        .map(|node| node.record.name)
        .collect();
    match suggest::nearest(name, names.iter().map(String::as_str)) {
        _ if names.is_empty() => text!(language, "nodes-none"),
        Some(near) => text!(language, "node-unknown-near", node = name, near = near),
        None => text!(
            language,
            "node-unknown",
            node = name,
            nodes = crate::command::target::listed(language, &names)
        ),
    }
}

fn tags_of(tags: &[String]) -> String {
    tags.iter()
        .map(|tag| format!("#{tag}"))
        .collect::<Vec<_>>()
        .join(" ")
}
