#![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn myself() -> Myself {
    Myself {
        id: 42,
        name: "jarvis_bot".to_owned(),
    }
}

fn read(update: Value) -> Option<Event> {
    // As text: that is how it arrives, and the client library reads nothing else.
    event(
        &serde_json::from_str(&update.to_string()).unwrap(),
        &myself(),
    )
}

fn ann() -> Value {
    json!({"id": 7, "is_bot": false, "first_name": "Ann", "last_name": "Lee", "username": "ann",
           "language_code": "zh-hans"})
}

fn bot() -> Value {
    json!({"id": 42, "is_bot": true, "first_name": "Jarvis", "username": "jarvis_bot"})
}

fn private() -> Value {
    json!({"id": 7, "type": "private", "first_name": "Ann"})
}

fn group() -> Value {
    json!({"id": -100, "type": "supergroup", "title": "Ops", "is_forum": true})
}

/// An update with a message of Ann, with more fields or other ones.
fn said(chat: Value, fields: Value) -> Value {
    let mut message = json!({"message_id": 5, "date": 1_700_000_000, "chat": chat, "from": ann()});
    for (name, value) in fields.as_object().unwrap() {
        message[name] = value.clone();
    }
    json!({"update_id": 900, "message": message})
}

fn content(event: &Event) -> &Message {
    match &event.kind {
        Some(event::Kind::Message(message) | event::Kind::Edited(message)) => message,
        other => panic!("no message: {other:?}"),
    }
}

#[test]
fn a_private_message_is_addressed() {
    let event = read(said(private(), json!({"text": "/run web-1 uptime"}))).unwrap();
    assert_eq!(
        (event.id.as_str(), event.time_ms),
        ("900", 1_700_000_000_000)
    );
    let room = event.room.as_ref().unwrap();
    assert_eq!((room.id.as_str(), room.kind()), ("7", RoomKind::Private));
    let person = event.person.as_ref().unwrap();
    assert_eq!((person.id.as_str(), person.name.as_str()), ("7", "Ann Lee"));
    assert_eq!(
        (person.handle.as_str(), person.language.as_str()),
        ("ann", "zh-hans")
    );
    assert!(event.addressed);
    assert_eq!(content(&event).text, "/run web-1 uptime");
    assert_eq!(content(&event).message_id, "5");
}

#[test]
fn in_a_group_a_mention_or_a_reply_to_us_addresses() {
    let plain = read(said(group(), json!({"text": "hello"}))).unwrap();
    assert!(!plain.addressed);
    assert_eq!(plain.room.unwrap().title, "Ops");
    let mention = read(said(group(), json!({"text": "@Jarvis_Bot nodes"}))).unwrap();
    assert!(mention.addressed);
    assert_eq!(content(&mention).text, "nodes");
    assert_eq!(
        read(said(group(), json!({"text": "/nodes@other_bot"}))),
        None
    );
    let answered =
        json!({"message_id": 3, "date": 1, "chat": group(), "from": bot(), "text": "yes?"});
    let reply = read(said(
        group(),
        json!({"text": "no", "reply_to_message": answered}),
    ))
    .unwrap();
    assert!(reply.addressed);
    let message = content(&reply);
    assert!(message.reply_to_bot);
    assert_eq!(
        (message.reply_to.as_str(), message.reply_to_text.as_str()),
        ("3", "yes?")
    );
    let answered = message.answered.as_ref().unwrap();
    assert!(answered.from.as_ref().unwrap().is_bot);
    assert_eq!((answered.time_ms, &answered.attachments), (1000, &vec![]));
    let passed_on = json!({"message_id": 4, "date": 2, "chat": group(), "from": bot(),
        "document": {"file_id": "f", "file_unique_id": "u", "file_name": "a.md", "file_size": 3},
        "forward_origin": {"type": "hidden_user", "sender_user_name": "Zoe", "date": 1}});
    let reply = read(said(
        group(),
        json!({"text": "/note", "reply_to_message": passed_on}),
    ))
    .unwrap();
    let answered = content(&reply).answered.clone().unwrap();
    assert_eq!(answered.attachments[0].name, "a.md");
    let forwarded = answered.forwarded.unwrap();
    assert_eq!(forwarded.from.unwrap().name, "Zoe");
}

#[test]
fn topics_are_threads_and_their_opening_is_no_reply() {
    let opening = json!({"message_id": 30, "date": 1, "chat": group(), "from": bot(),
        "message_thread_id": 30, "is_topic_message": true,
        "forum_topic_created": {"name": "Deploys", "icon_color": 7_322_096}});
    let topic = read(said(
        group(),
        json!({"text": "hi", "message_thread_id": 30,
        "is_topic_message": true, "reply_to_message": opening}),
    ))
    .unwrap();
    assert_eq!(topic.room.as_ref().unwrap().thread, "30");
    assert_eq!(content(&topic).reply_to, "");
    assert!(!topic.addressed);
    let chain = read(said(
        group(),
        json!({"text": "hi", "message_thread_id": 31}),
    ))
    .unwrap();
    assert_eq!(
        chain.room.unwrap().thread,
        "",
        "a chain of replies is no topic"
    );
}

#[test]
fn files_keep_their_names_and_photos_come_in_their_largest_size() {
    let document = json!({"file_id": "F", "file_unique_id": "U", "file_size": 12, "file_name": "a.sh",
        "mime_type": "text/x-sh"});
    let event = read(said(
        private(),
        json!({"document": document, "caption": "web-1"}),
    ))
    .unwrap();
    let message = content(&event);
    assert_eq!(message.text, "web-1");
    let file = &message.attachments[0];
    assert_eq!(
        (file.handle.as_str(), file.name.as_str(), file.size),
        ("F", "a.sh", 12)
    );
    assert_eq!(
        (file.mime.as_str(), file.kind()),
        ("text/x-sh", AttachmentKind::File)
    );
    let size = |id: &str, width: u32| json!({"file_id": id, "file_unique_id": id, "file_size": 1, "width": width, "height": width});
    let photo = json!({"photo": [size("s", 90), size("l", 1280), size("m", 320)]});
    let event = read(said(private(), photo)).unwrap();
    let photo = &content(&event).attachments[0];
    assert_eq!(
        (photo.handle.as_str(), photo.kind()),
        ("l", AttachmentKind::Image)
    );
    assert_eq!(photo.name, "photo-5.jpg");
}

#[test]
fn an_edit_is_an_edit() {
    let mut update = said(
        private(),
        json!({"text": "new", "edit_date": 1_700_000_100}),
    );
    let message = update.as_object_mut().unwrap().remove("message").unwrap();
    update["edited_message"] = message;
    let event = read(update).unwrap();
    assert!(matches!(event.kind, Some(event::Kind::Edited(_))));
    assert_eq!(event.time_ms, 1_700_000_100_000);
}

#[test]
fn a_pressed_button_is_a_press_even_when_its_message_is_too_old_to_be_seen() {
    let message = json!({"message_id": 8, "date": 1_700_000_000, "chat": group(), "from": bot(),
        "text": "sure?", "message_thread_id": 30, "is_topic_message": true});
    let query = |message: Value| {
        json!({"update_id": 901, "callback_query": {"id": "q", "from": ann(), "message": message,
            "chat_instance": "x", "data": "yes 1"}})
    };
    let event = read(query(message)).unwrap();
    assert_eq!(event.room.unwrap().thread, "30");
    let wanted = ButtonPress {
        message_id: "8".into(),
        data: "yes 1".into(),
    };
    assert_eq!(event.kind, Some(event::Kind::Press(wanted.clone())));
    let old = read(query(json!({"message_id": 8, "date": 0, "chat": group()}))).unwrap();
    assert_eq!(old.kind, Some(event::Kind::Press(wanted)));
}

#[test]
fn a_group_that_moves_says_where_to() {
    let event = read(said(
        json!({"id": -5, "type": "group", "title": "Ops"}),
        json!({"migrate_to_chat_id": -1_001}),
    ))
    .unwrap();
    assert_eq!(event.kind, Some(event::Kind::MovedTo("-1001".into())));
    assert_eq!(event.room.unwrap().id, "-5");
    assert_eq!(
        read(said(group(), json!({"migrate_from_chat_id": -5}))),
        None
    );
}

#[test]
fn coming_and_going_are_told() {
    let change = |old: Value, new: Value| {
        json!({"update_id": 902, "my_chat_member": {"chat": private(), "from": ann(), "date": 1,
            "old_chat_member": old, "new_chat_member": new}})
    };
    let member = json!({"user": bot(), "status": "member"});
    let banned = json!({"user": bot(), "status": "kicked", "until_date": 0});
    let left = read(change(member.clone(), banned.clone())).unwrap();
    assert_eq!(left.kind, Some(event::Kind::Left(Left {})));
    let joined = read(change(banned, member.clone())).unwrap();
    assert_eq!(joined.kind, Some(event::Kind::Joined(Joined {})));
    assert_eq!(read(change(member.clone(), member)), None);
}

#[test]
fn a_channel_speaks_for_itself_and_our_own_words_are_not_heard() {
    let channel = json!({"id": -9, "type": "channel", "title": "News"});
    let post = json!({"update_id": 903, "channel_post": {"message_id": 1, "date": 1,
        "chat": channel, "sender_chat": channel, "text": "hi"}});
    let event = read(post).unwrap();
    assert_eq!(event.person.unwrap().id, "-9");
    assert_eq!(event.room.unwrap().kind(), RoomKind::Channel);
    assert_eq!(
        read(said(group(), json!({"text": "hi", "from": bot()}))),
        None
    );
    let pinned =
        json!({"pinned_message": {"message_id": 1, "date": 1, "chat": group(), "text": "x"}});
    assert_eq!(read(said(group(), pinned)), None);
}

proptest! {
    #[test]
    fn no_update_panics(text in "\\PC{0,40}", caption in "\\PC{0,40}", id in any::<i32>()) {
        let fields = json!({"text": text, "caption": caption, "message_thread_id": id,
            "is_topic_message": id % 2 == 0});
        for chat in [private(), group()] {
            if let Ok(update) = serde_json::from_str(&said(chat, fields.clone()).to_string()) {
                let _ = event(&update, &myself());
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(update) = serde_json::from_slice::<Update>(&bytes) {
            let _ = event(&update, &myself());
        }
    }
}
