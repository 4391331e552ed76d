//! From callbacks to events. Pure functions; everything in a callback may be missing or of another
//! shape.

use std::time::Duration;

use jarvis_proto::chat::{
    Attachment, AttachmentKind, ButtonPress, Event, Joined, Message, Person, event,
};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::handle::Handle;
use super::place::Place;
use crate::now_ms;

/// Attachments of one message.
const ATTACHMENTS: usize = 16;
/// Longest id that is believed, in bytes.
const LONGEST_ID: usize = 256;

/// What a callback says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    pub(super) place: Place,
    pub(super) event: Event,
    pub(super) what: What,
}

/// What happened, as far as its answer is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Message,
    /// Somebody opened the chat for the first time today.
    Entered,
    /// A pressed button of the card with this task.
    Press {
        task: String,
        key: String,
    },
}

/// What a callback is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Callback {
    Heard(Box<Heard>),
    /// Another program has taken the robot over.
    TakenOver,
    /// The platform asks for the state of a bubble.
    Poll {
        stream: String,
    },
    /// Nothing for us.
    Nothing,
}

impl Heard {
    /// Names the message by what answers it: states of a job name nothing but the message that they
    /// answer.
    pub(super) fn name_message(&mut self, id: &str) {
        if let Some(event::Kind::Message(message)) = &mut self.event.kind {
            id.clone_into(&mut message.message_id);
        }
    }
}

/// Reads a callback. `name` is what groups call the robot.
pub(super) fn read(body: &Value, name: &str, language: &str) -> Callback {
    let kind = text(&body["msgtype"]).unwrap_or_default();
    let happened = text(&body["event"]["eventtype"]).unwrap_or_default();
    if kind == "event" && happened == "disconnected_event" {
        return Callback::TakenOver;
    }
    if kind == "stream" {
        return match text(&body["stream"]["id"]) {
            Some(id) => Callback::Poll {
                stream: id.to_owned(),
            },
            None => Callback::Nothing,
        };
    }
    let Some((place, person)) = who(body) else {
        return Callback::Nothing;
    };
    let found = match (kind, happened) {
        ("event", "enter_chat") => Some((event::Kind::Joined(Joined {}), What::Entered)),
        ("event", "template_card_event") => press(&body["event"]["template_card_event"])
            .or_else(|| press(&body["event"]))
            .map(|(task, key)| {
                let press = ButtonPress {
                    message_id: task.clone(),
                    data: key.clone(),
                };
                (event::Kind::Press(press), What::Press { task, key })
            }),
        ("event", _) => None,
        _ => message(body, kind, &place, name)
            .map(|message| (event::Kind::Message(message), What::Message)),
    };
    let Some((kind, what)) = found else {
        return Callback::Nothing;
    };
    let prefix = match what {
        What::Message => "m",
        _ => "e",
    };
    let id = match id(&body["msgid"]) {
        Some(id) => format!("{prefix}:{id}"),
        None => made_up_id(body),
    };
    let event = Event {
        id,
        time_ms: time_ms(&body["create_time"]),
        room: Some(place.proto()),
        person: Some(Person {
            id: person.to_owned(),
            language: language.to_owned(),
            ..Person::default()
        }),
        // A group is only told of when the robot is called.
        addressed: true,
        reply_context: None,
        again: false,
        kind: Some(kind),
    };
    Callback::Heard(Box::new(Heard { place, event, what }))
}

fn who(body: &Value) -> Option<(Place, &str)> {
    let person = id(&body["from"]["userid"])?;
    let group = id(&body["chatid"]);
    let is_private = text(&body["chattype"]).map_or(group.is_none(), |kind| kind == "single");
    let place = if is_private {
        Place::Private(person.to_owned())
    } else {
        Place::Group(group?.to_owned())
    };
    Some((place, person))
}

fn press(of: &Value) -> Option<(String, String)> {
    let key = text(&of["event_key"])?;
    let task = text(&of["task_id"]).unwrap_or_default();
    Some((task.to_owned(), key.to_owned()))
}

fn message(body: &Value, kind: &str, place: &Place, name: &str) -> Option<Message> {
    let mut said = content(body, kind)?;
    let is_group = matches!(place, Place::Group(_));
    if is_group {
        said.text = without_mention(&said.text, name);
    }
    let quote = &body["quote"];
    let quoted = text(&quote["msgtype"])
        .and_then(|kind| content(quote, kind))
        .unwrap_or_default();
    // Whoever answers a file speaks about it; what is quoted has no id by which it could be found.
    said.attachments.extend(quoted.attachments);
    said.attachments.truncate(ATTACHMENTS);
    if said.text.is_empty() && said.attachments.is_empty() {
        said.text.clone_from(&quoted.text);
    }
    // In a group the robot may be called with nothing more; elsewhere nothing was said.
    if said.text.is_empty() && said.attachments.is_empty() && !is_group {
        return None;
    }
    Some(Message {
        message_id: id(&body["msgid"]).unwrap_or_default().to_owned(),
        text: said.text,
        attachments: said.attachments,
        reply_to_text: quoted.text,
        ..Message::default()
    })
}

#[derive(Debug, Default)]
struct Said {
    text: String,
    attachments: Vec<Attachment>,
}

/// What a message, or a quoted one, holds; `None` for kinds that nobody knows.
fn content(of: &Value, kind: &str) -> Option<Said> {
    let part = &of[kind];
    let file = |kind| Said {
        text: String::new(),
        attachments: attachment(part, kind).into_iter().collect(),
    };
    Some(match kind {
        // What was spoken comes as its transcript.
        "text" | "voice" => Said {
            text: text(&part["content"])?.trim().to_owned(),
            attachments: Vec::new(),
        },
        "image" => file(AttachmentKind::Image),
        "file" => file(AttachmentKind::File),
        "video" => file(AttachmentKind::Video),
        "mixed" => {
            let mut said = Said::default();
            for item in part["msg_item"].as_array().into_iter().flatten() {
                match text(&item["msgtype"]) {
                    Some("text") => {
                        let more = text(&item["text"]["content"]).unwrap_or_default().trim();
                        if !said.text.is_empty() && !more.is_empty() {
                            said.text.push('\n');
                        }
                        said.text.push_str(more);
                    }
                    Some("image") if said.attachments.len() < ATTACHMENTS => {
                        let image = attachment(&item["image"], AttachmentKind::Image);
                        said.attachments.extend(image);
                    }
                    _ => {}
                }
            }
            said
        }
        _ => return None,
    })
}

fn attachment(of: &Value, kind: AttachmentKind) -> Option<Attachment> {
    let handle = Handle {
        url: text(&of["url"])?.to_owned(),
        key: text(&of["aeskey"]).map(str::to_owned),
        at_ms: now_ms(),
    };
    Some(Attachment {
        handle: handle.written(),
        name: String::new(),
        mime: String::new(),
        size: 0,
        kind: kind.into(),
    })
}

/// A group's text without the call of the robot. A name that we know is cut out wherever it stands;
/// else the first word, when it is a call.
fn without_mention(said: &str, name: &str) -> String {
    let ends = |rest: &str| {
        rest.chars()
            .next()
            .is_none_or(|next| next.is_whitespace() || !next.is_alphanumeric())
    };
    if !name.is_empty() {
        let call = format!("@{name}");
        let found = said
            .match_indices(&call)
            .find(|(at, _)| ends(&said[at + call.len()..]));
        if let Some((at, _)) = found {
            let (before, after) = (said[..at].trim_end(), said[at + call.len()..].trim_start());
            let gap = if before.is_empty() || after.is_empty() {
                ""
            } else {
                " "
            };
            return format!("{before}{gap}{after}").trim().to_owned();
        }
    }
    let said = said.trim_start();
    match said.strip_prefix('@') {
        Some(rest) => match rest.split_once(char::is_whitespace) {
            Some((_, rest)) => rest.trim().to_owned(),
            None => String::new(),
        },
        None => said.trim_end().to_owned(),
    }
}

/// Seconds or milliseconds; now, when there is none or it names the future.
fn time_ms(given: &Value) -> i64 {
    const MILLISECONDS: i64 = 100_000_000_000;
    let now = now_ms();
    given
        .as_i64()
        .map(|time| {
            if time < MILLISECONDS {
                time.saturating_mul(1000)
            } else {
                time
            }
        })
        .filter(|time| (1..=now).contains(time))
        .unwrap_or(now)
}

/// For a callback without an id: the same for the same callback.
fn made_up_id(body: &Value) -> String {
    let digest = digest(&SHA256, body.to_string().as_bytes());
    format!("x:{}", hex::encode(&digest.as_ref()[..16]))
}

/// A text that says something.
fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

fn id(value: &Value) -> Option<&str> {
    text(value).filter(|id| id.len() <= LONGEST_ID)
}

/// A time span in the contract's unit.
pub(super) fn in_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
