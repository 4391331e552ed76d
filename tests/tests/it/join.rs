//! A server becomes a node by one line, gets another name, and leaves again.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jarvis_brain::{Brain, BrainConfig, Clock};
use jarvis_nodeclient::{Identity, unix_ms};
use jarvis_tests::console::Console;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, program};
use jarvis_tests::site::{Site, TelegramSite};
use tempfile::TempDir;
use tokio::process::Command;

/// A bare server: a folder in which everything of it lies.
struct Server {
    folder: TempDir,
}

impl Server {
    fn new() -> Self {
        let folder = TempDir::with_prefix("jarvis-server.").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the options of `join` keep everything inside the folder.
    fn places(&self) -> String {
        let (node, units) = (self.path("node"), self.path("units"));
        format!("--dir {} --unit-dir {}", node.display(), units.display())
    }

    /// Runs a line as a person would; how it ended, and what it said.
    async fn sh(&self, line: &str) -> (ExitStatus, String) {
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env("JARVIS_NODE_BIN", self.path("bin"))
            .current_dir(self.folder.path());
        for (variable, _) in std::env::vars_os() {
            if variable
                .to_string_lossy()
                .to_lowercase()
                .ends_with("_proxy")
            {
                command.env_remove(&variable);
            }
        }
        let mut process = Process::start("sh", &mut command).unwrap();
        let status = process.ends(PATIENCE).await.unwrap();
        (status, process.everything())
    }

    /// `jarvis-node` with these arguments.
    async fn node(&self, arguments: &str) -> (ExitStatus, String) {
        let node = program("jarvis-node").unwrap();
        self.sh(&format!("{} {arguments}", node.display())).await
    }

    /// Starts the daemon that was installed.
    fn start(&self) -> Process {
        let mut command = Command::new(self.path("bin/jarvis-node"));
        command
            .args(["run", "--config"])
            .arg(self.path("node/node.toml"))
            .current_dir(self.folder.path());
        Process::start("jarvis-node", &mut command).unwrap()
    }
}

/// The lines that `/join` answers with: for a bare server, and for one with the program.
async fn lines(site: &mut Site, ask: &str) -> (String, String) {
    site.owner.says(ask).await;
    let fetched = site.owner.sees("f=$(mktemp)").await.trim().to_owned();
    let short = short_line(&mut site.owner).await;
    (fetched, short)
}

/// The arguments of `jarvis-node` in the answer to `/join`.
async fn short_line(owner: &mut Console) -> String {
    let line = owner.sees("jarvis-node join ").await;
    line.trim().strip_prefix("jarvis-node ").unwrap().to_owned()
}

fn is_empty(folder: &Path) -> bool {
    !folder.exists() || std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn a_bare_server_joins_by_one_line_and_leaves_again() {
    let mut site = Site::with_nodes(&[]).await.unwrap();
    let (fetched, short) = lines(&mut site, "join --name web-3 --tag web").await;
    let server = Server::new();

    let (status, said) = server.sh(&format!("{fetched} {}", server.places())).await;
    assert!(status.success(), "{said}");
    assert!(said.contains("web-3 has joined"), "{said}");
    let unit = std::fs::read_to_string(server.path("units/jarvis-node.service")).unwrap();
    let (program, config) = (
        server.path("bin/jarvis-node"),
        server.path("node/node.toml"),
    );
    let start = format!(
        "ExecStart={} run --config {}\n",
        program.display(),
        config.display()
    );
    assert!(unit.contains(&start), "{unit}");

    let mut daemon = server.start();
    let told = site.owner.sees("web-3 joined: ").await;
    assert!(told.contains("jarvis-node 0."), "{told}");
    site.owner.says("run tag:web echo it works").await;
    site.owner.sees("it works").await;

    // Again: the line is used up, the program says that all is well, and nothing is told twice.
    let (status, said) = server.sh(&format!("{fetched} {}", server.places())).await;
    assert!(!status.success() && said.contains("404"), "{said}");
    let (status, said) = server.node(&format!("{short} {}", server.places())).await;
    assert!(
        status.success() && said.contains("web-3 has joined"),
        "{said}"
    );
    let other = Server::new();
    let (status, said) = other.node(&format!("{short} {}", other.places())).await;
    assert!(!status.success(), "{said}");
    assert!(said.contains("this token was used already"), "{said}");
    assert!(is_empty(&other.path("node")), "nothing half done");

    let (status, said) = server.node(&format!("leave {}", server.places())).await;
    assert!(status.success(), "{said}");
    assert!(said.contains("has forgotten this node"), "{said}");
    assert!(!server.path("units/jarvis-node.service").exists());
    assert!(!config.exists() && !server.path("node/node.key").exists());
    site.owner.says("nodes").await;
    site.owner.sees("There are no nodes yet").await;
    assert_eq!(site.owner.count("web-3 joined: "), 1);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn whatever_is_wrong_with_a_line_is_said_and_nothing_is_half_done() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    site.owner.says("join --name web-1").await;
    site.owner.sees("belongs to another node here").await;
    let (fetched, short) = lines(&mut site, "join").await;
    let server = Server::new();
    let places = server.places();

    // One changed byte of the script, or of what is promised of it.
    let at = fetched.find("echo \"").unwrap() + 6;
    let digit = if fetched[at..].starts_with('0') {
        "1"
    } else {
        "0"
    };
    let changed = format!("{}{digit}{} {places}", &fetched[..at], &fetched[at + 1..]);
    let (status, said) = server.sh(&changed).await;
    assert!(!status.success(), "{said}");
    assert!(!server.path("bin").exists(), "{said}");

    let mut words: Vec<String> = short.split(' ').map(ToOwned::to_owned).collect();
    let [_, connect, root, token] = [0, 1, 2, 3].map(|place| words[place].clone());
    let mut wrong = async |place: usize, with: &str, sentence: &str, more: &str| {
        let right = std::mem::replace(&mut words[place], with.to_owned());
        let (status, said) = server
            .node(&format!("{} {places} {more}", words.join(" ")))
            .await;
        words[place] = right;
        assert!(
            !status.success() && said.contains(sentence),
            "{sentence}: {said}"
        );
        assert!(is_empty(&server.path("node")), "{sentence}");
        assert!(is_empty(&server.path("units")), "{sentence}");
    };
    wrong(3, &"ab".repeat(16), "does not know this token", "").await;
    wrong(
        1,
        "127.0.0.1:9",
        "cannot reach the brain at 127.0.0.1:9",
        "",
    )
    .await;
    wrong(1, "nowhere", "is no host and port", "").await;
    wrong(2, "1PMycacnJaSqwwJqjawXBErnLsZ7RkXUAs", "another root", "").await;
    wrong(
        0,
        "join",
        "the name `web-1` belongs to another node",
        "--name web-1",
    )
    .await;

    // None of that has used it up.
    let (status, said) = server
        .node(&format!(
            "join {connect} {root} {token} {places} --name web-2"
        ))
        .await;
    assert!(
        status.success() && said.contains("web-2 has joined"),
        "{said}"
    );
}

#[tokio::test]
async fn a_brain_that_is_killed_after_a_join_still_tells_of_it_once() {
    let mut site = Site::with_nodes(&[]).await.unwrap();
    let (fetched, _) = lines(&mut site, "join --name web-9").await;
    let server = Server::new();
    let (status, said) = server.sh(&format!("{fetched} {}", server.places())).await;
    assert!(status.success(), "{said}");
    site.kill_brain().await.unwrap();
    site.start_brain().await.unwrap();
    let _daemon = server.start();
    site.owner.sees("web-9 joined: ").await;
    site.is_online("web-9").await;
    assert_eq!(site.owner.count("web-9 joined: "), 1);
}

#[tokio::test]
async fn an_open_job_survives_that_its_node_is_renamed() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    let go = site.node(0).folder().join("go");
    let wait = format!(
        "while [ ! -e {} ]; do sleep 0.05; done; echo went on",
        go.display()
    );
    site.owner.says(&format!("run web-1 {wait}")).await;
    site.owner.says("node web-1").await;
    site.owner.sees("Running: ").await;
    site.owner.says("rename web-1 front").await;
    site.owner.sees("is now called front").await;
    site.is_online("front").await;
    // The line is cut as well: the job is found again under the new name.
    site.line.cut();
    site.is_offline("front").await;
    site.line.mend();
    site.is_online("front").await;
    std::fs::write(&go, "").unwrap();
    site.owner.sees("went on").await;

    site.owner.says("node web-1").await;
    site.owner.sees("There is no node web-1").await;
    site.owner.says("tag front eu blue").await;
    site.owner.sees("front · #web #eu #blue").await;
    site.owner.says("untag front web").await;
    site.owner.sees("front · #eu #blue").await;
    site.kill_brain().await.unwrap();
    site.start_brain().await.unwrap();
    site.owner = site.jarvis.chat().unwrap();
    site.is_online("front").await;
    site.owner.says("run tag:eu echo still there").await;
    site.owner.sees("still there").await;
    site.owner.says("forget front --yes").await;
    site.owner.sees("To undo: ").await;
}

#[tokio::test]
async fn a_server_is_added_from_a_phone_in_private_only() {
    let mut world = TelegramSite::with_nodes(&[]).await.unwrap();
    let bob = world.person_with_role("Bob", "operator").await;
    bob.says("/join --name web-3");
    bob.sees("That is for the role owner").await;
    let li = world.person_speaking("李雷", "zh-hans", "owner").await;
    let group = world.telegram.group("Ops");
    li.says_in(&group, "/join --name web-3");
    li.sees_in(&group, "这个命令只能私聊使用").await;

    li.says("/join --name web-3 --tag web");
    let answer = li.sees("只能用一次").await.text;
    let line = |start: &str| {
        let mut lines = answer.lines();
        let found = lines.find(|line| line.trim_start().starts_with(start));
        found
            .unwrap_or_else(|| panic!("{answer}"))
            .trim()
            .to_owned()
    };
    let server = Server::new();
    let fetched = format!("{} {}", line("f=$(mktemp)"), server.places());
    let (status, said) = server.sh(&fetched).await;
    assert!(status.success(), "{said}");
    let _daemon = server.start();
    li.sees("web-3 已加入：").await;
    li.says("/run web-3 echo 就绪");
    li.sees("就绪").await;
    // The program says it in the language of whoever asked for the line.
    let (other, short) = (Server::new(), line("jarvis-node join "));
    let short = short.strip_prefix("jarvis-node ").unwrap();
    let (status, said) = other.node(&format!("{short} {}", other.places())).await;
    assert!(
        !status.success() && said.contains("这个令牌已被使用"),
        "{said}"
    );

    li.says("/改名 web-3 前台");
    li.sees("前台 不能用作节点名").await;
    li.says("改名 web-3 front");
    li.sees("web-3 现在改名为 front").await;
    li.presses("撤销");
    li.sees("front 现在改名为 web-3").await;
    assert_eq!(group.count("jarvis-node join"), 0);
    assert_eq!(li.room().count("web-3 已加入："), 1);
}

#[tokio::test]
async fn a_line_is_good_for_a_quarter_of_an_hour() {
    let jarvis = Jarvis::new().unwrap();
    let data = jarvis.data();
    std::fs::create_dir_all(&data).unwrap();
    let mut config = BrainConfig::new(data.clone());
    config.node_listen = Some("127.0.0.1:0".parse().unwrap());
    // What people say comes by the real clock.
    config.too_old = Duration::from_secs(3600);
    let ahead_ms = Arc::new(AtomicI64::new(0));
    let clock = Clock::from_fn({
        let ahead_ms = Arc::clone(&ahead_ms);
        move || unix_ms() + ahead_ms.load(Ordering::Relaxed)
    });
    let root = Identity::generate();
    let brain = Brain::start(config, root, clock).await.unwrap();
    brain.serve_unix(&data.join("jarvis.sock")).await.unwrap();
    let mut owner = jarvis.chat().unwrap();
    owner.says("join --name web-1").await;
    let old = short_line(&mut owner).await;
    let minutes = |minutes: i64| ahead_ms.store(minutes * 60_000, Ordering::Relaxed);
    let server = Server::new();
    minutes(15);
    let (status, said) = server.node(&format!("{old} {}", server.places())).await;
    assert!(!status.success(), "{said}");
    assert!(said.contains("this token is too old"), "{said}");
    assert!(is_empty(&server.path("node")), "nothing half done");
    // Another one, just in time.
    owner.says("join --name web-1").await;
    let new = short_line(&mut owner).await;
    minutes(29);
    let (status, said) = server.node(&format!("{new} {}", server.places())).await;
    assert!(status.success(), "{said}");
    assert!(said.contains("web-1 has joined"), "{said}");
    brain.shutdown().await;
}

#[tokio::test]
async fn a_node_joins_again_and_a_second_jarvis_too() {
    let mut site = Site::with_nodes(&[]).await.unwrap();
    let mut other = Site::with_nodes(&[]).await.unwrap();
    let (_, first) = lines(&mut site, "join --name web-1 --tag web").await;
    let (_, again) = lines(&mut site, "join --name web-7 --tag eu").await;
    let (_, second) = lines(&mut other, "join --name shared").await;
    let server = Server::new();
    let folder = server.path("node");
    // Nothing was fetched here: the program is where its administrator has put it.
    std::fs::create_dir(server.path("bin")).unwrap();
    let here = server.path("bin/jarvis-node");
    std::fs::copy(program("jarvis-node").unwrap(), here).unwrap();
    for (line, name) in [(&first, "web-1"), (&again, "web-1"), (&second, "shared")] {
        let (status, said) = server.node(&format!("{line} {}", server.places())).await;
        assert!(status.success(), "{said}");
        assert!(said.contains(&format!("{name} has joined")), "{said}");
    }
    let config = std::fs::read_to_string(folder.join("node.toml")).unwrap();
    assert_eq!(config.matches("[[root]]").count(), 2, "{config}");
    let _daemon = server.start();
    // It keeps its name, and has the tags of both lines.
    site.owner.sees("web-1 joined: ").await;
    other.owner.sees("shared joined: ").await;
    site.owner.says("node web-1").await;
    site.owner.sees("Tags #web #eu").await;
    site.owner.says("run web-1 echo for the one").await;
    site.owner.sees("for the one").await;
    other.owner.says("run shared echo for the other").await;
    other.owner.sees("for the other").await;
    site.owner.says("nodes").await;
    site.owner.sees("web-1").await;
    assert_eq!(site.owner.count("web-7"), 0);
}
