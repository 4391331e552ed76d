//! Peers of the legacy network.

use super::db::{Db, Tx, execute, read_all, text};
use super::error::Fault;

#[derive(sqlx::FromRow)]
struct PeerRow {
    record: Vec<u8>,
}

pub(super) async fn list(db: &Db) -> Result<Vec<Vec<u8>>, Fault> {
    let rows = read_all!(
        db,
        PeerRow,
        "SELECT record FROM legacy_peer ORDER BY address"
    )?;
    Ok(rows.into_iter().map(|row| row.record).collect())
}

pub(super) async fn put(tx: &mut Tx, address: &str, record: &[u8]) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO legacy_peer (address, record) VALUES ($1, $2) \
         ON CONFLICT (address) DO UPDATE SET record = excluded.record",
        text(address),
        record
    )?;
    Ok(())
}
