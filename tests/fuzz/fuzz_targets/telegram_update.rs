//! Telegram's updates, from JSON to events.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The parser is private to the adapter.
#[allow(dead_code)]
#[path = "../../../adapters/src/telegram"]
mod telegram {
    mod inbound;
    mod mention;

    /// The clock that the parser asks for events without a time.
    fn now_ms() -> i64 {
        0
    }

    pub(crate) fn read(bytes: &[u8]) {
        let myself = inbound::Myself {
            id: 42,
            name: "jarvis_bot".to_owned(),
        };
        if let Ok(update) = serde_json::from_slice::<teloxide::types::Update>(bytes) {
            if let Some(event) = inbound::event(&update, &myself) {
                assert_eq!(event.id, update.id.0.to_string());
            }
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = mention::read(text, &myself.name);
        }
    }
}

fuzz_target!(|bytes: &[u8]| telegram::read(bytes));
