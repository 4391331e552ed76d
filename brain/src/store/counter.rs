//! Numbers for people: of accounts, of jobs.

use super::db::{Tx, find, text};
use super::error::Fault;

/// The next number of a counter, from 1. Concurrent callers get different ones; a number is lost if
/// its transaction fails.
pub(super) async fn next(tx: &mut Tx, name: &str) -> Result<i64, Fault> {
    let row = find!(
        tx,
        (i64,),
        "INSERT INTO counter (name, value) VALUES ($1, 1) \
         ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
        text(name)
    )?;
    row.map(|(value,)| value)
        .ok_or_else(|| Fault::Value(format!("counter `{name}` gave no number")))
}
