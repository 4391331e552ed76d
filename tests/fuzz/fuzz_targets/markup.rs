//! A text from a job's output on its way to a chat: rendered and split.
#![no_main]

use jarvis_adapters::markup::{html, runs, visible};
use jarvis_adapters::split::{Unit, split};
use jarvis_proto::chat::{Pre, Segment, segment::Kind};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 100;

fuzz_target!(|texts: Vec<(u8, String)>| {
    let segments: Vec<Segment> = texts
        .into_iter()
        .map(|(kind, text)| Segment {
            kind: Some(match kind % 5 {
                0 => Kind::Text(text),
                1 => Kind::Bold(text),
                2 => Kind::Code(text),
                3 => Kind::Italic(text),
                _ => Kind::Pre(Pre {
                    text,
                    language: "sh".to_owned(),
                }),
            }),
        })
        .collect();
    let runs = runs(&segments);
    let mut joined = String::new();
    for part in split(&runs, LIMIT, Unit::Utf16) {
        let text = visible(&part);
        assert!(Unit::Utf16.length(&text) <= LIMIT);
        joined.push_str(&text);
        let _ = html(&part, |person| person.to_owned());
    }
    assert_eq!(joined, visible(&runs), "nothing is lost between the parts");
});
