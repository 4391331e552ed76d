//! From segments to texts of a size that the platforms take. Pure functions.

use std::fmt::Write as _;

use jarvis_proto::chat::Segment;

use crate::markup::{self, Run, Style};
use crate::split::{MOST_PARTS, Unit, split};

/// What is shown of a text that goes out as a file, in bytes.
const HEAD: usize = 1000;
/// Messages of a text that no file can carry.
const MOST_WITHOUT_FILE: usize = 12;

/// A text as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The messages, in order.
    pub(super) texts: Vec<Rendered>,
    /// The whole text, when it is too long for messages: it follows as a file.
    pub(super) file: Option<String>,
}

/// One message in both forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) plain: String,
    /// `None` where markdown would show nothing more, or might show something else.
    pub(super) markdown: Option<String>,
}

/// Cuts a text into messages of at most `limit` bytes; one that would be many becomes a file.
pub(super) fn layout(segments: &[Segment], limit: usize) -> Layout {
    let parts = parts(segments, limit);
    if parts.len() <= MOST_PARTS {
        return Layout {
            texts: parts,
            file: None,
        };
    }
    let mut head = self::parts(segments, HEAD.min(limit));
    head.truncate(1);
    Layout {
        texts: head,
        file: Some(markup::plain(segments)),
    }
}

/// The same where files cannot be sent: many messages, and what is beyond them is left out.
pub(super) fn messages(segments: &[Segment], limit: usize) -> Layout {
    let mut texts = parts(segments, limit);
    if texts.len() > MOST_WITHOUT_FILE {
        texts.truncate(MOST_WITHOUT_FILE - 1);
        texts.push(Rendered {
            plain: "[…]".to_owned(),
            markdown: None,
        });
    }
    Layout { texts, file: None }
}

/// Parts whose text fits. A part that shows nothing is left out.
fn parts(segments: &[Segment], limit: usize) -> Vec<Rendered> {
    let runs: Vec<Run> = markup::runs(segments).into_iter().map(shown).collect();
    split(&runs, limit, Unit::Bytes)
        .iter()
        .filter_map(|part| {
            let plain = markup::visible(part);
            (!plain.trim().is_empty()).then(|| Rendered {
                markdown: markdown(part).filter(|markdown| markdown.len() <= limit),
                plain,
            })
        })
        .collect()
}

/// A link shows where it leads.
fn shown(mut run: Run) -> Run {
    if let Style::Link { url } = &run.style
        && *url != run.text
    {
        let _ = write!(run.text, " ({url})");
    }
    run
}

/// WeCom's markdown has no escapes and no blocks of code: it is used where nothing can be mistaken.
fn markdown(runs: &[Run]) -> Option<String> {
    let mut out = String::new();
    let mut has_looks = false;
    for run in runs {
        if has_marks(&run.text, out.is_empty() || out.ends_with('\n')) {
            return None;
        }
        let mark = match &run.style {
            Style::Block { .. } => return None,
            Style::Plain | Style::Mention { .. } | Style::Link { .. } | Style::Italic => "",
            Style::Bold => "**",
            Style::Code => "`",
        };
        let is_one_line = !run.text.contains('\n') && run.text.trim() == run.text;
        let mark = if is_one_line { mark } else { "" };
        has_looks |= !mark.is_empty();
        let _ = write!(out, "{mark}{}{mark}", run.text);
    }
    has_looks.then_some(out)
}

/// Whether something in a text could be taken for a mark.
fn has_marks(text: &str, mut line_begins: bool) -> bool {
    for character in text.chars() {
        let is_mark = matches!(character, '*' | '_' | '`' | '[' | ']' | '<' | '~' | '\\');
        if is_mark || (line_begins && matches!(character, '#' | '>' | '-' | '+' | '|')) {
            return true;
        }
        line_begins = character == '\n' || (line_begins && character == ' ');
    }
    false
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

    fn text(text: &str) -> Vec<Segment> {
        vec![segment(Kind::Text(text.into()))]
    }

    #[test]
    fn markdown_is_used_where_nothing_can_be_mistaken() {
        let of = |segments: &[Segment]| layout(segments, 2048).texts.remove(0);
        let bold = segment(Kind::Bold("job 1".into()));
        let plain = segment(Kind::Text(" is done".into()));
        let rendered = of(&[bold.clone(), plain]);
        assert_eq!(rendered.plain, "job 1 is done");
        assert_eq!(rendered.markdown.as_deref(), Some("**job 1** is done"));
        assert_eq!(of(&text("done")).markdown, None);
        for kind in [
            Kind::Text("a_b".into()),
            Kind::Text("\n# x".into()),
            Kind::Text("<@all>".into()),
            Kind::Pre(Pre {
                text: "x".into(),
                language: String::new(),
            }),
        ] {
            assert_eq!(of(&[bold.clone(), segment(kind)]).markdown, None);
        }
        let link = segment(Kind::Link(Link {
            text: "docs".into(),
            url: "https://e.x/".into(),
        }));
        assert_eq!(of(&[link]).plain, "docs (https://e.x/)");
    }

    #[test]
    fn a_long_text_is_several_messages_and_a_very_long_one_a_file() {
        let of = |length: usize| layout(&text(&"字😀。\n".repeat(length / 11)), 2048);
        assert_eq!(of(2046).texts.len(), 1);
        assert_eq!(of(6600).texts.len(), 4);
        let file = of(22_000);
        assert_eq!((file.texts.len(), file.file.unwrap().len()), (1, 22_000));
        let all = messages(&text(&"字😀。\n".repeat(20_000)), 2048);
        assert_eq!(all.texts.len(), MOST_WITHOUT_FILE);
        assert_eq!(all.texts.last().unwrap().plain, "[…]");
    }

    proptest! {
        #[test]
        fn every_message_fits_in_both_forms(said in "[*_a-c `。字😀\\n#]{1,300}", limit in 40_usize..100) {
            for part in layout(&text(&said), limit).texts {
                prop_assert!(part.plain.len() <= limit);
                prop_assert!(part.markdown.is_none_or(|markdown| markdown.len() <= limit));
            }
        }
    }
}
