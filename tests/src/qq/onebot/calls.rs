//! The calls that are known, and what they refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::segments;
use super::{Files, Inner};
use crate::qq::world::{Piece, Place};

/// A refusal: code and words.
#[derive(Debug)]
pub(super) struct Failure(pub(super) i64, pub(super) String);

/// The arguments are wrong.
pub(super) fn bad(words: impl Into<String>) -> Failure {
    Failure(1400, words.into())
}

fn refused(words: impl Into<String>) -> Failure {
    Failure(1200, words.into())
}

pub(super) fn good(data: &Value) -> Value {
    json!({"status": "ok", "retcode": 0, "data": data, "message": "", "wording": "",
        "stream": "normal-action"})
}

pub(super) fn failed(code: i64, words: &str) -> Value {
    json!({"status": "failed", "retcode": code, "data": null, "message": words, "wording": words,
        "stream": "normal-action"})
}

/// Numbers may come as text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn required(params: &Value, key: &str) -> Result<i64, Failure> {
    number(&params[key]).ok_or_else(|| bad(format!("{key}: Required")))
}

/// Runs a call.
pub(super) fn call(inner: &Inner, action: &str, params: &Value) -> Result<Value, Failure> {
    match action {
        "get_login_info" => Ok(json!({"user_id": inner.qq.account(), "nickname": "小助手"})),
        "get_version_info" => Ok(json!({"app_name": inner.settings.app_name,
            "protocol_version": "v11", "app_version": "4.8.90"})),
        "get_status" => Ok(json!({"online": true, "good": true, "stat": {}})),
        "can_send_image" | "can_send_record" => Ok(json!({"yes": true})),
        "send_private_msg" => {
            let user = required(params, "user_id")?;
            send(
                inner,
                Place::Private(user),
                number(&params["group_id"]),
                params,
            )
        }
        "send_group_msg" => send(
            inner,
            Place::Group(required(params, "group_id")?),
            None,
            params,
        ),
        "send_msg" => match params["message_type"].as_str() {
            Some("group") => send(
                inner,
                Place::Group(required(params, "group_id")?),
                None,
                params,
            ),
            Some("private") => {
                let user = required(params, "user_id")?;
                send(
                    inner,
                    Place::Private(user),
                    number(&params["group_id"]),
                    params,
                )
            }
            _ => Err(bad("message_type: Required")),
        },
        "delete_msg" => delete(inner, required(params, "message_id")?),
        "get_msg" => get_msg(inner, required(params, "message_id")?),
        "upload_private_file" => {
            let place = Place::Private(required(params, "user_id")?);
            upload(inner, place, params)
        }
        "upload_group_file" => {
            let place = Place::Group(required(params, "group_id")?);
            upload(inner, place, params)
        }
        "upload_file_stream" if is_napcat(inner) => inner.uploads.call(params),
        "get_group_file_url" => {
            required(params, "group_id")?;
            file_url(inner, params)
        }
        "get_private_file_url" => file_url(inner, params),
        "get_file" => get_file(inner, params),
        "get_friend_list" => Ok(inner.qq.shared.with(|world| {
            let friends = world.people.iter().filter(|(_, person)| person.is_friend);
            friends
                .map(|(id, person)| json!({"user_id": id, "nickname": person.name, "remark": ""}))
                .collect()
        })),
        "get_group_list" => Ok(inner.qq.shared.with(|world| {
            let groups = world.groups.iter().filter(|(_, group)| group.we_are_in);
            groups
                .map(|(id, group)| {
                    json!({"group_id": id, "group_name": group.name,
                    "member_count": group.members.len() + 1, "max_member_count": 200})
                })
                .collect()
        })),
        "get_group_member_info" => member(inner, params),
        _ => Err(Failure(1404, format!("不支持的Api {action}"))),
    }
}

fn send(
    inner: &Inner,
    place: Place,
    by_way_of: Option<i64>,
    params: &Value,
) -> Result<Value, Failure> {
    let asked = segments::read(inner, &params["message"])?;
    let sent = inner
        .qq
        .shared
        .with(|world| world.send(place, by_way_of, asked.pieces, asked.reply_to));
    match sent.map_err(|refusal| refused(refusal.words()))? {
        Some(entry) => Ok(json!({"message_id": entry.id})),
        None => Ok(json!({"message_id": 0})),
    }
}

fn delete(inner: &Inner, id: i64) -> Result<Value, Failure> {
    inner.qq.shared.with(|world| {
        let account = world.account;
        let entry = world.log.iter_mut().find(|entry| entry.id == id);
        let entry = entry.ok_or_else(|| refused("消息不存在"))?;
        if entry.from != account {
            return Err(refused("没有权限撤回"));
        }
        entry.is_recalled = true;
        Ok(Value::Null)
    })
}

fn get_msg(inner: &Inner, id: i64) -> Result<Value, Failure> {
    let entry = inner
        .qq
        .shared
        .with(|world| world.log.iter().find(|entry| entry.id == id).cloned());
    let entry = entry.ok_or_else(|| refused("消息不存在"))?;
    Ok(super::events::message(inner, &entry))
}

fn upload(inner: &Inner, place: Place, params: &Value) -> Result<Value, Failure> {
    let text = |key: &str| params[key].as_str().filter(|text| !text.is_empty());
    let file = text("file").ok_or_else(|| bad("file: Required"))?;
    let name = text("name").ok_or_else(|| bad("name: Required"))?;
    let bytes = segments::contents(inner, file)?;
    inner.qq.shared.with(|world| {
        world
            .may_write(place, None)
            .map_err(|refusal| refused(refusal.words()))?;
        let id = world.store(name, bytes);
        let account = world.account;
        world.write(place, account, vec![Piece::File(id.clone())], None);
        Ok(json!({"file_id": id}))
    })
}

/// What only NapCat has.
pub(super) fn is_napcat(inner: &Inner) -> bool {
    inner.settings.app_name.starts_with("NapCat")
}

fn get_file(inner: &Inner, params: &Value) -> Result<Value, Failure> {
    let id = params["file_id"].as_str().or(params["file"].as_str());
    let id = id.ok_or_else(|| bad("file_id: Required"))?;
    let file = inner.qq.shared.with(|world| {
        let file = world.files.get(id).filter(|_| !world.loses_files);
        file.cloned()
    });
    let file = file.ok_or_else(|| refused("file not found"))?;
    let path = format!("/app/.config/QQ/NapCat/temp/{}", file.name);
    let url = match inner.settings.files {
        Files::Asked | Files::InMessage => segments::url(inner, id),
        Files::OnDisk | Files::AsBase64 => path.clone(),
    };
    let mut told = json!({"file": path, "url": url, "file_size": file.bytes.len().to_string(),
        "file_name": file.name});
    if inner.settings.files == Files::AsBase64 {
        told["base64"] = Value::from(STANDARD.encode(&file.bytes));
    }
    Ok(told)
}

fn file_url(inner: &Inner, params: &Value) -> Result<Value, Failure> {
    let id = params["file_id"].as_str();
    let id = id.ok_or_else(|| bad("file_id: Required"))?;
    let is_there = inner.qq.shared.with(|world| world.files.contains_key(id));
    if !is_there {
        return Err(refused("文件不存在"));
    }
    if matches!(inner.settings.files, Files::OnDisk | Files::AsBase64) {
        return Err(refused("real fileUUID not found!"));
    }
    Ok(json!({"url": segments::url(inner, id)}))
}

fn member(inner: &Inner, params: &Value) -> Result<Value, Failure> {
    let (group, user) = (required(params, "group_id")?, required(params, "user_id")?);
    inner.qq.shared.with(|world| {
        let is_in = world
            .groups
            .get(&group)
            .is_some_and(|group| group.members.contains(&user));
        let person = world.people.get(&user).filter(|_| is_in);
        let person = person.ok_or_else(|| refused("群成员不存在"))?;
        Ok(
            json!({"group_id": group, "user_id": user, "nickname": person.name, "card": "",
            "role": "member"}),
        )
    })
}
