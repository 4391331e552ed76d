//! From Telegram's updates to events. Pure functions.

use jarvis_proto::chat::{
    Answered, Attachment, AttachmentKind, ButtonPress, Event, Forwarded, Joined, Left, Message,
    Person, Room, RoomKind, event,
};
use teloxide::types::{
    CallbackQuery, Chat, ChatMemberUpdated, FileMeta, MessageKind, MessageOrigin, Update,
    UpdateKind, User,
};

use super::mention;

/// Our bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Myself {
    pub(super) id: u64,
    /// User name without the `@`.
    pub(super) name: String,
}

/// The event of an update; `None` when there is nothing for the brain in it.
pub(super) fn event(update: &Update, myself: &Myself) -> Option<Event> {
    let event = match &update.kind {
        UpdateKind::Message(message) | UpdateKind::ChannelPost(message) => {
            self::message(message, myself, false)
        }
        UpdateKind::EditedMessage(message) | UpdateKind::EditedChannelPost(message) => {
            self::message(message, myself, true)
        }
        UpdateKind::CallbackQuery(query) => press(query),
        UpdateKind::MyChatMember(change) => membership(change),
        _ => None,
    }?;
    Some(Event {
        id: update.id.0.to_string(),
        ..event
    })
}

/// The event that tells of a group's new id. Its own id is the same whenever this is noticed.
pub(super) fn moved(room: &Room, new_id: i64, time_ms: i64) -> Event {
    Event {
        id: format!("moved:{}:{new_id}", room.id),
        time_ms,
        room: Some(Room {
            thread: String::new(),
            ..room.clone()
        }),
        kind: Some(event::Kind::MovedTo(new_id.to_string())),
        ..Event::default()
    }
}

fn message(message: &teloxide::types::Message, myself: &Myself, is_edit: bool) -> Option<Event> {
    if message
        .from
        .as_ref()
        .is_some_and(|from| from.id.0 == myself.id)
    {
        return None;
    }
    let event = Event {
        time_ms: message.date.timestamp_millis(),
        room: Some(room(&message.chat, thread(message))),
        person: sender(message),
        ..Event::default()
    };
    if let Some(new_id) = message.migrate_to_chat_id() {
        return Some(Event {
            kind: Some(event::Kind::MovedTo(new_id.0.to_string())),
            person: None,
            ..event
        });
    }
    // Somebody joined, a message was pinned, and the like.
    let MessageKind::Common(_) = &message.kind else {
        return None;
    };
    if message.migrate_from_chat_id().is_some() {
        return None;
    }
    let text = message
        .text()
        .or_else(|| message.caption())
        .unwrap_or_default();
    let read = mention::read(text, &myself.name)?;
    let reply = reply(message);
    let reply_to_bot = reply
        .and_then(|reply| reply.from.as_ref())
        .is_some_and(|from| from.id.0 == myself.id);
    let content = Message {
        message_id: message.id.0.to_string(),
        text: read.text,
        attachments: attachment(message).into_iter().collect(),
        reply_to: reply
            .map(|reply| reply.id.0.to_string())
            .unwrap_or_default(),
        reply_to_text: reply
            .and_then(|reply| reply.text().or_else(|| reply.caption()))
            .unwrap_or_default()
            .to_owned(),
        reply_to_bot,
        forwarded: message.forward_origin().map(forwarded),
        answered: reply.map(answered),
    };
    let time_ms = match message.edit_date() {
        Some(edited) if is_edit => edited.timestamp_millis(),
        _ => event.time_ms,
    };
    Some(Event {
        time_ms,
        addressed: message.chat.is_private() || read.is_addressed || reply_to_bot,
        kind: Some(if is_edit {
            event::Kind::Edited(content)
        } else {
            event::Kind::Message(content)
        }),
        ..event
    })
}

/// The message that this one answers. In a topic, Telegram names the message that opened the topic
/// when nothing was answered.
fn reply(message: &teloxide::types::Message) -> Option<&teloxide::types::Message> {
    let reply = message.reply_to_message()?;
    let opens_topic =
        message.is_topic_message && message.thread_id.is_some_and(|thread| thread.0 == reply.id);
    let is_service = !matches!(reply.kind, MessageKind::Common(_));
    (!opens_topic && !is_service).then_some(reply)
}

/// Who sent a message that another one answers, when, and what came with it.
fn answered(message: &teloxide::types::Message) -> Answered {
    Answered {
        from: sender(message),
        time_ms: message.date.timestamp_millis(),
        attachments: attachment(message).into_iter().collect(),
        forwarded: message.forward_origin().map(forwarded),
    }
}

/// The forum topic. Elsewhere a thread id only marks a chain of replies; the topic General has none.
fn thread(message: &teloxide::types::Message) -> String {
    match message.thread_id {
        Some(thread) if message.is_topic_message => thread.0.0.to_string(),
        _ => String::new(),
    }
}

fn room(chat: &Chat, thread: String) -> Room {
    let kind = if chat.is_private() {
        RoomKind::Private
    } else if chat.is_channel() {
        RoomKind::Channel
    } else {
        RoomKind::Group
    };
    Room {
        id: chat.id.0.to_string(),
        kind: kind.into(),
        thread,
        title: chat.title().unwrap_or_default().to_owned(),
    }
}

/// Who wrote it. A channel, or a group's anonymous administrators, write under the chat's own id:
/// the account that Telegram names for them is shared by all groups.
fn sender(message: &teloxide::types::Message) -> Option<Person> {
    match (&message.sender_chat, &message.from) {
        (Some(chat), from) => Some(Person {
            id: chat.id.0.to_string(),
            name: chat.title().unwrap_or_default().to_owned(),
            handle: chat.username().unwrap_or_default().to_owned(),
            language: String::new(),
            is_bot: from.as_ref().is_some_and(|from| from.is_bot),
        }),
        (None, Some(from)) => Some(person(from)),
        (None, None) => None,
    }
}

fn person(user: &User) -> Person {
    Person {
        id: user.id.0.to_string(),
        name: user.full_name(),
        handle: user.username.clone().unwrap_or_default(),
        language: user.language_code.clone().unwrap_or_default(),
        is_bot: user.is_bot,
    }
}

fn forwarded(origin: &MessageOrigin) -> Forwarded {
    let from = match origin {
        MessageOrigin::User { sender_user, .. } => person(sender_user),
        MessageOrigin::HiddenUser {
            sender_user_name, ..
        } => Person {
            name: sender_user_name.clone(),
            ..Person::default()
        },
        MessageOrigin::Chat {
            sender_chat: chat, ..
        }
        | MessageOrigin::Channel { chat, .. } => Person {
            id: chat.id.0.to_string(),
            name: chat.title().unwrap_or_default().to_owned(),
            ..Person::default()
        },
    };
    Forwarded {
        from: Some(from),
        time_ms: origin.date().timestamp_millis(),
    }
}

fn attachment(message: &teloxide::types::Message) -> Option<Attachment> {
    let file =
        |file: &FileMeta, kind: AttachmentKind, name: Option<&String>, mime: Option<String>| {
            Attachment {
                handle: file.id.0.clone(),
                name: name.cloned().unwrap_or_default(),
                mime: mime.unwrap_or_default(),
                // The client library's word for an unknown size.
                size: if file.size == u32::MAX {
                    0
                } else {
                    file.size.into()
                },
                kind: kind.into(),
            }
        };
    let id = message.id.0;
    if let Some(document) = message.document() {
        let mime = document.mime_type.as_ref().map(ToString::to_string);
        return Some(file(
            &document.file,
            AttachmentKind::File,
            document.file_name.as_ref(),
            mime,
        ));
    }
    if let Some(sizes) = message.photo() {
        let largest = sizes
            .iter()
            .max_by_key(|size| u64::from(size.width) * u64::from(size.height))?;
        let name = format!("photo-{id}.jpg");
        let mime = Some("image/jpeg".to_owned());
        return Some(file(
            &largest.file,
            AttachmentKind::Image,
            Some(&name),
            mime,
        ));
    }
    if let Some(video) = message.video() {
        let mime = video.mime_type.as_ref().map(ToString::to_string);
        return Some(file(
            &video.file,
            AttachmentKind::Video,
            video.file_name.as_ref(),
            mime,
        ));
    }
    if let Some(animation) = message.animation() {
        let mime = animation.mime_type.as_ref().map(ToString::to_string);
        return Some(file(
            &animation.file,
            AttachmentKind::Video,
            animation.file_name.as_ref(),
            mime,
        ));
    }
    if let Some(audio) = message.audio() {
        let mime = audio.mime_type.as_ref().map(ToString::to_string);
        return Some(file(
            &audio.file,
            AttachmentKind::Audio,
            audio.file_name.as_ref(),
            mime,
        ));
    }
    if let Some(voice) = message.voice() {
        let mime = voice.mime_type.as_ref().map(ToString::to_string);
        let name = format!("voice-{id}.ogg");
        return Some(file(&voice.file, AttachmentKind::Audio, Some(&name), mime));
    }
    let note = message.video_note()?;
    let name = format!("video-{id}.mp4");
    Some(file(
        &note.file,
        AttachmentKind::Video,
        Some(&name),
        Some("video/mp4".to_owned()),
    ))
}

fn press(query: &CallbackQuery) -> Option<Event> {
    let message = query.message.as_ref()?;
    let (thread, sent) = match message.regular_message() {
        Some(regular) => (thread(regular), regular.date.timestamp_millis()),
        None => (String::new(), 0),
    };
    Some(Event {
        // Telegram does not say when a button was pressed: it is now, as far as anybody can tell.
        time_ms: sent.max(crate::now_ms()),
        room: Some(room(message.chat(), thread)),
        person: Some(person(&query.from)),
        addressed: true,
        kind: Some(event::Kind::Press(ButtonPress {
            message_id: message.id().0.to_string(),
            data: query.data.clone().unwrap_or_default(),
        })),
        ..Event::default()
    })
}

/// Our bot came into a room or has to leave it.
fn membership(change: &ChatMemberUpdated) -> Option<Event> {
    let was = change.old_chat_member.kind.is_present();
    let kind = match (was, change.new_chat_member.kind.is_present()) {
        (false, true) => event::Kind::Joined(Joined {}),
        (true, false) => event::Kind::Left(Left {}),
        _ => return None,
    };
    Some(Event {
        time_ms: change.date.timestamp_millis(),
        room: Some(room(&change.chat, String::new())),
        person: Some(person(&change.from)),
        addressed: change.chat.is_private(),
        kind: Some(kind),
        ..Event::default()
    })
}

#[cfg(test)]
mod tests;
