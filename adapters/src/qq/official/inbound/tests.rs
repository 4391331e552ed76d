#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;

fn frame(kind: &str, d: Value) -> Frame {
    Frame {
        op: 0,
        s: Some(2),
        t: Some(kind.to_owned()),
        id: Some(format!("{kind}:x")),
        d,
    }
}

fn heard(kind: &str, d: Value) -> Option<Heard> {
    read(&frame(kind, d), |_| Duration::from_secs(60))
}

fn message(heard: &Heard) -> &Message {
    match heard.event.as_ref().unwrap().kind.as_ref().unwrap() {
        event::Kind::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_private_message_is_read() {
    let heard = heard(
        "C2C_MESSAGE_CREATE",
        json!({
            "id": "ROBOT1.0_m1",
            "content": "hi",
            "timestamp": "2025-11-22T15:00:00+08:00",
            "author": {"id": "U", "user_openid": "U", "union_openid": "X"},
            "attachments": [
                {"url": "//c.example/f", "filename": "报告.pdf", "content_type": "file", "size": 7},
                {"content_type": "image/png"},
            ],
            "message_scene": {"source": "default", "ext": ["msg_idx=REF1"]},
        }),
    )
    .unwrap();
    assert_eq!(heard.place, Place::private("U"));
    let event = heard.event.as_ref().unwrap();
    assert_eq!(event.id, "m:ROBOT1.0_m1");
    assert_eq!(event.time_ms, 1_763_794_800_000);
    assert!(event.addressed);
    assert_eq!(event.person.as_ref().unwrap().id, "U");
    let context = event.reply_context.as_ref().unwrap();
    assert_eq!(context.token, "m:ROBOT1.0_m1");
    assert_eq!(context.expires_ms, 1_763_794_860_000);
    let message = message(&heard);
    assert_eq!(message.text, "hi");
    assert_eq!(message.attachments.len(), 1);
    assert_eq!(message.attachments[0].handle, "https://c.example/f");
    assert_eq!(message.attachments[0].name, "报告.pdf");
}

#[test]
fn a_group_is_heard_with_and_without_a_mention() {
    let base = json!({
        "id": "m", "group_openid": "G", "author": {"member_openid": "M"},
        "content": " /run", "timestamp": "1763794800000",
    });
    let at = heard("GROUP_AT_MESSAGE_CREATE", base.clone()).unwrap();
    assert_eq!(message(&at).text, "/run");
    assert_eq!(at.place, Place::group("G"));
    let mut all = base.clone();
    all["content"] = json!("<@BOT> /run <@!A> <faceType=1,faceId=\"13\",ext=\"e\">now");
    all["mentions"] = json!([
        {"id": "BOT", "is_you": true, "username": "bot"},
        {"id": "A", "username": "阿明"},
    ]);
    let all = heard("GROUP_MESSAGE_CREATE", all).unwrap();
    assert_eq!(message(&all).text, "/run @阿明 now");
    let both = [&at, &all].map(|heard| heard.event.as_ref().unwrap().clone());
    assert!(both.iter().all(|event| event.addressed));
    assert_eq!(both[0].id, both[1].id, "one message, told twice");
    let silent = heard("GROUP_MESSAGE_CREATE", base).unwrap();
    assert!(!silent.event.unwrap().addressed);
}

#[test]
fn a_press_a_friend_and_a_switch_are_read() {
    let press = heard(
        "INTERACTION_CREATE",
        json!({
            "id": "I1", "type": 11, "chat_type": 1,
            "group_openid": "G", "group_member_openid": "M",
            "data": {"resolved": {"button_data": "yes 7", "button_id": "0-0"}},
        }),
    )
    .unwrap();
    assert_eq!(press.interaction.as_deref(), Some("I1"));
    assert_eq!(
        press.origin.unwrap().0,
        Origin::Event("INTERACTION_CREATE:x".into())
    );
    assert!(matches!(
        press.event.unwrap().kind,
        Some(event::Kind::Press(ButtonPress { data, .. })) if data == "yes 7"
    ));
    let friend = heard(
        "FRIEND_ADD",
        json!({"openid": "U", "timestamp": 1763794800}),
    )
    .unwrap();
    assert!(matches!(
        friend.event.unwrap().kind,
        Some(event::Kind::Joined(_))
    ));
    let switch = heard("GROUP_MSG_REJECT", json!({"group_openid": "G"})).unwrap();
    assert_eq!((switch.event, switch.unasked), (None, Some(false)));
}

#[test]
fn a_message_without_an_id_is_taken_and_cannot_be_answered_by_name() {
    for id in [json!("0"), json!(""), json!(0), Value::Null] {
        let d = json!({"id": id, "content": "hi", "author": {"user_openid": "U"}, "timestamp": 7});
        let one = heard("C2C_MESSAGE_CREATE", d.clone()).unwrap();
        let two = heard("C2C_MESSAGE_CREATE", d).unwrap();
        let event = one.event.unwrap();
        assert_eq!(event.id, two.event.unwrap().id);
        assert!(event.id.starts_with("x:"));
        assert_eq!((event.reply_context, one.origin), (None, None));
    }
}

#[test]
fn odd_shapes_are_passed_over() {
    for (kind, d) in [
        ("C2C_MESSAGE_CREATE", json!({})),
        ("C2C_MESSAGE_CREATE", json!([1, 2])),
        ("C2C_MESSAGE_CREATE", json!({"author": "U"})),
        (
            "GROUP_AT_MESSAGE_CREATE",
            json!({"author": {"member_openid": "M"}}),
        ),
        ("INTERACTION_CREATE", json!({"id": "I", "user_openid": "U"})),
        ("SOMETHING_NEW", json!({"author": {"user_openid": "U"}})),
    ] {
        assert_eq!(heard(kind, d), None, "{kind}");
    }
}
