//! Jobs through real processes: several nodes, cancelling, files.

use std::path::Path;
use std::time::Duration;

use jarvis_tests::console::word_after;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::{Site, TelegramSite};
use tokio::time::{Instant, sleep};

#[tokio::test]
async fn a_job_on_three_nodes_says_which_one_is_dead() {
    let mut site = TelegramSite::with_nodes(&["web-1", "web-2", "web-3"])
        .await
        .unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    site.site.node(2).kill().await.unwrap();
    site.site.is_offline("web-3").await;
    ann.says("/run tag:web printf '%s-%s' up fine");
    // Several nodes: it asks first.
    let asked = ann.sees("3 nodes").await;
    assert!(
        asked.buttons.iter().any(|label| label == "yes"),
        "{asked:?}"
    );
    ann.presses("yes").answered().await;
    let done = ann
        .sees_where(ann.room(), "the end of the job", |entry| {
            entry.text.contains("2 of 3 nodes") && !entry.text.contains('⏳')
        })
        .await;
    assert_eq!(done.text.matches("up-fine").count(), 2, "{}", done.text);
    let dead = done
        .text
        .lines()
        .find(|line| line.contains("web-3"))
        .unwrap();
    assert!(dead.contains("offline"), "{dead}");
    // All of it was one message, edited in place.
    assert_eq!(ann.room().count("2 of 3 nodes"), 1);
    // Back again, only the one that failed is asked.
    site.site.node(2).start().unwrap();
    site.site.is_online("web-3").await;
    ann.presses("retry failed").answered().await;
    let again = ann
        .sees_where(ann.room(), "the end of the second job", |entry| {
            entry.text.contains("exit 0") && entry.text.contains("web-3")
        })
        .await;
    assert!(!again.text.contains("web-1"), "{}", again.text);
}

#[tokio::test]
async fn two_jobs_never_mix_their_results() {
    let mut site = Site::with_nodes(&["web-1", "web-2"]).await.unwrap();
    for name in ["red", "blue"] {
        let ask = format!("run --yes web-1,web-2 sleep 0.3; printf '%s-%s\\n' {name} only");
        site.owner.says(&ask).await;
    }
    for _ in 0..4 {
        site.owner.sees("-only").await;
    }
    let out = site.owner.process().out().text();
    let reports: Vec<&str> = out
        .split("✔ job ")
        .filter(|part| part.contains("2 of 2"))
        .collect();
    assert_eq!(reports.len(), 2, "{out}");
    for report in reports {
        let (red, blue) = (
            report.matches("red-only").count(),
            report.matches("blue-only").count(),
        );
        assert!(matches!((red, blue), (2, 0) | (0, 2)), "{report}");
    }
}

#[tokio::test]
async fn cancel_reaches_grandchildren_that_ignore_it() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let pids = site.site.node(0).folder().join("pids");
    let script = format!(
        "trap '' TERM; (trap '' TERM; sleep 1000 & echo $! >> {0}; sh -c 'trap \"\" TERM; echo $$ >> {0}; while :; do sleep 1; done') & echo $! >> {0}; wait",
        pids.display()
    );
    ann.says(&format!("/run web-1 {script}"));
    let running = ann.sees("⏳ job ").await;
    let job = word_after(&running.text, "job ").unwrap();
    let alive = three_pids(&pids).await;
    assert!(alive.iter().all(|pid| is_alive(*pid)), "{alive:?}");
    ann.presses("cancel").answered().await;
    ann.sees_where(ann.room(), "the cancelled job", |entry| {
        entry.text.contains(&format!("job {job} ")) && entry.text.contains("cancelled")
    })
    .await;
    let left: Vec<_> = alive.into_iter().filter(|pid| is_alive(*pid)).collect();
    assert!(left.is_empty(), "still alive: {left:?}");
    ann.says(&format!("/cancel {job}"));
    ann.sees("has ended already").await;
}

async fn three_pids(file: &Path) -> Vec<u32> {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let pids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        if pids.len() == 3 {
            return pids;
        }
        assert!(
            Instant::now() < until,
            "the script does not start: {text:?}"
        );
        sleep(Duration::from_millis(20)).await;
    }
}

/// A zombie is dead, only not buried.
fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

#[tokio::test]
async fn result_files_and_fetched_files_arrive_with_equal_hash() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let hash = blake3::hash(&bytes);
    let files = site.site.node(0).files();
    // Up: a document with the place as its caption.
    ann.sends_file("data.bin", bytes, &format!("web-1:{}/", files.display()));
    let put = ann
        .sees_where(ann.room(), "the stored file", |entry| {
            entry.text.starts_with('✔')
        })
        .await;
    let short = &hash.to_hex()[..4];
    assert!(put.text.contains(short), "{} names {short}", put.text);
    assert_eq!(
        blake3::hash(&std::fs::read(files.join("data.bin")).unwrap()),
        hash
    );
    // Down: fetched by name, and as the result of a job.
    ann.says(&format!("/get web-1:{}/data.bin", files.display()));
    assert_eq!(blake3::hash(&ann.gets_file("data.bin").await), hash);
    let copy = format!(
        "/run --files '*.out' --cwd {0} web-1 cp data.bin one.out; cp data.bin two.out",
        files.display()
    );
    ann.says(&copy);
    assert_eq!(blake3::hash(&ann.gets_file("one.out").await), hash);
    assert_eq!(blake3::hash(&ann.gets_file("two.out").await), hash);
}

#[tokio::test]
async fn a_dropped_script_runs_with_its_caption_as_target() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    ann.sends_file(
        "greet.sh",
        "#!/bin/sh\nprintf '%s-%s' greetings ann\nexit 4\n",
        "web-1",
    );
    let done = ann.sees("exit 4").await;
    assert!(done.text.contains("greetings-ann"), "{}", done.text);
}

#[tokio::test]
async fn answers_go_to_the_topic_and_the_message_that_asked() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let forum = site.telegram.forum("ops");
    let (web, db) = (forum.topic("web"), forum.topic("db"));
    let bot = site.telegram.bot_name();
    let question = ann.says_in(&web, &format!("/run@{bot} web-1 printf '%s-%s' in topic"));
    let answer = ann.sees_in(&web, "in-topic").await;
    assert_eq!(answer.reply_to, Some(question));
    assert_eq!(db.sent(), 0);
    // Talk among people is not for the bot.
    ann.says_in(&web, "run web-1 uptime");
    ann.says_in(&web, "/run@another_bot web-1 uptime");
    ann.says_in(&web, &format!("/version@{bot}"));
    ann.sees_in(&web, "Jarvis 0.").await;
    assert_eq!(web.sent(), 2, "{}", web.transcript());
}
