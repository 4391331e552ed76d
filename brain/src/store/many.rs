//! Statements that write many rows at once: those that every message causes.
//!
//! One statement per row would cost three times the processor time. The texts exist for a few row
//! counts only, so that the databases prepare each of them once.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use sqlx::AssertSqlSafe;

use super::db::{Tx, text};
use super::error::Fault;
use super::unit::EventKey;
use crate::audit::AuditEntry;
use crate::outbox::OutboxItem;

/// Row counts for which there is a text, largest first; any number is a sum of these.
const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// A statement over many rows: what stands before the values of the rows, how many values a row has, and
/// what stands behind.
pub(super) struct Rows {
    pub(super) head: &'static str,
    pub(super) columns: usize,
    pub(super) tail: &'static str,
}

pub(super) const EVENT: Rows = Rows {
    head: "INSERT INTO event (kind, bot, event_id, received_ms) VALUES",
    columns: 4,
    tail: "",
};
pub(super) const AUDIT: Rows = Rows {
    head: "INSERT INTO audit (id, time_ms, account_id, identity_kind, identity_person, what, detail, \
           target, result, trace) VALUES",
    columns: 10,
    tail: "",
};
pub(super) const OUTBOX: Rows = Rows {
    head: "INSERT INTO outbox (id, kind, bot, room, thread, action, progress_key, attempts, \
           not_before_ms, created_ms) VALUES",
    columns: 10,
    tail: "",
};
pub(super) const SAID: Rows = Rows {
    head: "DELETE FROM outbox WHERE id IN (VALUES",
    columns: 1,
    tail: ")",
};

/// Binds the values of [`EVENT`].
macro_rules! bind_event {
    ($query:expr, $event:expr) => {
        $query
            .bind($crate::store::db::text(&$event.bot.kind))
            .bind($crate::store::db::text(&$event.bot.bot))
            .bind($crate::store::db::text(&$event.id))
            .bind($event.received_ms)
    };
}

/// Binds the values of [`AUDIT`].
macro_rules! bind_audit {
    ($query:expr, $entry:expr) => {{
        let identity = $entry.identity.as_ref();
        $query
            .bind($crate::store::db::text(&$entry.id))
            .bind($entry.time_ms)
            .bind($crate::store::db::maybe_text(
                $entry
                    .account
                    .as_ref()
                    .map($crate::account::AccountId::as_str),
            ))
            .bind($crate::store::db::maybe_text(
                identity.map(|key| key.kind.as_str()),
            ))
            .bind($crate::store::db::maybe_text(
                identity.map(|key| key.person.as_str()),
            ))
            .bind($crate::store::db::text(&$entry.what))
            .bind($crate::store::db::text(&$entry.detail))
            .bind($crate::store::db::text(&$entry.target))
            .bind($crate::store::db::text(&$entry.result))
            .bind($crate::store::db::text(&$entry.trace))
    }};
}

/// Binds the values of [`OUTBOX`].
macro_rules! bind_outbox {
    ($query:expr, $item:expr) => {
        $query
            .bind($crate::store::db::text(&$item.id))
            .bind($crate::store::db::text(&$item.room.bot.kind))
            .bind($crate::store::db::text(&$item.room.bot.bot))
            .bind($crate::store::db::text(&$item.room.room))
            .bind($crate::store::db::text(&$item.room.thread))
            .bind($item.action.as_slice())
            .bind($crate::store::db::maybe_text($item.progress_key.as_deref()))
            .bind($item.attempts)
            .bind($item.not_before_ms)
            .bind($item.created_ms)
    };
}

pub(super) use {bind_audit, bind_event, bind_outbox};

/// The texts of all statements.
pub(super) struct Statements {
    event: Texts,
    audit: Texts,
    outbox: Texts,
    said: Texts,
}

/// The texts of one statement, one for each of [`SIZES`].
struct Texts([Arc<str>; SIZES.len()]);

impl Texts {
    /// The statement, and more behind it.
    fn new(statement: &Rows, more: &str) -> Self {
        let columns = statement.columns;
        Self(SIZES.map(|rows| {
            let mut sql = statement.head.to_owned();
            for row in 0..rows {
                sql.push_str(if row == 0 { " (" } else { ", (" });
                for column in 1..=columns {
                    let comma = if column == 1 { "" } else { ", " };
                    // Writing to a String cannot fail.
                    let _ = write!(sql, "{comma}${}", row * columns + column);
                }
                sql.push(')');
            }
            sql.push_str(statement.tail);
            sql.push_str(more);
            sql.into()
        }))
    }

    /// Cuts rows into parts for which there is a text.
    fn parts<'r, R>(&self, mut rows: &'r [R]) -> Vec<(AssertSqlSafe<Arc<str>>, &'r [R])> {
        let mut parts = Vec::new();
        for (size, sql) in SIZES.iter().zip(&self.0) {
            while rows.len() >= *size {
                let (part, rest) = rows.split_at(*size);
                // Safe: made above from our own constants, values are bound.
                parts.push((AssertSqlSafe(Arc::clone(sql)), part));
                rows = rest;
            }
        }
        parts
    }
}

/// Runs a statement over all rows: `each!(tx, texts, rows, |query, row| query.bind(…)…)`.
macro_rules! each {
    ($tx:expr, $texts:expr, $rows:expr, |$query:ident, $row:ident| $bound:expr) => {
        for (sql, part) in $texts.parts($rows) {
            match $tx {
                Tx::Lite(tx) => {
                    let mut $query = sqlx::query(sql);
                    for $row in part {
                        $query = $bound;
                    }
                    $query.execute(&mut **tx).await?;
                }
                Tx::Pg(tx) => {
                    let mut $query = sqlx::query(sql);
                    for $row in part {
                        $query = $bound;
                    }
                    $query.execute(&mut **tx).await?;
                }
            }
        }
    };
}

impl Statements {
    /// Builds the texts.
    pub(super) fn new() -> Self {
        Self {
            event: Texts::new(
                &EVENT,
                " ON CONFLICT (kind, bot, event_id) DO NOTHING RETURNING kind, bot, event_id",
            ),
            audit: Texts::new(&AUDIT, ""),
            outbox: Texts::new(&OUTBOX, ""),
            said: Texts::new(&SAID, ""),
        }
    }

    /// Notes events as handled. Gives, for each, whether it is new: not stored before, and not earlier
    /// in `events`.
    pub(super) async fn events(
        &self,
        tx: &mut Tx,
        events: &[&EventKey],
    ) -> Result<Vec<bool>, Fault> {
        let names = events
            .iter()
            .map(|event| (text(&event.bot.kind), text(&event.bot.bot), text(&event.id)));
        let mut met = HashSet::with_capacity(events.len());
        let mut is_new: Vec<bool> = names.clone().map(|name| met.insert(name)).collect();
        // PostgreSQL refuses a statement that meets its own row again only for updates, but one row
        // per event keeps the answer countable.
        let once: Vec<&EventKey> = events
            .iter()
            .zip(&is_new)
            .filter_map(|(event, first)| first.then_some(*event))
            .collect();
        let mut inserted: Vec<(String, String, String)> = Vec::with_capacity(once.len());
        for (sql, part) in self.event.parts(&once) {
            macro_rules! insert {
                ($tx:expr) => {{
                    let mut query = sqlx::query_as::<_, (String, String, String)>(sql);
                    for event in part {
                        query = bind_event!(query, event);
                    }
                    query.fetch_all(&mut **$tx).await?
                }};
            }
            inserted.extend(match tx {
                Tx::Lite(tx) => insert!(tx),
                Tx::Pg(tx) => insert!(tx),
            });
        }
        if inserted.len() < once.len() {
            let stored: HashSet<_> = inserted
                .iter()
                .map(|(kind, bot, id)| (kind.as_str(), bot.as_str(), id.as_str()))
                .collect();
            for ((kind, bot, id), is_new) in names.zip(&mut is_new) {
                *is_new = *is_new && stored.contains(&(&*kind, &*bot, &*id));
            }
        }
        Ok(is_new)
    }

    /// Writes lines of the audit log.
    pub(super) async fn audit(&self, tx: &mut Tx, entries: &[&AuditEntry]) -> Result<(), Fault> {
        each!(tx, self.audit, entries, |query, entry| bind_audit!(
            query, entry
        ));
        Ok(())
    }

    /// Stores what has to be said.
    pub(super) async fn outbox(&self, tx: &mut Tx, items: &[&OutboxItem]) -> Result<(), Fault> {
        each!(tx, self.outbox, items, |query, item| bind_outbox!(
            query, item
        ));
        Ok(())
    }

    /// Forgets what was said.
    pub(super) async fn said(&self, tx: &mut Tx, ids: &[&str]) -> Result<(), Fault> {
        each!(tx, self.said, ids, |query, id| query.bind(text(id)));
        Ok(())
    }
}
