#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn heard(body: &Value) -> Heard {
    match read(body, "", "en") {
        Callback::Heard(heard) => *heard,
        other => panic!("{other:?}"),
    }
}

fn said(body: &Value) -> Message {
    match heard(body).event.kind {
        Some(event::Kind::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn private(kind: &str, part: Value) -> Value {
    let mut body = json!({
        "msgid": "M1", "aibotid": "B", "chattype": "single",
        "from": {"userid": "Ann"}, "msgtype": kind,
    });
    body[kind] = part;
    body
}

#[test]
fn a_private_text_is_told_with_its_ids() {
    let body = private("text", json!({"content": " /help "}));
    let heard = heard(&body);
    assert_eq!(heard.place, Place::Private("Ann".into()));
    assert_eq!(heard.event.id, "m:M1");
    assert!(heard.event.addressed);
    let person = heard.event.person.unwrap();
    assert_eq!(
        (person.id.as_str(), person.language.as_str()),
        ("Ann", "en")
    );
    assert_eq!(said(&body).text, "/help");
}

#[test]
fn the_call_of_the_robot_is_cut_away() {
    for (name, text, left) in [
        ("", "@RobotA hello robot", "hello robot"),
        ("", "@RobotA\u{2005}hello", "hello"),
        ("", "@RobotA", ""),
        ("", "mail a@b.c", "mail a@b.c"),
        ("Robot A", "@Robot A hello", "hello"),
        ("Robot", "@Robot/run x", "/run x"),
        ("Robot", "run x @Robot now", "run x now"),
        ("Robot", "@Robot2 x @Robot y", "@Robot2 x y"),
        ("机器人", "@机器人 你好", "你好"),
    ] {
        assert_eq!(without_mention(text, name), left, "{name} {text}");
    }
}

/// Found by the fuzzer: a message of a kind whose content is missing was one without words.
#[test]
fn a_private_message_without_anything_is_none_and_a_bare_call_in_a_group_is_one() {
    for body in [
        private("text", json!({"content": "  "})),
        private("mixed", json!({"msg_item": [7]})),
        private("image", json!({})),
    ] {
        assert_eq!(read(&body, "", "en"), Callback::Nothing, "{body}");
    }
    let mut body = private("text", json!({"content": "@RobotA"}));
    body["chattype"] = json!("group");
    body["chatid"] = json!("c1");
    assert_eq!(said(&body).text, "");
}

#[test]
fn a_group_is_a_group_and_keeps_the_case_of_its_id() {
    let body = json!({
        "msgid": "M", "aibotid": "B", "chatid": "wrKX", "chattype": "group",
        "from": {"userid": "U"}, "msgtype": "mixed",
        "mixed": {"msg_item": [
            {"msgtype": "text", "text": {"content": "@RobotA one"}},
            {"msgtype": "image", "image": {"url": "http://h/i", "aeskey": "k"}},
            {"msgtype": "text", "text": {"content": "two"}},
            {"msgtype": "news"},
        ]},
    });
    assert_eq!(heard(&body).place, Place::Group("wrKX".into()));
    let message = said(&body);
    assert_eq!(message.text, "one\ntwo");
    assert_eq!(message.attachments.len(), 1);
    let handle = Handle::read(&message.attachments[0].handle).unwrap();
    assert_eq!(
        (handle.url.as_str(), handle.key.as_deref()),
        ("http://h/i", Some("k"))
    );
}

#[test]
fn a_quote_is_what_the_message_is_about() {
    let mut body = private("text", json!({"content": "@bot"}));
    body["chattype"] = json!("group");
    body["chatid"] = json!("C");
    body["quote"] = json!({"msgtype": "text", "text": {"content": "what it says"}});
    let message = said(&body);
    assert_eq!(message.text, "what it says");
    assert_eq!(message.reply_to_text, "what it says");
    let mut body = private("text", json!({"content": "web-1:/tmp/"}));
    body["quote"] = json!({"msgtype": "file", "file": {"url": "http://h/f", "aeskey": "k"}});
    let message = said(&body);
    assert_eq!(
        (message.text.as_str(), message.attachments.len()),
        ("web-1:/tmp/", 1)
    );
}

#[test]
fn a_press_names_card_and_key_in_both_shapes() {
    let inner = json!({"card_type": "button_interaction", "event_key": "yes", "task_id": "t1"});
    let nested = json!({"eventtype": "template_card_event", "template_card_event": inner});
    let mut flat = inner.clone();
    flat["eventtype"] = json!("template_card_event");
    for event in [nested, flat] {
        let body =
            json!({"msgid": "E", "from": {"userid": "U"}, "msgtype": "event", "event": event});
        let heard = heard(&body);
        let (task, key) = ("t1".to_owned(), "yes".to_owned());
        assert_eq!(heard.what, What::Press { task, key });
        assert_eq!(heard.event.id, "e:E");
    }
}

#[test]
fn what_nobody_knows_is_passed_over() {
    for body in [
        json!(null),
        json!([1]),
        json!({"msgtype": "text", "text": {"content": "a"}}),
        private("location", json!({"x": 1})),
        private("text", json!("a")),
        json!({"from": {"userid": "U"}, "msgtype": "event", "event": {"eventtype": "feedback_event"}}),
        json!({"from": {"userid": "x".repeat(300)}, "msgtype": "text", "text": {"content": "a"}}),
        json!({"msgtype": "stream", "stream": {}}),
    ] {
        assert_eq!(read(&body, "", "en"), Callback::Nothing, "{body}");
    }
    let gone = json!({"msgtype": "event", "event": {"eventtype": "disconnected_event"}});
    assert_eq!(read(&gone, "", "en"), Callback::TakenOver);
    let poll = json!({"msgtype": "stream", "stream": {"id": "S"}});
    let stream = "S".to_owned();
    assert_eq!(read(&poll, "", "en"), Callback::Poll { stream });
}

/// Any JSON of the platform's words in any place.
fn odd() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "",
        "event",
        "text",
        "mixed",
        "image",
        "file",
        "voice",
        "single",
        "group",
        "enter_chat",
        "template_card_event",
        "disconnected_event",
        "stream",
        "@",
        "@RobotA",
        "@RobotA\u{2005}x",
    ]);
    let key = prop::sample::select(vec![
        "msgid",
        "chatid",
        "chattype",
        "from",
        "userid",
        "msgtype",
        "text",
        "content",
        "mixed",
        "msg_item",
        "image",
        "file",
        "url",
        "aeskey",
        "event",
        "eventtype",
        "template_card_event",
        "event_key",
        "task_id",
        "quote",
        "create_time",
        "stream",
        "id",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.clone(), inner, 0..12).prop_map(|map| {
                let pairs = map.into_iter().map(|(key, value)| (key.to_owned(), value));
                Value::Object(pairs.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_passed_over(
        mut body in odd(),
        part in odd(),
        kind in prop::sample::select(vec!["text", "mixed", "image", "file", "event", "stream"]),
    ) {
        if let Value::Object(fields) = &mut body {
            fields.insert("from".to_owned(), json!({"userid": "U"}));
            fields.insert("msgtype".to_owned(), json!(kind));
            fields.insert(kind.to_owned(), part);
        }
        if let Callback::Heard(heard) = read(&body, "RobotA", "en") {
            prop_assert!(!heard.event.id.is_empty());
            let room = heard.event.room.unwrap();
            prop_assert_eq!(Place::parse(&room.id), Some(heard.place));
        }
    }
}
