//! `run`, `retry`, `again`: everything that starts a script.

use std::time::Duration;

use super::{AgainArgs, RetryArgs, RunArgs};
use crate::answer::Answer;
use crate::command::permission::{Object, Permission};
use crate::command::target::listed;
use crate::command::target::{NodeFacts, Target};
use crate::command::value::Which;
use crate::command::words::{self, quote};
use crate::commands::attach::{self, KeptFile};
use crate::commands::{Call, Trouble};
use crate::fleet::FleetNode;
use crate::job::{self, Job, JobSpec, JobState, RunSpec, Task, TaskState};
use crate::reply::Reply;
use crate::store::JobFilter;
use crate::text::{Language, text};

/// `run TARGET COMMAND…`, or with a script attached `run TARGET [ARGUMENT…]`.
pub(in crate::commands) async fn run(
    call: &Call<'_>,
    args: RunArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let nodes = match call.nodes_for(&args.target, Permission::Operator, line) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let command = args.command.as_deref().map(str::trim).unwrap_or_default();
    let has_file = call.kept_file.is_some()
        || !call.message.attachments.is_empty()
        || (command.is_empty() && attach::answered_file(call).await?.is_some());
    let mut spec = RunSpec {
        env: args.env.iter().cloned().collect(),
        cwd: args.cwd.clone().unwrap_or_default(),
        timeout_ms: args.timeout.map_or(0, millis),
        files: args.files.clone(),
        stdin: args.stdin.clone().unwrap_or_default().into_bytes(),
        ..RunSpec::default()
    };
    let mut data = serde_json::Value::Null;
    if has_file {
        let file = match attach::the_file(call).await {
            Ok(file) => file,
            Err(answer) => return Ok(answer),
        };
        match words::split(command) {
            Ok(words) => spec.args = words.into_iter().map(|word| word.text).collect(),
            Err(_) => return Ok(Answer::say(text!(call.language(), "run-arguments-quotes"))),
        }
        spec.script = match attach::script_of(call, &file).await? {
            Ok(script) => script,
            Err(answer) => return Ok(answer),
        };
        spec.title = std::iter::once(file.name.as_str())
            .chain(spec.args.iter().map(String::as_str))
            .map(quote)
            .collect::<Vec<_>>()
            .join(" ");
        data = serde_json::to_value(&file).unwrap_or_default();
    } else if command.is_empty() {
        return Ok(Answer::say(text!(
            call.language(),
            "job-no-command",
            target = args.target.to_string()
        )));
    } else {
        command.clone_into(&mut spec.script);
        command.clone_into(&mut spec.title);
    }
    if nodes.len() > 1 && !args.yes && !call.is_confirmed {
        let preview = preview(call, &spec.title, &nodes);
        return Ok(call.ask(preview, &args.to_string(), data));
    }
    Ok(job::plan(call, JobSpec::Run(spec), &nodes, args.wait).await?)
}

/// A script that was dropped with a target as its caption.
pub(in crate::commands) async fn script(
    call: &Call<'_>,
    file: &KeptFile,
    target: &Target,
) -> Result<Answer, Trouble> {
    let args = RunArgs {
        timeout: None,
        cwd: None,
        env: Vec::new(),
        files: Vec::new(),
        wait: None,
        stdin: None,
        yes: false,
        target: target.clone(),
        command: None,
    };
    let call = &Call {
        kept_file: Some(file),
        ..*call
    };
    run(call, args, &format!("run {target}")).await
}

/// `retry JOB failed|all`: the same again on those of its nodes.
pub(in crate::commands) async fn retry(
    call: &Call<'_>,
    args: RetryArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let (job, tasks) = match find(call, args.job).await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    if job.state == JobState::Open {
        return Ok(Answer::say(text!(
            call.language(),
            "retry-running",
            number = job.number
        )));
    }
    let names: Vec<String> = tasks
        .iter()
        .filter(|task| args.which == Which::All || task.state != TaskState::Done)
        .map(|task| task.node.clone())
        .collect();
    if names.is_empty() {
        return Ok(Answer::say(text!(
            call.language(),
            "retry-nothing",
            number = job.number
        )));
    }
    repeat(
        call,
        &job,
        names,
        Repeat {
            wait: args.wait,
            yes: args.yes,
            line,
        },
    )
    .await
}

/// `again [JOB] [--on TARGET]`: the same once more, as a new job.
pub(in crate::commands) async fn again(
    call: &Call<'_>,
    args: AgainArgs,
    line: &str,
) -> Result<Answer, Trouble> {
    let number = match args.job {
        Some(number) => number,
        None => {
            let mine = JobFilter {
                account: Some(call.account().clone()),
                ..JobFilter::default()
            };
            match call.brain.store().jobs(&mine, 1).await?.first() {
                Some(job) => job.number,
                None => return Ok(Answer::say(text!(call.language(), "again-none"))),
            }
        }
    };
    let (job, tasks) = match find(call, number).await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let names = match &args.on {
        None => tasks.into_iter().map(|task| task.node).collect(),
        Some(target) => match call.nodes_for(target, job.spec.permission(), line) {
            Ok(nodes) => nodes.into_iter().map(|node| node.record.name).collect(),
            Err(answer) => return Ok(answer),
        },
    };
    repeat(
        call,
        &job,
        names,
        Repeat {
            wait: args.wait,
            yes: args.yes,
            line,
        },
    )
    .await
}

/// How a job is repeated.
struct Repeat<'a> {
    wait: Option<Duration>,
    yes: bool,
    line: &'a str,
}

async fn repeat(
    call: &Call<'_>,
    job: &Job,
    names: Vec<String>,
    how: Repeat<'_>,
) -> Result<Answer, Trouble> {
    let mut nodes = Vec::new();
    for name in names {
        match call.brain.fleet().get(call.brain, &name) {
            Some(node) => nodes.push(node),
            None => {
                return Ok(Answer::say(text!(
                    call.language(),
                    "node-forgotten",
                    node = name
                )));
            }
        }
    }
    let mut facts: Vec<NodeFacts> = nodes.iter().map(facts_of).collect();
    if let JobSpec::Copy(copy) = &job.spec {
        // Reading there has to be allowed still.
        match call.brain.fleet().get(call.brain, &copy.from) {
            Some(source) => facts.push(facts_of(&source)),
            None => {
                let node = copy.from.clone();
                return Ok(Answer::say(text!(
                    call.language(),
                    "node-forgotten",
                    node = node
                )));
            }
        }
    }
    let own = job.account == *call.account();
    let object = Object::Job { own, nodes: &facts };
    if let Err(answer) = call.check(job.spec.permission(), &object, how.line) {
        return Ok(answer);
    }
    let asks_back = nodes.len() > 1 || job.spec.asks_back();
    if asks_back && !how.yes && !call.is_confirmed {
        let preview = preview(call, &title(&job.spec), &nodes);
        return Ok(call.ask(preview, how.line, serde_json::Value::Null));
    }
    Ok(job::plan(call, job.spec.clone(), &nodes, how.wait).await?)
}

/// A job that the caller may see, with its tasks.
///
/// # Errors
/// (inner) what to answer instead.
pub(in crate::commands) async fn find(
    call: &Call<'_>,
    number: i64,
) -> Result<Result<(Job, Vec<Task>), Answer>, Trouble> {
    let Some(job) = call.brain.store().job_by_number(number).await? else {
        return Ok(Err(Answer::say(text!(
            call.language(),
            "job-unknown",
            number = number
        ))));
    };
    let object = Object::Job {
        own: job.account == *call.account(),
        nodes: &[],
    };
    if let Err(answer) = call.check(Permission::Member, &object, &format!("job {number}")) {
        return Ok(Err(answer));
    }
    let tasks = call.brain.store().tasks(&job.id).await?;
    Ok(Ok((job, tasks)))
}

/// What people call the work of a job.
pub(crate) fn title(spec: &JobSpec) -> String {
    match spec {
        JobSpec::Run(run) => run.title.clone(),
        JobSpec::Get(get) => format!("get {}", get.path),
        JobSpec::Put(put) => format!("put {} → {}", put.name, put.path),
        JobSpec::Copy(copy) => format!("cp {}:{} → {}", copy.from, copy.source, copy.path),
        JobSpec::Instruct(instruction) => instruction.title(),
        JobSpec::Update(update) => {
            job::rollout::restart_or_version(Language::En, update).to_string()
        }
    }
}

fn facts_of(node: &FleetNode) -> NodeFacts {
    NodeFacts {
        name: node.record.name.clone(),
        tags: node.record.tags.clone(),
        node_type: node.node_type(),
        online: node.is_online(),
    }
}

/// The question before something happens on several nodes.
pub(in crate::commands) fn preview(call: &Call<'_>, title: &str, nodes: &[FleetNode]) -> Reply {
    let language = call.language();
    let names: Vec<String> = nodes.iter().map(|node| node.record.name.clone()).collect();
    let offline: Vec<String> = nodes
        .iter()
        .filter(|node| !node.is_online())
        .map(|node| node.record.name.clone())
        .collect();
    let mut reply = Reply::new()
        .line(text!(language, "confirm-run", nodes = nodes.len()))
        .pre(&shortened(title, 300))
        .line(text!(
            language,
            "confirm-nodes",
            nodes = listed(language, &names)
        ));
    if !offline.is_empty() {
        reply = reply.line(text!(
            language,
            "confirm-offline",
            nodes = listed(language, &offline)
        ));
    }
    reply
}

/// The first line of a text, at most so many characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= most && line.len() == text.trim_end().len() {
        return line.to_owned();
    }
    let cut: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{cut}…")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
