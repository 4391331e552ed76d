//! Settings: names and values.

use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;

pub(super) async fn get(db: &Db, name: &str) -> Result<Option<String>, Fault> {
    let row = read_one!(
        db,
        (String,),
        "SELECT value FROM setting WHERE name = $1",
        text(name)
    )?;
    Ok(row.map(|(value,)| value))
}

pub(super) async fn list(db: &Db) -> Result<Vec<(String, String)>, Fault> {
    Ok(read_all!(
        db,
        (String, String),
        "SELECT name, value FROM setting ORDER BY name"
    )?)
}

pub(super) async fn put(tx: &mut Tx, name: &str, value: &str) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO setting (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        text(name),
        text(value)
    )?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, name: &str) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM setting WHERE name = $1", text(name))?;
    Ok(())
}
