//! Events of programs with a QQ login, from JSON to ours: OneBot v11 and Milky; and the stream of
//! server-sent events in which the latter may come.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The parsers are private to the adapter.
#[allow(dead_code)]
#[path = "../../../adapters/src/qq"]
mod qq {
    pub(crate) mod place;

    pub(crate) mod onebot {
        pub(super) mod inbound;
        pub(super) mod segment;

        pub(crate) fn read(value: &serde_json::Value, has_file_segments: bool) {
            let reader = inbound::Reader {
                myself: 10_000,
                language: "zh-CN",
                has_file_segments,
            };
            if let Some(read) = reader.read(value, 7) {
                assert!(!read.event.id.is_empty());
            }
        }

        pub(crate) fn segments(text: &str) {
            for segment in segment::parse(text) {
                assert!(!segment.kind.is_empty());
            }
        }
    }

    pub(crate) mod milky {
        mod inbound;

        pub(crate) fn read(value: &serde_json::Value) {
            let reader = inbound::Reader {
                myself: 10_001,
                language: "zh-CN",
            };
            if let Some(event) = reader.read(value, 7) {
                assert!(!event.id.is_empty());
            }
        }
    }
}

#[allow(dead_code)]
#[path = "../../../adapters/src/event_stream.rs"]
mod event_stream;

/// What a stream says, read in pieces of this size.
fn said(bytes: &[u8], size: usize) -> Result<Vec<event_stream::Said>, event_stream::TooLarge> {
    let mut stream = event_stream::EventStream::new(4096);
    let pieces = bytes.chunks(size).map(|piece| stream.push(piece));
    pieces.collect::<Result<Vec<_>, _>>().map(|said| said.concat())
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = serde_json::from_slice(bytes) {
        qq::onebot::read(&value, false);
        qq::onebot::read(&value, true);
        qq::milky::read(&value);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        qq::onebot::segments(text);
    }
    // Where the pieces end changes nothing.
    assert_eq!(said(bytes, 3), said(bytes, 4096));
});
