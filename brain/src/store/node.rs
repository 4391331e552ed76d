//! Enrolled nodes.

use super::db::{Db, Tx, execute, read_all, read_one, text};
use super::error::Fault;
use super::rows::{from_json, to_json};

/// A node that this root enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRecord {
    /// The node's address: its identity, never reused.
    pub address: String,
    /// What people call it; unique.
    pub name: String,
    /// Tags that were given to it here.
    pub tags: Vec<String>,
    /// Where to dial it; empty when it dials us.
    pub dial: String,
    /// Unix milliseconds.
    pub enrolled_ms: i64,
    /// The encoded facts as it last told them; may be empty.
    pub facts: Vec<u8>,
    /// Unix milliseconds; 0 = never.
    pub last_seen_ms: i64,
}

#[derive(sqlx::FromRow)]
struct NodeRow {
    address: String,
    name: String,
    tags: String,
    dial: String,
    enrolled_ms: i64,
    facts: Vec<u8>,
    last_seen_ms: i64,
}

impl TryFrom<NodeRow> for NodeRecord {
    type Error = Fault;

    fn try_from(row: NodeRow) -> Result<Self, Fault> {
        Ok(Self {
            address: row.address,
            name: row.name,
            tags: from_json(&row.tags)?,
            dial: row.dial,
            enrolled_ms: row.enrolled_ms,
            facts: row.facts,
            last_seen_ms: row.last_seen_ms,
        })
    }
}

pub(super) async fn list(db: &Db) -> Result<Vec<NodeRecord>, Fault> {
    read_all!(
        db,
        NodeRow,
        "SELECT address, name, tags, dial, enrolled_ms, facts, last_seen_ms FROM node ORDER BY name"
    )?
    .into_iter()
    .map(NodeRecord::try_from)
    .collect()
}

pub(super) async fn by_name(db: &Db, name: &str) -> Result<Option<NodeRecord>, Fault> {
    read_one!(
        db,
        NodeRow,
        "SELECT address, name, tags, dial, enrolled_ms, facts, last_seen_ms FROM node \
         WHERE name = $1",
        text(name)
    )?
    .map(NodeRecord::try_from)
    .transpose()
}

pub(super) async fn by_address(db: &Db, address: &str) -> Result<Option<NodeRecord>, Fault> {
    read_one!(
        db,
        NodeRow,
        "SELECT address, name, tags, dial, enrolled_ms, facts, last_seen_ms FROM node \
         WHERE address = $1",
        text(address)
    )?
    .map(NodeRecord::try_from)
    .transpose()
}

pub(super) async fn put(tx: &mut Tx, node: &NodeRecord) -> Result<(), Fault> {
    execute!(
        tx,
        "INSERT INTO node (address, name, tags, dial, enrolled_ms, facts, last_seen_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (address) DO UPDATE SET \
         name = excluded.name, tags = excluded.tags, dial = excluded.dial, \
         enrolled_ms = excluded.enrolled_ms, facts = excluded.facts, \
         last_seen_ms = excluded.last_seen_ms",
        text(&node.address),
        text(&node.name),
        to_json(&node.tags)?,
        text(&node.dial),
        node.enrolled_ms,
        node.facts.as_slice(),
        node.last_seen_ms
    )?;
    Ok(())
}

pub(super) async fn seen(
    tx: &mut Tx,
    address: &str,
    facts: Option<&[u8]>,
    seen_ms: i64,
) -> Result<(), Fault> {
    execute!(
        tx,
        "UPDATE node SET facts = COALESCE($2, facts), last_seen_ms = $3 WHERE address = $1",
        text(address),
        facts,
        seen_ms
    )?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, address: &str) -> Result<(), Fault> {
    execute!(tx, "DELETE FROM node WHERE address = $1", text(address))?;
    Ok(())
}
