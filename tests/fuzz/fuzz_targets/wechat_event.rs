//! What WeChat and WeCom send us: the XML of callbacks, sealed or not, frames of robots, items of personal
//! WeChat, and encrypted files.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// The clock that the parsers ask.
pub(crate) fn now_ms() -> i64 {
    1_700_000_000_000
}

// The parsers are private to the adapters.
#[allow(dead_code)]
#[path = "../../../adapters/src/wechat"]
mod wechat {
    mod crypto;
    mod inbound;
    mod xml;

    use jarvis_proto::chat::{Event, RoomKind, event};
    use secrecy::SecretString;

    const TOKEN: &str = "a-token";
    const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

    /// What holds for every event that goes to the brain.
    fn check(event: &Event) {
        assert!(!event.id.is_empty());
        let room = event.room.as_ref().expect("an event has a room");
        let person = event.person.as_ref().expect("an event has a person");
        assert!(!room.id.is_empty() && !person.id.is_empty());
        match event.kind.as_ref().expect("an event is of a kind") {
            event::Kind::Message(message) => {
                // Nothing but a call of the robot is something in a group.
                let is_said = !message.text.is_empty() || !message.attachments.is_empty();
                assert!(is_said || room.kind() == RoomKind::Group);
                assert!(message.attachments.len() <= 1000);
            }
            event::Kind::Press(press) => assert!(!press.data.is_empty()),
            _ => {}
        }
    }

    /// A callback in the open.
    pub(crate) fn callback(bytes: &[u8]) {
        let Ok(xml) = xml::Element::read(bytes) else {
            return;
        };
        for message in [None, Some("m1".to_owned())] {
            if let Some(heard) = inbound::read(&xml, "zh-CN", |_| message.clone()) {
                check(&heard.event);
                assert!(inbound::is_person(&heard.user));
                // Told again, it is the same event.
                let again = inbound::read(&xml, "zh-CN", |_| message.clone());
                assert_eq!(again.map(|heard| heard.event.id), Some(heard.event.id));
            }
        }
    }

    fn envelope(receiver: &str) -> crypto::Envelope {
        let key = SecretString::from(KEY);
        let envelope = crypto::Envelope::new(TOKEN.to_owned().into(), &key, receiver);
        envelope.unwrap_or_else(|_| panic!("the key is one"))
    }

    /// A callback that is sealed: as somebody without the keys makes it, and as one who only has the token.
    pub(crate) fn sealed(text: &str) {
        let (ours, robot) = (envelope("wx1"), envelope(""));
        assert!(ours.open(text, "1", "2", text).is_err());
        let signature = crypto::signature(&[TOKEN, "1", "2", text]);
        for envelope in [&ours, &robot] {
            let _ = envelope.open(&signature, "1", "2", text);
        }
        let file = SecretString::from(text);
        let _ = crypto::decrypt_file(&file, vec![7; 64]);
    }

    /// What the platform seals is what we read, and nobody else's receiver.
    pub(crate) fn round(bytes: &[u8]) {
        let ours = envelope("wx1");
        let sealed = ours.seal([7; 16], "1", "2", bytes);
        let opened = ours.open(&sealed.signature, "1", "2", &sealed.encrypt);
        assert_eq!(opened.as_deref(), Ok(bytes));
        let other = envelope("wx2").open(&sealed.signature, "1", "2", &sealed.encrypt);
        assert!(other.is_err());
        let _ = ours.file(bytes.to_vec());
    }

    pub(crate) mod bot {
        mod frame;
        mod handle;
        mod inbound;
        mod place;

        pub(crate) fn read(bytes: &[u8]) {
            let Ok(frame) = serde_json::from_slice::<frame::Frame>(bytes) else {
                return;
            };
            for name in ["", "ops robot", "机器人"] {
                let inbound::Callback::Heard(mut heard) = inbound::read(&frame.body, name, "zh-CN")
                else {
                    continue;
                };
                super::check(&heard.event);
                let room = heard.event.room.as_ref().expect("it was looked at");
                assert_eq!(place::Place::parse(&room.id), Some(heard.place.clone()));
                heard.name_message("x");
            }
        }
    }

    pub(crate) mod personal {
        mod cipher;
        mod handle;
        mod inbound;

        use jarvis_proto::chat::Person;
        use serde_json::Value;

        pub(crate) fn read(message: &Value) {
            let person = Person {
                id: message["from_user_id"].as_str().unwrap_or("o9").to_owned(),
                ..Person::default()
            };
            if person.id.is_empty() {
                return;
            }
            for quoted in [None, Some(("said before".to_owned(), true))] {
                let heard = inbound::read(message, person.clone(), |_| quoted.clone());
                if let Some(heard) = heard {
                    super::check(&heard.event);
                }
            }
        }

        /// A file that comes in pieces is what it is as a whole.
        pub(crate) fn file(bytes: &[u8]) {
            let (key, rest) = match bytes.split_first_chunk::<16>() {
                Some((key, rest)) => (*key, rest),
                None => return,
            };
            let open = |piece: usize| {
                let mut opener = cipher::Opener::new(&key);
                let mut whole = Vec::new();
                for piece in rest.chunks(piece) {
                    whole.extend_from_slice(&opener.push(piece));
                }
                whole.extend_from_slice(&opener.finish()?);
                Some(whole)
            };
            assert_eq!(open(7), open(4096));
            let mut sealer = cipher::Sealer::new(&key);
            let mut sealed = sealer.push(rest).to_vec();
            sealed.extend_from_slice(&sealer.finish());
            assert_eq!(sealed.len() as u64, cipher::sealed_size(rest.len() as u64));
            let mut opener = cipher::Opener::new(&key);
            let mut plain = opener.push(&sealed).to_vec();
            plain.extend_from_slice(&opener.finish().expect("it was sealed with this key"));
            assert_eq!(plain, rest);
        }

        pub(crate) fn key(text: &str) {
            if let Some(key) = cipher::read_key(text) {
                assert_eq!(cipher::read_key(&cipher::written_key(&key)), Some(key));
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    wechat::callback(bytes);
    wechat::round(bytes);
    wechat::bot::read(bytes);
    wechat::personal::file(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        wechat::sealed(text);
        wechat::personal::key(text);
    }
    if let Ok(message) = serde_json::from_slice(bytes) {
        wechat::personal::read(&message);
    }
});
