//! News of jobs that ended, for those who did not ask for them where they are told.

use tracing::warn;

use super::Topic;
use super::news::{Subscriber, facts_of, subscribers};
use crate::answer::{Place, Speech};
use crate::brain::Brain;
use crate::command::permission::{Object, Permission, Subject, decide};
use crate::command::target::NodeFacts;
use crate::commands::jobs::run::{shortened, title};
use crate::job::{Job, JobState, Task, TaskState};
use crate::outbox::OutboxItem;
use crate::reply::Reply;
use crate::store::StoreError;
use crate::text::outcome::Mark;
use crate::text::{Language, Text, text};

/// The messages that tell subscribers how a job ended. The job's own room is told in any case.
pub(crate) async fn notices(brain: &Brain, job: &Job, tasks: &[Task]) -> Vec<OutboxItem> {
    match messages(brain, job, tasks).await {
        Ok(items) => items,
        Err(error) => {
            // A job's end does not wait for those who look on.
            warn!(%error, job.number = job.number, "cannot tell subscribers of a job's end");
            Vec::new()
        }
    }
}

async fn messages(brain: &Brain, job: &Job, tasks: &[Task]) -> Result<Vec<OutboxItem>, StoreError> {
    let mut speech = Speech::new(brain);
    let rooms = subscribers(brain, Topic::Jobs).await?;
    if rooms.is_empty() {
        return Ok(speech.items);
    }
    let asker = brain.store().account(&job.account).await?;
    let who = asker.map(|account| account.name).unwrap_or_default();
    let nodes: Vec<NodeFacts> = tasks
        .iter()
        .filter_map(|task| brain.fleet().get(brain, &task.node))
        .map(|node| facts_of(&node))
        .collect();
    for (room, subscribers) in rooms {
        let wants = |one: &&Subscriber| wants(one, job, &nodes);
        let Some(subscriber) = subscribers.iter().find(wants) else {
            continue;
        };
        if room == job.room {
            continue;
        }
        let language = subscriber.language();
        let number = job.number;
        let reply = Reply::new()
            .line(line(language, job, tasks, &who))
            .button(text!(language, "watch-button-job"), format!("job {number}"));
        let kind = subscriber.subscription.room_kind;
        speech.say(&Place::unasked(room), kind, &reply);
    }
    Ok(speech.items)
}

/// Whether a subscriber wants to know of the job, and may look at it.
fn wants(one: &Subscriber, job: &Job, nodes: &[NodeFacts]) -> bool {
    let failed = job.state == JobState::Failed;
    let limited = !one.subscription.tag.is_empty() || !one.subscription.node.is_empty();
    let object = Object::Job {
        own: one.account.id == job.account,
        nodes: &[],
    };
    (failed || one.subscription.everything)
        && (!limited || nodes.iter().any(|node| one.subscription.covers(node)))
        && decide(&Subject::from(&one.account), Permission::Member, &object).is_allowed()
}

fn line(language: Language, job: &Job, tasks: &[Task], who: &str) -> Text {
    let good = tasks.iter().filter(|task| task.state == TaskState::Done);
    let good = good.count();
    let mark = match job.state {
        JobState::Done => Mark::Good,
        _ => Mark::Bad,
    };
    let command = Text::code(&shortened(&title(&job.spec), 80));
    match tasks {
        [one] => text!(
            language,
            "watch-job-one",
            mark = mark.to_string(),
            number = job.number,
            node = one.node.as_str(),
            outcome = outcome(language, one.state),
            who = who,
            command = command,
        ),
        _ => text!(
            language,
            "watch-job-many",
            mark = mark.to_string(),
            number = job.number,
            good = good,
            all = tasks.len(),
            who = who,
            command = command,
        ),
    }
}

fn outcome(language: Language, state: TaskState) -> Text {
    match state {
        TaskState::Done => text!(language, "watch-task-done"),
        TaskState::Cancelled => text!(language, "watch-task-cancelled"),
        TaskState::Refused => text!(language, "watch-task-refused"),
        TaskState::Offline => text!(language, "watch-task-offline"),
        TaskState::Lost => text!(language, "watch-task-lost"),
        TaskState::Waiting | TaskState::Sent | TaskState::Running | TaskState::Failed => {
            text!(language, "watch-task-failed")
        }
    }
}
