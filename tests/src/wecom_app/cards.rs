//! Cards with buttons.

use serde_json::{Value, json};

use super::Settings;
use crate::weixin::{Refusal, Shown, State, Way};

/// The platform's own code is not known.
const TASK_EXISTS: i64 = 42_045;

fn bad(what: &str) -> Refusal {
    Refusal::new(40_058, what)
}

/// What people see of a card.
pub(super) fn shown(state: &State, card: &Value) -> Result<Shown, Refusal> {
    if card["card_type"] != "button_interaction" {
        return Err(bad("card_type"));
    }
    let title = card["main_title"]["title"].as_str().unwrap_or_default();
    if title.trim().is_empty() {
        return Err(bad("main_title.title"));
    }
    let task = card["task_id"].as_str().unwrap_or_default();
    let is_task = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '@');
    if task.is_empty() || task.len() > 128 || !task.chars().all(is_task) {
        return Err(bad("task_id"));
    }
    if state.tasks.contains_key(task) {
        return Err(Refusal::new(TASK_EXISTS, "task_id exists"));
    }
    let buttons = card["button_list"].as_array().cloned().unwrap_or_default();
    if buttons.is_empty() || buttons.len() > 6 {
        return Err(bad("button_list"));
    }
    let mut labels = Vec::new();
    for button in &buttons {
        let text = button["text"].as_str().unwrap_or_default();
        let key = button["key"].as_str().unwrap_or_default();
        if text.is_empty() || key.is_empty() || key.len() > 1024 {
            return Err(bad("button_list.text or key"));
        }
        if labels.iter().any(|(_, known)| known == key) {
            return Err(bad("button_list.key twice"));
        }
        labels.push((text.to_owned(), key.to_owned()));
    }
    let text = card["sub_title_text"].as_str().unwrap_or_default();
    let mut shown = Shown::text(Way::Sent, "template_card", &format!("{title}\n{text}"));
    shown.buttons = labels;
    Ok(shown)
}

/// Changes a card, once per code.
pub(super) fn update(
    settings: &Settings,
    state: &mut State,
    body: &Value,
) -> Result<Value, Refusal> {
    if body["agentid"].as_u64() != Some(settings.agent_id) {
        return Err(Refusal::new(40_056, "invalid agentid"));
    }
    let code = body["response_code"].as_str().unwrap_or_default();
    let name = body["button"]["replace_name"].as_str().unwrap_or_default();
    if name.is_empty() {
        return Err(bad("button.replace_name"));
    }
    let Some((user, message)) = state.cards.get(code).cloned() else {
        return Err(Refusal::new(42_014, "invalid response_code"));
    };
    if body["userids"] != json!([user]) {
        return Err(bad("userids"));
    }
    state.cards.remove(code);
    let mut log = state.chat(&user).log.iter_mut();
    match log.find(|entry| entry.id == message) {
        Some(entry) => entry.settled = Some(name.to_owned()),
        None => return Err(bad("response_code")),
    }
    Ok(json!({ "invaliduser": [] }))
}
