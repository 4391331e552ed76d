//! What `updnodes` and `rollback` do: resolve, show what would happen, ask, and begin.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{RollbackArgs, UpdnodesArgs};
use crate::answer::Answer;
use crate::command::permission::{Object, Permission};
use crate::command::target::{NodeFacts, Target, listed};
use crate::commands::attach::{self, KeptFile};
use crate::commands::jobs::run::find;
use crate::commands::{Call, Trouble};
use crate::fleet::FleetNode;
use crate::job::{self, JobSpec, JobState, PutSpec, UpdateKind, UpdateSpec, rollout};
use crate::reply::Reply;
use crate::text::{Text, format, text};

/// How many at a time, of a hundred, when nothing is said.
const BATCH_PERCENT: usize = 20;
/// How long a node may take to be back when nothing is said.
const TIMEOUT: Duration = Duration::from_secs(120);

/// `updnodes -t TYPE (-v VERSION | -r) …`.
pub(in crate::commands) async fn updnodes(
    call: &Call<'_>,
    mut args: UpdnodesArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let nodes = match resolve(call, &args) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let facts: Vec<NodeFacts> = nodes.iter().map(facts_of).collect();
    if let Err(answer) = call.check(Permission::Operator, &Object::Nodes(&facts), line) {
        return Ok(answer);
    }
    let node_type = args.node_type.clone();
    let (kind, version) = match (args.version.clone(), args.restart) {
        (Some(version), false) => (UpdateKind::Version, version),
        (None, true) => (UpdateKind::Restart, String::new()),
        (Some(_), true) => return Ok(Answer::say(text!(language, "updnodes-both"))),
        (None, false) => {
            return Ok(Answer::say(text!(
                language,
                "updnodes-needs-version",
                usage = Text::code(&format!("/updnodes -t {node_type} -v VERSION")),
                versions = versions(&nodes),
            )));
        }
    };
    let has_file = call.kept_file.is_some() || !call.message.attachments.is_empty();
    let file = match has_file {
        true => match attach::the_file(call).await {
            Ok(file) => Some(file),
            Err(answer) => return Ok(answer),
        },
        false => None,
    };
    let spec = UpdateSpec {
        node_type,
        kind,
        version,
        versions: BTreeMap::new(),
        batch: args
            .batch
            .map_or((nodes.len() * BATCH_PERCENT).div_ceil(100), |batch| {
                batch.of(nodes.len())
            }),
        canary: args
            .canary
            .map_or(usize::from(nodes.len() > 1), |canary| canary as usize),
        max_fail: args.max_fail.map_or(1, |most| most.of(nodes.len())),
        timeout_ms: u64::try_from(args.timeout.unwrap_or(TIMEOUT).as_millis()).unwrap_or(u64::MAX),
        roll_back: args.rollback,
        package: file.as_ref().map(|file| PutSpec {
            blob: file.blob.clone(),
            name: file.name.clone(),
            size: file.size,
            path: String::new(),
            extract: false,
        }),
    };
    if !args.yes && !call.is_confirmed {
        // What was shown is what is done, whichever nodes come meanwhile.
        args.node = nodes.iter().map(|node| node.record.name.clone()).collect();
        args.tag.clear();
        let data = serde_json::to_value(&file).unwrap_or_default();
        return Ok(call.ask(
            preview(call, &spec, &nodes, file.as_ref()),
            &args.to_string(),
            data,
        ));
    }
    Ok(job::plan(call, JobSpec::Update(Box::new(spec)), &nodes, None).await?)
}

/// The nodes that are meant, by name.
fn resolve(call: &Call<'_>, args: &UpdnodesArgs) -> Result<Vec<FleetNode>, Answer> {
    let language = call.language();
    let known = call.node_facts();
    let explained = |target: &str| {
        let target: Target =
            target
                .parse()
                .map_err(|problem: crate::command::target::TargetProblem| {
                    Answer::say(problem.explain(language))
                })?;
        target
            .resolve(&known)
            .map(|nodes| {
                nodes
                    .into_iter()
                    .map(|node| node.name.clone())
                    .collect::<Vec<_>>()
            })
            .map_err(|problem| Answer::say(problem.explain(language)))
    };
    let of_type = explained(&format!("type:{}", args.node_type))?;
    let mut narrowed = Vec::new();
    for name in &args.node {
        narrowed.extend(explained(name)?);
    }
    let mut tagged = Vec::new();
    for tag in &args.tag {
        tagged.extend(explained(&format!("tag:{tag}"))?);
    }
    let is_meant = |name: &&String| {
        (args.node.is_empty() || narrowed.contains(name))
            && (args.tag.is_empty() || tagged.contains(name))
    };
    let nodes: Vec<FleetNode> = of_type
        .iter()
        .filter(is_meant)
        .filter_map(|name| call.brain.fleet().get(call.brain, name))
        .collect();
    if nodes.is_empty() {
        return Err(Answer::say(text!(
            language,
            "updnodes-no-node",
            type = args.node_type.as_str(),
            nodes = listed(language, &of_type),
        )));
    }
    Ok(nodes)
}

fn facts_of(node: &FleetNode) -> NodeFacts {
    NodeFacts {
        name: node.record.name.clone(),
        tags: node.record.tags.clone(),
        node_type: node.node_type(),
        online: node.is_online(),
    }
}

/// `4 x 0.3.0, 1 x 0.2.9`, the most frequent first.
fn versions(nodes: &[FleetNode]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for node in nodes {
        let version = node.facts().map(|facts| facts.version).unwrap_or_default();
        *counts.entry(version).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words: Vec<String> = counts
        .into_iter()
        .map(|(version, count)| format!("{count} x {version}"))
        .collect();
    words.join(", ")
}

/// What would happen.
fn preview(
    call: &Call<'_>,
    spec: &UpdateSpec,
    nodes: &[FleetNode],
    file: Option<&KeptFile>,
) -> Reply {
    let language = call.language();
    let names = |wanted: &dyn Fn(&FleetNode) -> bool| -> Vec<String> {
        nodes
            .iter()
            .filter(|node| wanted(node))
            .map(|node| node.record.name.clone())
            .collect()
    };
    let now = versions(nodes);
    let node_type = spec.node_type.as_str();
    let count = nodes.len();
    let head = match spec.kind {
        UpdateKind::Version => text!(
            language,
            "updnodes-ask",
            nodes = count,
            type = node_type,
            version = spec.version.as_str(),
            now = now
        ),
        UpdateKind::Restart => text!(
            language,
            "updnodes-ask-restart",
            nodes = count,
            type = node_type,
            now = now
        ),
        UpdateKind::Rollback => text!(
            language,
            "updnodes-ask-rollback",
            nodes = count,
            type = node_type,
            now = now
        ),
    };
    let mut reply = Reply::new().line(head);
    let takes_part = |node: &FleetNode| {
        let version = node.facts().map(|facts| facts.version).unwrap_or_default();
        node.is_online()
            && (spec.kind == UpdateKind::Restart || version != spec.wanted(&node.record.name))
    };
    if count > 1 {
        let mut canaries = names(&takes_part);
        canaries.truncate(spec.canary);
        reply = reply.line(match canaries.is_empty() {
            true => text!(language, "updnodes-waves", batch = spec.batch),
            false => text!(
                language,
                "updnodes-waves-canary",
                canary = listed(language, &canaries),
                batch = spec.batch
            ),
        });
        if spec.kind != UpdateKind::Rollback {
            reply = reply.line(text!(language, "updnodes-limit", failures = spec.max_fail));
        }
    }
    reply = reply.line(text!(
        language,
        "confirm-nodes",
        nodes = listed(language, &names(&|_| true))
    ));
    let offline = names(&|node| !node.is_online());
    if !offline.is_empty() {
        let offline = listed(language, &offline);
        reply = reply.line(text!(language, "updnodes-offline", nodes = offline));
    }
    if let Some(file) = file {
        reply = reply.line(text!(
            language,
            "updnodes-package",
            name = file.name.as_str(),
            size = format::bytes(file.size)
        ));
    }
    if spec.roll_back {
        reply = reply.line(text!(language, "updnodes-rollback"));
    }
    reply
}

/// `rollback JOB`.
pub(in crate::commands) async fn rollback(
    call: &Call<'_>,
    args: RollbackArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let language = call.language();
    let (job, _) = match find(call, args.job).await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let number = job.number;
    let JobSpec::Update(spec) = &job.spec else {
        return Ok(Answer::say(text!(
            language,
            "rollback-no-update",
            number = number
        )));
    };
    if job.state == JobState::Open {
        let cancel = Text::code(&format!("cancel {number}"));
        return Ok(Answer::say(text!(
            language,
            "rollback-open",
            number = number,
            cancel = cancel
        )));
    }
    let Some(spec) = rollout::way_back(call.brain, &job, spec).await? else {
        return Ok(Answer::say(text!(
            language,
            "rollback-nothing",
            number = number
        )));
    };
    let nodes: Vec<FleetNode> = spec
        .versions
        .keys()
        .filter_map(|name| call.brain.fleet().get(call.brain, name))
        .collect();
    if nodes.is_empty() {
        return Ok(Answer::say(text!(
            language,
            "rollback-nothing",
            number = number
        )));
    }
    let facts: Vec<NodeFacts> = nodes.iter().map(facts_of).collect();
    let own = job.account == *call.account();
    let object = Object::Job { own, nodes: &facts };
    if let Err(answer) = call.check(Permission::Operator, &object, line) {
        return Ok(answer);
    }
    if !args.yes && !call.is_confirmed {
        let preview = preview(call, &spec, &nodes, None);
        return Ok(call.ask(preview, line, serde_json::Value::Null));
    }
    Ok(job::plan(call, JobSpec::Update(Box::new(spec)), &nodes, None).await?)
}
