//! `kill -9` of each process in the middle of a job: after the restart exactly one final message.

use std::path::Path;
use std::time::Duration;

use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::TelegramSite;
use jarvis_tests::telegram::Person;
use tokio::time::{Instant, sleep};

/// A job that says when it runs and ends when it is let go.
struct Held {
    running: std::path::PathBuf,
    go: std::path::PathBuf,
}

impl Held {
    /// Asks for the job and waits until its process runs.
    async fn start(ann: &Person, folder: &Path) -> Self {
        let held = Self {
            running: folder.join("running"),
            go: folder.join("go"),
        };
        ann.says(&format!(
            "/run web-1 echo x >> {}; while ! test -e {}; do sleep 0.05; done; printf '%s-%s' all well",
            held.running.display(),
            held.go.display()
        ));
        ann.sees("⏳ job 1 ").await;
        let until = Instant::now() + PATIENCE;
        while !held.running.exists() {
            assert!(Instant::now() < until, "the job does not start");
            sleep(Duration::from_millis(20)).await;
        }
        // What is answered now came after the brain has learned of the message above: a process that
        // dies between Telegram's answer and its own report cannot know that it has sent something.
        ann.says("/version");
        ann.sees("Jarvis 0.").await;
        held
    }

    fn let_go(&self) {
        std::fs::write(&self.go, "").unwrap();
    }

    /// How often the command was started.
    fn starts(&self) -> usize {
        std::fs::read_to_string(&self.running)
            .unwrap()
            .lines()
            .count()
    }
}

/// The end of job 1 was told in exactly one message, and nothing came after it.
async fn exactly_one_end(ann: &Person, end: &str) {
    // What is answered now came after everything that was on its way.
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    let room = ann.room();
    assert_eq!(room.count(end), 1, "{}", room.transcript());
    let about_job: Vec<String> = room
        .bot_messages()
        .into_iter()
        .filter(|text| text.contains("job 1 ·"))
        .collect();
    assert_eq!(about_job.len(), 1, "{}", room.transcript());
}

#[tokio::test]
async fn the_brain_dies_while_a_job_runs() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let job = Held::start(&ann, site.site.nodes[0].folder()).await;
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    job.let_go();
    ann.sees("all-well").await;
    exactly_one_end(&ann, "all-well").await;
    assert_eq!(job.starts(), 1);
}

#[tokio::test]
async fn the_job_ends_while_the_brain_is_dead() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let job = Held::start(&ann, site.site.nodes[0].folder()).await;
    site.site.kill_brain().await.unwrap();
    job.let_go();
    // The person keeps writing: nothing is lost, nothing runs twice.
    ann.says("/run --wait 30s web-1 printf '%s-%s' asked meanwhile");
    site.site.start_brain().await.unwrap();
    ann.room().shows("all-well").await;
    ann.room().shows("asked-meanwhile").await;
    exactly_one_end(&ann, "all-well").await;
    assert_eq!(ann.room().count("asked-meanwhile"), 1);
    assert_eq!(job.starts(), 1);
}

#[tokio::test]
async fn the_node_dies_while_a_job_runs() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let job = Held::start(&ann, site.site.nodes[0].folder()).await;
    site.site.node(0).kill().await.unwrap();
    site.site.node(0).start().unwrap();
    ann.sees("lost").await;
    exactly_one_end(&ann, "lost").await;
    assert_eq!(job.starts(), 1);
    job.let_go();
    // The next job runs as if nothing had been.
    ann.says("/run web-1 printf '%s-%s' back again");
    ann.sees("back-again").await;
}

#[tokio::test]
async fn the_adapter_dies_while_a_job_runs() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let job = Held::start(&ann, site.site.nodes[0].folder()).await;
    site.kill_adapter().await.unwrap();
    job.let_go();
    ann.says("/run web-1 printf '%s-%s' asked meanwhile");
    site.start_adapter().await.unwrap();
    ann.room().shows("all-well").await;
    ann.room().shows("asked-meanwhile").await;
    exactly_one_end(&ann, "all-well").await;
    assert_eq!(ann.room().count("asked-meanwhile"), 1);
    assert_eq!(job.starts(), 1);
}

#[tokio::test]
async fn everything_stops_in_order_when_asked_to() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let adapter = site.adapter.as_mut().unwrap().stop().await.unwrap();
    assert!(adapter.success(), "adapter: {adapter}");
    let node = site.site.node(0).running().unwrap().stop().await.unwrap();
    assert!(node.success(), "node: {node}");
    let brain = site.site.brain.as_mut().unwrap().stop().await.unwrap();
    assert!(brain.success(), "brain: {brain}");
}
