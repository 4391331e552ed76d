//! All open jobs: starting them, telling them things, taking them up after a restart.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jarvis_nodeclient::NodeName;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::actor::{Actor, Tell};
use super::{Job, Task};
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
}

/// The open jobs.
#[derive(Debug, Default)]
pub struct Jobs {
    open: Mutex<HashMap<i64, mpsc::Sender<Tell>>>,
}

impl Jobs {
    /// Sets a stored job to work.
    pub fn start(&self, brain: &Brain, new: NewJob) {
        self.spawn(brain, new.job, new.tasks, Some(new.first_status));
    }

    /// Takes up the jobs that were open when the brain last ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn resume(&self, brain: &Brain) -> Result<(), StoreError> {
        for job in brain.store().open_jobs().await? {
            let tasks = brain.store().tasks(&job.id).await?;
            info!(job.number = job.number, "taking up an open job");
            self.spawn(brain, job, tasks, None);
        }
        Ok(())
    }

    /// Asks a job to end. False when it is not open.
    pub async fn cancel(&self, number: i64) -> bool {
        let Some(tell) = self.lock().get(&number).cloned() else {
            return false;
        };
        tell.send(Tell::Cancel).await.is_ok()
    }

    /// Whether the job is open.
    pub fn is_open(&self, number: i64) -> bool {
        self.lock().contains_key(&number)
    }

    /// How many jobs are open.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn ended(&self, number: i64) {
        self.lock().remove(&number);
    }

    pub(super) fn node_connected(&self, brain: &Brain, node: &NodeName) {
        self.tell_all(brain, || Tell::NodeUp(node.clone()));
    }

    pub(super) fn node_disconnected(&self, brain: &Brain, node: &NodeName) {
        self.tell_all(brain, || Tell::NodeDown(node.clone()));
    }

    pub(crate) fn node_renamed(&self, brain: &Brain, name: &str, new: &NodeName) {
        if let Ok(name) = NodeName::parse(name) {
            self.tell_all(brain, || Tell::NodeRenamed(name.clone(), new.clone()));
        }
    }

    fn spawn(&self, brain: &Brain, job: Job, tasks: Vec<Task>, first_status: Option<OutboxItem>) {
        let (tell, told) = mpsc::channel(TELL_LIMIT);
        self.lock().insert(job.number, tell);
        let actor = Actor::new(brain.clone(), job, tasks, first_status, told);
        brain.spawn(actor.run());
    }

    fn tell_all(&self, brain: &Brain, news: impl Fn() -> Tell) {
        let open: Vec<_> = self.lock().values().cloned().collect();
        for tell in open {
            if let Err(mpsc::error::TrySendError::Full(news)) = tell.try_send(news()) {
                // A job that is busy hears of it when it has time; the pump does not wait for it.
                brain.spawn(async move {
                    if tell.send(news).await.is_err() {
                        warn!("a job ended before it heard of its node");
                    }
                });
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, mpsc::Sender<Tell>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
