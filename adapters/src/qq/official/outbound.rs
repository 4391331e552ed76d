//! From actions to what QQ is sent. Pure functions.

use std::fmt::Write as _;

use jarvis_proto::chat::{ButtonRow, Segment};
use serde_json::{Value, json};

use crate::markup::markdown::{escape, markdown};
use crate::markup::{self, Run, Style};
use crate::split::{MOST_PARTS, Unit, split};

/// What is shown of a text that goes out as a file, in characters.
const HEAD_LIMIT: usize = 1000;
/// Rows of a keyboard, and buttons of a row.
const ROWS: usize = 5;
const BUTTONS_IN_ROW: usize = 5;
/// Everybody in the room may press.
const FOR_ALL: u8 = 2;
/// A pressed button comes to us as an event.
const CALL_BACK: u8 = 1;

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
    /// `None` when nothing in it needs markdown.
    pub(super) markdown: Option<String>,
    pub(super) plain: String,
}

impl Rendered {
    /// The text as markdown, also where it has no looks.
    pub(super) fn as_markdown(&self) -> String {
        self.markdown.clone().unwrap_or_else(|| escape(&self.plain))
    }
}

/// Cuts a text into messages of at most `limit` characters.
pub(super) fn layout(segments: &[Segment], limit: usize) -> Layout {
    let runs = markup::runs(segments);
    let parts = fitting(&runs, limit);
    if parts.len() <= MOST_PARTS {
        return Layout {
            texts: parts,
            file: None,
        };
    }
    let mut head = fitting(&runs, HEAD_LIMIT.min(limit));
    head.truncate(1);
    Layout {
        texts: head,
        file: Some(markup::plain(segments)),
    }
}

/// Parts whose text fits with the marks that markdown adds. A part that shows nothing is left out.
fn fitting(runs: &[Run], limit: usize) -> Vec<Rendered> {
    let mut room = limit;
    loop {
        let parts: Vec<Rendered> = split(runs, room, Unit::Characters)
            .iter()
            .filter_map(|part| rendered(part))
            .collect();
        let fits = |part: &Rendered| part.as_markdown().chars().count() <= limit;
        // Escapes at most double a text, and looks add a little.
        if room <= limit / 4 || parts.iter().all(fits) {
            return parts;
        }
        room = room * 3 / 4;
    }
}

fn rendered(runs: &[Run]) -> Option<Rendered> {
    let visible = markup::visible(runs);
    if visible.trim().is_empty() {
        return None;
    }
    let is_plain = |run: &Run| matches!(run.style, Style::Plain | Style::Mention { .. });
    let has_looks = !runs.iter().all(is_plain);
    Some(Rendered {
        markdown: has_looks.then(|| markdown(runs)),
        plain: with_links(runs),
    })
}

/// Plain text: a link shows where it leads.
fn with_links(runs: &[Run]) -> String {
    let mut out = String::new();
    for run in runs {
        out.push_str(&run.text);
        if let Style::Link { url } = &run.style
            && *url != run.text
        {
            let _ = write!(out, " ({url})");
        }
    }
    out
}

/// The keyboard; `None` when there are no buttons, or more than the platform shows.
pub(super) fn keyboard(rows: &[ButtonRow]) -> Option<Value> {
    let rows: Vec<Vec<Value>> = rows
        .iter()
        .flat_map(|row| row.buttons.chunks(BUTTONS_IN_ROW))
        .enumerate()
        .map(|(line, buttons)| {
            let button = |(place, button): (usize, &jarvis_proto::chat::Button)| {
                json!({
                    "id": format!("{line}-{place}"),
                    "render_data": {
                        "label": button.label,
                        "visited_label": button.label,
                        "style": 1,
                    },
                    "action": {
                        "type": CALL_BACK,
                        "permission": { "type": FOR_ALL },
                        "data": button.data,
                        "unsupport_tips": button.command,
                    },
                })
            };
            buttons.iter().enumerate().map(button).collect()
        })
        .collect();
    let usable = |row: &Vec<Value>| {
        row.iter()
            .all(|button| button["action"]["data"] != "" && button["render_data"]["label"] != "")
    };
    let fits = !rows.is_empty() && rows.len() <= ROWS && rows.iter().all(usable);
    fits.then(|| {
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|buttons| json!({ "buttons": buttons }))
            .collect();
        json!({ "content": { "rows": rows } })
    })
}

/// The text with its addresses broken up, so that the platform does not take them for links.
pub(super) fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        let joins = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if character == '.' && joins(before) && characters.peek().copied().is_some_and(joins) {
            out.push('．');
        } else {
            out.push(character);
        }
        before = character;
    }
    out.replace("://", "：//")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::chat::segment::Kind;
    use jarvis_proto::chat::{Button, Link, Pre};
    use proptest::prelude::*;

    use super::*;

    fn segment(kind: Kind) -> Segment {
        Segment { kind: Some(kind) }
    }

    fn text(text: &str) -> Vec<Segment> {
        vec![segment(Kind::Text(text.into()))]
    }

    #[test]
    fn plain_text_stays_as_it_is_and_looks_become_markdown() {
        let layout_of = |segments: &[Segment]| layout(segments, 4000).texts.remove(0);
        let plain = layout_of(&text("a_b *c* # d"));
        assert_eq!(
            (plain.markdown.as_deref(), plain.plain.as_str()),
            (None, "a_b *c* # d")
        );
        assert_eq!(plain.as_markdown(), "a\\_b \\*c\\* # d");
        let rich = layout_of(&[
            segment(Kind::Bold("job 1 ".into())),
            segment(Kind::Code("a_b".into())),
            segment(Kind::Pre(Pre {
                text: "x ``` *y*".into(),
                language: "sh".into(),
            })),
            segment(Kind::Link(Link {
                text: "docs".into(),
                url: "https://e.x/(a)".into(),
            })),
        ]);
        assert_eq!(
            rich.markdown.unwrap(),
            "**job 1** `a_b`\n````sh\nx ``` *y*\n````\n[docs](https://e.x/a)"
        );
        assert_eq!(rich.plain, "job 1 a_bx ``` *y*docs (https://e.x/(a))");
    }

    #[test]
    fn a_long_text_is_several_messages_and_a_very_long_one_a_file() {
        let layout_of = |length: usize| layout(&text(&"字 😀。".repeat(length / 4)), 4000);
        assert_eq!(layout_of(4000).texts.len(), 1);
        assert_eq!(layout_of(10_000).texts.len(), 3);
        let file = layout_of(40_000);
        assert_eq!(file.texts.len(), 1);
        assert_eq!(file.file.unwrap().chars().count(), 40_000);
    }

    #[test]
    fn a_keyboard_fits_or_is_none() {
        let button = |label: &str| Button {
            label: label.into(),
            data: "d".into(),
            command: "c".into(),
        };
        let row = |count: usize| ButtonRow {
            buttons: (0..count).map(|_| button("b")).collect(),
        };
        assert_eq!(keyboard(&[]), None);
        let keyboard_of = keyboard(&[row(2), row(6)]).unwrap();
        let rows = keyboard_of["content"]["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1]["buttons"].as_array().unwrap().len(), 5);
        assert_eq!(keyboard(&[row(26)]), None);
        let empty = ButtonRow {
            buttons: vec![button("")],
        };
        assert_eq!(keyboard(&[empty]), None);
    }

    #[test]
    fn addresses_are_broken_up() {
        assert_eq!(
            without_links("see https://e.example.org/a.b, done."),
            "see https：//e．example．org/a．b, done."
        );
    }

    proptest! {
        #[test]
        fn every_message_fits_in_both_forms(said in "[*_a-c `。字😀\\n#]{1,400}", limit in 40_usize..100) {
            for part in layout(&text(&said), limit).texts {
                prop_assert!(part.plain.chars().count() <= limit);
                prop_assert!(part.as_markdown().chars().count() <= limit);
            }
        }
    }
}
