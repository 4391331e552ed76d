//! Events as NapCat tells them.

use serde_json::{Value, json};

use super::Inner;
use super::segments;
use crate::qq::world::{Entry, Place, now};

/// A sign of life.
pub(super) fn heartbeat(inner: &Inner) -> Value {
    let interval = u64::try_from(inner.settings.heartbeat.as_millis()).unwrap_or(u64::MAX);
    json!({"time": now(), "self_id": inner.qq.account(), "post_type": "meta_event",
        "meta_event_type": "heartbeat", "interval": interval,
        "status": {"online": true, "good": true}})
}

/// Somebody wrote.
pub(super) fn message(inner: &Inner, entry: &Entry) -> Value {
    let (account, person, group) = inner.qq.shared.with(|world| {
        let person = world.people.get(&entry.from).cloned();
        let group = match entry.place {
            Place::Group(group) => world.groups.get(&group).cloned(),
            Place::Private(_) => None,
        };
        (world.account, person, group)
    });
    let name = person.as_ref().map_or("", |person| person.name.as_str());
    let array = segments::write(inner, entry);
    let string = segments::as_string(&array);
    let mut event = json!({
        "time": entry.time, "self_id": account, "post_type": "message",
        "message_id": entry.id, "message_seq": entry.id, "real_id": entry.id,
        "user_id": entry.from, "raw_message": string, "font": 14,
        "sender": {"user_id": entry.from, "nickname": name, "card": ""},
        "message": array, "message_format": "array",
    });
    if inner.settings.as_strings {
        event["message"] = event["raw_message"].clone();
        event["message_format"] = Value::from("string");
    }
    match entry.place {
        Place::Group(id) => {
            event["message_type"] = Value::from("group");
            event["sub_type"] = Value::from("normal");
            event["group_id"] = Value::from(id);
            event["group_name"] = Value::from(group.map_or(String::new(), |group| group.name));
            event["sender"]["role"] = Value::from("member");
        }
        Place::Private(_) => {
            let is_friend = person.is_some_and(|person| person.is_friend);
            event["message_type"] = Value::from("private");
            event["sub_type"] = Value::from(if is_friend { "friend" } else { "group" });
            if !is_friend {
                let shared = inner.qq.shared.with(|world| {
                    let mut groups = world.groups.iter();
                    groups
                        .find(|(_, group)| group.members.contains(&entry.from))
                        .map(|(id, _)| *id)
                });
                event["group_id"] = Value::from(shared);
                event["sender"]["group_id"] = Value::from(shared);
            }
        }
    }
    event
}
