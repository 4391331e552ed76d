//! The robot's frames: what the platform takes and what it refuses.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::state::{Asked, Entry, Media, Refusal, State, Stream, Upload, bad};
use crate::markdown::shown;

/// How soon a greeting and a card have to be answered.
const AT_ONCE: Duration = Duration::from_secs(5);
const PIECE: usize = 512 * 1024;
const UPLOAD_LIFE: Duration = Duration::from_secs(30 * 60);
const MEDIA: [&str; 4] = ["file", "image", "voice", "video"];

type Done = Result<Value, Refusal>;

/// One frame of the robot.
pub(super) fn perform(state: &mut State, cmd: &str, req_id: &str, body: &Value) -> Done {
    match cmd {
        "aibot_respond_msg" => respond(state, req_id, body),
        "aibot_respond_welcome_msg" => welcome(state, req_id, body),
        "aibot_respond_update_msg" => update(state, req_id, body),
        "aibot_send_msg" => push(state, body),
        "aibot_upload_media_init" => begin(state, body),
        "aibot_upload_media_chunk" => piece(state, body),
        "aibot_upload_media_finish" => finish(state, body),
        _ => Err(bad("unknown cmd")),
    }
}

fn respond(state: &mut State, req_id: &str, body: &Value) -> Done {
    let invalid = || Refusal::new(846_605, "invalid req_id");
    let callback = state.callbacks.get(req_id).ok_or_else(invalid)?;
    let is_late = callback.at.elapsed() > state.settings.rules.answer_window;
    if callback.asked != Asked::Message || is_late {
        return Err(invalid());
    }
    let room = callback.room.clone();
    if body["msgtype"] == "stream" {
        fields(body, &["msgtype", "stream"])?;
        return stream(state, &room, req_id, &body["stream"]);
    }
    if body["msgtype"] == "text" {
        return Err(bad("text answers only those who come in"));
    }
    message(state, &room, Some(req_id), body, &["msgtype"])
}

/// One state of a bubble, in an answer to a frame or to a callback.
pub(super) fn stream(state: &mut State, room: &str, req_id: &str, stream: &Value) -> Done {
    fields(stream, &["id", "finish", "content", "feedback"])?;
    let id = words(&stream["id"], 256)?;
    let is_last = stream["finish"]
        .as_bool()
        .ok_or_else(|| bad("stream.finish"))?;
    let text = markdown(state, &stream["content"])?;
    let ended = || Refusal::new(846_608, "stream message update expired");
    let rules = state.settings.rules.clone();
    let is_new = match state.streams.get(&id) {
        None => true,
        Some(known) if known.req_id != req_id => return Err(bad("stream.id of another message")),
        Some(known) if known.is_done => return Err(ended()),
        Some(known) if known.since.elapsed() > rules.stream_life => return Err(ended()),
        Some(known) if known.at.elapsed() > rules.stream_still => return Err(ended()),
        Some(known) => {
            if !is_last && known.at.elapsed() < rules.stream_gap {
                state.complain("a bubble is refreshed too fast");
            }
            false
        }
    };
    if is_new {
        state.spend(room)?;
    }
    let now = Instant::now();
    let known = state.streams.entry(id.clone()).or_insert(Stream {
        req_id: req_id.to_owned(),
        since: now,
        at: now,
        is_done: false,
    });
    known.at = now;
    known.is_done = is_last;
    let entry = Entry {
        id,
        from: String::new(),
        text: shown(&text),
        buttons: Vec::new(),
        file: None,
        answers: Some(req_id.to_owned()),
        is_change: !is_new,
        is_finished: is_last,
    };
    log(state, room, entry);
    Ok(Value::Null)
}

fn welcome(state: &mut State, req_id: &str, body: &Value) -> Done {
    let invalid = || Refusal::new(846_605, "invalid req_id");
    let callback = state.callbacks.get_mut(req_id).ok_or_else(invalid)?;
    let is_late = callback.at.elapsed() > AT_ONCE || callback.is_used;
    if callback.asked != Asked::Entered || is_late {
        return Err(invalid());
    }
    callback.is_used = true;
    let room = callback.room.clone();
    greeting(state, &room, req_id, body)
}

/// What somebody is told who comes in.
pub(super) fn greeting(state: &mut State, room: &str, req_id: &str, body: &Value) -> Done {
    match body["msgtype"].as_str() {
        Some("text") => {
            fields(body, &["msgtype", "text"])?;
            fields(&body["text"], &["content"])?;
            let text = words(&body["text"]["content"], 2048 * 4)?;
            state.spend(room)?;
            let id = format!("OUT{}", state.next_id());
            log(state, room, plain(id, text, Some(req_id)));
            Ok(Value::Null)
        }
        Some("template_card") => message(state, room, Some(req_id), body, &["msgtype"]),
        _ => Err(bad("a greeting is text or a card")),
    }
}

fn update(state: &mut State, req_id: &str, body: &Value) -> Done {
    let invalid = || Refusal::new(846_605, "invalid req_id");
    let callback = state.callbacks.get(req_id).ok_or_else(invalid)?;
    let Asked::Press(task) = callback.asked.clone() else {
        return Err(invalid());
    };
    if callback.at.elapsed() > AT_ONCE || callback.is_used {
        return Err(invalid());
    }
    let room = callback.room.clone();
    card_update(state, &room, &task, body)?;
    state
        .callbacks
        .get_mut(req_id)
        .expect("it was there just now")
        .is_used = true;
    Ok(Value::Null)
}

/// The new look of a card.
pub(super) fn card_update(state: &mut State, room: &str, task: &str, body: &Value) -> Done {
    fields(body, &["response_type", "template_card", "userids"])?;
    if body["response_type"] != "update_template_card" {
        return Err(bad("response_type"));
    }
    let (text, buttons) = card(&body["template_card"])?;
    if body["template_card"]["task_id"] != task {
        return Err(bad("task_id of another card"));
    }
    let entry = Entry {
        buttons,
        is_change: true,
        ..plain(task.to_owned(), text, None)
    };
    log(state, room, entry);
    Ok(Value::Null)
}

fn push(state: &mut State, body: &Value) -> Done {
    let gone = || Refusal::new(93_006, "invalid chatid");
    let id = words(&body["chatid"], 256)?;
    let kind = body["chat_type"].as_u64().unwrap_or_default();
    let room = state.rooms.get(&id).ok_or_else(gone)?;
    let fits = match kind {
        0 => true,
        1 => !room.is_group,
        2 => room.is_group,
        _ => return Err(bad("chat_type")),
    };
    if !fits || !room.has_spoken {
        return Err(gone());
    }
    if matches!(body["msgtype"].as_str(), Some("stream" | "text")) {
        return Err(bad("msgtype"));
    }
    message(state, &id, None, body, &["msgtype", "chatid", "chat_type"])
}

/// A message that stays as it is.
pub(super) fn message(
    state: &mut State,
    room: &str,
    answers: Option<&str>,
    body: &Value,
    beside: &[&str],
) -> Done {
    let kind = body["msgtype"].as_str().unwrap_or_default();
    let mut known = beside.to_vec();
    known.push(kind);
    fields(body, &known)?;
    let part = &body[kind];
    let id = format!("OUT{}", state.next_id());
    let entry = match kind {
        "markdown" => {
            fields(part, &["content", "feedback"])?;
            let text = markdown(state, &part["content"])?;
            plain(id, shown(&text), answers)
        }
        "template_card" => {
            let (text, buttons) = card(part)?;
            let task = words(&part["task_id"], 128)?;
            if state.cards.contains_key(&task) {
                return Err(bad("task_id was used"));
            }
            state.cards.insert(task.clone(), room.to_owned());
            Entry {
                buttons,
                ..plain(task, text, answers)
            }
        }
        kind if MEDIA.contains(&kind) => {
            let known: &[&str] = match kind {
                "video" => &["media_id", "title", "description"],
                _ => &["media_id"],
            };
            fields(part, known)?;
            let media = part["media_id"].as_str().unwrap_or_default();
            let media = state.media.get(media).filter(|media| media.kind == kind);
            let media = media.ok_or_else(|| Refusal::new(40_007, "invalid media_id"))?;
            Entry {
                file: Some(media.name.clone()),
                ..plain(id, String::new(), answers)
            }
        }
        _ => return Err(bad("msgtype")),
    };
    state.spend(room)?;
    log(state, room, entry);
    Ok(Value::Null)
}

/// What a card says, and its buttons.
fn card(card: &Value) -> Result<(String, Vec<(String, String)>), Refusal> {
    fields(
        card,
        &[
            "card_type",
            "source",
            "main_title",
            "sub_title_text",
            "horizontal_content_list",
            "button_list",
            "task_id",
        ],
    )?;
    if card["card_type"] != "button_interaction" {
        return Err(bad("card_type"));
    }
    let task = words(&card["task_id"], 128)?;
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "_-@".contains(sign);
    if !task.chars().all(is_sign) {
        return Err(bad("task_id"));
    }
    let title = card["main_title"]["title"].as_str().unwrap_or_default();
    let text = card["sub_title_text"].as_str().unwrap_or_default();
    if title.is_empty() && text.is_empty() {
        return Err(bad("main_title.title or sub_title_text"));
    }
    let list = card["button_list"]
        .as_array()
        .filter(|list| (1..=6).contains(&list.len()));
    let list = list.ok_or_else(|| bad("button_list"))?;
    let mut buttons = Vec::new();
    for button in list {
        fields(button, &["text", "style", "key"])?;
        let style = button["style"].as_u64().unwrap_or(1);
        if !(1..=4).contains(&style) {
            return Err(bad("style"));
        }
        buttons.push((words(&button["text"], 256)?, words(&button["key"], 1024)?));
    }
    let keys: HashSet<_> = buttons.iter().map(|(_, key)| key).collect();
    if keys.len() != buttons.len() {
        return Err(bad("a key twice"));
    }
    Ok((format!("{title}{text}"), buttons))
}

fn begin(state: &mut State, body: &Value) -> Done {
    fields(
        body,
        &["type", "filename", "total_size", "total_chunks", "md5"],
    )?;
    let kind = body["type"].as_str().unwrap_or_default();
    let name = words(&body["filename"], 256)?;
    let number = |key: &str| {
        let number = body[key].as_u64().ok_or_else(|| bad(key))?;
        usize::try_from(number).map_err(|_| bad(key))
    };
    let (size, pieces) = (number("total_size")?, number("total_chunks")?);
    let largest = match kind {
        "image" | "video" => 10 << 20,
        "voice" => 2 << 20,
        "file" => 20 << 20,
        _ => return Err(bad("type")),
    };
    if !(5..=largest).contains(&size) || !(1..=100).contains(&pieces) || name.contains('/') {
        return Err(bad("size, chunks or name"));
    }
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let fits = match kind {
        "image" => matches!(ending.as_str(), "png" | "jpg" | "jpeg" | "gif"),
        "video" => ending == "mp4",
        "voice" => ending == "amr",
        _ => true,
    };
    if !fits {
        return Err(bad("no file of this type"));
    }
    let id = format!("UP{}", state.next_id());
    let upload = Upload {
        kind: kind.to_owned(),
        name,
        size,
        pieces,
        md5: body["md5"].as_str().map(str::to_owned),
        got: std::collections::BTreeMap::new(),
        at: Instant::now(),
    };
    state.uploads.insert(id.clone(), upload);
    Ok(json!({"upload_id": id}))
}

fn piece(state: &mut State, body: &Value) -> Done {
    fields(body, &["upload_id", "chunk_index", "base64_data"])?;
    let id = body["upload_id"].as_str().unwrap_or_default();
    let upload = state.uploads.get_mut(id);
    let upload = upload.filter(|upload| upload.at.elapsed() < UPLOAD_LIFE);
    let upload = upload.ok_or_else(|| bad("upload_id"))?;
    let index = body["chunk_index"].as_u64();
    let index = index.and_then(|index| usize::try_from(index).ok());
    let index = index
        .filter(|index| *index < upload.pieces)
        .ok_or_else(|| bad("chunk_index"))?;
    let data = body["base64_data"].as_str().unwrap_or_default();
    let data = STANDARD.decode(data).map_err(|_| bad("base64_data"))?;
    if data.is_empty() || data.len() > PIECE {
        return Err(bad("length of a chunk"));
    }
    // A repeated one changes nothing.
    upload.got.entry(index).or_insert(data);
    Ok(Value::Null)
}

fn finish(state: &mut State, body: &Value) -> Done {
    fields(body, &["upload_id"])?;
    let id = body["upload_id"].as_str().unwrap_or_default();
    let upload = state.uploads.remove(id).ok_or_else(|| bad("upload_id"))?;
    let bytes: Vec<u8> = upload.got.values().flatten().copied().collect();
    if upload.got.len() != upload.pieces || bytes.len() != upload.size {
        return Err(bad("chunks are missing"));
    }
    let md5 = hex::encode(Md5::digest(&bytes));
    if upload.md5.is_some_and(|wanted| wanted != md5) {
        return Err(bad("md5"));
    }
    let media = format!("MEDIA{}", state.next_id());
    state.media.insert(
        media.clone(),
        Media {
            kind: upload.kind.clone(),
            name: upload.name,
            bytes: bytes.into(),
        },
    );
    Ok(json!({"type": upload.kind, "media_id": media, "created_at": 1_795_362_046}))
}

fn plain(id: String, text: String, answers: Option<&str>) -> Entry {
    Entry {
        id,
        from: String::new(),
        text,
        buttons: Vec::new(),
        file: None,
        answers: answers.map(str::to_owned),
        is_change: false,
        is_finished: true,
    }
}

fn log(state: &mut State, room: &str, entry: Entry) {
    let room = state.rooms.get_mut(room).expect("the caller looked");
    room.log.push(entry);
}

fn markdown(state: &State, text: &Value) -> Result<String, Refusal> {
    let text = text.as_str().ok_or_else(|| bad("content"))?;
    if text.trim().is_empty() {
        return Err(Refusal::new(44_004, "empty content"));
    }
    if text.len() > state.settings.rules.text {
        return Err(Refusal::new(45_002, "content size out of limit"));
    }
    Ok(text.to_owned())
}

fn words(text: &Value, most: usize) -> Result<String, Refusal> {
    match text.as_str() {
        Some(text) if !text.is_empty() && text.len() <= most => Ok(text.to_owned()),
        _ => Err(bad(&format!("a text of 1 to {most} bytes is missing"))),
    }
}

fn fields(body: &Value, known: &[&str]) -> Result<(), Refusal> {
    let fields = body.as_object().ok_or_else(|| bad("no object"))?;
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(bad(&format!("unknown field {key}"))),
        None => Ok(()),
    }
}
