//! Files that are too much or mean harm: hundreds of megabytes, ways out of the allowed folders, archives
//! that lead out or grow.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jarvis_tests::process::Process;
use jarvis_tests::site::{Site, TelegramSite};

/// Megabytes of the large file.
const LARGE: u64 = 300;
/// Kilobytes that a process may grow by while it passes through.
const MOST_GROWTH: u64 = 64 << 10;

/// How much memory a process takes while something happens.
struct Memory {
    folder: String,
    before: u64,
}

impl Memory {
    /// Begins to measure.
    fn of(process: &Process) -> Self {
        let folder = format!("/proc/{}", process.id().unwrap());
        // Sets the peak back to what is resident now.
        fs::write(format!("{folder}/clear_refs"), "5").unwrap();
        let mut memory = Self { folder, before: 0 };
        memory.before = memory.status("VmRSS:");
        memory
    }

    fn status(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("{}/status", self.folder)).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Kilobytes at most above those at the beginning.
    fn growth(&self) -> u64 {
        self.status("VmHWM:").saturating_sub(self.before)
    }
}

#[tokio::test]
async fn hundreds_of_megabytes_cost_no_memory_on_either_side() {
    let mut site = Site::with_nodes(&["web-1"]).await.unwrap();
    let folder = site.node(0).files();
    let mut large = File::create(folder.join("large")).unwrap();
    // Beside the story, whose line has to go on.
    let written = tokio::task::spawn_blocking(move || {
        let mut megabyte = vec![7; 1 << 20];
        for number in 0..LARGE {
            megabyte[..8].copy_from_slice(&number.to_le_bytes());
            large.write_all(&megabyte).unwrap();
        }
    });
    written.await.unwrap();
    let brain = Memory::of(site.brain.as_ref().unwrap());
    let node = Memory::of(site.node(0).running().unwrap());
    let limit = Duration::from_secs(120);
    let place = folder.display();
    site.owner
        .says(&format!("get --keep web-1:{place}/large"))
        .await;
    site.owner.sees_within("Kept as file 1", limit).await;
    let got = (brain.growth(), node.growth());
    site.owner
        .says(&format!("put --file 1 web-1:{place}/again"))
        .await;
    site.owner.sees_within("again · ", limit).await;
    let [there, again] = ["large", "again"].map(|name| fs::metadata(folder.join(name)).unwrap());
    assert_eq!((there.len(), again.len()), (LARGE << 20, LARGE << 20));
    let put = (brain.growth(), node.growth());
    println!("kilobytes of brain and node: {got:?} after the get, {put:?} after the put");
    assert!(
        put.0 < MOST_GROWTH && put.1 < MOST_GROWTH,
        "brain and node grew by {put:?} kB"
    );
}

#[tokio::test]
async fn no_path_and_no_link_leads_out_of_the_allowed_folders() {
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let node = site.site.node(0);
    let files = node.files();
    let outside = node.folder().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    symlink(&outside, files.join("folder")).unwrap();
    symlink(outside.join("secret"), files.join("file")).unwrap();
    for path in ["../outside/secret", "file", "folder/secret", "folder/"] {
        ann.says(&format!("/get web-1:{}/{path}", files.display()));
        ann.sees("outside what web-1 allows").await;
    }
    for path in ["../outside/new", "folder/new", "folder/"] {
        let caption = format!("web-1:{}/{path}", files.display());
        ann.sends_file("new", "harm", &caption);
        ann.sees("outside what web-1 allows").await;
    }
    ann.says(&format!("/cp web-1:{}/file web-1:./", files.display()));
    ann.sees("outside what web-1 allows").await;
    // A link out in the place of a file is never followed.
    ann.sends_file("file", "harm", &format!("web-1:{}/file", files.display()));
    ann.sees("outside what web-1 allows").await;
    // A name is only a name.
    ann.sends_file(
        "../../outside/new",
        "mine",
        &format!("web-1:{}/", files.display()),
    );
    ann.sees("✔").await;
    assert_eq!(fs::read_to_string(files.join("new")).unwrap(), "mine");
    let left: Vec<_> = fs::read_dir(&outside).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        fs::read_to_string(outside.join("secret")).unwrap(),
        "secret"
    );
}

#[tokio::test]
async fn archives_that_lead_out_or_grow_are_not_unpacked() {
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("harm"), "harm").unwrap();
    symlink("../..", here.path().join("link")).unwrap();
    let zeros = File::create(here.path().join("zeros")).unwrap();
    zeros.set_len(100 << 20).unwrap();
    // Before the story, whose line has to go on, begins.
    let archives = [
        (
            "tar -cPzf x.tar.gz --transform 's,^,../,' harm",
            "leads out of it",
        ),
        (
            "tar -cPzf x.tar.gz --transform 's,^,/tmp/,' harm",
            "leads out of it",
        ),
        (
            "tar -cf x.tar link && tar -rf x.tar --transform 's,^,link/,' harm && gzip -f x.tar",
            "is a link out of it",
        ),
        ("tar -czf x.tar.gz zeros", "more than 200 times its size"),
        (
            "mkfifo pipe && tar -czf x.tar.gz pipe",
            "is no file, folder or link",
        ),
        ("head -c 300 harm | gzip > x.tar.gz", "did not unpack it"),
    ]
    .map(|(script, why)| {
        shell(script, here.path());
        (script, why, fs::read(here.path().join("x.tar.gz")).unwrap())
    });
    let mut site = TelegramSite::with_nodes(&["web-1"]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let files = site.site.node(0).files();
    for (script, why, archive) in archives {
        let command = format!("/put --extract web-1:{}/", files.display());
        ann.sends_file("x.tar.gz", archive, &command);
        let said = ann.sees("did not unpack it").await;
        assert!(said.text.contains(why), "{script}: {}", said.text);
        let left: Vec<_> = fs::read_dir(&files).unwrap().flatten().collect();
        assert!(left.is_empty(), "{script}: {left:?}");
    }
    assert!(!files.parent().unwrap().join("harm").exists());
}

fn shell(script: &str, folder: &Path) {
    let mut command = Command::new("sh");
    let output = command.args(["-c", script]).current_dir(folder).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
}
