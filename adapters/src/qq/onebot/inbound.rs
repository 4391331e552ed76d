//! From OneBot's events to ours. Pure functions.

use std::hash::{DefaultHasher, Hash, Hasher};

use jarvis_proto::chat::{
    Attachment, AttachmentKind, Event, Joined, Left, Message, Person, Room, RoomKind, event,
};
use serde_json::{Value, json};

use super::segment::{self, Segment};
use crate::qq::place::Place;

/// What has to be known to read an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// Our QQ number.
    pub(super) myself: i64,
    /// The hint of everybody's language.
    pub(super) language: &'a str,
    /// Files come as segments too, so notices about them are passed over.
    pub(super) has_file_segments: bool,
}

/// A message that answers another one. Whether that one is ours may have to be asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub(super) event: Event,
    /// Nothing but the answered message can tell whether we are meant.
    pub(super) depends_on: Option<String>,
}

impl Reader<'_> {
    /// The event; `None` when there is nothing for the brain in it.
    pub(super) fn read(self, value: &Value, now_ms: i64) -> Option<Read> {
        // Another account of the same program.
        if number(&value["self_id"]).is_some_and(|id| id != self.myself) {
            return None;
        }
        let time_ms = number(&value["time"])
            .filter(|time| *time > 0)
            .map_or(now_ms, |time| time.saturating_mul(1000));
        match value["post_type"].as_str()? {
            "message" => self.message(value, time_ms),
            "notice" => {
                let event = self.notice(value, time_ms)?;
                Some(Read {
                    event,
                    depends_on: None,
                })
            }
            _ => None,
        }
    }

    fn message(self, value: &Value, time_ms: i64) -> Option<Read> {
        let user = number(&value["user_id"])?;
        if user == self.myself {
            return None;
        }
        let place = place(value, user)?;
        let message = match &value["message"] {
            Value::Null => &value["raw_message"],
            message => message,
        };
        let said = self.said(&segment::read(message), place);
        if said.text.is_empty() && said.attachments.is_empty() && !said.is_at_us {
            return None;
        }
        let is_private = !place.is_group();
        let message_id = id(&value["message_id"]);
        let event_id = match message_id.as_str() {
            // Swallowed ids: the same words of the same person at the same second are the same.
            "" => {
                let mut hasher = DefaultHasher::new();
                message.to_string().hash(&mut hasher);
                format!("{place}:{user}:{time_ms}:{:x}", hasher.finish())
            }
            id => format!("{place}:{id}"),
        };
        let depends_on = (!is_private && !said.is_at_us && !said.reply_to.is_empty())
            .then(|| said.reply_to.clone());
        let content = Message {
            message_id,
            text: said.text,
            attachments: said.attachments,
            reply_to: said.reply_to,
            ..Message::default()
        };
        let event = Event {
            id: event_id,
            time_ms,
            room: Some(self.room(place, value)),
            person: Some(self.person(value, user, place)),
            addressed: is_private || said.is_at_us,
            kind: Some(event::Kind::Message(content)),
            ..Event::default()
        };
        Some(Read { event, depends_on })
    }

    fn said(self, segments: &[Segment], place: Place) -> Said {
        let mut said = Said::default();
        for segment in segments {
            match segment.kind.as_str() {
                "text" => said.text.push_str(&segment.value("text")),
                "at" => match segment.value("qq").as_str() {
                    own if own.parse() == Ok(self.myself) => said.is_at_us = true,
                    other => {
                        said.text.push('@');
                        said.text.push_str(other);
                        said.text.push(' ');
                    }
                },
                "reply" => said.reply_to = segment.value("id"),
                "image" | "record" | "video" | "file" => {
                    said.attachments.push(attachment(segment, place));
                }
                _ => {}
            }
        }
        said.text = said.text.trim().to_owned();
        said
    }

    fn notice(self, value: &Value, time_ms: i64) -> Option<Event> {
        let user = number(&value["user_id"])?;
        let group = number(&value["group_id"]);
        let kind = value["notice_type"].as_str()?;
        let ours = user == self.myself;
        let (place, what) = match (kind, group) {
            ("group_upload", Some(group)) if !self.has_file_segments && !ours => {
                let place = Place::Group(group);
                (place, file_message(&value["file"], place)?)
            }
            ("offline_file", _) if !self.has_file_segments && !ours => {
                let place = Place::Private(user);
                (place, file_message(&value["file"], place)?)
            }
            ("friend_add", _) => (Place::Private(user), event::Kind::Joined(Joined {})),
            ("group_increase", Some(group)) if ours => {
                (Place::Group(group), event::Kind::Joined(Joined {}))
            }
            ("group_decrease", Some(group)) if ours => {
                (Place::Group(group), event::Kind::Left(Left {}))
            }
            ("group_recall", Some(group)) => (
                Place::Group(group),
                event::Kind::Deleted(id(&value["message_id"])),
            ),
            ("friend_recall", _) => (
                Place::Private(user),
                event::Kind::Deleted(id(&value["message_id"])),
            ),
            _ => return None,
        };
        let mut hasher = DefaultHasher::new();
        value["file"].to_string().hash(&mut hasher);
        let mark = match &what {
            event::Kind::Deleted(message) => message.clone(),
            _ => format!("{:x}", hasher.finish()),
        };
        Some(Event {
            id: format!("{kind}:{place}:{user}:{time_ms}:{mark}"),
            time_ms,
            room: Some(self.room(place, value)),
            person: Some(self.person(value, user, place)),
            addressed: !place.is_group(),
            kind: Some(what),
            ..Event::default()
        })
    }

    fn room(self, place: Place, value: &Value) -> Room {
        let kind = if place.is_group() {
            RoomKind::Group
        } else {
            RoomKind::Private
        };
        Room {
            id: place.to_string(),
            kind: kind.into(),
            title: value["group_name"].as_str().unwrap_or_default().to_owned(),
            ..Room::default()
        }
    }

    fn person(self, value: &Value, user: i64, place: Place) -> Person {
        let language = self.language.to_owned();
        // People without a name share one number; each has a mark that holds in its group only.
        let anonymous = &value["anonymous"];
        if let Some(mark) = anonymous["flag"].as_str() {
            return Person {
                id: format!("anonymous:{place}:{mark}"),
                name: anonymous["name"].as_str().unwrap_or_default().to_owned(),
                language,
                ..Person::default()
            };
        }
        let sender = &value["sender"];
        let name = ["card", "nickname"]
            .into_iter()
            .filter_map(|key| sender[key].as_str())
            .find(|name| !name.trim().is_empty());
        Person {
            id: user.to_string(),
            name: name.map_or_else(|| user.to_string(), ToOwned::to_owned),
            handle: user.to_string(),
            language,
            is_bot: false,
        }
    }
}

/// What a message says.
#[derive(Debug, Default)]
struct Said {
    text: String,
    is_at_us: bool,
    reply_to: String,
    attachments: Vec<Attachment>,
}

fn place(value: &Value, user: i64) -> Option<Place> {
    match value["message_type"].as_str()? {
        "group" => number(&value["group_id"]).map(Place::Group),
        "private" => {
            // A stranger out of a group is answered by way of the group.
            let group = match &value["group_id"] {
                Value::Null => &value["sender"]["group_id"],
                group => group,
            };
            match (value["sub_type"].as_str(), number(group)) {
                (Some("group"), Some(group)) => Some(Place::Member { group, user }),
                _ => Some(Place::Private(user)),
            }
        }
        _ => None,
    }
}

fn attachment(segment: &Segment, place: Place) -> Attachment {
    let file = segment.value("file");
    let (kind, name) = match segment.kind.as_str() {
        "image" => (AttachmentKind::Image, "image.jpg"),
        "record" => (AttachmentKind::Audio, "voice.amr"),
        "video" => (AttachmentKind::Video, "video.mp4"),
        _ => (AttachmentKind::File, ""),
    };
    let named = ["name", "file_name"]
        .into_iter()
        .map(|key| segment.value(key))
        .find(|name| !name.is_empty());
    // `file` may be an address or a path of the implementation's own machine.
    let is_name = !file.is_empty() && !file.contains("://") && !file.contains(['/', '\\']);
    Attachment {
        handle: json!({
            "kind": segment.kind,
            "place": place.to_string(),
            "url": segment.value("url"),
            "file": file,
            "id": segment.value("file_id"),
        })
        .to_string(),
        name: named.unwrap_or_else(|| if is_name { file } else { name.to_owned() }),
        mime: String::new(),
        size: segment.value("file_size").parse().unwrap_or_default(),
        kind: kind.into(),
    }
}

/// A file of which only a notice tells.
fn file_message(file: &Value, place: Place) -> Option<event::Kind> {
    let name = file["name"].as_str()?.to_owned();
    let handle = json!({
        "kind": "file",
        "place": place.to_string(),
        "url": file["url"].as_str().unwrap_or_default(),
        "file": name,
        "id": id(&file["id"]),
        "busid": file["busid"],
    });
    let attachment = Attachment {
        handle: handle.to_string(),
        name,
        size: file["size"].as_u64().unwrap_or_default(),
        kind: AttachmentKind::File.into(),
        ..Attachment::default()
    };
    Some(event::Kind::Message(Message {
        attachments: vec![attachment],
        ..Message::default()
    }))
}

/// A number that may have come as text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// An id as text; empty for a missing one, and for 0, which means the same.
pub(super) fn id(value: &Value) -> String {
    let id = match value {
        Value::Number(id) => id.to_string(),
        Value::String(id) => id.clone(),
        _ => String::new(),
    };
    if id == "0" { String::new() } else { id }
}

#[cfg(test)]
mod tests;
