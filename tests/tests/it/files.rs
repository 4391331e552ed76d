//! Files of the fleet: folders and patterns, copies, archives, cut lines, the store of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::node::Node;
use jarvis_tests::process::PATIENCE;
use jarvis_tests::site::{Site, TelegramSite};
use jarvis_tests::telegram::FakeTelegram;
use tokio::time::{Instant, sleep};

/// Where paths of a node without a `/` at their beginning start.
fn work(node: &Node) -> PathBuf {
    node.folder().join("data/files")
}

/// Bytes that nothing makes smaller.
fn noise(megabytes: u64, seed: u64) -> Vec<u8> {
    (0..megabytes * 32 * 1024)
        .flat_map(|number| *blake3::hash(&(number ^ seed << 40).to_le_bytes()).as_bytes())
        .collect()
}

fn tar(arguments: &[&str], folder: &Path) -> String {
    let output = Command::new("tar")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn folders_and_patterns_come_as_one_archive() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let files = site.site.node(0).files();
    fs::create_dir_all(files.join("etc/sub")).unwrap();
    fs::create_dir_all(files.join("etc/empty")).unwrap();
    for name in ["etc/a.conf", "etc/b.conf", "etc/only.one", "etc/sub/c.conf"] {
        fs::write(files.join(name), name).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", files.join("etc/out")).unwrap();
    std::os::unix::fs::symlink("a.conf", files.join("etc/in")).unwrap();
    let here = tempfile::tempdir().unwrap();
    let listed = |bytes: &[u8]| {
        fs::write(here.path().join("x.tar.gz"), bytes).unwrap();
        tar(&["-tzf", "x.tar.gz"], here.path())
    };

    ann.says(&format!("/get web-1:{}/etc", files.display()));
    let said = ann.sees("7 entries").await;
    assert!(
        said.text.contains("`out`") || said.text.contains("out"),
        "{}",
        said.text
    );
    let list = listed(&ann.gets_file("etc.tar.gz").await);
    assert!(
        list.contains("etc/sub/c.conf") && list.contains("etc/empty"),
        "{list}"
    );
    assert!(
        list.contains("etc/in") && !list.contains("etc/out"),
        "{list}"
    );
    tar(&["-xzf", "x.tar.gz"], here.path());
    assert_eq!(
        fs::read_to_string(here.path().join("etc/in")).unwrap(),
        "etc/a.conf"
    );

    ann.says(&format!("/get web-1:{}/etc/*.conf", files.display()));
    let list = listed(&ann.gets_file("etc.tar.gz").await);
    assert_eq!(list, "etc/a.conf\netc/b.conf\n");
    // One match is the file itself.
    ann.says(&format!("/get web-1:{}/etc/*.one", files.display()));
    assert_eq!(&ann.gets_file("only.one").await[..], b"etc/only.one");
    ann.says(&format!("/get web-1:{}/etc/*.none", files.display()));
    ann.sees("is not on web-1").await;
    ann.says(&format!("/get web-1:{}/../*", files.display()));
    ann.sees("outside what web-1 allows").await;
}

#[tokio::test]
async fn an_archive_beyond_the_chats_limit_is_previewed_and_can_be_kept() {
    let jarvis = Jarvis::new().unwrap();
    let telegram = FakeTelegram::start().await.unwrap();
    jarvis.configure_telegram(&telegram).unwrap();
    jarvis
        .configure("telegram", "upload_limit = 100000")
        .unwrap();
    let mut site = Telegrams::new(telegram, jarvis, &["web-1"]).await;
    let ann = site.operator().await;
    let files = site.site.node(0).files();
    fs::create_dir(files.join("logs")).unwrap();
    for name in ["a", "b"] {
        fs::write(files.join("logs").join(name), vec![b'x'; 90_000]).unwrap();
    }
    ann.says(&format!("/get web-1:{}/logs/", files.display()));
    let asked = ann.sees("2 entries of 180 kB").await;
    assert!(!asked.buttons.is_empty(), "{asked:?}");
    // Packed it is small.
    ann.presses("compressed").answered().await;
    assert!(ann.gets_file("logs.tar.gz").await.len() < 5000);
    ann.says(&format!("/get --keep web-1:{}/logs/", files.display()));
    ann.sees("Kept as file").await;
}

/// A site with Telegram whose installation was configured before.
struct Telegrams {
    site: Site,
    telegram: FakeTelegram,
    _adapter: jarvis_tests::process::Process,
}

impl Telegrams {
    async fn new(telegram: FakeTelegram, jarvis: Jarvis, nodes: &[&str]) -> Self {
        let site = Site::start(jarvis, nodes).await.unwrap();
        let polls = telegram.polls();
        let adapter = site.jarvis.telegram().unwrap();
        telegram.is_polled(polls).await;
        Self {
            site,
            telegram,
            _adapter: adapter,
        }
    }

    async fn operator(&mut self) -> jarvis_tests::telegram::Person {
        let ann = self.telegram.person("Ann");
        ann.says("/start");
        ann.sees("know you").await;
        self.site.owner.says("role Ann operator").await;
        self.site.owner.sees("Ann is now operator").await;
        ann
    }
}

#[tokio::test]
async fn a_file_goes_to_many_nodes_and_is_unpacked_there() {
    let mut site = TelegramSite::with_nodes(&["web-1", "web-2"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let here = tempfile::tempdir().unwrap();
    fs::create_dir(here.path().join("app")).unwrap();
    fs::write(here.path().join("app/index"), "hello").unwrap();
    tar(&["-czf", "app.tar.gz", "app"], here.path());
    let archive = fs::read(here.path().join("app.tar.gz")).unwrap();

    // A caption with several nodes.
    ann.sends_file("app.tar.gz", archive.clone(), "tag:web:./");
    ann.sees("2 nodes").await;
    ann.presses("yes").answered().await;
    ann.sees("2 of 2 nodes").await;
    for place in 0..2 {
        let there = fs::read(work(site.site.node(place)).join("app.tar.gz")).unwrap();
        assert_eq!(there, archive);
    }
    // The same file again from the store, unpacked.
    ann.says("/put --yes --extract --file 1 --tag web ./");
    ann.sees("unpacked").await;
    for place in 0..2 {
        let there = work(site.site.node(place)).join("app/index");
        assert_eq!(fs::read_to_string(there).unwrap(), "hello");
    }
    // From several nodes comes one file each.
    ann.says("/get tag:web:app/index");
    assert_eq!(&ann.gets_file("web-1-index").await[..], b"hello");
    assert_eq!(&ann.gets_file("web-2-index").await[..], b"hello");
    // What is no archive changes nothing.
    let before = fs::read_dir(work(site.site.node(0))).unwrap().count();
    ann.sends_file("fake.tar.gz", "no archive", "/put --extract web-1:./");
    ann.sees("did not unpack it").await;
    assert_eq!(
        fs::read_dir(work(site.site.node(0))).unwrap().count(),
        before
    );
}

#[tokio::test]
async fn a_copy_passes_once_and_where_it_is_already_nothing_is_sent() {
    let mut site = Site::with_nodes(&["web-1", "web-2", "web-3"])
        .await
        .unwrap();
    let bytes = noise(4, 1);
    fs::write(work(site.node(0)).join("big"), &bytes).unwrap();
    site.owner.says("cp --yes web-1:big web-2,web-3:copy").await;
    site.owner.sees("2 of 2 nodes").await;
    for place in 1..3 {
        assert!(fs::read(work(site.node(place)).join("copy")).unwrap() == bytes);
    }
    let before = site.line.passed();
    site.owner.says("cp web-1:big web-2:copy").await;
    site.owner.sees("was there already").await;
    let passed = site.line.passed() - before;
    assert!(passed < 6 << 20, "{passed} bytes for one way of 4 MiB");
    // A folder arrives as a folder.
    fs::create_dir(work(site.node(0)).join("dir")).unwrap();
    fs::write(work(site.node(0)).join("dir/file"), "inside").unwrap();
    site.owner.says("cp web-1:dir web-2:./").await;
    site.owner.sees("unpacked").await;
    assert_eq!(
        fs::read_to_string(work(site.node(1)).join("dir/file")).unwrap(),
        "inside"
    );
    site.owner.says("cp web-1:none web-2:./").await;
    site.owner.sees("is not on web-1").await;
}

#[tokio::test]
async fn a_transfer_that_is_cut_in_the_middle_goes_on_where_it_was() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let bytes = noise(24, 2);
    fs::write(site.site.node(0).files().join("big"), &bytes).unwrap();
    let place = format!("web-1:{}/big", site.site.node(0).files().display());
    let before = site.site.line.passed();
    site.site.line.cut_after(12 << 20);
    ann.says(&format!("/get {place}"));
    site.site.line.is_bad().await;
    site.site.line.mend();
    assert!(ann.gets_file("big").await == bytes);
    let passed = site.site.line.passed() - before;
    assert!(passed < 32 << 20, "{passed} bytes for 24 MiB");
    // And up again.
    site.site.line.cut_after(12 << 20);
    ann.says(&format!("/put {place}.2 --file 1"));
    site.site.line.is_bad().await;
    site.site.line.mend();
    ann.sees("✔").await;
    let there = site.site.node(0).files().join("big.2");
    assert!(fs::read(there).unwrap() == bytes);
}

#[tokio::test]
async fn a_file_that_changed_during_the_cut_comes_from_its_start_and_says_so() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let path = site.site.node(0).files().join("big");
    fs::write(&path, noise(24, 3)).unwrap();
    site.site.line.cut_after(12 << 20);
    ann.says(&format!("/get web-1:{}", path.display()));
    site.site.line.is_bad().await;
    let changed = noise(23, 4);
    fs::write(&path, &changed).unwrap();
    site.site.line.mend();
    ann.sees("fetched again from its start").await;
    assert!(ann.gets_file("big").await == changed);
}

#[tokio::test]
async fn a_transfer_outlives_the_death_of_brain_and_node() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let bytes = noise(24, 5);
    fs::write(site.site.node(0).files().join("big"), &bytes).unwrap();
    let place = format!("web-1:{}/big", site.site.node(0).files().display());
    for died in ["brain", "node"] {
        let before = site.site.line.passed();
        site.site.line.stall_after(12 << 20);
        ann.says(&format!("/get {place}"));
        site.site.line.is_bad().await;
        has_noted(&site.site.jarvis.data().join("blobs/part")).await;
        if died == "brain" {
            site.site.kill_brain().await.unwrap();
            site.site.line.mend();
            site.site.start_brain().await.unwrap();
        } else {
            site.site.node(0).kill().await.unwrap();
            site.site.line.mend();
            site.site.node(0).start().unwrap();
        }
        assert!(
            ann.gets_file("big").await == bytes,
            "after the death of the {died}"
        );
        let passed = site.site.line.passed() - before;
        assert!(
            passed < 32 << 20,
            "{passed} bytes for 24 MiB after the death of the {died}"
        );
    }
}

#[tokio::test]
async fn a_copy_whose_brain_dies_between_its_halves_is_fetched_once() {
    let mut site = Site::with_nodes(&["web-1", "web-2"]).await.unwrap();
    let bytes = noise(12, 8);
    fs::write(work(site.node(0)).join("big"), &bytes).unwrap();
    // All of it has come, and a part of it has gone on.
    site.line.stall_after(18 << 20);
    site.owner.says("cp web-1:big web-2:copy").await;
    site.line.is_bad().await;
    let before = site.line.passed();
    site.kill_brain().await.unwrap();
    site.line.mend();
    site.start_brain().await.unwrap();
    site.owner.sees("✔ job 1").await;
    assert!(fs::read(work(site.node(1)).join("copy")).unwrap() == bytes);
    let passed = site.line.passed() - before;
    assert!(passed < 16 << 20, "{passed} bytes for one way of 12 MiB");
}

#[tokio::test]
async fn a_file_that_had_come_when_the_brain_died_is_sent_nevertheless() {
    let mut site = TelegramSite::with_nodes(&["web-1", "web-2"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let bytes = noise(24, 10);
    fs::write(work(site.site.node(0)).join("file"), "small").unwrap();
    fs::write(work(site.site.node(1)).join("file"), &bytes).unwrap();
    site.site.line.stall_after(12 << 20);
    ann.says("/get tag:web:file");
    site.site.line.is_bad().await;
    // The small one has come, and its task has ended.
    ann.sees("✔").await;
    site.site.kill_brain().await.unwrap();
    site.site.line.mend();
    site.site.start_brain().await.unwrap();
    assert_eq!(&ann.gets_file("web-1-file").await[..], b"small");
    assert!(ann.gets_file("web-2-file").await == bytes);
}

/// Waits until the brain has noted where the transfer can be taken up.
async fn has_noted(part: &Path) {
    let until = Instant::now() + PATIENCE;
    let is_note = |entry: fs::DirEntry| entry.path().extension().is_some_and(|end| end == "json");
    while !fs::read_dir(part).unwrap().flatten().any(is_note) {
        assert!(Instant::now() < until, "nothing is noted");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_full_disk_of_a_node_is_told_and_leaves_nothing() {
    let mut site = Site::with_nodes(&["web-1", "web-2"]).await.unwrap();
    site.node(1).kill().await.unwrap();
    site.is_offline("web-2").await;
    if !site.node(1).start_on_small_disk(8).unwrap() {
        eprintln!("no namespace for a small disk here");
        return;
    }
    site.is_online("web-2").await;
    fs::write(work(site.node(0)).join("big"), noise(12, 6)).unwrap();
    site.owner.says("cp web-1:big web-2:./").await;
    site.owner.sees("The disk of web-2 is full").await;
    fs::write(work(site.node(0)).join("small"), noise(1, 7)).unwrap();
    site.owner.says("cp web-1:small web-2:./").await;
    site.owner.sees("✔").await;
}

#[tokio::test]
async fn the_store_of_files_has_a_quota_and_shows_only_what_one_may_see() {
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure("files", "quota = \"1 MB\"").unwrap();
    let telegram = FakeTelegram::start().await.unwrap();
    jarvis.configure_telegram(&telegram).unwrap();
    let mut site = Telegrams::new(telegram, jarvis, &["web-1"]).await;
    let ann = site.operator().await;
    let bob = site.telegram.person("Bob");
    bob.says("/start");
    bob.sees("know you").await;
    site.site.owner.says("role Bob member").await;
    site.site.owner.sees("Bob is now member").await;
    let name = |number: u64| format!("{number}.bin");
    let place = site.site.node(0).files();
    let caption = format!("web-1:{}/", place.display());
    let bytes = |number| noise(1, number)[..600_000].to_vec();
    ann.sends_file(&name(1), bytes(1), &caption);
    ann.sees("✔").await;
    let sent = ann.sends_file(&name(2), bytes(2), &caption);
    ann.sees("✔").await;
    ann.says("/files");
    let list = ann.sees("#2 2.bin").await;
    assert!(
        !list.text.contains("1.bin"),
        "the oldest has gone: {}",
        list.text
    );
    ann.says("/file 2");
    assert!(ann.gets_file("2.bin").await == bytes(2));
    bob.says("/file 2");
    bob.sees("There is no file 2 that you may see").await;
    bob.says("/files --mine");
    bob.sees("No file is kept that fits").await;
    // An answer to a message with a file means that file.
    ann.replies_in(
        ann.room(),
        sent,
        &format!("/put web-1:{}/again.bin", place.display()),
    );
    ann.sees("✔").await;
    assert!(fs::read(place.join("again.bin")).unwrap() == bytes(2));
    // Larger than all that may be kept.
    ann.sends_file("huge.bin", noise(2, 9), &caption);
    ann.sees("The store of files is full").await;
    ann.says("/rmfile 2");
    ann.sees("File 2 (2.bin) is removed").await;
    ann.says("/put --file 2 web-1:x");
    ann.sees("There is no file 2").await;
}
