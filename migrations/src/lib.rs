//! The SQL migrations of the brain's database: one portable set for SQLite and PostgreSQL.
//!
//! A migration is a file `sql/NNNN_what.sql`. To add one, write the next number; a file that was
//! released is never edited, because databases remember its checksum. Only what both databases
//! understand may stand in it: `TEXT`, `BIGINT` and `BYTEA`, flags as `BIGINT` 0 or 1, times as UTC
//! milliseconds in `BIGINT`, JSON as `TEXT`.
//!
//! This crate depends on nothing of ours.

/// All migrations, in order.
///
/// Run them on a connection that is closed afterwards: a statement that was prepared before a table
/// changed fails, or worse, when it is used again.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./sql");

#[cfg(test)]
mod tests {
    use super::MIGRATOR;

    #[test]
    fn versions_count_up_from_one() {
        for (expected, migration) in (1_i64..).zip(MIGRATOR.iter()) {
            assert_eq!(migration.version, expected, "{}", migration.description);
        }
    }
}
