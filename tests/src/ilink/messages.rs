//! Messages of a bot, and "is typing".

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Rules;
use super::files::open;
use super::state::{Chat, Entry, Refusal, State};

/// A message of a bot.
pub(super) fn send(
    state: &mut State,
    rules: &Rules,
    person: &str,
    body: &Value,
) -> Result<Value, Refusal> {
    let message = &body["msg"];
    let text = |key: &str| message[key].as_str().unwrap_or_default();
    let wrong = |words: &str| Err(Refusal::wrong(words));
    if text("to_user_id") != person {
        return wrong("to_user_id is somebody else");
    }
    if !text("from_user_id").is_empty() {
        return wrong("from_user_id must be empty");
    }
    let client_id = text("client_id");
    if client_id.is_empty() || client_id.len() > 256 {
        return wrong("client_id");
    }
    if message["message_type"] != 2 || !matches!(message["message_state"].as_u64(), Some(0..=2)) {
        return wrong("message_type and message_state");
    }
    let items = message["item_list"].as_array();
    let Some([item]) = items.map(Vec::as_slice) else {
        return wrong("one item in a message");
    };
    let shown = show(state, rules, person, item)?;
    let chat = state.chat(person);
    match message["context_token"].as_str() {
        Some(context) if !chat.contexts.iter().any(|given| given == context) => {
            return wrong("context_token is not one that was given");
        }
        None if !chat.contexts.is_empty() => return wrong("context_token is missing"),
        _ => {}
    }
    // A name that is known is taken, and shown once.
    if let Some(id) = chat.client_ids.get(client_id) {
        return Ok(json!({ "message_id": id }));
    }
    may_send(chat, rules)?;
    let client_id = client_id.to_owned();
    let id = state.next_id();
    let chat = state.chat(person);
    chat.client_ids.insert(client_id, id);
    chat.is_typing = false;
    let Some((text, file, bytes)) = shown else {
        // States of tools are taken and not shown.
        return Ok(Value::Null);
    };
    chat.log.push(Entry {
        id,
        is_bot: true,
        text,
        file,
        bytes,
    });
    Ok(json!({ "message_id": id }))
}

fn may_send(chat: &mut Chat, rules: &Rules) -> Result<(), Refusal> {
    let now = Instant::now();
    let is_open = chat.heard.is_some_and(|heard| now - heard < rules.window);
    if !is_open || chat.answers >= rules.replies {
        return Err(Refusal::limited());
    }
    if chat.refuses_until.is_some_and(|until| now < until) {
        return Err(Refusal::limited());
    }
    let (most, within) = rules.burst;
    chat.sent.retain(|at| now - *at < within);
    if chat.sent.len() + 1 >= most {
        chat.refuses_until = Some(now + rules.cooldown);
        return Err(Refusal::limited());
    }
    chat.sent.push_back(now);
    chat.answers += 1;
    Ok(())
}

type Shown = Option<(String, Option<String>, Bytes)>;

/// What a phone shows of an item.
fn show(state: &State, rules: &Rules, person: &str, item: &Value) -> Result<Shown, Refusal> {
    match item["type"].as_u64() {
        Some(1) => {
            let text = item["text_item"]["text"].as_str().unwrap_or_default();
            if text.is_empty() || text.chars().count() > rules.text {
                return Err(Refusal::wrong("a text is empty or too long"));
            }
            Ok(Some((text.to_owned(), None, Bytes::new())))
        }
        Some(2) => {
            let image = &item["image_item"];
            let (bytes, sealed) = file(state, person, &image["media"], 1)?;
            if image["mid_size"].as_u64() != Some(sealed) {
                return Err(Refusal::wrong("mid_size is not the length of the picture"));
            }
            Ok(Some((String::new(), Some("picture".to_owned()), bytes)))
        }
        Some(4) => {
            let item = &item["file_item"];
            let (bytes, _) = file(state, person, &item["media"], 3)?;
            if item["len"].as_str() != Some(&bytes.len().to_string()) {
                return Err(Refusal::wrong("len is not the length of the file, as text"));
            }
            let name = item["file_name"].as_str().unwrap_or_default();
            if name.is_empty() || name.contains(['/', '\\']) {
                return Err(Refusal::wrong("file_name"));
            }
            Ok(Some((String::new(), Some(name.to_owned()), bytes)))
        }
        Some(11 | 12) => Ok(None),
        kind => Err(Refusal::wrong(format!("an item of kind {kind:?}"))),
    }
}

/// The bytes of a file as the phone gets them, and how long they are encrypted.
fn file(state: &State, person: &str, media: &Value, kind: u64) -> Result<(Bytes, u64), Refusal> {
    let param = media["encrypt_query_param"].as_str().unwrap_or_default();
    let stored = state
        .stored
        .get(param)
        .ok_or_else(|| Refusal::wrong("a file that nobody has put up"))?;
    let announced = stored
        .announced
        .as_ref()
        .filter(|announced| announced.person == person && announced.kind == kind)
        .ok_or_else(|| Refusal::wrong("a file for somebody else, or of another kind"))?;
    if media["encrypt_type"] != 1 {
        return Err(Refusal::wrong("encrypt_type"));
    }
    let key = STANDARD
        .decode(media["aes_key"].as_str().unwrap_or_default())
        .unwrap_or_default();
    let key: Option<[u8; 16]> = match key.len() {
        16 => key.try_into().ok(),
        32 => hex::decode(&key).ok().and_then(|key| key.try_into().ok()),
        _ => None,
    };
    let bytes = key.and_then(|key| open(&key, &stored.sealed));
    match bytes {
        Some(bytes) if key == Some(announced.key) => Ok((bytes, announced.sealed)),
        _ => Err(Refusal::wrong("aes_key is not the key of the file")),
    }
}

/// What is needed for "is typing".
pub(super) fn config(state: &mut State, person: &str, body: &Value) -> Result<Value, Refusal> {
    if body["ilink_user_id"] != person {
        return Err(Refusal::wrong("ilink_user_id"));
    }
    let ticket = STANDARD.encode(format!("ticket-{}", state.next_id()));
    state.chat(person).typing_ticket = Some(ticket.clone());
    Ok(json!({ "ret": 0, "typing_ticket": ticket }))
}

/// "Is typing", or no longer.
pub(super) fn typing(state: &mut State, person: &str, body: &Value) -> Result<Value, Refusal> {
    let chat = state.chat(person);
    let has_ticket = chat.typing_ticket.is_some()
        && body["typing_ticket"].as_str() == chat.typing_ticket.as_deref();
    if body["ilink_user_id"] != person || !has_ticket {
        return Err(Refusal::wrong("typing_ticket"));
    }
    match body["status"].as_u64() {
        Some(1) => {
            chat.is_typing = true;
            chat.typed += 1;
        }
        Some(2) => chat.is_typing = false,
        _ => return Err(Refusal::wrong("status")),
    }
    Ok(json!({ "ret": 0 }))
}
