//! Which room or job bytes belong to. The bytes themselves are files, named by their hash.

use super::db::{Db, Tx, execute, read_all, text};
use super::error::Fault;

/// Bytes and one place they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRef {
    /// BLAKE3 hex.
    pub hash: String,
    /// The room or job, as its owner writes it (`job:<id>`); the same bytes may have several.
    pub origin: String,
    /// File name, cleaned.
    pub name: String,
    /// Media type; may be empty.
    pub mime: String,
    /// Bytes.
    pub size: i64,
    /// Unix milliseconds.
    pub created_ms: i64,
}

#[derive(sqlx::FromRow)]
struct BlobRow {
    hash: String,
    origin: String,
    name: String,
    mime: String,
    size: i64,
    created_ms: i64,
}

impl From<BlobRow> for BlobRef {
    fn from(row: BlobRow) -> Self {
        Self {
            hash: row.hash,
            origin: row.origin,
            name: row.name,
            mime: row.mime,
            size: row.size,
            created_ms: row.created_ms,
        }
    }
}

pub(super) async fn of_hash(db: &Db, hash: &str) -> Result<Vec<BlobRef>, Fault> {
    let rows = read_all!(
        db,
        BlobRow,
        "SELECT hash, origin, name, mime, size, created_ms FROM blob_ref WHERE hash = $1 \
         ORDER BY created_ms, origin",
        text(hash)
    )?;
    Ok(rows.into_iter().map(BlobRef::from).collect())
}

pub(super) async fn of_origin(db: &Db, origin: &str) -> Result<Vec<BlobRef>, Fault> {
    let rows = read_all!(
        db,
        BlobRow,
        "SELECT hash, origin, name, mime, size, created_ms FROM blob_ref WHERE origin = $1 \
         ORDER BY created_ms, name, hash",
        text(origin)
    )?;
    Ok(rows.into_iter().map(BlobRef::from).collect())
}

pub(super) async fn put(tx: &mut Tx, blob: &BlobRef) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO blob_ref (hash, origin, name, mime, size, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hash, origin) DO UPDATE SET \
         name = excluded.name, mime = excluded.mime, created_ms = excluded.created_ms",
        text(&blob.hash),
        text(&blob.origin),
        text(&blob.name),
        text(&blob.mime),
        blob.size,
        blob.created_ms
    )?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, origin: &str) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM blob_ref WHERE origin = $1", text(origin))?;
    Ok(())
}
