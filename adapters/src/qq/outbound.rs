//! From the brain's texts to QQ's messages. Pure functions.

use jarvis_proto::chat::Segment;

use super::account::Piece;
use super::place::Place;
use crate::markup::{self, Run, Style};
use crate::split::{MOST_PARTS, Unit, split};

/// Largest text of one message, in UTF-16 units. QQ names no number; it swallows what is much longer.
pub(super) const TEXT_LIMIT: usize = 1800;
/// What is shown of a text that goes out as a file.
const HEAD_LIMIT: usize = 900;

/// A text as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The messages, in order.
    pub(super) texts: Vec<Vec<Piece>>,
    /// The whole text, when it is too long for messages: it follows as a file.
    pub(super) file: Option<String>,
}

/// Cuts a text into messages.
pub(super) fn layout(segments: &[Segment], place: &Place) -> Layout {
    let runs = plain(markup::runs(segments));
    let parts = split(&runs, TEXT_LIMIT, Unit::Utf16);
    let messages = |parts: &[Vec<Run>]| {
        let shown = parts
            .iter()
            .filter(|part| !markup::visible(part).trim().is_empty());
        shown.map(|part| pieces(part, *place)).collect()
    };
    if parts.len() <= MOST_PARTS {
        return Layout {
            texts: messages(&parts),
            file: None,
        };
    }
    let mut head = split(&runs, HEAD_LIMIT, Unit::Utf16);
    head.truncate(1);
    Layout {
        texts: messages(&head),
        file: Some(markup::plain(segments)),
    }
}

/// A link shows where it leads; everything else is what the reader sees.
fn plain(runs: Vec<Run>) -> Vec<Run> {
    let linked = |mut run: Run| {
        if let Style::Link { url } = &run.style
            && *url != run.text
        {
            run.text = format!("{} ({url})", run.text);
        }
        run
    };
    runs.into_iter().map(linked).collect()
}

/// Mentions ring in groups only; what stands beside them is one text.
fn pieces(part: &[Run], place: Place) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    for run in part {
        if let Style::Mention { person } = &run.style
            && place.is_group()
            && let Ok(person) = person.parse()
        {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::At(person));
        } else {
            text.push_str(&run.text);
        }
    }
    let text = text.trim_end();
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    pieces
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::chat::segment::Kind;
    use jarvis_proto::chat::{Link, Mention};
    use proptest::prelude::*;

    use super::*;

    fn segment(kind: Kind) -> Segment {
        Segment { kind: Some(kind) }
    }

    fn said(layout: &Layout) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::At(person) => format!("@{person}"),
        };
        layout.texts.iter().flatten().map(text).collect()
    }

    #[test]
    fn a_mention_rings_in_a_group_and_is_a_name_elsewhere() {
        let text = [
            segment(Kind::Text("ask ".into())),
            segment(Kind::Mention(Mention {
                person: "10001".into(),
                name: "Ann".into(),
            })),
            segment(Kind::Link(Link {
                text: " docs".into(),
                url: "https://e.x".into(),
            })),
        ];
        let in_group = layout(&text, &Place::Group(1));
        assert_eq!(
            in_group.texts,
            [[
                Piece::Text("ask ".into()),
                Piece::At(10001),
                Piece::Text(" docs (https://e.x)".into())
            ]]
        );
        assert_eq!(
            said(&layout(&text, &Place::Private(1))),
            "ask Ann docs (https://e.x)"
        );
    }

    #[test]
    fn what_shows_nothing_is_not_sent_and_what_is_too_long_is_a_file() {
        let text = |text: &str| [segment(Kind::Text(text.into()))];
        assert!(layout(&text(" \n"), &Place::Group(1)).texts.is_empty());
        let long = layout(&text(&"行\n".repeat(5000)), &Place::Group(1));
        assert_eq!(long.texts.len(), 1);
        assert_eq!(long.file.unwrap().chars().count(), 10_000);
    }

    proptest! {
        #[test]
        fn no_message_is_too_long_and_no_character_is_lost(
            text in "[a中😀é\u{301}。\n ]{0,60}", times in 1_usize..120,
        ) {
            let whole = text.repeat(times);
            let layout = layout(&[segment(Kind::Text(whole.clone()))], &Place::Group(1));
            let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            for message in &layout.texts {
                for piece in message {
                    let Piece::Text(text) = piece else { panic!("a mention") };
                    prop_assert!(text.encode_utf16().count() <= TEXT_LIMIT);
                }
            }
            match &layout.file {
                Some(file) => prop_assert_eq!(file, &whole),
                None => prop_assert_eq!(solid(&said(&layout)), solid(&whole)),
            }
        }
    }
}
