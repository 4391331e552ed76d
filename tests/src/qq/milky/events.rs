//! Events with every field that the schema asks for.

use serde_json::{Value, json};

use super::Inner;
use crate::qq::world::{Entry, Piece, Place};

/// Somebody wrote.
pub(super) fn message(inner: &Inner, entry: &Entry) -> Value {
    let account = inner.qq.account();
    let event = json!({"event_type": "message_receive", "time": entry.time, "self_id": account,
        "data": incoming(inner, entry)});
    inner.note("Event".to_owned(), &event);
    event
}

/// A message as it comes in.
pub(super) fn incoming(inner: &Inner, entry: &Entry) -> Value {
    inner.qq.shared.with(|world| {
        let segments: Vec<Value> = std::iter::once(entry.reply_to)
            .flatten()
            .map(|to| {
                let answered = world.log.iter().find(|one| {
                    one.place == entry.place && (one.id == to || one.seq == to)
                });
                let answered = answered.map_or((0, 0, 0), |one| (one.seq, one.from, one.time));
                json!({"type": "reply", "data": {"message_seq": answered.0, "sender_id": answered.1,
                    "time": answered.2, "segments": []}})
            })
            .chain(entry.pieces.iter().map(|piece| match piece {
                Piece::Text(text) => json!({"type": "text", "data": {"text": text}}),
                Piece::At(0) => json!({"type": "mention_all", "data": {}}),
                Piece::At(person) => {
                    let name = world.people.get(person).map_or("小助手", |one| one.name.as_str());
                    json!({"type": "mention", "data": {"user_id": person, "name": name}})
                }
                Piece::Image(id) => json!({"type": "image", "data": {"resource_id": id,
                    "temp_url": format!("http://{}/file{id}", inner.address),
                    "width": 10, "height": 10, "summary": "[图片]", "sub_type": "normal"}}),
                Piece::File(id) => {
                    let file = &world.files[id];
                    let mut data = json!({"file_id": id, "file_name": file.name,
                        "file_size": file.bytes.len()});
                    if matches!(entry.place, Place::Private(_)) {
                        data["file_hash"] = Value::from(format!("hash-of-{id}"));
                    }
                    json!({"type": "file", "data": data})
                }
            }))
            .collect();
        let name = world.people.get(&entry.from).map_or("", |one| one.name.as_str());
        let mut data = json!({"message_seq": entry.seq, "sender_id": entry.from, "time": entry.time,
            "segments": segments});
        match entry.place {
            Place::Private(person) => {
                data["message_scene"] = Value::from("friend");
                data["peer_id"] = Value::from(person);
                data["friend"] = json!({"user_id": person, "nickname": name, "sex": "unknown",
                    "qid": "", "remark": "", "category": {"category_id": 0, "category_name": "好友"}});
            }
            Place::Group(id) => {
                let group = &world.groups[&id];
                let count = group.members.len() + 1;
                data["message_scene"] = Value::from("group");
                data["peer_id"] = Value::from(id);
                data["group"] = json!({"group_id": id, "group_name": group.name,
                    "member_count": count, "max_member_count": 200, "remark": "",
                    "created_time": 1_700_000_000, "description": "", "question": "", "announcement": ""});
                data["group_member"] = json!({"user_id": entry.from, "nickname": name, "sex": "unknown",
                    "group_id": id, "card": "", "title": "", "level": 1, "role": "member",
                    "join_time": 1_700_000_000, "last_sent_time": entry.time});
            }
        }
        data
    })
}
