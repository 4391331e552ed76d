//! Faults of the outside: locks, full disks, damaged files, lost connections.

use std::path::PathBuf;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::*;

fn path(place: &Place) -> PathBuf {
    PathBuf::from(place.url.strip_prefix("sqlite:").unwrap())
}

async fn stranger(place: &Place) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path(place));
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

fn hello(n: usize) -> Unit {
    Unit::answering(
        event(&format!("e{n}")),
        vec![Op::Outbox(say("r", &n.to_string()))],
    )
}

fn impatient() -> StoreOptions {
    StoreOptions {
        lock_wait: Duration::from_millis(20),
        ..StoreOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_lock_is_told_and_outlived() {
    let place = Place::file();
    let store = Store::open(&place.url, impatient()).await.unwrap();
    store.commit(hello(0)).await.unwrap();
    let mut other = stranger(&place).await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let locked = store.commit(hello(1)).await.unwrap_err();
    assert!(matches!(locked, StoreError::Locked(_)), "{locked}");
    // Reading goes on.
    assert_eq!(said(&store).await, ["0"]);
    run(&mut other, "COMMIT").await;
    assert_eq!(store.commit(hello(1)).await, Ok(Committed::Applied));
    assert_eq!(said(&store).await, ["0", "1"]);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_brings_what_was_committed_into_the_file() {
    let place = Place::file();
    let store = Store::open(&place.url, impatient()).await.unwrap();
    store.commit(hello(0)).await.unwrap();
    while !store.db.checkpoint().await.unwrap() {}
    // The file alone, without its log, is all that a power cut is sure to leave.
    let left = Place::file();
    std::fs::copy(path(&place), path(&left)).unwrap();
    let after = Store::open(&left.url, impatient()).await.unwrap();
    assert_eq!(said(&after).await, ["0"]);
    after.close().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_begins_anew() {
    let place = Place::file();
    let store = place.open().await;
    let mut big = hello(0);
    big.ops
        .push(Op::Outbox(say("r", &"x".repeat(40 * 1024 * 1024))));
    store.commit(big).await.unwrap();
    let log = PathBuf::from(format!("{}-wal", path(&place).display()));
    let long = std::fs::metadata(&log).unwrap().len();
    while !store.db.checkpoint().await.unwrap() {}
    for n in 1..100 {
        store.commit(hello(n)).await.unwrap();
    }
    // The file keeps its size, and is written from its beginning.
    assert_eq!(std::fs::metadata(&log).unwrap().len(), long);
    assert_eq!(said(&store).await.len(), 101);
    store.close().await;
}

/// Transactions in SQLite's log: the frames that end one tell the size of the database.
fn transactions(place: &Place) -> usize {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 4096;
    let log = std::fs::read(format!("{}-wal", path(place).display())).unwrap();
    let frames = log[HEADER..].chunks_exact(FRAME);
    frames.filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_forgotten_together_with_what_comes_next() {
    let place = Place::file();
    let store = place.open().await;
    for n in 0..10 {
        store.commit(hello(n)).await.unwrap();
    }
    let before = transactions(&place);
    let mut forgotten = Vec::new();
    for item in store.outbox_pending(10).await.unwrap() {
        let done = Op::OutboxDone { id: item.id };
        forgotten.push(store.enqueue(Unit::of(vec![done])).await.unwrap());
    }
    store.commit(hello(10)).await.unwrap();
    let after = transactions(&place);
    for receipt in forgotten {
        assert_eq!(receipt.outcome().await, Ok(Committed::Applied));
    }
    assert_eq!(said(&store).await, ["10"]);
    assert!(after - before < 10, "{} transactions", after - before);
    // Without company it does not wait for ever.
    let item = store.outbox_pending(1).await.unwrap().remove(0);
    let done = Unit::of(vec![Op::OutboxDone { id: item.id }]);
    assert_eq!(store.commit(done).await, Ok(Committed::Applied));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_told() {
    let place = Place::file();
    let options = StoreOptions {
        queue: 1,
        queue_wait: Duration::from_millis(5),
        lock_wait: Duration::from_secs(60),
        ..StoreOptions::default()
    };
    let store = Store::open(&place.url, options).await.unwrap();
    let mut other = stranger(&place).await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let commits: Vec<_> = (0..10)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(hello(n)).await })
        })
        .collect();
    // One is being written, one waits in the queue; all others give up.
    let (mut busy, mut waiting) = (0, Vec::new());
    let mut commits: futures::stream::FuturesUnordered<_> = commits.into_iter().collect();
    while busy < 8 {
        use futures::StreamExt;
        match commits.next().await.unwrap().unwrap() {
            Err(StoreError::Busy { waiting }) => {
                assert_eq!(waiting, 1);
                busy += 1;
            }
            other => waiting.push(other),
        }
    }
    assert_eq!(waiting, []);
    run(&mut other, "COMMIT").await;
    for commit in commits {
        assert_eq!(commit.await.unwrap(), Ok(Committed::Applied));
    }
    assert_eq!(said(&store).await.len(), 2);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_outlived() {
    let place = Place::file();
    let store = place.open().await;
    store.commit(hello(0)).await.unwrap();
    let Db::Lite { write, .. } = &store.db else {
        panic!("not on sqlite");
    };
    let limit = async |sql: &'static str| sqlx::raw_sql(sql).execute(write).await.unwrap();
    limit("PRAGMA max_page_count = 1").await; // SQLite takes the present size
    let mut big = hello(1);
    big.ops.push(Op::Outbox(say("r", &"x".repeat(1_000_000))));
    let full = store.commit(big.clone()).await.unwrap_err();
    assert!(matches!(full, StoreError::Full(_)), "{full}");
    assert_eq!(said(&store).await, ["0"]);
    limit("PRAGMA max_page_count = 1000000").await;
    assert_eq!(store.commit(big).await, Ok(Committed::Applied));
    assert_eq!(said(&store).await.len(), 3);
    store.close().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told_and_left_alone() {
    let place = Place::file();
    let garbage = b"these are my holiday photos ".repeat(400);
    std::fs::write(path(&place), &garbage).unwrap();
    let refused = Store::open(&place.url, impatient()).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotADatabase(_)), "{refused}");
    assert_eq!(std::fs::read(path(&place)).unwrap(), garbage);
}

#[tokio::test]
async fn a_damaged_database_is_told() {
    let place = Place::file();
    let store = place.open().await;
    for n in 0..100 {
        store.commit(hello(n)).await.unwrap();
    }
    store.close().await;
    let mut bytes = std::fs::read(path(&place)).unwrap();
    // All but the first page, which says that it is a database.
    bytes[4096..].fill(0xa5);
    std::fs::write(path(&place), &bytes).unwrap();
    let refused = match Store::open(&place.url, impatient()).await {
        Ok(store) => store.outbox_pending(1000).await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(refused, StoreError::NotADatabase(_)), "{refused}");
}

#[tokio::test]
async fn a_newer_database_is_told() {
    let place = Place::file();
    place.open().await.close().await;
    let mut newer = stranger(&place).await;
    run(
        &mut newer,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .await;
    newer.close().await.unwrap();
    let refused = Store::open(&place.url, impatient()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Version(_)), "{refused}");
}

#[tokio::test]
async fn places_that_cannot_be_opened_are_told_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!(
        "sqlite:{}",
        folder.path().join("no/such/brain.db").display()
    );
    let directory = format!("sqlite:{}", folder.path().display());
    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let silent = format!("postgres://jarvis:hunter2@127.0.0.1:{port}/jarvis");
    for url in [missing, directory, silent] {
        let refused = Store::open(&url, impatient()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unreachable(_)), "{refused}");
        let said = refused.to_string();
        assert!(!said.contains("hunter2"), "{said}");
        let place = url.rsplit('@').next().unwrap().split('/').next().unwrap();
        assert!(said.contains(place), "{said}");
    }
    for url in ["", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:port/d"] {
        let refused = Store::open(url, impatient()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Url(_)), "{refused}");
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_to_postgres_is_outlived() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    // So that only the connections of this test are cut.
    let name = format!("jarvis-{}", id());
    let url = format!("{}&application_name={name}", place.url);
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    store.commit(hello(0)).await.unwrap();
    let (server, _) = place.schema.as_ref().unwrap();
    let mut admin = PgConnection::connect(server).await.unwrap();
    let cut = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
    )
    .bind(&name)
    .execute(&mut admin)
    .await
    .unwrap();
    assert!(cut.rows_affected() > 0);
    assert_eq!(store.commit(hello(1)).await, Ok(Committed::Applied));
    assert_eq!(said(&store).await, ["0", "1"]);
    store.close().await;
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_lock_on_postgres_is_told_and_outlived() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let store = Store::open(&place.url, impatient()).await.unwrap();
    let (server, schema) = place.schema.as_ref().unwrap();
    let mut admin = PgConnection::connect(server).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!(
        "BEGIN; LOCK TABLE {schema}.event IN EXCLUSIVE MODE"
    )))
    .execute(&mut admin)
    .await
    .unwrap();
    let locked = store.commit(hello(0)).await.unwrap_err();
    assert!(matches!(locked, StoreError::Locked(_)), "{locked}");
    sqlx::raw_sql("COMMIT").execute(&mut admin).await.unwrap();
    assert_eq!(store.commit(hello(0)).await, Ok(Committed::Applied));
    store.close().await;
    place.remove().await;
}

/// A line that breaks in the commit leaves open whether it was done; asking again settles it.
#[tokio::test(flavor = "multi_thread")]
async fn lines_to_postgres_cut_again_and_again_lose_and_repeat_nothing() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let name = format!("jarvis-{}", id());
    let url = format!("{}&application_name={name}", place.url);
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let (done, mut progress) = mpsc::channel(1);
    let tasks = (0..8).map(|task| {
        let (store, done) = (store.clone(), done.clone());
        tokio::spawn(async move {
            for n in 0..50 {
                let unit = hello(task * 100 + n);
                while let Err(error) = store.commit(unit.clone()).await {
                    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
                }
                done.send(()).await.unwrap();
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    drop(done);
    let (server, _) = place.schema.as_ref().unwrap();
    let mut admin = PgConnection::connect(server).await.unwrap();
    let mut count = 0;
    while progress.recv().await.is_some() {
        count += 1;
        if count % 40 == 0 {
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE application_name = $1",
            )
            .bind(&name)
            .execute(&mut admin)
            .await
            .unwrap();
        }
    }
    futures::future::try_join_all(tasks).await.unwrap();
    assert_eq!(said(&store).await.len(), 400);
    store.close().await;
    place.remove().await;
}
