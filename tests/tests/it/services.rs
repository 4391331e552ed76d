//! Services of nodes through real processes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::{Site, TelegramSite};
use tokio::time::{Instant, sleep};

/// Gives a node's file more, and its folder scripts; the node is restarted.
pub(crate) async fn reconfigure(site: &mut Site, name: &str, more: &str) {
    site.node(0).kill().await.unwrap();
    site.is_offline(name).await;
    let config = site.node(0).config();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n{more}")).unwrap();
    site.node(0).start().unwrap();
    site.is_online(name).await;
}

fn script(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}

async fn site_with_services() -> TelegramSite {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let folder = site.site.node(0).folder().to_owned();
    let files = site.site.node(0).files();
    script(
        &folder,
        "report.sh",
        &format!(
            r#"read -r input
echo "the report" > "{0}/report.txt"
printf '{{"got": %s, "files": ["{0}/report.txt", "/etc/hostname"],' "$input"
printf '"link": {{"title": "Dashboard", "url": "https://example.org/d?x=1"}}}}\n'"#,
            files.display()
        ),
    );
    script(
        &folder,
        "fail.sh",
        "echo almost >&2; echo 'disk on fire' >&2; exit 3",
    );
    script(&folder, "talk.sh", "echo 'hello there'");
    script(&folder, "flood.sh", "yes '\"x\"'");
    script(
        &folder,
        "hang.sh",
        &format!("sleep 1000 & echo $! > {}/pid; wait", folder.display()),
    );
    script(
        &folder,
        "hold.sh",
        &format!(
            "echo x >> {0}/starts; while ! test -e {0}/go; do sleep 0.05; done; echo '{{\"held\": \"to the end\"}}'",
            folder.display()
        ),
    );
    script(&folder, "big.sh", "seq -s, 1 20000 | sed 's/^/[/; s/$/]/'");
    let mut more = String::new();
    for (name, keys) in [
        ("report", "description = \"the day's report\"\n"),
        ("fail", ""),
        ("talk", ""),
        ("flood", "output_limit = \"100 KiB\"\n"),
        ("hang", "timeout = \"1s\"\n"),
        ("hold", ""),
        ("big", ""),
        ("wipe", "danger = true\n"),
        ("lost", ""),
    ] {
        let program = match name {
            "wipe" => "report",
            name => name,
        };
        more.push_str(&format!(
            "[[service]]\nname = \"{name}\"\nprogram = \"./{program}.sh\"\n{keys}"
        ));
    }
    reconfigure(&mut site.site, "web-1", &more).await;
    site
}

#[tokio::test]
async fn a_service_answers_with_lines_a_file_and_a_link() {
    let mut site = site_with_services().await;
    let ann = site.person_with_role("Ann", "operator").await;
    ann.says("/services");
    ann.sees("web-1: report, fail").await;
    ann.says("/services web-1");
    let listed = ann.sees("9 services").await.text;
    assert!(listed.contains("the day's report"), "{listed}");
    assert!(listed.contains("asks back"), "{listed}");

    ann.says("/call web-1 report day=2026-05-01 n=3");
    let answer = ann.sees("got.day: 2026-05-01").await.text;
    assert!(answer.contains("got.n: 3"), "{answer}");
    assert!(answer.contains("answered"), "{answer}");
    assert!(answer.contains("Dashboard"), "{answer}");
    assert!(
        answer.contains("/etc/hostname is outside what web-1 allows"),
        "{answer}"
    );
    assert_eq!(&ann.gets_file("report.txt").await[..], b"the report\n");

    // What is too large for a message comes as a file, whole.
    ann.says("/call web-1 big");
    let big = ann.gets_file("answer.json").await;
    let numbers: Vec<u32> = serde_json::from_slice(&big).unwrap();
    assert_eq!(numbers.len(), 20_000);

    // Dangerous ones ask, also for the second time.
    ann.says("/call web-1 wipe");
    let asked = ann.sees("Run this on 1 node?").await;
    assert!(
        asked.buttons.iter().any(|label| label == "yes"),
        "{asked:?}"
    );
    ann.presses("yes").answered().await;
    ann.sees("call wipe").await;

    // A secret goes to the service, and is shown and kept nowhere else.
    ann.says("/call web-1 report user=ann api_token=s3cr3t-value");
    let answer = ann.sees("got.user: ann").await.text;
    assert!(answer.contains("got.api_token: s3cr3t-value"), "{answer}");
    assert!(answer.contains(r#""api_token":"…""#), "{answer}");
    ann.says("/jobs");
    let jobs = ann.sees("api_token").await.text;
    site.site.owner.says("audit -n 20").await;
    let audit = site.site.owner.sees("call web-1 report {").await;
    ann.says("/logs web-1");
    let journal = ann.sees("in its journal").await.text;
    for shown in [&jobs, &format!("{audit:?}"), &journal] {
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
    ann.says("/call web-1 wipe password=s3cr3t-value");
    let asked = ann.sees("Run this on 1 node?").await;
    assert!(!asked.text.contains("s3cr3t"), "{asked:?}");
    ann.presses("yes").answered().await;
    ann.sees("got.password: s3cr3t-value").await;

    ann.says("/lang zh");
    ann.sees("中文").await;
    ann.says("/调用 web-1 report 名=值");
    let chinese = ann.sees("got.名: 值").await.text;
    assert!(chinese.contains("已答复"), "{chinese}");
}

#[tokio::test]
async fn a_service_that_fails_says_how() {
    let mut site = site_with_services().await;
    let ann = site.person_with_role("Ann", "operator").await;
    ann.says("/call web-1 fail");
    let failed = ann.sees("exit 3").await.text;
    assert!(failed.contains("disk on fire"), "{failed}");
    ann.says("/call web-1 talk");
    ann.sees("its answer is not JSON").await;
    ann.says("/call web-1 flood");
    ann.sees("it wrote more than it may").await;
    ann.says("/call web-1 lost");
    ann.sees("could not be started").await;
    ann.says("/call web-1 hang");
    ann.sees("stopped at the time limit").await;
    let pid = std::fs::read_to_string(site.site.node(0).folder().join("pid")).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim()));
    assert!(
        status.is_err() || status.is_ok_and(|status| status.contains("State:\tZ")),
        "its child lives on"
    );
}

#[tokio::test]
async fn what_cannot_be_called_is_said_before_anything_runs() {
    let mut site = site_with_services().await;
    let ann = site.person_with_role("Ann", "operator").await;
    for (line, answer) in [
        ("/call web-1", "call"),
        ("/call web-1 repot", "Did you mean report"),
        ("/call web-1 zzzzzz", "has no service"),
        ("/call web-9 report", "There is no node"),
        (
            "/call web-1 report {\"a\": }",
            "That is not JSON: line 1, character 7",
        ),
        ("/call web-1 report a=1 b", "is not KEY=VALUE"),
        ("/call web-1 report a=1 a=2", "stands twice"),
    ] {
        ann.says(line);
        ann.sees(answer).await;
    }
    let bob = site.person_with_role("Bob", "member").await;
    bob.says("/call web-1 report");
    bob.sees("operator").await;
    bob.says("/services");
    bob.sees("web-1: ").await;
    let eve = site.person_with_role("Eve", "operator").await;
    site.site.owner.says("role Eve operator --tag db").await;
    site.site.owner.sees("Eve is now operator").await;
    eve.says("/call web-1 report");
    eve.sees("is not in it").await;
    // Nothing was ordered.
    ann.says("/jobs");
    ann.sees("No jobs yet").await;

    site.site.node(0).kill().await.unwrap();
    site.site.is_offline("web-1").await;
    ann.says("/call web-1 report");
    ann.sees("offline").await;
    ann.presses("run when it is back").answered().await;
    ann.sees("waits for the node").await;
    site.site.node(0).start().unwrap();
    ann.gets_file("report.txt").await;
}

async fn starts(folder: &Path, times: usize) {
    let until = Instant::now() + PATIENCE;
    while std::fs::read_to_string(folder.join("starts"))
        .unwrap_or_default()
        .lines()
        .count()
        < times
    {
        assert!(Instant::now() < until, "the service does not start");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_call_survives_the_brain_and_is_lost_with_the_node() {
    let mut site = site_with_services().await;
    let ann = site.person_with_role("Ann", "operator").await;
    let folder = site.site.node(0).folder().to_owned();
    // `kill -9` of the brain in the middle: it goes on, and its answer comes once.
    ann.says("/call web-1 hold");
    starts(&folder, 1).await;
    ann.sees("⏳ job 1 ").await;
    // What is answered now came after the brain has learned of the message above.
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    site.site.kill_brain().await.unwrap();
    std::fs::write(folder.join("go"), "").unwrap();
    site.site.start_brain().await.unwrap();
    ann.room().shows("held: to the end").await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    assert_eq!(ann.room().count("held: to the end"), 1);
    assert_eq!(
        std::fs::read_to_string(folder.join("starts")).unwrap(),
        "x\n"
    );
    // Cancelled: everything that it started ends.
    std::fs::remove_file(folder.join("go")).unwrap();
    ann.says("/call web-1 hold");
    starts(&folder, 2).await;
    ann.sees("⏳ job 2 ").await;
    ann.says("/cancel 2");
    ann.sees_where(ann.room(), "the cancelled call", |entry| {
        entry.text.contains("job 2 ") && entry.text.contains("cancelled")
    })
    .await;
    // `kill -9` of the node in the middle: it is lost, and says so.
    ann.says("/call web-1 hold");
    starts(&folder, 3).await;
    ann.sees("⏳ job 3 ").await;
    site.site.node(0).kill().await.unwrap();
    site.site.node(0).start().unwrap();
    ann.sees_where(ann.room(), "the lost call", |entry| {
        entry.text.contains("job 3 ") && entry.text.contains("lost")
    })
    .await;
}
