//! A batch of common units on SQLite, in as few trips as possible to the thread that holds the
//! connection: each trip wakes it, waits, and is woken, which costs more than the rows do.
//!
//! The rows of three tables go in one text of several statements, the first of which begins the
//! transaction and the last of which ends it. Nothing is asked on the way: an event that was handled
//! before makes the whole batch fail, and the writer takes it again with care.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool};

use super::db::text;
use super::error::Fault;
use super::many::{AUDIT, EVENT, OUTBOX, Rows, SAID, bind_audit, bind_event, bind_outbox};
use super::unit::{EventKey, Op, Unit};
use crate::audit::AuditEntry;
use crate::outbox::OutboxItem;

/// Row counts for which there is a text, largest first. Each text is prepared once and kept, so there
/// are few.
const SIZES: [usize; 14] = [64, 48, 32, 24, 16, 12, 8, 7, 6, 5, 4, 3, 2, 1];

/// Writes batches; remembers its texts.
#[derive(Default)]
pub(super) struct Burst {
    texts: HashMap<Text, Arc<str>>,
}

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Text {
    statements: Statements,
    rows: usize,
    begins: bool,
    ends: bool,
}

/// Statements that go together, each with the same number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Statements {
    /// Into all three tables, as most commands need it.
    All,
    Event,
    Audit,
    Outbox,
    Said,
}

/// What a batch changes, by table.
#[derive(Default)]
struct Changes<'u> {
    events: Vec<&'u EventKey>,
    audit: Vec<&'u AuditEntry>,
    outbox: Vec<&'u OutboxItem>,
    said: Vec<&'u str>,
}

/// Rows of one trip.
#[derive(Default)]
struct Trip<'c, 'u> {
    events: &'c [&'u EventKey],
    audit: &'c [&'u AuditEntry],
    outbox: &'c [&'u OutboxItem],
    said: &'c [&'u str],
}

impl Burst {
    /// Writes units that hold only what every message causes, all or none.
    pub(super) async fn write(&mut self, pool: &SqlitePool, units: &[&Unit]) -> Result<(), Fault> {
        let changes = Changes::of(units)?;
        let trips = changes.trips();
        let last = trips.len().saturating_sub(1);
        let mut connection = pool.acquire().await?;
        for (at, (statements, trip)) in trips.iter().enumerate() {
            let text = Text {
                statements: *statements,
                rows: trip.rows(),
                begins: at == 0,
                ends: at == last,
            };
            if let Err(error) = self.go(&mut connection, text, trip).await {
                undo(connection).await;
                return Err(error.into());
            }
        }
        Ok(())
    }

    async fn go(
        &mut self,
        connection: &mut PoolConnection<Sqlite>,
        text: Text,
        trip: &Trip<'_, '_>,
    ) -> Result<(), sqlx::Error> {
        let sql = self.texts.entry(text).or_insert_with(|| text.sql().into());
        // Safe: made of our own constants, values are bound.
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(sql)));
        for event in trip.events {
            query = bind_event!(query, event);
        }
        for entry in trip.audit {
            query = bind_audit!(query, entry);
        }
        for item in trip.outbox {
            query = bind_outbox!(query, item);
        }
        for id in trip.said {
            query = query.bind(self::text(id));
        }
        query.execute(&mut **connection).await.map(drop)
    }
}

/// Ends a transaction that failed. Where SQLite has done so itself, there is nothing to undo.
async fn undo(mut connection: PoolConnection<Sqlite>) {
    if let Err(error) = sqlx::query("ROLLBACK").execute(&mut *connection).await {
        tracing::debug!(%error, "nothing to roll back");
    }
}

impl<'u> Changes<'u> {
    fn of(units: &[&'u Unit]) -> Result<Self, Fault> {
        let mut changes = Self::default();
        for unit in units {
            changes.events.extend(&unit.event);
            for op in &unit.ops {
                match op {
                    Op::Audit(entry) => changes.audit.push(entry),
                    Op::Outbox(item) => changes.outbox.push(item),
                    Op::OutboxDone { id } => changes.said.push(id),
                    other => return Err(Fault::Value(format!("not a common change: {other:?}"))),
                }
            }
        }
        Ok(changes)
    }

    /// The trips in their order: what is said was stored before, perhaps in this very batch.
    fn trips(&self) -> Vec<(Statements, Trip<'_, 'u>)> {
        let mut trips = Vec::new();
        let common = self
            .events
            .len()
            .min(self.audit.len())
            .min(self.outbox.len());
        let (events, more_events) = self.events.split_at(common);
        let (audit, more_audit) = self.audit.split_at(common);
        let (outbox, more_outbox) = self.outbox.split_at(common);
        let mut from = 0;
        for size in sizes(common) {
            let rows = from..from + size;
            let trip = Trip {
                events: &events[rows.clone()],
                audit: &audit[rows.clone()],
                outbox: &outbox[rows],
                said: &[],
            };
            trips.push((Statements::All, trip));
            from += size;
        }
        for events in parts(more_events) {
            let trip = Trip {
                events,
                ..Trip::default()
            };
            trips.push((Statements::Event, trip));
        }
        for audit in parts(more_audit) {
            let trip = Trip {
                audit,
                ..Trip::default()
            };
            trips.push((Statements::Audit, trip));
        }
        for outbox in parts(more_outbox) {
            let trip = Trip {
                outbox,
                ..Trip::default()
            };
            trips.push((Statements::Outbox, trip));
        }
        for said in parts(&self.said) {
            let trip = Trip {
                said,
                ..Trip::default()
            };
            trips.push((Statements::Said, trip));
        }
        trips
    }
}

impl Trip<'_, '_> {
    /// Rows of each of its statements.
    fn rows(&self) -> usize {
        let counts = [
            self.events.len(),
            self.audit.len(),
            self.outbox.len(),
            self.said.len(),
        ];
        counts.into_iter().max().unwrap_or(0)
    }
}

/// A number as a sum of [`SIZES`].
fn sizes(mut count: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    for size in SIZES {
        while count >= size {
            sizes.push(size);
            count -= size;
        }
    }
    sizes
}

/// Rows in parts for which there is a text.
fn parts<R>(mut rows: &[R]) -> Vec<&[R]> {
    sizes(rows.len())
        .into_iter()
        .map(|size| {
            let (part, rest) = rows.split_at(size);
            rows = rest;
            part
        })
        .collect()
}

impl Text {
    /// With `?` for each value: SQLite numbers them itself, and looks up no names for it.
    fn sql(self) -> String {
        let statements: &[&Rows] = match self.statements {
            Statements::All => &[&EVENT, &AUDIT, &OUTBOX],
            Statements::Event => &[&EVENT],
            Statements::Audit => &[&AUDIT],
            Statements::Outbox => &[&OUTBOX],
            Statements::Said => &[&SAID],
        };
        let mut all: Vec<String> = Vec::new();
        // Taking the write lock at once, as every transaction of ours does.
        all.extend(self.begins.then(|| "BEGIN IMMEDIATE".to_owned()));
        for Rows {
            head,
            columns,
            tail,
        } in statements
        {
            let row = format!("({})", vec!["?"; *columns].join(", "));
            all.push(format!("{head} {}{tail}", vec![row; self.rows].join(", ")));
        }
        all.extend(self.ends.then(|| "COMMIT".to_owned()));
        all.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_rows_has_few_parts() {
        for count in 0..=1024 {
            let sizes = sizes(count);
            assert_eq!(sizes.iter().sum::<usize>(), count);
            assert!(sizes.len() <= count / 64 + 3, "{count}: {sizes:?}");
        }
    }

    #[test]
    fn a_text_is_a_transaction_of_its_own_when_it_is_alone() {
        let text = Text {
            statements: Statements::Said,
            rows: 2,
            begins: true,
            ends: true,
        };
        assert_eq!(
            text.sql(),
            "BEGIN IMMEDIATE; DELETE FROM outbox WHERE id IN (VALUES (?), (?)); COMMIT"
        );
    }
}
