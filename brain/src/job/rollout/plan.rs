//! Making an update job.

use jarvis_proto::chat::Action;

use super::{Outcome, Part, UpdateKind, UpdateSpec, words};
use crate::answer::{After, Answer};
use crate::brain::Brain;
use crate::commands::Call;
use crate::fleet::FleetNode;
use crate::job::engine::{NewJob, Permits};
use crate::job::{Job, JobId, JobSpec, JobState, Task, TaskState};
use crate::outbox::OutboxItem;
use crate::store::{Op, StoreError};
use crate::text::{Text, text};

/// More failures than there can be.
const NO_LIMIT: usize = u32::MAX as usize;

/// Plans an update of these nodes; refused while one of them is in another.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn plan(
    call: &Call<'_>,
    spec: UpdateSpec,
    nodes: &[FleetNode],
) -> Result<Answer, StoreError> {
    let brain = call.brain;
    for node in nodes {
        if let Some(number) = other_update(brain, &node.record.address).await? {
            return Ok(Answer::say(text!(
                call.language(),
                "rollout-busy",
                number = number,
                node = node.record.name.as_str(),
                cancel = Text::code(&format!("cancel {number}")),
            )));
        }
    }
    let now_ms = brain.now_ms();
    let job = Job {
        id: JobId::new(),
        number: brain.store().next_number("job").await?,
        account: call.account().clone(),
        identity: call.speaker.identity.key.clone(),
        room: call.room().clone(),
        reply_to: call.message.message_id.clone(),
        spec: JobSpec::Update(Box::new(spec)),
        state: JobState::Open,
        created_ms: now_ms,
        ended_ms: None,
        wait_until_ms: 0,
        language: call.language().code().to_owned(),
    };
    let tasks: Vec<Task> = (0..)
        .zip(nodes)
        .map(|(position, node)| Task {
            order: uuid::Uuid::now_v7().to_string(),
            job: job.id.clone(),
            position,
            node: node.record.name.clone(),
            address: node.record.address.clone(),
            state: TaskState::Waiting,
            signed_order: Vec::new(),
            ending: Vec::new(),
            started_ms: 0,
            ended_ms: 0,
        })
        .collect();
    let parts: Vec<Part> = tasks
        .iter()
        .map(|task| Part::new(&task.order, &job.id, &task.address))
        .collect();
    let action: Action = words::action(brain, &job, &tasks, &parts);
    let first_status = OutboxItem::new(&job.room, &action, now_ms);
    let mut answer = Answer::nothing().about(format!("job {}", job.number));
    answer.ops.push(Op::InsertJob(Box::new(job.clone())));
    answer.ops.extend(tasks.iter().cloned().map(Op::InsertTask));
    answer
        .ops
        .extend(parts.into_iter().map(|part| Op::PutPart(Box::new(part))));
    answer.ops.push(Op::Outbox(first_status.clone()));
    Ok(answer.then(After::StartJob(Box::new(NewJob {
        job,
        tasks,
        first_status,
        permits: Permits::default(),
    }))))
}

/// The number of the open job in which the node of this address is being updated.
async fn other_update(brain: &Brain, address: &str) -> Result<Option<i64>, StoreError> {
    let Some(job) = brain.store().updating_job(address).await? else {
        return Ok(None);
    };
    Ok(brain.store().job(&job).await?.map(|job| job.number))
}

/// The update that takes back what an earlier one did; `None` when there is nothing to take back.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn way_back(
    brain: &Brain,
    job: &Job,
    spec: &UpdateSpec,
) -> Result<Option<UpdateSpec>, StoreError> {
    let parts = brain.store().parts(&job.id).await?;
    let tasks = brain.store().tasks(&job.id).await?;
    if spec.kind == UpdateKind::Restart {
        return Ok(None);
    }
    let versions: std::collections::BTreeMap<String, String> = tasks
        .into_iter()
        .filter_map(|task| {
            let part = parts.iter().find(|part| part.order == task.order)?;
            let went_back = part.way_back.as_ref().and_then(|way| way.worked) == Some(true);
            let was_touched = matches!(
                part.outcome,
                Some(
                    Outcome::Back { .. }
                        | Outcome::CameBack { .. }
                        | Outcome::Still { .. }
                        | Outcome::NotRestarted { .. }
                        | Outcome::NotBack
                )
            );
            let is_wanted = was_touched && !went_back && !part.old_version.is_empty();
            is_wanted.then(|| (task.node, part.old_version.clone()))
        })
        .collect();
    Ok((!versions.is_empty()).then(|| UpdateSpec {
        kind: UpdateKind::Rollback,
        version: String::new(),
        versions,
        package: None,
        roll_back: false,
        // What runs a faulty version is not spared.
        canary: 0,
        // A way back goes through all nodes, whatever fails.
        max_fail: NO_LIMIT,
        ..spec.clone()
    }))
}
