#![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

use proptest::prelude::*;

use super::*;

const READER: Reader<'static> = Reader {
    myself: 10000,
    language: "zh-CN",
    has_file_segments: false,
};

fn read(value: Value) -> Option<Read> {
    READER.read(&value, 7)
}

/// A message of Ann in a group, with other fields.
fn group(fields: Value) -> Value {
    let mut message = json!({
        "time": 1_770_000_000, "self_id": 10000, "post_type": "message",
        "message_type": "group", "sub_type": "normal", "message_id": -77,
        "user_id": 10001, "group_id": 500, "message": "hello", "raw_message": "hello",
        "sender": {"user_id": 10001, "nickname": "ann", "card": "安"},
    });
    let fields = fields.as_object().unwrap().clone();
    message.as_object_mut().unwrap().extend(fields);
    message
}

fn content(read: &Read) -> &Message {
    match &read.event.kind {
        Some(event::Kind::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn talk_in_a_group_is_not_for_us_unless_it_says_so() {
    let plain = read(group(json!({}))).unwrap();
    assert!(!plain.event.addressed);
    assert_eq!(plain.event.id, "group:500:-77");
    assert_eq!(plain.event.time_ms, 1_770_000_000_000);
    let person = plain.event.person.as_ref().unwrap();
    assert_eq!((person.id.as_str(), person.name.as_str()), ("10001", "安"));
    for message in [
        json!([{"type": "at", "data": {"qq": "10000"}}, {"type": "text", "data": {"text": " /help"}}]),
        json!([{"type": "text", "data": {"text": "/help "}}, {"type": "at", "data": {"qq": 10000}}]),
        json!("[CQ:at,qq=10000] /help"),
    ] {
        let asked = read(group(json!({"message": message}))).unwrap();
        assert!(asked.event.addressed, "{message}");
        assert_eq!(content(&asked).text, "/help");
    }
    let all = read(group(json!({"message": "[CQ:at,qq=all] lunch"}))).unwrap();
    assert!(!all.event.addressed);
    assert_eq!(content(&all).text, "@all  lunch");
}

#[test]
fn an_answer_may_be_for_us() {
    let message = "[CQ:reply,id=-123]and now?";
    let answer = read(group(json!({"message": message}))).unwrap();
    assert_eq!(content(&answer).reply_to, "-123");
    assert_eq!(answer.depends_on.as_deref(), Some("-123"));
    let at_us = read(group(
        json!({"message": format!("{message}[CQ:at,qq=10000]")}),
    ))
    .unwrap();
    assert_eq!(at_us.depends_on, None);
}

#[test]
fn our_own_words_and_other_accounts_are_passed_over() {
    assert_eq!(read(group(json!({"user_id": 10000}))), None);
    assert_eq!(read(group(json!({"post_type": "message_sent"}))), None);
    assert_eq!(read(group(json!({"self_id": 10009}))), None);
    assert_eq!(read(group(json!({"post_type": "unheard_of"}))), None);
    assert_eq!(read(group(json!({"message_type": "unheard_of"}))), None);
    assert_eq!(
        read(group(
            json!({"message": [{"type": "unheard_of", "data": {}}]})
        )),
        None
    );
}

#[test]
fn private_rooms_know_strangers_from_friends() {
    let private = |more: Value| {
        let mut fields = json!({"message_type": "private", "sub_type": "friend"});
        fields
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let mut message = group(fields);
        if more.get("sender").is_none() {
            message.as_object_mut().unwrap().remove("group_id");
        }
        read(message).unwrap().event.room.unwrap().id
    };
    assert_eq!(private(json!({})), "private:10001");
    let stranger = json!({"sub_type": "group", "sender": {"group_id": 600}, "group_id": 600});
    assert_eq!(private(stranger), "member:600:10001");
}

#[test]
fn a_message_without_an_id_is_known_by_what_it_says() {
    let ids: Vec<String> = [
        json!({"message_id": 0}),
        json!({"message_id": null}),
        json!({"message_id": 0, "message": "other"}),
        json!({"message_id": 0, "time": 1_770_000_001}),
    ]
    .map(|fields| read(group(fields)).unwrap().event.id)
    .to_vec();
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0] != ids[2] && ids[0] != ids[3]);
    assert_eq!(
        content(&read(group(json!({"message_id": 0}))).unwrap()).message_id,
        ""
    );
}

#[test]
fn files_come_as_segments_or_as_notices() {
    let segment =
        json!([{"type": "file", "data": {"file": "a.log", "file_id": "/x", "file_size": "12"}}]);
    let sent = read(group(json!({"message": segment}))).unwrap();
    let file = &content(&sent).attachments[0];
    assert_eq!((file.name.as_str(), file.size), ("a.log", 12));
    let notice = json!({"time": 1, "self_id": 10000, "post_type": "notice", "notice_type": "group_upload",
        "group_id": 500, "user_id": 10001, "file": {"id": "/y", "name": "b.log", "size": 9, "busid": 102}});
    let told = read(notice.clone()).unwrap();
    assert_eq!(content(&told).attachments[0].name, "b.log");
    let reader = Reader {
        has_file_segments: true,
        ..READER
    };
    assert_eq!(reader.read(&notice, 7), None, "the segment says it already");
    let picture = read(group(
        json!({"message": "[CQ:image,file=file:///etc/x,url=http://h/i]"}),
    ))
    .unwrap();
    assert_eq!(content(&picture).attachments[0].name, "image.jpg");
}

#[test]
fn notices_tell_who_comes_and_goes() {
    let kind = |fields: Value| {
        let mut notice =
            json!({"time": 1, "self_id": 10000, "post_type": "notice", "user_id": 10001});
        notice
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        read(notice).and_then(|read| read.event.kind)
    };
    assert!(matches!(
        kind(json!({"notice_type": "friend_add"})),
        Some(event::Kind::Joined(_))
    ));
    let ours = |what: &str| json!({"notice_type": what, "group_id": 5, "user_id": 10000});
    assert!(matches!(
        kind(ours("group_increase")),
        Some(event::Kind::Joined(_))
    ));
    assert!(matches!(
        kind(ours("group_decrease")),
        Some(event::Kind::Left(_))
    ));
    assert_eq!(
        kind(json!({"notice_type": "group_increase", "group_id": 5})),
        None
    );
    let recall = json!({"notice_type": "group_recall", "group_id": 5, "message_id": -9});
    assert_eq!(kind(recall), Some(event::Kind::Deleted("-9".into())));
}

#[test]
fn people_without_a_name_hold_no_rights_of_each_other() {
    let anonymous = |flag: &str| {
        let fields = json!({"sub_type": "anonymous", "user_id": 80_000_000,
            "anonymous": {"id": 1, "name": "fox", "flag": flag}});
        read(group(fields)).unwrap().event.person.unwrap().id
    };
    assert_ne!(anonymous("a"), anonymous("b"));
}

proptest! {
    #[test]
    fn no_event_panics(
        key in "(time|self_id|message_id|user_id|group_id|message|sender|message_type|notice_type|post_type|file)",
        value in prop_oneof![
            Just(Value::Null), Just(json!(-1)), Just(json!(1e300)), Just(json!("x")), Just(json!([1])),
            Just(json!({"a": 1})), Just(json!(u64::MAX)), Just(json!(true)),
        ],
    ) {
        read(group(json!({key.clone(): value.clone()})));
        read(group(json!({"post_type": "notice", "notice_type": "group_upload", key: value})));
    }
}
