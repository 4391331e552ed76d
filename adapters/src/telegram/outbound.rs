//! From actions to what Telegram is sent. Pure functions.

use jarvis_proto::chat::{ButtonRow, CommandMenu, MenuItem, Segment};
use teloxide::types::{BotCommand, InlineKeyboardButton, InlineKeyboardMarkup};

use crate::markup::{self, Run};
use crate::split::{MOST_PARTS, Unit, split};

/// Largest text and caption, in UTF-16 units of what the reader sees.
pub(super) const TEXT_LIMIT: usize = 4096;
const CAPTION_LIMIT: usize = 1024;
/// What is shown of a text that goes out as a file.
const HEAD_LIMIT: usize = 1000;
/// Largest data of a button, in bytes; buttons in a row and in all.
const BUTTON_DATA: usize = 64;
const BUTTONS_IN_ROW: usize = 8;
const BUTTONS: usize = 100;
/// Limits of the command menu.
const COMMANDS: usize = 100;
const COMMAND_NAME: usize = 32;
const COMMAND_DESCRIPTION: usize = 256;

/// A text as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The messages, in order.
    pub(super) texts: Vec<Rendered>,
    /// The whole text, when it is too long for messages: it follows as a file.
    pub(super) file: Option<String>,
}

/// One message in both forms: plain is for the case that Telegram cannot read the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) html: String,
    pub(super) plain: String,
}

/// Cuts a text into messages.
pub(super) fn layout(segments: &[Segment]) -> Layout {
    let runs = markup::runs(segments);
    let parts = split(&runs, TEXT_LIMIT, Unit::Utf16);
    if parts.len() <= MOST_PARTS {
        return Layout {
            texts: parts.iter().filter_map(|part| rendered(part)).collect(),
            file: None,
        };
    }
    let mut head = split(&runs, HEAD_LIMIT, Unit::Utf16);
    head.truncate(1);
    let texts = head.iter().filter_map(|part| rendered(part)).collect();
    Layout {
        texts,
        file: Some(markup::plain(segments)),
    }
}

/// The caption of a file; `None` when it is too long and has to go out as messages of its own.
pub(super) fn caption(segments: &[Segment]) -> Option<Option<Rendered>> {
    let runs = markup::runs(segments);
    let fits = Unit::Utf16.length(&markup::visible(&runs)) <= CAPTION_LIMIT;
    fits.then(|| rendered(&runs))
}

/// A part that shows nothing is refused by Telegram: it is left out.
fn rendered(runs: &[Run]) -> Option<Rendered> {
    let plain = markup::visible(runs);
    if plain.trim().is_empty() {
        return None;
    }
    let html = markup::html(runs, |person| format!("tg://user?id={person}"));
    Some(Rendered { html, plain })
}

/// The inline keyboard. A button that Telegram would refuse would take the message with it: it is
/// left out.
pub(super) fn keyboard(rows: &[ButtonRow]) -> Option<InlineKeyboardMarkup> {
    let mut left = BUTTONS;
    let mut keyboard: Vec<Vec<InlineKeyboardButton>> = Vec::new();
    for row in rows {
        let fit = row.buttons.iter().filter(|button| {
            !button.label.is_empty() && (1..=BUTTON_DATA).contains(&button.data.len())
        });
        let fit: Vec<_> = fit
            .take(left)
            .map(|button| InlineKeyboardButton::callback(&button.label, &button.data))
            .collect();
        left -= fit.len();
        keyboard.extend(
            fit.chunks(BUTTONS_IN_ROW)
                .map(<[InlineKeyboardButton]>::to_vec),
        );
    }
    (!keyboard.is_empty()).then(|| InlineKeyboardMarkup::new(keyboard))
}

/// The commands of each language, the one for everybody else first, under an empty code.
pub(super) fn menu(menu: &CommandMenu) -> Vec<(String, Vec<BotCommand>)> {
    let fallback = menu
        .languages
        .iter()
        .find(|list| list.language == "en")
        .or_else(|| menu.languages.first())
        .map(|list| (String::new(), commands(&list.items)));
    let special = menu
        .languages
        .iter()
        .filter(|list| list.language != "en")
        .map(|list| {
            (
                list.language.chars().take(2).collect(),
                commands(&list.items),
            )
        });
    fallback.into_iter().chain(special).collect()
}

fn commands(items: &[MenuItem]) -> Vec<BotCommand> {
    let is_fit = |item: &&MenuItem| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        (1..=COMMAND_NAME).contains(&item.name.len())
            && item.name.bytes().all(fits)
            && !item.description.trim().is_empty()
    };
    let command = |item: &MenuItem| {
        let description: String = item.description.chars().take(COMMAND_DESCRIPTION).collect();
        BotCommand::new(&item.name, description)
    };
    items
        .iter()
        .filter(is_fit)
        .take(COMMANDS)
        .map(command)
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jarvis_proto::chat::segment::Kind;
    use jarvis_proto::chat::{Button, MenuLanguage, Pre};

    use super::*;

    fn text(text: &str) -> Vec<Segment> {
        vec![Segment {
            kind: Some(Kind::Text(text.into())),
        }]
    }

    #[test]
    fn a_long_text_is_several_messages_and_a_very_long_one_a_file() {
        let layout_of = |length: usize| layout(&text(&"word ".repeat(length / 5)));
        assert_eq!(layout_of(4000).texts.len(), 1);
        let several = layout_of(10_000);
        assert_eq!((several.texts.len(), several.file.is_none()), (3, true));
        let file = layout_of(40_000);
        assert_eq!((file.texts.len(), file.file.unwrap().len()), (1, 40_000));
        assert!(
            layout(&text(" \n ")).texts.is_empty(),
            "what shows nothing is not sent"
        );
    }

    #[test]
    fn a_block_is_a_block_in_every_message() {
        let pre = Pre {
            text: "line <1>\n".repeat(1000),
            language: String::new(),
        };
        let layout = layout(&[Segment {
            kind: Some(Kind::Pre(pre)),
        }]);
        assert_eq!(layout.texts.len(), 3);
        for part in &layout.texts {
            assert!(part.html.starts_with("<pre>line &lt;1&gt;") && part.html.ends_with("</pre>"));
        }
    }

    #[test]
    fn captions_that_are_too_long_go_out_as_messages() {
        assert_eq!(caption(&text(&"x".repeat(1025))), None);
        assert_eq!(caption(&text("")), Some(None));
        assert_eq!(caption(&text("a<b")).unwrap().unwrap().html, "a&lt;b");
    }

    #[test]
    fn buttons_that_telegram_refuses_are_left_out() {
        let button = |label: &str, data: &str| Button {
            label: label.into(),
            data: data.into(),
            ..Button::default()
        };
        let rows = [
            ButtonRow {
                buttons: vec![button("yes", "y"), button("long", &"x".repeat(65))],
            },
            ButtonRow {
                buttons: vec![button("", "y"), button("no data", "")],
            },
            ButtonRow {
                buttons: (0..9).map(|_| button("b", "b")).collect(),
            },
        ];
        let rows: Vec<_> = keyboard(&rows)
            .unwrap()
            .inline_keyboard
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(rows, [1, 8, 1]);
        assert_eq!(keyboard(&[]), None);
    }

    #[test]
    fn the_menu_has_a_fallback_and_the_other_languages() {
        let items = |description: &str| {
            ["nodes", "Bad Name", "x"]
                .map(|name| MenuItem {
                    name: name.into(),
                    description: description.into(),
                })
                .to_vec()
        };
        let languages = vec![
            MenuLanguage {
                language: "zh-CN".into(),
                items: items("节点"),
            },
            MenuLanguage {
                language: "en".into(),
                items: items("Nodes"),
            },
        ];
        let menu = menu(&CommandMenu { languages });
        let codes: Vec<_> = menu
            .iter()
            .map(|(code, commands)| (code.as_str(), commands.len()))
            .collect();
        assert_eq!(codes, [("", 2), ("zh", 2)]);
        assert_eq!(menu[0].1[0].description, "Nodes");
    }
}
