//! From Milky's events to ours. Pure functions.

use jarvis_proto::chat::{
    Attachment, AttachmentKind, Event, Joined, Left, Message, Person, Room, RoomKind, event,
};
use serde_json::{Value, json};

use crate::qq::place::Place;

/// What has to be known to read an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// Our QQ number.
    pub(super) myself: i64,
    /// The hint of everybody's language.
    pub(super) language: &'a str,
}

/// What a message says.
#[derive(Debug, Default)]
struct Said {
    text: String,
    is_for_us: bool,
    answers_us: bool,
    reply_to: String,
    attachments: Vec<Attachment>,
    /// The id of a file that is all there is.
    only_file: Option<String>,
}

impl Reader<'_> {
    /// The event; `None` when there is nothing for the brain in it.
    pub(super) fn read(self, value: &Value, now_ms: i64) -> Option<Event> {
        if value["self_id"]
            .as_i64()
            .is_some_and(|id| id != self.myself)
        {
            return None;
        }
        let time_ms = value["time"]
            .as_i64()
            .filter(|time| *time > 0)
            .map_or(now_ms, |time| time.saturating_mul(1000));
        let data = &value["data"];
        let number = |key: &str| data[key].as_i64();
        let ours = number("user_id") == Some(self.myself);
        let (place, kind, id) = match value["event_type"].as_str()? {
            "message_receive" => return self.message(data, time_ms),
            "message_recall" => {
                let seq = number("message_seq")?.to_string();
                let place = place(data)?;
                (place, event::Kind::Deleted(seq.clone()), seq)
            }
            "group_file_upload" if !ours => {
                let place = Place::Group(number("group_id")?);
                return self.file(data, place, time_ms);
            }
            "friend_file_upload" if !ours && data["is_self"] != true => {
                let place = Place::Private(number("user_id")?);
                return self.file(data, place, time_ms);
            }
            "group_member_increase" if ours => (
                Place::Group(number("group_id")?),
                event::Kind::Joined(Joined {}),
                String::new(),
            ),
            "group_member_decrease" if ours => (
                Place::Group(number("group_id")?),
                event::Kind::Left(Left {}),
                String::new(),
            ),
            "bot_offline" => {
                tracing::warn!("the QQ program is not logged in to QQ any more");
                return None;
            }
            _ => return None,
        };
        let user = number("operator_id")
            .or(number("sender_id"))
            .unwrap_or(self.myself);
        Some(Event {
            id: format!(
                "milky:{}:{place}:{time_ms}:{id}",
                value["event_type"].as_str()?
            ),
            time_ms,
            room: Some(room(place, data)),
            person: Some(self.person(user, data, place)),
            addressed: !place.is_group(),
            kind: Some(kind),
            ..Event::default()
        })
    }

    fn message(self, data: &Value, time_ms: i64) -> Option<Event> {
        let user = data["sender_id"].as_i64()?;
        if user == self.myself {
            return None;
        }
        let place = place(data)?;
        let said = self.said(data["segments"].as_array()?, place);
        if said.text.is_empty() && said.attachments.is_empty() && !said.is_for_us {
            return None;
        }
        let seq = data["message_seq"].as_i64().filter(|seq| *seq != 0);
        let seq = seq.map_or_else(String::new, |seq| seq.to_string());
        let id = match &said.only_file {
            // Some ends tell of a file twice: as a message and as an upload.
            Some(file) => format!("milky:file:{place}:{file}"),
            None if seq.is_empty() => format!("milky:{place}:{user}:{time_ms}:{}", said.text),
            None => format!("milky:{place}:{seq}"),
        };
        let content = Message {
            message_id: seq,
            text: said.text,
            attachments: said.attachments,
            reply_to: said.reply_to,
            reply_to_bot: said.answers_us,
            ..Message::default()
        };
        Some(Event {
            id,
            time_ms,
            room: Some(room(place, data)),
            person: Some(self.person(user, data, place)),
            addressed: !place.is_group() || said.is_for_us,
            kind: Some(event::Kind::Message(content)),
            ..Event::default()
        })
    }

    fn said(self, segments: &[Value], place: Place) -> Said {
        let mut said = Said::default();
        for segment in segments {
            let data = &segment["data"];
            match segment["type"].as_str().unwrap_or_default() {
                "text" => said
                    .text
                    .push_str(data["text"].as_str().unwrap_or_default()),
                "mention" => match data["user_id"].as_i64() {
                    Some(id) if id == self.myself => said.is_for_us = true,
                    Some(id) => said.text.push_str(&format!("@{id} ")),
                    None => {}
                },
                "mention_all" => said.text.push_str("@all "),
                "reply" => {
                    if let Some(seq) = data["message_seq"].as_i64() {
                        said.reply_to = seq.to_string();
                    }
                    if data["sender_id"].as_i64() == Some(self.myself) {
                        said.answers_us = true;
                        said.is_for_us = true;
                    }
                }
                kind @ ("image" | "record" | "video" | "file") => {
                    said.attachments.push(attachment(kind, data, place));
                }
                _ => {}
            }
        }
        said.text = said.text.trim().to_owned();
        if let [only] = segments
            && only["type"] == "file"
        {
            said.only_file = only["data"]["file_id"].as_str().map(ToOwned::to_owned);
        }
        said
    }

    /// A file of which an event of its own tells.
    fn file(self, data: &Value, place: Place, time_ms: i64) -> Option<Event> {
        let user = data["user_id"].as_i64()?;
        let id = data["file_id"].as_str()?;
        let content = Message {
            attachments: vec![attachment("file", data, place)],
            ..Message::default()
        };
        Some(Event {
            id: format!("milky:file:{place}:{id}"),
            time_ms,
            room: Some(room(place, data)),
            person: Some(self.person(user, data, place)),
            addressed: !place.is_group(),
            kind: Some(event::Kind::Message(content)),
            ..Event::default()
        })
    }

    fn person(self, user: i64, data: &Value, place: Place) -> Person {
        let about = if place.is_group() {
            &data["group_member"]
        } else {
            &data["friend"]
        };
        let name = ["card", "remark", "nickname"]
            .into_iter()
            .filter_map(|key| about[key].as_str())
            .find(|name| !name.trim().is_empty());
        Person {
            id: user.to_string(),
            name: name.map_or_else(|| user.to_string(), ToOwned::to_owned),
            handle: user.to_string(),
            language: self.language.to_owned(),
            is_bot: false,
        }
    }
}

fn place(data: &Value) -> Option<Place> {
    let peer = data["peer_id"].as_i64()?;
    match data["message_scene"].as_str()? {
        "friend" => Some(Place::Private(peer)),
        "group" => Some(Place::Group(peer)),
        "temp" => match data["group"]["group_id"].as_i64() {
            Some(group) => Some(Place::Member { group, user: peer }),
            None => Some(Place::Private(peer)),
        },
        _ => None,
    }
}

fn room(place: Place, data: &Value) -> Room {
    let kind = if place.is_group() {
        RoomKind::Group
    } else {
        RoomKind::Private
    };
    let title = data["group"]["group_name"].as_str().unwrap_or_default();
    Room {
        id: place.to_string(),
        kind: kind.into(),
        title: title.to_owned(),
        ..Room::default()
    }
}

fn attachment(kind: &str, data: &Value, place: Place) -> Attachment {
    let text = |key: &str| data[key].as_str().unwrap_or_default();
    let (what, name) = match kind {
        "image" => (AttachmentKind::Image, "image.jpg"),
        "record" => (AttachmentKind::Audio, "voice.amr"),
        "video" => (AttachmentKind::Video, "video.mp4"),
        _ => (AttachmentKind::File, text("file_name")),
    };
    let id = if kind == "file" {
        text("file_id")
    } else {
        text("resource_id")
    };
    let handle = json!({"kind": kind, "place": place.to_string(), "id": id,
        "hash": data["file_hash"], "url": text("temp_url")});
    Attachment {
        handle: handle.to_string(),
        name: name.to_owned(),
        size: data["file_size"].as_u64().unwrap_or_default(),
        kind: what.into(),
        ..Attachment::default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    const READER: Reader<'static> = Reader {
        myself: 10001,
        language: "zh-CN",
    };

    fn group(segments: Value) -> Value {
        json!({"event_type": "message_receive", "time": 1_770_000_000, "self_id": 10001, "data": {
            "message_scene": "group", "peer_id": 20001, "message_seq": 7, "sender_id": 30001,
            "time": 1_770_000_000, "segments": segments,
            "group": {"group_id": 20001, "group_name": "ops"},
            "group_member": {"user_id": 30001, "nickname": "ann", "card": ""}}})
    }

    fn content(event: &Event) -> &Message {
        match &event.kind {
            Some(event::Kind::Message(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_of_a_group_is_read() {
        let called = READER
            .read(
                &group(
                    json!([{"type": "mention", "data": {"user_id": 10001, "name": "bot"}},
                    {"type": "text", "data": {"text": " /run"}}]),
                ),
                0,
            )
            .unwrap();
        assert_eq!(called.id, "milky:group:20001:7");
        assert!(called.addressed);
        assert_eq!(content(&called).text, "/run");
        assert_eq!(called.person.as_ref().unwrap().name, "ann");
        let plain = READER
            .read(&group(json!([{"type": "text", "data": {"text": "hi"}}])), 0)
            .unwrap();
        assert!(!plain.addressed);
        let answer = group(json!([
            {"type": "reply", "data": {"message_seq": 5, "sender_id": 10001}},
            {"type": "text", "data": {"text": "and now?"}}]));
        let answer = READER.read(&answer, 0).unwrap();
        assert!(answer.addressed && content(&answer).reply_to_bot);
        assert_eq!(content(&answer).reply_to, "5");
    }

    #[test]
    fn a_file_that_is_told_twice_is_one_event() {
        let file = json!({"file_id": "f1", "file_name": "a.log", "file_size": 9});
        let message = group(json!([{"type": "file", "data": file}]));
        let mut upload = json!({"group_id": 20001, "user_id": 30001});
        upload
            .as_object_mut()
            .unwrap()
            .extend(file.as_object().unwrap().clone());
        let upload =
            json!({"event_type": "group_file_upload", "time": 1, "self_id": 10001, "data": upload});
        let ids = [message, upload].map(|value| READER.read(&value, 0).unwrap().id);
        assert_eq!(ids[0], ids[1]);
    }

    #[test]
    fn what_is_unknown_or_ours_is_passed_over() {
        let mut own = group(json!([{"type": "text", "data": {"text": "hi"}}]));
        own["data"]["sender_id"] = json!(10001);
        let mut other = own.clone();
        other["event_type"] = json!("unheard_of");
        for value in [
            own,
            other,
            json!({}),
            json!([]),
            group(json!([{"type": "unheard_of"}])),
        ] {
            assert_eq!(READER.read(&value, 0), None);
        }
    }

    proptest! {
        #[test]
        fn no_event_panics(
            key in "(message_scene|peer_id|message_seq|sender_id|segments|group|group_member)",
            value in prop_oneof![
                Just(Value::Null), Just(json!(-1)), Just(json!("x")), Just(json!([1, {}])),
                Just(json!({"a": 1})), Just(json!(u64::MAX)),
            ],
        ) {
            let mut event = group(json!([{"type": "text", "data": {"text": "hi"}}]));
            event["data"][key] = value;
            READER.read(&event, 0);
        }
    }
}
