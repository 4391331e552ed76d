//! A brain and a node that speak jarviscore 0.7's protocol with each other, as real processes.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jarvis_nodeclient::Identity;
use jarvis_nodeclient::legacy::{
    ConnectError, LegacyNet, NetOptions, NoPeers, Nobody, Outgoing, Reply, message,
};
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::node::Node;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::proxy::Proxy;
use jarvis_tests::site::Site;

/// A site with one node that is reached by the legacy protocol only, and the lines between them.
struct LegacySite {
    site: Site,
    to_node: Proxy,
    to_brain: Proxy,
}

fn free_address() -> SocketAddr {
    format!("127.0.0.1:{}", free_port().unwrap())
        .parse()
        .unwrap()
}

/// A brain that takes part in a legacy network, and where it does.
async fn legacy_brain() -> (Site, SocketAddr, Proxy) {
    let jarvis = Jarvis::new().unwrap();
    let listen = free_address();
    let to_brain = Proxy::to(listen).await.unwrap();
    let keys = format!(
        "listen = \"{listen}\"\naddress = \"{}\"\nname = \"brain\"\n",
        to_brain.address()
    );
    jarvis.configure("legacy", &keys).unwrap();
    let site = Site::start(jarvis, &[]).await.unwrap();
    (site, listen, to_brain)
}

async fn legacy_site() -> LegacySite {
    legacy_site_with(|_| String::new()).await
}

/// The same with more keys in the node's file.
async fn legacy_site_with(keys: impl FnOnce(&Node) -> String) -> LegacySite {
    let (mut site, _, to_brain) = legacy_brain().await;
    let root = site.jarvis.root().await.unwrap();
    let mut node = Node::new("old-1", &root, site.line.address())
        .await
        .unwrap();
    let server = free_address();
    let to_node = Proxy::to(server).await.unwrap();
    let at = to_node.address();
    // It dials no root; a legacy root's jobs are looked after in /tmp.
    let text = fs::read_to_string(node.config()).unwrap();
    let (text, _) = text.split_once("[[root]]").unwrap();
    let text = text
        .replace("allow = [", "allow = [\"/tmp\", ")
        .replace("type = \"jarvisnode\"", "type = \"app\"");
    let keys = keys(&node);
    let legacy = format!(
        "legacy = true\nlegacy_listen = \"{server}\"\nlegacy_address = \"{at}\"\n{keys}\n{text}"
    );
    fs::write(node.config(), legacy).unwrap();
    node.start().unwrap();
    let enroll = format!("enroll old-1 {} --legacy {at} --tag web", node.address());
    site.owner.says(&enroll).await;
    site.owner.sees("lsttrustnode").await;
    site.nodes.push(node);
    site.is_online("old-1").await;
    LegacySite {
        site,
        to_node,
        to_brain,
    }
}

/// Asks for `health` until it says so.
async fn health_says(site: &mut Site, text: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let before = site.owner.process().out().text().len();
        site.owner.says("health").await;
        site.owner.sees("Legacy network").await;
        let said = site.owner.process().out().text()[before..].to_owned();
        if said.contains(text) {
            return said;
        }
        assert!(Instant::now() < until, "{text:?} is not in: {said}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn random(bytes: usize) -> Vec<u8> {
    let mut content = vec![0; bytes];
    rand::fill(&mut content[..]);
    content
}

/// Waits for a file that the chat was sent, and reads it.
async fn received(site: &mut Site, name: &str) -> Vec<u8> {
    // A node that was greeted a moment ago is greeted again after half a minute.
    let sent = format!("[file] {name} ");
    let line = site.owner.sees_within(&sent, PATIENCE * 3).await;
    let path = line.split_whitespace().nth(3).unwrap();
    fs::read(site.jarvis.folder().join(path)).unwrap()
}

#[tokio::test]
async fn a_legacy_node_is_a_node_like_any_other() {
    let LegacySite {
        mut site,
        to_node: _to_node,
        to_brain: _to_brain,
    } = legacy_site().await;
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
    let LegacySite {
        mut site,
        to_node: _to_node,
        to_brain: _to_brain,
    } = legacy_site().await;
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
    site.owner.sees("done-after-all").await;
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
async fn files_go_both_ways_in_one_message_and_in_pieces() {
    let LegacySite {
        mut site,
        to_node: _to_node,
        to_brain: _to_brain,
    } = legacy_site().await;
    let there = site.node(0).files();
    let here = site.jarvis.folder().join("here");
    fs::create_dir(&here).unwrap();
    // Nothing, one message, and three pieces.
    for (name, bytes) in [
        ("empty.bin", 0),
        ("small.bin", 12_345),
        ("large.bin", 9 << 20),
    ] {
        let content = random(bytes);
        let from = here.join(name);
        fs::write(&from, &content).unwrap();
        let to = there.join(name);
        let put = format!("@{} old-1:{}", from.display(), to.display());
        site.owner.says(&put).await;
        site.owner.sees(&format!("→ old-1:{}", to.display())).await;
        assert!(fs::read(&to).unwrap() == content, "{name}");
        if bytes > 0 {
            site.owner
                .says(&format!("get old-1:{}", to.display()))
                .await;
            assert!(received(&mut site, name).await == content, "{name}");
        }
    }
    // The words of such nodes for what is not there, and what must not be.
    site.owner
        .says(&format!("get old-1:{}/none", there.display()))
        .await;
    site.owner.sees("is not on old-1").await;
    let put = format!(
        "@{} old-1:/no/such/folder/x",
        here.join("small.bin").display()
    );
    site.owner.says(&put).await;
    site.owner.sees("✖").await;
    let left: Vec<_> = fs::read_dir(&there).unwrap().collect();
    assert_eq!(left.len(), 3, "no part of a file stays: {left:?}");
}

#[tokio::test]
async fn a_get_that_was_cut_goes_on_where_it_was() {
    const SIZE: usize = 24 << 20;
    let LegacySite {
        mut site,
        to_node,
        to_brain,
    } = legacy_site().await;
    let content = random(SIZE);
    let path = site.node(0).files().join("large.bin");
    fs::write(&path, &content).unwrap();
    let before = to_brain.passed();
    to_brain.cut_after(18 << 20);
    site.owner
        .says(&format!("get old-1:{}", path.display()))
        .await;
    to_brain.is_bad().await;
    to_node.cut();
    site.is_offline("old-1").await;
    to_brain.mend();
    to_node.mend();
    assert!(received(&mut site, "large.bin").await == content);
    let passed = usize::try_from(to_brain.passed() - before).unwrap();
    assert!(
        passed < SIZE + (10 << 20),
        "{passed} bytes came for {SIZE}: the first ones came once"
    );
}

#[tokio::test]
async fn updates_and_clearing_logs_reach_a_legacy_node() {
    let LegacySite {
        mut site,
        to_node: _to_node,
        to_brain: _to_brain,
    } = legacy_site_with(|node| {
        let version = node.folder().join("VERSION");
        fs::write(&version, "1.0\n").unwrap();
        format!(
            "version_file = \"VERSION\"\nupdate_script = \"echo {{NewVersion}} > {}\"",
            version.display()
        )
    })
    .await;
    site.owner.says("updnodes -t app -v 2.0 --yes").await;
    site.owner.sees("✔ job 1 · update app → 2.0 · 1 of 1").await;
    let row = site.owner.sees("old-1").await;
    assert!(row.contains("with 2.0"), "{row}");
    site.owner.says("updnodes -t app -r=true --yes").await;
    site.owner.sees("✔ job 2 · restart app · 1 of 1").await;
    let said = site.nodes[0].everything_said();
    assert!(said.matches("legacy=true").count() >= 2, "{said}");

    // The output of a job is there, until the logs are cleared.
    site.is_online("old-1").await;
    site.owner
        .says("run old-1 printf 'some-%s\\n' output")
        .await;
    site.owner.sees("some-output").await;
    let jobs = || {
        let folders = fs::read_dir(site.nodes[0].folder().join("data/jobs")).unwrap();
        folders.count()
    };
    assert!(jobs() > 0);
    site.owner.says("clearlogs old-1 --yes").await;
    site.owner.sees("✔ job 4").await;
    site.owner
        .says("run old-1 printf 'more-%s\\n' output")
        .await;
    site.owner.sees("more-output").await;
}

#[tokio::test]
async fn a_clock_that_is_six_minutes_off_is_named_in_health() {
    let (mut site, _, _to_brain) = legacy_brain().await;
    let mut options = NetOptions::new("127.0.0.1:0".parse().unwrap());
    options.clock = Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(now.as_secs()).unwrap() + 360
    });
    let identity = Arc::new(Identity::generate());
    let (peer, _events) = LegacyNet::start(
        Arc::clone(&identity),
        options,
        Arc::new(NoPeers),
        Arc::new(Nobody),
    )
    .await
    .unwrap();
    let enroll = format!(
        "enroll fast-1 {} --legacy {}",
        identity.address(),
        peer.listening()
    );
    site.owner.says(&enroll).await;
    site.owner.sees("lsttrustnode").await;
    let said = health_says(&mut site, "fast-1: its clock is off by").await;
    assert!(said.contains("off by 6") && said.contains("NTP"), "{said}");
    assert!(peer.counts().clock > 0, "and it refused the brain's");
    site.owner.says("node fast-1").await;
    site.owner.sees("Its clock is off by 6").await;
    // It greets the brain, which refuses, and counts.
    let brain = _to_brain.address().to_string();
    let refused = peer.connect(&brain, None).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Clock(_)), "{refused}");
    health_says(&mut site, "1 wrong clock").await;
}

#[tokio::test]
async fn hostile_frames_change_nothing_and_are_counted() {
    let (mut site, listen, to_brain) = legacy_brain().await;
    health_says(&mut site, "Legacy network: nothing refused.").await;
    // No protocol at all.
    let mut line = std::net::TcpStream::connect(listen).unwrap();
    line.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    // Somebody with a good key, whom nobody enrolled, orders the brain about.
    let options = NetOptions::new("127.0.0.1:0".parse().unwrap());
    let identity = Arc::new(Identity::generate());
    let (stranger, _events) =
        LegacyNet::start(identity, options, Arc::new(NoPeers), Arc::new(Nobody))
            .await
            .unwrap();
    let at = to_brain.address().to_string();
    let (brain, _) = stranger.connect(&at, None).await.unwrap();
    let evil = site.jarvis.folder().join("evil");
    let path = evil.display().to_string();
    for outgoing in [
        Outgoing::message(message::script("s", format!("touch {path}"))),
        Outgoing::visible(message::transfer_file(&path, &b"x"[..])),
        Outgoing::visible(message::request_file("/etc/hostname", 0, 0)),
        Outgoing::visible(message::update("9", "jarvis", false)),
        Outgoing::visible(message::clear_logs()),
    ] {
        let mut replies = stranger.request(&brain.address, outgoing);
        loop {
            match replies.next().await.unwrap() {
                Reply::Got => {}
                Reply::Message(message) => {
                    assert_eq!(message.err, "I don't trust you");
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let said = health_says(&mut site, "6 messages refused").await;
    assert!(
        said.contains("5 not trusted") && said.contains("1 malformed"),
        "{said}"
    );
    assert!(said.contains(&stranger.address().to_string()), "{said}");
    assert!(!evil.exists());
    site.owner.says("nodes").await;
    site.owner.sees("no nodes").await;
}

#[tokio::test]
async fn a_node_obeys_no_legacy_root_unless_its_file_says_so() {
    let root = Arc::new(Identity::generate());
    let options = NetOptions::new("127.0.0.1:0".parse().unwrap());
    let (net, _events) = LegacyNet::start(
        Arc::clone(&root),
        options,
        Arc::new(NoPeers),
        Arc::new(Nobody),
    )
    .await
    .unwrap();
    let (own, legacy) = (free_address(), free_address());
    let mut node = Node::new("n-1", &root.address().to_string(), own)
        .await
        .unwrap();
    let text = fs::read_to_string(node.config()).unwrap();
    let (text, _) = text.split_once("[[root]]").unwrap();
    fs::write(node.config(), text).unwrap();
    node.configure(&format!("listen = \"{own}\"\nlegacy_listen = \"{legacy}\""))
        .unwrap();
    node.start().unwrap();
    let until = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(own).is_err() {
        assert!(Instant::now() < until, "{}", node.everything_said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Trusted as it is, it gets nowhere: not at that port, nor at the one of our own protocol.
    for at in [legacy, own] {
        let refused = net.connect(&at.to_string(), None).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Dial(_)), "{refused}");
    }
    assert!(!node.everything_said().contains("legacy=true"));

    node.kill().await.unwrap();
    node.configure("legacy = true").unwrap();
    node.start().unwrap();
    let peer = loop {
        match net.connect(&legacy.to_string(), None).await {
            Ok((peer, _)) => break peer.address,
            Err(error) => assert!(Instant::now() < until + PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let made = node.files().join("made");
    let put = node.files().join("put");
    for outgoing in [
        Outgoing::message(message::script("s", format!("touch {}", made.display()))),
        Outgoing::visible(message::transfer_file(
            &put.display().to_string(),
            &b"x"[..],
        )),
        Outgoing::visible(message::request_file(&put.display().to_string(), 0, 0)),
        Outgoing::visible(message::clear_logs()),
    ] {
        let mut replies = net.request(&peer, outgoing);
        loop {
            match replies.next().await.unwrap() {
                Reply::Done => break,
                Reply::Got => {}
                Reply::Message(message) => assert_eq!(message.err, ""),
                other => panic!("{other:?}: {}", node.everything_said()),
            }
        }
    }
    assert!(made.exists() && put.exists());
    // Each order is marked.
    let said = node.everything_said();
    let marked = |what: &str| {
        said.lines()
            .any(|line| line.contains("legacy=true") && line.contains(what))
    };
    for what in ["accepted", "put", "get", "clear logs"] {
        assert!(marked(what), "{what}: {said}");
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
