//! Following a job: its output as it comes, in one message that is edited in place.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jarvis_proto::chat::Action;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::live::LiveTask;
use super::{Job, JobState, Task, TaskState, status};
use crate::brain::Brain;
use crate::outbox::OutboxItem;
use crate::reply::Reply;
use crate::store::{Follow, Op, Unit};
use crate::text::{Language, Text, format, text};

/// How long a job is followed unless somebody asks again.
pub(crate) const FOLLOW_FOR: Duration = Duration::from_secs(30 * 60);
/// Least time between two states of the message.
const SHOW_EVERY: Duration = Duration::from_secs(2);
/// Lines shown.
const LINES: usize = 25;

/// What can be seen of a running task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glimpse {
    state: TaskState,
    tail: String,
    elapsed: Duration,
    lines: u64,
    is_away: bool,
}

impl Glimpse {
    /// A task as it stands.
    pub(super) fn of(live: &LiveTask) -> Self {
        let progress = live.progress.as_ref();
        let counts = progress.and_then(|progress| progress.counts);
        Self {
            state: live.task.state,
            tail: progress.map_or_else(String::new, |progress| progress.tail.clone()),
            elapsed: Duration::from_millis(progress.map_or(0, |progress| progress.elapsed_ms)),
            lines: counts.map_or(0, |counts| counts.stdout_lines + counts.stderr_lines),
            is_away: live.away_since.is_some(),
        }
    }
}

/// A follow that was just stored, ready to start.
#[derive(Debug)]
pub struct NewFollow {
    follow: Follow,
    first: OutboxItem,
}

impl NewFollow {
    /// Follows one task of a job. The caller stores both parts that [`NewFollow::ops`] gives.
    pub(crate) fn new(brain: &Brain, follow: Follow, job: &Job, task: &Task) -> Self {
        let message = Message {
            brain,
            follow: &follow,
            job,
            task,
        };
        let first = OutboxItem::new(&follow.room, &message.running(None), brain.now_ms());
        Self { follow, first }
    }

    /// What has to be stored before it starts.
    pub(crate) fn ops(&self) -> Vec<Op> {
        vec![
            Op::PutFollow(self.follow.clone()),
            Op::Outbox(self.first.clone()),
        ]
    }
}

/// The follows that are going on.
#[derive(Debug, Default)]
pub(crate) struct Follows {
    stops: Mutex<HashMap<String, CancellationToken>>,
}

/// Why a follow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    JobEnded,
    TimeIsUp,
    Asked,
}

impl Follows {
    /// Starts one that was just stored.
    pub(crate) fn start(&self, brain: &Brain, new: NewFollow) {
        brain.outbox().push(brain, vec![new.first]);
        self.resume(brain, new.follow);
    }

    /// Goes on with one that is in the store.
    pub(super) fn resume(&self, brain: &Brain, follow: Follow) {
        let stop = CancellationToken::new();
        self.lock().insert(follow.id.clone(), stop.clone());
        let (brain_of_task, id) = (brain.clone(), follow.id.clone());
        brain.spawn(async move {
            drive(&brain_of_task, follow, stop).await;
            brain_of_task.jobs().follows().lock().remove(&id);
        });
    }

    /// Asks one to end.
    pub(crate) fn stop(&self, id: &str) {
        if let Some(stop) = self.lock().get(id) {
            stop.cancel();
        }
    }

    /// How many go on.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the task until it ends, somebody stops it, or the time is up. When the brain stops it is left
/// in the store, and the next start goes on with it.
async fn drive(brain: &Brain, follow: Follow, stop: CancellationToken) {
    let Some((job, task)) = read(brain, &follow).await else {
        let ops = vec![Op::DropFollow { id: follow.id }];
        brain.commit_patiently(Unit::of(ops)).await;
        return;
    };
    let message = Message {
        brain,
        follow: &follow,
        job: &job,
        task: &task,
    };
    let left = u64::try_from(follow.until_ms - brain.now_ms()).unwrap_or(0);
    let until = Instant::now() + Duration::from_millis(left);
    let why = match brain.jobs().watch(job.number) {
        Some(mut glimpses) => tokio::select! {
            () = message.show(&mut glimpses) => Why::JobEnded,
            () = tokio::time::sleep_until(until) => Why::TimeIsUp,
            () = stop.cancelled() => Why::Asked,
            () = brain.stopping().cancelled() => return,
        },
        None => Why::JobEnded,
    };
    if brain.stopping().is_cancelled() {
        return;
    }
    let last = match (why, read(brain, &follow).await) {
        (Why::JobEnded, Some((job, task))) => Message {
            job: &job,
            task: &task,
            ..message
        }
        .ended(),
        (why, _) => message.left(why),
    };
    let item = OutboxItem::new(&follow.room, &last, brain.now_ms());
    let ops = vec![
        Op::DropFollow {
            id: follow.id.clone(),
        },
        Op::Outbox(item.clone()),
    ];
    if brain.commit_patiently(Unit::of(ops)).await {
        brain.outbox().push(brain, vec![item]);
    }
}

async fn read(brain: &Brain, follow: &Follow) -> Option<(Job, Task)> {
    let found = async {
        let job = brain.store().job(&follow.job).await?;
        let tasks = brain.store().tasks(&follow.job).await?;
        let task = tasks
            .into_iter()
            .find(|task| task.position == follow.position);
        Ok::<_, crate::store::StoreError>(job.zip(task))
    };
    found.await.unwrap_or_else(|error| {
        warn!(%error, "a followed job cannot be read");
        None
    })
}

/// The message of one follow.
#[derive(Clone, Copy)]
struct Message<'a> {
    brain: &'a Brain,
    follow: &'a Follow,
    job: &'a Job,
    task: &'a Task,
}

impl Message<'_> {
    /// Shows each new state, at most every two seconds; returns when the task has ended.
    async fn show(&self, glimpses: &mut watch::Receiver<Vec<Glimpse>>) {
        let place = usize::try_from(self.task.position).unwrap_or(usize::MAX);
        let mut shown = None;
        while glimpses.changed().await.is_ok() {
            let Some(glimpse) = glimpses.borrow_and_update().get(place).cloned() else {
                continue;
            };
            if glimpse.state.is_final() {
                return;
            }
            if shown.as_ref() == Some(&glimpse) {
                continue;
            }
            let action = self.running(Some(&glimpse));
            self.brain
                .outbox()
                .show(self.brain, &self.follow.room, action);
            shown = Some(glimpse);
            tokio::time::sleep(SHOW_EVERY).await;
        }
    }

    fn language(&self) -> Language {
        Language::from_tag(&self.follow.language).unwrap_or(Language::En)
    }

    fn progress(&self, reply: &Reply, is_final: bool) -> Action {
        let place = (&self.follow.room, self.follow.reply_to.as_str());
        let key = format!("follow:{}", self.follow.id);
        status::progress(self.brain, place, key, reply, is_final)
    }

    fn running(&self, glimpse: Option<&Glimpse>) -> Action {
        let language = self.language();
        let number = self.job.number;
        let how = match glimpse {
            Some(glimpse) if glimpse.is_away => text!(language, "follow-away"),
            Some(glimpse) if glimpse.lines > 0 => text!(
                language,
                "progress-lines",
                elapsed = format::duration(language, glimpse.elapsed),
                lines = glimpse.lines
            ),
            Some(glimpse) => text!(
                language,
                "progress-quiet",
                elapsed = format::duration(language, glimpse.elapsed)
            ),
            None => text!(language, "follow-begins"),
        };
        let tail = glimpse.map_or("", |glimpse| glimpse.tail.as_str());
        let reply = Reply::new()
            .line(self.head(how))
            .pre(&status::last_lines(tail, LINES))
            .button(
                text!(language, "button-stop-follow"),
                format!("log {number} --stop"),
            );
        self.progress(&reply, false)
    }

    fn head(&self, how: Text) -> Text {
        text!(
            self.language(),
            "follow-head",
            number = self.job.number,
            node = self.task.node.as_str(),
            how = how
        )
    }

    /// The last word when the task has ended, as the job's own message words it.
    fn ended(&self) -> Action {
        let mut job = self.job.clone();
        job.language.clone_from(&self.follow.language);
        let reply = status::status_reply(self.brain, &job, vec![self.task.clone()]);
        self.progress(&reply, true)
    }

    /// The last word when the job goes on.
    fn left(&self, why: Why) -> Action {
        let (language, number) = (self.language(), self.job.number);
        let how = match why {
            Why::TimeIsUp => text!(
                language,
                "follow-time-up",
                duration = format::duration(language, FOLLOW_FOR)
            ),
            Why::Asked | Why::JobEnded => text!(language, "follow-stopped"),
        };
        let mut reply = Reply::new().line(self.head(how));
        if self.job.state == JobState::Open {
            reply = reply.button(
                text!(language, "button-follow"),
                format!("log {number} --follow --node {}", self.task.node),
            );
        }
        self.progress(&reply, true)
    }
}
