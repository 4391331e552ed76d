//! The fake QQ as public clients see it, which were written for the real programs.

use std::path::Path;

use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::qq::FakeQq;
use jarvis_tests::qq::milky::Milky;
use jarvis_tests::qq::onebot::{OneBot, Settings};
use tokio::process::Command;

/// Set by `scripts/test` to a Python that has grpcio and the clients of `tests/python/requirements.txt`.
const PYTHON: &str = "JARVIS_TEST_PYTHON_CHATS";

/// That Python; `None`, and a word about it, where it is not there.
pub(crate) fn python() -> Option<String> {
    match std::env::var(PYTHON) {
        Ok(python) => Some(python),
        Err(_) => {
            let is_here = std::process::Command::new("python3")
                .arg("--version")
                .output()
                .is_ok();
            assert!(
                std::env::var("CI").as_deref() != Ok("true") || !is_here,
                "python3 is here but {PYTHON} is not set: run scripts/test"
            );
            eprintln!("skipped: {PYTHON} names no Python with the clients (see scripts/test)");
            None
        }
    }
}

/// Starts a script of `tests/python`.
pub(crate) fn start(python: &str, script: &str, arguments: &[&str]) -> Process {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("python")
        .join(script);
    let mut command = Command::new(python);
    command.arg("-u").arg(path).args(arguments);
    Process::start(script, &mut command).unwrap()
}

/// What any client of one of our programs must understand of people, and they of it.
async fn talks(qq: &FakeQq) {
    let ann = qq.person("Ann");
    ann.says("你好 😀 [CQ:at,qq=1] & more");
    let heard = ann.sees("heard ").await;
    assert!(
        heard.text.contains("'你好 😀 [CQ:at,qq=1] & more' as text")
            && heard.text.contains("to me: True"),
        "{}",
        heard.text
    );
    assert!(
        heard.text.contains(&format!("from {}", ann.id())),
        "{}",
        heard.text
    );
    let group = qq.group("ops");
    ann.says_in(group, "lunch?");
    let heard = ann.sees_in(group, "heard 'lunch?'").await;
    assert!(heard.text.contains("to me: False"), "{}", heard.text);
    ann.asks_in(group, "status");
    let heard = ann.sees_in(group, "heard 'status'").await;
    assert!(heard.text.contains("to me: True"), "{}", heard.text);
    ann.replies_in(group, heard.id, "and now");
    ann.sees_in(group, "heard 'and now'").await;
    ann.sends_file_in(ann.room(), "a.log", "one\n");
    ann.sees("as file").await;
    assert!(qq.complaints().is_empty(), "{:?}", qq.complaints());
}

#[tokio::test]
async fn nonebot_talks_with_the_fake_onebot() {
    let Some(python) = python() else { return };
    for as_strings in [false, true] {
        let qq = FakeQq::new();
        let settings = Settings {
            as_strings,
            ..Settings::default()
        };
        let onebot = OneBot::start_with(&qq, settings).await.unwrap();
        let (url, token) = (onebot.url(), onebot.token().unwrap());
        let _client = start(&python, "talk_nonebot.py", &["onebot", &url, &token]);
        onebot.is_connected(0).await;
        talks(&qq).await;
    }
}

#[tokio::test]
async fn nonebot_talks_with_the_fake_milky() {
    let Some(python) = python() else { return };
    let qq = FakeQq::new();
    let milky = Milky::start(&qq).await.unwrap();
    let (host, port) = (
        milky.address().ip().to_string(),
        milky.address().port().to_string(),
    );
    let arguments = ["milky", &host, &port, milky.token()];
    let _client = start(&python, "talk_nonebot.py", &arguments);
    milky.is_connected(0).await;
    talks(&qq).await;
}

/// A client that reads server-sent events, and one that takes posts: both hear and answer.
#[tokio::test]
async fn public_clients_hear_the_other_ways_of_the_fake_milky() {
    let Some(python) = python() else { return };
    let qq = FakeQq::new();
    let milky = Milky::start(&qq).await.unwrap();
    let url = milky.url();
    let _client = start(&python, "talk_milky_sse.py", &[&url, milky.token()]);
    milky.is_connected(0).await;
    talks(&qq).await;

    let qq = FakeQq::new();
    let mut milky = Milky::start(&qq).await.unwrap();
    let here = free_port().unwrap().to_string();
    let (host, port) = (
        milky.address().ip().to_string(),
        milky.address().port().to_string(),
    );
    let arguments = ["milky-webhook", &host, &port, milky.token(), &here];
    let client = start(&python, "talk_nonebot.py", &arguments);
    let listens = client
        .out()
        .find(0, PATIENCE, |log| log.find("Uvicorn running"));
    let said = listens.await;
    assert!(said.is_some(), "{}", client.everything());
    milky.posts_to(&format!("http://127.0.0.1:{here}/milky/"));
    talks(&qq).await;
}

#[tokio::test]
async fn aiocqhttp_takes_connections_and_signed_posts_of_the_fake_onebot() {
    const SECRET: &str = "a-secret";
    let Some(python) = python() else { return };
    let qq = FakeQq::new();
    let settings = Settings {
        // Its echo is an object.
        echoes_anything: true,
        ..Settings::default()
    };
    let mut onebot = OneBot::start_with(&qq, settings).await.unwrap();
    let port = free_port().unwrap().to_string();
    let token = onebot.token().unwrap();
    let client = start(&python, "talk_aiocqhttp.py", &[&port, &token, SECRET]);
    onebot.connects_to(&format!("ws://127.0.0.1:{port}/ws/"));
    onebot.is_connected(0).await;
    let ann = qq.person("Ann");
    let group = qq.group("ops");
    ann.says_in(group, "please answer");
    ann.sees_in(group, "an answer & [more]").await;
    let hears = async |text: &str| {
        let said = client
            .out()
            .find(0, PATIENCE, |out| out.contains(text).then_some(()))
            .await;
        assert!(said.is_some(), "no {text:?} in:\n{}", client.everything());
    };
    hears("sent True").await;
    // The same by post: the right signature is believed, a wrong one is not.
    onebot.set_down(true);
    onebot.posts_to(&format!("http://127.0.0.1:{port}/"), Some(SECRET));
    ann.says("by post");
    hears("heard 'by post'").await;
    assert!(qq.complaints().is_empty(), "{:?}", qq.complaints());
    onebot.posts_to(&format!("http://127.0.0.1:{port}/"), Some("wrong"));
    ann.says("once more");
    qq.complains("answered with 403").await;
}
