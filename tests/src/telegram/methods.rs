//! The methods that answer at once, by their lower-case names.

use std::time::Instant;

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::error::ApiError;
use super::state::{Access, State, Webhook, seconds};

mod files;
mod menu;
mod messages;

/// What a method answers.
pub(super) type Answer = Result<Value, ApiError>;

/// Runs one method. `getUpdates` waits and is not among them.
pub(super) fn call(state: &mut State, method: &str, arguments: &Arguments) -> Answer {
    if let Some(chat) = counted_chat(method, arguments)? {
        let group = state
            .chats
            .get(&chat)
            .is_some_and(super::state::Chat::is_group);
        state
            .flood
            .admit(chat, group, Instant::now())
            .map_err(ApiError::too_many)?;
    }
    match method {
        "getme" => Ok(get_me(state)),
        "sendmessage" => messages::send(state, arguments),
        "editmessagetext" => messages::edit_text(state, arguments),
        "editmessagereplymarkup" => messages::edit_markup(state, arguments),
        "deletemessage" => messages::delete(state, arguments),
        "deletemessages" => messages::delete_many(state, arguments),
        "answercallbackquery" => messages::answer_callback(state, arguments),
        "sendchataction" => messages::chat_action(state, arguments),
        "senddocument" => files::send_document(state, arguments),
        "sendphoto" => files::send_photo(state, arguments),
        "getfile" => files::get_file(state, arguments),
        "setmycommands" => menu::set(state, arguments),
        "getmycommands" => menu::get(state, arguments),
        "deletemycommands" => menu::delete(state, arguments),
        "getchat" => get_chat(state, arguments),
        "leavechat" => leave_chat(state, arguments),
        "setwebhook" => set_webhook(state, arguments),
        "deletewebhook" => delete_webhook(state, arguments),
        "getwebhookinfo" => Ok(webhook_info(state)),
        _ => {
            state.unknown_methods.insert(method.to_owned());
            Err(ApiError::new(404, "Not Found: method not found"))
        }
    }
}

/// The chat whose flood budget a call spends.
fn counted_chat(method: &str, arguments: &Arguments) -> Result<Option<i64>, ApiError> {
    match method {
        "sendmessage"
        | "senddocument"
        | "sendphoto"
        | "editmessagetext"
        | "editmessagereplymarkup" => arguments.integer("chat_id"),
        _ => Ok(None),
    }
}

/// The required argument `chat_id`.
fn chat_id(arguments: &Arguments) -> Result<i64, ApiError> {
    arguments
        .integer("chat_id")
        .map_err(|_| ApiError::bad("chat not found"))?
        .ok_or_else(|| ApiError::bad("chat_id is empty"))
}

fn get_me(state: &State) -> Value {
    let mut me = state.bot.json();
    me["can_join_groups"] = json!(true);
    me["can_read_all_group_messages"] = json!(!state.privacy);
    me["supports_inline_queries"] = json!(false);
    me["can_connect_to_business"] = json!(false);
    me["has_main_web_app"] = json!(false);
    me
}

fn get_chat(state: &mut State, arguments: &Arguments) -> Answer {
    let chat = state.known_chat(chat_id(arguments)?)?;
    let mut value = chat.json();
    value["accent_color_id"] = json!(0);
    value["max_reaction_count"] = json!(11);
    value["accepted_gift_types"] = json!({"unlimited_gifts": false, "limited_gifts": false,
        "unique_gifts": false, "premium_subscription": false, "gifts_from_channels": false});
    Ok(value)
}

fn leave_chat(state: &mut State, arguments: &Arguments) -> Answer {
    let chat = state.open_chat(chat_id(arguments)?)?;
    if !chat.is_group() {
        return Err(ApiError::bad(
            "chat member status can't be changed in private chats",
        ));
    }
    chat.access = Access::Removed;
    Ok(json!(true))
}

fn set_webhook(state: &mut State, arguments: &Arguments) -> Answer {
    let url = arguments.text("url").unwrap_or_default();
    if url.is_empty() {
        return delete_webhook(state, arguments);
    }
    // As with a server of one's own (`--local`): plain HTTP is fine on the same machine.
    if !(url.starts_with("https://") || url.starts_with("http://127.0.0.1:")) {
        return Err(ApiError::bad(
            "bad webhook: An HTTPS URL must be provided for webhook",
        ));
    }
    let secret = arguments
        .text("secret_token")
        .filter(|secret| !secret.is_empty());
    if secret.is_some_and(|secret| {
        secret.len() > 256
            || !secret
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    }) {
        return Err(ApiError::bad("secret token contains illegal characters"));
    }
    let max_connections = arguments.integer("max_connections")?.unwrap_or(40);
    if !(1..=100).contains(&max_connections) {
        return Err(ApiError::bad("max_connections must be between 1 and 100"));
    }
    state.updates.allow(arguments.json("allowed_updates")?)?;
    if arguments.flag("drop_pending_updates") {
        state.updates.clear();
    }
    state.updates.generation += 1;
    state.updates.ended_by = "setWebhook";
    state.webhook = Some(Webhook {
        url: url.to_owned(),
        secret: secret.map(ToOwned::to_owned),
        max_connections,
        last_error: None,
    });
    Ok(json!(true))
}

fn delete_webhook(state: &mut State, arguments: &Arguments) -> Answer {
    if arguments.flag("drop_pending_updates") {
        state.updates.clear();
    }
    state.webhook = None;
    Ok(json!(true))
}

fn webhook_info(state: &State) -> Value {
    let mut info = json!({
        "url": "",
        "has_custom_certificate": false,
        "pending_update_count": state.updates.waiting(),
    });
    if let Some(webhook) = &state.webhook {
        info["url"] = json!(webhook.url);
        info["max_connections"] = json!(webhook.max_connections);
        info["ip_address"] = json!("127.0.0.1");
        if let Some((at, error)) = &webhook.last_error {
            info["last_error_date"] = json!(seconds(*at));
            info["last_error_message"] = json!(error);
        }
    }
    if !state.updates.allowed().is_empty() {
        info["allowed_updates"] = json!(state.updates.allowed());
    }
    info
}
