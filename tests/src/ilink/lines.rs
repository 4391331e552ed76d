//! The line of one person: news for the bot, and its beginning and end.

use serde_json::{Value, json};

use super::state::{Chat, Refusal, State};

/// The cursor of a place in the messages of a line.
fn cursor(chat: &Chat, place: usize) -> String {
    format!("BUF-{}-{place}", chat.bot)
}

/// The place of a cursor.
fn place(chat: &Chat, cursor: &str) -> Result<usize, Refusal> {
    if cursor.is_empty() {
        return Ok(0);
    }
    let place = cursor
        .strip_prefix(&format!("BUF-{}-", chat.bot))
        .and_then(|place| place.parse().ok())
        .filter(|place| *place <= chat.messages.len());
    place.ok_or_else(|| Refusal::wrong(format!("cursor {cursor:?} is of no line")))
}

/// A question for news begins.
pub(super) fn begin(
    state: &mut State,
    person: &str,
    body: &Value,
    is_strict: bool,
) -> Result<usize, Refusal> {
    let Some(given) = body["get_updates_buf"].as_str() else {
        return Err(Refusal::wrong("get_updates_buf"));
    };
    let chat = state.chat(person);
    if is_strict && !chat.is_started {
        return Err(Refusal::wrong("notifystart comes first"));
    }
    let from = place(chat, given)?;
    chat.known = chat.known.max(from);
    chat.polls += 1;
    chat.held += 1;
    Ok(from)
}

/// What is new on a line since a place.
pub(super) fn news(chat: &Chat, from: usize, hold_ms: u128) -> Value {
    let messages = &chat.messages[from.min(chat.messages.len())..];
    if messages.is_empty() {
        // The old cursor stays good.
        return json!({ "ret": 0, "msgs": [], "get_updates_buf": "" });
    }
    json!({
        "ret": 0,
        "msgs": messages,
        "get_updates_buf": cursor(chat, chat.messages.len()),
        "longpolling_timeout_ms": u64::try_from(hold_ms).unwrap_or(u64::MAX),
    })
}

/// The bot begins or ends to listen.
pub(super) fn notify(state: &mut State, person: &str, starts: bool) -> Result<Value, Refusal> {
    state.chat(person).is_started = starts;
    Ok(json!({ "ret": 0 }))
}
