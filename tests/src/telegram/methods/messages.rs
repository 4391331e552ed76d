//! Sending, changing and deleting messages.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Answer, chat_id};
use crate::telegram::arguments::Arguments;
use crate::telegram::error::ApiError;
use crate::telegram::formatting;
use crate::telegram::keyboard;
use crate::telegram::state::{Body, Change, Message, State, entry};

/// Longest text, in UTF-16 units after the markup is taken out.
const TEXT_LIMIT: usize = 4096;
/// Longest answer to a pressed button.
const ANSWER_LIMIT: usize = 200;

const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

pub(super) fn send(state: &mut State, arguments: &Arguments) -> Answer {
    let chat = chat_id(arguments)?;
    state.open_chat(chat)?;
    let text = formatting::parse(
        arguments.text("text").unwrap_or_default(),
        arguments.text("parse_mode"),
        arguments.json("entities")?,
    )?;
    if text.text.is_empty() {
        return Err(ApiError::bad("message text is empty"));
    }
    if text.units() > TEXT_LIMIT {
        return Err(ApiError::bad("message is too long"));
    }
    put(state, chat, Body::Text(text), arguments)
}

/// Puts the bot's message into `chat`, with what every kind of message has in common.
pub(super) fn put(state: &mut State, chat: i64, body: Body, arguments: &Arguments) -> Answer {
    let keyboard = keyboard::parse(arguments.json("reply_markup")?.as_ref())?;
    let from = state.bot.clone();
    let room = state.open_chat(chat)?;
    let thread = arguments.integer("message_thread_id")?;
    if thread.is_some_and(|thread| {
        !room
            .topics
            .as_ref()
            .is_some_and(|topics| topics.contains_key(&thread))
    }) {
        return Err(ApiError::bad("message thread not found"));
    }
    let reply_to = reply_to(arguments, chat, |id| room.messages.contains_key(&id))?;
    let message = Message {
        id: room.next_message(),
        from,
        thread,
        body,
        reply_to,
        keyboard,
        date: SystemTime::now(),
        edited: false,
        forward_origin: None,
    };
    let answer_of = message.clone();
    state.add(chat, message, Change::Sent);
    Ok(state.message_json(chat, &answer_of))
}

fn reply_to(
    arguments: &Arguments,
    chat: i64,
    exists: impl Fn(i64) -> bool,
) -> Result<Option<i64>, ApiError> {
    let (id, lenient) = match arguments.json("reply_parameters")? {
        Some(parameters) => {
            let Some(id) = parameters.get("message_id").and_then(Value::as_i64) else {
                return Err(ApiError::bad("can't parse reply parameters"));
            };
            if parameters
                .get("chat_id")
                .and_then(Value::as_i64)
                .is_some_and(|other| other != chat)
            {
                return Err(ApiError::bad("message to be replied not found"));
            }
            let lenient = parameters
                .get("allow_sending_without_reply")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            (id, lenient)
        }
        None => match arguments.integer("reply_to_message_id")? {
            Some(id) => (id, arguments.flag("allow_sending_without_reply")),
            None => return Ok(None),
        },
    };
    match (exists(id), lenient) {
        (true, _) => Ok(Some(id)),
        (false, true) => Ok(None),
        (false, false) => Err(ApiError::bad("message to be replied not found")),
    }
}

/// The bot's own message that a call wants to change.
fn own<'a>(
    state: &'a mut State,
    chat: i64,
    arguments: &Arguments,
) -> Result<&'a mut Message, ApiError> {
    let bot = state.bot.id;
    let id = arguments
        .integer("message_id")?
        .ok_or_else(|| ApiError::bad("message identifier is not specified"))?;
    let message = state
        .open_chat(chat)?
        .messages
        .get_mut(&id)
        .ok_or_else(|| ApiError::bad("message to edit not found"))?;
    if message.from.id != bot {
        return Err(ApiError::bad("message can't be edited"));
    }
    Ok(message)
}

pub(super) fn edit_text(state: &mut State, arguments: &Arguments) -> Answer {
    let chat = chat_id(arguments)?;
    let text = formatting::parse(
        arguments.text("text").unwrap_or_default(),
        arguments.text("parse_mode"),
        arguments.json("entities")?,
    )?;
    let keyboard = keyboard::parse(arguments.json("reply_markup")?.as_ref())?;
    let message = own(state, chat, arguments)?;
    if text.text.is_empty() {
        return Err(ApiError::bad("message text is empty"));
    }
    if text.units() > TEXT_LIMIT {
        return Err(ApiError::bad("MESSAGE_TOO_LONG"));
    }
    let Body::Text(old) = &mut message.body else {
        return Err(ApiError::bad("there is no text in the message to edit"));
    };
    if *old == text && message.keyboard == keyboard {
        return Err(not_modified());
    }
    *old = text;
    message.keyboard = keyboard;
    Ok(edited(state, chat, arguments))
}

pub(super) fn edit_markup(state: &mut State, arguments: &Arguments) -> Answer {
    let chat = chat_id(arguments)?;
    let keyboard = keyboard::parse(arguments.json("reply_markup")?.as_ref())?;
    let message = own(state, chat, arguments)?;
    if message.keyboard == keyboard {
        return Err(not_modified());
    }
    message.keyboard = keyboard;
    Ok(edited(state, chat, arguments))
}

fn not_modified() -> ApiError {
    ApiError::bad(
        "message is not modified: specified new message content and reply markup are exactly the \
         same as a current content and reply markup of the message",
    )
}

/// Records the change that was just made and answers with the message.
fn edited(state: &mut State, chat: i64, arguments: &Arguments) -> Value {
    let message = {
        let message = own(state, chat, arguments).expect("it was just changed");
        message.edited = true;
        message.clone()
    };
    let room = state.chats.get_mut(&chat).expect("it was just used");
    room.log.push(entry(&message, Change::Edited));
    state.message_json(chat, &message)
}

pub(super) fn delete(state: &mut State, arguments: &Arguments) -> Answer {
    let chat = chat_id(arguments)?;
    let id = arguments
        .integer("message_id")?
        .ok_or_else(|| ApiError::bad("message identifier is not specified"))?;
    let bot = state.bot.id;
    let room = state.open_chat(chat)?;
    let message = room
        .messages
        .get(&id)
        .ok_or_else(|| ApiError::bad("message to delete not found"))?;
    // In a private chat a bot may delete what the person wrote, too.
    if message.from.id != bot && room.is_group() {
        return Err(ApiError::bad("message can't be deleted"));
    }
    let gone = entry(message, Change::Deleted);
    room.log.push(gone);
    room.messages.remove(&id);
    Ok(json!(true))
}

pub(super) fn delete_many(state: &mut State, arguments: &Arguments) -> Answer {
    let chat = chat_id(arguments)?;
    let ids: Vec<i64> = arguments
        .json("message_ids")?
        .and_then(|ids| serde_json::from_value(ids).ok())
        .filter(|ids: &Vec<i64>| (1..=100).contains(&ids.len()))
        .ok_or_else(|| ApiError::bad("message identifiers are not specified"))?;
    let room = state.open_chat(chat)?;
    for id in ids {
        // What is already gone is skipped without a word.
        if let Some(message) = room.messages.remove(&id) {
            room.log.push(entry(&message, Change::Deleted));
        }
    }
    Ok(json!(true))
}

pub(super) fn answer_callback(state: &mut State, arguments: &Arguments) -> Answer {
    let text = arguments.text("text").unwrap_or_default();
    if formatting::units(text) > ANSWER_LIMIT {
        return Err(ApiError::bad("MESSAGE_TOO_LONG"));
    }
    let callback = arguments
        .text("callback_query_id")
        .and_then(|id| state.open_callback(id))
        .ok_or_else(|| {
            ApiError::bad("query is too old and response timeout expired or query ID is invalid")
        })?;
    callback.answer = Some(text.to_owned());
    Ok(json!(true))
}

pub(super) fn chat_action(state: &mut State, arguments: &Arguments) -> Answer {
    state.open_chat(chat_id(arguments)?)?;
    match arguments.text("action") {
        Some(action) if ACTIONS.contains(&action) => Ok(json!(true)),
        _ => Err(ApiError::bad("wrong parameter action in request")),
    }
}
