//! From the brain's texts to what WeChat is sent. Pure functions.

use std::fmt::Write as _;

use jarvis_proto::chat::Segment;

use crate::markup::markdown::{block, surround};
use crate::markup::{self, Run, Style};
use crate::split::{MOST_PARTS, Unit, split};

/// What is shown of a text that goes out as a file, in characters.
const HEAD_LIMIT: usize = 1000;

/// A text as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The messages, in order.
    pub(super) texts: Vec<String>,
    /// The whole text, when it is too long for messages: it follows as a file.
    pub(super) file: Option<String>,
}

/// Cuts a text into messages of at most `limit` characters. A message costs one of few, so a text that
/// needs many goes as a file.
pub(super) fn layout(segments: &[Segment], limit: usize, has_markdown: bool) -> Layout {
    let runs = markup::runs(segments);
    let texts = fitting(&runs, limit, has_markdown);
    if texts.len() <= MOST_PARTS {
        return Layout { texts, file: None };
    }
    let mut head = fitting(&runs, HEAD_LIMIT.min(limit), has_markdown);
    head.truncate(1);
    Layout {
        texts: head,
        file: Some(markup::plain(segments)),
    }
}

/// Parts whose text fits with its marks. A part that shows nothing is left out.
fn fitting(runs: &[Run], limit: usize, has_markdown: bool) -> Vec<String> {
    let mut room = limit;
    loop {
        let parts: Vec<String> = split(runs, room, Unit::Characters)
            .iter()
            .filter(|part| !markup::visible(part).trim().is_empty())
            .map(|part| rendered(part, has_markdown))
            .collect();
        let fits = |part: &String| part.chars().count() <= limit;
        if room <= 1 || parts.iter().all(fits) {
            return parts;
        }
        room = room * 3 / 4;
    }
}

/// Bold, code and blocks are what WeChat draws; whatever else stays words.
fn rendered(runs: &[Run], has_markdown: bool) -> String {
    let mut out = String::new();
    for run in runs {
        match &run.style {
            Style::Bold if has_markdown => surround(&mut out, "**", &run.text),
            Style::Code if has_markdown && !run.text.contains(['`', '\n']) => {
                surround(&mut out, "`", &run.text);
            }
            Style::Block { language } if has_markdown => block(&mut out, language, &run.text),
            Style::Link { url } if *url != run.text => {
                let _ = write!(out, "{} ({url})", run.text);
            }
            _ => out.push_str(&run.text),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::chat::segment::Kind;
    use jarvis_proto::chat::{Link, Pre};
    use proptest::prelude::*;

    use super::*;

    fn segment(kind: Kind) -> Segment {
        Segment { kind: Some(kind) }
    }

    fn rich() -> Vec<Segment> {
        vec![
            segment(Kind::Bold("job 1 ".into())),
            segment(Kind::Italic("now ".into())),
            segment(Kind::Code("a_b".into())),
            segment(Kind::Pre(Pre {
                text: "x ``` *y*".into(),
                language: "sh".into(),
            })),
            segment(Kind::Link(Link {
                text: "docs".into(),
                url: "https://e.x".into(),
            })),
        ]
    }

    #[test]
    fn only_what_is_drawn_is_marked() {
        assert_eq!(
            layout(&rich(), 4000, true).texts,
            ["**job 1** now `a_b`\n````sh\nx ``` *y*\n````\ndocs (https://e.x)"]
        );
        assert_eq!(
            layout(&rich(), 4000, false).texts,
            ["job 1 now a_bx ``` *y*docs (https://e.x)"]
        );
    }

    #[test]
    fn a_long_text_is_several_messages_and_a_very_long_one_a_file() {
        let layout_of = |length: usize| {
            let text = segment(Kind::Text("字 😀。".repeat(length / 4)));
            layout(&[text], 4000, true)
        };
        assert_eq!(layout_of(4000).texts.len(), 1);
        assert_eq!(layout_of(10_000).texts.len(), 3);
        let file = layout_of(40_000);
        assert_eq!(file.texts.len(), 1);
        assert_eq!(file.file.unwrap().chars().count(), 40_000);
    }

    proptest! {
        #[test]
        fn every_message_fits(said in "[*a-c `。字😀\\n]{1,300}", limit in 40_usize..100) {
            let segments = [segment(Kind::Bold(said.clone())), segment(Kind::Text(said))];
            for text in layout(&segments, limit, true).texts {
                prop_assert!(text.chars().count() <= limit);
            }
        }
    }
}
