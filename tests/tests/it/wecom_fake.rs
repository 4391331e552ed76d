//! The fake of WeCom's robots refuses what the platform refuses, whatever a robot tries.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use jarvis_tests::wecom_bot::{FakeWecom, Settings};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// A robot that speaks bare frames.
pub(crate) struct Robot(WebSocketStream<TcpStream>);

impl Robot {
    pub(crate) async fn dial(wecom: &FakeWecom) -> Self {
        let url = wecom.url();
        let address = url.trim_start_matches("ws://").trim_end_matches('/');
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(&url, stream).await.unwrap();
        Self(socket)
    }

    /// Logged in.
    pub(crate) async fn of(wecom: &FakeWecom) -> Self {
        let mut robot = Self::dial(wecom).await;
        let (bot_id, secret) = wecom.credentials();
        let body = json!({"bot_id": bot_id, "secret": secret});
        assert_eq!(robot.call("aibot_subscribe", "S1", body).await.0, 0);
        robot
    }

    async fn call(&mut self, cmd: &str, req_id: &str, body: Value) -> (i64, Value) {
        let frame = json!({"cmd": cmd, "headers": {"req_id": req_id}, "body": body});
        self.0.send(Message::text(frame.to_string())).await.unwrap();
        loop {
            let frame = self.hears().await.unwrap();
            if frame["headers"]["req_id"] == req_id && frame["cmd"].is_null() {
                return (frame["errcode"].as_i64().unwrap(), frame["body"].clone());
            }
        }
    }

    async fn hears(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return serde_json::from_str(text.as_str()).ok(),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    async fn pushes(&mut self, body: Value) -> i64 {
        self.call("aibot_send_msg", "P", body).await.0
    }
}

fn text(to: &str, kind: u8, text: &str) -> Value {
    json!({"chatid": to, "chat_type": kind, "msgtype": "markdown", "markdown": {"content": text}})
}

fn stream(id: &str, text: &str, finish: bool) -> Value {
    json!({"msgtype": "stream", "stream": {"id": id, "content": text, "finish": finish}})
}

fn card(task: &str, buttons: &Value) -> Value {
    json!({"msgtype": "template_card", "template_card": {
        "card_type": "button_interaction", "task_id": task,
        "main_title": {"title": "t"}, "button_list": buttons,
    }})
}

#[tokio::test]
async fn logins_and_owners() {
    let wecom = FakeWecom::start().await.unwrap();
    let (bot_id, _) = wecom.credentials();
    let mut robot = Robot::dial(&wecom).await;
    let body = json!({"bot_id": bot_id, "secret": "wrong"});
    assert_eq!(robot.call("aibot_subscribe", "S1", body).await.0, 853_000);
    assert!(robot.hears().await.is_none(), "the line is closed");
    let mut robot = Robot::dial(&wecom).await;
    assert_eq!(robot.call("ping", "p", Value::Null).await.0, 40_058);
    let mut first = Robot::of(&wecom).await;
    let _second = Robot::of(&wecom).await;
    let event = first.hears().await.unwrap();
    assert_eq!(event["body"]["event"]["eventtype"], "disconnected_event");
    assert!(first.hears().await.is_none());
    assert_eq!((wecom.logins(), wecom.takeovers()), (2, 1));
}

#[tokio::test]
async fn messages_outside_of_the_rules_are_refused() {
    let mut settings = Settings::default();
    settings.rules.per_minute = 7;
    settings.rules.stream_life = Duration::from_millis(300);
    let wecom = FakeWecom::start_with(settings).await.unwrap();
    let mut robot = Robot::of(&wecom).await;
    let ann = wecom.person("Ann");
    let group = wecom.group("ops");
    // Who has never written cannot be written to; and ids keep their case.
    assert_eq!(robot.pushes(text("Ann", 1, "a")).await, 93_006);
    let asked = ann.says("hi");
    assert_eq!(robot.pushes(text("Ann", 1, "a")).await, 0);
    assert_eq!(robot.pushes(text("Ann", 2, "a")).await, 93_006);
    assert_eq!(robot.pushes(text("ann", 1, "a")).await, 93_006);
    assert_eq!(robot.pushes(text("Ann", 1, " ")).await, 44_004);
    let long = "x".repeat(20_481);
    assert_eq!(robot.pushes(text("Ann", 1, &long)).await, 45_002);
    assert_eq!(
        robot.pushes(text(&group.id().to_lowercase(), 2, "a")).await,
        93_006
    );
    let mut odd = text("Ann", 1, "a");
    odd["colour"] = json!("red");
    assert_eq!(robot.pushes(odd).await, 40_058);
    let mut pushed = stream("s", "a", true);
    pushed["chatid"] = json!("Ann");
    pushed["chat_type"] = json!(1);
    assert_eq!(robot.pushes(pushed).await, 40_058);

    let respond = "aibot_respond_msg";
    assert_eq!(
        robot
            .call(respond, "nobody", stream("s", "a", true))
            .await
            .0,
        846_605
    );
    assert_eq!(
        robot.call(respond, &asked, stream("s", "a", false)).await.0,
        0
    );
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(
        robot.call(respond, &asked, stream("s", "b", false)).await.0,
        846_608,
        "its time is over"
    );
    assert_eq!(
        robot.call(respond, &asked, stream("t", "a", true)).await.0,
        0
    );
    assert_eq!(
        robot.call(respond, &asked, stream("t", "b", true)).await.0,
        846_608,
        "it has ended"
    );

    let yes = json!([{"text": "Yes", "style": 1, "key": "yes"}]);
    let many: Value = (0..7)
        .map(|n| json!({"text": "b", "style": 1, "key": n.to_string()}))
        .collect();
    let twice = json!([{"text": "a", "key": "k"}, {"text": "b", "key": "k"}]);
    for (task, buttons, code) in [
        ("t 1", yes.clone(), 40_058),
        ("t1", many, 40_058),
        ("t1", twice, 40_058),
        ("t1", yes.clone(), 0),
        ("t1", yes, 40_058),
    ] {
        assert_eq!(
            robot.call(respond, &asked, card(task, &buttons)).await.0,
            code
        );
    }
    let press = ann.presses("Yes");
    let update = |task: &str| {
        let card = card(task, &json!([{"text": "done", "style": 4, "key": "yes"}]));
        json!({"response_type": "update_template_card", "template_card": card["template_card"]})
    };
    let cmd = "aibot_respond_update_msg";
    assert_eq!(robot.call(cmd, &press, update("t2")).await.0, 40_058);
    assert_eq!(robot.call(cmd, &asked, update("t1")).await.0, 846_605);
    assert_eq!(robot.call(cmd, &press, update("t1")).await.0, 0);
    assert_eq!(robot.call(cmd, &press, update("t1")).await.0, 846_605);
    assert_eq!(
        robot.call(respond, &press, stream("u", "a", true)).await.0,
        846_605,
        "a press cannot be answered"
    );
    let entered = ann.enters();
    let greeting = json!({"msgtype": "text", "text": {"content": "hello"}});
    let cmd = "aibot_respond_welcome_msg";
    assert_eq!(robot.call(cmd, &asked, greeting.clone()).await.0, 846_605);
    assert_eq!(robot.call(cmd, &entered, greeting.clone()).await.0, 0);
    assert_eq!(robot.call(cmd, &entered, greeting).await.0, 846_605);
    // Of seven in a minute five were sent.
    for code in [0, 0, 45_009] {
        assert_eq!(robot.pushes(text("Ann", 1, "a")).await, code);
    }
}

#[tokio::test]
async fn files_outside_of_the_rules_are_refused() {
    let wecom = FakeWecom::start().await.unwrap();
    let mut robot = Robot::of(&wecom).await;
    let ann = wecom.person("Ann");
    ann.says("hi");
    let begin = |kind: &str, name: &str, size: usize, pieces: usize| {
        json!({
            "type": kind, "filename": name, "total_size": size, "total_chunks": pieces,
            "md5": "00000000000000000000000000000000",
        })
    };
    let cmd = "aibot_upload_media_init";
    for (kind, name, size, pieces) in [
        ("file", "a", 4, 1),
        ("file", "a", (20 << 20) + 1, 41),
        ("file", "a", 100, 101),
        ("image", "a.txt", 100, 1),
        ("voice", "a.amr", (2 << 20) + 1, 5),
        ("sticker", "a", 100, 1),
    ] {
        let body = begin(kind, name, size, pieces);
        assert_eq!(robot.call(cmd, "U", body).await.0, 40_058, "{kind} {size}");
    }
    let mut upload = async |md5: bool| {
        let mut body = begin("file", "a.bin", 6, 2);
        if !md5 {
            body.as_object_mut().unwrap().remove("md5");
        }
        let (code, answer) = robot.call(cmd, "U", body).await;
        assert_eq!(code, 0);
        let id = answer["upload_id"].clone();
        let piece = |index: u64, data: &str| json!({"upload_id": id, "chunk_index": index, "base64_data": data});
        let chunk = "aibot_upload_media_chunk";
        assert_eq!(robot.call(chunk, "C", piece(2, "YWJj")).await.0, 40_058);
        assert_eq!(robot.call(chunk, "C", piece(1, "ZGVm")).await.0, 0);
        assert_eq!(robot.call(chunk, "C", piece(0, "YWJj")).await.0, 0);
        assert_eq!(
            robot.call(chunk, "C", piece(0, "eHh4")).await.0,
            0,
            "ignored"
        );
        let end = json!({"upload_id": id});
        robot.call("aibot_upload_media_finish", "F", end).await
    };
    assert_eq!(upload(true).await.0, 40_058, "another hash");
    let (code, answer) = upload(false).await;
    assert_eq!(code, 0);
    assert_eq!(wecom.file("a.bin").unwrap(), "abcdef");
    let send = |kind: &str, id: &Value| {
        let mut body = json!({"chatid": "Ann", "chat_type": 1, "msgtype": kind});
        body[kind] = json!({"media_id": id});
        body
    };
    assert_eq!(
        robot.pushes(send("image", &answer["media_id"])).await,
        40_007
    );
    assert_eq!(robot.pushes(send("file", &json!("MEDIA0"))).await, 40_007);
    assert_eq!(robot.pushes(send("file", &answer["media_id"])).await, 0);
    assert_eq!(ann.gets_file("a.bin").await, "abcdef");
}
