//! Docker of nodes through real processes and a strict fake engine.

use jarvis_tests::docker::FakeDocker;
use jarvis_tests::site::TelegramSite;

use crate::services::reconfigure;

async fn site_with_docker() -> (TelegramSite, FakeDocker) {
    let docker = FakeDocker::start().unwrap();
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let more = format!(
        "[docker]\nsocket = \"{}\"\ntimeout = \"5s\"\n",
        docker.socket().display()
    );
    reconfigure(&mut site.site, "web-1", &more).await;
    (site, docker)
}

#[tokio::test]
async fn containers_are_listed_read_and_restarted() {
    let (mut site, docker) = site_with_docker().await;
    let ann = site.person_with_role("Ann", "operator").await;
    ann.says("/docker web-1 ps");
    let listed = ann.sees("6 containers").await.text;
    assert!(
        listed.contains("● web  Up 2 hours  example/web:1"),
        "{listed}"
    );
    assert!(!listed.contains("idle"), "{listed}");
    ann.says("/docker web-1 ps -a");
    let listed = ann.sees("7 containers").await.text;
    assert!(listed.contains("○ idle  Exited (0) 3 days ago"), "{listed}");

    ann.says("/docker web-1 logs web --tail 3");
    let log = ann.sees("web line 300").await.text;
    assert!(log.contains("4 lines"), "{log}");
    assert!(log.contains("and a warning"), "{log}");
    assert!(!log.contains("web line 297"), "{log}");
    ann.says("/docker web-1 logs term --tail 2");
    let log = ann.sees("term line 300").await.text;
    assert!(log.contains("2 lines"), "{log}");

    ann.says("/docker web-1 restart web");
    ann.sees("Run this on 1 node?").await;
    assert!(
        !docker
            .requests()
            .iter()
            .any(|asked| asked.contains("restart"))
    );
    ann.presses("yes").answered().await;
    ann.sees("restarted").await;
    ann.says("/docker web-1 start web");
    ann.sees("ran already").await;
    ann.says("/docker --yes web-1 stop idle");
    ann.sees("was not running anyway").await;

    ann.says("/lang zh");
    ann.sees("中文").await;
    ann.says("/容器 web-1 列表");
    ann.sees("6 个容器").await;
    assert_eq!(docker.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_docker_refuses_is_said_in_words() {
    let (mut site, docker) = site_with_docker().await;
    let ann = site.person_with_role("Ann", "operator").await;
    for (line, answer) in [
        (
            "/docker web-1 restart --yes nobody",
            "there is no container nobody",
        ),
        (
            "/docker web-1 restart --yes broken",
            "Docker answered with error 500: driver failed",
        ),
        ("/docker web-1 restart --yes slow", "did not answer in time"),
        ("/docker web-1 logs mangled", "answer cannot be read"),
        ("/docker web-1 logs endless", "cut in the middle"),
        ("/docker web-1 restart", "Which container?"),
        (
            "/docker web-1 restart --yes ../../etc",
            "No container is called",
        ),
        ("/docker web-1 destroy web", "nothing that I ask Docker for"),
        ("/docker web-9 ps", "There is no node"),
    ] {
        ann.says(line);
        ann.sees(answer).await;
    }
    assert_eq!(docker.violations(), Vec::<String>::new());
    let bob = site.person_with_role("Bob", "member").await;
    bob.says("/docker web-1 ps");
    bob.sees("operator").await;
    // Nobody there.
    drop(docker);
    ann.says("/docker web-1 ps");
    ann.sees("nobody answers on the Docker socket").await;
    site.site.node(0).kill().await.unwrap();
    site.site.is_offline("web-1").await;
    ann.says("/docker web-1 ps");
    ann.sees("offline").await;
}

#[tokio::test]
async fn docker_is_off_until_the_nodes_file_allows_it() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    ann.says("/docker web-1 ps");
    ann.sees("Docker is not allowed there").await;
}

#[tokio::test]
async fn a_restart_that_hangs_is_lost_with_its_node() {
    let (mut site, docker) = site_with_docker().await;
    let config = site.site.node(0).config();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace("timeout = \"5s\"", "timeout = \"10m\""),
    )
    .unwrap();
    reconfigure(&mut site.site, "web-1", "").await;
    let ann = site.person_with_role("Ann", "operator").await;
    ann.says("/docker --yes web-1 restart slow");
    ann.sees("⏳ job 1 ").await;
    ann.says("/cancel 1");
    ann.sees_where(ann.room(), "the cancelled restart", |entry| {
        entry.text.contains("job 1 ") && entry.text.contains("cancelled")
    })
    .await;
    ann.says("/docker --yes web-1 restart slow");
    ann.sees("⏳ job 2 ").await;
    site.site.node(0).kill().await.unwrap();
    site.site.node(0).start().unwrap();
    ann.sees_where(ann.room(), "the lost restart", |entry| {
        entry.text.contains("job 2 ") && entry.text.contains("lost")
    })
    .await;
    let restarts = |asked: &String| asked == "POST /v1.41/containers/slow/restart";
    assert_eq!(
        docker
            .requests()
            .iter()
            .filter(|asked| restarts(asked))
            .count(),
        2
    );
}
