//! No secret is ever in a log, also not when things go wrong.

use jarvis_tests::console::word_after;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::node::Node;
use jarvis_tests::site::TelegramSite;
use jarvis_tests::telegram::{FakeTelegram, Fault};

#[tokio::test]
async fn no_log_holds_a_token_or_a_key() {
    let telegram = FakeTelegram::start().await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_telegram(&telegram).unwrap();
    jarvis.configure("log", "level = \"debug\"").unwrap();
    let site = jarvis_tests::site::Site::start(jarvis, &["web-1"])
        .await
        .unwrap();
    let mut site = TelegramSite {
        adapter: None,
        site,
        telegram,
    };
    site.start_adapter().await.unwrap();
    let ann = site.person_with_role("Ann", "operator").await;
    // Errors are where tokens leak: an address with the token in it, an answer that cannot be read.
    for method in [
        "sendMessage",
        "editMessageText",
        "getUpdates",
        "getFile",
        "file",
    ] {
        site.telegram.fail(method, 1, &Fault::CutBefore);
        site.telegram.fail(method, 1, &Fault::TooMany(1));
    }
    ann.says("/bind");
    let asked = ann.sees("/bind ").await;
    let bind_code = word_after(&asked.text, "/bind ").unwrap();
    let place = format!("web-1:{}/", site.site.node(0).files().display());
    ann.sends_file("data.bin", b"some bytes".to_vec(), &place);
    ann.says("/run web-1 printf '%s-%s' worked anyway");
    ann.sees("worked-anyway").await;
    site.telegram.heal();
    let root_key = std::fs::read_to_string(site.site.jarvis.data().join("root.key")).unwrap();
    let node_key = std::fs::read_to_string(site.site.node(0).folder().join("node.key")).unwrap();
    site.kill_adapter().await.unwrap();
    site.site.brain.as_mut().unwrap().stop().await.unwrap();
    let said = site.site.everything_said().unwrap();
    assert!(said.len() > 1000, "the log was read");
    let token = site.telegram.token();
    let (_, secret_half) = token.split_once(':').unwrap();
    let secrets = [
        ("bot token", secret_half),
        ("root key", root_key.trim()),
        ("node key", node_key.trim()),
        ("binding code", &bind_code),
    ];
    for (what, secret) in secrets {
        assert!(secret.len() >= 6, "{what} was read");
        let lines: Vec<&str> = said.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{what} in:\n{}", lines.join("\n"));
    }
}

#[tokio::test]
async fn key_files_are_for_their_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let jarvis = Jarvis::new().unwrap();
    jarvis.pipe("version\n").await.unwrap().good();
    let root = jarvis.root().await.unwrap();
    let node = Node::new("web-1", &root, jarvis.nodes()).await.unwrap();
    for file in [
        jarvis.data().join("root.key"),
        node.folder().join("node.key"),
    ] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", file.display());
    }
}
