//! Jobs and their tasks.

use super::db::{Db, Tx, execute, maybe_text, read_all, read_one, text};
use super::error::Fault;
use super::rows::{RoomColumns, from_json, to_json, value};
use super::unit::TaskEnd;
use crate::account::{AccountId, IdentityKey};
use crate::job::{Job, JobId, JobState, Task};

/// Which jobs to list; an empty filter means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only those of this account.
    pub account: Option<AccountId>,
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only those with a task on the node of this name.
    pub node: Option<String>,
    /// Only those with a smaller number: the next page.
    pub before: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct JobRow {
    id: String,
    number: i64,
    account_id: String,
    identity_kind: String,
    identity_person: String,
    #[sqlx(flatten)]
    room: RoomColumns,
    reply_to: String,
    spec: String,
    state: String,
    created_ms: i64,
    ended_ms: Option<i64>,
    wait_until_ms: i64,
    language: String,
}

impl TryFrom<JobRow> for Job {
    type Error = Fault;

    fn try_from(row: JobRow) -> Result<Self, Fault> {
        Ok(Self {
            id: JobId::from_stored(row.id),
            number: row.number,
            account: AccountId::from_stored(row.account_id),
            identity: IdentityKey {
                kind: row.identity_kind,
                person: row.identity_person,
            },
            room: row.room.into(),
            reply_to: row.reply_to,
            spec: from_json(&row.spec)?,
            state: value(&row.state)?,
            created_ms: row.created_ms,
            ended_ms: row.ended_ms,
            wait_until_ms: row.wait_until_ms,
            language: row.language,
        })
    }
}

#[derive(sqlx::FromRow)]
struct TaskRow {
    order_id: String,
    job_id: String,
    position: i64,
    node: String,
    address: String,
    state: String,
    signed_order: Vec<u8>,
    ending: Vec<u8>,
    started_ms: i64,
    ended_ms: i64,
}

impl TryFrom<TaskRow> for Task {
    type Error = Fault;

    fn try_from(row: TaskRow) -> Result<Self, Fault> {
        Ok(Self {
            order: row.order_id,
            job: JobId::from_stored(row.job_id),
            position: row.position,
            node: row.node,
            address: row.address,
            state: value(&row.state)?,
            signed_order: row.signed_order,
            ending: row.ending,
            started_ms: row.started_ms,
            ended_ms: row.ended_ms,
        })
    }
}

fn jobs(rows: Vec<JobRow>) -> Result<Vec<Job>, Fault> {
    rows.into_iter().map(Job::try_from).collect()
}

fn tasks_from(rows: Vec<TaskRow>) -> Result<Vec<Task>, Fault> {
    rows.into_iter().map(Task::try_from).collect()
}

pub(super) async fn by_id(db: &Db, id: &JobId) -> Result<Option<Job>, Fault> {
    read_one!(
        db,
        JobRow,
        "SELECT id, number, account_id, identity_kind, identity_person, kind, bot, room, thread, \
         reply_to, spec, state, created_ms, ended_ms, wait_until_ms, language FROM job \
         WHERE id = $1",
        text(id.as_str())
    )?
    .map(Job::try_from)
    .transpose()
}

pub(super) async fn by_number(db: &Db, number: i64) -> Result<Option<Job>, Fault> {
    read_one!(
        db,
        JobRow,
        "SELECT id, number, account_id, identity_kind, identity_person, kind, bot, room, thread, \
         reply_to, spec, state, created_ms, ended_ms, wait_until_ms, language FROM job \
         WHERE number = $1",
        number
    )?
    .map(Job::try_from)
    .transpose()
}

/// Newest first.
pub(super) async fn list(db: &Db, filter: &JobFilter, limit: i64) -> Result<Vec<Job>, Fault> {
    jobs(read_all!(
        db,
        JobRow,
        "SELECT id, number, account_id, identity_kind, identity_person, kind, bot, room, thread, \
         reply_to, spec, state, created_ms, ended_ms, wait_until_ms, language FROM job \
         WHERE ($1 IS NULL OR account_id = $1) AND ($2 IS NULL OR state = $2) \
         AND ($3 IS NULL OR id IN (SELECT job_id FROM task WHERE node = $3)) \
         AND ($4 IS NULL OR number < $4) ORDER BY number DESC LIMIT $5",
        maybe_text(filter.account.as_ref().map(AccountId::as_str)),
        filter.state.map(JobState::as_str),
        maybe_text(filter.node.as_deref()),
        filter.before,
        limit
    )?)
}

/// Oldest first.
pub(super) async fn open(db: &Db) -> Result<Vec<Job>, Fault> {
    jobs(read_all!(
        db,
        JobRow,
        "SELECT id, number, account_id, identity_kind, identity_person, kind, bot, room, thread, \
         reply_to, spec, state, created_ms, ended_ms, wait_until_ms, language FROM job \
         WHERE state = 'open' ORDER BY number"
    )?)
}

pub(super) async fn task(db: &Db, order: &str) -> Result<Option<Task>, Fault> {
    read_one!(
        db,
        TaskRow,
        "SELECT order_id, job_id, position, node, address, state, signed_order, ending, \
         started_ms, ended_ms FROM task WHERE order_id = $1",
        text(order)
    )?
    .map(Task::try_from)
    .transpose()
}

/// In the order of the job's table.
pub(super) async fn tasks(db: &Db, job: &JobId) -> Result<Vec<Task>, Fault> {
    tasks_from(read_all!(
        db,
        TaskRow,
        "SELECT order_id, job_id, position, node, address, state, signed_order, ending, \
         started_ms, ended_ms FROM task WHERE job_id = $1 ORDER BY position",
        text(job.as_str())
    )?)
}

/// Those that have not ended; on one node, or on all.
pub(super) async fn open_tasks(db: &Db, address: Option<&str>) -> Result<Vec<Task>, Fault> {
    tasks_from(read_all!(
        db,
        TaskRow,
        "SELECT order_id, job_id, position, node, address, state, signed_order, ending, \
         started_ms, ended_ms FROM task WHERE is_final = 0 AND ($1 IS NULL OR address = $1) \
         ORDER BY job_id, position",
        maybe_text(address)
    )?)
}

pub(super) async fn insert(tx: &mut Tx, job: &Job) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO job (id, number, account_id, identity_kind, identity_person, kind, bot, room, \
         thread, reply_to, spec, state, created_ms, ended_ms, wait_until_ms, language) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        text(job.id.as_str()),
        job.number,
        text(job.account.as_str()),
        text(&job.identity.kind),
        text(&job.identity.person),
        text(&job.room.bot.kind),
        text(&job.room.bot.bot),
        text(&job.room.room),
        text(&job.room.thread),
        text(&job.reply_to),
        to_json(&job.spec)?,
        job.state.as_str(),
        job.created_ms,
        job.ended_ms,
        job.wait_until_ms,
        text(&job.language)
    )?;
    Ok(())
}

pub(super) async fn insert_task(tx: &mut Tx, task: &Task) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO task (order_id, job_id, position, node, address, state, is_final, \
         signed_order, ending, started_ms, ended_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        text(&task.order),
        text(task.job.as_str()),
        task.position,
        text(&task.node),
        text(&task.address),
        task.state.as_str(),
        i64::from(task.state.is_final()),
        task.signed_order.as_slice(),
        task.ending.as_slice(),
        task.started_ms,
        task.ended_ms
    )?;
    Ok(())
}

/// Stores how a task goes on or ends, unless it ended before.
pub(super) async fn update_task(tx: &mut Tx, task: &Task) -> Result<(), Fault> {
    execute!(
        tx,
        "UPDATE task SET state = $2, is_final = $3, signed_order = $4, ending = $5, \
         started_ms = $6, ended_ms = $7 WHERE order_id = $1 AND is_final = 0",
        text(&task.order),
        task.state.as_str(),
        i64::from(task.state.is_final()),
        task.signed_order.as_slice(),
        task.ending.as_slice(),
        task.started_ms,
        task.ended_ms
    )?;
    Ok(())
}

/// Whether this was the task's first final state.
pub(super) async fn end_task(tx: &mut Tx, end: &TaskEnd) -> Result<bool, Fault> {
    if !end.state.is_final() {
        return Err(Fault::Value(format!(
            "task `{}` cannot end as {}",
            end.order,
            end.state.as_str()
        )));
    }
    let ended = execute!(
        tx,
        "UPDATE task SET state = $2, is_final = 1, ending = $3, ended_ms = $4 \
         WHERE order_id = $1 AND is_final = 0",
        text(&end.order),
        end.state.as_str(),
        end.ending.as_slice(),
        end.ended_ms
    )?;
    Ok(ended == 1)
}

/// Whether the job was open until now.
pub(super) async fn end(
    tx: &mut Tx,
    id: &JobId,
    state: JobState,
    ended_ms: i64,
) -> Result<bool, Fault> {
    if state == JobState::Open {
        return Err(Fault::Value(format!("job `{id}` cannot end as open")));
    }
    let ended = execute!(
        tx,
        "UPDATE job SET state = $2, ended_ms = $3 WHERE id = $1 AND state = 'open'",
        text(id.as_str()),
        state.as_str(),
        ended_ms
    )?;
    Ok(ended == 1)
}
