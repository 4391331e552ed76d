//! From the brain's texts to WeChat's messages. Pure functions.

use jarvis_proto::chat::Segment;

use super::place::Place;
use crate::markup::{self, Run, Style};
use crate::split::{MOST_PARTS, Unit, split};

/// A text as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The messages, in order.
    pub(super) texts: Vec<Words>,
    /// The whole text, when it is too long for messages: it follows as a file.
    pub(super) file: Option<String>,
}

/// The words of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// The text.
    pub(super) text: String,
    /// Whose phones are to ring; each is called by name in the text.
    pub(super) mentions: Vec<String>,
}

/// Cuts a text into messages of at most `limit` characters.
pub(super) fn layout(segments: &[Segment], place: &Place, limit: usize) -> Layout {
    let runs = shown(markup::runs(segments), place);
    let parts = split(&runs, limit, Unit::Characters);
    let messages = |parts: &[Vec<Run>]| -> Vec<Words> {
        let words = parts.iter().map(|part| words(part));
        words.filter(|words| !words.text.is_empty()).collect()
    };
    if parts.len() <= MOST_PARTS {
        return Layout {
            texts: messages(&parts),
            file: None,
        };
    }
    let mut head = split(&runs, (limit / 2).max(1), Unit::Characters);
    head.truncate(1);
    Layout {
        texts: messages(&head),
        file: Some(markup::plain(segments)),
    }
}

/// A link shows where it leads. In a room a mention is the call that a phone writes; in private nobody has
/// to be called.
fn shown(runs: Vec<Run>, place: &Place) -> Vec<Run> {
    let shown = |mut run: Run| {
        match &run.style {
            Style::Link { url } if *url != run.text => run.text = format!("{} ({url})", run.text),
            Style::Mention { .. } if place.is_group() => {
                run.text = format!("@{}\u{2005}", run.text.trim_start_matches('@'));
            }
            Style::Mention { .. } => run.style = Style::Plain,
            _ => {}
        }
        run
    };
    runs.into_iter().map(shown).collect()
}

fn words(part: &[Run]) -> Words {
    let mut mentions: Vec<String> = Vec::new();
    for run in part {
        if let Style::Mention { person } = &run.style
            && !mentions.contains(person)
        {
            mentions.push(person.clone());
        }
    }
    // The space after a name belongs to the call.
    let text = markup::visible(part);
    let text = text.trim_end_matches(|sign: char| sign.is_whitespace() && sign != '\u{2005}');
    Words {
        text: text.to_owned(),
        mentions,
    }
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

    #[test]
    fn a_mention_rings_in_a_room_and_is_a_name_elsewhere() {
        let text = [
            segment(Kind::Text("ask ".into())),
            segment(Kind::Mention(Mention {
                person: "wxid_ann".into(),
                name: "Ann".into(),
            })),
            segment(Kind::Link(Link {
                text: " docs".into(),
                url: "https://e.x".into(),
            })),
        ];
        let room = layout(&text, &Place::Room("1@chatroom".into()), 2000);
        assert_eq!(
            room.texts,
            [Words {
                text: "ask @Ann\u{2005} docs (https://e.x)".into(),
                mentions: vec!["wxid_ann".into()]
            }]
        );
        let private = layout(&text, &Place::Private("wxid_bob".into()), 2000);
        assert_eq!(private.texts[0].text, "ask Ann docs (https://e.x)");
        assert!(private.texts[0].mentions.is_empty());
    }

    #[test]
    fn what_shows_nothing_is_not_sent_and_what_is_too_long_is_a_file() {
        let place = Place::Room("r".into());
        let text = |text: &str| [segment(Kind::Text(text.into()))];
        assert!(layout(&text(" \n"), &place, 2000).texts.is_empty());
        let long = layout(&text(&"行\n".repeat(5000)), &place, 2000);
        assert_eq!(long.texts.len(), 1);
        assert_eq!(long.file.unwrap().chars().count(), 10_000);
    }

    proptest! {
        #[test]
        fn no_message_is_too_long_and_no_character_is_lost(
            text in "[a中😀é\u{301}。\n ]{0,60}", times in 1_usize..120,
        ) {
            let whole = text.repeat(times);
            let layout = layout(&[segment(Kind::Text(whole.clone()))], &Place::Room("r".into()), 1000);
            let solid = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            for words in &layout.texts {
                prop_assert!(words.text.chars().count() <= 1000);
            }
            match &layout.file {
                Some(file) => prop_assert_eq!(file, &whole),
                None => {
                    let said: String = layout.texts.iter().map(|words| words.text.as_str()).collect();
                    prop_assert_eq!(solid(&said), solid(&whole));
                }
            }
        }
    }
}
