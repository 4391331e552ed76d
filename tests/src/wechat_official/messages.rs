//! Messages of customer service.

use serde_json::{Value, json};

use super::Settings;
use crate::weixin::server::Incoming;
use crate::weixin::{Refusal, Shown, State, Way};

/// Longest text, in bytes.
const TEXT: usize = 2048;

/// Only verified accounts may write later.
pub(super) fn verified(settings: &Settings) -> Result<(), Refusal> {
    if settings.is_verified {
        Ok(())
    } else {
        Err(Refusal::new(48_001, "api unauthorized"))
    }
}

fn person(settings: &Settings, state: &mut State, body: &Value) -> Result<String, Refusal> {
    verified(settings)?;
    let user = body["touser"].as_str().unwrap_or_default().to_owned();
    match state.chats.get(&user) {
        None => Err(Refusal::new(40_003, "invalid openid")),
        Some(chat) if chat.is_gone => Err(Refusal::new(43_004, "require subscribe")),
        Some(chat) => match chat.spoke {
            Some(at) if at.elapsed() < settings.window => Ok(user),
            _ => Err(Refusal::new(
                45_015,
                "response out of time limit or subscription is canceled",
            )),
        },
    }
}

pub(super) fn send(
    settings: &Settings,
    state: &mut State,
    call: &Incoming,
) -> Result<Value, Refusal> {
    let body = &call.json;
    let user = person(settings, state, body)?;
    if call.bytes.windows(2).any(|pair| pair == b"\\u") {
        state.complain("a text was not raw UTF-8");
    }
    let kind = body["msgtype"].as_str().unwrap_or_default();
    let shown = match kind {
        "text" => {
            let text = body["text"]["content"].as_str().unwrap_or_default();
            if text.trim().is_empty() {
                return Err(Refusal::new(44_004, "empty content"));
            }
            if text.len() > TEXT {
                return Err(Refusal::new(45_002, "content size out of limit"));
            }
            Shown::text(Way::Sent, kind, text)
        }
        "image" => {
            let media = body["image"]["media_id"].as_str().unwrap_or_default();
            let media = state.media.get(media);
            let media = media.ok_or_else(|| Refusal::new(40_007, "invalid media_id"))?;
            if media.kind != "image" {
                return Err(Refusal::new(40_007, "invalid media_id"));
            }
            let mut shown = Shown::text(Way::Sent, kind, "");
            shown.file = Some(media.name.clone());
            shown
        }
        _ => return Err(Refusal::new(40_008, "invalid message type")),
    };
    let chat = state.chat(&user);
    if chat.since >= settings.messages {
        return Err(Refusal::new(45_047, "out of response count limit"));
    }
    chat.since += 1;
    state.show(&user, shown);
    Ok(json!({}))
}

pub(super) fn typing(
    settings: &Settings,
    state: &mut State,
    call: &Incoming,
) -> Result<Value, Refusal> {
    person(settings, state, &call.json)?;
    match call.json["command"].as_str() {
        Some("Typing" | "CancelTyping") => Ok(json!({})),
        _ => Err(Refusal::new(40_035, "invalid parameter")),
    }
}
