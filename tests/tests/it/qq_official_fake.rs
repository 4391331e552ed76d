//! The fake platform for QQ's official bots refuses what the platform refuses. Tencent's own client
//! finds nothing wrong with it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use jarvis_tests::qq_official::{FakeQq, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio_tungstenite::tungstenite::Message;

/// Set by `scripts/test` to a Python that has qqbot-agent-sdk.
const PYTHON: &str = "JARVIS_TEST_PYTHON_QQ";

/// A bot that speaks bare HTTP.
struct Bot {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Bot {
    async fn of(qq: &FakeQq) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let (app_id, secret) = qq.credentials();
        let body = json!({"appId": app_id, "clientSecret": secret});
        let answer = client
            .post(qq.token_url())
            .json(&body)
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        Self {
            client,
            base: qq.url(),
            token: answer["access_token"].as_str().unwrap().to_owned(),
        }
    }

    async fn call(&self, path: &str, body: Value) -> (u16, i64) {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request.header("Authorization", format!("QQBot {}", self.token));
        let answer = request.json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        (status, body["code"].as_i64().unwrap_or_default())
    }
}

#[tokio::test]
async fn messages_outside_of_the_rules_are_refused() {
    let mut settings = Settings::default();
    settings.rules.room_per_minute = 2;
    let qq = FakeQq::start_with(settings).await.unwrap();
    let bot = Bot::of(&qq).await;
    let ann = qq.person("Ann");
    let group = qq.group("ops");
    let asked = ann.says("hi");
    let private = "/v2/users/U-Ann/messages";
    let text =
        |number: u64| json!({"msg_type": 0, "content": "a", "msg_id": asked, "msg_seq": number});
    for number in 1..=5 {
        assert_eq!(bot.call(private, text(number)).await, (200, 0));
    }
    assert_eq!(bot.call(private, text(5)).await.1, 40_054_005);
    assert_eq!(bot.call(private, text(6)).await.1, 40_034_128);
    let in_group = "/v2/groups/G-ops/messages";
    assert_eq!(bot.call(in_group, text(7)).await.1, 40_034_025);
    let unasked = json!({"msg_type": 0, "content": "a"});
    assert_eq!(bot.call(in_group, unasked.clone()).await.1, 40_034_105);
    group.takes_unasked(true);
    for code in [0, 0, 40_034_100] {
        assert_eq!(bot.call(in_group, unasked.clone()).await.1, code);
    }
    for (body, code) in [
        (json!({"msg_type": 0, "content": " "}), 50_006),
        (
            json!({"msg_type": 0, "content": "x".repeat(4001)}),
            40_054_007,
        ),
        (
            json!({"msg_type": 0, "content": "a", "colour": 1}),
            40_034_002,
        ),
        (
            json!({"msg_type": 0, "content": "a", "msg_id": "nobody"}),
            40_034_024,
        ),
        (
            json!({"msg_type": 0, "content": "a", "msg_id": asked, "msg_seq": 65_536}),
            40_034_002,
        ),
        (
            json!({"msg_type": 7, "media": {"file_info": "none"}}),
            304_082,
        ),
        (
            json!({"msg_type": 0, "content": "a", "keyboard": {}}),
            304_037,
        ),
        (
            json!({"msg_type": 2, "markdown": {"content": "a"}, "keyboard": {"content": {"rows": []}}}),
            40_034_029,
        ),
    ] {
        assert_eq!(bot.call(private, body.clone()).await.1, code, "{body}");
    }
    assert_eq!(
        bot.call("/v2/users/U-Nobody/messages", unasked.clone())
            .await
            .1,
        11_255
    );
    ann.removes_bot();
    assert_eq!(bot.call(private, unasked.clone()).await.1, 40_054_004);
    group.mutes_bot(true);
    assert_eq!(bot.call(in_group, unasked.clone()).await.1, 40_054_002);
    group.removes_bot();
    assert_eq!(bot.call(in_group, unasked.clone()).await.1, 40_054_003);
    qq.end_token();
    assert_eq!(bot.call(private, unasked).await, (401, 11_244));
}

#[tokio::test]
async fn a_window_and_a_stream_have_their_ends() {
    let mut settings = Settings::default();
    settings.rules.private_window = Duration::ZERO;
    let qq = FakeQq::start_with(settings).await.unwrap();
    let bot = Bot::of(&qq).await;
    let asked = qq.person("Ann").says("hi");
    let late = json!({"msg_type": 0, "content": "a", "msg_id": asked});
    assert_eq!(
        bot.call("/v2/users/U-Ann/messages", late).await.1,
        40_034_128
    );

    let qq = FakeQq::start().await.unwrap();
    let bot = Bot::of(&qq).await;
    let asked = qq.person("Ann").says("hi");
    let state = |index: u64, state: u64, id: Value| {
        json!({
            "input_mode": "replace", "input_state": state, "content_type": "markdown",
            "content_raw": "a", "event_id": format!("C2C_MESSAGE_CREATE:{asked}"), "msg_id": asked,
            "msg_seq": 1, "index": index, "stream_msg_id": id,
        })
    };
    let path = "/v2/users/U-Ann/stream_messages";
    let mut wrong = state(0, 1, Value::Null);
    wrong["event_id"] = json!("another");
    assert_eq!(bot.call(path, wrong).await.1, 40_034_024);
    assert_eq!(bot.call(path, state(0, 1, Value::Null)).await.1, 0);
    let id = json!(qq.person_log("U-Ann").last().unwrap().id);
    assert_eq!(bot.call(path, state(1, 1, id.clone())).await, (429, 50_002));
    assert_eq!(
        bot.call(path, state(1, 1, id)).await.1,
        40_034_002,
        "used up"
    );
}

#[tokio::test]
async fn the_gateway_wants_a_token_intents_and_heartbeats() {
    let settings = Settings {
        heartbeat: Duration::from_millis(200),
        ..Settings::default()
    };
    let qq = FakeQq::start_with(settings).await.unwrap();
    let bot = Bot::of(&qq).await;
    let identify = |token: &str, intents: u64| json!({"op": 2, "d": {"token": format!("QQBot {token}"), "intents": intents, "shard": [0, 1]}});
    let resume = json!({"op": 6, "d": {"token": format!("QQBot {}", bot.token), "session_id": "none", "seq": 1}});
    for (greeting, end) in [
        (identify("wrong", 1 << 25), "4004"),
        (identify(&bot.token, 0), "4013"),
        (identify(&bot.token, 1 << 25 | 1 << 28), "4014"),
        (json!({"op": 1, "d": null}), "4003"),
        (resume, "{\"d\":false,\"op\":9}"),
        // Nothing more is said: the gateway gives up.
        (identify(&bot.token, 1 << 25), "4009"),
    ] {
        assert_eq!(end_of(&qq, &greeting).await, end, "{greeting}");
    }
}

/// How the gateway ends a connection that began so.
async fn end_of(qq: &FakeQq, greeting: &Value) -> String {
    let url = qq.gateway_url();
    let address = url.trim_start_matches("ws://").split('/').next().unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(&url, stream).await.unwrap();
    let mut is_greeted = false;
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) if !is_greeted => {
                assert!(text.contains("heartbeat_interval"), "{text}");
                socket
                    .send(Message::text(greeting.to_string()))
                    .await
                    .unwrap();
                is_greeted = true;
            }
            Message::Text(text) if text.contains("\"op\":9") => return text.to_string(),
            Message::Close(Some(frame)) => return u16::from(frame.code).to_string(),
            _ => {}
        }
    }
    "nothing".to_owned()
}

#[tokio::test]
async fn tencents_own_client_finds_nothing_wrong() {
    let Ok(python) = std::env::var(PYTHON) else {
        eprintln!("skipped: {PYTHON} names no Python with qqbot-agent-sdk (see scripts/test)");
        return;
    };
    let qq = FakeQq::start().await.unwrap();
    let (app_id, secret) = qq.credentials();
    let ann = qq.person("Ann");
    let group = qq.group("ops");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/check_qq_official_fake.py");
    let mut child = Command::new(python)
        .arg(script)
        .args([app_id, secret])
        .env("QQ_API_BASE", qq.url())
        .env("QQ_TOKEN_URL", qq.token_url())
        // A proxy does not lead to this machine.
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .env_remove("ALL_PROXY")
        .env_remove("all_proxy")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut answers = child.stdin.take().unwrap();
    let mut requests = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = String::new();
    let play = async {
        while let Some(request) = requests.next_line().await.unwrap() {
            match request.split_once(' ').unwrap_or((&request, "")) {
                ("say", text) => drop(ann.says(text)),
                ("ask-group", text) => drop(ann.asks_in(&group, text)),
                ("press", label) => drop(ann.presses(label)),
                ("reconnect", _) => qq.ask_to_reconnect(),
                ("end-token", _) => qq.end_token(),
                _ => {}
            }
            last = request;
            // The script reads no answer to its last line.
            let _ = answers.write_all(b"ok\n").await;
        }
        child.wait().await.unwrap()
    };
    let status = tokio::time::timeout(Duration::from_secs(120), play)
        .await
        .expect("the script ends in time");
    assert!(
        status.success(),
        "the script failed, see its last words above"
    );
    assert!(last.starts_with("passed "), "{last}");
    // What the script has said, as people saw it.
    for text in ["text of tencent", "markdown of tencent"] {
        assert_eq!(ann.count(text), 1, "{text}");
    }
    assert!(group.log().iter().any(|entry| entry.text == "to the group"));
    assert_eq!(qq.file("tencent.bin").unwrap().len(), 3_000_000);
}
