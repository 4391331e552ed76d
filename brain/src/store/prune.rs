//! Forgetting what nobody needs any more.

use super::db::{Tx, execute};
use super::error::Fault;

/// How long the id of a handled event is remembered. No platform repeats one after so long.
const EVENT_LIFE_MS: i64 = 30 * DAY_MS;
/// How long the message of a progress object can still be found.
const PROGRESS_LIFE_MS: i64 = 30 * DAY_MS;
/// How long a used or expired code or question is kept, for those who wonder.
const EXPIRED_LIFE_MS: i64 = DAY_MS;
/// How long minutes of load are kept: what `top` can show, and an hour.
const LOAD_MINUTES: i64 = 25 * 60;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Rows that one step removes from a table, so that a step does not hold up the writer for long.
pub(super) const STEP: i64 = 2000;

/// Jobs that one step removes, with their tasks and what these brought.
const JOBS: i64 = 200;

/// Removes at most [`JOBS`] jobs that ended before `before_ms`, with their tasks, and at most [`STEP`]
/// lines of the audit log. Gives how many rows went, and whether more may be left.
pub(super) async fn old_jobs(tx: &mut Tx, before_ms: i64) -> Result<(u64, bool), Fault> {
    execute!(
        tx,
        "DELETE FROM rollout_part WHERE job_id IN \
         (SELECT id FROM job WHERE ended_ms < $1 ORDER BY number LIMIT $2)",
        before_ms,
        JOBS
    )?;
    let tasks = execute!(
        tx,
        "DELETE FROM task WHERE job_id IN \
         (SELECT id FROM job WHERE ended_ms < $1 ORDER BY number LIMIT $2)",
        before_ms,
        JOBS
    )?;
    let jobs = execute!(
        tx,
        "DELETE FROM job WHERE id IN \
         (SELECT id FROM job WHERE ended_ms < $1 ORDER BY number LIMIT $2)",
        before_ms,
        JOBS
    )?;
    let audit = execute!(
        tx,
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time_ms < $1 LIMIT $2)",
        before_ms,
        STEP
    )?;
    let is_full = |rows: u64, most: i64| rows >= u64::try_from(most).unwrap_or(u64::MAX);
    Ok((
        tasks + jobs + audit,
        is_full(jobs, JOBS) || is_full(audit, STEP),
    ))
}

/// Removes at most [`STEP`] old rows of each table. Gives how many went, and whether more may be left.
pub(super) async fn step(tx: &mut Tx, now_ms: i64) -> Result<(u64, bool), Fault> {
    let gone = [
        execute!(
            tx,
            "DELETE FROM event WHERE (kind, bot, event_id) IN \
             (SELECT kind, bot, event_id FROM event WHERE received_ms < $1 LIMIT $2)",
            now_ms - EVENT_LIFE_MS,
            STEP
        )?,
        execute!(
            tx,
            "DELETE FROM progress WHERE name IN \
             (SELECT name FROM progress WHERE updated_ms < $1 LIMIT $2)",
            now_ms - PROGRESS_LIFE_MS,
            STEP
        )?,
        execute!(
            tx,
            "DELETE FROM question WHERE id IN \
             (SELECT id FROM question WHERE expires_ms < $1 LIMIT $2)",
            now_ms - EXPIRED_LIFE_MS,
            STEP
        )?,
        execute!(
            tx,
            "DELETE FROM binding WHERE code_hash IN \
             (SELECT code_hash FROM binding WHERE expires_ms < $1 LIMIT $2)",
            now_ms - EXPIRED_LIFE_MS,
            STEP
        )?,
        execute!(
            tx,
            "DELETE FROM claim WHERE code_hash IN \
             (SELECT code_hash FROM claim WHERE expires_ms < $1 LIMIT $2)",
            now_ms - EXPIRED_LIFE_MS,
            STEP
        )?,
        execute!(
            tx,
            "DELETE FROM join_token WHERE token_hash IN \
             (SELECT token_hash FROM join_token WHERE expires_ms < $1 \
             AND (node IS NULL OR told = 1) LIMIT $2)",
            now_ms - EXPIRED_LIFE_MS,
            STEP
        )?,
        execute!(
            tx,
            "DELETE FROM dialog WHERE expires_ms < $1",
            now_ms - EXPIRED_LIFE_MS
        )?,
        execute!(
            tx,
            "DELETE FROM load_minute WHERE minute < $1",
            now_ms / 60_000 - LOAD_MINUTES
        )?,
    ];
    let full = u64::try_from(STEP).unwrap_or(u64::MAX);
    Ok((gone.iter().sum(), gone.iter().any(|rows| *rows >= full)))
}
