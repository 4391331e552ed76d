//! The database: there, and willing.

use std::path::Path;

use jarvis_brain::store::{Store, StoreOptions};

use super::Report;
use crate::config::Config;
use crate::data::DataDir;

const SUBJECT: &str = "database";

/// Opens the database as the brain would, which brings its tables up to date.
pub(super) async fn database(config: &Config, data: &DataDir, running: bool, report: &mut Report) {
    let url = match &config.brain.database {
        Some(database) => database.reveal().to_owned(),
        None => format!("sqlite:{}", data.database().display()),
    };
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        let file = path.split('?').next().unwrap_or(path);
        if !Path::new(file).exists() {
            report.ok(SUBJECT, format!("{file} (will be made)"));
            return;
        }
        if running {
            report.ok(SUBJECT, format!("{file} (Jarvis runs)"));
            return;
        }
    }
    let store = match Store::open(&url, StoreOptions::default()).await {
        Ok(store) => store,
        Err(error) => {
            let detail = format!("{:#}", anyhow::Error::from(error));
            let remedy =
                "is the server running, the address right, the file readable by this user?";
            report.fail(SUBJECT, detail, remedy);
            return;
        }
    };
    match store.health().await {
        Ok(health) => report.ok(SUBJECT, format!("{} answers", health.database)),
        Err(error) => report.fail(
            SUBJECT,
            format!("{:#}", anyhow::Error::from(error)),
            "look at the database's own log",
        ),
    }
    store.close().await;
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    async fn check(config: &Config, running: bool) -> Report {
        let mut report = Report::default();
        database(config, &DataDir::at(&config.data), running, &mut report).await;
        report
    }

    #[tokio::test]
    async fn a_database_is_opened_only_when_it_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        assert!(check(&config, false).await.table().contains("will be made"));
        assert!(!dir.path().join("jarvis.db").exists());

        let url = format!("sqlite:{}", dir.path().join("jarvis.db").display());
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        store.close().await;
        let report = check(&config, false).await;
        assert!(
            report.table().contains("sqlite answers"),
            "{}",
            report.table()
        );
        assert!(check(&config, true).await.table().contains("Jarvis runs"));
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("jarvis.db"),
            "not a database, but long enough".repeat(50),
        )
        .unwrap();
        let config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        let report = check(&config, false).await;
        assert!(!report.passed(), "{}", report.table());
    }

    #[tokio::test]
    async fn an_unknown_kind_of_database_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config {
            data: dir.path().to_owned(),
            ..Config::default()
        };
        config.brain.database = Some("mysql://x:hush-hush@y/z".to_owned().into());
        let report = check(&config, false).await;
        assert!(!report.passed());
        assert!(!report.table().contains("hush"), "{}", report.table());
    }
}
