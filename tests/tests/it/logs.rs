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

#[tokio::test]
async fn the_nodes_own_journal_is_read_in_the_chat() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    ann.says("/logs web-1");
    // Its first line says "in its journal", too.
    ann.sees("Nothing was ordered there yet").await;
    ann.says("/run web-1 printf '%s-%s' first done");
    ann.sees("first-done").await;
    ann.says("/run web-1 exit 3");
    ann.sees("exit 3").await;
    ann.says("/logs web-1");
    let journal = ann.sees("in its journal").await.text;
    for part in [
        "✖ ",
        "job 2 · run exit 3 · exit 3",
        "✔ ",
        "job 1 · run printf '%s-%s' first done · exit 0",
    ] {
        assert!(journal.contains(part), "{part} in {journal}");
    }
    let (newer, older) = (journal.find("job 2 "), journal.find("job 1 "));
    assert!(newer < older, "{journal}");

    ann.says("/logs web-1 --grep printf");
    let found = ann
        .sees_where(ann.room(), "only what matches", |entry| {
            entry.text.contains("in its journal") && !entry.text.contains("job 2 ")
        })
        .await
        .text;
    assert!(found.contains("job 1 "), "{found}");
    ann.says("/logs web-1 -n 1 --grep nothing-like-it");
    ann.sees("Nothing there contains nothing-like-it").await;
    // What is still under way, and what a restarted node says of what it lost.
    ann.says("/run web-1 sleep 600");
    ann.sees("\u{23f3} job 3 ").await;
    ann.says("/logs web-1 -n 1");
    ann.sees("run sleep 600 · goes on").await;
    site.site.node(0).kill().await.unwrap();
    site.site.is_offline("web-1").await;
    ann.says("/logs web-1");
    ann.sees("web-1 is offline. Its journal is on it").await;
    site.site.node(0).start().unwrap();
    site.site.is_online("web-1").await;
    ann.says("/logs web-1");
    ann.sees("run sleep 600 · lost").await;

    // The program writes to where it was started: here to the test.
    ann.says("/logs web-1 --node");
    ann.sees("not to a file").await;

    ann.says("/lang zh");
    ann.sees("中文").await;
    ann.says("/节点日志 web-1");
    let chinese = ann.sees("条命令 · ").await.text;
    assert!(chinese.contains("任务 1"), "{chinese}");
}

#[tokio::test]
async fn a_nodes_journal_is_for_operators_of_that_node() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let bob = site.person_with_role("Bob", "member").await;
    bob.says("/logs web-1");
    bob.sees("operator").await;
    let eve = site.person_with_role("Eve", "operator").await;
    site.site.owner.says("role Eve operator --tag db").await;
    site.site.owner.sees("Eve is now operator").await;
    eve.says("/logs web-1");
    eve.sees("is not in it").await;
    eve.says("/logs web-9");
    eve.sees("There is no node").await;
}

#[tokio::test]
async fn a_node_that_floods_output_disturbs_nobody() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    site.site.node(0).kill().await.unwrap();
    configure_node(&mut site.site, "output_limit = \"4 MiB\"");
    site.site.is_offline("web-1").await;
    site.site.node(0).start().unwrap();
    site.site.is_online("web-1").await;
    let ann = site.person_with_role("Ann", "operator").await;
    let go = site.site.node(0).files().join("go");
    let peaks = |site: &mut TelegramSite| {
        let node = site.site.node(0).running().unwrap().id().unwrap();
        let brain = site.site.brain.as_ref().unwrap().id().unwrap();
        [peak_kilobytes(node), peak_kilobytes(brain)]
    };
    let before = peaks(&mut site);
    // Hundreds of times the limit, until it is stopped; the other job is answered meanwhile.
    ann.says(&format!(
        "/run web-1 yes 0123456789abcdef & while ! test -e {}; do sleep 0.05; done; kill $!; wait; printf '%s-%s' the end",
        go.display()
    ));
    ann.sees_where(ann.room(), "the flood", |entry| {
        entry.text.contains("0123456789abcdef") && entry.text.contains('\u{23f3}')
    })
    .await;
    ann.says("/run web-1 printf '%s-%s' quiet job");
    ann.sees_where(ann.room(), "the other job", |entry| {
        entry.text.contains("quiet-job") && entry.text.contains("exit 0")
    })
    .await;
    std::fs::write(&go, "").unwrap();
    ann.sees("the-end").await;
    let after = peaks(&mut site);
    for (who, (before, after)) in ["node", "brain"]
        .into_iter()
        .zip(before.into_iter().zip(after))
    {
        println!("{who}: {before} KiB before, at most {after} KiB");
        assert!(after < before + 48 * 1024, "{who}: {before} -> {after}");
    }
    // What is kept comes as a file: beginning and end, within the limit.
    ann.says("/log 1 --file");
    let file = ann.gets_file("job-1-web-1.log").await;
    // The line between the two says how much is left out; the end is kept in whole blocks.
    assert!(file.len() <= (4 << 20) + (64 << 10), "{}", file.len());
    assert!(file.len() > 1 << 20, "{}", file.len());
    assert!(file.starts_with(b"0123456789abcdef\n"));
    assert!(file.ends_with(b"the-end"));
}

/// The most memory that a process ever had.
fn peak_kilobytes(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    peak.split_whitespace().nth(1).unwrap().parse().unwrap()
}
