//! Messages and streams of the bot: what the platform takes and what it refuses.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::state::{Entry, Refusal, State, Stream};
use crate::markdown::shown;

/// Fields of a message that the platform knows.
const FIELDS: [&str; 11] = [
    "content",
    "msg_type",
    "markdown",
    "keyboard",
    "media",
    "input_notify",
    "msg_id",
    "event_id",
    "msg_seq",
    "message_reference",
    "is_wakeup",
];
const STREAM_FIELDS: [&str; 9] = [
    "input_mode",
    "input_state",
    "content_type",
    "content_raw",
    "event_id",
    "msg_id",
    "msg_seq",
    "index",
    "stream_msg_id",
];
const STREAM_GAP: Duration = Duration::from_millis(300);

fn bad(words: &str) -> Refusal {
    Refusal::new(400, 40_034_002, words)
}

pub(super) fn room(state: &State, openid: &str, is_group: bool) -> Result<(), Refusal> {
    let room = state.rooms.get(openid);
    let Some(room) = room.filter(|room| room.is_group == is_group) else {
        return Err(Refusal::new(400, 11_255, "unknown openid"));
    };
    match (room.is_open, is_group) {
        (true, _) if room.is_muted => Err(Refusal::new(400, 40_054_002, "the bot is muted")),
        (true, _) => Ok(()),
        (false, true) => Err(Refusal::new(400, 40_054_003, "not in the group")),
        (false, false) => Err(Refusal::new(400, 40_054_004, "no friend")),
    }
}

/// `POST /v2/{users|groups}/{openid}/messages`
pub(super) fn send(
    state: &mut State,
    openid: &str,
    is_group: bool,
    body: &Value,
) -> Result<Value, Refusal> {
    room(state, openid, is_group)?;
    known_fields(body, &FIELDS)?;
    let kind = body["msg_type"].as_u64().ok_or_else(|| bad("msg_type"))?;
    let content = body["content"].as_str().unwrap_or_default();
    let (text, markdown, file) = match kind {
        0 => (content.to_owned(), false, None),
        2 => {
            let text = body["markdown"]["content"].as_str();
            let text = text.ok_or_else(|| bad("markdown.content"))?;
            if !state.settings.markdown {
                return Err(Refusal::new(400, 40_034_127, "不允许发送原生 markdown"));
            }
            (text.to_owned(), true, None)
        }
        6 if !is_group && !body["msg_id"].is_null() => {
            let is_right = body["input_notify"]["input_type"] == 1
                && (1..=60).contains(&body["input_notify"]["input_second"].as_u64().unwrap_or(0));
            if !is_right {
                return Err(bad("input_notify"));
            }
            (String::new(), false, None)
        }
        7 => {
            let info = body["media"]["file_info"].as_str().unwrap_or_default();
            let file = state.files.get(info).cloned();
            let file = file.filter(|file| file.is_group == is_group);
            let file = file.ok_or_else(|| Refusal::new(400, 304_082, "file_info"))?;
            (content.trim().to_owned(), false, Some(file.name))
        }
        _ => return Err(bad("msg_type")),
    };
    if matches!(kind, 0 | 2) {
        words(state, &text)?;
    }
    let buttons = match &body["keyboard"] {
        Value::Null => Vec::new(),
        keyboard => {
            if kind != 2 || !state.settings.buttons {
                return Err(Refusal::new(400, 304_037, "no right to send buttons"));
            }
            buttons(keyboard)?
        }
    };
    let number = match &body["msg_seq"] {
        Value::Null => 1,
        number => number
            .as_u64()
            .filter(|number| *number <= 65_535)
            .ok_or_else(|| bad("msg_seq"))?,
    };
    let answers = match (&body["msg_id"], &body["event_id"]) {
        (Value::Null, Value::Null) => None,
        (Value::String(id), Value::Null) | (Value::Null, Value::String(id)) => Some(id.clone()),
        _ => return Err(bad("msg_id and event_id")),
    };
    match &answers {
        Some(to) => state.spend_answer(openid, to, number)?,
        None => state.spend_unasked(openid)?,
    }
    let id = format!("ROBOT1.0_out{}", state.next_id());
    if kind != 6 {
        let text = if markdown { shown(&text) } else { text };
        let entry = Entry {
            id: id.clone(),
            from: String::new(),
            text,
            markdown,
            buttons,
            file,
            answers,
            is_change: false,
        };
        state
            .rooms
            .get_mut(openid)
            .expect("just seen")
            .log
            .push(entry);
    }
    Ok(json!({"id": id, "timestamp": "2026-11-23T00:00:00+08:00"}))
}

/// `POST /v2/users/{openid}/stream_messages`
pub(super) fn stream(state: &mut State, openid: &str, body: &Value) -> Result<Value, Refusal> {
    room(state, openid, false)?;
    known_fields(body, &STREAM_FIELDS)?;
    let text = |key: &str| body[key].as_str().ok_or_else(|| bad(key));
    let number = |key: &str| body[key].as_u64().ok_or_else(|| bad(key));
    if text("input_mode")? != "replace" || text("content_type")? != "markdown" {
        return Err(bad("input_mode, content_type"));
    }
    let is_last = match number("input_state")? {
        1 => false,
        10 => true,
        _ => return Err(bad("input_state")),
    };
    let raw = text("content_raw")?.to_owned();
    words(state, &raw)?;
    let (message, frame) = (text("msg_id")?.to_owned(), text("event_id")?.to_owned());
    let (seq, index) = (number("msg_seq")?, number("index")?);
    match state.answerable.get(&message) {
        Some(known) if known.room == openid && known.frame == frame => {}
        _ => return Err(Refusal::new(400, 40_034_024, "msg_id and event_id")),
    }
    let now = Instant::now();
    let id = match body["stream_msg_id"].as_str() {
        None => {
            state.spend_answer(openid, &message, seq)?;
            let id = format!("ROBOT1.0_stream{}", state.next_id());
            let stream = Stream {
                room: openid.to_owned(),
                message: message.clone(),
                number: seq,
                index,
                at: now,
                is_done: is_last,
            };
            state.streams.insert(id.clone(), stream);
            id
        }
        Some(id) => {
            let stream = state.streams.get_mut(id);
            let stream = stream.ok_or_else(|| bad("stream_msg_id"))?;
            if stream.room != openid || stream.message != message || stream.number != seq {
                return Err(bad("another stream's msg_id or msg_seq"));
            }
            if stream.is_done {
                return Err(Refusal::new(400, 40_034_026, "the stream has ended"));
            }
            if index <= stream.index {
                return Err(bad("index"));
            }
            stream.index = index;
            if now - stream.at < STREAM_GAP {
                return Err(Refusal::new(429, 50_002, "too fast"));
            }
            stream.at = now;
            stream.is_done = is_last;
            id.to_owned()
        }
    };
    let entry = Entry {
        id: id.clone(),
        from: String::new(),
        text: shown(&raw),
        markdown: true,
        buttons: Vec::new(),
        file: None,
        answers: Some(message),
        is_change: body["stream_msg_id"].is_string(),
    };
    state
        .rooms
        .get_mut(openid)
        .expect("just seen")
        .log
        .push(entry);
    Ok(json!({"id": id, "timestamp": "2026-11-23T00:00:00+08:00"}))
}

fn known_fields(body: &Value, known: &[&str]) -> Result<(), Refusal> {
    let fields = body.as_object().ok_or_else(|| bad("no object"))?;
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(bad(&format!("unknown field {key}"))),
        None => Ok(()),
    }
}

fn words(state: &State, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::new(400, 50_006, "empty message"));
    }
    if text.chars().count() > state.settings.rules.text {
        return Err(Refusal::new(400, 40_054_007, "too long"));
    }
    if text.contains('\u{fffd}') {
        return Err(bad("a character was cut in two"));
    }
    if state.refuses_links && text.contains("://") {
        return Err(Refusal::new(400, 40_054_010, "this URL is not registered"));
    }
    if let Some(word) = &state.forbidden_word
        && text.contains(word.as_str())
    {
        return Err(Refusal::new(400, 40_034_006, "risk control"));
    }
    Ok(())
}

fn buttons(keyboard: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let wrong = || Refusal::new(400, 40_034_029, "keyboard");
    let rows = keyboard["content"]["rows"].as_array().ok_or_else(wrong)?;
    let mut ids = HashSet::new();
    let mut all = Vec::new();
    if !(1..=5).contains(&rows.len()) {
        return Err(wrong());
    }
    for row in rows {
        let row = row["buttons"].as_array().ok_or_else(wrong)?;
        if !(1..=5).contains(&row.len()) {
            return Err(wrong());
        }
        for button in row {
            let (look, action) = (&button["render_data"], &button["action"]);
            let label = look["label"].as_str().unwrap_or_default();
            let data = action["data"].as_str().unwrap_or_default();
            let is_right = !label.is_empty()
                && !data.is_empty()
                && look["visited_label"].is_string()
                && look["style"].as_u64().is_some_and(|style| style <= 1)
                && action["type"].as_u64().is_some_and(|kind| kind <= 2)
                && action["permission"]["type"]
                    .as_u64()
                    .is_some_and(|kind| kind <= 2)
                && button["id"]
                    .as_str()
                    .is_some_and(|id| ids.insert(id.to_owned()));
            if !is_right {
                return Err(wrong());
            }
            all.push((label.to_owned(), data.to_owned()));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn marks_are_not_shown_and_escaped_ones_are() {
        assert_eq!(
            shown("**a** \\*b\\* `%s\\n`\n```sh\n*d*\n```\ne"),
            "a *b* %s\\n\n*d*\ne"
        );
    }
}
