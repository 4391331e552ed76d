//! From a gateway's messages to events. Pure functions.

use jarvis_proto::chat::{
    Attachment, AttachmentKind, Event, Joined, Left, Message, Person, Room, RoomKind, event,
};
use jarvis_proto::wechaty::puppet::MessagePayloadResponse;
use serde_json::json;

use super::config::{Numbering, Sort};
use super::place::Place;

/// What a phone puts after a name that it calls.
const AFTER_NAME: char = '\u{2005}';
/// Accounts of WeChat itself, with which nobody talks.
const NOBODY: [&str; 6] = [
    "weixin",
    "fmessage",
    "medianote",
    "floatbottle",
    "newsapp",
    "filehelper",
];
/// Longest id, name and text that are passed on, in bytes. WeChat's are shorter; a gateway may send anything.
const LONGEST_ID: usize = 200;
const LONGEST_NAME: usize = 200;
const LONGEST_TEXT: usize = 64 << 10;
/// The sort of a contact that is an official account: it writes to thousands and reads nothing.
const OFFICIAL: i32 = 2;

/// What is known of a contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contact {
    /// Its name: in a room the one that it has there.
    pub(super) name: String,
    /// The handle that people choose.
    pub(super) handle: String,
    /// Its sort.
    pub(super) sort: i32,
}

/// What has to be known to read a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// Our contact id.
    pub(super) myself: &'a str,
    /// The names by which we are called in this place.
    pub(super) names: &'a [String],
    /// How the gateway counts.
    pub(super) numbering: Numbering,
    /// The hint of everybody's language.
    pub(super) language: &'a str,
}

/// Where a message is; `None` when it is not for us to read.
pub(super) fn place(message: &MessagePayloadResponse, myself: &str) -> Option<Place> {
    let talker = message.talker_id.as_str();
    let ids = [&message.id, &message.talker_id, &message.room_id];
    if ids.iter().any(|id| id.len() > LONGEST_ID) {
        return None;
    }
    // What we say comes back.
    if talker.is_empty() || talker == myself || NOBODY.contains(&talker) {
        return None;
    }
    Some(if message.room_id.is_empty() {
        Place::Private(talker.to_owned())
    } else {
        Place::Room(message.room_id.clone())
    })
}

impl Reader<'_> {
    /// The event; `None` when there is nothing for the brain in it.
    pub(super) fn read(
        self,
        message: &MessagePayloadResponse,
        talker: &Contact,
        title: &str,
        now_ms: i64,
    ) -> Option<Event> {
        let place = place(message, self.myself)?;
        if talker.sort == OFFICIAL && !place.is_group() {
            return None;
        }
        let sort = match self.numbering.sort(message.r#type) {
            // Some gateways do not know what a file is, but know its name.
            Sort::Other if !message.filename.trim().is_empty() => Sort::File(AttachmentKind::File),
            sort => sort,
        };
        let (kind, addressed) = match sort {
            Sort::Text => self.text(message, &place)?,
            Sort::File(kind) => {
                let content = Message {
                    message_id: message.id.clone(),
                    attachments: vec![attachment(message, kind)],
                    ..Message::default()
                };
                (event::Kind::Message(content), !place.is_group())
            }
            // Such a message names the one that was taken back.
            Sort::Recalled if !message.text.is_empty() && message.text.len() < 200 => {
                (event::Kind::Deleted(message.text.clone()), false)
            }
            Sort::Recalled | Sort::Other => return None,
        };
        Some(Event {
            id: format!("wechaty:{}", message.id),
            time_ms: time_ms(message, now_ms),
            room: Some(room(&place, title)),
            person: Some(self.person(&message.talker_id, talker)),
            addressed,
            kind: Some(kind),
            ..Event::default()
        })
    }

    fn text(self, message: &MessagePayloadResponse, place: &Place) -> Option<(event::Kind, bool)> {
        let (quote, said) = quoted(&message.text);
        let is_called = message.mention_ids.iter().any(|id| id == self.myself);
        let (text, is_named) = if place.is_group() {
            self.without_our_name(said, is_called)
        } else {
            (said.to_owned(), false)
        };
        let text = text.replace(AFTER_NAME, " ");
        let text = cut(text.trim(), LONGEST_TEXT).to_owned();
        let answers_us = quote
            .as_ref()
            .is_some_and(|(who, _)| self.names.iter().any(|name| name == who));
        let is_for_us = is_called || is_named || answers_us;
        if text.is_empty() && !is_for_us {
            return None;
        }
        let content = Message {
            message_id: message.id.clone(),
            text,
            reply_to_text: quote
                .map(|(_, text)| cut(text, LONGEST_TEXT).to_owned())
                .unwrap_or_default(),
            reply_to_bot: answers_us,
            ..Message::default()
        };
        let addressed = !place.is_group() || is_for_us;
        Some((event::Kind::Message(content), addressed))
    }

    /// The text without our name where a phone has put it, and whether it was there.
    fn without_our_name(self, text: &str, is_called: bool) -> (String, bool) {
        let mut text = text.to_owned();
        let mut is_named = false;
        let mut names: Vec<&String> = self.names.iter().filter(|name| !name.is_empty()).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in names {
            // Only a phone writes this space; a name that was typed calls nobody.
            let called = format!("@{name}{AFTER_NAME}");
            if text.contains(&called) {
                is_named = true;
                text = text.replace(&called, " ");
            }
            // Some gateways make a common space of it.
            if is_called && !is_named {
                let called = format!("@{name}");
                if let Some(rest) = text.strip_prefix(&called)
                    && rest.chars().next().is_none_or(char::is_whitespace)
                {
                    is_named = true;
                    text = rest.to_owned();
                } else if let Some(rest) = text.strip_suffix(&called) {
                    is_named = true;
                    text = rest.to_owned();
                }
            }
        }
        // We are called by a name that we do not know.
        if is_called
            && !is_named
            && text.starts_with('@')
            && let Some((_, rest)) = text.split_once(AFTER_NAME)
        {
            text = rest.to_owned();
        }
        (text, is_named)
    }

    /// Somebody came into a room or left it: of that only our own coming and going counts.
    pub(super) fn moved(
        self,
        (room_id, title): (&str, &str),
        people: &[String],
        by: &str,
        time: i64,
        is_in: bool,
        now_ms: i64,
    ) -> Option<Event> {
        let is_room = !room_id.is_empty() && room_id.len() <= LONGEST_ID;
        if !is_room || by.len() > LONGEST_ID || !people.iter().any(|person| person == self.myself) {
            return None;
        }
        let (word, kind) = if is_in {
            ("joined", event::Kind::Joined(Joined {}))
        } else {
            ("left", event::Kind::Left(Left {}))
        };
        let time_ms = scaled(time).unwrap_or(now_ms);
        let by = if by.is_empty() { self.myself } else { by };
        Some(Event {
            id: format!("wechaty:{word}:{room_id}:{time_ms}"),
            time_ms,
            room: Some(room(&Place::Room(room_id.to_owned()), title)),
            person: Some(self.person(by, &Contact::default())),
            kind: Some(kind),
            ..Event::default()
        })
    }

    fn person(self, id: &str, contact: &Contact) -> Person {
        let name = cut(contact.name.trim(), LONGEST_NAME);
        Person {
            id: id.to_owned(),
            name: if name.is_empty() { id } else { name }.to_owned(),
            handle: cut(&contact.handle, LONGEST_NAME).to_owned(),
            language: self.language.to_owned(),
            is_bot: false,
        }
    }
}

fn room(place: &Place, title: &str) -> Room {
    let kind = if place.is_group() {
        RoomKind::Group
    } else {
        RoomKind::Private
    };
    Room {
        id: place.to_string(),
        kind: kind.into(),
        title: cut(title, LONGEST_NAME).to_owned(),
        ..Room::default()
    }
}

/// The beginning of a text that is too long.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// What a message quotes, and what it says itself. A phone sends both as one text:
/// `「name：words」`, a line of strokes, and the answer.
fn quoted(text: &str) -> (Option<(&str, &str)>, &str) {
    let whole = || {
        let rest = text.strip_prefix('「')?;
        let (quote, rest) = rest.split_once("」\n")?;
        let (line, answer) = rest.split_once('\n')?;
        let strokes = line.chars().filter(|sign| *sign == '-').count();
        let is_line = strokes >= 5 && line.chars().all(|sign| matches!(sign, '-' | ' ' | '\r'));
        let (who, words) = quote.split_once(['：', ':'])?;
        is_line.then_some((Some((who.trim(), words.trim())), answer))
    };
    whole().unwrap_or((None, text))
}

fn attachment(message: &MessagePayloadResponse, kind: AttachmentKind) -> Attachment {
    let name = match kind {
        _ if !message.filename.trim().is_empty() => message.filename.trim(),
        AttachmentKind::Image => "image.jpg",
        AttachmentKind::Audio => "voice.silk",
        AttachmentKind::Video => "video.mp4",
        _ => "",
    };
    Attachment {
        handle: json!({"message": message.id}).to_string(),
        name: name_end(name).to_owned(),
        kind: kind.into(),
        ..Attachment::default()
    }
}

/// A name of a file that is too long keeps its end, which says what it is.
fn name_end(name: &str) -> &str {
    let from = name.len().saturating_sub(LONGEST_NAME);
    &name[name.ceil_char_boundary(from)..]
}

fn time_ms(message: &MessagePayloadResponse, now_ms: i64) -> i64 {
    let moment = message.receive_time.as_ref().map(|moment| {
        let millis = i64::from(moment.nanos) / 1_000_000;
        moment.seconds.saturating_mul(1000).saturating_add(millis)
    });
    let old = || i64::try_from(message.timestamp_deprecated).ok();
    moment
        .and_then(scaled)
        .or_else(|| old().and_then(scaled))
        // Nobody writes in the future; a wrong clock there must not make a command too old here.
        .map_or(now_ms, |time| time.min(now_ms))
}

/// A time in milliseconds. Some gateways mean seconds where the contract wants milliseconds.
fn scaled(time: i64) -> Option<i64> {
    /// As milliseconds this is the year 1973, as seconds the year 5138.
    const SECONDS_END: i64 = 100_000_000_000;
    match time {
        ..=0 => None,
        1..SECONDS_END => Some(time * 1000),
        _ => Some(time),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::wechaty::puppet::Moment;
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_770_000_000_000;

    fn message(text: &str, room: &str) -> MessagePayloadResponse {
        MessagePayloadResponse {
            id: "m1".to_owned(),
            text: text.to_owned(),
            r#type: 7,
            talker_id: "wxid_ann".to_owned(),
            room_id: room.to_owned(),
            receive_time: Some(Moment {
                seconds: NOW / 1000 - 5,
                nanos: 7_000_000,
            }),
            ..MessagePayloadResponse::default()
        }
    }

    fn read(message: &MessagePayloadResponse) -> Option<Event> {
        let names = ["Jarvis".to_owned(), "小贾".to_owned()];
        let reader = Reader {
            myself: "wxid_me",
            names: &names,
            numbering: Numbering::Puppet,
            language: "zh-CN",
        };
        let ann = Contact {
            name: "Ann".to_owned(),
            ..Contact::default()
        };
        reader.read(message, &ann, "ops", NOW)
    }

    fn content(event: &Event) -> &Message {
        match &event.kind {
            Some(event::Kind::Message(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_private_message_is_for_us() {
        let event = read(&message(" /run web-1 ", "")).unwrap();
        assert_eq!(event.id, "wechaty:m1");
        assert_eq!(event.time_ms, NOW - 4993);
        assert_eq!(event.room.as_ref().unwrap().id, "private:wxid_ann");
        assert!(event.addressed);
        assert_eq!(content(&event).text, "/run web-1");
        assert_eq!(event.person.unwrap().name, "Ann");
    }

    #[test]
    fn in_a_room_only_a_call_is_for_us() {
        for (text, is_called, addressed, said) in [
            ("hi all", false, false, "hi all"),
            ("@Jarvis\u{2005}/run", true, true, "/run"),
            ("@小贾\u{2005}/run", false, true, "/run"),
            ("@Jarvis /run", true, true, "/run"),
            ("@Jarvis /run", false, false, "@Jarvis /run"),
            ("@Jarvisson\u{2005}hi", false, false, "@Jarvisson hi"),
            ("please @Jarvis\u{2005}help", true, true, "please  help"),
            ("help @Jarvis", true, true, "help"),
            ("@someone\u{2005}/run", true, true, "/run"),
            ("@Jarvis\u{2005}", true, true, ""),
        ] {
            let mut message = message(text, "1@chatroom");
            if is_called {
                message.mention_ids = vec!["wxid_bob".to_owned(), "wxid_me".to_owned()];
            }
            let event = read(&message).unwrap();
            assert_eq!(
                (event.addressed, content(&event).text.as_str()),
                (addressed, said),
                "{text}"
            );
            assert_eq!(event.room.unwrap().id, "room:1@chatroom");
        }
    }

    #[test]
    fn a_quote_is_told_from_the_answer() {
        let text = "「Jarvis：job 42 · done」\n- - - - - - - - - - - - - - -\n/log 42";
        let event = read(&message(text, "1@chatroom")).unwrap();
        assert!(event.addressed && content(&event).reply_to_bot);
        assert_eq!(content(&event).text, "/log 42");
        assert_eq!(content(&event).reply_to_text, "job 42 · done");
        let event = read(&message(&text.replace("Jarvis", "Bob"), "1@chatroom")).unwrap();
        assert!(!event.addressed && !content(&event).reply_to_bot);
        for plain in ["「a：b」 c", "「a：b」\nno line\nc", "「ab」\n- - - - -\nc"] {
            assert_eq!(quoted(plain), (None, plain));
        }
    }

    #[test]
    fn files_are_attachments_and_times_may_be_seconds() {
        let mut file = message("", "");
        file.r#type = 1;
        file.filename = "报告.pdf".to_owned();
        file.receive_time = None;
        file.timestamp_deprecated = 1_769_999_000;
        let event = read(&file).unwrap();
        assert_eq!(event.time_ms, 1_769_999_000_000);
        assert_eq!(content(&event).attachments[0].name, "报告.pdf");
        file.r#type = 0;
        assert!(
            read(&file).is_some(),
            "an unknown sort with a name of a file"
        );
        file.filename.clear();
        assert_eq!(read(&file), None);
        file.r#type = 6;
        assert_eq!(
            content(&read(&file).unwrap()).attachments[0].name,
            "image.jpg"
        );
        file.r#type = 13;
        file.text = "m0".to_owned();
        assert_eq!(
            read(&file).unwrap().kind,
            Some(event::Kind::Deleted("m0".to_owned()))
        );
    }

    #[test]
    fn what_is_ours_or_nobodys_is_passed_over() {
        for talker in ["wxid_me", "", "weixin", "filehelper"] {
            let mut own = message("hi", "");
            own.talker_id = talker.to_owned();
            assert_eq!(read(&own), None, "{talker}");
        }
        assert_eq!(read(&message("", "")), None);
        let reader = Reader {
            myself: "wxid_me",
            names: &[],
            numbering: Numbering::Puppet,
            language: "en",
        };
        let official = Contact {
            sort: OFFICIAL,
            ..Contact::default()
        };
        assert_eq!(reader.read(&message("news", ""), &official, "", NOW), None);
    }

    #[test]
    fn what_is_too_long_is_cut_and_strange_ids_are_passed_over() {
        let mut long = message(&"行".repeat(100_000), "");
        let event = read(&long).unwrap();
        assert!(content(&event).text.len() <= LONGEST_TEXT);
        long.filename = format!("{}.tar.gz", "长".repeat(300));
        long.r#type = 1;
        let event = read(&long).unwrap();
        let name = &content(&event).attachments[0].name;
        assert!(name.len() <= LONGEST_NAME && name.ends_with("长.tar.gz"));
        long.id = "x".repeat(300);
        assert_eq!(read(&long), None);
    }

    #[test]
    fn our_own_coming_and_going_is_told() {
        let reader = Reader {
            myself: "wxid_me",
            names: &[],
            numbering: Numbering::Puppet,
            language: "en",
        };
        let moved = |who: &str, is_in| {
            reader.moved(
                ("1@chatroom", "ops"),
                &[who.to_owned()],
                "wxid_ann",
                5,
                is_in,
                NOW,
            )
        };
        assert_eq!(moved("wxid_bob", true), None);
        let joined = moved("wxid_me", true).unwrap();
        assert_eq!(joined.id, "wechaty:joined:1@chatroom:5000");
        assert_eq!(joined.person.unwrap().id, "wxid_ann");
        assert!(matches!(
            moved("wxid_me", false).unwrap().kind,
            Some(event::Kind::Left(_))
        ));
    }

    proptest! {
        #[test]
        fn no_message_panics(
            text in "[「」：:@\u{2005} \\-\nJarvis小贾a]{0,60}",
            kind in -1..20_i32,
            seconds in any::<i64>(),
            nanos in any::<i32>(),
            is_group in any::<bool>(),
            is_called in any::<bool>(),
        ) {
            let mut message = message(&text, if is_group { "1@chatroom" } else { "" });
            message.r#type = kind;
            message.receive_time = Some(Moment { seconds, nanos });
            if is_called {
                message.mention_ids.push("wxid_me".to_owned());
            }
            if let Some(event) = read(&message) {
                prop_assert!(event.time_ms <= NOW);
            }
        }
    }
}
