//! The contract: one suite, run on SQLite in memory, on a SQLite file and on PostgreSQL.
//!
//! `JARVIS_TEST_POSTGRES` is the URL of a PostgreSQL server on which each test makes a schema of its
//! own. Without it the PostgreSQL half says that it was skipped, and fails where `CI` is set.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use super::*;
use crate::account::Role;
use crate::audit::AuditEntry;
use crate::job::{Job, JobId, JobSpec, JobState, RunSpec, Task, TaskState};
use crate::outbox::{OutboxItem, ProgressObject};
use crate::room::{BotKey, RoomKey, RoomKind};
use crate::watch::{Subscription, Topic};

mod atomic;
mod faults;
mod files;
mod join;
mod load;
mod note;
mod note_import;
mod nouns;
mod translation;

/// Where a test's database lives, for as long as the value does.
struct Place {
    url: String,
    _folder: Option<TempDir>,
    schema: Option<(String, String)>,
}

impl Place {
    fn memory() -> Self {
        Self {
            url: "sqlite::memory:".to_owned(),
            _folder: None,
            schema: None,
        }
    }

    fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            url: format!("sqlite:{}", folder.path().join("brain.db").display()),
            _folder: Some(folder),
            schema: None,
        }
    }

    async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("JARVIS_TEST_POSTGRES") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "JARVIS_TEST_POSTGRES must be set where CI is"
            );
            println!("postgres: skipped, JARVIS_TEST_POSTGRES is not set");
            return None;
        };
        let schema = format!("test_{}", uuid::Uuid::now_v7().simple());
        let mut admin = PgConnection::connect(&server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {schema}")))
            .execute(&mut admin)
            .await
            .unwrap();
        admin.close().await.unwrap();
        let separator = if server.contains('?') { '&' } else { '?' };
        Some(Self {
            url: format!("{server}{separator}options=-c%20search_path%3D{schema}"),
            _folder: None,
            schema: Some((server, schema)),
        })
    }

    async fn open(&self) -> Store {
        Store::open(&self.url, StoreOptions::default())
            .await
            .unwrap()
    }

    async fn remove(self) {
        if let Some((server, schema)) = self.schema {
            let mut admin = PgConnection::connect(&server).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE")))
                .execute(&mut admin)
                .await
                .unwrap();
        }
    }
}

/// Makes of each case one test per database.
macro_rules! contract {
    ($($case:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(&$crate::store::tests::Place::memory()).await;
            })+
        }
        mod file {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(&$crate::store::tests::Place::file()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                if let Some(place) = $crate::store::tests::Place::postgres().await {
                    super::$case(&place).await;
                    place.remove().await;
                }
            })+
        }
    };
}
use contract;

/// A moment, Unix milliseconds.
const NOW: i64 = 1_790_000_000_000;

fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn bot() -> BotKey {
    BotKey {
        kind: "console".to_owned(),
        bot: "b1".to_owned(),
    }
}

fn room(name: &str) -> RoomKey {
    RoomKey {
        bot: bot(),
        room: name.to_owned(),
        thread: String::new(),
    }
}

fn event(id: &str) -> EventKey {
    EventKey {
        bot: bot(),
        id: id.to_owned(),
        received_ms: NOW,
    }
}

fn say(room_name: &str, what: &str) -> OutboxItem {
    OutboxItem {
        id: id(),
        room: room(room_name),
        action: what.as_bytes().to_vec(),
        progress_key: None,
        attempts: 0,
        not_before_ms: 0,
        created_ms: NOW,
    }
}

fn line(what: &str) -> AuditEntry {
    AuditEntry {
        id: id(),
        time_ms: NOW,
        account: None,
        identity: None,
        what: what.to_owned(),
        detail: String::new(),
        target: String::new(),
        result: "accepted".to_owned(),
        trace: "t".to_owned(),
    }
}

fn person(name: &str) -> SeenPerson {
    SeenPerson {
        key: IdentityKey {
            kind: "console".to_owned(),
            person: format!("id-{name}"),
        },
        name: name.to_owned(),
        handle: format!("{name}_handle"),
        language_hint: "en".to_owned(),
    }
}

fn new_job(number: i64) -> Job {
    Job {
        id: JobId::new(),
        number,
        account: AccountId::new(),
        identity: person("ann").key,
        room: room("r"),
        reply_to: "m1".to_owned(),
        spec: JobSpec::Run(RunSpec {
            script: "echo hi".to_owned(),
            ..RunSpec::default()
        }),
        state: JobState::Open,
        created_ms: NOW,
        ended_ms: None,
        wait_until_ms: 0,
        language: "en".to_owned(),
    }
}

fn new_task(job: &Job, position: i64, node: &str) -> Task {
    Task {
        order: id(),
        job: job.id.clone(),
        position,
        node: node.to_owned(),
        address: format!("1{node}"),
        state: TaskState::Sent,
        signed_order: vec![1, 2, 3],
        ending: Vec::new(),
        started_ms: 0,
        ended_ms: 0,
    }
}

/// What waits to be said in all rooms, as text.
async fn said(store: &Store) -> Vec<String> {
    store
        .outbox_pending(1_000_000)
        .await
        .unwrap()
        .into_iter()
        .map(|item| String::from_utf8(item.action).unwrap())
        .collect()
}
