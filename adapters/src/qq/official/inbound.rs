//! From frames to events. Pure functions; everything in a frame may be missing or of another shape.

use std::time::Duration;

use jarvis_proto::chat::{
    Attachment, AttachmentKind, ButtonPress, Event, Joined, Left, Message, Person, ReplyContext,
    Room, RoomKind, event,
};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::frame::Frame;
use super::place::{Place, PlaceKind};
use super::replies::Origin;

/// Longest name of an attachment that is handed on, in characters.
const NAME: usize = 255;
/// Attachments of one message.
const ATTACHMENTS: usize = 16;

/// What a frame says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    pub(super) place: Place,
    /// For the brain.
    pub(super) event: Option<Event>,
    /// What may be answered, and how old it is.
    pub(super) origin: Option<(Origin, Duration)>,
    /// A pressed button that wants to be acknowledged.
    pub(super) interaction: Option<String>,
    /// The room has switched unasked messages on or off.
    pub(super) unasked: Option<bool>,
}

/// Reads a frame; `None` when there is nothing in it for us. `window` says how long a message may be
/// answered.
pub(super) fn read(frame: &Frame, window: impl Fn(PlaceKind) -> Duration) -> Option<Heard> {
    let d = &frame.d;
    let reader = Reader {
        frame,
        d,
        now_ms: crate::now_ms(),
        window: &window,
    };
    match frame.kind() {
        "C2C_MESSAGE_CREATE" => reader.message(private(&d["author"])?, true),
        "GROUP_AT_MESSAGE_CREATE" => reader.message(group(d)?, true),
        "GROUP_MESSAGE_CREATE" => {
            let addressed = mentions(d).any(|mention| mention["is_you"] == true);
            reader.message(group(d)?, addressed)
        }
        "INTERACTION_CREATE" => reader.press(),
        "FRIEND_ADD" => reader.change(private(d)?, event::Kind::Joined(Joined {})),
        "FRIEND_DEL" => reader.change(private(d)?, event::Kind::Left(Left {})),
        "GROUP_ADD_ROBOT" => reader.change(group_of_change(d)?, event::Kind::Joined(Joined {})),
        "GROUP_DEL_ROBOT" => reader.change(group_of_change(d)?, event::Kind::Left(Left {})),
        "C2C_MSG_REJECT" => Some(switch(private(d)?, false)),
        "C2C_MSG_RECEIVE" => Some(switch(private(d)?, true)),
        "GROUP_MSG_REJECT" => Some(switch(group_of_change(d)?, false)),
        "GROUP_MSG_RECEIVE" => Some(switch(group_of_change(d)?, true)),
        _ => None,
    }
}

/// Where somebody did something, and who.
struct Who {
    place: Place,
    person: Person,
}

fn private(author: &Value) -> Option<Who> {
    let openid = text(&author["user_openid"]).or_else(|| text(&author["openid"]))?;
    Some(Who {
        place: Place::private(openid),
        person: person(openid, author),
    })
}

fn group(d: &Value) -> Option<Who> {
    let author = &d["author"];
    let openid = text(&author["member_openid"])?;
    Some(Who {
        place: Place::group(text(&d["group_openid"])?),
        person: person(openid, author),
    })
}

fn group_of_change(d: &Value) -> Option<Who> {
    let openid = text(&d["op_member_openid"]).unwrap_or_default();
    Some(Who {
        place: Place::group(text(&d["group_openid"])?),
        person: person(openid, &Value::Null),
    })
}

fn person(openid: &str, author: &Value) -> Person {
    Person {
        id: openid.to_owned(),
        name: text(&author["username"]).unwrap_or_default().to_owned(),
        handle: String::new(),
        language: String::new(),
        is_bot: author["bot"] == true,
    }
}

fn switch(who: Who, allowed: bool) -> Heard {
    Heard {
        place: who.place,
        event: None,
        origin: None,
        interaction: None,
        unasked: Some(allowed),
    }
}

struct Reader<'a, W> {
    frame: &'a Frame,
    d: &'a Value,
    now_ms: i64,
    window: &'a W,
}

impl<W: Fn(PlaceKind) -> Duration> Reader<'_, W> {
    fn message(&self, who: Who, addressed: bool) -> Option<Heard> {
        let d = self.d;
        let message_id = text(&d["id"]).filter(|id| *id != "0").unwrap_or_default();
        let time_ms = self.time_ms();
        let mut words = said(d);
        let attachments: Vec<Attachment> = list(&d["attachments"])
            .take(ATTACHMENTS)
            .filter_map(attachment)
            .collect();
        if words.is_empty() {
            // What somebody spoke is given as text, too.
            words = list(&d["attachments"])
                .find_map(|one| text(&one["asr_refer_text"]))
                .unwrap_or_default()
                .to_owned();
        }
        let quoted = list(&d["msg_elements"]).next();
        let origin = (!message_id.is_empty()).then(|| Origin::Message(message_id.to_owned()));
        let id = if message_id.is_empty() {
            self.made_up_id()
        } else {
            format!("m:{message_id}")
        };
        let message = Message {
            message_id: message_id.to_owned(),
            text: words,
            attachments,
            reply_to: quoted
                .and_then(|quoted| text(&quoted["msg_idx"]))
                .unwrap_or_default()
                .to_owned(),
            reply_to_text: quoted
                .and_then(|quoted| text(&quoted["content"]))
                .unwrap_or_default()
                .to_owned(),
            reply_to_bot: false,
            forwarded: None,
            // Neither who sent it nor when is told.
            answered: None,
        };
        Some(self.heard(
            who,
            id,
            time_ms,
            origin,
            addressed,
            event::Kind::Message(message),
        ))
    }

    fn press(&self) -> Option<Heard> {
        let d = self.d;
        let interaction = text(&d["id"])?;
        let who = match (text(&d["group_openid"]), text(&d["group_member_openid"])) {
            (Some(group), Some(member)) => Who {
                place: Place::group(group),
                person: person(member, &Value::Null),
            },
            _ => private(d)?,
        };
        let resolved = &d["data"]["resolved"];
        let press = ButtonPress {
            message_id: text(&resolved["message_id"]).unwrap_or_default().to_owned(),
            data: text(&resolved["button_data"])?.to_owned(),
        };
        let origin = self
            .frame
            .id
            .as_deref()
            .filter(|id| !id.is_empty())
            .map(|id| Origin::Event(id.to_owned()));
        let id = format!("i:{interaction}");
        let time_ms = self.time_ms();
        let mut heard = self.heard(who, id, time_ms, origin, true, event::Kind::Press(press));
        heard.interaction = Some(interaction.to_owned());
        Some(heard)
    }

    fn change(&self, who: Who, kind: event::Kind) -> Option<Heard> {
        let is_joined = matches!(kind, event::Kind::Joined(_));
        let frame = self.frame.id.as_deref().filter(|id| !id.is_empty());
        let origin = frame
            .filter(|_| is_joined)
            .map(|id| Origin::Event(id.to_owned()));
        let id = match frame {
            Some(id) => format!("e:{id}"),
            None => self.made_up_id(),
        };
        let time_ms = self.time_ms();
        Some(self.heard(who, id, time_ms, origin, true, kind))
    }

    fn heard(
        &self,
        who: Who,
        id: String,
        time_ms: i64,
        origin: Option<Origin>,
        addressed: bool,
        kind: event::Kind,
    ) -> Heard {
        let window = (self.window)(who.place.kind);
        let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        let reply_context = origin.as_ref().map(|origin| ReplyContext {
            token: origin.token(),
            expires_ms: time_ms.saturating_add(window_ms),
        });
        let age_ms = self.now_ms.saturating_sub(time_ms).max(0);
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or_default());
        Heard {
            event: Some(Event {
                id,
                time_ms,
                room: Some(room(&who.place)),
                person: Some(who.person),
                addressed,
                reply_context,
                again: false,
                kind: Some(kind),
            }),
            place: who.place,
            origin: origin.map(|origin| (origin, age)),
            interaction: None,
            unasked: None,
        }
    }

    /// When it happened; now, when the frame does not say or names the future.
    fn time_ms(&self) -> i64 {
        let given = match &self.d["timestamp"] {
            Value::String(text) => text
                .parse::<jiff::Timestamp>()
                .map(jiff::Timestamp::as_millisecond)
                .ok()
                .or_else(|| text.parse().ok().map(in_ms)),
            Value::Number(number) => number.as_i64().map(in_ms),
            _ => None,
        };
        given
            .filter(|time| (1..=self.now_ms).contains(time))
            .unwrap_or(self.now_ms)
    }

    /// For a frame without an id: the same for the same frame.
    fn made_up_id(&self) -> String {
        let whole = format!("{} {}", self.frame.kind(), self.d);
        let digest = digest(&SHA256, whole.as_bytes());
        format!("x:{}", hex::encode(&digest.as_ref()[..16]))
    }
}

/// Seconds or milliseconds.
fn in_ms(time: i64) -> i64 {
    if time < 100_000_000_000 {
        time.saturating_mul(1000)
    } else {
        time
    }
}

fn room(place: &Place) -> Room {
    let kind = match place.kind {
        PlaceKind::Private => RoomKind::Private,
        PlaceKind::Group => RoomKind::Group,
    };
    Room {
        id: place.room(),
        kind: kind.into(),
        thread: String::new(),
        title: String::new(),
    }
}

/// The text: mentions of the bot cut away, others by name, faces as words.
fn said(d: &Value) -> String {
    let mut words = text(&d["content"]).unwrap_or_default().to_owned();
    for mention in mentions(d) {
        let Some(id) = text(&mention["id"])
            .or_else(|| text(&mention["member_openid"]))
            .or_else(|| text(&mention["user_openid"]))
        else {
            continue;
        };
        let name = if mention["is_you"] == true {
            String::new()
        } else {
            format!("@{}", text(&mention["username"]).unwrap_or(id))
        };
        for mark in [format!("<@!{id}>"), format!("<@{id}>")] {
            words = words.replace(&mark, &name);
        }
    }
    without_faces(&words).trim().to_owned()
}

/// `<faceType=…>` stands for a picture in the text.
fn without_faces(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(start) = rest.find("<faceType=") {
        let Some(end) = rest[start..].find('>') else {
            break;
        };
        out.push_str(&rest[..start]);
        rest = &rest[start + end + 1..];
    }
    out.push_str(rest);
    out
}

fn attachment(given: &Value) -> Option<Attachment> {
    let mime = text(&given["content_type"]).unwrap_or_default();
    let is_voice = mime.starts_with("voice") || mime.starts_with("audio");
    let url = text(&given["voice_wav_url"])
        .filter(|_| is_voice)
        .or_else(|| text(&given["url"]))?;
    let kind = match mime.split('/').next().unwrap_or_default() {
        "image" => AttachmentKind::Image,
        "video" => AttachmentKind::Video,
        _ if is_voice => AttachmentKind::Audio,
        _ => AttachmentKind::File,
    };
    Some(Attachment {
        handle: match url.strip_prefix("//") {
            Some(rest) => format!("https://{rest}"),
            None => url.to_owned(),
        },
        name: text(&given["filename"])
            .unwrap_or_default()
            .chars()
            .take(NAME)
            .collect(),
        mime: mime.to_owned(),
        size: given["size"].as_u64().unwrap_or_default(),
        kind: kind.into(),
    })
}

fn mentions(d: &Value) -> impl Iterator<Item = &Value> {
    list(&d["mentions"])
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text that says something.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
