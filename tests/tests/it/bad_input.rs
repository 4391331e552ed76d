//! What bad input gets: a clear sentence that says what to do; nothing lost, nothing half done.

use std::fmt::Write as _;
use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, free_port};
use jarvis_tests::site::{Site, TelegramSite};

/// A line, and what the answer must say.
const LINES: [(&str, &str); 33] = [
    ("rnu local uptime", "Did you mean run local uptime?"),
    ("frobnicate", "I don't know frobnicate"),
    ("run", "run needs TARGET"),
    ("run local", "What shall run on local?"),
    (
        "run loca uptime",
        "There is no node loca. Did you mean local?",
    ),
    (
        "run web-9 uptime",
        "There is no node web-9. Known here: local",
    ),
    ("run tag:web uptime", "No node has the tag web"),
    ("run type:x uptime", "No node is of type x"),
    ("run , uptime", "Name a node"),
    ("run local echo 'abc", "is never closed"),
    ("run --timeuot 5s local ls", "Did you mean --timeout?"),
    ("run —timeout soon local ls", "soon is no length of time"),
    ("run --timeout", "needs a value"),
    ("run --env X local ls", "X is not NAME=VALUE"),
    ("run --cwd /no/such/dir local ls", "/no/such/dir"),
    ("job 999", "There is no job 999"),
    ("job many", "many is no job number"),
    ("log 999", "There is no job 999"),
    ("cancel 999", "There is no job 999"),
    ("cancel", "No job of yours runs now"),
    ("retry 999 failed", "There is no job 999"),
    ("get", "get needs NODE:PATH"),
    ("get local", "does not say which file"),
    ("get local:/no/such/file", "/no/such/file is not on local"),
    ("node web-9", "There is no node web-9"),
    ("user nobody", "There is nobody called nobody"),
    ("role nobody operator", "There is nobody called nobody"),
    ("role owner king", "king is no role"),
    ("bind AAAA-AA", "/bind"),
    ("yes", "I asked you nothing here"),
    ("lang klingon", "I don't speak klingon"),
    ("enroll web-1 1nonsense", "is not an address"),
    ("run local head -c 100000 /dev/urandom", "binary output"),
];

#[tokio::test]
async fn every_slip_is_answered_with_what_to_do() {
    let jarvis = Jarvis::new().unwrap();
    let mut input = String::new();
    for (line, _) in LINES {
        writeln!(input, "{line}").unwrap();
    }
    input.push_str("run local printf '%s-%s' still well\n");
    let out = jarvis
        .run(&["up"], &input, Duration::from_secs(120))
        .await
        .unwrap()
        .good();
    let mut at = 0;
    for (line, answer) in LINES {
        let found = out[at..].find(answer).unwrap_or_else(|| {
            panic!(
                "{line:?} is not answered with {answer:?} in\n{}",
                &out[at..]
            )
        });
        at += found + answer.len();
    }
    assert!(out[at..].contains("still-well"), "{out}");
}

#[tokio::test]
async fn a_chinese_owner_reads_chinese() {
    let jarvis = Jarvis::new().unwrap();
    let out = jarvis
        .pipe("lang zh\nrun loca uptime\n运行 local 早\n")
        .await
        .unwrap()
        .good();
    assert!(!out.contains("There is no node"), "{out}");
    assert!(out.contains("loca"), "{out}");
}

#[tokio::test]
async fn a_hundred_kilobytes_of_text_are_taken_and_many_more_refused_with_advice() {
    let jarvis = Jarvis::new().unwrap();
    let [long, longer] = [100, 512].map(|kilobytes| "x".repeat(kilobytes * 1024));
    let input = format!("run local true {long}\nrun local true {longer}\nversion\n");
    let out = jarvis.pipe(&input).await.unwrap().good();
    assert!(out.contains("exit 0"), "{out:.2000}");
    assert!(out.contains("Send it as a file"), "{out:.2000}");
    assert!(out.contains("Jarvis 0."), "{out:.2000}");
}

#[tokio::test]
async fn a_gigabyte_of_output_costs_no_memory() {
    let jarvis = Jarvis::new().unwrap();
    let mut owner = jarvis.up().unwrap();
    owner
        .says("run --timeout 5m local yes 0123456789abcdef | head -c 1073741824; printf '%s-%s' at last")
        .await;
    owner.sees_within("exit 0", Duration::from_secs(240)).await;
    owner.sees("at-last").await;
    let id = owner.process().id().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 256 * 1024, "{peak}");
    assert!(owner.leaves().await.unwrap().success());
}

#[tokio::test]
async fn a_script_that_ignores_term_and_breeds_is_stopped_at_its_limit() {
    let jarvis = Jarvis::new().unwrap();
    let mark = format!("1{:08}", std::process::id());
    // A hundred children in the background, none of which listens to TERM.
    let script = format!(
        "trap '' TERM; i=0; while test $i -lt 100; do sleep {mark} & i=$((i+1)); done; wait"
    );
    let out = jarvis
        .pipe(&format!("run --timeout 2s local {script}\n"))
        .await
        .unwrap()
        .good();
    assert!(out.contains("stopped at the time limit"), "{out}");
    assert_eq!(processes_with(&mark), 0);
}

fn processes_with(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| {
            line.split(|byte| *byte == 0)
                .eq([b"sleep", mark.as_bytes(), b""])
        })
        .count()
}

#[tokio::test]
async fn what_a_node_does_not_allow_it_refuses() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    let files = site.node(0).files();
    std::os::unix::fs::symlink("/etc/hostname", files.join("link")).unwrap();
    for place in [
        "/etc/passwd".to_owned(),
        format!("{}/../node.key", files.display()),
        format!("{}/link", files.display()),
    ] {
        site.owner.says(&format!("get web-1:{place}")).await;
        site.owner.sees("outside what web-1 allows").await;
    }
    // A root that is no longer trusted gets nothing.
    let config = site.node(0).config();
    let text = std::fs::read_to_string(&config).unwrap();
    let trust = text.lines().find(|line| line.starts_with("trust")).unwrap();
    std::fs::write(&config, text.replace(trust, "trust = []")).unwrap();
    let proof = site.node(0).folder().join("proof");
    site.owner
        .says(&format!("run web-1 touch {}", proof.display()))
        .await;
    site.owner.sees("web-1").await;
    site.owner.says("version").await;
    site.owner.sees("Jarvis 0.").await;
    assert!(!proof.exists());
}

#[tokio::test]
async fn an_offline_node_says_so_at_once_and_waiting_is_possible() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    site.node(0).kill().await.unwrap();
    site.is_offline("web-1").await;
    site.owner.says("run web-1 uptime").await;
    site.owner.sees("– job 1 · web-1 · offline").await;
    site.owner
        .says("run --wait 10m web-1 printf '%s-%s' worth waiting")
        .await;
    site.owner.says("version").await;
    site.owner.sees("Jarvis 0.").await;
    site.node(0).start().unwrap();
    site.owner.sees("worth-waiting").await;
}

#[tokio::test]
async fn a_node_with_a_corrupt_journal_tail_starts_and_goes_on() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    site.owner.says("run web-1 printf '%s-%s' first one").await;
    site.owner.sees("first-one").await;
    site.node(0).kill().await.unwrap();
    let journal = site.node(0).folder().join("data/journal");
    assert!(journal.is_file(), "{}", journal.display());
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes.extend_from_slice(&[0x40, 0, 0, 0, 1, 2, 3, 4, 5]);
    std::fs::write(&journal, bytes).unwrap();
    site.node(0).start().unwrap();
    site.owner
        .says("run --wait 30s web-1 printf '%s-%s' second one")
        .await;
    site.owner.sees("second-one").await;
}

#[tokio::test]
async fn a_full_disk_is_named_and_costs_nothing_but_the_file() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    site.node(0).kill().await.unwrap();
    if !site.node(0).start_on_small_disk(8).unwrap() {
        eprintln!("skipped: no mount namespace can be made here");
        return;
    }
    site.is_online("web-1").await;
    let files = site.node(0).folder().join("data/files");
    let big = site.jarvis.folder().join("big.bin");
    std::fs::write(&big, vec![7; 16 << 20]).unwrap();
    let put = format!("@{} web-1:{}/", big.display(), files.display());
    site.owner.says(&put).await;
    site.owner.sees("disk of web-1 is full").await;
    // A job that fills it up ends as well, and leaves the node in order.
    site.owner
        .says("run web-1 head -c 16777216 /dev/zero > big; printf '%s-%s' it ended; rm big")
        .await;
    site.owner.sees("it-ended").await;
    site.owner
        .says("run web-1 head -c 33554432 /dev/zero | tr '\\0' x")
        .await;
    site.owner.sees("job 3").await;
    site.owner.says("run web-1 printf '%s-%s' still well").await;
    site.owner.sees("still-well").await;
}

#[tokio::test]
async fn a_file_beyond_the_chats_limit_stays_where_it_is_with_an_offer() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let files = site.site.node(0).files();
    let big = std::fs::File::create(files.join("big.log")).unwrap();
    big.set_len(3 << 30).unwrap();
    ann.says(&format!("/get web-1:{}/big.log", files.display()));
    let offer = ann.sees("more than this chat takes").await;
    assert!(
        offer.buttons.iter().any(|label| label.contains("lines")),
        "{:?}",
        offer.buttons
    );
    assert!(files.join("big.log").exists());
}

#[tokio::test]
async fn a_file_beyond_what_a_bot_may_fetch_is_refused_with_advice() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let files = site.site.node(0).files();
    let big = vec![0; 20 * 1024 * 1024 + 1];
    ann.sends_file("big.bin", big, &format!("web-1:{}/", files.display()));
    ann.sees("more than I can fetch from this chat").await;
    assert!(!files.join("big.bin").exists());
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let jarvis = Jarvis::new().unwrap();
    let port = jarvis.nodes();
    let _taken = std::net::TcpListener::bind(port).unwrap();
    let run = jarvis.run(&["brain"], "", PATIENCE).await.unwrap();
    assert!(!run.status.success());
    assert!(run.err.contains(&port.to_string()), "{}", run.err);
}

#[tokio::test]
async fn a_slip_in_the_configuration_names_the_key_and_the_nearest_one() {
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure("telegram", "tokn = \"x\"").unwrap();
    let run = jarvis.run(&["up"], "version\n", PATIENCE).await.unwrap();
    assert!(!run.status.success());
    for part in ["tokn", "token"] {
        assert!(run.err.contains(part), "{}", run.err);
    }
}

#[tokio::test]
async fn two_programs_never_share_a_data_folder() {
    let jarvis = Jarvis::new().unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let run = jarvis.run(&["up"], "version\n", PATIENCE).await.unwrap();
    assert!(!run.status.success());
    assert!(run.err.contains("in use by another Jarvis"), "{}", run.err);
}

#[tokio::test]
async fn an_adapter_with_a_wrong_token_stays_outside() {
    let jarvis = Jarvis::new().unwrap();
    let port = free_port().unwrap();
    let listen = format!("listen = \"127.0.0.1:{port}\"\n");
    let adapter =
        "[[brain.adapters]]\nkind = \"console\"\ntoken = \"the-right-token-0123456789\"\n";
    jarvis
        .configure("brain", &format!("{listen}\n{adapter}"))
        .unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let address = format!("http://127.0.0.1:{port}");
    for (token, good) in [
        ("a-wrong-token-01234567890", false),
        ("the-right-token-0123456789", true),
    ] {
        let set = format!("adapter.token={token}");
        let arguments = ["chat", "--brain", &address, "--set", &set];
        let run = jarvis
            .run(&arguments, "whoami\n", Duration::from_secs(90))
            .await
            .unwrap();
        assert_eq!(
            run.status.success(),
            good,
            "{token}: {}{}",
            run.out,
            run.err
        );
        assert_eq!(run.out.contains("owner"), good, "{}", run.out);
        assert!(!run.err.contains(token), "{}", run.err);
    }
}
