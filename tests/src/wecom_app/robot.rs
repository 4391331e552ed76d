//! The robot of a group: whoever has its key may write.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::{GROUP, Settings, messages};
use crate::weixin::server::Incoming;
use crate::weixin::{Refusal, Shown, State, Way, files};

const MINUTE: Duration = Duration::from_secs(60);
const TEXT: usize = 2048;
const MARKDOWN: usize = 4096;
const PICTURE: usize = 2 << 20;

/// Answers a call of a robot.
pub(super) fn answer(
    settings: &Settings,
    state: &mut State,
    call: &Incoming,
) -> Result<Value, Refusal> {
    if call.asked("key") != settings.robot {
        return Err(Refusal::new(93_000, "invalid webhook url"));
    }
    match (call.method.as_str(), call.path.as_str()) {
        ("POST", "webhook/send") => send(settings, state, &call.json),
        ("POST", "webhook/upload_media") if call.asked("type") == "file" => {
            let sizes = files::Sizes {
                image: 0,
                file: Some(20_000_000),
            };
            files::put(state, call, sizes)
        }
        _ => Err(Refusal::new(40_008, "invalid message type")),
    }
}

fn send(settings: &Settings, state: &mut State, body: &Value) -> Result<Value, Refusal> {
    let now = Instant::now();
    let sent = &mut state.chat(GROUP).sent;
    sent.retain(|at| now.duration_since(*at) < MINUTE);
    if sent.len() >= settings.robot_per_minute {
        return Err(Refusal::new(45_009, "api freq out of limit"));
    }
    sent.push_back(now);
    let kind = body["msgtype"].as_str().unwrap_or_default();
    let shown = match kind {
        "text" | "markdown" => {
            let text = body[kind]["content"].as_str().unwrap_or_default();
            if text.trim().is_empty() {
                return Err(Refusal::new(44_004, "empty content"));
            }
            let most = if kind == "text" { TEXT } else { MARKDOWN };
            if text.len() > most {
                return Err(Refusal::new(40_058, "content exceed max length"));
            }
            Shown::text(Way::Sent, kind, &messages::cut(state, text, most))
        }
        "image" => {
            let bytes = STANDARD.decode(body["image"]["base64"].as_str().unwrap_or_default());
            let bytes = bytes.map_err(|_| Refusal::new(301_019, "image base64"))?;
            if body["image"]["md5"] != hex::encode(Md5::digest(&bytes)) {
                return Err(Refusal::new(301_019, "image md5 not match"));
            }
            if bytes.is_empty() || bytes.len() > PICTURE {
                return Err(Refusal::new(45_001, "image size"));
            }
            let mut shown = Shown::text(Way::Sent, kind, "");
            shown.file = Some("[picture]".to_owned());
            shown
        }
        "file" => {
            let media = body["file"]["media_id"].as_str().unwrap_or_default();
            let media = state.media.get(media);
            let media = media.ok_or_else(|| Refusal::new(40_007, "invalid media_id"))?;
            let mut shown = Shown::text(Way::Sent, kind, "");
            shown.file = Some(media.name.clone());
            shown
        }
        _ => return Err(Refusal::new(40_008, "invalid message type")),
    };
    state.show(GROUP, shown);
    Ok(json!({}))
}
