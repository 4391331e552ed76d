//! From actions to what WeCom is sent. Pure functions.

use jarvis_proto::chat::{Button, ButtonRow, Segment};
use serde_json::{Value, json};

use super::words::Words;
use crate::markup::markdown::{escape, markdown};
use crate::markup::{self, Run, Style};
use crate::split::{MOST_PARTS, Unit, split};

/// What is shown of a text that goes out as a file, in bytes.
const HEAD_LIMIT: usize = 3000;
/// What the platform shows on one card.
const BUTTONS: usize = 6;
const LONGEST_KEY: usize = 1024;
/// Style of a button that asks for attention, and of one that does not.
const BLUE: u8 = 1;
const GREY: u8 = 4;

/// A text as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The messages, in order.
    pub(super) texts: Vec<Rendered>,
    /// The whole text, when it is too long for messages: it follows as a file.
    pub(super) file: Option<String>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) markdown: String,
    /// For where there is no markdown: cards, and the greeting.
    pub(super) plain: String,
}

/// Cuts a text into messages of at most `limit` bytes.
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

/// The beginning of a text, as much as one message takes.
pub(super) fn head(segments: &[Segment], limit: usize) -> Option<Rendered> {
    fitting(&markup::runs(segments), limit).into_iter().next()
}

/// Parts that fit with the marks that markdown adds. A part that shows nothing is left out.
fn fitting(runs: &[Run], limit: usize) -> Vec<Rendered> {
    let mut room = limit;
    loop {
        let parts: Vec<Rendered> = split(runs, room, Unit::Bytes)
            .iter()
            .filter(|part| !markup::visible(part).trim().is_empty())
            .map(|part| Rendered {
                markdown: markdown(part),
                plain: plain(part),
            })
            .collect();
        let fits = |part: &Rendered| part.markdown.len() <= limit && part.plain.len() <= limit;
        // Escapes at most double a text, and looks add a little.
        if room <= limit / 4 || parts.iter().all(fits) {
            return parts;
        }
        room = room * 3 / 4;
    }
}

/// A link shows where it leads.
fn plain(runs: &[Run]) -> String {
    let mut out = String::new();
    for run in runs {
        out.push_str(&run.text);
        if let Style::Link { url } = &run.style
            && *url != run.text
        {
            out.push_str(" (");
            out.push_str(url);
            out.push(')');
        }
    }
    out
}

/// The buttons as lines to type, as markdown.
pub(super) fn choices(rows: &[ButtonRow]) -> String {
    let text = markup::buttons_as_text(rows);
    markdown(&[Run {
        style: Style::Plain,
        text,
    }])
}

/// A text that fits together with what is put behind it.
pub(super) fn joined(text: &str, more: &str, limit: usize) -> String {
    let room = limit.saturating_sub(more.len());
    let mut cut = text.len().min(room);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    format!("{}{more}", &text[..cut])
}

/// A card with buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    pub(super) task: String,
    title: String,
    text: String,
    /// Labels and keys.
    buttons: Vec<(String, String)>,
}

impl Card {
    /// A card; `None` when there are no buttons, or more than one shows. `text` stands on it when it is
    /// short enough, which the second value says.
    pub(super) fn new(
        rows: &[ButtonRow],
        task: String,
        text: Option<&str>,
        words: Words,
        longest: usize,
    ) -> Option<(Self, bool)> {
        let buttons: Vec<(String, String)> = rows
            .iter()
            .flat_map(|row| &row.buttons)
            .map(|button: &Button| (button.label.clone(), button.data.clone()))
            .collect();
        let is_usable = |(label, key): &(String, String)| {
            !label.is_empty() && !key.is_empty() && key.len() <= LONGEST_KEY
        };
        let keys: std::collections::HashSet<_> = buttons.iter().map(|(_, key)| key).collect();
        let fits = (1..=BUTTONS).contains(&buttons.len())
            && keys.len() == buttons.len()
            && buttons.iter().all(is_usable);
        let short = text.filter(|text| text.chars().count() <= longest);
        fits.then(|| {
            let card = Self {
                task,
                title: short.map_or(words.choose, |_| "").to_owned(),
                text: short.unwrap_or_default().trim().to_owned(),
                buttons,
            };
            (card, short.is_some())
        })
    }

    /// As it is sent.
    pub(super) fn body(&self) -> Value {
        let buttons = self.buttons.iter();
        let buttons =
            buttons.map(|(label, key)| json!({ "text": label, "style": BLUE, "key": key }));
        self.with(&buttons.collect())
    }

    /// For a platform that does not take it: labels and what to send for them.
    pub(super) fn as_text(&self) -> Rendered {
        let buttons = self.buttons.iter().map(|(label, data)| Button {
            label: label.clone(),
            data: data.clone(),
            command: data.clone(),
        });
        let rows = [ButtonRow {
            buttons: buttons.collect(),
        }];
        let words = format!("{}{}", self.title, self.text);
        Rendered {
            markdown: format!("{}{}", escape(&words), choices(&rows)),
            plain: format!("{words}{}", markup::buttons_as_text(&rows)),
        }
    }

    /// After a press: only what was chosen is left.
    pub(super) fn pressed(&self, key: &str) -> Value {
        let chosen = self.buttons.iter().find(|(_, own)| own == key);
        let label = chosen.map_or(key, |(label, _)| label);
        self.with(&json!([
            { "text": format!("✓ {label}"), "style": GREY, "key": key },
        ]))
    }

    fn with(&self, buttons: &Value) -> Value {
        let mut card = json!({
            "card_type": "button_interaction",
            "task_id": self.task,
            "button_list": buttons,
        });
        if !self.title.is_empty() {
            card["main_title"] = json!({ "title": self.title });
        }
        if !self.text.is_empty() {
            card["sub_title_text"] = json!(self.text);
        }
        card
    }
}

/// The update of a card of which nothing is known any more.
pub(super) fn unknown_card(task: &str, key: &str, words: Words) -> Value {
    let card = Card {
        task: task.to_owned(),
        title: words.chosen.to_owned(),
        text: String::new(),
        buttons: Vec::new(),
    };
    card.pressed(key)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::chat::segment::Kind;
    use proptest::prelude::*;

    use super::*;
    use crate::wechat::bot::words::words;

    fn text(text: &str) -> Vec<Segment> {
        vec![Segment {
            kind: Some(Kind::Text(text.into())),
        }]
    }

    fn rows(count: usize) -> Vec<ButtonRow> {
        let button = |number: usize| Button {
            label: format!("b{number}"),
            data: format!("d{number}"),
            command: format!("c{number}"),
        };
        vec![ButtonRow {
            buttons: (0..count).map(button).collect(),
        }]
    }

    #[test]
    fn a_card_carries_a_short_text_and_shows_what_was_chosen() {
        let card = |count, text| Card::new(&rows(count), "t".into(), text, words("en"), 10);
        let (short, is_on_it) = card(2, Some("really?")).unwrap();
        assert!(is_on_it);
        assert_eq!(short.body()["sub_title_text"], "really?");
        assert_eq!(short.body()["button_list"][1]["key"], "d1");
        let pressed = short.pressed("d1");
        assert_eq!(pressed["button_list"].as_array().unwrap().len(), 1);
        assert_eq!(pressed["button_list"][0]["text"], "✓ b1");
        assert_eq!(pressed["task_id"], "t");
        let (long, is_on_it) = card(6, Some("more than ten characters")).unwrap();
        assert!(!is_on_it);
        assert_eq!(long.body()["main_title"]["title"], "Choose");
        assert!(card(0, None).is_none() && card(7, None).is_none());
        assert_eq!(
            unknown_card("t", "yes", words("zh"))["main_title"]["title"],
            "已选择"
        );
    }

    #[test]
    fn a_long_text_is_several_messages_and_a_very_long_one_a_file() {
        let layout_of = |bytes: usize| layout(&text(&"字 😀。".repeat(bytes / 11)), 20_480);
        assert_eq!(layout_of(20_000).texts.len(), 1);
        assert_eq!(layout_of(50_000).texts.len(), 3);
        let file = layout_of(200_000);
        assert_eq!((file.texts.len(), file.file.is_some()), (1, true));
    }

    proptest! {
        #[test]
        fn every_message_fits(said in "[*_a-c `。字😀\\n#]{1,400}", limit in 60_usize..200) {
            for part in layout(&text(&said), limit).texts {
                prop_assert!(part.markdown.len() <= limit, "{}", part.markdown);
            }
            let joined = joined(&said, "……", limit);
            prop_assert!(joined.len() <= limit && joined.ends_with("……"));
        }
    }
}
