//! Message segments in and out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::calls::{Failure, bad, number};
use super::{Files, Inner};
use crate::qq::world::{Entry, Piece};

/// What a call asks to be said.
pub(super) struct Asked {
    pub(super) pieces: Vec<Piece>,
    pub(super) reply_to: Option<i64>,
}

/// A message as an array.
pub(super) fn write(inner: &Inner, entry: &Entry) -> Value {
    let mut array = Vec::new();
    if let Some(to) = entry.reply_to {
        array.push(json!({"type": "reply", "data": {"id": to.to_string()}}));
    }
    for piece in &entry.pieces {
        array.push(match piece {
            Piece::Text(text) => json!({"type": "text", "data": {"text": text}}),
            Piece::At(0) => json!({"type": "at", "data": {"qq": "all"}}),
            Piece::At(person) => json!({"type": "at", "data": {"qq": person.to_string()}}),
            Piece::Image(id) | Piece::File(id) => {
                let (name, size) = inner.qq.shared.with(|world| {
                    let file = &world.files[id];
                    (file.name.clone(), file.bytes.len().to_string())
                });
                if matches!(piece, Piece::Image(_)) {
                    json!({"type": "image", "data": {"summary": "", "file": name, "sub_type": 0,
                        "url": url(inner, id), "file_size": size}})
                } else if inner.settings.files == Files::InMessage {
                    json!({"type": "file", "data": {"file": name, "url": url(inner, id),
                        "file_size": size}})
                } else {
                    json!({"type": "file", "data": {"file": name, "file_id": id, "file_size": size}})
                }
            }
        });
    }
    Value::from(array)
}

/// Where the bytes of a file are served.
pub(super) fn url(inner: &Inner, id: &str) -> String {
    format!("http://{}/file{id}", inner.files)
}

/// An array as a string with CQ codes.
pub(super) fn as_string(array: &Value) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('[', "&#91;")
            .replace(']', "&#93;")
    };
    let segments = array.as_array().into_iter().flatten().map(|segment| {
        let kind = segment["type"].as_str().unwrap_or_default();
        if kind == "text" {
            return escape(segment["data"]["text"].as_str().unwrap_or_default());
        }
        let mut code = format!("[CQ:{kind}");
        for (name, value) in segment["data"].as_object().into_iter().flatten() {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            code.push_str(&format!(",{name}={}", escape(&value).replace(',', "&#44;")));
        }
        code + "]"
    });
    segments.collect()
}

/// Reads what is to be sent, as strictly as NapCat's schema does.
pub(super) fn read(inner: &Inner, message: &Value) -> Result<Asked, Failure> {
    let mut asked = Asked {
        pieces: Vec::new(),
        reply_to: None,
    };
    let array = match message {
        Value::Array(array) => array,
        Value::String(text) => {
            asked.pieces.push(Piece::Text(text.clone()));
            return Ok(asked);
        }
        _ => return Err(bad("message: Required")),
    };
    for (place, segment) in array.iter().enumerate() {
        let data = &segment["data"];
        let kind = segment["type"].as_str();
        let kind = kind.ok_or_else(|| bad(format!("message.{place}.type: Required")))?;
        if !data.is_object() {
            return Err(bad(format!("message.{place}.data: Required")));
        }
        match kind {
            "text" => {
                let text = data["text"].as_str();
                let text =
                    text.ok_or_else(|| bad(format!("message.{place}.data.text: Required")))?;
                asked.pieces.push(Piece::Text(text.to_owned()));
            }
            "at" if data["qq"] == "all" => asked.pieces.push(Piece::At(0)),
            "at" => {
                let person = number(&data["qq"]);
                let person =
                    person.ok_or_else(|| bad(format!("message.{place}.data.qq: Required")))?;
                asked.pieces.push(Piece::At(person));
            }
            "reply" => {
                let id = number(&data["id"]);
                let id = id.ok_or_else(|| bad(format!("message.{place}.data.id: Required")))?;
                if place != 0 {
                    return Err(bad("reply must come first"));
                }
                asked.reply_to = Some(id);
            }
            "image" => {
                let file = data["file"].as_str().unwrap_or_default();
                let bytes = contents(inner, file)?;
                let id = inner
                    .qq
                    .shared
                    .with(|world| world.store("image.png", bytes));
                asked.pieces.push(Piece::Image(id));
            }
            other => return Err(bad(format!("message.{place}.type: unknown `{other}`"))),
        }
    }
    Ok(asked)
}

/// The bytes that a `file` value stands for.
pub(super) fn contents(inner: &Inner, file: &str) -> Result<bytes::Bytes, Failure> {
    if let Some(text) = file.strip_prefix("base64://") {
        let bytes = STANDARD.decode(text);
        let bytes = bytes.map_err(|_| Failure(1200, "base64解码失败".to_owned()))?;
        if bytes.is_empty() {
            return Err(Failure(1200, "空文件".to_owned()));
        }
        return Ok(bytes.into());
    }
    match inner.uploads.finished(file) {
        Some(bytes) => Ok(bytes),
        None => Err(Failure(1200, format!("识别URL失败, uri= {file}"))),
    }
}
