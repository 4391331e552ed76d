//! Inline keyboards, checked as the Bot API checks them.

use serde_json::{Value, json};

use super::error::ApiError;

/// A button under a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Button {
    /// What the person reads.
    pub label: String,
    /// What comes back when it is pressed; `None` for a link.
    pub data: Option<String>,
    /// The link, where it is one.
    pub url: Option<String>,
}

/// The rows of an inline keyboard; empty for none.
pub(crate) type Keyboard = Vec<Vec<Button>>;

/// Reads `reply_markup`; other kinds of markup are accepted and show no inline buttons.
pub(crate) fn parse(markup: Option<&Value>) -> Result<Keyboard, ApiError> {
    let Some(markup) = markup else {
        return Ok(Vec::new());
    };
    let Some(object) = markup.as_object() else {
        return Err(ApiError::bad("object expected as reply markup"));
    };
    let Some(rows) = object.get("inline_keyboard") else {
        return Ok(Vec::new());
    };
    let invalid = |what: &str| ApiError::bad(format!("can't parse inline keyboard: {what}"));
    let rows = rows
        .as_array()
        .ok_or_else(|| invalid("field \"inline_keyboard\" must be of type Array"))?;
    let mut keyboard = Vec::new();
    let mut count = 0;
    for row in rows {
        let row = row
            .as_array()
            .ok_or_else(|| invalid("row must be an Array"))?;
        count += row.len();
        if row.len() > 8 || count > 100 {
            return Err(ApiError::bad("REPLY_MARKUP_TOO_LONG"));
        }
        let buttons = row.iter().map(button).collect::<Result<Vec<_>, _>>()?;
        if !buttons.is_empty() {
            keyboard.push(buttons);
        }
    }
    Ok(keyboard)
}

fn button(value: &Value) -> Result<Button, ApiError> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let label = text("text").unwrap_or_default();
    if label.trim().is_empty() {
        return Err(ApiError::bad(
            "can't parse inline keyboard button: field \"text\" must not be empty",
        ));
    }
    let (data, url) = (text("callback_data"), text("url"));
    match (&data, &url) {
        (None, None) => Err(ApiError::bad(
            "can't parse inline keyboard button: text buttons are unallowed in the inline keyboard",
        )),
        (Some(data), _) if !(1..=64).contains(&data.len()) => {
            Err(ApiError::bad("BUTTON_DATA_INVALID"))
        }
        (_, Some(url)) if !url.contains("://") => Err(ApiError::bad(format!(
            "inline keyboard button URL '{url}' is invalid: wrong HTTP URL"
        ))),
        _ => Ok(Button { label, data, url }),
    }
}

pub(crate) fn json(keyboard: &Keyboard) -> Value {
    let rows: Vec<Vec<Value>> = keyboard
        .iter()
        .map(|row| {
            row.iter()
                .map(|button| {
                    let mut value = json!({ "text": button.label });
                    if let Some(data) = &button.data {
                        value["callback_data"] = json!(data);
                    }
                    if let Some(url) = &button.url {
                        value["url"] = json!(url);
                    }
                    value
                })
                .collect()
        })
        .collect();
    json!({ "inline_keyboard": rows })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn data_has_one_to_sixty_four_bytes() {
        for (data, good) in [
            ("", false),
            ("x", true),
            (&"é".repeat(32), true),
            (&"é".repeat(33), false),
        ] {
            let markup = json!({"inline_keyboard": [[{"text": "a", "callback_data": data}]]});
            assert_eq!(parse(Some(&markup)).is_ok(), good, "{data:?}");
        }
    }

    #[test]
    fn a_keyboard_survives_the_round_trip() {
        let markup = json!({"inline_keyboard": [[{"text": "a", "callback_data": "1"}],
            [{"text": "b", "url": "https://x.y"}]]});
        assert_eq!(json(&parse(Some(&markup)).unwrap()), markup);
    }
}
