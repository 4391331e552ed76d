//! Making a job: its row, its tasks with their signed orders, and its first status message.

use std::time::Duration;

use prost::Message;

use super::engine::{FullQuota, NewJob};
use super::live::LiveTask;
use super::orders::make;
use super::{Job, JobId, JobSpec, JobState, Task, TaskState, rollout, status};
use crate::answer::{After, Answer};
use crate::brain::Brain;
use crate::commands::Call;
use crate::fleet::FleetNode;
use crate::outbox::OutboxItem;
use crate::store::{Op, StoreError};
use crate::text::{Text, text};

/// How long a job waits for its nodes when the brain has just started.
const COMING_BACK: Duration = Duration::from_secs(15);

/// Plans a job on these nodes. Nothing happens before the answer is committed: the orders are signed
/// and stored with it, so a crash in between neither loses nor doubles the work.
///
/// # Errors
/// When the store cannot give the job its number.
pub(crate) async fn plan(
    call: &Call<'_>,
    spec: JobSpec,
    nodes: &[FleetNode],
    wait: Option<Duration>,
) -> Result<Answer, StoreError> {
    if let Some(file) = spec.file()
        && !call.pin(&file.blob)
    {
        let said = text!(call.language(), "put-file-gone", name = file.name.as_str());
        return Ok(Answer::say(said));
    }
    if let JobSpec::Update(spec) = spec {
        return rollout::plan(call, *spec, nodes).await;
    }
    let brain = call.brain;
    let now_ms = brain.now_ms();
    // Nodes that were there before the brain started need a moment to dial again.
    let is_asked_to_wait = wait.is_some();
    let wait = wait.or_else(|| brain.has_just_started().then_some(COMING_BACK));
    let wait_ms = wait.map_or(0, |wait| {
        i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
    });
    let job = Job {
        id: JobId::new(),
        number: brain.store().next_number("job").await?,
        account: call.account().clone(),
        identity: call.speaker.identity.key.clone(),
        room: call.room().clone(),
        reply_to: call.message.message_id.clone(),
        spec,
        state: JobState::Open,
        created_ms: now_ms,
        ended_ms: None,
        wait_until_ms: if wait_ms > 0 {
            now_ms.saturating_add(wait_ms)
        } else {
            0
        },
        language: call.language().code().to_owned(),
    };
    let tasks: Vec<Task> = nodes
        .iter()
        .enumerate()
        .map(|(position, node)| {
            // Unasked, only a node that was there before this brain and not yet since is waited for.
            let seen_ms = node.record.last_seen_ms;
            let may_wait = is_asked_to_wait || (1..brain.started_ms()).contains(&seen_ms);
            task(brain, &job, position, node, may_wait && wait_ms > 0)
        })
        .collect();
    let limits = &brain.config().jobs;
    let most_waiting = if is_asked_to_wait {
        limits.most_waiting
    } else {
        usize::MAX
    };
    let permits = match brain
        .jobs()
        .permits(&job, &tasks, (limits.most_open, most_waiting))
    {
        Ok(permits) => permits,
        Err(full) => return Ok(refused(call, &full)),
    };
    let live: Vec<LiveTask> = tasks.iter().cloned().filter_map(LiveTask::new).collect();
    let action = status::action(brain, &job, &live, false);
    let first_status = OutboxItem::new(&job.room, &action, now_ms);
    let mut answer = Answer::nothing().about(format!("job {}", job.number));
    answer.ops.push(Op::InsertJob(Box::new(job.clone())));
    answer.ops.extend(tasks.iter().cloned().map(Op::InsertTask));
    answer.ops.push(Op::Outbox(first_status.clone()));
    Ok(answer.then(After::StartJob(Box::new(NewJob {
        job,
        tasks,
        first_status,
        permits,
    }))))
}

/// The account has enough open already.
fn refused(call: &Call<'_>, full: &FullQuota) -> Answer {
    let (language, limits) = (call.language(), &call.brain.config().jobs);
    let reply = match full {
        FullQuota::Open => {
            text!(
                language,
                "jobs-most-open",
                most = limits.most_open,
                jobs = Text::code("jobs")
            )
        }
        FullQuota::Waiting(node) => text!(
            language,
            "jobs-queue-full",
            most = limits.most_waiting,
            node = node.as_str(),
            jobs = Text::code("jobs --waiting"),
        ),
    };
    Answer::say(reply).refused()
}

fn task(brain: &Brain, job: &Job, position: usize, node: &FleetNode, may_wait: bool) -> Task {
    let order = uuid::Uuid::now_v7().to_string();
    let state = match (node.is_online(), may_wait) {
        (true, _) => TaskState::Sent,
        (false, true) => TaskState::Waiting,
        (false, false) => TaskState::Offline,
    };
    let signed_order = match (
        job.spec.order_body(),
        state,
        jarvis_nodeclient::Address::parse(&node.record.address),
    ) {
        (Some(body), TaskState::Sent, Ok(address)) => {
            make(brain, &address, &order, body).encode_to_vec()
        }
        _ => Vec::new(),
    };
    Task {
        order,
        job: job.id.clone(),
        position: i64::try_from(position).unwrap_or(i64::MAX),
        node: node.record.name.clone(),
        address: node.record.address.clone(),
        state,
        signed_order,
        ending: Vec::new(),
        started_ms: 0,
        ended_ms: if state.is_final() { brain.now_ms() } else { 0 },
    }
}
