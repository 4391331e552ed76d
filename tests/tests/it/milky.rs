//! Milky: what only its ways for events have, and what reaches them that should not.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, Process, free_port};
use jarvis_tests::qq::FakeQq;
use jarvis_tests::qq::milky::{Milky, Settings};
use serde_json::json;

use crate::onebot::odd_frames;

/// QQ with one protocol end, a brain, and an adapter between them.
struct Stage {
    qq: FakeQq,
    milky: Milky,
    jarvis: Jarvis,
    adapter: Process,
    brain: Process,
}

impl Stage {
    async fn set(settings: Settings, transport: &str, keys: &str) -> Self {
        let qq = FakeQq::new();
        let milky = Milky::start_with(&qq, settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        configure(&jarvis, &milky, milky.token(), transport, keys);
        let brain = jarvis.brain().await.unwrap();
        let adapter = jarvis.start(&["adapter", "onebot"]).unwrap();
        qq.hears("get_impl_info", 0).await;
        Self {
            qq,
            milky,
            jarvis,
            adapter,
            brain,
        }
    }

    /// Waits for `text` in the adapter's log.
    async fn logs(&self, text: &str) {
        let log = self.adapter.err();
        let found = log.find(0, PATIENCE, |log| log.find(text)).await;
        let all = self.adapter.everything();
        assert!(found.is_some(), "no {text:?} in:\n{all}");
    }
}

fn configure(jarvis: &Jarvis, milky: &Milky, token: &str, transport: &str, keys: &str) {
    let url = milky.url();
    let keys = format!("transport = \"{transport}\"\nurl = \"{url}\"\n{keys}");
    jarvis.configure_qq_with(Some(token), &keys).unwrap();
}

#[tokio::test]
async fn a_stream_that_went_silent_is_opened_again() {
    let settings = Settings {
        heartbeat: Some(Duration::from_millis(300)),
        ..Settings::default()
    };
    let stage = Stage::set(settings, "milky-sse", "").await;
    stage.milky.is_connected(0).await;
    let ann = stage.qq.person("Ann");
    ann.says("/start");
    ann.sees("I don't know you yet").await;
    // From two signs of life it learns how often they come.
    stage.milky.beats().await;
    stage.milky.beats().await;
    let connections = stage.milky.connections();
    stage.milky.set_mute(true);
    stage.logs("went silent").await;
    stage.milky.set_mute(false);
    stage.milky.is_connected(connections).await;
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    assert_eq!(stage.qq.count(ann.room(), "Jarvis 0."), 1);
}

#[tokio::test]
async fn a_token_that_is_changed_ends_the_adapter_on_either_connection() {
    for (transport, takes_anybody) in [("milky", false), ("milky", true), ("milky-sse", false)] {
        let settings = Settings {
            takes_anybody,
            ..Settings::default()
        };
        let mut stage = Stage::set(settings, transport, "").await;
        stage.milky.is_connected(0).await;
        stage.milky.set_token("another-token-of-the-story");
        stage.milky.cut();
        let status = stage.adapter.ends(PATIENCE).await.unwrap();
        let log = stage.adapter.everything();
        assert!(
            !status.success() && log.contains("refuses the token"),
            "{log}"
        );
        assert!(!log.contains(stage.milky.token()), "{log}");
    }
}

#[tokio::test]
async fn odd_events_do_no_harm_on_either_connection() {
    for transport in ["milky", "milky-sse"] {
        let stage = Stage::set(Settings::default(), transport, "").await;
        stage.milky.is_connected(0).await;
        let ann = stage.qq.person("Ann");
        for event in odd_frames(stage.qq.account()) {
            stage.qq.tells_raw(&event);
        }
        ann.says("/start");
        ann.sees("I don't know you yet").await;
        assert_eq!(stage.milky.connections(), 1);
        // One that is too large costs the connection, and nothing else.
        stage.qq.tells_raw(&"x".repeat(17 << 20));
        stage.milky.is_connected(1).await;
        ann.says("/version");
        ann.sees("Jarvis 0.").await;
        assert_eq!(stage.qq.sent(ann.room()), 2);
    }
}

#[tokio::test]
async fn an_end_without_a_stream_is_told_and_tried_again() {
    let settings = Settings {
        has_stream: false,
        ..Settings::default()
    };
    let stage = Stage::set(settings, "milky-sse", "").await;
    stage.logs("no stream of server-sent events").await;
}

#[tokio::test]
async fn check_says_what_to_do() {
    let check = async |settings: Settings, token: Option<&str>, transport: &str, keys: &str| {
        let qq = FakeQq::new();
        let milky = Milky::start_with(&qq, settings).await.unwrap();
        let jarvis = Jarvis::new().unwrap();
        let token = token.unwrap_or(milky.token());
        configure(&jarvis, &milky, token, transport, keys);
        let run = jarvis.run(&["adapter", "onebot", "--check"], "", PATIENCE);
        let run = run.await.unwrap();
        (run.status.success(), run.out)
    };
    for transport in ["milky", "milky-sse"] {
        let (is_good, said) = check(Settings::default(), None, transport, "").await;
        assert!(
            is_good && said.contains("lets us in as 1000000001"),
            "{said}"
        );
        assert!(said.contains("the program tells us of them"), "{said}");
        assert!(said.contains("0 s off the platform's"), "{said}");
    }
    let held = Settings {
        holds_head: true,
        ..Settings::default()
    };
    let (is_good, said) = check(held, None, "milky-sse", "").await;
    assert!(is_good && said.contains("has said nothing yet"), "{said}");
    let without = Settings {
        has_stream: false,
        ..Settings::default()
    };
    let (is_good, said) = check(without, None, "milky-sse", "").await;
    assert!(
        !is_good && said.contains("no stream of server-sent events"),
        "{said}"
    );
    assert!(said.contains("turn events on in the program"), "{said}");
    let here = format!("127.0.0.1:{}", free_port().unwrap());
    let listen = format!("listen = \"{here}\"\n");
    let (is_good, said) = check(Settings::default(), None, "milky-webhook", &listen).await;
    assert!(
        is_good && said.contains(&format!("listening on {here}")),
        "{said}"
    );
    for transport in ["milky", "milky-sse", "milky-webhook"] {
        let wrong = Some("wrong-token-of-story");
        let (is_good, said) = check(Settings::default(), wrong, transport, &listen).await;
        assert!(!is_good && said.contains("set the same token"), "{said}");
        assert!(!said.contains("wrong-token-of-story"), "{said}");
    }
}

/// Posts a body to the adapter's door. `None`: it was not even read to its end.
async fn post(url: &str, token: Option<&str>, body: impl Into<reqwest::Body>) -> Option<u16> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(url).body(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.ok()?;
    Some(answer.status().as_u16())
}

#[tokio::test]
async fn what_is_posted_must_show_the_token_and_be_short_and_shallow() {
    let here = format!("127.0.0.1:{}", free_port().unwrap());
    let listen = format!("listen = \"{here}\"\n");
    let mut stage = Stage::set(Settings::default(), "milky-webhook", &listen).await;
    let token = stage.milky.token();
    let url = format!("http://{here}/milky");
    let account = stage.qq.account();
    let message = |user: i64, seq: i64| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.unwrap().as_secs();
        json!({"event_type": "message_receive", "time": now, "self_id": account,
            "data": {"message_scene": "friend", "peer_id": user, "message_seq": seq,
            "sender_id": user, "time": now,
            "segments": [{"type": "text", "data": {"text": "/start"}}]}})
        .to_string()
    };
    let ann = stage.qq.person("Ann");
    // Nobody posts it for her yet.
    ann.says("/start");
    let event = message(ann.id(), 1);
    assert_eq!(post(&url, None, event.clone()).await, Some(401));
    assert_eq!(post(&url, Some("wrong"), event.clone()).await, Some(403));
    let large = vec![b'x'; 10 << 20];
    let refused = post(&url, Some(token), large.clone()).await;
    assert!(matches!(refused, Some(413) | None), "{refused:?}");
    // Who shows no token is not listened to at all.
    let refused = post(&url, None, large).await;
    assert!(matches!(refused, Some(401) | None), "{refused:?}");
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for bad in [
        deep.as_str(),
        "",
        "{",
        "[]",
        "{}",
        "{\"event_type\": 1}",
        "\u{feff}{}",
    ] {
        assert_eq!(
            post(&url, Some(token), bad.to_owned()).await,
            Some(400),
            "{bad:.30}"
        );
    }
    for harmless in [
        json!({"event_type": "unheard_of", "self_id": account, "time": 0, "data": {}}),
        json!({"event_type": "message_receive", "self_id": account, "data": {"message_scene": "unheard_of"}}),
        json!({"event_type": "message_receive", "self_id": account, "data": {"message_scene": "friend",
            "peer_id": 20001, "sender_id": 20001, "segments": [{"type": "unheard_of", "data": [1]}]}}),
        // Another account of the same program.
        json!({"event_type": "message_receive", "self_id": 99999, "data": {}}),
    ] {
        let body = harmless.to_string();
        assert_eq!(
            post(&url, Some(token), body.clone()).await,
            Some(204),
            "{body}"
        );
    }
    // After all that it still works; what is posted twice is one event.
    assert_eq!(post(&url, Some(token), event.clone()).await, Some(204));
    assert_eq!(post(&url, Some(token), event).await, Some(204));
    ann.sees("I don't know you yet").await;
    stage.milky.posts_to(&url);
    ann.says("/version");
    ann.sees("Jarvis 0.").await;
    stage.qq.repeat_last_event();
    ann.says("/help version");
    ann.sees("version –").await;
    assert_eq!(stage.qq.count(ann.room(), "I don't know you yet"), 1);
    assert_eq!(stage.qq.count(ann.room(), "Jarvis 0."), 1);
    // Without a brain nothing is taken: the answer waits until one has stored the event.
    stage.brain.kill().await.unwrap();
    let bob = stage.qq.person("Bob");
    bob.says("/start");
    stage.brain = stage.jarvis.brain().await.unwrap();
    bob.sees("I don't know you yet").await;
    assert!(
        stage.qq.complaints().is_empty(),
        "{:?}",
        stage.qq.complaints()
    );
}
