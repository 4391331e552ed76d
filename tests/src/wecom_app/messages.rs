//! `message/send` and `message/recall`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Settings, cards};
use crate::weixin::{Refusal, Shown, State, Way};

const MINUTE: Duration = Duration::from_secs(60);
/// Longest text and markdown, in bytes.
const TEXT: usize = 2048;

type Done = Result<Value, Refusal>;

/// Sends a message to people of the corporation.
pub(super) fn send(settings: &Settings, state: &mut State, body: &Value) -> Done {
    if body["agentid"].as_u64() != Some(settings.agent_id) {
        return Err(Refusal::new(40_056, "invalid agentid"));
    }
    let users: Vec<&str> = body["touser"]
        .as_str()
        .unwrap_or_default()
        .split('|')
        .collect();
    if users.contains(&"@all") {
        state.complain("a message went to everybody");
    }
    // Whoever left is nobody; who may not see the app is told apart in the answer.
    let known = |state: &State, user: &str| state.chats.get(user).is_some_and(|chat| !chat.is_gone);
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        users.into_iter().partition(|user| known(state, user));
    if known.is_empty() {
        return Err(Refusal::new(81_013, "user & party & tag all invalid"));
    }
    let kind = body["msgtype"].as_str().unwrap_or_default();
    let shown = shown(state, body, kind)?;
    if is_repetition(state, body)? {
        return Ok(json!({ "invaliduser": "", "msgid": "same" }));
    }
    let mut invalid: Vec<String> = unknown.into_iter().map(str::to_owned).collect();
    let mut message = String::new();
    let mut code = Value::Null;
    for user in known {
        if state.chat(user).is_out_of_range {
            invalid.push(user.to_owned());
            continue;
        }
        let now = Instant::now();
        let chat = state.chat(user);
        chat.sent.retain(|at| now.duration_since(*at) < MINUTE);
        if chat.sent.len() >= settings.per_minute {
            return Err(Refusal::new(45_009, "api freq out of limit"));
        }
        chat.sent.push_back(now);
        let card = body["template_card"]["task_id"].as_str();
        message = state.show(user, copy(&shown));
        if let Some(task) = card.filter(|_| kind == "template_card") {
            state.tasks.insert(task.to_owned(), message.clone());
            let fresh = format!("RC{}", state.next_id());
            state
                .cards
                .insert(fresh.clone(), (user.to_owned(), message.clone()));
            code = json!(fresh);
        }
    }
    let mut answer = json!({ "invaliduser": invalid.join("|"), "msgid": message });
    if !code.is_null() {
        answer["response_code"] = code;
    }
    Ok(answer)
}

fn copy(shown: &Shown) -> Shown {
    Shown {
        way: shown.way,
        kind: shown.kind.clone(),
        text: shown.text.clone(),
        buttons: shown.buttons.clone(),
        file: shown.file.clone(),
    }
}

/// What people see of a message.
fn shown(state: &mut State, body: &Value, kind: &str) -> Result<Shown, Refusal> {
    match kind {
        "text" | "markdown" => {
            let text = body[kind]["content"].as_str().unwrap_or_default();
            if text.trim().is_empty() {
                return Err(Refusal::new(44_004, "empty content"));
            }
            Ok(Shown::text(Way::Sent, kind, &cut(state, text, TEXT)))
        }
        "image" | "file" => {
            let media = body[kind]["media_id"].as_str().unwrap_or_default();
            let media = state.media.get(media);
            let media = media.ok_or_else(|| Refusal::new(40_007, "invalid media_id"))?;
            if media.kind != kind {
                return Err(Refusal::new(40_004, "invalid media type"));
            }
            let mut shown = Shown::text(Way::Sent, kind, "");
            shown.file = Some(media.name.clone());
            Ok(shown)
        }
        "template_card" => cards::shown(state, &body["template_card"]),
        _ => Err(Refusal::new(40_008, "invalid message type")),
    }
}

/// A text that is too long is cut without a word.
pub(super) fn cut(state: &mut State, text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    state.complain(format!("a text of {} bytes was cut", text.len()));
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Whether the same was sent within the time that the app has named. Only what was sent with such a check
/// is compared.
fn is_repetition(state: &mut State, body: &Value) -> Result<bool, Refusal> {
    if body["enable_duplicate_check"] != 1 {
        return Ok(false);
    }
    let within = body["duplicate_check_interval"].as_u64().unwrap_or(1800);
    if !(1..=4 * 3600).contains(&within) {
        return Err(Refusal::new(40_058, "duplicate_check_interval"));
    }
    let text = body.to_string();
    let now = Instant::now();
    let within = Duration::from_secs(within);
    let known = state
        .checked
        .iter()
        .any(|(known, at)| *known == text && now.duration_since(*at) < within);
    if !known {
        state.checked.push((text, now));
    }
    Ok(known)
}

/// Takes a message back.
pub(super) fn recall(state: &mut State, body: &Value) -> Done {
    let id = body["msgid"].as_str().unwrap_or_default().to_owned();
    let mut logs = state.chats.values_mut().flat_map(|chat| &mut chat.log);
    let entry = logs.find(|entry| entry.id == id && entry.way == Way::Sent);
    match entry {
        Some(entry) if !entry.is_recalled => {
            entry.is_recalled = true;
            Ok(json!({}))
        }
        _ => Err(Refusal::new(40_097, "invalid msgid")),
    }
}
