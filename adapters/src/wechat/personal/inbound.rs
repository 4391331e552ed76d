//! From what WeChat tells to events. Pure functions.

use jarvis_proto::chat::{
    Attachment, AttachmentKind, Event, Message, Person, Room, RoomKind, event,
};
use serde_json::Value;

use super::handle::Handle;

/// The platform's kinds of items.
const TEXT: u64 = 1;
const IMAGE: u64 = 2;
const VOICE: u64 = 3;
const FILE: u64 = 4;
const VIDEO: u64 = 5;
/// What other bots report of their work; nobody wrote it.
const TOOLS: std::ops::RangeInclusive<u64> = 11..=12;
/// A message of a person, in the platform's numbers.
const OF_PERSON: u64 = 1;
/// Items of one message that are looked at, and longest id.
const MOST_ITEMS: usize = 100;
const LONGEST_ID: usize = 128;

/// A message that somebody wrote.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    pub(super) event: Event,
    /// The message's id.
    pub(super) id: String,
    pub(super) at_ms: i64,
    /// What the platform wants to see in an answer.
    pub(super) context: Option<String>,
    /// The text, for those who quote it.
    pub(super) text: String,
}

/// A person's room; its id is theirs.
pub(super) fn room(person: &str) -> Room {
    Room {
        id: person.to_owned(),
        kind: RoomKind::Private.into(),
        ..Room::default()
    }
}

/// Reads one message of `person`'s line; `None` when there is nothing for the brain in it. `quoted`
/// gives the text of a message and whether it was ours.
pub(super) fn read(
    message: &Value,
    person: Person,
    quoted: impl Fn(&str) -> Option<(String, bool)>,
) -> Option<Heard> {
    if message["message_type"].as_u64() != Some(OF_PERSON) {
        return None;
    }
    // A line is its person's alone, and has no groups.
    let from = message["from_user_id"].as_str().unwrap_or_default();
    let is_group = message["group_id"]
        .as_str()
        .is_some_and(|id| !id.is_empty());
    if from != person.id || is_group {
        tracing::warn!("a message on somebody else's line is passed over");
        return None;
    }
    let at_ms = message["create_time_ms"].as_i64().unwrap_or_default();
    let id = id(&message["message_id"])
        .or_else(|| Some(format!("{}-{at_ms}", id(&message["seq"])?)))
        .filter(|id| id.len() <= LONGEST_ID)?;
    let mut said = Message {
        message_id: id.clone(),
        ..Message::default()
    };
    let items = message["item_list"].as_array();
    for item in items.into_iter().flatten().take(MOST_ITEMS) {
        take(item, &mut said);
        quote(&item["ref_msg"], &mut said, &quoted);
    }
    if said.text.is_empty() && said.attachments.is_empty() {
        return None;
    }
    let context = message["context_token"].as_str().map(ToOwned::to_owned);
    Some(Heard {
        id: id.clone(),
        at_ms,
        context,
        text: said.text.clone(),
        event: Event {
            id: format!("{}:{id}", person.id),
            time_ms: at_ms,
            room: Some(room(&person.id)),
            person: Some(person),
            addressed: true,
            kind: Some(event::Kind::Message(said)),
            ..Event::default()
        },
    })
}

/// An id, which may be a number or text.
pub(super) fn id(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.as_u64()?.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
    .filter(|id| !id.is_empty() && id != "0")
}

fn take(item: &Value, said: &mut Message) {
    let kind = item["type"].as_u64().unwrap_or_default();
    match kind {
        TEXT => add(said, item["text_item"]["text"].as_str().unwrap_or_default()),
        VOICE => {
            // What was said is worth more than its sound.
            match item["voice_item"]["text"].as_str() {
                Some(text) if !text.trim().is_empty() => add(said, text),
                _ => said.attachments.push(voice(&item["voice_item"])),
            }
        }
        IMAGE => said.attachments.push(image(&item["image_item"])),
        FILE => said.attachments.push(file(&item["file_item"])),
        VIDEO => {
            let handle = handle(&item["video_item"], None);
            let kind = AttachmentKind::Video;
            let video = attachment("video.mp4", "video/mp4", kind, &handle);
            said.attachments.push(video);
        }
        kind if TOOLS.contains(&kind) => {}
        // Its sender must get an answer, and what comes after it must come through.
        kind => {
            tracing::info!(kind, "an item of an unknown kind");
            add(said, &format!("[{kind}]"));
        }
    }
}

fn add(said: &mut Message, text: &str) {
    if !said.text.is_empty() && !text.is_empty() {
        said.text.push('\n');
    }
    said.text.push_str(text);
}

fn quote(quote: &Value, said: &mut Message, quoted: &impl Fn(&str) -> Option<(String, bool)>) {
    if !quote.is_object() || !said.reply_to.is_empty() {
        return;
    }
    let of = &quote["message_item"];
    let known = id(&quote["svr_id"]).or_else(|| id(&of["msg_id"]));
    if let Some(known) = known.filter(|id| id.len() <= LONGEST_ID) {
        if let Some((text, is_ours)) = quoted(&known) {
            said.reply_to_text = text;
            said.reply_to_bot = is_ours;
        }
        said.reply_to = known;
    }
    if said.reply_to_text.is_empty() {
        let text = of["text_item"]["text"]
            .as_str()
            .or_else(|| quote["title"].as_str());
        text.unwrap_or_default().clone_into(&mut said.reply_to_text);
    }
}

/// Where the bytes are. `own_key` goes before the key beside the address.
fn handle(item: &Value, own_key: Option<&str>) -> Handle {
    let media = &item["media"];
    let text = |key: &str| media[key].as_str().unwrap_or_default().to_owned();
    let key = own_key
        .or_else(|| media["aes_key"].as_str())
        .filter(|key| !key.is_empty());
    Handle {
        url: text("full_url"),
        param: text("encrypt_query_param"),
        key: key.map(ToOwned::to_owned),
        size: None,
    }
}

fn image(item: &Value) -> Attachment {
    let handle = handle(item, item["aeskey"].as_str().filter(|key| !key.is_empty()));
    let kind = AttachmentKind::Image;
    attachment("picture.jpg", "image/jpeg", kind, &handle)
}

fn voice(item: &Value) -> Attachment {
    let (name, mime) = match item["encode_type"].as_u64() {
        Some(1) => ("voice.pcm", "audio/L16"),
        Some(5) => ("voice.amr", "audio/amr"),
        Some(7) => ("voice.mp3", "audio/mpeg"),
        Some(4 | 8) => ("voice.spx", "audio/ogg"),
        _ => ("voice.silk", "audio/silk"),
    };
    let handle = encrypted(handle(item, None));
    attachment(name, mime, AttachmentKind::Audio, &handle)
}

fn file(item: &Value) -> Attachment {
    let size = match &item["len"] {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    };
    let mut handle = encrypted(handle(item, None));
    handle.size = size;
    let name = item["file_name"].as_str().unwrap_or_default();
    attachment(name, "", AttachmentKind::File, &handle)
}

/// Only pictures come without a key; anything else without one cannot be read, and is said to be so.
fn encrypted(mut handle: Handle) -> Handle {
    handle.key.get_or_insert_default();
    handle
}

fn attachment(name: &str, mime: &str, kind: AttachmentKind, handle: &Handle) -> Attachment {
    Attachment {
        handle: serde_json::to_string(handle).unwrap_or_default(),
        name: name.to_owned(),
        mime: mime.to_owned(),
        size: handle.size.unwrap_or_default(),
        kind: kind.into(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    const ANN: &str = "o9@im.wechat";

    fn person() -> Person {
        Person {
            id: ANN.into(),
            ..Person::default()
        }
    }

    fn heard(message: &Value) -> Option<Heard> {
        read(message, person(), |id| {
            (id == "77").then(|| ("what I said".into(), true))
        })
    }

    fn message(items: &Value) -> Value {
        json!({
            "message_id": 7_463_524_564_243_524_564_u64,
            "from_user_id": ANN, "to_user_id": "44b@im.bot",
            "message_type": 1, "message_state": 2,
            "create_time_ms": 1_770_000_000_000_i64,
            "session_id": "s", "context_token": "CTX1", "item_list": items,
        })
    }

    fn said(items: &Value) -> Message {
        match heard(&message(items)).unwrap().event.kind.unwrap() {
            event::Kind::Message(said) => said,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_with_an_id_beyond_53_bits() {
        let heard = heard(&message(&json!([{"type": 1, "text_item": {"text": "hi"}}]))).unwrap();
        assert_eq!(heard.id, "7463524564243524564");
        assert_eq!(heard.event.id, "o9@im.wechat:7463524564243524564");
        assert_eq!(heard.context.as_deref(), Some("CTX1"));
        assert_eq!(
            (heard.text.as_str(), heard.at_ms),
            ("hi", 1_770_000_000_000)
        );
        assert!(heard.event.addressed);
    }

    #[test]
    fn a_file_and_a_picture_know_their_keys() {
        let said = said(&json!([
            {"type": 4, "file_item": {"file_name": "a.pdf", "len": "100", "media": {
                "encrypt_query_param": "DL1", "aes_key": "a2V5", "full_url": "https://h/x"}}},
            {"type": 2, "image_item": {"aeskey": "00ff", "media": {
                "encrypt_query_param": "DL2", "aes_key": "a2V5"}}},
            {"type": 2, "image_item": {"media": {"encrypt_query_param": "DL3"}}},
            {"type": 4, "file_item": {"file_name": "b", "media": {"encrypt_query_param": "DL4"}}},
        ]));
        let handles: Vec<Handle> = said
            .attachments
            .iter()
            .map(|attachment| serde_json::from_str(&attachment.handle).unwrap())
            .collect();
        assert_eq!(said.attachments[0].size, 100);
        assert_eq!(handles[0].url, "https://h/x");
        let keys: Vec<_> = handles.iter().map(|handle| handle.key.as_deref()).collect();
        assert_eq!(keys, [Some("a2V5"), Some("00ff"), None, Some("")]);
    }

    #[test]
    fn a_voice_is_what_it_says_and_else_a_file() {
        let spoken = said(&json!([{"type": 3, "voice_item": {"text": "nodes", "encode_type": 6}}]));
        assert_eq!(
            (spoken.text.as_str(), spoken.attachments.len()),
            ("nodes", 0)
        );
        let sound = said(&json!([{"type": 3, "voice_item": {"encode_type": 6}}]));
        assert_eq!(sound.attachments[0].name, "voice.silk");
    }

    #[test]
    fn an_unknown_kind_stops_nothing() {
        let said = said(&json!([
            {"type": 99, "hologram_item": {}},
            {"type": 11, "tool_call_start_item": {}},
            {"type": 1, "text_item": {"text": "after"}},
            "nonsense",
        ]));
        assert_eq!(said.text, "[99]\nafter\n[0]");
    }

    #[test]
    fn a_quote_is_found_by_its_id_or_brings_its_text() {
        let answer = |quote: Value| {
            said(&json!([{"type": 1, "text_item": {"text": "x"}, "ref_msg": quote}]))
        };
        let known = answer(json!({"svr_id": 77}));
        assert_eq!(
            (
                known.reply_to.as_str(),
                known.reply_to_text.as_str(),
                known.reply_to_bot
            ),
            ("77", "what I said", true)
        );
        let brought = answer(json!({
            "message_item": {"type": 1, "text_item": {"text": "long ago"}}, "title": "t"
        }));
        assert_eq!(brought.reply_to_text, "long ago");
        assert!(!brought.reply_to_bot);
    }

    #[test]
    fn what_is_not_the_persons_own_is_passed_over() {
        let items = json!([{"type": 1, "text_item": {"text": "x"}}]);
        for (key, value) in [
            ("message_type", json!(2)),
            ("from_user_id", json!("eve@im.wechat")),
            ("group_id", json!("g")),
            ("item_list", json!([])),
            ("item_list", json!(null)),
            ("message_id", json!({"a": 1})),
        ] {
            let mut message = message(&items);
            message[key] = value;
            assert_eq!(heard(&message), None, "{key}");
        }
        assert_eq!(heard(&json!(["nonsense"])), None);
    }
}
