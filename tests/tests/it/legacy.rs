//! A brain and a node that speak jarviscore 0.7's protocol with each other, as real processes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::node::Node;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::site::Site;

/// A site with one node that is reached by the legacy protocol only.
async fn legacy_site() -> Site {
    let jarvis = Jarvis::new().unwrap();
    let listen = format!("127.0.0.1:{}", free_port().unwrap());
    let keys = format!("listen = \"{listen}\"\nname = \"brain\"\n");
    jarvis.configure("legacy", &keys).unwrap();
    let mut site = Site::start(jarvis, &[]).await.unwrap();
    let root = site.jarvis.root().await.unwrap();
    let mut node = Node::new("old-1", &root, site.line.address())
        .await
        .unwrap();
    let server = format!("127.0.0.1:{}", free_port().unwrap());
    // It dials no root; a legacy root's jobs are looked after in /tmp.
    let text = fs::read_to_string(node.config()).unwrap();
    let (text, _) = text.split_once("[[root]]").unwrap();
    let text = text.replace("allow = [", "allow = [\"/tmp\", ");
    let legacy = format!("legacy = true\nlegacy_listen = \"{server}\"\n{text}");
    fs::write(node.config(), legacy).unwrap();
    node.start().unwrap();
    let enroll = format!(
        "enroll old-1 {} --legacy {server} --tag web",
        node.address()
    );
    site.owner.says(&enroll).await;
    site.owner.sees("lsttrustnode").await;
    site.nodes.push(node);
    site.is_online("old-1").await;
    site
}

#[tokio::test]
async fn a_legacy_node_is_a_node_like_any_other() {
    let mut site = legacy_site().await;
    site.owner.says("nodes").await;
    site.owner.sees("old-1").await;
    site.owner
        .says("run old-1 printf 'out-%s\\n' put; echo trouble >&2; exit 3")
        .await;
    let done = site.owner.sees("exit 3").await;
    let shown = format!("{done}{}", site.owner.process().out().text());
    assert!(
        shown.contains("out-put") && shown.contains("trouble"),
        "{shown}"
    );

    let files = site.node(0).files();
    fs::write(files.join("report.txt"), "the content of a report\n").unwrap();
    let get = format!("get old-1:{}", files.join("report.txt").display());
    site.owner.says(&get).await;
    site.owner.sees("report.txt").await;

    site.owner.says("health").await;
    site.owner.sees("Legacy network").await;
    let said = site.nodes[0].everything_said();
    assert!(said.contains("legacy=true"), "each order is marked: {said}");
}

#[tokio::test]
async fn a_job_on_a_legacy_node_can_be_stopped_and_outlives_both_sides() {
    let mut site = legacy_site().await;
    let begun = site.node(0).files().join("begun");
    let ask = format!("run old-1 touch {}; sleep 1000", begun.display());
    site.owner.says(&ask).await;
    appears(&begun).await;
    site.owner.says("cancel 1").await;
    site.owner.sees("job 1 · old-1 · cancelled").await;

    // The brain dies while a job runs; the next one finds out what became of it.
    let flag = site.node(0).files().join("go-on");
    let waits = site.node(0).files().join("waits");
    let ask = format!(
        "run old-1 touch {}; while [ ! -e {} ]; do sleep 0.1; done; echo done-after-all",
        waits.display(),
        flag.display()
    );
    site.owner.says(&ask).await;
    appears(&waits).await;
    site.kill_brain().await.unwrap();
    fs::write(&flag, "").unwrap();
    site.start_brain().await.unwrap();
    // It dials a legacy node again within half a minute.
    site.owner.sees_within("done-after-all", PATIENCE * 3).await;
}

/// Waits until a job has made the file.
async fn appears(file: &Path) {
    let until = Instant::now() + PATIENCE;
    while !file.exists() {
        assert!(Instant::now() < until, "{} is not made", file.display());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_configuration_of_jarvissh_becomes_ours() {
    let jarvis = Jarvis::new().unwrap();
    let yaml = jarvis.folder().join("config.yaml");
    fs::write(
        &yaml,
        "rootservaddr: 10.0.0.1:7788\nlsttrustnode:\n  - 1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs\nautoupdate: true\nupdatescript: |-\n  ./update.sh {{.NewVersion}}\nrestartscript: ./restart.sh\nankadb:\n  dbpath: ./dat\n  httpserv: :8880\nlog:\n  logpath: ./logs\nbasenodeinfo:\n  nodename: Web_001\n  bindaddr: :7788\n  servaddr: 10.0.0.7:7788\n",
    )
    .unwrap();
    let mut command = Process::command("jarvis", ["legacy", "import"]).unwrap();
    command.arg(&yaml);
    let mut run = Process::start("jarvis legacy import", &mut command).unwrap();
    assert!(run.ends(PATIENCE).await.unwrap().success());
    let out = run.out().text();
    for line in [
        "name = \"web_001\"",
        "legacy = true",
        "legacy_listen = \"0.0.0.0:7788\"",
        "legacy_address = \"10.0.0.7:7788\"",
        "legacy_connect = [\"10.0.0.1:7788\"]",
        "trust = [\"1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs\"]",
        "./update.sh {NewVersion}",
    ] {
        assert!(out.contains(line), "{line} in {out}");
    }
    let notes = run.err().text();
    assert!(notes.contains("ankadb.httpserv"), "{notes}");
}
