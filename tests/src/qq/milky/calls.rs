//! The calls that are known, and what they refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Inner;
use crate::qq::world::{Piece, Place, Refusal};

/// Why a call fails.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no such call: HTTP 404.
    Unknown,
    /// Code and words.
    Refused(i64, String),
}

fn bad(words: impl Into<String>) -> Failure {
    Failure::Refused(-400, words.into())
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NoSuchGroup => -404,
            _ => -500,
        };
        Self::Refused(code, refusal.words().to_owned())
    }
}

/// Ids are numbers, never text.
fn id(params: &Value, key: &str) -> Result<i64, Failure> {
    let number = params[key].as_i64();
    let number = number.filter(|id| (10_001..=4_294_967_295).contains(id));
    number.ok_or_else(|| bad(format!("{key} must be a number of QQ")))
}

fn text<'a>(params: &'a Value, key: &str) -> Result<&'a str, Failure> {
    params[key]
        .as_str()
        .ok_or_else(|| bad(format!("{key} must be a text")))
}

/// Runs a call.
pub(super) fn call(inner: &Inner, name: &str, params: &Value) -> Result<Value, Failure> {
    let private = || Ok::<_, Failure>(Place::Private(id(params, "user_id")?));
    let group = || Ok::<_, Failure>(Place::Group(id(params, "group_id")?));
    match name {
        "get_login_info" => Ok(json!({"uin": inner.qq.account(), "nickname": "小助手"})),
        "get_impl_info" => Ok(
            json!({"impl_name": "Lagrange.Milky", "impl_version": "1.0.0",
            "qq_protocol_version": "39038", "qq_protocol_type": "linux", "milky_version": "1.2"}),
        ),
        "send_private_message" => send(inner, private()?, params),
        "send_group_message" => send(inner, group()?, params),
        "recall_private_message" => recall(inner, private()?, params),
        "recall_group_message" => recall(inner, group()?, params),
        "get_message" => {
            let place = match text(params, "message_scene")? {
                "group" => Place::Group(id(params, "peer_id")?),
                "friend" | "temp" => Place::Private(id(params, "peer_id")?),
                _ => return Err(bad("message_scene")),
            };
            let seq = params["message_seq"]
                .as_i64()
                .ok_or_else(|| bad("message_seq"))?;
            let entry = inner.qq.shared.with(|world| {
                let mut log = world.log.iter();
                log.find(|one| one.place == place && one.seq == seq)
                    .cloned()
            });
            let entry =
                entry.ok_or_else(|| Failure::Refused(-404, "no such message".to_owned()))?;
            Ok(json!({"message": super::events::incoming(inner, &entry)}))
        }
        "upload_private_file" => upload(inner, private()?, params),
        "upload_group_file" => {
            text(params, "parent_folder_id")?;
            upload(inner, group()?, params)
        }
        "get_private_file_download_url" => {
            private()?;
            let file = text(params, "file_id")?;
            if text(params, "file_hash")? != format!("hash-of-{file}") {
                return Err(Failure::Refused(-404, "file not found".to_owned()));
            }
            Ok(json!({"download_url": url(inner, file)?}))
        }
        "get_group_file_download_url" => {
            group()?;
            Ok(json!({"download_url": url(inner, text(params, "file_id")?)?}))
        }
        "get_resource_temp_url" => Ok(json!({"url": url(inner, text(params, "resource_id")?)?})),
        "get_friend_list" => Ok(json!({"friends": []})),
        "get_group_list" => Ok(json!({"groups": []})),
        _ => Err(Failure::Unknown),
    }
}

fn send(inner: &Inner, place: Place, params: &Value) -> Result<Value, Failure> {
    let mut pieces = Vec::new();
    let mut reply_to = None;
    let message = params["message"]
        .as_array()
        .ok_or_else(|| bad("message must be an array"))?;
    for segment in message {
        let data = &segment["data"];
        match segment["type"].as_str().unwrap_or_default() {
            "text" => pieces.push(Piece::Text(text(data, "text")?.to_owned())),
            "mention" => pieces.push(Piece::At(id(data, "user_id")?)),
            "mention_all" => pieces.push(Piece::At(0)),
            "reply" => {
                let seq = data["message_seq"].as_i64();
                reply_to = Some(seq.ok_or_else(|| bad("message_seq must be a number"))?);
            }
            "image" => {
                if !matches!(data["sub_type"].as_str(), Some("normal" | "sticker")) {
                    return Err(bad("sub_type"));
                }
                let bytes = contents(text(data, "uri")?)?;
                let file = inner
                    .qq
                    .shared
                    .with(|world| world.store("image.png", bytes));
                pieces.push(Piece::Image(file));
            }
            other => return Err(bad(format!("no segment `{other}`"))),
        }
    }
    let sent = inner
        .qq
        .shared
        .with(|world| world.send(place, None, pieces, reply_to))?;
    Ok(match sent {
        Some(entry) => json!({"message_seq": entry.seq, "time": entry.time}),
        None => json!({"message_seq": 0, "time": 0}),
    })
}

fn recall(inner: &Inner, place: Place, params: &Value) -> Result<Value, Failure> {
    let seq = params["message_seq"]
        .as_i64()
        .ok_or_else(|| bad("message_seq"))?;
    inner.qq.shared.with(|world| {
        let account = world.account;
        let mut log = world.log.iter_mut();
        let entry = log.find(|one| one.place == place && one.seq == seq && one.from == account);
        let entry = entry.ok_or_else(|| Failure::Refused(-404, "no such message".to_owned()))?;
        entry.is_recalled = true;
        Ok(json!({}))
    })
}

fn upload(inner: &Inner, place: Place, params: &Value) -> Result<Value, Failure> {
    let name = text(params, "file_name")?;
    let bytes = contents(text(params, "file_uri")?)?;
    inner.qq.shared.with(|world| {
        world.may_write(place, None)?;
        let file = world.store(name, bytes);
        let account = world.account;
        world.write(place, account, vec![Piece::File(file.clone())], None);
        Ok(json!({"file_id": file}))
    })
}

fn contents(uri: &str) -> Result<bytes::Bytes, Failure> {
    let text = uri.strip_prefix("base64://").ok_or_else(|| bad("uri"))?;
    let bytes = STANDARD.decode(text).map_err(|_| bad("uri: no base64"))?;
    if bytes.is_empty() {
        return Err(Failure::Refused(-500, "空文件".to_owned()));
    }
    Ok(bytes.into())
}

fn url(inner: &Inner, file: &str) -> Result<String, Failure> {
    let is_there = inner.qq.shared.with(|world| world.files.contains_key(file));
    if !is_there {
        return Err(Failure::Refused(-404, "file not found".to_owned()));
    }
    Ok(format!("http://{}/file{file}", inner.address))
}
