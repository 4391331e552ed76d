//! The fake of WeCom's robots as Tencent's own clients see it, which were written for the real platform.

use std::path::Path;

use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::wecom_bot::{FakeWecom, Fault};
use ring::digest::{SHA256, digest};
use tokio::process::Command;

/// Set by `scripts/test` to a folder with the clients of `tests/node/package.json`.
const CLIENTS: &str = "JARVIS_TEST_NODE_CLIENTS";

/// Starts a script of `tests/node`; `None`, and a word about it, where the clients are not there.
pub(crate) fn start(script: &str, arguments: &[&str]) -> Option<Process> {
    let Ok(clients) = std::env::var(CLIENTS) else {
        let is_here = std::process::Command::new("node")
            .arg("--version")
            .output()
            .is_ok();
        assert!(
            std::env::var("CI").as_deref() != Ok("true") || !is_here,
            "node is here but {CLIENTS} is not set: run scripts/test"
        );
        eprintln!("skipped: {CLIENTS} names no folder with the clients (see scripts/test)");
        return None;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("node")
        .join(script);
    let mut command = Command::new("node");
    command
        .arg(path)
        .args(arguments)
        .env("NODE_PATH", Path::new(&clients).join("node_modules"));
    Some(Process::start(script, &mut command).unwrap())
}

pub(crate) async fn hears(client: &Process, text: &str) {
    let said = client
        .out()
        .find(0, PATIENCE, |out| out.contains(text).then_some(()))
        .await;
    assert!(said.is_some(), "no {text:?} in:\n{}", client.everything());
}

fn sha(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))[..16].to_owned()
}

#[tokio::test]
async fn the_official_client_talks_with_the_fake() {
    let wecom = FakeWecom::start().await.unwrap();
    let (bot_id, secret) = wecom.credentials();
    let Some(client) = start("talk_aibot.cjs", &[&wecom.url(), &bot_id, &secret]) else {
        return;
    };
    wecom.is_connected(0).await;
    hears(&client, "authenticated").await;
    let ann = wecom.person("Ann");
    let group = wecom.group("ops");
    ann.enters();
    ann.sees("welcome").await;
    ann.says("你好 😀");
    ann.sees("heard 你好 😀").await;
    ann.says_quoting("and this", FakeWecom::quote("something said"));
    ann.sees("about \"something said\"").await;
    ann.asks_in(&group, "status");
    let heard = ann.sees_in(&group, "heard @RobotA status").await;
    assert!(heard.answers.is_some() && heard.is_finished);

    ann.says("stream");
    ann.sees("one two three").await;
    hears(&client, "stream failed: 846608").await;
    let log = ann.log();
    let bubble = log.last().unwrap();
    let states = log.iter().filter(|entry| entry.id == bubble.id).count();
    assert_eq!((states, bubble.is_finished), (3, true), "{log:#?}");

    ann.asks_in(&group, "push");
    let pushed = ann.sees_in(&group, "pushed").await;
    assert_eq!(pushed.answers, None);
    hears(&client, "push failed: 93006").await;

    let report = "报告 one\n".repeat(4000);
    ann.sends_file("报告.txt", report.as_bytes());
    let wanted = format!("file 报告.txt {} {}", report.len(), sha(report.as_bytes()));
    ann.sees(&wanted).await;
    ann.asks_with_picture_in(&group, "look", b"a picture");
    let wanted = format!("2 items, picture {}", sha(b"a picture"));
    ann.sees_in(&group, &wanted).await;

    ann.says("upload");
    let got = ann.gets_file("报告.bin").await;
    assert_eq!(got.len(), 1_100_000);
    assert_eq!(wecom.count_calls("aibot_upload_media_chunk", 0), 3);

    ann.says("card");
    ann.sees("Really?").await;
    let press = ann.presses("Yes");
    hears(&client, "pressed yes of task-1").await;
    ann.press_is_shown(&press).await;
    ann.sees("You chose yes").await;

    wecom.beats(2).await;
    let logins = wecom.logins();
    wecom.cut_line();
    wecom.is_connected(logins).await;
    ann.says("again");
    ann.sees("heard again").await;
    assert!(wecom.complaints().is_empty(), "{:?}", wecom.complaints());

    // A second one takes the robot from the first, which stays away.
    let logins = wecom.logins();
    let second = start("talk_aibot.cjs", &[&wecom.url(), &bot_id, &secret]).unwrap();
    wecom.is_connected(logins).await;
    hears(&client, "disconnected: New connection established").await;
    hears(&second, "authenticated").await;
    ann.says("who?");
    ann.sees("heard who?").await;
    assert_eq!((wecom.logins(), wecom.takeovers()), (logins + 1, 1));
}

#[tokio::test]
async fn the_official_client_hears_refusals() {
    let wecom = FakeWecom::start().await.unwrap();
    let (bot_id, secret) = wecom.credentials();
    let Some(client) = start("talk_aibot.cjs", &[&wecom.url(), &bot_id, "wrong"]) else {
        return;
    };
    hears(&client, "Authentication failed").await;
    hears(&client, "error: Max auth failure attempts").await;
    assert_eq!(wecom.logins(), 0);
    let client = start("talk_aibot.cjs", &[&wecom.url(), &bot_id, &secret]).unwrap();
    wecom.is_connected(0).await;
    let ann = wecom.person("Ann");
    for code in [846_605, 45_009, 93_006] {
        wecom.fail("aibot_respond_msg", 1, Fault::Code(code));
        ann.says("hello");
        hears(&client, &format!("answer failed: {code}")).await;
    }
    wecom.fail("aibot_respond_msg", 1, Fault::Silent);
    ann.says("hello");
    hears(&client, "ack timeout").await;
    // Two heartbeats without an answer, and it connects anew.
    let logins = wecom.logins();
    wecom.fail("ping", 2, Fault::Silent);
    wecom.is_connected(logins).await;
}

#[tokio::test]
async fn the_official_encryption_agrees_with_the_fake() {
    const TOKEN: &str = "fake-callback-token";
    const AES_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
    let port = free_port().unwrap().to_string();
    let Some(robot) = start("answer_callbacks.cjs", &[&port, TOKEN, AES_KEY]) else {
        return;
    };
    hears(&robot, "listening").await;
    let wecom = FakeWecom::start().await.unwrap();
    let url = format!("http://127.0.0.1:{port}/wecom");
    assert!(wecom.set_address(&url, "another", AES_KEY).await.is_err());
    wecom.set_address(&url, TOKEN, AES_KEY).await.unwrap();
    let ann = wecom.person("Ann");
    ann.enters();
    ann.sees("welcome").await;
    ann.says("你好");
    ann.sees("also 你好").await;
    ann.sees("working").await;
    let done = ann.sees("done 你好").await;
    assert!(done.is_change && done.is_finished, "{done:?}");
    hears(&robot, "response_url: {\"errcode\":0").await;
    hears(&robot, "response_url again: {\"errcode\":60140").await;
    assert!(wecom.complaints().is_empty(), "{:?}", wecom.complaints());
}
