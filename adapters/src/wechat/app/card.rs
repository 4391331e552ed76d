//! Buttons as WeCom shows them: a card.

use jarvis_proto::chat::{Button, ButtonRow};
use serde_json::{Value, json};

/// What a card shows well, in characters; the platform's advice.
const TITLE: usize = 36;
const TEXT: usize = 160;
/// Title of a card whose text is too long for one.
const NAME: &str = "Jarvis";
/// Longest key of a button, in bytes.
const LONGEST_KEY: usize = 1024;

/// A card with buttons.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Card {
    pub(super) task: String,
    pub(super) body: Value,
    /// Keys and labels.
    pub(super) labels: Vec<(String, String)>,
    /// The card says all of the text: no message need go before it.
    pub(super) says_all: bool,
}

/// A card for the buttons of a text; `None` when there are none, or more than a card has.
pub(super) fn card(text: &str, rows: &[ButtonRow], most: usize, action: &str) -> Option<Card> {
    let buttons: Vec<&Button> = rows.iter().flat_map(|row| &row.buttons).collect();
    let is_usable = |button: &&Button| {
        !button.label.is_empty() && !button.data.is_empty() && button.data.len() <= LONGEST_KEY
    };
    if buttons.is_empty() || buttons.len() > most || !buttons.iter().all(is_usable) {
        return None;
    }
    let text = text.trim();
    let (title, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (title, rest) = (title.trim(), rest.trim());
    let fits = |text: &str, most: usize| text.chars().count() <= most;
    let says_all = fits(title, TITLE) && fits(rest, TEXT) && !title.is_empty();
    // A card needs a title.
    let (title, rest) = match says_all {
        true => (title, rest),
        false if fits(text, TEXT) => (NAME, text),
        false => (NAME, ""),
    };
    let says_all = says_all || !rest.is_empty();
    let task: String = format!("jarvis-{action}")
        .chars()
        .filter(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '@'))
        .take(128)
        .collect();
    let mut body = json!({
        "card_type": "button_interaction",
        "main_title": { "title": title },
        "task_id": task,
        "button_list": buttons
            .iter()
            .map(|button| json!({ "text": button.label, "style": 1, "key": button.data }))
            .collect::<Vec<_>>(),
    });
    if !rest.is_empty() {
        body["sub_title_text"] = json!(rest);
    }
    let labels = buttons.iter();
    let labels = labels.map(|button| (button.data.clone(), button.label.clone()));
    Some(Card {
        task,
        body,
        labels: labels.collect(),
        says_all,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn row(count: usize) -> Vec<ButtonRow> {
        let buttons = (0..count).map(|number| Button {
            label: format!("b{number}"),
            data: format!("d{number}"),
            command: "c".into(),
        });
        vec![ButtonRow {
            buttons: buttons.collect(),
        }]
    }

    #[test]
    fn a_short_question_is_the_card_and_a_long_one_goes_before_it() {
        let short = card("Sure?\nIt stops web-1.", &row(2), 6, "0192-a/b").unwrap();
        assert!(short.says_all);
        assert_eq!(short.task, "jarvis-0192-ab");
        assert_eq!(short.body["main_title"]["title"], "Sure?");
        assert_eq!(short.body["sub_title_text"], "It stops web-1.");
        assert_eq!(short.body["button_list"][1]["key"], "d1");
        let middle = card(&"字".repeat(100), &row(1), 6, "a").unwrap();
        assert!(middle.says_all);
        assert_eq!(
            middle.body["sub_title_text"]
                .as_str()
                .unwrap()
                .chars()
                .count(),
            100
        );
        let long = format!("{}\nWhich one?\n", "line\n".repeat(100));
        let long = card(&long, &row(1), 6, "a").unwrap();
        assert!(!long.says_all);
        assert_eq!(long.body["main_title"]["title"], NAME);
        assert!(long.body.get("sub_title_text").is_none());
    }

    #[test]
    fn too_many_buttons_are_no_card() {
        assert_eq!(card("a", &row(7), 6, "a"), None);
        assert_eq!(card("a", &[], 6, "a"), None);
        assert!(card("a", &row(6), 6, "a").is_some());
    }
}
