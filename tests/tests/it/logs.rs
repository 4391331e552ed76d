//! Jobs that wait, and their output: queues for nodes that are away, retention, following.

use std::path::Path;
use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::{Site, TelegramSite};
use tokio::time::{Instant, sleep};

/// Puts a line before everything else in a node's configuration.
fn configure_node(site: &mut Site, line: &str) {
    let config = site.node(0).config();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{line}\n{text}")).unwrap();
}

async fn text_of(file: &Path, lines: usize) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if text.lines().count() >= lines {
            return text;
        }
        assert!(Instant::now() < until, "only this: {text:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn waiting_jobs_keep_their_order_over_a_restart_and_run_once() {
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure("jobs", "most_waiting = 3\n").unwrap();
    let mut site = Site::start(jarvis, &["web-1"]).await.unwrap();
    // One at a time, so that the order of running is the order in which they arrive.
    configure_node(&mut site, "max_jobs = 1");
    site.node(0).kill().await.unwrap();
    site.is_offline("web-1").await;
    let file = site.node(0).files().join("order");
    for n in 1..=3 {
        let ask = format!("run --wait 10m web-1 echo turn-{n} >> {}", file.display());
        site.owner.says(&ask).await;
        // A pipe shows only ends; what is answered now came after the job was stored and took its place.
        site.owner.says("version").await;
        site.owner.sees("Jarvis 0.").await;
    }
    site.owner.says("run --wait 10m web-1 echo too-much").await;
    site.owner.sees("The queue is full: 3 jobs of yours").await;
    site.owner.says("jobs --waiting").await;
    site.owner.sees("3 jobs wait for nodes").await;
    for n in 1..=3 {
        site.owner.sees(&format!("echo turn-{n}")).await;
    }
    site.kill_brain().await.unwrap();
    site.start_brain().await.unwrap();
    // The node flaps: it comes, goes, and comes again.
    site.node(0).start().unwrap();
    text_of(&file, 1).await;
    site.line.cut();
    site.line.mend();
    let text = text_of(&file, 3).await;
    assert_eq!(text, "turn-1\nturn-2\nturn-3\n");
    site.owner.says("jobs --waiting").await;
    site.owner.sees("No job waits for a node.").await;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "once each");
}

#[tokio::test]
async fn a_job_that_waits_in_vain_says_until_when() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    site.node(0).kill().await.unwrap();
    site.is_offline("web-1").await;
    site.owner.says("run --wait 1s web-1 uptime").await;
    site.owner.sees("not back by").await;
}

#[tokio::test]
async fn beyond_the_nodes_limit_a_job_says_behind_how_many_it_waits() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    site.site.node(0).kill().await.unwrap();
    configure_node(&mut site.site, "max_jobs = 1");
    site.site.is_offline("web-1").await;
    site.site.node(0).start().unwrap();
    site.site.is_online("web-1").await;
    let ann = site.person_with_role("Ann", "operator").await;
    let go = site.site.node(0).files().join("go");
    ann.says(&format!(
        "/run web-1 while ! test -e {}; do sleep 0.05; done",
        go.display()
    ));
    ann.sees("\u{23f3} job 1 ").await;
    ann.says("/run web-1 echo second-done");
    ann.sees("waits behind 1 other on web-1").await;
    std::fs::write(&go, "").unwrap();
    ann.sees_where(ann.room(), "the end of the second", |entry| {
        entry.text.contains("second-done") && entry.text.contains("exit 0")
    })
    .await;
}

#[tokio::test]
async fn nobody_may_have_more_jobs_open_than_allowed() {
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure("jobs", "most_open = 2\n").unwrap();
    let mut site = Site::start(jarvis, &["web-1"]).await.unwrap();
    let go = site.node(0).files().join("go");
    let wait = format!("while ! test -e {}; do sleep 0.05; done", go.display());
    for n in 1..=2 {
        site.owner
            .says(&format!("run web-1 {wait}; echo open-{n}"))
            .await;
        // Each is an event of its own, and the next command may not overtake the job's start.
        site.owner.says("version").await;
        site.owner.sees("Jarvis 0.").await;
    }
    site.owner.says("run web-1 echo third").await;
    site.owner.sees("You have 2 jobs open").await;
    std::fs::write(&go, "").unwrap();
    site.owner.sees("exit 0").await;
    site.owner.sees("exit 0").await;
    site.owner.says("run web-1 printf '%s-%s' now well").await;
    site.owner.sees("now-well").await;
}

#[tokio::test]
async fn a_followed_job_streams_into_one_message_over_a_cut_and_a_restart() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let folder = site.site.node(0).files();
    let steps = folder.join("steps");
    std::fs::write(&steps, "").unwrap();
    let step = |line: &str| {
        let text = std::fs::read_to_string(&steps).unwrap();
        std::fs::write(&steps, format!("{text}{line}\n")).unwrap();
    };
    ann.says(&format!(
        "/run web-1 tail -n +1 -f {} | sed -u 's/^/step-/; /end/q'",
        steps.display()
    ));
    ann.sees("\u{23f3} job 1 ").await;
    ann.says("/log 1 --follow");
    ann.sees("\u{23ec} job 1").await;
    step("one");
    let followed = |what: &'static str| {
        move |entry: &jarvis_tests::telegram::Entry| {
            entry.text.contains('\u{23ec}') && entry.text.contains(what)
        }
    };
    ann.sees_where(ann.room(), "the first step", followed("step-one"))
        .await;
    ann.says("/log 1 --follow");
    ann.sees("here already").await;
    site.site.line.cut();
    step("two");
    site.site.line.mend();
    ann.sees_where(ann.room(), "what came over the cut", followed("step-two"))
        .await;
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    step("three");
    ann.sees_where(
        ann.room(),
        "what came after the restart",
        followed("step-three"),
    )
    .await;
    ann.presses("stop following").answered().await;
    ann.sees("no longer followed").await;
    ann.presses("follow on").answered().await;
    ann.sees_where(ann.room(), "the second follow", followed("step-three"))
        .await;
    step("end");
    ann.sees_where(ann.room(), "both messages at their end", |entry| {
        entry.text.contains("exit 0") && entry.text.contains("step-end")
    })
    .await;
    // The job's own message, and two that followed it.
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    let about: Vec<String> = ann
        .room()
        .bot_messages()
        .into_iter()
        .filter(|text| text.contains("job 1 \u{b7}"))
        .collect();
    assert_eq!(about.len(), 3, "{about:#?}");
}
