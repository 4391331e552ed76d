//! Files in notes: what they say is found, they stay while a note needs them, and no file of a stranger
//! harms the brain.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jarvis_tests::samples::{pdf, xlsx};
use jarvis_tests::site::TelegramSite;

/// A sheet that unpacks to more than a process may have.
const BOMB: usize = 900;

#[tokio::test]
async fn what_files_say_is_found_and_what_cannot_be_read_is_said() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "member").await;
    let bob = site.person_with_role("Bob", "member").await;
    let megabyte = vec![b'a'; 1 << 20];
    // In GB 18030, as a spreadsheet program in China writes it.
    let old = b"\xb7\xfe\xce\xf1\xc6\xf7,\xbe\xc6\xcf\xc9\xc7\xc5\nweb-7,10.0.0.7".to_vec();
    let deep = vec![b'['; 200_000];
    let cases: [(&str, Vec<u8>, &str, &str); 9] = [
        ("steps.md", "# 迁移\n先停网关".into(), "", "网关"),
        (
            "conf.json",
            br#"{"k": "\u78c1\u76d8"}"#.to_vec(),
            "",
            "磁盘",
        ),
        ("hosts.csv", old, "", "酒仙桥"),
        (
            "hosts.xlsx",
            xlsx(vec![(b"rack twentyseven", 1)]),
            "",
            "twentyseven",
        ),
        (
            "manual.pdf",
            pdf("Replace the blown capacitor"),
            "",
            "capacitor",
        ),
        ("deep.json", deep, "nested too deeply", "deep.json"),
        (
            "broken.xlsx",
            b"PK\x03\x04 no such thing".to_vec(),
            "cannot be read",
            "broken.xlsx",
        ),
        (
            "broken.pdf",
            b"%PDF-1.7 no such thing".to_vec(),
            "cannot be read",
            "broken.pdf",
        ),
        (
            "bomb.xlsx",
            xlsx(vec![(&megabyte, BOMB)]),
            "than I may read",
            "bomb.xlsx",
        ),
    ];
    for (number, (name, bytes, said, query)) in (1..).zip(cases) {
        ann.sends_file(name, bytes, "/note");
        let saved = ann.sees(&format!("Saved note {number}")).await.text;
        assert!(
            saved.contains(name) && saved.contains(said),
            "{name}: {saved}"
        );
        assert_eq!(said.is_empty(), !saved.contains("not found"), "{saved}");
        ann.says(&format!("/find \"{query}\""));
        let found = ann.sees("1 note for").await.text;
        assert!(found.contains(name), "{found}");
        bob.says(&format!("/find \"{query}\""));
        bob.sees("No note that you can read fits").await;
    }
    // Killed before the index was on disk: all of it is found again.
    site.site.kill_brain().await.unwrap();
    site.site.start_brain().await.unwrap();
    for query in ["酒仙桥", "twentyseven", "capacitor"] {
        ann.says(&format!("/find {query}"));
        ann.sees("1 note for").await;
    }
    let said = site.site.everything_said().unwrap();
    assert!(!said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn files_of_notes_outlive_those_of_the_chat_and_follow_the_rights_to_the_note() {
    let mut site = TelegramSite::with_nodes(&[]).await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    let bob = site.person_with_role("Bob", "member").await;
    ann.says("/notebook new ops");
    ann.sees("Made the notebook").await;
    ann.says("/notebook share ops Bob");
    ann.sees("Bob can read ops now").await;
    ann.sends_file("kept.txt", "the key is under the mat", "/note --nb ops");
    ann.sees("Saved note 1").await;
    ann.sends_file("gone.txt", "of no use tomorrow", "");
    ann.sees("gone.txt").await;
    ann.says("/cancel");
    ann.sees_where(ann.room(), "an end", |_| true).await;
    bob.says("/find mat");
    bob.sees("1 note for").await;
    bob.says("/shownote 1");
    assert_eq!(
        bob.gets_file("kept.txt").await,
        "the key is under the mat".as_bytes()
    );
    // Two months later: files of the chat are kept for one.
    site.site.kill_brain().await.unwrap();
    let folder = site.site.jarvis.data().join("blobs");
    let old = SystemTime::now() - Duration::from_secs(60 * 86_400);
    let blobs = all_files(&folder);
    assert_eq!(blobs.len(), 2, "{blobs:?}");
    for blob in &blobs {
        let file = File::options().write(true).open(blob).unwrap();
        file.set_modified(old).unwrap();
    }
    let path = site.site.jarvis.data().join("jarvis.db");
    forget_times(&path).await;
    site.site.start_brain().await.unwrap();
    ann.says("/shownote 1");
    ann.gets_file("kept.txt").await;
    ann.says("/files --mine");
    ann.sees("No file is kept").await;
    until(|| all_files(&folder).len() == 1).await;
    ann.says("/notebook unshare ops Bob");
    ann.sees("cannot read ops any more").await;
    for asked in ["/find mat", "/find has:file"] {
        bob.says(asked);
        bob.sees("No note that you can read fits").await;
    }
    bob.says("/shownote 1");
    bob.sees("There is no note 1").await;
    assert_eq!(all_files(&folder).len(), 1);
}

/// Makes all that the store knows of files of the chat two months old.
async fn forget_times(path: &Path) {
    use sqlx::{Connection as _, SqliteConnection};
    let url = format!("sqlite:{}", path.display());
    let mut store = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("UPDATE file SET created_ms = 1")
        .execute(&mut store)
        .await
        .unwrap();
    sqlx::query("UPDATE file_text SET created_ms = 1")
        .execute(&mut store)
        .await
        .unwrap();
    store.close().await.unwrap();
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().len() != 2 {
            continue;
        }
        for file in std::fs::read_dir(entry.path()).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    files
}

async fn until(holds: impl Fn() -> bool) {
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(tokio::time::Instant::now() < limit, "it does not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
