//! All open jobs: starting them, telling them things, taking them up after a restart.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jarvis_nodeclient::NodeName;
use tokio::sync::{mpsc, watch};
use tracing::info;

use super::actor::{Actor, Tell, Told};
use super::follow::{Follows, Glimpse};
use super::live::LiveTask;
use super::news::NodeNews;
use super::queue::Queue;
use super::quota::{Permit, Quota, Slot};
use super::rollout::Rollout;
use super::{Job, JobSpec, Task, TaskState};
use crate::brain::Brain;
use crate::outbox::OutboxItem;
use crate::store::StoreError;

/// Messages to one job that may wait.
const TELL_LIMIT: usize = 64;

/// A job that was just stored, ready to start.
#[derive(Debug)]
pub struct NewJob {
    /// The job.
    pub job: Job,
    /// Its tasks.
    pub tasks: Vec<Task>,
    /// Its first status message, stored with it.
    pub first_status: OutboxItem,
    /// What it takes of its account's share.
    pub permits: Permits,
}

/// What a job takes of its account's share.
#[derive(Debug, Default)]
pub struct Permits {
    /// For being open.
    pub open: Option<Permit>,
    /// For waiting for nodes, by the positions of its tasks.
    pub waiting: HashMap<usize, Permit>,
}

#[derive(Debug)]
struct OpenJob {
    tell: mpsc::Sender<Tell>,
    glimpses: watch::Receiver<Vec<Glimpse>>,
    news: Arc<NodeNews>,
    /// Where its tasks are.
    nodes: HashSet<NodeName>,
}

/// Which of an account's limits is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FullQuota {
    /// Open jobs.
    Open,
    /// Jobs that wait for this node.
    Waiting(String),
}

/// The open jobs.
#[derive(Debug, Default)]
pub struct Jobs {
    open: Mutex<HashMap<i64, OpenJob>>,
    follows: Follows,
    quota: Quota,
    queue: Queue,
}

impl Jobs {
    /// Sets a stored job to work.
    pub fn start(&self, brain: &Brain, new: NewJob) {
        self.spawn(
            brain,
            new.job,
            new.tasks,
            Some(new.first_status),
            new.permits,
        );
    }

    /// Takes up the jobs that were open when the brain last ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn resume(&self, brain: &Brain) -> Result<(), StoreError> {
        for job in brain.store().open_jobs().await? {
            let tasks = brain.store().tasks(&job.id).await?;
            info!(job.number = job.number, "taking up an open job");
            // What was allowed before stays allowed.
            let permits = self.permits(&job, &tasks, (usize::MAX, usize::MAX));
            self.spawn(brain, job, tasks, None, permits.unwrap_or_default());
        }
        for follow in brain.store().follows().await? {
            self.follows.resume(brain, follow);
        }
        Ok(())
    }

    /// Asks a job to end. False when it is not open.
    pub async fn cancel(&self, number: i64) -> bool {
        let Some(tell) = self.lock().get(&number).map(|open| open.tell.clone()) else {
            return false;
        };
        tell.send(Tell::Cancel).await.is_ok()
    }

    /// Whether the job is open.
    pub fn is_open(&self, number: i64) -> bool {
        self.lock().contains_key(&number)
    }

    /// Counts a job and its waiting tasks among those of its account, within the most that it may have
    /// open, and waiting for one node.
    ///
    /// # Errors
    /// Which limit it would exceed.
    pub(super) fn permits(
        &self,
        job: &Job,
        tasks: &[Task],
        (most_open, most_waiting): (usize, usize),
    ) -> Result<Permits, FullQuota> {
        let open = Slot::Open(job.account.clone());
        let open = self.quota.take(open, most_open).ok_or(FullQuota::Open)?;
        let mut waiting = HashMap::new();
        for (position, task) in tasks.iter().enumerate() {
            let Some(node) = NodeName::parse(&task.node)
                .ok()
                .filter(|_| task.state == TaskState::Waiting)
            else {
                continue;
            };
            let slot = Slot::Waiting(job.account.clone(), node);
            let permit = self.quota.take(slot, most_waiting);
            let permit = permit.ok_or_else(|| FullQuota::Waiting(task.node.clone()))?;
            waiting.insert(position, permit);
        }
        Ok(Permits {
            open: Some(open),
            waiting,
        })
    }

    /// What can be seen of an open job; closed when it has ended.
    pub(super) fn watch(&self, number: i64) -> Option<watch::Receiver<Vec<Glimpse>>> {
        self.lock().get(&number).map(|open| open.glimpses.clone())
    }

    /// Messages that show the output of running jobs.
    pub(crate) fn follows(&self) -> &Follows {
        &self.follows
    }

    /// Those who wait for nodes.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// What is kept of open jobs beside the jobs themselves: counted slots and waiting lines, and those
    /// who watch. Zero when nothing is open.
    pub fn counted(&self) -> usize {
        self.quota.in_use() + self.queue.lines() + self.follows.count()
    }

    /// Tells one open job something.
    pub(super) async fn tell(&self, number: i64, news: Tell) {
        let tell = self.lock().get(&number).map(|open| open.tell.clone());
        if let Some(tell) = tell {
            let _ = tell.send(news).await;
        }
    }

    /// How many jobs are open.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn ended(&self, number: i64) {
        self.lock().remove(&number);
    }

    /// A node came: the jobs with tasks on it are to look, and those that wait for it move up.
    pub(super) fn node_connected(&self, brain: &Brain, node: &NodeName) {
        self.node_changed(node);
        self.queue.move_up(brain, node);
    }

    /// A node went: the jobs with tasks on it are to look.
    pub(super) fn node_disconnected(&self, node: &NodeName) {
        self.node_changed(node);
    }

    fn node_changed(&self, node: &NodeName) {
        let open = self.lock();
        for job in open.values().filter(|job| job.nodes.contains(node)) {
            job.news.note(node);
        }
    }

    /// A node is called otherwise now: the jobs with tasks on it are told.
    pub(crate) fn node_renamed(&self, brain: &Brain, name: &str, new: &NodeName) {
        let Ok(name) = NodeName::parse(name) else {
            return;
        };
        for job in self.lock().values_mut() {
            if !job.nodes.remove(&name) {
                continue;
            }
            job.nodes.insert(new.clone());
            let news = Tell::NodeRenamed(name.clone(), new.clone());
            if let Err(mpsc::error::TrySendError::Full(news)) = job.tell.try_send(news) {
                // A job that is busy hears of it when it has time.
                let tell = job.tell.clone();
                brain.spawn(async move { drop(tell.send(news).await) });
            }
        }
    }

    fn spawn(
        &self,
        brain: &Brain,
        job: Job,
        tasks: Vec<Task>,
        first_status: Option<OutboxItem>,
        mut permits: Permits,
    ) {
        let (tell, told) = mpsc::channel(TELL_LIMIT);
        let told = Told {
            tell: told,
            news: Arc::default(),
        };
        let (shown, glimpses) = watch::channel(Vec::new());
        if let JobSpec::Update(spec) = &job.spec {
            let spec = (**spec).clone();
            let names = tasks
                .iter()
                .filter_map(|task| NodeName::parse(&task.node).ok());
            let open = OpenJob {
                tell,
                glimpses,
                news: Arc::clone(&told.news),
                nodes: names.collect(),
            };
            self.lock().insert(job.number, open);
            let rollout = Rollout::new(brain.clone(), job, spec, tasks, first_status, told);
            return brain.spawn(rollout.run());
        }
        let mut tasks: Vec<LiveTask> = tasks.into_iter().filter_map(LiveTask::new).collect();
        for (position, live) in tasks.iter_mut().enumerate() {
            if live.task.state == TaskState::Waiting {
                let permit = permits.waiting.remove(&position);
                live.place = Some(self.queue.enter(&live.node, job.number, permit));
            }
        }
        let number = job.number;
        let news = Arc::clone(&told.news);
        let nodes = tasks.iter().map(|live| live.node.clone()).collect();
        // Made here and not in its task: from now on its orders are its own, and no strays.
        let actor = Actor::new(
            brain.clone(),
            job,
            tasks,
            first_status,
            told,
            shown,
            permits,
        );
        let open = OpenJob {
            tell,
            glimpses,
            news,
            nodes,
        };
        self.lock().insert(number, open);
        brain.spawn(actor.run());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, OpenJob>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jarvis_nodeclient::Identity;

    use super::*;
    use crate::account::{AccountId, IdentityKey};
    use crate::clock::Clock;
    use crate::config::BrainConfig;
    use crate::job::{JobId, JobSpec, JobState, RunSpec, TaskState};
    use crate::room::{BotKey, RoomKey};

    /// An open job whose order is with a node.
    fn job_under_way() -> (Job, Vec<Task>) {
        let job = Job {
            id: JobId::new(),
            number: 1,
            account: AccountId::new(),
            identity: IdentityKey {
                kind: "test".to_owned(),
                person: "ann".to_owned(),
            },
            room: RoomKey {
                bot: BotKey {
                    kind: "test".to_owned(),
                    bot: "bot".to_owned(),
                },
                room: "room".to_owned(),
                thread: String::new(),
            },
            reply_to: String::new(),
            spec: JobSpec::Run(RunSpec::default()),
            state: JobState::Open,
            created_ms: 1,
            ended_ms: None,
            wait_until_ms: 0,
            language: "en".to_owned(),
        };
        let task = |position, state| Task {
            order: format!("order-{position}"),
            job: job.id.clone(),
            position,
            node: "web-1".to_owned(),
            address: Identity::generate().address().to_string(),
            state,
            signed_order: Vec::new(),
            ending: Vec::new(),
            started_ms: 0,
            ended_ms: 0,
        };
        let tasks = vec![
            task(0, TaskState::Sent),
            task(1, TaskState::Running),
            task(2, TaskState::Done),
        ];
        (job, tasks)
    }

    /// A node that is back before the tasks of its jobs have had their turn reports its open orders:
    /// those were taken for strays, and the jobs were stopped.
    #[tokio::test]
    async fn the_orders_of_a_job_are_its_own_before_its_task_runs() {
        let data = tempfile::tempdir().unwrap();
        let config = BrainConfig::new(data.path().to_owned());
        let brain = Brain::start(config, Identity::generate(), Clock::system())
            .await
            .unwrap();
        let (job, tasks) = job_under_way();
        // Nothing else runs between these lines: the test's runtime has one thread.
        brain
            .jobs()
            .spawn(&brain, job, tasks, None, Permits::default());
        assert_eq!(brain.orders().open(), 2);
        brain.shutdown().await;
    }
}
