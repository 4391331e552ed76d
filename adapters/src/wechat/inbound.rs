//! From the XML of a message to an event. Everything in it may be missing or of another shape.

use jarvis_proto::chat::{
    Attachment, AttachmentKind, ButtonPress, Event, Joined, Left, Message, Person, Room, RoomKind,
    event,
};
use ring::digest::{SHA256, digest};

use super::xml::Element;
use crate::now_ms;

/// Longest id of a person.
const LONGEST_ID: usize = 128;

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    /// Who said it; it is the room's id, too.
    pub(super) user: String,
    pub(super) event: Event,
    /// A pressed button of a card.
    pub(super) pressed: Option<Pressed>,
}

/// A button of a card that was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pressed {
    pub(super) task: String,
    pub(super) key: String,
    /// Allows one change of the card.
    pub(super) response_code: String,
}

/// Reads a message; `None` when there is nothing in it for us. `message_of` knows the message that a card
/// came in.
pub(super) fn read(
    xml: &Element,
    language: &str,
    message_of: impl Fn(&str) -> Option<String>,
) -> Option<Heard> {
    let user = xml.text("FromUserName").filter(|user| is_person(user))?;
    let reader = Reader {
        xml,
        user,
        language,
        now_ms: now_ms(),
    };
    let id = xml.text("MsgId").map(|id| format!("m:{id}"));
    match xml.text("MsgType")? {
        "event" => reader.event(message_of),
        kind => {
            let message = reader.message(kind)?;
            let id = id.unwrap_or_else(|| reader.made_up_id(kind));
            Some(reader.heard(id, event::Kind::Message(message)))
        }
    }
}

/// Whether something is the id of one person: it goes into addresses of messages, where some signs and
/// words mean many.
pub(super) fn is_person(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && !id.starts_with('@')
        && id
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '@' | '.'))
}

struct Reader<'a> {
    xml: &'a Element,
    user: &'a str,
    language: &'a str,
    now_ms: i64,
}

impl Reader<'_> {
    fn message(&self, kind: &str) -> Option<Message> {
        let xml = self.xml;
        let mut text = match kind {
            "text" => xml.text("Content").unwrap_or_default().to_owned(),
            // What somebody spoke is given as text, where that is switched on.
            "voice" => xml.text("Recognition").unwrap_or_default().to_owned(),
            "location" => joined(&[
                xml.text("Label"),
                xml.text("Location_X"),
                xml.text("Location_Y"),
            ]),
            "link" => joined(&[xml.text("Title"), xml.text("Url")]),
            _ => String::new(),
        };
        let mut attachments = Vec::new();
        if text.is_empty() {
            attachments.extend(self.attachment(kind));
        }
        text = text.trim().to_owned();
        if text.is_empty() && attachments.is_empty() {
            return None;
        }
        Some(Message {
            message_id: xml.text("MsgId").unwrap_or_default().to_owned(),
            text,
            attachments,
            ..Message::default()
        })
    }

    fn attachment(&self, kind: &str) -> Option<Attachment> {
        let media = self.xml.text("MediaId")?;
        let voice = self.xml.text("Format").unwrap_or("amr");
        let (kind, mime, end) = match kind {
            "image" => (AttachmentKind::Image, "image/jpeg", "jpg"),
            "voice" => (AttachmentKind::Audio, "audio/amr", voice),
            "video" | "shortvideo" => (AttachmentKind::Video, "video/mp4", "mp4"),
            "file" => (AttachmentKind::File, "", ""),
            _ => return None,
        };
        let given = self.xml.text("FileName").or_else(|| self.xml.text("Title"));
        let name = match given {
            Some(name) => name.chars().take(255).collect(),
            None => {
                let id = self.xml.text("MsgId").unwrap_or(media);
                let id: String = id.chars().take(64).collect();
                format!("{id}.{end}")
            }
        };
        Some(Attachment {
            handle: media.to_owned(),
            name,
            mime: mime.to_owned(),
            size: 0,
            kind: kind.into(),
        })
    }

    fn event(&self, message_of: impl Fn(&str) -> Option<String>) -> Option<Heard> {
        let xml = self.xml;
        let name = xml.text("Event")?.to_ascii_lowercase();
        let key = xml.text("EventKey").unwrap_or_default();
        let id = self.made_up_id(&name);
        match name.as_str() {
            "subscribe" => Some(self.heard(id, event::Kind::Joined(Joined {}))),
            "unsubscribe" => Some(self.heard(id, event::Kind::Left(Left {}))),
            // A menu that the operator has made: its key is what would be typed.
            "click" if !key.is_empty() => {
                let message = Message {
                    text: key.to_owned(),
                    ..Message::default()
                };
                Some(self.heard(id, event::Kind::Message(message)))
            }
            "template_card_event" if !key.is_empty() => {
                let task = xml.text("TaskId").unwrap_or_default();
                let press = ButtonPress {
                    message_id: message_of(task).unwrap_or_default(),
                    data: key.to_owned(),
                };
                let mut heard = self.heard(id, event::Kind::Press(press));
                heard.pressed = Some(Pressed {
                    task: task.to_owned(),
                    key: key.to_owned(),
                    response_code: xml.text("ResponseCode").unwrap_or_default().to_owned(),
                });
                Some(heard)
            }
            _ => None,
        }
    }

    fn heard(&self, id: String, kind: event::Kind) -> Heard {
        let event = Event {
            id,
            time_ms: self.time_ms(),
            room: Some(room(self.user)),
            person: Some(Person {
                id: self.user.to_owned(),
                language: self.language.to_owned(),
                ..Person::default()
            }),
            addressed: true,
            kind: Some(kind),
            ..Event::default()
        };
        Heard {
            user: self.user.to_owned(),
            event,
            pressed: None,
        }
    }

    /// When it happened; now, when the message does not say or names the future.
    fn time_ms(&self) -> i64 {
        let seconds = self.xml.text("CreateTime");
        let given = seconds.and_then(|text| text.parse::<i64>().ok());
        given
            .map(|seconds| seconds.saturating_mul(1000))
            .filter(|time| (1..=self.now_ms).contains(time))
            .unwrap_or(self.now_ms)
    }

    /// For what has no number: who did what and when names it, the same when it comes again.
    fn made_up_id(&self, what: &str) -> String {
        let mut whole = format!("{} {what}", self.user);
        for name in ["CreateTime", "EventKey", "TaskId", "Content", "MediaId"] {
            whole.push('\n');
            whole.push_str(self.xml.text(name).unwrap_or_default());
        }
        let digest = digest(&SHA256, whole.as_bytes());
        format!("e:{}", hex::encode(&digest.as_ref()[..16]))
    }
}

/// The private room with a person.
pub(super) fn room(user: &str) -> Room {
    Room {
        id: user.to_owned(),
        kind: RoomKind::Private.into(),
        ..Room::default()
    }
}

fn joined(parts: &[Option<&str>]) -> String {
    let parts: Vec<&str> = parts.iter().flatten().copied().collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn heard(fields: &str) -> Option<Heard> {
        let xml = format!("<xml><ToUserName>t</ToUserName>{fields}</xml>");
        let xml = Element::read(xml.as_bytes()).unwrap();
        read(&xml, "zh", |task| (task == "T").then(|| "M".to_owned()))
    }

    fn of(kind: &str) -> Option<Heard> {
        heard(&format!(
            "<FromUserName>ann</FromUserName><CreateTime>1700000000</CreateTime>{kind}"
        ))
    }

    #[test]
    fn a_text_is_a_message_of_a_private_room() {
        let heard =
            of("<MsgType>text</MsgType><Content> /help </Content><MsgId>77</MsgId>").unwrap();
        assert_eq!(heard.event.id, "m:77");
        assert_eq!(heard.event.time_ms, 1_700_000_000_000);
        assert_eq!(heard.event.room.unwrap(), room("ann"));
        let Some(event::Kind::Message(message)) = heard.event.kind else {
            panic!("a message");
        };
        assert_eq!(
            (message.text.as_str(), message.message_id.as_str()),
            ("/help", "77")
        );
    }

    #[test]
    fn events_have_the_same_id_each_time_and_different_ones_apart() {
        let click = |time: u32, key: &str| {
            let text = format!(
                "<FromUserName>ann</FromUserName><CreateTime>{time}</CreateTime>\
                 <MsgType>event</MsgType><Event>CLICK</Event><EventKey>{key}</EventKey>"
            );
            heard(&text).unwrap().event
        };
        assert_eq!(click(1, "/nodes").id, click(1, "/nodes").id);
        assert_ne!(click(1, "/nodes").id, click(2, "/nodes").id);
        assert_ne!(click(1, "/nodes").id, click(1, "/jobs").id);
        assert!(matches!(
            click(1, "/nodes").kind,
            Some(event::Kind::Message(message)) if message.text == "/nodes"
        ));
    }

    #[test]
    fn a_pressed_button_knows_its_card() {
        let heard = of(
            "<MsgType>event</MsgType><Event>template_card_event</Event><EventKey>yes</EventKey>\
             <TaskId>T</TaskId><ResponseCode>R</ResponseCode>",
        )
        .unwrap();
        assert_eq!(heard.pressed.unwrap().response_code, "R");
        assert!(matches!(
            heard.event.kind,
            Some(event::Kind::Press(press)) if press.data == "yes" && press.message_id == "M"
        ));
    }

    #[test]
    fn pictures_and_voices_are_attachments_unless_there_are_words() {
        let attachments = |fields: &str| match of(fields).unwrap().event.kind {
            Some(event::Kind::Message(message)) => (message.text, message.attachments),
            _ => panic!("a message"),
        };
        let (_, image) =
            attachments("<MsgType>image</MsgType><MediaId>I</MediaId><MsgId>1</MsgId>");
        assert_eq!(
            (image[0].handle.as_str(), image[0].name.as_str()),
            ("I", "1.jpg")
        );
        let voice = "<MsgType>voice</MsgType><MediaId>V</MediaId><Format>amr</Format>";
        assert_eq!(attachments(voice).1.len(), 1);
        let spoken = format!("{voice}<Recognition>status</Recognition>");
        assert_eq!(attachments(&spoken), ("status".to_owned(), Vec::new()));
    }

    #[test]
    fn nobody_but_one_person_is_written_to() {
        for bad in ["@all", "a|b", "", "a b", "中", &"a".repeat(129)] {
            assert!(!is_person(bad), "{bad}");
        }
        assert!(is_person("zhang.san@x-1_2"));
        assert!(is_person("oTgHc1x_-9"));
        assert_eq!(heard("<MsgType>text</MsgType><Content>x</Content>"), None);
        assert_eq!(of("<MsgType>event</MsgType><Event>LOCATION</Event>"), None);
        assert_eq!(of("<MsgType>odd</MsgType>"), None);
        assert_eq!(of(""), None);
    }
}
