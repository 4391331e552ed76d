//! The same program on PostgreSQL.

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::site::Site;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Set by `scripts/test` to a server on which tests make databases of their own.
const SERVER: &str = "JARVIS_TEST_POSTGRES";

/// A database that goes with the server; `None` where there is none.
pub(crate) async fn database() -> Option<String> {
    let Ok(server) = std::env::var(SERVER) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "{SERVER} must be set where CI is"
        );
        eprintln!("skipped: {SERVER} names no server (see scripts/test)");
        return None;
    };
    let name = format!("story_{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    let (before, after) = server.rsplit_once("/postgres?").unwrap_or((&server, ""));
    Some(format!("{before}/{name}?{after}"))
}

#[tokio::test]
async fn what_one_run_stored_the_next_one_knows() {
    let Some(database) = database().await else {
        return;
    };
    let jarvis = Jarvis::new().unwrap();
    jarvis
        .configure("brain", &format!("database = \"{database}\""))
        .unwrap();
    let out = jarvis
        .pipe("run local printf '%s-%s' kept here\n")
        .await
        .unwrap()
        .good();
    assert!(out.contains("kept-here"), "{out}");
    let out = jarvis.pipe("log 1\nwhoami\nhealth\n").await.unwrap().good();
    assert!(out.contains("kept-here"), "{out}");
    assert!(out.to_lowercase().contains("postgres"), "{out}");
    assert!(!jarvis.data().join("jarvis.db").exists());
}

#[tokio::test]
async fn a_brain_that_was_killed_goes_on_where_it_was() {
    let Some(database) = database().await else {
        return;
    };
    let jarvis = Jarvis::new().unwrap();
    jarvis
        .configure("brain", &format!("database = \"{database}\""))
        .unwrap();
    let mut site = Site::start(jarvis, &["web-1"]).await.unwrap();
    let go = site.node(0).folder().join("go");
    let wait = format!("while ! test -e {}; do sleep 0.05; done", go.display());
    site.owner
        .says(&format!("run web-1 {wait}; printf '%s-%s' all well"))
        .await;
    site.owner.says("jobs").await;
    site.owner.sees("1 · web-1").await;
    site.kill_brain().await.unwrap();
    site.start_brain().await.unwrap();
    std::fs::write(go, "").unwrap();
    site.owner.sees("all-well").await;
    assert_eq!(site.owner.count("all-well"), 1);
}
