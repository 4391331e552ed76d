//! The command menu, per scope and language.

use serde_json::{Value, json};

use super::Answer;
use crate::telegram::arguments::Arguments;
use crate::telegram::error::ApiError;
use crate::telegram::state::State;

pub(super) fn set(state: &mut State, arguments: &Arguments) -> Answer {
    let commands = arguments.json("commands")?.unwrap_or_default();
    let Some(list) = commands.as_array() else {
        return Err(ApiError::bad("expected an Array of BotCommand"));
    };
    if list.len() > 100 {
        return Err(ApiError::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    let list = list.iter().map(command).collect::<Result<Vec<_>, _>>()?;
    let key = key(arguments)?;
    state.commands.insert(key, Value::Array(list));
    Ok(json!(true))
}

fn command(value: &Value) -> Answer {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let name = text("command");
    let name = name.strip_prefix('/').unwrap_or(name);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
        return Err(ApiError::bad("BOT_COMMAND_INVALID"));
    }
    let description = text("description");
    if !(1..=256).contains(&description.chars().count()) {
        return Err(ApiError::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
    }
    Ok(json!({ "command": name, "description": description }))
}

fn key(arguments: &Arguments) -> Result<(String, String), ApiError> {
    let scope = arguments
        .json("scope")?
        .unwrap_or_else(|| json!({ "type": "default" }));
    let language = arguments.text("language_code").unwrap_or_default();
    if !(language.is_empty()
        || (language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase())))
    {
        return Err(ApiError::bad("invalid language code specified"));
    }
    Ok((scope.to_string(), language.to_owned()))
}

pub(super) fn get(state: &mut State, arguments: &Arguments) -> Answer {
    Ok(state
        .commands
        .get(&key(arguments)?)
        .cloned()
        .unwrap_or_else(|| json!([])))
}

pub(super) fn delete(state: &mut State, arguments: &Arguments) -> Answer {
    state.commands.remove(&key(arguments)?);
    Ok(json!(true))
}
