//! The fake of personal WeChat refuses what the platform refuses. A client that was written elsewhere
//! finds nothing wrong with it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jarvis_tests::ilink::{FakeWeChat, Person, Rules, Settings};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::python_clients::python;

/// A bot that speaks bare HTTP.
struct Bot {
    client: reqwest::Client,
    base: String,
    token: String,
    calls: std::cell::Cell<u32>,
}

impl Bot {
    async fn of(wechat: &FakeWeChat, person: &Person) -> Self {
        let mut bot = Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: wechat.url(),
            token: String::new(),
            calls: std::cell::Cell::new(0),
        };
        let code = bot.call("get_bot_qrcode?bot_type=3", json!({})).await;
        let name = code["qrcode"].as_str().unwrap().to_owned();
        person.scans().await;
        person.confirms();
        let status = bot.status(&name).await;
        assert_eq!(status["status"], "confirmed", "{status}");
        bot.token = status["bot_token"].as_str().unwrap().to_owned();
        assert_eq!(status["ilink_user_id"], person.id());
        bot.call("msg/notifystart", json!({})).await;
        bot
    }

    async fn status(&self, code: &str) -> Value {
        let url = format!("{}/ilink/bot/get_qrcode_status?qrcode={code}", self.base);
        let request = self.client.get(url);
        let request = request
            .header("iLink-App-Id", "bot")
            .header("iLink-App-ClientVersion", "132105");
        request.send().await.unwrap().json().await.unwrap()
    }

    fn request(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.calls.set(self.calls.get() + 1);
        self.client
            .post(format!("{}/ilink/bot/{path}", self.base))
            .header("AuthorizationType", "ilink_bot_token")
            .header(
                "X-WECHAT-UIN",
                STANDARD.encode(self.calls.get().to_string()),
            )
            .bearer_auth(&self.token)
            .json(body)
    }

    async fn call(&self, path: &str, mut body: Value) -> Value {
        body["base_info"] = json!({"channel_version": "2.4.9", "bot_agent": "Test/1.0"});
        let request = self.request(path, &body);
        let request = request
            .header("iLink-App-Id", "bot")
            .header("iLink-App-ClientVersion", "132105");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap_or_default()
    }

    /// Sends a message; the platform's code.
    async fn sends(&self, person: &Person, change: impl FnOnce(&mut Value)) -> Value {
        let mut message = json!({
            "from_user_id": "", "to_user_id": person.id(),
            "client_id": format!("c{}", self.calls.get()),
            "message_type": 2, "message_state": 2,
            "item_list": [{"type": 1, "text_item": {"text": "hello"}}],
        });
        if let Some(context) = self.context(person).await {
            message["context_token"] = json!(context);
        }
        change(&mut message);
        self.call("sendmessage", json!({ "msg": message })).await
    }

    async fn context(&self, _person: &Person) -> Option<String> {
        let news = self
            .call("getupdates", json!({ "get_updates_buf": "" }))
            .await;
        let last = news["msgs"].as_array()?.last()?.clone();
        Some(last["context_token"].as_str()?.to_owned())
    }
}

fn settings() -> Settings {
    let usual = Settings::default();
    Settings {
        hold: Duration::from_millis(200),
        rules: Rules {
            burst: (100, Duration::from_secs(1)),
            cooldown: Duration::from_millis(1),
            ..usual.rules
        },
        ..usual
    }
}

#[tokio::test]
async fn messages_outside_of_the_rules_are_refused() {
    let mut settings = settings();
    settings.rules.replies = 3;
    let wechat = FakeWeChat::start_with(settings).await.unwrap();
    let ann = wechat.person("Ann");
    let bot = Bot::of(&wechat, &ann).await;
    let early = bot.sends(&ann, |_| ()).await;
    assert_eq!(early["ret"], -2, "nobody has written yet");
    ann.says("hi");
    let first = bot
        .sends(&ann, |message| message["client_id"] = json!("one"))
        .await;
    assert!(first["message_id"].as_u64().unwrap() > 1 << 53);
    assert_eq!(first["ret"], Value::Null, "success has no ret");
    let again = bot
        .sends(&ann, |message| message["client_id"] = json!("one"))
        .await;
    assert_eq!(again["message_id"], first["message_id"]);
    assert_eq!(ann.count("hello"), 1, "it is shown once");
    type Change = fn(&mut Value);
    let wrong: [(&str, Change); 8] = [
        ("to_user_id", |message| {
            message["to_user_id"] = json!("eve@im.wechat");
        }),
        ("from_user_id", |message| {
            message["from_user_id"] = json!("me");
        }),
        ("client_id", |message| message["client_id"] = json!("")),
        ("message_type", |message| message["message_type"] = json!(1)),
        ("one item", |message| {
            let item = message["item_list"][0].clone();
            message["item_list"] = json!([item, item]);
        }),
        ("too long", |message| {
            message["item_list"][0]["text_item"]["text"] = json!("x".repeat(4001));
        }),
        ("context_token", |message| {
            message["context_token"] = json!("CTX-of-nobody");
        }),
        ("nobody has put up", |message| {
            message["item_list"] = json!([{"type": 4, "file_item": {
                "file_name": "a", "len": "1",
                "media": {"encrypt_query_param": "DL0", "aes_key": "", "encrypt_type": 1}}}]);
        }),
    ];
    for (what, change) in wrong {
        let answer = bot.sends(&ann, change).await;
        assert_eq!(answer["ret"], -1, "{what}: {answer}");
        assert!(
            answer["errmsg"].as_str().unwrap().contains(what),
            "{answer}"
        );
    }
    for _ in 0..2 {
        assert!(bot.sends(&ann, |_| ()).await["message_id"].is_u64());
    }
    assert_eq!(
        bot.sends(&ann, |_| ()).await["ret"],
        -2,
        "three after one word"
    );
    ann.says("more");
    assert!(bot.sends(&ann, |_| ()).await["message_id"].is_u64());
}

#[tokio::test]
async fn calls_without_what_the_platform_wants_are_refused() {
    let wechat = FakeWeChat::start_with(settings()).await.unwrap();
    let ann = wechat.person("Ann");
    let bot = Bot::of(&wechat, &ann).await;
    let bare = json!({"get_updates_buf": "", "base_info": {"channel_version": "2.4.9"}});
    let answer = bot.request("getupdates", &bare).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["errcode"], -14, "without the headers of an app");
    let of_nobody = bot
        .call("getupdates", json!({"get_updates_buf": "BUF-x-7"}))
        .await;
    assert_eq!(of_nobody["ret"], -1);
    // One live line: the second sign-in ends the first.
    let second = Bot::of(&wechat, &ann).await;
    let answer = bot.call("getupdates", json!({"get_updates_buf": ""})).await;
    assert_eq!(answer["errcode"], -14);
    ann.says("to the second");
    assert!(second.context(&ann).await.is_some());
}

#[tokio::test]
async fn too_fast_is_too_many() {
    let usual = Settings::default();
    let settings = Settings {
        hold: Duration::from_millis(50),
        rules: Rules {
            burst: (3, Duration::from_secs(30)),
            cooldown: Duration::from_secs(30),
            ..usual.rules
        },
        ..usual
    };
    let wechat = FakeWeChat::start_with(settings).await.unwrap();
    let ann = wechat.person("Ann");
    let bot = Bot::of(&wechat, &ann).await;
    ann.says("hi");
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(bot.sends(&ann, |_| ()).await["ret"].as_i64());
    }
    assert_eq!(codes, [None, None, Some(-2), Some(-2)]);
}

#[tokio::test]
async fn a_public_client_signs_in_hears_and_answers() {
    let Some(python) = python() else { return };
    let settings = Settings {
        app_headers: false,
        ..settings()
    };
    let wechat = FakeWeChat::start_with(settings).await.unwrap();
    let ann = wechat.person("Ann");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/check_ilink_fake.py");
    let mut child = Command::new(python)
        .arg(script)
        .args([wechat.url(), wechat.cdn_url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut asked = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let (what, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match what {
            "code" if wechat.codes() == 1 => wechat.expires_code(),
            "code" => {
                assert_eq!(rest, wechat.shows_code().await);
                ann.scans().await;
            }
            "scanned" => ann.confirms(),
            "signed-in" => {
                assert_eq!(rest, ann.id());
                ann.says("你好 😀");
                ann.says("bye");
            }
            _ => {}
        }
        asked.push(what.to_owned());
        input.write_all(b"\n").await.unwrap();
    }
    assert!(child.wait().await.unwrap().success(), "{asked:?}");
    let expected = ["code", "expired", "code", "scanned", "signed-in", "done"];
    assert_eq!(asked, expected);
    ann.sees("heard '你好 😀'").await;
    ann.sees("heard 'bye'").await;
    ann.sees_typing_end().await;
    assert!(wechat.complaints().is_empty(), "{:?}", wechat.complaints());
}

/// Set by `scripts/test` to a folder in which npm has put Tencent's own client.
const WEIXIN: &str = "JARVIS_TEST_NODE_WEIXIN";

#[tokio::test]
async fn tencents_own_client_hears_and_sends_files() {
    let Ok(folder) = std::env::var(WEIXIN) else {
        eprintln!("skipped: {WEIXIN} names no folder with the client (see scripts/test)");
        return;
    };
    // What the parts that are used import of the program around them.
    let host = Path::new(&folder).join("node_modules/openclaw");
    std::fs::create_dir_all(&host).unwrap();
    let exports = r#"{"name": "openclaw", "version": "0.0.0", "type": "module",
        "exports": {"./plugin-sdk/*": "./stand-in.js"}}"#;
    let stand_in = "import os from 'node:os';\n\
        export const resolvePreferredOpenClawTmpDir = () => os.tmpdir();\n\
        export const normalizeAccountId = (id) => id;\n\
        export const withFileLock = (file, options, work) => work();\n\
        export const loadConfig = () => ({});\n";
    std::fs::write(host.join("package.json"), exports).unwrap();
    std::fs::write(host.join("stand-in.js"), stand_in).unwrap();
    let settings = Settings {
        full_urls: true,
        ..settings()
    };
    let wechat = FakeWeChat::start_with(settings).await.unwrap();
    let ann = wechat.person("Ann");
    let bot = Bot::of(&wechat, &ann).await;
    ann.says("你好");
    let bytes: Vec<u8> = (0..3000_u32).map(|place| (place % 251) as u8).collect();
    ann.sends_file("a.bin", bytes);
    ann.sends_picture("a plain picture", false);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/check_ilink_fake.mjs");
    let run = Command::new("node")
        .arg(script)
        .args([&folder, &wechat.url(), &wechat.cdn_url(), &bot.token])
        .arg(ann.id())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("done"), "{said}");
    ann.sees("a text").await;
    assert_eq!(ann.gets_file("报告.pdf").await.len(), 100);
    assert_eq!(ann.gets_file("large.bin").await.len(), 1_000_000);
    assert_eq!(ann.gets_file("picture").await.len(), 32);
    ann.sees_typing_end().await;
    assert!(wechat.complaints().is_empty(), "{:?}", wechat.complaints());
}
