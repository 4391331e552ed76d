//! OneBot v11: what only it has, and what reaches it that should not.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::qq::onebot::{OneBot, Settings};
use jarvis_tests::qq::{FakeQq, Fault};
use serde_json::json;
use sha1::Sha1;

/// QQ with one program, a brain, and an adapter between them.
struct Stage {
    qq: FakeQq,
    onebot: OneBot,
    jarvis: Jarvis,
    adapter: Process,
    _brain: Process,
}

impl Stage {
    async fn set(settings: Settings) -> Self {
        let qq = FakeQq::new();
        let onebot = OneBot::start_with(&qq, settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        jarvis.configure_qq(&onebot).unwrap();
        let brain = jarvis.brain().await.unwrap();
        let adapter = jarvis.start(&["adapter", "onebot"]).unwrap();
        qq.hears("get_version_info", 0).await;
        Self {
            qq,
            onebot,
            jarvis,
            adapter,
            _brain: brain,
        }
    }

    /// Waits for `text` in the adapter's log.
    async fn logs(&self, text: &str) {
        let found = self
            .adapter
            .err()
            .find(0, PATIENCE, |log| log.find(text))
            .await;
        assert!(
            found.is_some(),
            "no {text:?} in:\n{}",
            self.adapter.everything()
        );
    }
}

#[tokio::test]
async fn a_wrong_token_is_told_and_nothing_is_tried_again() {
    for refuses_handshake in [false, true] {
        let qq = FakeQq::new();
        let settings = Settings {
            refuses_handshake,
            ..Settings::default()
        };
        let onebot = OneBot::start_with(&qq, settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        let url = onebot.url();
        let keys = format!("transport = \"websocket\"\nurl = \"{url}\"\n");
        jarvis
            .configure_qq_with(Some("wrong-token-of-story"), &keys)
            .unwrap();
        let mut adapter = jarvis.start(&["adapter", "onebot"]).unwrap();
        let status = adapter.ends(PATIENCE).await.unwrap();
        let log = adapter.everything();
        assert!(
            !status.success() && log.contains("refuses the token"),
            "{log}"
        );
        assert!(!log.contains("wrong-token-of-story"), "{log}");
    }
}

#[tokio::test]
async fn check_says_what_to_do() {
    let qq = FakeQq::new();
    let onebot = OneBot::start(&qq).await.unwrap();
    let check = async |token: &str, url: &str| {
        let jarvis = Jarvis::new().unwrap();
        let keys = format!("transport = \"websocket\"\nurl = \"{url}\"\n");
        jarvis.configure_qq_with(Some(token), &keys).unwrap();
        let run = jarvis
            .run(&["adapter", "onebot", "--check"], "", PATIENCE)
            .await
            .unwrap();
        (run.status.success(), run.out)
    };
    let token = onebot.token().unwrap();
    let (is_good, said) = check(&token, &onebot.url()).await;
    assert!(
        is_good && said.contains("lets us in as 1000000001"),
        "{said}"
    );
    assert!(said.contains("start `jarvis brain`"), "{said}");
    assert!(said.contains("0 s off the platform's"), "{said}");
    let (is_good, said) = check("wrong-token-of-story", &onebot.url()).await;
    assert!(!is_good && said.contains("set the same token"), "{said}");
    assert!(!said.contains("wrong-token-of-story"), "{said}");
    let nowhere = format!("ws://127.0.0.1:{}", free_port().unwrap());
    let (is_good, said) = check(&token, &nowhere).await;
    assert!(
        !is_good && said.contains("look whether the QQ program runs"),
        "{said}"
    );
    let jarvis = Jarvis::new().unwrap();
    let run = jarvis
        .run(&["adapter", "onebot", "--check"], "", PATIENCE)
        .await
        .unwrap();
    assert!(
        !run.status.success() && run.out.contains("set `onebot.transport`"),
        "{}",
        run.out
    );
}

#[tokio::test]
async fn a_program_that_went_silent_is_dialled_again() {
    let settings = Settings {
        heartbeat: Duration::from_millis(300),
        ..Settings::default()
    };
    let stage = Stage::set(settings).await;
    let ann = stage.qq.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    stage.onebot.beats().await;
    let connections = stage.onebot.connections();
    stage.onebot.set_mute(true);
    stage.logs("went silent").await;
    stage.onebot.set_mute(false);
    stage.onebot.is_connected(connections).await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
}

/// What no program should send.
pub(crate) fn odd_frames(account: i64) -> Vec<String> {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = "x".repeat(10 << 20);
    vec![
        String::new(),
        "no JSON".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!("{{\"post_type\": \"message\", \"message\": {deep}}}"),
        json!({"post_type": 5, "event_type": [], "echo": {}}).to_string(),
        json!({"echo": "jarvis-1", "status": "ok", "retcode": 0, "data": null}).to_string(),
        json!({"echo": "jarvis-9999", "stream": "stream-action", "data": {"type": "stream"}}).to_string(),
        json!({"post_type": "unheard_of", "event_type": "unheard_of", "self_id": account, "data": long})
            .to_string(),
        json!({"post_type": "message", "event_type": "message_receive", "self_id": account}).to_string(),
        json!({"post_type": "message", "message_type": "private", "self_id": account, "user_id": "x",
            "message": [{"type": "text", "data": {"text": "/start"}}]})
        .to_string(),
        json!({"post_type": "meta_event", "meta_event_type": "heartbeat", "interval": -1, "status": 7})
            .to_string(),
    ]
}

#[tokio::test]
async fn odd_frames_do_no_harm() {
    let stage = Stage::set(Settings::default()).await;
    let ann = stage.qq.person("Ann");
    for frame in odd_frames(stage.qq.account()) {
        stage.qq.tells_raw(&frame);
    }
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    assert_eq!(stage.onebot.connections(), 1);
    // One that is too large costs the connection, and nothing else.
    stage.qq.tells_raw(&"x".repeat(17 << 20));
    stage.onebot.is_connected(1).await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    assert_eq!(stage.qq.sent(ann.room()), 2);
}

#[tokio::test]
async fn what_qq_swallows_is_said_again_and_what_it_forbids_is_not() {
    let stage = Stage::set(Settings::default()).await;
    let ann = stage.qq.person("Ann");
    for fault in [
        Fault::Swallow,
        Fault::SwallowWithoutId,
        Fault::Failed(1200, "Timeout: NTEvent serviceAndMethod".to_owned()),
        Fault::CutBefore,
    ] {
        let before = stage.qq.sent(ann.room());
        stage.qq.fail("send_private_msg", 1, &fault);
        ann.says("/start");
        ann.sees("I don't know you yet").await;
        assert_eq!(stage.qq.sent(ann.room()), before + 1, "{fault:?}");
    }
    // In a group that has silenced us nothing is tried twice.
    let group = stage.qq.group("ops");
    stage.qq.mute(group, true);
    let before = stage.qq.count_calls("send_group_msg");
    ann.asks_in(group, "/version");
    stage.qq.hears("send_group_msg", before).await;
    stage.qq.mute(group, false);
    ann.asks_in(group, "/start");
    ann.sees_in(group, "I don't know you yet").await;
    assert_eq!(stage.qq.count_calls("send_group_msg"), before + 2);
    assert!(
        stage.qq.complaints().is_empty(),
        "{:?}",
        stage.qq.complaints()
    );
}

#[tokio::test]
async fn a_second_adapter_is_told_why_it_waits_and_takes_over() {
    let mut stage = Stage::set(Settings::default()).await;
    let ann = stage.qq.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    let second = stage.jarvis.start(&["adapter", "onebot"]).unwrap();
    let told = "another process is connected as this bot";
    let found = second.err().find(0, PATIENCE, |log| log.find(told)).await;
    assert!(found.is_some(), "{}", second.everything());
    // Both hear it; the brain hears of it twice, once now and once when the second takes over.
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    // A room is answered in order: with this, what was said before is confirmed.
    ann.says("/help version");
    ann.sees("version –").await;
    stage.adapter.kill().await.unwrap();
    ann.says("/help lang");
    ann.sees("lang –").await;
    assert_eq!(stage.qq.count(ann.room(), "Jarvis 0."), 1);
    assert_eq!(stage.qq.count(ann.room(), "lang –"), 1);
}

#[tokio::test]
async fn strangers_are_answered_by_way_of_their_group() {
    let stage = Stage::set(Settings::default()).await;
    let group = stage.qq.group("ops");
    let eve = stage.qq.stranger("Eve");
    eve.says_in(group, "hello all");
    eve.says("/start");
    eve.sees("I don't know you yet").await;
}

#[tokio::test]
async fn an_answer_to_our_words_is_for_us_without_a_call() {
    let mut stage = Stage::set(Settings::default()).await;
    let group = stage.qq.group("ops");
    let ann = stage.qq.person("Ann");
    ann.asks_in(group, "/start");
    let said = ann.sees_in(group, "I don't know you yet").await;
    ann.replies_in(group, said.id, "/help version");
    ann.sees_in(group, "version –").await;
    // A new life of the adapter has to ask whose words they were.
    stage.adapter.kill().await.unwrap();
    let asked = stage.qq.count_calls("get_version_info");
    stage.adapter = stage.jarvis.start(&["adapter", "onebot"]).unwrap();
    stage.qq.hears("get_version_info", asked).await;
    ann.replies_in(group, said.id, "/help lang");
    ann.sees_in(group, "lang –").await;
    assert_eq!(stage.qq.count_calls("get_msg"), 1);
}

#[tokio::test]
async fn a_forged_code_in_a_text_is_text() {
    let settings = Settings {
        as_strings: true,
        ..Settings::default()
    };
    let stage = Stage::set(settings).await;
    let group = stage.qq.group("ops");
    let ann = stage.qq.person("Ann");
    let account = stage.qq.account();
    ann.says_in(group, &format!("[CQ:at,qq={account}] /version"));
    ann.says_in(group, "[CQ:image,file=x,url=http://127.0.0.1/]");
    ann.asks_in(group, "/start");
    ann.sees_in(group, "I don't know you yet").await;
    assert_eq!(stage.qq.sent(group), 1);
}

#[tokio::test]
async fn a_file_that_is_gone_is_told() {
    let stage = Stage::set(Settings::default()).await;
    let mut owner = stage.jarvis.chat().unwrap();
    let ann = stage.qq.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    owner.says("role Ann operator").await;
    owner.sees("Ann is now operator").await;
    stage.qq.lose_files(true);
    ann.sends_file_in(ann.room(), "a.log", "one\ntwo\n");
    ann.sees("could not get the file").await;
    stage.qq.lose_files(false);
    ann.sends_file_in(ann.room(), "b.log", "one\ntwo\n");
    ann.sees("b.log").await;
}

/// Posts a body to the adapter's door.
async fn post(url: &str, signature: Option<&str>, body: impl Into<reqwest::Body>) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(url).body(body);
    if let Some(signature) = signature {
        request = request.header("X-Signature", format!("sha1={signature}"));
    }
    request
        .send()
        .await
        .map_or(413, |answer| answer.status().as_u16())
}

#[tokio::test]
async fn what_is_posted_must_be_signed_short_and_shallow() {
    const SECRET: &str = "a-secret-of-the-story";
    let sign = |body: &[u8]| {
        let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    };
    let qq = FakeQq::new();
    let mut onebot = OneBot::start(&qq).await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    let here = format!("127.0.0.1:{}", free_port().unwrap());
    let keys = format!(
        "transport = \"http\"\nurl = \"{}\"\nlisten = \"{here}\"\nsecret = \"{SECRET}\"\n",
        onebot.http_url()
    );
    jarvis
        .configure_qq_with(onebot.token().as_deref(), &keys)
        .unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let _adapter = jarvis.start(&["adapter", "onebot"]).unwrap();
    qq.hears("get_version_info", 0).await;
    let url = format!("http://{here}/");
    let event = json!({"post_type": "message", "message_type": "private", "self_id": qq.account(),
        "user_id": 10001, "message_id": 0, "message": "/start", "time": 0});
    let event = event.to_string();
    assert_eq!(post(&url, None, event.clone()).await, 401);
    assert_eq!(post(&url, Some(&sign(b"other")), event.clone()).await, 403);
    assert_eq!(post(&url, Some("zz"), event.clone()).await, 403);
    let large = vec![b'x'; 10 << 20];
    let signature = sign(&large);
    assert_eq!(post(&url, Some(&signature), large).await, 413);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(post(&url, Some(&sign(deep.as_bytes())), deep).await, 400);
    assert_eq!(post(&url, Some(&sign(b"{}")), "{}").await, 400);
    for harmless in [
        json!({"post_type": "unheard_of", "self_id": qq.account()}),
        json!({"post_type": "message", "self_id": qq.account(), "message_type": "unheard_of"}),
        json!({"post_type": "message", "self_id": qq.account(), "message_type": "private",
            "user_id": 10001, "message": [{"type": "unheard_of", "data": {"a": [1]}}]}),
    ] {
        let body = harmless.to_string();
        assert_eq!(
            post(&url, Some(&sign(body.as_bytes())), body.clone()).await,
            204,
            "{body}"
        );
    }
    // After all that it still works, also for an event whose message has no id.
    onebot.posts_to(&url, Some(SECRET));
    let ann = qq.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    assert_eq!(post(&url, Some(&sign(event.as_bytes())), event).await, 204);
}

#[tokio::test]
async fn a_program_without_our_token_cannot_connect_to_us() {
    let qq = FakeQq::new();
    let settings = Settings {
        token: Some("another-token".to_owned()),
        ..Settings::default()
    };
    let mut stranger = OneBot::start_with(&qq, settings).await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    let here = format!("127.0.0.1:{}", free_port().unwrap());
    let keys = format!("transport = \"reverse\"\nlisten = \"{here}\"\n");
    jarvis
        .configure_qq_with(Some("the-right-token"), &keys)
        .unwrap();
    let _brain = jarvis.brain().await.unwrap();
    let adapter = jarvis.start(&["adapter", "onebot"]).unwrap();
    stranger.connects_to(&format!("ws://{here}/"));
    let refused = adapter
        .err()
        .find(0, PATIENCE, |log| log.find("was refused"))
        .await;
    assert!(refused.is_some(), "{}", adapter.everything());
    assert_eq!(stranger.connections(), 0);
    // The right one is let in meanwhile.
    let settings = Settings {
        token: Some("the-right-token".to_owned()),
        ..Settings::default()
    };
    let mut right = OneBot::start_with(&qq, settings).await.unwrap();
    right.connects_to(&format!("ws://{here}/"));
    qq.hears("get_version_info", 0).await;
    let ann = qq.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    let log = adapter.everything();
    assert!(
        !log.contains("another-token") && !log.contains("the-right-token"),
        "{log}"
    );
}
