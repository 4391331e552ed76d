//! What the fake Telegram promises beyond what python-telegram-bot checks: method names in any case,
//! `%2F`, `attach://`, GET with a query, webhooks, topics, replays, faults.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use jarvis_tests::telegram::{FakeTelegram, Fault, FloodRules, Rate, Settings};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A bot that speaks bare HTTP.
struct Bot {
    client: reqwest::Client,
    base: String,
}

impl Bot {
    fn of(telegram: &FakeTelegram) -> Self {
        Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: format!("{}/bot{}", telegram.url(), telegram.token()),
        }
    }

    async fn call(&self, method: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}/{method}", self.base));
        request
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// The result of a call that must succeed.
    async fn ok(&self, method: &str, body: Value) -> Value {
        let answer = self.call(method, body).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        answer["result"].clone()
    }

    async fn updates(&self, offset: i64) -> Vec<Value> {
        let result = self.ok("getUpdates", json!({"offset": offset})).await;
        result.as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn methods_have_no_case_and_arguments_no_fixed_place() {
    let telegram = FakeTelegram::start().await.unwrap();
    let bot = Bot::of(&telegram);
    let ann = telegram.person("Ann");
    ann.says("hi");
    for method in ["getme", "GetMe", "GETME"] {
        bot.ok(method, json!({})).await;
    }
    let url = format!("{}/sendMessage", bot.base);
    let query = [
        ("chat_id", ann.id().to_string()),
        ("text", "by query +".to_owned()),
    ];
    bot.client.get(&url).query(&query).send().await.unwrap();
    ann.sees("by query +").await;
    let form = Form::new()
        .text("chat_id", ann.id().to_string())
        .text("text", "by form");
    bot.client.post(&url).multipart(form).send().await.unwrap();
    ann.sees("by form").await;
}

#[tokio::test]
async fn tokens_are_refused_as_telegram_does() {
    let telegram = FakeTelegram::start().await.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (token, status) in [
        ("nonsense", 404),
        ("42:short", 404),
        ("42:0123456789abcdef", 401),
    ] {
        let url = format!("{}/bot{token}/getMe", telegram.url());
        let answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), status, "{token}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error_code"], status);
    }
}

#[tokio::test]
async fn files_go_up_by_attach_and_come_down_with_an_escaped_slash() {
    let telegram = FakeTelegram::start().await.unwrap();
    let bot = Bot::of(&telegram);
    let ann = telegram.person("Ann");
    ann.says("hi");
    let part = || Part::bytes(b"payload".to_vec()).file_name("log one.txt");
    let by_attach = Form::new()
        .text("chat_id", ann.id().to_string())
        .text("document", "attach://86ef")
        .part("86ef", part());
    let by_name = Form::new()
        .text("chat_id", ann.id().to_string())
        .part("document", part());
    for form in [by_attach, by_name] {
        let request = bot.client.post(format!("{}/SendDocument", bot.base));
        let answer: Value = request
            .multipart(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["ok"], true, "{answer}");
        assert_eq!(ann.gets_file("log one.txt").await, "payload");
        let id = &answer["result"]["document"]["file_id"];
        let file = bot.ok("getFile", json!({ "file_id": id })).await;
        let path = file["file_path"].as_str().unwrap().replace('/', "%2F");
        let url = format!("{}/file/bot{}/{path}", telegram.url(), telegram.token());
        let bytes = bot
            .client
            .get(url)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        assert_eq!(bytes, "payload");
    }
    let dangling = Form::new()
        .text("chat_id", ann.id().to_string())
        .text("document", "attach://nothing");
    let request = bot.client.post(format!("{}/SendDocument", bot.base));
    assert_eq!(
        request.multipart(dangling).send().await.unwrap().status(),
        400
    );
}

#[tokio::test]
async fn a_webhook_gets_each_update_until_it_takes_it() {
    let telegram = FakeTelegram::start().await.unwrap();
    let bot = Bot::of(&telegram);
    let (seen, mut hook) = mpsc::channel(16);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(take)).with_state(seen);
    tokio::spawn(async move { axum::serve(listener, router).await });
    bot.ok("setWebhook", json!({"url": url, "secret_token": "s3cret"}))
        .await;
    let ann = telegram.person("Ann");
    ann.says("first");
    ann.says("second");
    let mut texts = Vec::new();
    for _ in 0..4 {
        let (secret, update) = hook.recv().await.unwrap();
        assert_eq!(secret, "s3cret");
        texts.push(update["message"]["text"].as_str().unwrap().to_owned());
    }
    assert_eq!(texts, ["first", "first", "second", "second"]);
    telegram.is_drained().await;
    telegram.replay_last_update();
    for _ in 0..2 {
        let (_, again) = hook.recv().await.unwrap();
        assert_eq!(again["message"]["text"], "second");
    }
    let info = bot.ok("getWebhookInfo", json!({})).await;
    assert_eq!(info["url"], url);
    assert!(info["last_error_message"].as_str().unwrap().contains("503"));
}

type Hooked = (String, Value);

/// Refuses the first try of every message.
async fn take(
    State(seen): State<mpsc::Sender<Hooked>>,
    headers: HeaderMap,
    Json(update): Json<Value>,
) -> StatusCode {
    let secret = headers["X-Telegram-Bot-Api-Secret-Token"].to_str().unwrap();
    seen.send((secret.to_owned(), update)).await.unwrap();
    if TRIES.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    }
}

static TRIES: AtomicUsize = AtomicUsize::new(0);

#[tokio::test]
async fn an_update_is_replayed_with_the_same_id() {
    let telegram = FakeTelegram::start().await.unwrap();
    let bot = Bot::of(&telegram);
    telegram.person("Ann").says("once");
    let first = bot.updates(0).await;
    let id = first[0]["update_id"].as_i64().unwrap();
    assert!(bot.updates(id + 1).await.is_empty());
    telegram.replay_last_update();
    assert_eq!(bot.updates(id + 1).await, first);
    assert!(bot.updates(id + 1).await.is_empty());
}

#[tokio::test]
async fn topics_keep_their_messages_apart() {
    let telegram = FakeTelegram::start().await.unwrap();
    let bot = Bot::of(&telegram);
    let ann = telegram.person("Ann");
    let forum = telegram.forum("ops");
    let (web, db) = (forum.topic("web"), forum.topic("db"));
    ann.says_in(&web, "/jobs");
    let update = bot.updates(0).await.remove(0);
    let message = &update["message"];
    assert_eq!(message["is_topic_message"], true);
    assert!(message["reply_to_message"]["forum_topic_created"].is_object());
    let thread = message["message_thread_id"].as_i64().unwrap();
    bot.ok(
        "sendMessage",
        json!({"chat_id": forum.id(), "message_thread_id": thread, "text": "none"}),
    )
    .await;
    assert_eq!(
        (web.count("none"), db.count("none"), forum.count("none")),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_names_its_new_id() {
    let telegram = FakeTelegram::start().await.unwrap();
    let bot = Bot::of(&telegram);
    let ann = telegram.person("Ann");
    let old = telegram.group("ops");
    let new = old.becomes_supergroup(&ann);
    let answer = bot
        .call("sendMessage", json!({"chat_id": old.id(), "text": "x"}))
        .await;
    assert_eq!(answer["parameters"]["migrate_to_chat_id"], new.id());
    let updates = bot.updates(0).await;
    assert_eq!(updates[0]["message"]["migrate_to_chat_id"], new.id());
    assert_eq!(updates[1]["message"]["migrate_from_chat_id"], old.id());
}

#[tokio::test]
async fn faults_hit_as_ordered() {
    let telegram = FakeTelegram::start().await.unwrap();
    let bot = Bot::of(&telegram);
    let ann = telegram.person("Ann");
    ann.says("hi");
    let hello = json!({"chat_id": ann.id(), "text": "hello"});
    telegram.fail("sendMessage", 1, &Fault::TooMany(7));
    telegram.fail("sendMessage", 1, &Fault::Status(502));
    telegram.fail("sendMessage", 1, &Fault::CutBefore);
    telegram.fail("sendMessage", 1, &Fault::CutAfter);
    telegram.fail("sendMessage", 1, &Fault::Slow(Duration::from_millis(50)));
    let answer = bot.call("sendMessage", hello.clone()).await;
    assert_eq!(answer["parameters"]["retry_after"], 7);
    assert_eq!(
        bot.call("sendMessage", hello.clone()).await["error_code"],
        502
    );
    for sent in [0, 1] {
        let request = bot
            .client
            .post(format!("{}/sendMessage", bot.base))
            .json(&hello);
        let body = match request.send().await {
            Ok(answer) => answer.bytes().await,
            Err(error) => Err(error),
        };
        assert!(body.is_err(), "the line is cut");
        assert_eq!(ann.room().sent(), sent);
    }
    bot.ok("sendMessage", hello).await;
    assert_eq!(ann.room().sent(), 2);
    assert_eq!(telegram.faults_waiting(), 0);
}

#[tokio::test]
async fn flood_control_names_the_seconds_and_counts_the_impatient() {
    let rules = FloodRules {
        private: Rate::new(2, Duration::from_secs(1)),
        ..FloodRules::default()
    };
    let telegram = FakeTelegram::start_with(Settings {
        flood: Some(rules),
        ..Settings::default()
    })
    .await
    .unwrap();
    let bot = Bot::of(&telegram);
    let ann = telegram.person("Ann");
    ann.says("hi");
    let hello = json!({"chat_id": ann.id(), "text": "hello"});
    for _ in 0..2 {
        bot.ok("sendMessage", hello.clone()).await;
    }
    for refused in 1..=2 {
        let answer = bot.call("sendMessage", hello.clone()).await;
        assert_eq!(answer["parameters"]["retry_after"], 1);
        assert_eq!(telegram.refused_by_flood(), refused);
        assert_eq!(telegram.impatient_calls(), refused - 1);
    }
}

#[tokio::test]
async fn strangers_cannot_be_written_to_before_they_write() {
    let telegram = FakeTelegram::start().await.unwrap();
    let bot = Bot::of(&telegram);
    let ann = telegram.person("Ann");
    let answer = bot
        .call("sendMessage", json!({"chat_id": ann.id(), "text": "x"}))
        .await;
    assert_eq!(answer["error_code"], 403);
}
