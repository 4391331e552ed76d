//! The nodes' parts in updates.

use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;
use super::rows::{from_json, to_json};
use crate::job::{JobId, Part};

#[derive(sqlx::FromRow)]
struct PartRow {
    part: String,
}

#[derive(sqlx::FromRow)]
struct JobRow {
    job_id: String,
}

pub(super) async fn parts(db: &Db, job: &JobId) -> Result<Vec<Part>, Fault> {
    read_all!(
        db,
        PartRow,
        "SELECT part FROM rollout_part WHERE job_id = $1 ORDER BY order_id",
        text(job.as_str())
    )?
    .into_iter()
    .map(|row| from_json(&row.part))
    .collect()
}

/// The job in which the node of this address is being updated.
pub(super) async fn open_job(db: &Db, address: &str) -> Result<Option<JobId>, Fault> {
    let row = read_one!(
        db,
        JobRow,
        "SELECT job_id FROM rollout_part WHERE address = $1 AND is_over = 0",
        text(address)
    )?;
    Ok(row.map(|row| JobId::from_stored(row.job_id)))
}

pub(super) async fn put(tx: &mut Tx, part: &Part) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO rollout_part (order_id, job_id, address, is_over, part) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (order_id) DO UPDATE SET \
         is_over = excluded.is_over, part = excluded.part",
        text(&part.order),
        text(part.job.as_str()),
        text(&part.address),
        i64::from(part.is_over()),
        to_json(part)?
    )?;
    Ok(())
}
